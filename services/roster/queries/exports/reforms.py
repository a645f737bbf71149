"""The list of reforms (机构改革) as a file: whom a unit is shown that one touched, he is shown the reform."""

from services.roster.queries.reforms import SORTS, shown_to
from shared.auth import Who
from shared.exports.lists import Column, ExportList, Filters, Sheet, Sought, Source, acted, sorts_of, wall_clock
from shared.pages import Parameters, ordered
from shared.sheets.writing import Form


def reforms_source(who: Who, filters: Filters) -> Source:
    """Narrowed and ordered as their page is."""
    put = Parameters()
    rows = f"FROM reforms WHERE {shown_to(who, filters.get('q'), put)}"
    return Source(rows, ordered(filters.get("sort", "-effective_on"), SORTS).by, put)


REFORM_COLUMNS = (
    Column("title", "名称", "reforms.title"),
    Column("document_no", "文号", "reforms.document_no"),
    Column("document_on", "文件日期", "reforms.document_on", Form.DAY),
    Column("effective_on", "生效日期", "reforms.effective_on", Form.DAY),
    Column("steps", "步骤数", "jsonb_array_length(reforms.steps)", Form.NUMBER),
    Column("actor", "实施人", "reforms.actor", turn=acted),
    Column("recorded_at", "实施时间", wall_clock("reforms.recorded_at"), Form.INSTANT),
    Column("reform_id", "改革编号", "reforms.id::text"),
)
REFORM_LISTS = (
    ExportList(
        "reforms", "机构改革", "units.read", [Sheet("机构改革", REFORM_COLUMNS, reforms_source)], {"q": Sought, "sort": sorts_of(SORTS)}
    ),
)
