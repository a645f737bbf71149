"""Lists of units: what they are, their posts row by row, the sums by population, leadership posts, reservations, and the ledger (台账)."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from services.roster.models.fields import QUOTAS, SEATS, UNITS
from services.roster.models.units import LISTS
from services.roster.queries.establishments import FIGURES_THEN, POPULATIONS_THEN
from services.roster.queries.exports.columns import (
    OF_UNITS,
    column,
    moment_of,
    of_all_units,
    of_units,
    then,
    units_ever,
    units_then,
)
from services.roster.queries.ledger import DOCUMENT, EFFECTIVE_ON, ESTABLISHMENTS, MATTERS, told
from services.roster.queries.ledger import SEATS as LEDGER_SEATS
from services.roster.queries.ledger import SORTS as LEDGER_SORTS
from services.roster.queries.populations import GroupView, PopulationsView, of_groups
from services.roster.queries.post_lists import SORTS as ROW_SORTS
from services.roster.queries.post_lists import PostFilter, of_rows
from services.roster.queries.seat_lists import SORTS as SEAT_SORTS
from services.roster.queries.seat_lists import SeatFilter, of_levels
from services.roster.queries.seats import levels_of
from services.roster.queries.unit_lists import SORTS, found_by
from shared.auth import Who
from shared.clock import at_hour
from shared.exports.lists import (
    Column,
    ExportList,
    Eye,
    Filters,
    Sheet,
    Sought,
    Source,
    Turn,
    acted,
    as_page,
    coded,
    flagged,
    joined,
    sorts_of,
    wall_clock,
)
from shared.pages import Day, Parameters, ordered
from shared.sheets.writing import Cell, Form

_CODE, _NAME = Column("unit_code", "单位编码", "units.code"), Column("unit", "单位", "was.name")
_UNIT_SQL = {each.name: f"was.{each.name}" for each in UNITS.fields} | {
    "parent": "above.name",
    "duties": "left(was.duties, 32000)",
    **{
        role: f"(SELECT array_agg(name ORDER BY position) FROM unit_names WHERE unit_names.unit_id = units.id AND role = '{role}'"
        f" AND {then('unit_names')})"
        for role in LISTS
    },
}
UNIT_COLUMNS = (_CODE, *(column(each, _UNIT_SQL[each.name]) for each in UNITS.fields))
_FORMER_NAMES = Column(
    "former_names",
    "曾用名",
    "(SELECT array_agg(name || '（至 ' || until || '）' ORDER BY until DESC) FROM (SELECT past.name, max(upper(past.during)) AS until"
    " FROM unit_records AS past WHERE past.unit_id = units.id AND past.name <> was.name AND upper(past.during) <= coalesce($2::date, 'infinity')"
    " AND past.recorded @> coalesce($3::timestamptz, 'infinity') GROUP BY past.name) AS before)",
    turn=joined,
)
"""What a unit was called itself before the day; the upper level's format has no such column."""


_OF_RECORD = ("category", "nature", "public_welfare", "unit_funding", "sector", "rank", "system")


def units_source(who: Who, filters: Filters) -> Source:
    """The units of a day, narrowed and ordered as their page is."""
    put = Parameters(of_units(who, filters))
    conditions = [f"was.{name} = {put(filters[name], 'text')}" for name in _OF_RECORD if name in filters]
    conditions += [found_by(filters["q"], put, moment_of(filters).on, who)] if "q" in filters else ["true"]
    rows = f"{units_then(who)} JOIN unit_search AS search ON search.unit_id = units.id WHERE {' AND '.join(conditions)}"
    return Source(rows, ordered(filters.get("sort", "code"), SORTS).by, put)


_ROWS = f"""
    JOIN LATERAL ({FIGURES_THEN.replace("$1", "units.id")}) AS row ON true
    LEFT JOIN quotas AS held ON held.unit_id = units.id AND held.kind = row.kind AND held.funding = row.funding AND {then("held")}
"""
"""The one arithmetic, unit by unit."""


