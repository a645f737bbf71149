"""The effect of an authorised application on the roster. It uses what was claimed; post and freeze are not judged again, the person is."""

from typing import TypeVar
from uuid import UUID

from services.roster.commands.changes import carry_out_change
from services.roster.commands.locks import take_person_and_unit, take_unit
from services.roster.commands.mandate import today_of
from services.roster.commands.placements import Entry, Judged, placed, released
from services.roster.commands.reservations import about, use_reserved
from services.roster.commands.transfers import moved, take_both
from services.roster.models.refusals import REQUESTED, ClaimRefusedByTombstone, ClaimUnknown, RequestIncomplete
from services.roster.models.requests import Post, TakeEffect
from services.roster.queries.establishments import establishment
from services.roster.queries.facts import (
    ensure_known_entry,
    ensure_known_exit,
    natures_of,
    person_record,
    placements_of,
    reservation_by_id,
)
from services.roster.rules.posts import ensure_complete, ensure_here, ensure_kinds_alike, ensure_on_no_roster
from shared import outbox
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.events.roster import PostsReserved
from shared.glossary import ApplicationType
from workflows.roster import Done, PostRequest

T = TypeVar("T")


@command
async def take_effect(conn: Connection, by: By, what: TakeEffect) -> Done:
    """Carry out an application: reserve the authorised posts, place, release, or transfer. A day to come is refused: the workflow calls on the day."""
    ensure_complete(what.request)
    today_of(by, what.authorised_on, what.request.effective_on)
    effects = {
        ApplicationType.POST_USE: _reserve,
        ApplicationType.ENTRY: _enter,
        ApplicationType.EXIT: _leave,
        ApplicationType.TRANSFER: _transfer,
        ApplicationType.CHANGE: carry_out_change,
    }
    return await effects[what.request.application_type](conn, by, what)


async def _reserve(conn: Connection, by: By, what: TakeEffect) -> Done:
    """核准用编: what was claimed is reserved until the validity ends; the number of reserved posts stays as it is."""
    asked, reservation_id = what.request, uuid7()
    version = await take_unit(conn, asked.unit_id)
    await _use_claim(conn, asked)
    await conn.execute(
        "INSERT INTO reservations (id, unit_id, kind, funding, posts, unspent, application_id, authorisation_no, authorised_on, expires_on)"
        " VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9)",
        reservation_id,
        asked.unit_id,
        asked.kind,
        asked.funding,
        asked.posts,
        asked.application_id,
        what.authorisation_no,
        what.authorised_on,
        what.expires_on,
    )
    made = await reservation_by_id(conn, reservation_id)
    terms = {
        "posts": made.posts,
        "authorisation_no": made.authorisation_no,
        "authorised_on": made.authorised_on,
        "expires_on": made.expires_on,
    }
    await outbox.append(conn, by, await about(conn, by, PostsReserved, made, asked.application_id, version, **terms))
    return Done(reservation_id=reservation_id, expires_on=made.expires_on)


async def _enter(conn: Connection, by: By, what: TakeEffect) -> Done:
    """入编 on the authorised use: its number and date go with the placement."""
    asked = what.request
    person_id, reason = _given(asked.person_id, "person_id"), _given(asked.reason_code, "reason_code")
    post = _post(by, asked, person_id)
    versions = await take_person_and_unit(conn, person_id, asked.unit_id)
    used = await reservation_by_id(conn, _given(await _use_claim(conn, asked), "reservation_id"))
    await ensure_known_entry(conn, reason, post.started_on)
    ensure_on_no_roster([each.ended_on for each in await placements_of(conn, person_id)], post.started_on)
    await use_reserved(conn, by, asked, used.id, post.started_on)
    before = await establishment(conn, asked.unit_id, asked.kind, asked.funding)
    judged = Judged(await person_record(conn, person_id), before, *versions)
    await placed(conn, by, post, Entry(reason, used.authorisation_no, used.authorised_on), judged)
    return Done()


async def _leave(conn: Connection, by: By, what: TakeEffect) -> Done:
    """出编: never blocked; only a wrong person, or an application taken back, is refused."""
    asked = what.request
    person_id, reason = _given(asked.person_id, "person_id"), _given(asked.reason_code, "reason_code")
    ended_on = today_of(by) if asked.effective_on is None else asked.effective_on
    person_version, version = await take_person_and_unit(conn, person_id, asked.unit_id)
    if await conn.fetchval(
        "SELECT true FROM tombstones WHERE application_id = $1 AND revision >= $2", asked.application_id, asked.revision
    ):
        raise ClaimRefusedByTombstone
    await ensure_known_exit(conn, reason, ended_on)
    here = ensure_here(await placements_of(conn, person_id), asked.unit_id)
    await conn.execute("UPDATE claims SET state = 'effected' WHERE application_id = $1", asked.application_id)
    await released(conn, by, here, ended_on, reason, person_version, version)
    return Done()


async def _transfer(conn: Connection, by: By, what: TakeEffect) -> Done:
    """调动: out of one unit and into the other at one stroke."""
    asked = what.request
    person_id, from_unit_id = _given(asked.person_id, "person_id"), _given(asked.from_unit_id, "from_unit_id")
    taken = await take_both(conn, person_id, from_unit_id, asked.unit_id)
    await _use_claim(conn, asked)
    here = ensure_here(await placements_of(conn, person_id), from_unit_id)
    ensure_kinds_alike(here, asked.kind, await natures_of(conn, (here.kind, asked.kind)))
    post = _post(by, asked, person_id)
    await use_reserved(conn, by, asked, None, post.started_on)
    entry = Entry("transfer", what.authorisation_no, what.authorised_on, transfer_id=asked.application_id)
    before = await establishment(conn, asked.unit_id, asked.kind, asked.funding)
    await moved(conn, by, here, post, entry, before, taken)
    return Done()


async def _use_claim(conn: Connection, asked: PostRequest) -> UUID | None:
    """Turn the claim of this revision into its effect; the reservation it came from. Given back, or never claimed: ClaimUnknown."""
    claim = await conn.fetchrow(
        "UPDATE claims SET state = 'effected' WHERE application_id = $1 AND revision = $2 AND state = 'claimed' AND unit_id = $3"
        " AND kind = $4 AND funding = $5 AND posts = $6 RETURNING reservation_id",
        asked.application_id,
        asked.revision,
        asked.unit_id,
        asked.kind,
        asked.funding,
        asked.posts,
    )
    if claim is None:
        raise ClaimUnknown
    reservation_id: UUID | None = claim["reservation_id"]
    return reservation_id


def _post(by: By, asked: PostRequest, person_id: UUID) -> Post:
    started_on = asked.effective_on or today_of(by)
    return Post(
        person_id=person_id,
        unit_id=asked.unit_id,
        kind=asked.kind,
        funding=asked.funding,
        started_on=started_on,
        off_post_kind=asked.off_post_kind,
        employment_form=asked.employment_form,
    )


def _given(value: T | None, field: str) -> T:
    if value is None:
        raise RequestIncomplete(field=REQUESTED[field])
    return value
