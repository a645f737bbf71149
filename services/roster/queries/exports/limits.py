"""The office's limits with every value they had, as a list."""

from shared.auth import Who
from shared.exports.lists import Column, ExportList, Filters, Sheet, Source
from shared.parameter_words import LIMITS_CALLED, NAMES
from shared.sheets.writing import Form


def _source(_: Who, __: Filters) -> Source:
    """By name, the newest first."""
    return Source("FROM parameters p", "p.name, p.valid DESC", ())


_COLUMNS = (
    Column("title", "参数", "p.name", turn=lambda _: lambda value, __: NAMES.get(value, value)),
    Column("value", "值", "p.value", Form.NUMBER),
    Column("valid_from", "生效日期", "lower(p.valid)", Form.DAY),
    Column("valid_until", "失效日期", "upper(p.valid)", Form.DAY),
    Column("source", "依据", "p.source"),
    Column("owner", "责任科室", "p.owner"),
)
LIMIT_LISTS = (ExportList("limits", LIMITS_CALLED, "units.read", [Sheet(LIMITS_CALLED, _COLUMNS, _source)]),)
