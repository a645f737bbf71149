"""The figures. Each is read on one snapshot of the live generation and says how far it reaches; long statements stand in `sql/`."""

from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from services.reporting.models import (
    Applications,
    AsOf,
    Count,
    Distribution,
    Generation,
    Group,
    GroupPosts,
    InFlight,
    Issues,
    Lights,
    NotForetold,
    Position,
    Posts,
    RebuildUnknown,
    Retirements,
    Retiring,
    RowPosts,
    RuleIssues,
    Saturation,
    consumer_name,
)
from shared.auth import Who
from shared.db import Connection
from shared.exports.letters import letters_list
from shared.exports.lists import Column, ExportList, Eye, Filters, Sheet, Source, Turn, exports_of, flagged, sorts_of
from shared.exports.trail import trail_list
from shared.glossary import LABELS, ApplicationType, IssueState, Light
from shared.sheets.writing import Form
from shared.unit_copies import UnitUnknown, scope, visible

_SQL = {path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "sql").glob("*.sql")}
_NOT_OPEN = [IssueState.BASELINE, IssueState.CLOSED, IssueState.DISMISSED]
_BY_URGENCY = [
    *(IssueState.OVERDUE, IssueState.RECTIFYING, IssueState.EVIDENCE_SUBMITTED, IssueState.NOTICE_SIGNED, IssueState.TO_VERIFY),
    *(IssueState.WARNED, *_NOT_OPEN),
]
"""Whose term runs stands first, then whose has not begun, then what has none."""
_NAMES = ("kind", "funding", "kind_label", "funding_label")
_OF_A_UNIT = "JOIN units u ON u.generation = t.generation AND u.id = t.unit_id WHERE"


def _in_scope(who: Who) -> str:
    """The units of the generation $1 that the caller may see, by his scope $2."""
    own = "(SELECT id, withheld FROM units WHERE generation = $1)"
    return "u.generation = $1 AND u.code IS NOT NULL AND " + visible(who, table=own, roots="$2")


async def distribution(conn: Connection, who: Who, group: Group, unit_id: UUID | None = None) -> Distribution:
    """编制分布: posts and people by kind, category of the unit, parent unit, or town. Raises UnitUnknown for a unit outside the caller's scope."""
    generation, reached = await _live(conn)
    await _ensure_in_scope(conn, generation, who, unit_id)
    sql = _SQL["distribution"].format(in_scope=_in_scope(who))
    rows = [dict(row) for row in await conn.fetch(sql, generation, scope(who), group, unit_id)]
    items = [GroupPosts(**row) for row in rows if row["code"] is not None]
    totals = [_total(row, "code", "label") for row in rows if row["code"] is None]
    return Distribution(reached, group, items, totals)


async def saturation(conn: Connection, who: Who, unit_id: UUID | None) -> Saturation:
    """使用率 by kind and funding. Raises UnitUnknown for a unit outside the caller's scope."""
    generation, reached = await _live(conn)
    await _ensure_in_scope(conn, generation, who, unit_id)
    rows = [dict(row) for row in await conn.fetch(_SQL["saturation"].format(in_scope=_in_scope(who)), generation, scope(who), unit_id)]
    items = [RowPosts(**row) for row in rows if row["kind"] is not None]
    return Saturation(reached, unit_id, items, [_total(row, *_NAMES) for row in rows if row["kind"] is None])


async def _ensure_in_scope(conn: Connection, generation: int, who: Who, unit_id: UUID | None) -> None:
    if unit_id is not None and not await conn.fetchval(
        f"SELECT true FROM units u WHERE {_in_scope(who)} AND u.id = $3", generation, scope(who), unit_id
    ):
        raise UnitUnknown(unit=unit_id)


