"""入编 and 出编 by the office: placing, recording an over-quota fact, releasing. `placed` and `released` write what every door's effect writes."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.roster.commands.locks import take_person, take_person_and_unit, take_unit
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.secondments import end_with_post
from services.roster.commands.spans import ended
from services.roster.commands.units import seats_changed, seats_state
from services.roster.models.facts import PersonRecord, Placement
from services.roster.models.refusals import AlreadyReleased, DatesOutOfOrder, NotAuthorised
from services.roster.models.requests import PlacePerson, Post, RecordOverQuota, ReleasePerson
from services.roster.queries.codes import ensure_known_codes
from services.roster.queries.establishments import establishment
from services.roster.queries.facts import (
    ensure_known_exit,
    ensure_known_row,
    entry_facts,
    frozen_by,
    person_record,
    placement,
    placements_of,
)
from services.roster.queries.seats import seat_now
from services.roster.rules.persons import retirement_due
from services.roster.rules.posts import (
    ensure_available,
    ensure_before_retirement,
    ensure_contract_lasts,
    ensure_in_term,
    ensure_not_frozen,
    ensure_of_this_matter,
    ensure_off_post_told,
    ensure_on_no_roster,
    ensure_over_quota,
    ensure_seat_vacant,
)
from shared import outbox
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.events.roster import EstablishmentState, OverQuotaRecorded, PersonPlaced, PersonReleased, PlacementCorrected
from shared.glossary import FreezeScope, OverQuotaCause

DETAILS = "internal_unit, duty_status, entry_source, entry_document_no, off_post_kind, employment_form, dispatch_company, contract_until, entered_on"
"""The columns of `PostDetails`, as every version of a placement keeps them."""


@dataclass(frozen=True)
class Entry:
    """On what ground a person takes up a post."""

    reason: str
    authorisation_no: str | None = None
    authorised_on: date | None = None
    cause: OverQuotaCause | None = None
    transfer_id: UUID | None = None


@dataclass(frozen=True)
class Judged:
    """What the caller has locked and judged: the person, the row as it stands before the person counts in it, the new version of each."""

    person: PersonRecord
    before: EstablishmentState
    person_version: int
    version: int


@command
async def place_person(conn: Connection, by: By, what: PlacePerson) -> UUID:
    """Place a person on a free post, under freeze, availability (of 领导职数 too) and 先核编后进人; answers with the placement's id. A first load may lack the
    authorisation.
    """
    today = today_of(by, what.started_on, what.authorised_on)
    if not what.baseline:
        ensure_of_this_matter("entry_reasons", what.entry_reason)
        if what.authorisation_no is None or what.authorised_on is None:
            raise NotAuthorised
    await ensure_known_codes(conn, today, what.model_dump())
    versions = await take_person_and_unit(conn, what.person_id, what.unit_id)
    facts = await entry_facts(conn, what, today)
    ensure_not_frozen(facts.frozen_by)
    if what.seat_level is not None and not what.baseline:
        await ensure_seat(conn, what.unit_id, what.seat_level)
    ensure_on_no_roster(facts.post_ends, what.started_on)
    ensure_off_post_told(what, facts.population)
    ensure_contract_lasts(what.contract_until, what.started_on)
    ensure_available(facts.before, 1)
    if not what.baseline:
        ensure_before_retirement(facts.person, facts.population, what.started_on)
        ensure_in_term(facts.before, what.started_on)
    entry = Entry(what.entry_reason, what.authorisation_no, what.authorised_on)
    return await placed(conn, by, what, entry, Judged(facts.person, facts.before, *versions))


@command
async def record_over_quota_fact(conn: Connection, by: By, what: RecordOverQuota) -> UUID:
    """Record that a unit employs a person beyond its quota: the office alone, with cause and document. It is a fact; no freeze hides it."""
    document_of(by)
    today = today_of(by, what.started_on)
    versions = await take_person_and_unit(conn, what.person_id, what.unit_id)
    await ensure_known_row(conn, what.unit_id, what.kind, what.funding, today)
    ensure_on_no_roster([each.ended_on for each in await placements_of(conn, what.person_id)], what.started_on)
    before = await establishment(conn, what.unit_id, what.kind, what.funding)
    ensure_over_quota(before)
    judged = Judged(await person_record(conn, what.person_id), before, *versions)
    return await placed(conn, by, what, Entry("over_quota", cause=what.cause), judged)


@command
async def release_person(conn: Connection, by: By, what: ReleasePerson) -> None:
    """End a placement (出编), with reason and document. Never stopped by a freeze or a light. Raises ReasonOfAnotherMatter."""
    ensure_of_this_matter("exit_reasons", what.exit_reason)
    document_of(by)
    today = today_of(by, what.ended_on)
    await ensure_known_exit(conn, what.exit_reason, today)
    person_id = (await placement(conn, what.placement_id)).person_id
    person_version = await take_person(conn, person_id)
    here = await placement(conn, what.placement_id)
    version = await take_unit(conn, here.unit_id)
    await released(conn, by, here, what.ended_on, what.exit_reason, person_version, version)


async def placed(conn: Connection, by: By, post: Post, entry: Entry, judged: Judged) -> UUID:
    """Write the placement and publish it."""
    placement_id = uuid7()
    await _insert(conn, by, placement_id, post, entry)
    await outbox.append(conn, by, _placed_event(by, post, entry, judged))
    await seat_taken_or_left(conn, by, post.unit_id, post.seat_level, baseline=post.baseline)
    return placement_id


async def _insert(conn: Connection, by: By, placement_id: UUID, post: Post, entry: Entry) -> None:
    """Known from now on, or from where an earlier placement was closed: business clocks of two doors may differ a little."""
    await conn.execute(
        "WITH moved AS (UPDATE persons SET unit_id = $3 WHERE id = $2 AND unit_id <> $3)"
        " INSERT INTO placements (placement_id, person_id, unit_id, kind, funding, during, recorded, entry_reason, seat_level,"
        f" authorisation_no, authorised_on, over_quota_cause, transfer_id, document_no, {DETAILS})"
        " VALUES ($1, $2, $3, $4, $5, daterange($6, NULL),"
        " tstzrange(greatest($7, (SELECT max(upper(recorded)) FROM placements WHERE person_id = $2)), NULL), $8, $9, $10, $11, $12, $13, $14,"
        " $15, $16, $17, coalesce($18, $14), $19, $20, $21, $22, $23)",
        placement_id,
        post.person_id,
        post.unit_id,
        post.kind,
        post.funding,
        post.started_on,
        by.as_of,
        entry.reason,
        post.seat_level,
        entry.authorisation_no,
        entry.authorised_on,
        entry.cause,
        entry.transfer_id,
        by.document_no,
        post.internal_unit,
        post.duty_status,
        post.entry_source,
        post.entry_document_no,
        post.off_post_kind,
        post.employment_form,
        post.dispatch_company,
        post.contract_until,
        post.entered_on,
    )


def _placed_event(by: By, post: Post, entry: Entry, judged: Judged) -> PersonPlaced | OverQuotaRecorded:
    facts = {
        "occurred_at": by.as_of,
        "unit_id": post.unit_id,
        "version": judged.version,
        "establishments": (judged.before.with_more(1),),
        "document_no": by.document_no,
        "baseline": post.baseline,
        "person_id": post.person_id,
        "person_version": judged.person_version,
        "kind": post.kind,
        "funding": post.funding,
        "started_on": post.started_on,
        "retirement": retirement_due(judged.person),
    }
    if entry.cause is not None:
        return OverQuotaRecorded.model_validate(facts | {"cause": entry.cause})
    ground = {"authorisation_no": entry.authorisation_no, "authorised_on": entry.authorised_on, "transfer_id": entry.transfer_id}
    return PersonPlaced.model_validate(facts | ground | {"entry_reason": entry.reason})


async def released(
    conn: Connection,
    by: By,
    here: Placement,
    ended_on: date,
    exit_reason: str,
    person_version: int,
    version: int,
    transfer_id: UUID | None = None,
) -> None:
    """Close the placement and publish it. The day of exit does not count. The caller has locked."""
    if here.ended_on is not None:
        raise AlreadyReleased
    if ended_on <= here.started_on:
        raise DatesOutOfOrder
    await _write_end(conn, by, here.placement_id, ended_on, exit_reason, transfer_id)
    gone = PersonReleased(
        occurred_at=by.as_of,
        unit_id=here.unit_id,
        version=version,
        establishments=(await establishment(conn, here.unit_id, here.kind, here.funding),),
        document_no=by.document_no,
        person_id=here.person_id,
        person_version=person_version,
        kind=here.kind,
        funding=here.funding,
        transfer_id=transfer_id,
        ended_on=ended_on,
        exit_reason=exit_reason,
    )
    await outbox.append(conn, by, gone)
    await end_with_post(conn, by, here.person_id, ended_on)
    await seat_taken_or_left(conn, by, here.unit_id, await seat_now(conn, here.placement_id), baseline=False)


async def _write_end(conn: Connection, by: By, placement_id: UUID, ended_on: date, exit_reason: str, transfer_id: UUID | None) -> None:
    at = await close_recorded(conn, by, placement_id)
    await conn.execute(
        "INSERT INTO placements (placement_id, person_id, unit_id, kind, funding, during, recorded, entry_reason, exit_reason, seat_level,"
        f" authorisation_no, authorised_on, over_quota_cause, transfer_id, document_no, {DETAILS})"
        " SELECT placement_id, person_id, unit_id, kind, funding, daterange(lower(during), $2), tstzrange($3, NULL), entry_reason, $4,"
        f" seat_level, authorisation_no, authorised_on, over_quota_cause, coalesce($5, transfer_id), $6, {DETAILS} FROM placements"
        " WHERE placement_id = $1 AND upper(recorded) = $3",
        placement_id,
        ended_on,
        at,
        exit_reason,
        transfer_id,
        by.document_no,
    )


async def corrected(conn: Connection, by: By, new: Placement, person_version: int, version: int) -> PlacementCorrected:
    """The event about a post, or what counts of the person's retirement on it, as they are known now. The caller has locked both."""
    return PlacementCorrected(
        occurred_at=by.as_of,
        unit_id=new.unit_id,
        version=version,
        establishments=(await establishment(conn, new.unit_id, new.kind, new.funding),),
        document_no=by.document_no,
        person_id=new.person_id,
        person_version=person_version,
        kind=new.kind,
        funding=new.funding,
        transfer_id=new.transfer_id,
        started_on=new.started_on,
        ended_on=new.ended_on,
        authorised_on=new.authorised_on,
        retirement=retirement_due(await person_record(conn, new.person_id)),
        cause=new.over_quota_cause,
    )


async def close_recorded(conn: Connection, by: By, placement_id: UUID) -> object:
    """The last version of a placement is not what we know any more from this instant on; answers the instant."""
    at: object = await conn.fetchval(
        f"UPDATE placements SET {ended('recorded', '$2')} WHERE placement_id = $1 AND upper_inf(recorded) RETURNING upper(recorded)",
        placement_id,
        by.as_of,
    )
    return at


async def ensure_seat(conn: Connection, unit_id: UUID, level: str) -> None:
    """Somebody may take a seat: 领导职数 is not frozen, and one of the level is vacant. The caller has locked the unit."""
    ensure_not_frozen(await frozen_by(conn, unit_id, FreezeScope.LEADERSHIP))
    ensure_seat_vacant(await seats_state(conn, unit_id, level))


async def seat_taken_or_left(
    conn: Connection, by: By, unit_id: UUID, level: str | None, *, baseline: bool, since: date | None = None
) -> None:
    """Publish the level as it stands now, and from which day on where somebody was appointed; nothing where no seat is concerned."""
    if level is not None:
        version = await take_unit(conn, unit_id)
        await outbox.append(conn, by, await seats_changed(conn, by, unit_id, version, level, since, baseline=baseline))
