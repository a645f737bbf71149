"""Units as they are shown: within the caller's scope, as of a date, as known on a day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.roster.models.refusals import UnitUnknown
from services.roster.models.units import LISTS, NothingRecordedYet, UnitNotThen
from services.roster.queries.establishments import FIGURES_NOW, FIGURES_THEN, LATEST, Moment
from services.roster.queries.seats import levels_of
from shared.auth import Who
from shared.clock import business_day
from shared.db import Connection
from shared.errors import NotFound
from shared.law.uscc import parse_uscc
from shared.pages import Parameters
from shared.unit_copies import scope, sees_withheld, visible


class EstablishmentView(BaseModel):
    """One row with what follows from it. `apart`: 单列, not added to the unit's number. `saturation` is none where there are no posts: neither 0 nor 100 %.

    As of a day before the row's first recorded quota, `quota` and all that follows from it are none: nobody knows, so nothing is over it.
    """

    kind: str
    funding: str
    counted: bool
    apart: bool
    quota: int | None
    headcount: int
    reserved: int
    frozen: int
    available: int | None
    saturation: float | None
    vacancy: int | None
    vacancy_rate: float | None
    overstaffing: int | None
    kind_label: str
    funding_label: str
    use_until: date | None = None


class SeatsView(BaseModel):
    """领导职数 of one level at a moment: approved, taken, 空缺 and 超职数."""

    level: str
    level_label: str
    approved: int
    used: int
    vacant: int
    over: int


class FreezeView(BaseModel):
    """A freeze that reaches this unit; its root may stand above."""

    order_id: UUID
    root_unit_id: UUID
    scopes: list[str]
    since: datetime
    document_no: str


class UnitLine(BaseModel):
    """A unit in a list, as it was at the moment asked about. `valid_from`, `closed_on`: its whole life; `version` is today's."""

    id: UUID
    parent_id: UUID | None
    path: list[UUID]
    name: str
    short_name: str | None
    code: str
    uscc: str | None
    category: str
    nature: str | None
    public_welfare: str | None
    unit_funding: str | None
    sector: str | None
    rank: str | None
    system: str | None
    withheld: bool
    valid_from: date
    closed_on: date | None
    version: int


class SuccessorView(BaseModel):
    """Who took over, or from whom; `kind`: merged (并入), split (分设), closed (撤销后承接)."""

    unit_id: UUID
    kind: str
    effective_on: date
    document_no: str


class UnitView(UnitLine):
    """A unit with all that is counted. `uscc_doubt` says what is doubtful about its code (none: nothing)."""

    duties: str | None
    established_on: date | None
    leaders_above_rank: str | None
    leaders_above_rank_no: str | None
    since: date
    document_no: str
    document_on: date | None
    uscc_doubt: str | None
    second_names: list[str]
    plates: list[str]
    internal_units: list[str]
    successors: list[SuccessorView]
    predecessors: list[SuccessorView]
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


def seen(who: Who, roots: str = "$1", row: str = "units") -> str:
    """The condition on `units` that keeps a caller to his scope ($1), and withheld units from all but the office and their own people."""
    return visible(who, row=row, table="units", roots=roots)


def roots_of(who: Who, put: Parameters) -> str:
    """The caller's scope in a statement; the whole county is no parameter, so that one plan is good for all who ask."""
    return "NULL::uuid[]" if who.units is None else put(scope(who), "uuid[]")


def within(who: Who, unit_id: UUID | None, put: Parameters, *, below: bool) -> Iterator[str]:
    """The conditions on `units` and their records (`was`): of the caller's scope those of one unit and, with `below`, of all below it then; of none: all."""
    yield seen(who, roots_of(who, put))
    if unit_id:
        unit = put(unit_id, "uuid")
        yield f"was.path @> ARRAY[{unit}]" if below else f"units.id = {unit}"


async def ensure_visible(conn: Connection, unit_id: UUID, who: Who) -> None:
    """The unit exists and lies in the caller's scope; for the others there is none."""
    if not await conn.fetchval(f"SELECT true FROM units WHERE id = $2 AND {seen(who)}", scope(who), unit_id):
        raise UnitUnknown(unit=unit_id)


async def ensure_asked_rightly(conn: Connection, unit_id: UUID | None, who: Who, found: Sequence[object]) -> None:
    """The same for a list narrowed to a unit. Who sees every unit, and found something of this one, knows that it is there."""
    if unit_id is not None and not (found and who.units is None and sees_withheld(who)):
        await ensure_visible(conn, unit_id, who)


