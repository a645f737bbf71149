"""任免: whoever is in post takes a seat of 领导职数 from a day on, another one, or none. His post, and the day it began, stay as they are.

职务 and 领导职务级别 are key items (★) and change by a case; the seat is no key item: the office records it as it does that of an entry.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from services.roster.commands.locks import lock_person, lock_unit
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.placements import ensure_seat, seat_taken_or_left
from services.roster.commands.records import Line, keep_lines
from services.roster.commands.units import seats_state
from services.roster.models.facts import Placement
from services.roster.models.refusals import AlreadyReleased, ChangedLater, SeatUnchanged, SinceBeforePost
from services.roster.models.requests import ChangeSeat
from services.roster.queries.codes import ensure_known_codes
from services.roster.queries.facts import placement
from services.roster.queries.seats import seat_now, seat_on
from services.roster.rules.posts import ensure_no_seat_vacant
from shared.db import By, Connection, command

Judge = Callable[[Connection, UUID, str], Awaitable[None]]
"""Whether somebody may take a seat of a level in a unit, which is locked."""


@command
async def change_seat(conn: Connection, by: By, what: ChangeSeat) -> None:
    """Appoint or relieve somebody from a day on, on a document. Whoever takes a seat needs a vacant one, and no freeze of 领导职数; nothing stops
    who leaves one.
    """
    await _change(conn, by, what, ensure_seat)


@command
async def record_over_seat(conn: Connection, by: By, what: ChangeSeat) -> None:
    """Record that somebody was appointed beyond 领导职数 of the level: the supervision office alone, on a document. It is a fact; no freeze hides it."""
    await _change(conn, by, what, _ensure_over)


async def _ensure_over(conn: Connection, unit_id: UUID, level: str) -> None:
    ensure_no_seat_vacant(await seats_state(conn, unit_id, level))


async def _change(conn: Connection, by: By, what: ChangeSeat, judge: Judge) -> None:
    document_no = document_of(by)
    await ensure_known_codes(conn, today_of(by, what.since), {"seat_level": what.seat_level})
    await lock_person(conn, (await placement(conn, what.placement_id)).person_id)
    here = await placement(conn, what.placement_id)
    await lock_unit(conn, here.unit_id)
    before = await _judged(conn, here, what, judge)
    then = await seat_on(conn, here.placement_id, what.since)
    await _write(conn, by, here, what, before, document_no)
    await keep_lines(conn, by, here.person_id, [Line("seat_level", what.since, then, what.seat_level, here.placement_id)])
    for level in sorted(filter(None, {then, before, what.seat_level})):
        await seat_taken_or_left(conn, by, here.unit_id, level, baseline=False, since=what.since)


async def _judged(conn: Connection, here: Placement, what: ChangeSeat, judge: Judge) -> str | None:
    """The seat before. The caller has locked the person and the unit."""
    if here.ended_on is not None:
        raise AlreadyReleased
    if what.since < here.started_on:
        raise SinceBeforePost(since=what.since, started_on=here.started_on)
    before = await seat_now(conn, here.placement_id)
    if before != what.seat_level and what.seat_level is not None:
        await judge(conn, here.unit_id, what.seat_level)
    return before


async def _write(conn: Connection, by: By, here: Placement, what: ChangeSeat, before: str | None, document_no: str) -> None:
    """The stretch that lasted ends on the day, and another begins; what was known before stays readable as known then."""
    at = await _end_stretches(conn, by, here, what, before)
    await conn.execute(
        "INSERT INTO post_seats (placement_id, unit_id, level, during, recorded, document_no)"
        " VALUES ($1, $2, $3, daterange($4, NULL), tstzrange($5, NULL), $6)",
        here.placement_id,
        here.unit_id,
        what.seat_level or "",
        what.since,
        at or by.as_of,
        document_no,
    )


async def _end_stretches(conn: Connection, by: By, here: Placement, what: ChangeSeat, before: str | None) -> datetime | None:
    """Close what is recorded from the day on; answers the instant, none where nothing was. What lasts may be found to have begun earlier. Raises
    ChangedLater where another change stands after the day, SeatUnchanged.
    """
    rows = await conn.fetch(
        "SELECT id, lower(during) AS since FROM post_seats WHERE placement_id = $1 AND upper_inf(recorded) AND during && daterange($2, NULL)"
        " ORDER BY during",
        here.placement_id,
        what.since,
    )
    later = [row["since"] for row in rows if row["since"] > what.since]
    if before == what.seat_level and not later:
        raise SeatUnchanged
    if len(later) > 1 or (later and before != what.seat_level):
        raise ChangedLater(since=later[-1])
    return await _close(conn, by, [row["id"] for row in rows], what) if rows else None


async def _close(conn: Connection, by: By, ids: list[int], what: ChangeSeat) -> datetime:
    """Up to the day they are recorded anew."""
    at: datetime = await conn.fetchval(
        "SELECT greatest($2, max(lower(recorded)) + interval '1 microsecond') FROM post_seats WHERE id = ANY($1)", ids, by.as_of
    )
    await conn.execute("UPDATE post_seats SET recorded = tstzrange(lower(recorded), $2) WHERE id = ANY($1)", ids, at)
    await conn.execute(
        "INSERT INTO post_seats (placement_id, unit_id, level, during, recorded, document_no)"
        " SELECT placement_id, unit_id, level, daterange(lower(during), $2), tstzrange($3, NULL), document_no FROM post_seats"
        " WHERE id = ANY($1) AND lower(during) < $2",
        ids,
        what.since,
        at,
    )
    return at
