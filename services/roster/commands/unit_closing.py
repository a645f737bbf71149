"""撤销: a unit that holds nothing any more ends on a day; what it was stays readable, and who took over stands beside it."""

from collections.abc import Sequence
from uuid import UUID

from services.roster.commands.locks import lock_paths
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.unit_events import Batch, tell, told_units
from services.roster.commands.unit_records import end_record, write_names, write_search_of_heirs
from services.roster.commands.units import replace_seats
from services.roster.models.refusals import DatesOutOfOrder, SameUnit
from services.roster.models.requests import SetSeats
from services.roster.models.units import CloseUnit, ExitAfterReform, PostsAfterReform, ReformInFlight, UnitNotEmpty, UnitUnderFreeze
from services.roster.queries.establishments import establishments
from services.roster.queries.facts import frozen_by
from services.roster.queries.unit_records import ensure_open, names_of, record_of
from services.roster.rules.posts import ensure_not_frozen
from shared.db import By, Connection, command
from shared.glossary import FreezeScope

_BESIDE = (("people", "headcount"), ("posts", "quota"))
"""员额 and 编外 are no 编制: told beside it (domain §1.2)."""


@command
async def close_unit(conn: Connection, by: By, what: CloseUnit) -> None:
    """Close a unit that holds nothing any more. Needs a document."""
    document_of(by)
    today_of(by, what.effective_on)
    await lock_paths(conn, (what.unit_id, *what.successors))
    batch = Batch(what.effective_on)
    await closed(conn, by, batch, what.unit_id, what.successors, "closed")
    await tell(conn, by, batch, await told_units(conn, batch))


async def closed(conn: Connection, by: By, batch: Batch, unit_id: UUID, successors: Sequence[UUID], kind: str) -> None:
    """End the unit on the day; what it was stays readable. Raises UnitNotEmpty, ExitAfterReform, PostsAfterReform, ReformInFlight,
    UnitUnderFreeze.
    """
    await record_of(conn, unit_id)
    await ensure_nothing_in_flight(conn, unit_id)
    await _ensure_empty(conn, unit_id)
    await _ensure_all_gone(conn, batch, unit_id)
    await _ensure_no_posts(conn, batch, unit_id)
    ensure_not_frozen(await frozen_by(conn, unit_id, FreezeScope.ORGANISATION))
    await _end_seats(conn, by, batch, unit_id)
    for role, names in (await names_of(conn, unit_id)).items():
        if names:
            await write_names(conn, by, unit_id, role, (), batch.since, document_of(by))
    ended = await conn.fetchval(
        "UPDATE units SET valid = daterange(lower(valid), $2) WHERE id = $1 AND lower(valid) < $2 RETURNING true", unit_id, batch.since
    )
    if not ended:
        raise DatesOutOfOrder
    await end_record(conn, by, unit_id, batch.since)
    for successor_id in successors:
        await write_successor(conn, by, batch, unit_id, successor_id, kind)
    await write_search_of_heirs(conn, unit_id)
    batch.changed.pop(unit_id, None)
    batch.closed[unit_id] = tuple(successors)


async def ensure_nothing_in_flight(conn: Connection, unit_id: UUID) -> None:
    """An application that holds or has claimed a post of the unit is decided first (docs/decisions); a freeze is released first."""
    row = await conn.fetchrow(
        "SELECT (SELECT count(*) FROM holds JOIN reservations ON reservations.id = reservation_id WHERE unit_id = $1) AS holds,"
        " (SELECT count(*) FROM claims WHERE unit_id = $1 AND state = 'claimed') AS claims,"
        " EXISTS (SELECT FROM freeze_orders WHERE root_unit_id = $1 AND upper_inf(in_force)) AS frozen",
        unit_id,
    )
    assert row is not None  # noqa: S101  a SELECT without FROM has one row
    if row["holds"] or row["claims"]:
        raise ReformInFlight(unit=unit_id, holds=row["holds"], claims=row["claims"])
    if row["frozen"]:
        raise UnitUnderFreeze(unit=unit_id)


async def _ensure_empty(conn: Connection, unit_id: UUID) -> None:
    rows = await establishments(conn, unit_id)
    people, posts = (sum(getattr(row, name) for row in rows if row.counted) for name in ("headcount", "quota"))
    beside = {f"{name}_beside": sum(getattr(row, of) for row in rows if not row.counted) for name, of in _BESIDE}
    reserved = sum(row.reserved for row in rows)
    left = await conn.fetchrow(
        "SELECT (SELECT count(*) FROM units WHERE parent_id = $1 AND upper_inf(valid)) AS below,"
        " (SELECT count(*) FROM secondments WHERE borrower_id = $1 AND upper_inf(during) AND upper_inf(recorded)) AS borrowed",
        unit_id,
    )
    assert left is not None  # noqa: S101  a SELECT without FROM has one row
    if people or posts or reserved or any(left.values()) or any(beside.values()):
        raise UnitNotEmpty(unit=unit_id, people=people, posts=posts, reserved=reserved, **beside, **left)


async def _ensure_all_gone(conn: Connection, batch: Batch, unit_id: UUID) -> None:
    """Nobody was there, nor on loan from it or to it, between the day and today: on those days he would be nowhere."""
    left = await conn.fetchrow(
        "SELECT count(DISTINCT person_id) AS people, max(upper(during)) AS day FROM ("
        " SELECT person_id, during FROM placements WHERE unit_id = $1 AND upper_inf(recorded) UNION ALL"
        " SELECT person_id, during FROM secondments WHERE (lender_id = $1 OR borrower_id = $1) AND upper_inf(recorded)"
        ") AS stays WHERE upper(during) > $2",
        unit_id,
        batch.since,
    )
    assert left is not None  # noqa: S101  a count has one row
    if left["people"]:
        raise ExitAfterReform(**left)


async def _ensure_no_posts(conn: Connection, batch: Batch, unit_id: UUID) -> None:
    """What was taken from it between the day and today was its own until then. Leadership posts that it still has end with it."""
    day = await conn.fetchval(
        "SELECT max(upper(during)) FROM (SELECT during FROM quotas WHERE unit_id = $1 AND posts > 0 AND upper_inf(recorded) UNION ALL"
        " SELECT during FROM seats WHERE unit_id = $1 AND approved > 0 AND NOT upper_inf(during) AND upper_inf(recorded)"
        ") AS held WHERE upper(during) > $2",
        unit_id,
        batch.since,
    )
    if day is not None:
        raise PostsAfterReform(day=day)


async def _end_seats(conn: Connection, by: By, batch: Batch, unit_id: UUID) -> None:
    for row in await conn.fetch(
        "SELECT level FROM seats WHERE unit_id = $1 AND approved > 0 AND upper_inf(during) AND upper_inf(recorded) ORDER BY level", unit_id
    ):
        none = SetSeats(unit_id=unit_id, level=row["level"], approved=0, effective_on=batch.since)
        await replace_seats(conn, by, none, document_of(by))
        batch.seats.add((unit_id, row["level"]))


async def write_successor(conn: Connection, by: By, batch: Batch, unit_id: UUID, successor_id: UUID, kind: str) -> None:
    """Who took over from whom. A unit that was split and is then closed keeps the first link."""
    if successor_id == unit_id:
        raise SameUnit
    await ensure_open(conn, successor_id)
    await conn.execute(
        "INSERT INTO unit_successors (unit_id, successor_id, effective_on, kind, reform_id, document_no, recorded_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        unit_id,
        successor_id,
        batch.since,
        kind,
        batch.reform_id,
        document_of(by),
        by.as_of,
    )
