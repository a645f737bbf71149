"""Corrections of persons and placements, with proof. What was recorded stays, closed; a new record says what we know now.

A correction changes facts of the past and never takes a post: an end date is corrected only where the person has left.
"""

from dataclasses import replace
from uuid import UUID

import asyncpg

from services.roster.commands.locks import take_person, take_unit
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.persons import write_record
from services.roster.commands.placements import close_recorded
from services.roster.models.facts import Placement, place_of
from services.roster.models.refusals import DatesOutOfOrder, NothingCorrected, NotReleasedYet, PersonKnown, PersonOnRoster, PersonUnknown
from services.roster.models.requests import CorrectPerson, CorrectPlacement, PersonFacts, SealedCorrection
from services.roster.queries.establishments import establishment
from services.roster.queries.facts import person_record, placement, placements_of
from services.roster.rules.persons import checked_number, ensure_category_fits, retirement_fact
from shared import outbox
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database, command
from shared.events.roster import PlacementCorrected


@command
async def correct_placement(conn: Connection, by: By, what: CorrectPlacement) -> None:
    """Correct the dates or the authorisation of a placement, also a closed one. Never stopped by a freeze."""
    document_of(by)
    today_of(by, what.started_on, what.ended_on, what.authorised_on)
    if not what.model_fields_set - {"placement_id"}:
        raise NothingCorrected
    person_id = (await placement(conn, what.placement_id)).person_id
    person_version = await take_person(conn, person_id)
    old = await placement(conn, what.placement_id)
    version = await take_unit(conn, old.unit_id)
    new = replace(old, **what.model_dump(exclude_unset=True, exclude_none=True), document_no=by.document_no)
    _ensure_possible(old, new, await placements_of(conn, person_id))
    await _rewrite_placement(conn, by, new)
    await outbox.append(conn, by, await _corrected(conn, by, new, person_version, version))


def _ensure_possible(old: Placement, new: Placement, all_placements: tuple[Placement, ...]) -> None:
    if old.ended_on is None and new.ended_on is not None:
        raise NotReleasedYet
    if new.ended_on is not None and new.ended_on <= new.started_on:
        raise DatesOutOfOrder
    others = (each for each in all_placements if each.placement_id != new.placement_id)
    if any(_overlap(new, other) for other in others):
        raise PersonOnRoster


def _overlap(one: Placement, other: Placement) -> bool:
    starts_before_end = other.ended_on is None or one.started_on < other.ended_on
    return starts_before_end and (one.ended_on is None or other.started_on < one.ended_on)


async def _rewrite_placement(conn: Connection, by: By, new: Placement) -> None:
    at = await close_recorded(conn, by, new.placement_id)
    await conn.execute(
        "INSERT INTO placements (placement_id, person_id, unit_id, kind, funding, during, recorded, entry_reason, exit_reason, seat_level,"
        " authorisation_no, authorised_on, over_quota_cause, transfer_id, document_no)"
        " SELECT placement_id, person_id, unit_id, kind, funding, daterange($3, $4), tstzrange($2, NULL), entry_reason, exit_reason,"
        " seat_level, $5, $6, over_quota_cause, transfer_id, $7 FROM placements WHERE placement_id = $1 AND upper(recorded) = $2",
        new.placement_id,
        at,
        new.started_on,
        new.ended_on,
        new.authorisation_no,
        new.authorised_on,
        new.document_no,
    )


async def _corrected(conn: Connection, by: By, new: Placement, person_version: int, version: int) -> PlacementCorrected:
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
        retirement=retirement_fact(await person_record(conn, new.person_id)),
    )


async def correct_person(database: Database, cipher: FieldCipher, by: By, what: CorrectPerson) -> None:
    """Correct what is known of a person, with proof. A new number is checked like a first one; the old record stays readable as known then."""
    if not what.model_fields_set - {"person_id"}:
        raise NothingCorrected
    sealed = SealedCorrection(**what.model_dump(exclude_unset=True, exclude={"id_number"}))
    if what.id_number is not None:
        async with database.reading() as conn:
            known = await person_record(conn, what.person_id)
        number = checked_number(what.id_number, what.sex or known.sex, what.birth_on or known.birth_on)
        seal = {"sealed_number": cipher.encrypt(number, place_of(what.person_id)), "id_index": cipher.index(number).hex()}
        sealed = sealed.model_copy(update=seal)
    await _correct(database, by, sealed)


async def _correct_person(conn: Connection, by: By, what: SealedCorrection) -> None:
    document_of(by)
    person_version = await take_person(conn, what.person_id)
    await _rewrite(conn, by, what)
    person = await person_record(conn, what.person_id)
    ensure_category_fits(person, person.retirement_override)
    current = next((each for each in await placements_of(conn, what.person_id) if each.ended_on is None), None)
    if current is not None:
        version = await take_unit(conn, current.unit_id)
        await outbox.append(conn, by, await _corrected(conn, by, current, person_version, version))


_correct = command(_correct_person)


async def _rewrite(conn: Connection, by: By, what: SealedCorrection) -> None:
    """The record is closed; the new one differs in what was given."""
    if what.id_index is not None:
        await _change_index(conn, what.person_id, bytes.fromhex(what.id_index))
    old = await conn.fetchrow(
        "UPDATE person_records SET recorded = tstzrange(lower(recorded), greatest($2, lower(recorded) + interval '1 microsecond'))"
        " WHERE person_id = $1 AND upper_inf(recorded) RETURNING *, upper(recorded) AS at",
        what.person_id,
        by.as_of,
    )
    if old is None:
        raise PersonUnknown(person=what.person_id)
    given = what.model_dump(exclude_unset=True, exclude={"person_id", "id_index", "sealed_number", "retirement_category"})
    facts = PersonFacts.model_validate({name: given.get(name, old[name]) for name in PersonFacts.model_fields if name in old})
    override = what.retirement_category if "retirement_category" in what.model_fields_set else old["retirement_override"]
    await write_record(conn, by, what.person_id, facts, override, what.sealed_number or old["id_number"], old["at"])


async def _change_index(conn: Connection, person_id: UUID, index: bytes) -> None:
    try:
        await conn.execute("UPDATE persons SET id_index = $2 WHERE id = $1", person_id, index)
    except asyncpg.UniqueViolationError:
        raise PersonKnown from None
