"""已核未用: what happens to authorised posts between the authorisation and the entry. An entry application holds one; time takes what nobody holds."""

from dataclasses import replace
from datetime import date
from typing import TypeVar
from uuid import UUID

from services.roster.commands.changes import hold_change
from services.roster.commands.locks import lock_person, lock_unit, take_unit
from services.roster.commands.mandate import document_of, today_of
from services.roster.models.facts import Reservation
from services.roster.models.refusals import NotAuthorised
from services.roster.models.requests import LapseReservations, RecallReservation
from services.roster.queries.codes import ensure_known_codes
from services.roster.queries.establishments import establishment
from services.roster.queries.facts import person_record, post_facts, reservation_by_id
from services.roster.rules.posts import ensure_complete, ensure_not_buried, ensure_off_post_told, ensure_usable
from shared import outbox
from shared.db import By, Connection, command
from shared.events.roster import HoldReleased, ReservationEvent, ReservationExpired, ReservationHeld
from shared.glossary import ApplicationType
from workflows.roster import RECALLED, PostRequest

E = TypeVar("E", bound=ReservationEvent)


@command
async def hold_reservation(conn: Connection, by: By, what: PostRequest) -> None:
    """Hold one post of an authorised use for an entry application from its submission, or a registered change for its own; a held post does not
    lapse, and whoever something is held for is not erased.
    """
    if what.application_type is ApplicationType.CHANGE:
        await hold_change(conn, what)
        return
    ensure_complete(what)
    if what.reservation_id is None:
        raise NotAuthorised
    await take_in_hand(conn, what.person_id)
    await lock_unit(conn, what.unit_id)
    facts = await post_facts(conn, what, today_of(by))
    ensure_not_buried(what.revision, facts)
    ensure_off_post_told(what, facts.population_of(what.kind))
    await ensure_known_codes(conn, today_of(by), what.model_dump())
    if not facts.holds_one:
        ensure_usable(facts.reservation, today_of(by))
        await drop_hold(conn, by, what.application_id, what.revision)
    await conn.execute(
        "INSERT INTO holds (application_id, revision, reservation_id, person_id) VALUES ($1, $2, $3, $4) ON CONFLICT (application_id)"
        " DO UPDATE SET revision = greatest(holds.revision, excluded.revision), person_id = excluded.person_id",
        what.application_id,
        what.revision,
        what.reservation_id,
        what.person_id,
    )
    held, version = await reservation_by_id(conn, what.reservation_id), await take_unit(conn, what.unit_id)
    event = await about(conn, by, ReservationHeld, held, what.application_id, version, held_by=what.application_id)
    await outbox.append(conn, by, event)


async def take_in_hand(conn: Connection, person_id: UUID | None) -> None:
    """Lock whom an application is about. Raises PersonUnknown, also where he was erased meanwhile and only his empty row is left."""
    if person_id is not None:
        await lock_person(conn, person_id)
        await person_record(conn, person_id)


async def drop_hold(conn: Connection, by: By, application_id: UUID, revision: int) -> None:
    """Give up what the application holds up to this revision, and publish that. The caller has locked the unit."""
    reservation_id: UUID | None = await conn.fetchval(
        "DELETE FROM holds WHERE application_id = $1 AND revision <= $2 RETURNING reservation_id", application_id, revision
    )
    if reservation_id is not None:
        free = await reservation_by_id(conn, reservation_id)
        version = await take_unit(conn, free.unit_id)
        await outbox.append(conn, by, await about(conn, by, HoldReleased, free, application_id, version))


@command
async def lapse_reservations(conn: Connection, by: By, what: LapseReservations) -> int:
    """End one unit's authorised uses whose validity is over, or whose document was revoked; the number of posts set free. Held posts wait for their application's end."""
    await lock_unit(conn, what.unit_id)
    rows = await conn.fetch(
        "SELECT id, recalled_on FROM reservations WHERE unit_id = $1 AND (expires_on < $2 OR recalled_on IS NOT NULL)"
        " AND unspent > (SELECT count(*) FROM holds WHERE reservation_id = reservations.id) ORDER BY id",
        what.unit_id,
        what.on,
    )
    return sum([await _lapse(conn, replace(by, reason=RECALLED) if row["recalled_on"] else by, row["id"]) for row in rows])


