"""The arithmetic of posts, written once: quota, headcount, reserved, frozen per (unit, kind, funding), now or as of any date as known at any instant."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shared.clock import at_hour
from shared.db import Connection
from shared.events.roster import EstablishmentState
from shared.pages import Parameters


def _rows(
    held: str, reserved: str, in_force: str, valid: str, which: str, row: tuple[str, str] = ("kind", "funding"), unit: str = "$1"
) -> str:
    """The one arithmetic. The conditions say of which moment: what is held, reserved and in force, and which codes (`{0}`) are valid; `which`: one row of
    the unit, or each.
    """
    kind, funding = row
    return f"""
    SELECT sums.*, coalesce(kinds.counted, false) AS counted, coalesce(kinds.apart, false) AS apart,
        coalesce(kinds.label, '') AS kind_label, coalesce(means.label, '') AS funding_label
    FROM (
        SELECT {kind} AS kind, {funding} AS funding, coalesce(sum(quota), 0) AS quota, coalesce(sum(headcount), 0) AS headcount,
            coalesce(sum(reserved), 0) AS reserved, coalesce(sum(frozen), 0) AS frozen, max(use_until) AS use_until
        FROM (
            SELECT kind, funding, posts AS quota, 0 AS headcount, 0 AS reserved, 0 AS frozen, use_until
            FROM quotas WHERE unit_id = {unit} AND {held}
            UNION ALL
            SELECT kind, funding, 0, count(*)::integer, 0, 0, NULL FROM placements WHERE unit_id = {unit} AND {held} GROUP BY kind, funding
            UNION ALL
            SELECT kind, funding, 0, 0, posts, 0, NULL FROM reserved_ledger WHERE unit_id = {unit} AND {reserved}
            UNION ALL
            SELECT kind, funding, 0, 0, 0, posts, NULL FROM frozen_posts JOIN freeze_orders ON freeze_orders.id = order_id
            WHERE unit_id = {unit} AND {in_force}
        ) AS parts {which}
    ) AS sums
    LEFT JOIN establishment_kinds AS kinds ON kinds.code = sums.kind AND {valid.format("kinds")}
    LEFT JOIN fundings AS means ON means.code = sums.funding AND {valid.format("means")}
    """


_EACH = "GROUP BY kind, funding"
_AT_A_MOMENT = (
    "(during @> coalesce($2::date, 'infinity')) IS TRUE AND (recorded @> coalesce($3::timestamptz, 'infinity')) IS TRUE",
    (
        "at < CASE WHEN since IS NULL THEN coalesce($4::timestamptz, 'infinity')"
        " WHEN since <= coalesce($2::date, 'infinity') THEN coalesce($3::timestamptz, 'infinity') END"
    ),
    "in_force @> coalesce($4::timestamptz, 'infinity')",
    "{0}.valid @> coalesce($2::date, 'infinity')",
)
"""IS TRUE keeps the planner from the index of the exclusion constraint: it would read the rows of that day of the whole county. A reserved post is used since
the day its placement counts from, so that no day counts it twice.
"""
_LATEST = ("upper_inf(during) AND upper_inf(recorded)", "true", "upper_inf(in_force)", "upper_inf({0}.valid)")
"""The latest state, whatever the day, in the words of the partial indexes."""
_IN_ORDER = "ORDER BY sums.kind, sums.funding"
_ROWS_NOW, _ROWS_THEN = (f"{_rows(*moment, _EACH)} {_IN_ORDER}" for moment in (_LATEST, _AT_A_MOMENT))
"""All rows of the unit $1; then: on the day $2, as known at $3, reservations and freezes up to $4."""
ROW_NOW = _rows(*_LATEST, "WHERE kind = $2 AND funding = $3", ("$2::text", "$3::text"))
"""One (unit $1, kind $2, funding $3); there always is a row."""
_MANY_ROWS_NOW = f"""
    SELECT asked.unit_id, row.* FROM unnest($1::uuid[], $2::text[], $3::text[]) AS asked (unit_id, of_kind, of_funding),
    LATERAL ({_rows(*_LATEST, "WHERE kind = of_kind AND funding = of_funding", ("of_kind", "of_funding"), "asked.unit_id")}) AS row
