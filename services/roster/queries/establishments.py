"""The arithmetic of posts, written once: quota, headcount, reserved, frozen per (unit, kind, funding), now or as of any date as known at any instant."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shared.clock import at_hour
from shared.db import Connection
from shared.events.roster import EstablishmentState

_PARTS = """
    SELECT kind, funding, posts AS quota, 0 AS headcount, 0 AS reserved, 0 AS frozen FROM quotas
    WHERE unit_id = $1 AND during @> coalesce($2::date, 'infinity') AND recorded @> coalesce($3::timestamptz, 'infinity')
    UNION ALL
    SELECT kind, funding, 0, 1, 0, 0 FROM placements
    WHERE unit_id = $1 AND during @> coalesce($2::date, 'infinity') AND recorded @> coalesce($3::timestamptz, 'infinity')
    UNION ALL
    SELECT kind, funding, 0, 0, posts, 0 FROM reserved_ledger WHERE unit_id = $1 AND at < coalesce($4::timestamptz, 'infinity')
    UNION ALL
    SELECT kind, funding, 0, 0, 0, posts FROM frozen_posts JOIN freeze_orders ON freeze_orders.id = order_id
    WHERE unit_id = $1 AND in_force @> coalesce($4::timestamptz, 'infinity')
"""
_ROWS = f"""
    SELECT kind, funding, sum(quota) AS quota, sum(headcount) AS headcount, sum(reserved) AS reserved, sum(frozen) AS frozen,
        (SELECT bool_and(counted) FROM establishment_kinds WHERE code = kind AND valid @> coalesce($2::date, 'infinity')) AS counted,
        coalesce((SELECT max(label) FROM establishment_kinds WHERE code = kind AND valid @> coalesce($2::date, 'infinity')), '') AS kind_label,
        coalesce((SELECT max(label) FROM fundings WHERE code = funding AND valid @> coalesce($2::date, 'infinity')), '') AS funding_label
    FROM ({_PARTS}) AS parts
"""


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
    row = await conn.fetchrow(f"{_ROWS} WHERE kind = $5 AND funding = $6 GROUP BY kind, funding", unit_id, None, None, None, kind, funding)
    if row is not None:
        return EstablishmentState.model_validate(dict(row))
    empty = await conn.fetchrow(
        "SELECT coalesce(bool_and(counted), false) AS counted, coalesce(max(label), '') AS kind_label,"
        " coalesce((SELECT label FROM fundings WHERE code = $2 AND upper_inf(valid)), '') AS funding_label"
        " FROM establishment_kinds WHERE code = $1 AND upper_inf(valid)",
        kind,
        funding,
    )
    return EstablishmentState(**dict(empty or {}), kind=kind, funding=funding, quota=0, headcount=0, reserved=0)


async def establishments(conn: Connection, unit_id: UUID, moment: Moment = LATEST) -> list[EstablishmentState]:
    """All rows of a unit at a moment."""
    rows = await conn.fetch(f"{_ROWS} GROUP BY kind, funding ORDER BY kind, funding", unit_id, moment.on, moment.known, moment.end)
    return [EstablishmentState.model_validate(dict(row)) for row in rows]