@command
async def recall_reservation(conn: Connection, by: By, what: RecallReservation) -> int:
    """The document that authorised a use was revoked: nobody enters on it any more; the number of posts set free. What was claimed before stands."""
    document_of(by)
    found = await conn.fetchrow("SELECT id, unit_id FROM reservations WHERE application_id = $1", what.application_id)
    if found is None:
        return 0
    await lock_unit(conn, found["unit_id"])
    await conn.execute("UPDATE reservations SET recalled_on = $2 WHERE id = $1 AND recalled_on IS NULL", found["id"], today_of(by))
    recalled = await reservation_by_id(conn, found["id"])
    return await _lapse(conn, by, recalled.id) if recalled.unspent > recalled.held else 0


async def _lapse(conn: Connection, by: By, reservation_id: UUID) -> int:
    over = await reservation_by_id(conn, reservation_id)
    lapsed = over.unspent - over.held
    version = await take_unit(conn, over.unit_id)
    await conn.execute("UPDATE reservations SET unspent = $2 WHERE id = $1", reservation_id, over.held)
    application_id: UUID = await conn.fetchval("SELECT application_id FROM reservations WHERE id = $1", reservation_id)
    await count_reserved(conn, by, over.unit_id, over.kind, over.funding, -lapsed, application_id)
    await outbox.append(conn, by, await about(conn, by, ReservationExpired, over, application_id, version, posts=lapsed))
    return lapsed


async def count_reserved(
    conn: Connection, by: By, unit_id: UUID, kind: str, funding: str, posts: int, application_id: UUID, since: date | None = None
) -> None:
    """Write a change of the number of reserved posts, from a day on or from now; the number is the sum of these."""
    await conn.execute(
        "INSERT INTO reserved_ledger (unit_id, kind, funding, posts, at, application_id, since) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        unit_id,
        kind,
        funding,
        posts,
        by.as_of,
        application_id,
        since,
    )


async def reserved_on(conn: Connection, application_id: UUID) -> date | None:
    """The day on which the posts of an application were reserved where they are now."""
    day: date | None = await conn.fetchval(
        "SELECT max(coalesce(since, (at AT TIME ZONE 'Asia/Shanghai')::date)) FROM reserved_ledger WHERE application_id = $1 AND posts > 0",
        application_id,
    )
    return day


async def use_reserved(conn: Connection, by: By, asked: PostRequest, reservation_id: UUID | None, begun_on: date) -> None:
    """An effect uses one reserved post: from the first day of its placement on, but not from before the day on which the post was reserved."""
    await conn.execute(
        "INSERT INTO reserved_ledger (unit_id, kind, funding, posts, at, application_id, since) SELECT $1, $2, $3, -1, $4, $5, greatest($6::date,"
        " (SELECT max(coalesce(since, (at AT TIME ZONE 'Asia/Shanghai')::date)) FROM reserved_ledger WHERE unit_id = $1 AND kind = $2 AND funding = $3 AND posts > 0"
        " AND application_id = coalesce((SELECT application_id FROM reservations WHERE id = $7), $5)))",
        asked.unit_id,
        asked.kind,
        asked.funding,
        by.as_of,
        asked.application_id,
        begun_on,
        reservation_id,
    )


async def about(
    conn: Connection, by: By, event: type[E], reservation: Reservation, application_id: UUID, version: int, **more: object
) -> E:
    """An event about a reservation, with its row's state after the change; one post unless `posts` says otherwise."""
    facts: dict[str, object] = {
        "occurred_at": by.as_of,
        "unit_id": reservation.unit_id,
        "version": version,
        "establishments": (await establishment(conn, reservation.unit_id, reservation.kind, reservation.funding),),
        "document_no": by.document_no,
        "reservation_id": reservation.id,
        "application_id": application_id,
        "posts": 1,
    }
    return event.model_validate(facts | more)
