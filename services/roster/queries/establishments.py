"""The arithmetic of posts, written once: quota, headcount, reserved, frozen per (unit, kind, funding), now or as of any date as known at any instant."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shared.clock import at_hour
from shared.db import Connection
from shared.events.roster import EstablishmentState


def _rows(held: str, reserved: str, in_force: str, valid: str, kind: str = "kind", funding: str = "funding") -> str:
    """The one arithmetic. The conditions say of which moment: what is held, reserved and in force, and which codes are valid."""
    return f"""
    SELECT {kind} AS kind, {funding} AS funding, coalesce(sum(quota), 0) AS quota, coalesce(sum(headcount), 0) AS headcount,
        coalesce(sum(reserved), 0) AS reserved, coalesce(sum(frozen), 0) AS frozen,
        coalesce((SELECT bool_and(counted) FROM establishment_kinds WHERE code = {kind} AND {valid}), false) AS counted,
        coalesce((SELECT max(label) FROM establishment_kinds WHERE code = {kind} AND {valid}), '') AS kind_label,
        coalesce((SELECT max(label) FROM fundings WHERE code = {funding} AND {valid}), '') AS funding_label
    FROM (
        SELECT kind, funding, posts AS quota, 0 AS headcount, 0 AS reserved, 0 AS frozen FROM quotas WHERE unit_id = $1 AND {held}
        UNION ALL
        SELECT kind, funding, 0, count(*)::integer, 0, 0 FROM placements WHERE unit_id = $1 AND {held} GROUP BY kind, funding
        UNION ALL
        SELECT kind, funding, 0, 0, posts, 0 FROM reserved_ledger WHERE unit_id = $1 AND {reserved}
        UNION ALL
        SELECT kind, funding, 0, 0, 0, posts FROM frozen_posts JOIN freeze_orders ON freeze_orders.id = order_id
        WHERE unit_id = $1 AND {in_force}
    ) AS parts
"""


_AT_A_MOMENT = _rows(
    held="(during @> coalesce($2::date, 'infinity')) IS TRUE AND (recorded @> coalesce($3::timestamptz, 'infinity')) IS TRUE",
    reserved="at < coalesce($4::timestamptz, 'infinity')",
    in_force="in_force @> coalesce($4::timestamptz, 'infinity')",
    valid="valid @> coalesce($2::date, 'infinity')",
)
"""IS TRUE keeps the planner from the index of the exclusion constraint: it would read the rows of that day of the whole county."""
_LATEST = ("upper_inf(during) AND upper_inf(recorded)", "true", "upper_inf(in_force)", "upper_inf(valid)")
"""The latest state, whatever the day, in the words of the partial indexes."""
_BY_ROW = "GROUP BY kind, funding ORDER BY kind, funding"
ROWS_NOW = f"{_rows(*_LATEST)} {_BY_ROW}"
ROWS_THEN = f"{_AT_A_MOMENT} {_BY_ROW}"
"""All rows of the unit $1; then: on the day $2, as known at $3, reservations and freezes up to $4."""
ROW_NOW = _rows(*_LATEST, "$2::text", "$3::text") + " WHERE kind = $2 AND funding = $3"
"""One (unit $1, kind $2, funding $3); there always is a row."""
ROWS_WITHOUT_QUOTA = """
    SELECT kind, funding FROM quotas WHERE unit_id = $1 AND (recorded @> coalesce($3::timestamptz, 'infinity')) IS TRUE
    GROUP BY kind, funding HAVING min(lower(during)) > $2::date
"""
"""Of unit $1, as known at $3: whose first quota was recorded for a day after $2."""


@dataclass(frozen=True)
class Moment:
    """`on`: the day asked about; `known`: the instant whose knowledge counts. Neither: the latest state, whatever the day."""

    on: date | None = None
    known: datetime | None = None

    @property
    def end(self) -> datetime | None:
        """The instant up to which reservations and freezes count."""
        if self.on is None:
            return self.known
        end = at_hour(date.fromordinal(self.on.toordinal() + 1), 0)
        return end if self.known is None else min(end, self.known)


LATEST = Moment()


async def establishment(conn: Connection, unit_id: UUID, kind: str, funding: str) -> EstablishmentState:
    """One row in its latest state: what commands judge, under the unit's lock, and events carry."""
    return EstablishmentState.model_validate(dict(await conn.fetchrow(ROW_NOW, unit_id, kind, funding) or {}))


async def establishments(conn: Connection, unit_id: UUID, moment: Moment = LATEST) -> list[EstablishmentState]:
    """All rows of a unit at a moment."""
    if moment == LATEST:
        rows = await conn.fetch(ROWS_NOW, unit_id)
    else:
        rows = await conn.fetch(ROWS_THEN, unit_id, moment.on, moment.known, moment.end)
    return [EstablishmentState.model_validate(dict(row)) for row in rows]


async def rows_without_quota(conn: Connection, unit_id: UUID, moment: Moment) -> set[tuple[str, str]]:
    """The (kind, funding) rows whose first quota was recorded for a day after the moment's."""
    if moment.on is None:
        return set()
    rows = await conn.fetch(ROWS_WITHOUT_QUOTA, unit_id, moment.on, moment.known)
    return {(row["kind"], row["funding"]) for row in rows}