async def retirements(conn: Connection, who: Who, unit_id: UUID | None, today: date, months: int) -> Retirements:
    """Who retires in each of the coming months, the present one first, and who in none of them. Raises UnitUnknown for a unit outside the caller's scope."""
    generation, reached = await _live(conn)
    await _ensure_in_scope(conn, generation, who, unit_id)
    sql = _SQL["retirements"].format(in_scope=_in_scope(who))
    rows = await conn.fetch(sql, generation, scope(who), unit_id, today.replace(day=1), months)
    beside = {row["month"]: NotForetold(row["counted"], row["others"]) for row in rows[months:]}
    return Retirements(reached, unit_id, [Retiring(**row) for row in rows[:months]], **beside)


async def lights(conn: Connection, who: Who) -> Lights:
    """How many units show which light; every light is named, also when none shows it. One that is no more counts while something is open on it."""
    generation, reached = await _live(conn)
    rows = await conn.fetch(
        f"SELECT light, count(*)::int AS count FROM units u WHERE {_in_scope(who)} AND (closed_on IS NULL OR light <> 'green') GROUP BY light",
        generation,
        scope(who),
    )
    counts = {row["light"]: row["count"] for row in rows}
    return Lights(reached, [Count(light, LABELS[light], counts.get(light, 0)) for light in Light])


async def issues(conn: Connection, who: Who, as_of: datetime) -> Issues:
    """Open and overdue issues by rule, and all by state, the most urgent first. The first load's 期初存量 is no open issue.

    Overdue is what monitoring lists as late: open, and its term has ended, also where it was handed in after that and waits for its acceptance.
    """
    generation, reached = await _live(conn)
    by_rule = await conn.fetch(
        "SELECT rule, count(*)::int AS open, count(*) FILTER (WHERE due_at <= $3)::int AS overdue"
        f" FROM issues t {_OF_A_UNIT} {_in_scope(who)} AND t.state <> ALL($4) GROUP BY rule ORDER BY rule",
        generation,
        scope(who),
        as_of,
        _NOT_OPEN,
    )
    by_state = await conn.fetch(
        f"SELECT state, count(*)::int AS count FROM issues t {_OF_A_UNIT} {_in_scope(who)} GROUP BY state ORDER BY array_position($3::text[], state), state",
        generation,
        scope(who),
        _BY_URGENCY,
    )
    states = [Count(row["state"], LABELS[IssueState(row["state"])], row["count"]) for row in by_state]
    return Issues(reached, [RuleIssues(**row) for row in by_rule], states)


async def applications(conn: Connection, who: Who) -> Applications:
    """Applications in flight, by type and the step that waits."""
    generation, reached = await _live(conn)
    rows = await conn.fetch(
        "SELECT type, step, holder, count(*)::int AS count, sum(posts)::int AS posts, count(*) FILTER (WHERE state = 'paused')::int AS paused"
        f" FROM applications t {_OF_A_UNIT} {_in_scope(who)} AND state NOT IN ('filed', 'withdrawn') GROUP BY type, step, holder ORDER BY type, step, holder",
        generation,
        scope(who),
    )
    return Applications(reached, [InFlight(label=LABELS[ApplicationType(row["type"])], **row) for row in rows])


async def as_of(conn: Connection) -> AsOf:
    """How far the figures reach: positions in the topics, and the time of the last event."""
    generation, reached = await _live(conn)
    rows = await conn.fetch(
        "SELECT topic, partition, next_offset FROM consumer_positions WHERE consumer = $1 ORDER BY topic, partition",
        consumer_name(generation),
    )
    return AsOf(generation, reached, [Position(**row) for row in rows])


async def generation(conn: Connection, number: int) -> Generation:
    """One build of the read models; raises RebuildUnknown."""
    row = await conn.fetchrow(
        "SELECT number, state, asked_by, asked_at, live_at, rows_compared, rows_differing FROM generations WHERE number = $1", number
    )
    if row is None:
        raise RebuildUnknown(number=number)
    return Generation(**row)


async def _live(conn: Connection) -> tuple[int, datetime | None]:
    row = await conn.fetchrow(
        "SELECT number, (SELECT max(last_event_at) FROM units WHERE generation = number) AS reached FROM generations WHERE state = 'live'"
    )
    assert row is not None, "the migration makes a live generation, and a switch leaves one"  # noqa: S101  the schema's own invariant
    return row["number"], row["reached"]