def quotas_source(who: Who, filters: Filters) -> Source:
    """Every (unit, kind, funding) of a day, with those above their quota and those without one; narrowed and ordered as their page is."""
    put = Parameters(of_units(who, filters))
    itself = _itself(filters, put)
    wanted = PostFilter(**{name: filters[name] for name in _OF_ROWS if name in filters})
    rows = f"{units_then(who)}{_ROWS} WHERE {' AND '.join([itself, *of_rows(wanted, put)])}"
    return Source(rows, ordered(filters.get("sort", "unit"), ROW_SORTS).by, put)


def _itself(filters: Filters, put: Parameters) -> str:
    return f"({put(filters.get('below', True), 'boolean')} OR $5::uuid IS NULL OR units.id = $5)"


_OF_ROWS: Mapping[str, type] = {"kind": str, "funding": str, "counted": bool, "over": bool, "vacant": bool}
_QUOTA = QUOTAS.by_name
QUOTA_COLUMNS = (
    _CODE,
    _NAME,
    column(_QUOTA["kind"], "row.kind"),
    column(_QUOTA["funding"], "row.funding"),
    Column("counted_as", "计入编制", "row.counted", turn=flagged),
    Column("apart", "单列", "row.apart", turn=flagged),
    Column("posts", _QUOTA["posts"].label, "row.quota", Form.NUMBER),
    Column("in_post", "实有数", "row.headcount", Form.NUMBER),
    Column("vacancy", "空编", "row.vacancy", Form.NUMBER),
    Column("overstaffing", "超编", "row.overstaffing", Form.NUMBER),
    Column("reserved_posts", "已核未用", "row.reserved", Form.NUMBER),
    Column("frozen_posts", "冻结数", "row.frozen", Form.NUMBER),
    Column("available", "可用编", "row.available", Form.NUMBER),
    Column("saturation", "使用率", "row.saturation", Form.SHARE),
    Column("vacancy_rate", "空编率", "row.vacancy_rate", Form.SHARE),
    column(_QUOTA["use_until"], "row.use_until"),
    column(_QUOTA["document_no"], "held.document_no"),
    column(_QUOTA["document_on"], "held.document_on"),
)


def _sum(of: Callable[[PopulationsView], Cell]) -> Callable[[Eye], Turn]:
    """A figure of the view of `GET /units/{id}/populations`, from the same arithmetic."""
    return lambda _: lambda __, row: of(of_groups(row))


def _group(name: str, title: str, label: str, figures: Mapping[str, tuple[str, Form]]) -> tuple[Column, ...]:
    def one(figure: str, called: str, form: Form) -> Column:
        def of(view: PopulationsView) -> Cell:
            group: GroupView = getattr(view, name)
            found: Cell = getattr(group, figure)
            return found

        return Column(f"{name}_{figure}", f"{title}{called}" if figure != "quota" else label, "NULL", form, _sum(of))

    return tuple(one(figure, called, form) for figure, (called, form) in figures.items())


_ALL = {
    "quota": ("", Form.NUMBER),
    "headcount": ("实有数", Form.NUMBER),
    "vacancy": ("空编", Form.NUMBER),
    "overstaffing": ("超编", Form.NUMBER),
    "saturation": ("使用率", Form.SHARE),
    "vacancy_rate": ("空编率", Form.SHARE),
}
_SOME = {"quota": ("", Form.NUMBER), "headcount": ("实有数", Form.NUMBER), "overstaffing": ("超员数", Form.NUMBER)}
STATISTICS_COLUMNS = (
    _CODE,
    _NAME,
    *_group("establishment", "", "编制数", _ALL),
    *_group("apart", "单列编制", "单列编制", _SOME),
    *_group("filed_quota", "报备员额", "报备员额", _SOME),
    *_group("off_establishment", "编外", "编外用工控制数", _SOME),
    *_group("state_enterprise", "国企员额", "国企员额", _SOME),
    Column("off_establishment_ratio", "编外占比", "NULL", Form.SHARE, _sum(lambda view: view.off_establishment_ratio)),
)
_POPULATIONS = f" JOIN LATERAL ({POPULATIONS_THEN.replace('$1', 'units.id')}) AS row ON true"