"""
_ROWS_WITHOUT_QUOTA = """
    SELECT kind, funding FROM quotas WHERE unit_id = $1 AND (recorded @> coalesce($3::timestamptz, 'infinity')) IS TRUE
    GROUP BY kind, funding HAVING min(lower(during)) > $2::date
"""
"""Of unit $1, as known at $3: whose first quota was recorded for a day after $2. On that day nobody knows the quota, so nothing is over it."""
_KNOWN_ROWS_THEN = f"""
    SELECT kind, funding, headcount, reserved, frozen, counted, apart, kind_label, funding_label, use_until,
        CASE WHEN (kind, funding) NOT IN (SELECT kind, funding FROM ({_ROWS_WITHOUT_QUOTA}) AS late) THEN quota END AS quota
    FROM ({_ROWS_THEN}) AS counted
"""


def share(part: str, whole: str) -> str:
    """使用率, 空编率, 编外占比 to four places; none where the whole is zero: neither 0 nor 100 %."""
    return f"round(({part})::numeric / nullif({whole}, 0), 4)::float8"


def _figures(rows: str) -> str:
    """What follows from a row (domain §1.6): 可用编, 空编, 超编, 使用率, 空编率. None of it where nobody knows the quota."""
    return f"""
    SELECT *, quota - headcount - reserved - frozen AS available,
        CASE WHEN quota > headcount THEN quota - headcount WHEN quota IS NOT NULL THEN 0 END AS vacancy,
        CASE WHEN headcount > quota THEN headcount - quota WHEN quota IS NOT NULL THEN 0 END AS overstaffing,
        {share("headcount", "quota")} AS saturation, {share("greatest(quota - headcount, 0)", "quota")} AS vacancy_rate
    FROM ({rows}) AS counted ORDER BY kind, funding
    """


FIGURES_NOW, FIGURES_THEN = _figures(_ROWS_NOW), _figures(_KNOWN_ROWS_THEN)
"""All rows of the unit $1 with what follows from them, now; then: on the day $2, as known at $3, reservations and freezes up to $4."""


def _populations(figures: str, late: str, day: str) -> str:
    """The rows of a unit by group, never netted: vacancy and overstaffing are summed. A kind that is no more keeps the group it had last."""
    return f"""
    SELECT json_object_agg(name, each) AS groups, {_OFF_RATIO} AS off_establishment_ratio FROM (
        SELECT name, CASE WHEN NOT bool_or(late) THEN sum(quota) END AS quota, sum(headcount) AS headcount,
            CASE WHEN NOT bool_or(late) THEN sum(vacancy) END AS vacancy, CASE WHEN NOT bool_or(late) THEN sum(overstaffing) END AS overstaffing,
            CASE WHEN NOT bool_or(late) THEN {share("sum(headcount)", "sum(quota)")} END AS saturation,
            CASE WHEN NOT bool_or(late) THEN {share("sum(vacancy)", "sum(quota)")} END AS vacancy_rate
        FROM (
            SELECT kind, quota, headcount, vacancy, overstaffing, quota IS NULL AS late FROM ({figures}) AS known
            UNION ALL SELECT kind, 0, 0, 0, 0, true FROM ({late}) AS unknown
        ) AS rows JOIN LATERAL (
            SELECT CASE WHEN counted AND apart THEN 'apart' WHEN counted THEN 'establishment' WHEN population = 'public' THEN 'filed_quota' ELSE population END AS name
            FROM establishment_kinds WHERE code = kind ORDER BY valid @> {day} DESC, valid DESC LIMIT 1
        ) AS of_kind ON true GROUP BY name
    ) AS each
    """


_OFF_RATIO = share(
    "coalesce(sum(headcount) FILTER (WHERE name = 'off_establishment'), 0)",
    "sum(headcount) FILTER (WHERE name IN ('establishment', 'apart'))",
)
POPULATIONS_NOW = _populations(FIGURES_NOW, "SELECT '' AS kind WHERE false", "'infinity'::date")
POPULATIONS_THEN = _populations(FIGURES_THEN, _ROWS_WITHOUT_QUOTA, "coalesce($2::date, 'infinity')")
"""`groups` of the unit $1 by name, each with its figures, and 编外占比; then: on the day $2, as known at $3, reservations and freezes up to $4."""


@dataclass(frozen=True)
class Moment:
    """`on`: the day asked about; `known`: the instant whose knowledge counts. Neither: the latest state, whatever the day."""

    on: date | None = None
    known: datetime | None = None

    @classmethod
    def of(cls, as_of: date | None, known_on: date | None) -> "Moment":
        """A day, as known at the end of another one."""
        return cls(as_of, None if known_on is None else at_hour(date.fromordinal(known_on.toordinal() + 1), 0))

    @property
    def end(self) -> datetime | None:
        """The instant up to which reservations and freezes count."""
        if self.on is None:
            return self.known
        end = at_hour(date.fromordinal(self.on.toordinal() + 1), 0)
        return end if self.known is None else min(end, self.known)


LATEST = Moment()


def holding(put: Parameters, moment: Moment) -> Callable[[str], str]:
    """The condition that a row of a table holds at a moment, in the words of the partial indexes where it is the latest: for rows one knows the id of."""
    during = "upper_inf({0}.during)" if moment.on is None else f"{{0}}.during @> {put(moment.on, 'date')}"
    recorded = "upper_inf({0}.recorded)" if moment.known is None else f"{{0}}.recorded @> {put(moment.known, 'timestamptz')}"
    return f"({during} AND {recorded})".format


def held_by_many(put: Parameters, moment: Moment) -> Callable[[str], str]:
    """The same for choosing among many rows: in words of which the planner knows how many rows they fit (upper_inf: a third, it thinks), and that keep
    it from the index of the exclusion constraint.
    """
    on = "'infinity'::date" if moment.on is None else put(moment.on, "date")
    known = "'infinity'::timestamptz" if moment.known is None else put(moment.known, "timestamptz")
    return f"(({{0}}.during @> {on}) IS TRUE AND ({{0}}.recorded @> {known}) IS TRUE)".format


def figures_of(put: Parameters, moment: Moment) -> str:
    """All rows of each unit of a statement that names them `units`, with what follows from them."""
    if moment == LATEST:
        return FIGURES_NOW.replace("$1", "units.id")
    on, known, end = put(moment.on, "date"), put(moment.known, "timestamptz"), put(moment.end, "timestamptz")
    places = {"$1": "units.id", "$2": f"({on})", "$3": f"({known})", "$4": f"({end})"}
    return re.sub(r"\$[1-4]\b", lambda found: places[found[0]], FIGURES_THEN)


async def establishment(conn: Connection, unit_id: UUID, kind: str, funding: str) -> EstablishmentState:
    """One row in its latest state: what commands judge, under the unit's lock, and events carry."""
    return EstablishmentState.model_validate(dict(await conn.fetchrow(ROW_NOW, unit_id, kind, funding) or {}))


async def establishments_of(conn: Connection, keys: Iterable[tuple[UUID, str, str]]) -> dict[tuple[UUID, str, str], EstablishmentState]:
    """The same for many rows: unit, kind, funding."""
    asked = sorted(set(keys))
    rows = await conn.fetch(_MANY_ROWS_NOW, *([key[place] for key in asked] for place in range(3)))
    return {(row["unit_id"], row["kind"], row["funding"]): EstablishmentState.model_validate(dict(row)) for row in rows}


async def establishments(conn: Connection, unit_id: UUID, moment: Moment = LATEST) -> list[EstablishmentState]:
    """All rows of a unit at a moment."""
    if moment == LATEST:
        rows = await conn.fetch(_ROWS_NOW, unit_id)
    else:
        rows = await conn.fetch(_ROWS_THEN, unit_id, moment.on, moment.known, moment.end)
    return [EstablishmentState.model_validate(dict(row)) for row in rows]
