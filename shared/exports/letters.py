"""死信 of a service as a list: each event that could not be handled, as its page shows it: ids and codes, no data."""

from shared import deeds, masked
from shared.auth import Who
from shared.exports.lists import Column, ExportList, Eye, Filters, Sheet, Source, Turn, wall_clock
from shared.glossary import SERVICE_NAMES
from shared.parked_words import parked_because
from shared.sheets.writing import Form


def letters_list(service: str) -> ExportList:
    """The list of a service."""
    return ExportList(f"dead_letters_{service}", f"死信（{SERVICE_NAMES[service]}）", "upkeep.read", [Sheet("死信", _COLUMNS, _source)])


def _source(_: Who, __: Filters) -> Source:
    """The oldest first."""
    return Source("FROM dead_letters d", "d.id", ())


def _type(_: Eye) -> Turn:
    return lambda value, _: masked.event_type(value or "—")


def _title(_: Eye) -> Turn:
    return lambda value, _: deeds.title_of(masked.event_type(value or "—"))


_TYPE = "d.headers ->> 'ce_type'"
_COLUMNS = (
    Column("parked_at", "停放时间", wall_clock("d.parked_at"), Form.INSTANT),
    Column("title", "事件", _TYPE, turn=_title),
    Column("type", "事件类型", _TYPE, turn=_type),
    Column("consumer", "消费者", "d.consumer"),
    Column("key", "对象", "d.key", turn=lambda _: lambda value, __: masked.key(value)),
    Column("topic", "主题", "d.topic"),
    Column("error", "原因", "d.error", turn=lambda _: lambda value, __: parked_because(value)),
    Column("letter_id", "死信编号", "d.id::text"),
)