def statistics_source(who: Who, filters: Filters) -> Source:
    """The sums of the units of a day."""
    return Source(units_then(who) + _POPULATIONS, "units.code", of_units(who, filters))


_SEATS_THEN = f"""
    JOIN LATERAL ({levels_of("units.id", lambda table: f"({then(table)}) IS TRUE")}) AS row ON true
    LEFT JOIN seats AS held ON held.unit_id = units.id AND held.level = row.level AND {then("held")}
"""


def seats_source(who: Who, filters: Filters) -> Source:
    """领导职数 of a day, level by level; narrowed and ordered as their page is."""
    put = Parameters(of_units(who, filters))
    wanted = of_levels(as_page(SeatFilter, filters), put)
    rows = f"{units_then(who)}{_SEATS_THEN} WHERE {' AND '.join([_itself(filters, put), *wanted])}"
    return Source(rows, ordered(filters.get("sort", "unit"), SEAT_SORTS).by, put)


_OF_LEVELS: Mapping[str, type] = {"level": str, "over": bool, "vacant": bool}


SEAT_COLUMNS = (
    _CODE,
    _NAME,
    column(SEATS.by_name["level"], "row.level"),
    column(SEATS.by_name["approved"], "row.approved"),
    Column("used", "实配", "row.used", Form.NUMBER),
    Column("vacant", "空缺", "row.vacant", Form.NUMBER),
    Column("over", "超职数", "row.over", Form.NUMBER),
    column(SEATS.by_name["document_no"], "held.document_no"),
    column(SEATS.by_name["document_on"], "lower(held.during)"),
)


def reservations_source(who: Who, filters: Filters) -> Source:
    """核准用编 with posts that are not used yet."""
    rows = " JOIN reservations AS row ON row.unit_id = units.id AND row.unspent > 0"
    return Source(units_then(who) + rows, "units.code, row.expires_on, row.id", of_units(who, filters))


RESERVATION_COLUMNS = (
    _CODE,
    _NAME,
    Column("kind", _QUOTA["kind"].label, "row.kind", turn=coded("kinds")),
    Column("funding", _QUOTA["funding"].label, "row.funding", turn=coded("fundings")),
    Column("authorisation_no", "用编单编号", "row.authorisation_no"),
    Column("authorised_on", "核准日期", "row.authorised_on", Form.DAY),
    Column("expires_on", "有效期至", "row.expires_on", Form.DAY),
    Column("posts", "核准数", "row.posts", Form.NUMBER),
    Column("unspent", "未用数", "row.unspent", Form.NUMBER),
    Column("held", "其中入编申请占用", "(SELECT count(*) FROM holds WHERE reservation_id = row.id)::integer", Form.NUMBER),
)


def ledger_source(who: Who, filters: Filters) -> Source:
    """What happened, in the order of time, to units that are and units that are no more, under their last name. `as_of` is the last day shown. The same lines as
    `GET /ledger`.
    """
    put, since = Parameters(of_all_units(who, filters)), filters.get("since")
    asked = {
        "row.occurred_at >= {}": (since and at_hour(since, 0), "timestamptz"),
        "row.type = {}": (filters.get("matter"), "text"),
        "row.occurred_at < {}": (moment_of(filters).end, "timestamptz"),
        "{} = units.id": (None if filters.get("below", True) else filters.get("unit"), "uuid"),
    }
    rows = f"{units_ever(who)} JOIN event_log AS row ON row.unit_id = units.id AND {put.narrowed(asked, told(who))}"
    return Source(rows, ordered(filters.get("sort", "at"), LEDGER_SORTS).by, put)


