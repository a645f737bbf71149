"""信息变更: key items (★) change by a case with proof. The unit registers what is to change; the final decision claims it; the effect carries it out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python

from services.roster.commands.corrections import change_record, correct_post, ensure_last_number
from services.roster.commands.locks import lock_person, lock_unit, take_person
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.posts import change_post
from services.roster.commands.sealing import seal_change
from services.roster.models.changes import OF_POST, ChangeOfOther, PendingChange, RegisterChange
from services.roster.models.facts import Placement
from services.roster.models.persons import SealedChange
from services.roster.models.refusals import ClaimUnknown, PersonNotHere
from services.roster.models.requests import TakeEffect
from services.roster.queries.changes import pending_change, standing_of
from services.roster.queries.facts import buried_revision, ensure_known_entry, person_record, placements_of
from services.roster.queries.persons import LABELS
from services.roster.rules.changes import ensure_claimed_by, ensure_of_this_case, ensure_open, ensure_unchanged
from services.roster.rules.persons import ensure_born, ensure_override_grounded
from services.roster.rules.posts import ensure_complete, ensure_revision_not_buried
from shared.clock import business_day
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database, command
from shared.events.envelope import uuid7
from workflows.roster import Done, GiveBack, PostRequest


async def register_change(database: Database, cipher: FieldCipher, by: By, what: RegisterChange) -> UUID:
    """Register what a case shall change, on a proof; answers with the id that the application carries. Nothing changes yet."""
    post = what.model_dump(include=set(OF_POST) & what.model_fields_set, exclude_none=True)
    async with database.reading() as conn:
        sealed = await seal_change(conn, cipher, what, business_day(by.as_of), post)
    return await _keep(database, by, sealed)


async def _register_change(conn: Connection, by: By, what: SealedChange) -> UUID:
    document_of(by)
    today_of(by, what.since, *(value for value in what.post.values() if isinstance(value, date)))
    await lock_person(conn, what.person_id)
    await _ensure_possible(conn, what)
    change_id = uuid7()
    before = await standing_of(conn, what.person_id, {**what.columns, **what.post})
    await conn.execute(
        "INSERT INTO pending_changes (id, person_id, unit_id, since, record, post, sealed, marks, before, state, registered_by, registered_at,"
        " reason, document_no) SELECT $1, id, unit_id, $3, $4, $5, $6, $7, $8, 'open', $9, $10, $11, $12 FROM persons WHERE id = $2",
        change_id,
        what.person_id,
        what.since,
        to_jsonable_python(what.values),
        to_jsonable_python(what.post),
        {name: None if value is None else value.hex() for name, value in what.sealed.items()},
        {str(key_id): index.hex() for key_id, index in what.indexes.items()},
        before,
        by.actor,
        by.as_of,
        by.reason,
        by.document_no,
    )
    return change_id


_keep = command(_register_change)


async def _ensure_possible(conn: Connection, what: SealedChange) -> None:
    """What would be refused at the end is refused at the beginning."""
    await ensure_last_number(conn, what)
    told = {"retirement_override": "retirement_category", "retirement_reason": "retirement_reason"}
    told |= {name: name for name in ("sex", "birth_on", "certified_birth_on")}
    changed: dict[str, Any] = {mine: what.values[name] for mine, name in told.items() if name in what.values}
    person = replace(await person_record(conn, what.person_id), **changed)
    ensure_born(person, what.since)
    if "retirement_category" in what.values:
        ensure_override_grounded(person, person.retirement_override)
    if what.post:
        here = await _post_of(conn, what.person_id)
        await _ensure_reason(conn, what.post, here)


async def hold_change(conn: Connection, what: PostRequest) -> None:
    """Know the application that is to decide the change, from its submission on. Whether it may be carried out is judged at the claim."""
    change = await _locked(conn, what)
    ensure_revision_not_buried(what.revision, await buried_revision(conn, what.application_id))
    await conn.execute(
        "INSERT INTO change_holds (application_id, revision, change_id) VALUES ($1, $2, $3) ON CONFLICT (application_id)"
        " DO UPDATE SET revision = greatest(change_holds.revision, excluded.revision), change_id = excluded.change_id",
        what.application_id,
        what.revision,
        change.id,
    )


async def claim_change(conn: Connection, what: PostRequest) -> None:
    """The final decision takes the change for its application, if it is open and the facts are those that it was registered on."""
    change = await _locked(conn, what)
    ensure_revision_not_buried(what.revision, await buried_revision(conn, what.application_id))
    ensure_open(change)
    await _ensure_unchanged(conn, change)
    await conn.execute(
        "UPDATE pending_changes SET state = 'claimed', application_id = $2, revision = $3 WHERE id = $1",
        change.id,
        what.application_id,
        what.revision,
    )


async def unclaim_change(conn: Connection, what: GiveBack) -> None:
    """The case gives it back: it is open again, for the application when it comes again, or for another."""
    await conn.execute(
        "UPDATE pending_changes SET state = 'open', application_id = NULL, revision = NULL"
        " WHERE application_id = $1 AND revision <= $2 AND state = 'claimed'",
        what.application_id,
        what.revision,
    )
    await conn.execute("DELETE FROM change_holds WHERE application_id = $1 AND revision <= $2", what.application_id, what.revision)


async def carry_out_change(conn: Connection, by: By, what: TakeEffect) -> Done:
    """Write what the case decided; refused when the facts have changed since it was registered."""
    asked = what.request
    change = await _locked(conn, asked)
    ensure_claimed_by(change, asked.application_id, asked.revision)
    await _ensure_unchanged(conn, change)
    person_version = await take_person(conn, change.person_id)
    if change.post:
        await _change_post(conn, by, change, person_version)
    if change.record or change.sealed:
        await change_record(conn, by, _sealed(change), person_version)
    await conn.execute("UPDATE pending_changes SET state = 'applied' WHERE id = $1", change.id)
    await conn.execute("DELETE FROM change_holds WHERE application_id = $1", asked.application_id)
    return Done()


async def _locked(conn: Connection, asked: PostRequest) -> PendingChange:
    """Person, then unit, then the change itself."""
    ensure_complete(asked)
    if asked.person_id is None or asked.change_id is None:
        raise ClaimUnknown
    await lock_person(conn, asked.person_id)
    await lock_unit(conn, asked.unit_id)
    change = await pending_change(conn, asked.change_id, lock=True)
    ensure_of_this_case(asked, change)
    if await conn.fetchval("SELECT unit_id FROM persons WHERE id = $1", change.person_id) != change.unit_id:
        raise ChangeOfOther
    return change


async def _ensure_unchanged(conn: Connection, change: PendingChange) -> None:
    ensure_unchanged(change, await standing_of(conn, change.person_id, change.before), LABELS)


async def _change_post(conn: Connection, by: By, change: PendingChange, person_version: int) -> None:
    """The status changes from a day on; the facts of the entry are corrected as they always were."""
    given = {name: value for name, value in change.as_asked.model_dump(exclude_unset=True).items() if name in OF_POST}
    status = given.pop("duty_status", None)
    here = await _post_of(conn, change.person_id)
    if given:
        await _ensure_reason(conn, given, here)
        await correct_post(conn, by, here, replace(here, **given, document_no=by.document_no), person_version)
    if status is not None:
        await change_post(conn, by, change.person_id, change.since or max(business_day(by.as_of), here.started_on), {"duty_status": status})


async def _post_of(conn: Connection, person_id: UUID) -> Placement:
    here = next((each for each in await placements_of(conn, person_id) if each.ended_on is None), None)
    if here is None:
        raise PersonNotHere
    return here


async def _ensure_reason(conn: Connection, given: Mapping[str, Any], here: Placement) -> None:
    if "entry_reason" in given:
        day: date = given.get("started_on", here.started_on)
        await ensure_known_entry(conn, given["entry_reason"], day)


def _sealed(change: PendingChange) -> SealedChange:
    values = {name: value for name, value in change.as_asked.model_dump(exclude_unset=True).items() if name in change.record}
    sealed = {name: None if value is None else bytes.fromhex(value) for name, value in change.sealed.items()}
    indexes = {int(key_id): bytes.fromhex(index) for key_id, index in change.marks.items()}
    return SealedChange(person_id=change.person_id, since=change.since, values=values, sealed=sealed, indexes=indexes)
