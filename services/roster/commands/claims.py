"""A final decision claims its post under all checks; giving back leaves a tombstone, so that a claim that wakes up late is refused."""

from uuid import UUID

import asyncpg
from pydantic_core import to_jsonable_python

from services.roster.commands.changes import claim_change, unclaim_change
from services.roster.commands.locks import lock_unit, take_unit
from services.roster.commands.mandate import today_of
from services.roster.commands.reservations import count_reserved, drop_hold, take_in_hand
from services.roster.models.refusals import ClaimOpen, PersonClaimed
from services.roster.queries.codes import ensure_known_codes
from services.roster.queries.establishments import establishment
from services.roster.queries.facts import post_facts
from services.roster.rules.posts import ensure_may_claim, passed_freeze
from shared import outbox
from shared.db import By, Connection, command
from shared.events.roster import ClaimReleased, EstablishmentState, FreezePassed, PostClaimed
from shared.glossary import ApplicationType
from workflows.roster import FreezeException, GiveBack, PostRequest


@command
async def claim_post(conn: Connection, by: By, what: PostRequest) -> None:
    """Claim what a final decision grants: availability, kind, freeze, other rosters and 先核编后进人 are judged here, as law. An exit claims no
    post and is stopped by nothing but a wrong person.
    """
    today = today_of(by)
    if what.application_type is ApplicationType.CHANGE:
        await claim_change(conn, what)
        return
    await take_in_hand(conn, what.person_id)
    await lock_unit(conn, what.unit_id)
    facts = await post_facts(conn, what, today)
    ensure_may_claim(what, facts, today)
    await ensure_known_codes(conn, today, what.model_dump())
    exception = passed_freeze(what, facts.frozen_by)
    await _insert(conn, what, exception)
    if what.application_type is ApplicationType.EXIT:
        return
    await _reserve(conn, by, what)
    claimed = PostClaimed(
        occurred_at=by.as_of,
        unit_id=what.unit_id,
        version=await take_unit(conn, what.unit_id),
        establishments=(await establishment(conn, what.unit_id, what.kind, what.funding),),
        document_no=by.document_no,
        application_id=what.application_id,
        revision=what.revision,
        reservation_id=_spent(what),
        exception=FreezePassed(**exception.model_dump(exclude={"decided_by"})) if exception else None,
    )
    await outbox.append(conn, by, claimed)


async def _reserve(conn: Connection, by: By, what: PostRequest) -> None:
    """An entry uses what was reserved before; every other application has its posts reserved now."""
    if what.application_type is ApplicationType.ENTRY:
        await conn.execute("DELETE FROM holds WHERE application_id = $1", what.application_id)
        await conn.execute("UPDATE reservations SET unspent = unspent - 1 WHERE id = $1", what.reservation_id)
    else:
        await count_reserved(conn, by, what.unit_id, what.kind, what.funding, what.posts, what.application_id)


def _spent(what: PostRequest) -> UUID | None:
    """The reservation that an entry uses; no other application uses one, whatever it names."""
    return what.reservation_id if what.application_type is ApplicationType.ENTRY else None


async def _insert(conn: Connection, what: PostRequest, exception: FreezeException | None) -> None:
    is_exit = what.application_type is ApplicationType.EXIT
    try:
        taken = await conn.fetchval(
            "INSERT INTO claims (application_id, revision, application_type, unit_id, kind, funding, posts, reservation_id, person_id, exception, state)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'claimed') ON CONFLICT (application_id) DO UPDATE"
            " SET revision = excluded.revision, application_type = excluded.application_type, unit_id = excluded.unit_id,"
            " kind = excluded.kind, funding = excluded.funding, posts = excluded.posts, reservation_id = excluded.reservation_id,"
            " person_id = excluded.person_id, exception = excluded.exception, state = excluded.state WHERE claims.state = 'given_back' RETURNING true",
            what.application_id,
            what.revision,
            what.application_type,
            what.unit_id,
            what.kind,
            what.funding,
            0 if is_exit else what.posts,
            _spent(what),
            None if is_exit else what.person_id,
            to_jsonable_python(exception),
        )
    except asyncpg.UniqueViolationError:
        raise PersonClaimed from None
    if not taken:
        raise ClaimOpen


@command
async def give_back(conn: Connection, by: By, what: GiveBack) -> None:
    """Give back all that the application holds or claimed up to this revision, and refuse what comes late; nothing is told where nothing was. What took effect stays."""
    await lock_unit(conn, what.unit_id)
    await conn.execute(
        "INSERT INTO tombstones (application_id, revision) VALUES ($1, $2)"
        " ON CONFLICT (application_id) DO UPDATE SET revision = greatest(tombstones.revision, excluded.revision)",
        what.application_id,
        what.revision,
    )
    await unclaim_change(conn, what)
    await drop_hold(conn, by, what.application_id, what.revision)
    if rows := await _unclaim(conn, by, what):
        released = ClaimReleased(
            occurred_at=by.as_of,
            unit_id=what.unit_id,
            version=await take_unit(conn, what.unit_id),
            establishments=rows,
            document_no=by.document_no,
            application_id=what.application_id,
            revision=what.revision,
        )
        await outbox.append(conn, by, released)


async def _unclaim(conn: Connection, by: By, what: GiveBack) -> tuple[EstablishmentState, ...]:
    claim = await conn.fetchrow(
        "UPDATE claims SET state = 'given_back' WHERE application_id = $1 AND revision <= $2 AND unit_id = $3 AND state = 'claimed'"
        " RETURNING application_type, kind, funding, posts, reservation_id",
        what.application_id,
        what.revision,
        what.unit_id,
    )
    if claim is None or claim["posts"] == 0:
        return ()
    if claim["application_type"] == ApplicationType.ENTRY:
        await _return_to_reservation(conn, claim["reservation_id"])
    else:
        await count_reserved(conn, by, what.unit_id, claim["kind"], claim["funding"], -claim["posts"], what.application_id)
    return (await establishment(conn, what.unit_id, claim["kind"], claim["funding"]),)


async def _return_to_reservation(conn: Connection, reservation_id: UUID) -> None:
    """The post is reserved as before; if the validity is over, the next sweep sets it free."""
    await conn.execute("UPDATE reservations SET unspent = unspent + 1 WHERE id = $1", reservation_id)