def _rows_after(rows: list[dict[str, Any]]) -> Cell:
    """The rows an event touched, as they stood after it."""
    return "；".join(
        f"{row.get('kind_label') or row['kind']}（{row.get('funding_label') or row['funding']}）编制数 {_posts(row)}、实有数 {row['headcount']}"
        for row in rows
    )


def _posts(row: dict[str, Any]) -> str:
    """The number approved, with the one before where it changed."""
    before = row.get("quota_before")
    return f"{row['quota']}" if before in (None, row["quota"]) else f"{before}→{row['quota']}"


def _levels_after(levels: list[dict[str, Any]]) -> Cell:
    """The levels of leadership posts an event touched, as they stood after it."""
    return "；".join(f"{level.get('level_label') or level['level']} 核定 {level['approved']}、实配 {level['used']}" for level in levels)


LEDGER_COLUMNS = (
    Column("at", "时间", wall_clock("row.occurred_at"), Form.INSTANT),
    _CODE,
    _NAME,
    Column("matter", "事项", "row.type", turn=lambda _: lambda value, __: MATTERS.get(value, value)),
    Column("establishments", "变更后编制情况", ESTABLISHMENTS, turn=lambda _: lambda value, __: _rows_after(value)),
    Column("seats", "变更后领导职数", LEDGER_SEATS, turn=lambda _: lambda value, __: _levels_after(value)),
    Column("effective_on", "生效日期", EFFECTIVE_ON, Form.DAY),
    Column("document_no", "文号", "row.document_no"),
    Column("issuer", "发文机关代字", DOCUMENT["issuer"]),
    Column("document_on", "文件日期", DOCUMENT["document_on"], Form.DAY),
    Column("document_title", "文件名称", DOCUMENT["document_title"]),
    Column("reason", "事由", "row.reason"),
    Column("actor", "经办", "row.actor", turn=acted),
    Column("baseline", "期初建账", "coalesce((row.body ->> 'baseline')::boolean, false)", turn=flagged),
    Column("case_id", "办件编号", "row.case_id"),
    Column("event_id", "记录编号", "row.event_id::text"),
)

UNIT_LISTS = (
    ExportList(
        "units",
        "单位",
        "units.read",
        [Sheet(UNITS.title, (*UNIT_COLUMNS, _FORMER_NAMES), units_source)],
        OF_UNITS | dict.fromkeys(_OF_RECORD, str) | {"q": Sought, "sort": sorts_of(SORTS)},
    ),
    ExportList(
        "quotas",
        "编制使用情况",
        "units.read",
        [Sheet(QUOTAS.title, QUOTA_COLUMNS, quotas_source)],
        {**OF_UNITS, **_OF_ROWS, "below": bool, "sort": sorts_of(ROW_SORTS)},
    ),
    ExportList(
        "statistics",
        "单位编制汇总",
        "units.read",
        [Sheet("汇总", STATISTICS_COLUMNS, statistics_source, "row.groups, row.off_establishment_ratio")],
        OF_UNITS,
    ),
    ExportList(
        "seats",
        "领导职数",
        "units.read",
        [Sheet(SEATS.title, SEAT_COLUMNS, seats_source)],
        {**OF_UNITS, **_OF_LEVELS, "below": bool, "sort": sorts_of(SEAT_SORTS)},
    ),
    ExportList("reservations", "已核未用", "units.read", [Sheet("已核未用", RESERVATION_COLUMNS, reservations_source)], {"unit": UUID}),
    ExportList(
        "ledger",
        "机构编制台账",
        "units.read",
        [Sheet("台账", LEDGER_COLUMNS, ledger_source)],
        {"unit": UUID, "below": bool, "as_of": Day, "since": Day, "matter": str, "sort": sorts_of(LEDGER_SORTS)},
    ),
)