def _total(row: dict[str, object], *without: str) -> Posts:
    return Posts(**{name: value for name, value in row.items() if name not in without})  # type: ignore[arg-type]  # a row of the same statement


def _figures(name: str, who: Who, order: str, *chosen: object) -> Source:
    """A figure's own statement, of the live generation, as rows of a list."""
    sql = _SQL[name].format(in_scope=_in_scope(who)).replace("$1", "(SELECT number FROM generations WHERE state = 'live')")
    for place in range(2, 3 + len(chosen)):
        sql = sql.replace(f"${place}", f"${place - 1}")
    return Source(f"FROM ({sql}) AS t", order, (scope(who), *chosen))


def distribution_source(who: Who, filters: Filters) -> Source:
    """编制分布, by kind unless another group is named, in the order of its page; the sums stand last."""
    group, sort = filters.get("group", "kind"), filters.get("sort", "code" if filters.get("group", "kind") == "kind" else "-quota")
    name, turn = sort.removeprefix("-"), " DESC" if sort.startswith("-") else ""
    chosen = "t.code" if name == "code" else f"coalesce(t.{name}, 0){turn}, t.code"
    return _figures("distribution", who, f"t.code IS NULL, t.counted DESC, {chosen}", group, filters.get("unit"))


def saturation_source(who: Who, filters: Filters) -> Source:
    """使用率 of a subtree, or of all; the sums stand last."""
    return _figures("saturation", who, "t.kind IS NULL, t.counted DESC, t.kind, t.funding", filters.get("unit"))


def _or_sum(_: Eye) -> Turn:
    return lambda value, _: value or "合计"


_POSTS = (
    Column("counted", "计入编制", "t.counted", turn=flagged),
    *(
        Column(name, label, f"t.{name}", Form.NUMBER)
        for name, label in {
            "units": "单位数",
            "quota": "编制数",
            "headcount": "实有数",
            "vacancy": "空编",
            "overstaffing": "超编",
            "reserved": "已核未用",
            "frozen": "冻结数",
            "available": "可用编",
            "exceeded": "超用数",
        }.items()
    ),
    Column("saturation", "使用率", "t.saturation", Form.SHARE),
    Column("vacancy_rate", "空编率", "t.vacancy_rate", Form.SHARE),
)
_ORDERS = dict.fromkeys(("quota", "headcount", "available", "saturation"))
_SUM = "CASE WHEN t.counted THEN '编制合计' ELSE '另计合计' END"
_UNIT_CODE = (
    "(SELECT u.code FROM units AS u JOIN generations AS g ON g.number = u.generation WHERE g.state = 'live' AND u.id::text = t.code)"
)
_BY_GROUP = (
    Column("code", "代码", f"coalesce({_UNIT_CODE}, t.code)", turn=_or_sum),
    Column("label", "名称", f"CASE WHEN t.code IS NULL THEN {_SUM} ELSE coalesce(t.label, t.code) END"),
    *_POSTS,
)
_BY_ROW = (
    Column("kind", "编制类型", f"CASE WHEN t.kind IS NULL THEN {_SUM} ELSE t.kind_label END"),
    Column("funding", "经费形式", "CASE WHEN t.kind IS NOT NULL THEN t.funding_label END"),
    *_POSTS,
)
EXPORTS = exports_of(
    ExportList(
        "distribution",
        "编制分布",
        "reports.read",
        [Sheet("编制分布", _BY_GROUP, distribution_source)],
        {"group": Group, "unit": UUID, "sort": sorts_of(_ORDERS)},
    ),
    ExportList("saturation", "编制使用率", "reports.read", [Sheet("编制使用率", _BY_ROW, saturation_source)], {"unit": UUID}),
    letters_list("reporting"),
    trail_list("reporting"),
)