async def those_there(conn: Connection, unit_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these ids are units'."""
    return {row["id"] for row in await conn.fetch("SELECT id FROM units WHERE id = ANY($1)", list(unit_ids))}


async def unit_view(conn: Connection, unit_id: UUID, who: Who, moment: Moment) -> UnitView:
    """One unit with its establishments, seats and freezes at a moment. A closed one shows its last state where no day is named."""
    row = await conn.fetchrow(_in_full(who, moment), unit_id, moment.on, moment.known, moment.end, scope(who))
    if row is None:
        await ensure_visible(conn, unit_id, who)
        raise await _absent(conn, unit_id, moment)
    return UnitView.model_validate(
        {role: [] for role in LISTS} | dict(row) | row["names"] | links_of(unit_id, row["links"]) | {"uscc_doubt": doubt_of(row["uscc"])}
    )


async def _absent(conn: Connection, unit_id: UUID, moment: Moment) -> NotFound:
    """Why there is nothing to show of a unit: it was not there that day, or nobody had recorded it yet."""
    if moment.known is not None:
        first = await conn.fetchval("SELECT min(lower(recorded)) FROM unit_records WHERE unit_id = $1", unit_id)
        if first >= moment.known:
            return NothingRecordedYet(day=business_day(moment.known - timedelta(microseconds=1)), first=business_day(first))
    return UnitNotThen(day=moment.on or (moment.known and business_day(moment.known - timedelta(microseconds=1))))


def doubt_of(uscc: str | None) -> str | None:
    """What is doubtful about a code that was taken: its warning, none where there is nothing."""
    return parse_uscc(uscc).warning or None if uscc else None


def links_of(unit_id: UUID, rows: Iterable[Mapping[str, Any] | asyncpg.Record]) -> dict[str, list[SuccessorView]]:
    """The rows of LINKS, by their side."""
    links: dict[str, list[SuccessorView]] = {"successors": [], "predecessors": []}
    for row in rows:
        side, other = ("successors", "successor_id") if str(row["unit_id"]) == str(unit_id) else ("predecessors", "unit_id")
        links[side].append(SuccessorView(**{**row, "unit_id": row[other]}))
    return links


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
    """The units that have posts authorised, not used, not held, and out of time on this day, or recalled."""
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT DISTINCT unit_id FROM reservations WHERE (expires_on < $1 OR recalled_on IS NOT NULL) AND unspent > 0"
        " AND unspent > (SELECT count(*) FROM holds WHERE reservation_id = reservations.id) ORDER BY unit_id",
        on,
    )
    return [row["unit_id"] for row in rows]


_LINE = (
    "SELECT units.id, unit_records.parent_id, unit_records.path, unit_records.name, short_name, code, unit_records.uscc, unit_records.category,"
    " nature, public_welfare, unit_funding, sector, rank, system, unit_records.withheld, lower(valid) AS valid_from, upper(valid) AS closed_on,"
    " version"
)
_FROM = "FROM units JOIN unit_records ON unit_id = units.id"
_NAMES = """
    SELECT role, array_agg(name ORDER BY position) AS names FROM unit_names
    WHERE unit_id = $1 AND during @> coalesce($2::date, 'infinity') AND recorded @> coalesce($3::timestamptz, 'infinity') GROUP BY role
"""
LINKS = """
    SELECT unit_id, successor_id, kind, effective_on, document_no FROM unit_successors WHERE unit_id = $1 OR successor_id = $1
    ORDER BY effective_on, successor_id, unit_id
"""
_HELD = "({0}.during @> coalesce($2::date, 'infinity')) IS TRUE AND ({0}.recorded @> coalesce($3::timestamptz, 'infinity')) IS TRUE"
_SEATS = f"{levels_of('$1', _HELD.format)} ORDER BY level"
_FREEZES = """
    SELECT freeze_orders.id AS order_id, root_unit_id, scopes, lower(in_force) AS since, freeze_orders.document_no
    FROM freeze_orders
    WHERE root_unit_id = ANY(unit_records.path) AND in_force @> coalesce($4::timestamptz, 'infinity') ORDER BY since, order_id
"""
"""By the tree of the moment: `unit_records` is the row that held then."""


def _in_full(who: Who, moment: Moment) -> str:
    """All of a unit ($1) in one statement: on the day $2, as known at $3, reservations and freezes up to $4, for a caller whose scope is $5."""
    rows = FIGURES_NOW if moment == LATEST else FIGURES_THEN
    return f"""
        {_LINE}, duties, established_on, leaders_above_rank, leaders_above_rank_no, lower(during) AS since, unit_records.document_no, document_on,
            coalesce((SELECT json_object_agg(role, names) FROM ({_NAMES}) AS each), '{{}}') AS names,
            coalesce((SELECT json_agg(each) FROM ({LINKS}) AS each), '[]') AS links,
            coalesce((SELECT json_agg(each) FROM ({rows}) AS each), '[]') AS establishments,
            coalesce((SELECT json_agg(each) FROM ({_SEATS}) AS each), '[]') AS seats,
            coalesce((SELECT json_agg(each) FROM ({_FREEZES}) AS each), '[]') AS freezes
        {_FROM} AND ($2::date IS NULL OR during @> $2) AND (recorded @> coalesce($3::timestamptz, 'infinity')) IS TRUE
        WHERE units.id = $1 AND {visible(who, row="units", table="units", roots="$5")} ORDER BY lower(during) DESC LIMIT 1
    """
