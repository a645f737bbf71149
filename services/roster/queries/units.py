"""Units as they are shown: within the caller's scope, as of a date, as known on a day."""

from datetime import date, datetime
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.roster.models.refusals import UnitUnknown
from services.roster.queries.establishments import LATEST, Moment, establishments, rows_without_quota
from shared.auth import Who
from shared.db import Connection
from shared.events.roster import EstablishmentState
from shared.unit_copies import scope


class EstablishmentView(BaseModel):
    """One row with what follows from it. `saturation` is none where there are no posts: neither 0 nor 100 %.

    As of a day before the row's first recorded quota, `quota` and all that follows from it are none: nobody knows, so nothing is over it.
    """

    kind: str
    funding: str
    counted: bool
    quota: int | None
    headcount: int
    reserved: int
    frozen: int
    available: int | None
    saturation: float | None
    vacancy: int | None
    overstaffing: int | None
    kind_label: str
    funding_label: str


class SeatsView(BaseModel):
    """领导职数 of one level."""

    level: str
    approved: int
    used: int


class FreezeView(BaseModel):
    """A freeze that reaches this unit; its root may stand above."""

    order_id: UUID
    root_unit_id: UUID
    scopes: list[str]
    since: datetime
    document_no: str


class UnitLine(BaseModel):
    """A unit in a list."""

    id: UUID
    parent_id: UUID | None
    path: list[UUID]
    name: str
    code: str
    uscc: str | None
    category: str
    valid_from: date
    version: int


class UnitView(UnitLine):
    """A unit with all that is counted."""

    establishments: list[EstablishmentView]
    seats: list[SeatsView]
    freezes: list[FreezeView]


class ReservationView(BaseModel):
    """An authorised use; `held` of its `unspent` posts belong to applications in flight."""

    id: UUID
    kind: str
    funding: str
    posts: int
    unspent: int
    held: int
    application_id: UUID
    authorisation_no: str
    authorised_on: date
    expires_on: date


async def ensure_visible(conn: Connection, unit_id: UUID, who: Who) -> None:
    """The unit exists and lies in the caller's scope; for the others there is none."""
    if not await conn.fetchval("SELECT true FROM units WHERE id = $1 AND ($2::uuid[] IS NULL OR path && $2)", unit_id, scope(who)):
        raise UnitUnknown(unit=unit_id)


async def unit_view(conn: Connection, unit_id: UUID, who: Who, moment: Moment = LATEST) -> UnitView:
    """One unit with its establishments, seats and freezes at a moment."""
    row = await conn.fetchrow(f"{_UNIT} WHERE id = $1 AND ($2::uuid[] IS NULL OR path && $2)", unit_id, scope(who))
    if row is None:
        raise UnitUnknown(unit=unit_id)
    unrecorded = await rows_without_quota(conn, unit_id, moment)
    return UnitView(
        **row,
        establishments=[
            _unrecorded(state) if (state.kind, state.funding) in unrecorded else _view(state)
            for state in await establishments(conn, unit_id, moment)
        ],
        seats=[SeatsView(**seat) for seat in await conn.fetch(_SEATS, unit_id, moment.on, moment.known)],
        freezes=[FreezeView(**freeze) for freeze in await conn.fetch(_FREEZES, unit_id, moment.end)],
    )


async def units(conn: Connection, who: Who, parent: UUID | None, text: str | None, after: str, limit: int) -> list[UnitLine]:
    """Units in the caller's scope by code; `text` finds part of a name or the start of a code."""
    rows = await conn.fetch(
        f"{_UNIT} WHERE ($1::uuid[] IS NULL OR path && $1) AND ($2::uuid IS NULL OR parent_id = $2)"
        " AND ($3::text IS NULL OR position($3 IN name) > 0 OR starts_with(code, $3)) AND code > $4 ORDER BY code LIMIT $5",
        scope(who),
        parent,
        text,
        after,
        limit,
    )
    return [UnitLine(**row) for row in rows]


async def reservations(conn: Connection, unit_id: UUID) -> list[ReservationView]:
    """The unit's authorised uses that have posts left, soonest expiry first."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT id, kind, funding, posts, unspent, (SELECT count(*) FROM holds WHERE reservation_id = reservations.id) AS held,"
        " application_id, authorisation_no, authorised_on, expires_on FROM reservations WHERE unit_id = $1 AND unspent > 0"
        " ORDER BY expires_on, id",
        unit_id,
    )
    return [ReservationView(**row) for row in rows]


async def units_with_overdue_reservations(conn: Connection, on: date) -> list[UUID]:
    """The units that have posts authorised, not used, not held, and out of time on this day."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT DISTINCT unit_id FROM reservations WHERE expires_on < $1 AND unspent > 0"
        " AND unspent > (SELECT count(*) FROM holds WHERE reservation_id = reservations.id) ORDER BY unit_id",
        on,
    )
    return [row["unit_id"] for row in rows]


def _view(state: EstablishmentState) -> EstablishmentView:
    return EstablishmentView(
        **state.model_dump(),
        available=state.available,
        saturation=round(state.headcount / state.quota, 4) if state.quota else None,
        vacancy=max(0, state.quota - state.headcount),
        overstaffing=state.overstaffing,
    )


def _unrecorded(state: EstablishmentState) -> EstablishmentView:
    return EstablishmentView(
        **state.model_dump(exclude={"quota"}), quota=None, available=None, saturation=None, vacancy=None, overstaffing=None
    )


_UNIT = "SELECT id, parent_id, path, name, code, uscc, category, lower(valid) AS valid_from, version FROM units"
_SEATS = """
    SELECT level, sum(approved) AS approved, sum(used) AS used FROM (
        SELECT level, approved, 0 AS used FROM seats
        WHERE unit_id = $1 AND (during @> coalesce($2::date, 'infinity')) IS TRUE AND (recorded @> coalesce($3::timestamptz, 'infinity')) IS TRUE
        UNION ALL
        SELECT seat_level, 0, 1 FROM placements WHERE unit_id = $1 AND seat_level IS NOT NULL
            AND (during @> coalesce($2::date, 'infinity')) IS TRUE AND (recorded @> coalesce($3::timestamptz, 'infinity')) IS TRUE
    ) AS parts GROUP BY level ORDER BY level
"""
_FREEZES = """
    SELECT freeze_orders.id AS order_id, root_unit_id, scopes, lower(in_force) AS since, freeze_orders.document_no
    FROM units JOIN freeze_orders ON root_unit_id = ANY(path)
    WHERE units.id = $1 AND in_force @> coalesce($2::timestamptz, 'infinity') ORDER BY since, order_id
"""
