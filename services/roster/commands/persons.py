"""Persons: registering them, and what the unit itself keeps up to date. Sensitive values are encrypted before a command sees them."""

from uuid import UUID

from services.roster.commands.indexes import take_numbers
from services.roster.commands.locks import lock_person, take_person_and_unit
from services.roster.commands.mandate import today_of
from services.roster.commands.placements import corrected
from services.roster.commands.posts import change_post
from services.roster.commands.records import ensure_nothing_later, rewrite, write_records
from services.roster.commands.sealing import seal, seal_change
from services.roster.models.facts import PersonRecord
from services.roster.models.persons import RECORD, SENSITIVE, RegisterPerson, RevealPerson, SealedChange, SealedPerson, UpdatePerson
from services.roster.models.refusals import KeyItemWouldChange, PersonKnown, UnitUnknown
from services.roster.queries.codes import ensure_known_codes
from services.roster.queries.facts import person_record, placements_of
from services.roster.queries.indexes import other_of
from services.roster.rules.persons import (
    checked_number,
    ensure_born,
    ensure_late_open,
    ensure_override_grounded,
    ensure_past,
    retirement_category,
    retirement_due,
)
from shared import outbox
from shared.clock import business_day
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database, command
from shared.events.envelope import uuid7
from shared.events.roster import PersonRegistered


async def register_person(database: Database, cipher: FieldCipher, by: By, what: RegisterPerson) -> UUID:
    """Make a person known (no post yet). The number is checked, and must agree with sex and birth date; it may be registered once."""
    number = checked_number(what.id_number, what.sex, what.birth_on)
    ensure_override_grounded(what, what.retirement_category)
    ensure_late_open(what, what.flexible_retirement)
    ensure_past(what.model_dump(), business_day(by.as_of))
    async with database.reading() as conn:
        await ensure_known_codes(conn, business_day(by.as_of), what.model_dump())
    person_id = uuid7()
    given = what.model_dump() | {"id_number": number}
    return await _register(
        database, by, SealedPerson(**what.model_dump(exclude=set(SENSITIVE)), **seal(cipher, person_id, given), person_id=person_id)
    )


async def _register_person(conn: Connection, by: By, what: SealedPerson) -> UUID:
    if not await conn.fetchval("SELECT true FROM units WHERE id = $1", what.unit_id):
        raise UnitUnknown(unit=what.unit_id)
    await conn.execute("INSERT INTO persons (id, version, unit_id) VALUES ($1, 1, $2)", what.person_id, what.unit_id)
    if not await take_numbers(conn, [(what.person_id, what.indexes)]):
        raise PersonKnown(person=await other_of(conn, what.indexes, what.person_id))
    await write_records(conn, by, [(what.person_id, what.model_dump(include=set(RECORD)) | what.sealed)])
    registered = PersonRegistered(
        occurred_at=by.as_of,
        unit_id=what.unit_id,
        version=1,
        document_no=by.document_no,
        baseline=what.baseline,
        person_id=what.person_id,
    )
    await outbox.append(conn, by, registered)
    return what.person_id


_register = command(_register_person)


async def update_person(database: Database, cipher: FieldCipher, by: By, what: UpdatePerson) -> None:
    """Change what is no key item (★), from a day on, by the unit itself. Never stopped by a freeze."""
    async with database.reading() as conn:
        sealed = await seal_change(conn, cipher, what, business_day(by.as_of), {})
    await _update(database, by, sealed)


async def write_update(conn: Connection, by: By, what: SealedChange) -> None:
    """The same, of a change that is sealed already, inside a larger write."""
    today = today_of(by, what.since)
    await lock_person(conn, what.person_id)
    since = what.since or today
    before = await person_record(conn, what.person_id)
    ensure_born(before, since)
    if what.columns:
        await ensure_nothing_later(conn, what.person_id, what.columns, since)
        await rewrite(conn, by, what.person_id, what.columns, since)
        after = await person_record(conn, what.person_id)
        ensure_same_retirement(before, after)
        if retirement_due(before) != retirement_due(after):
            await _tell_retirement(conn, by, what.person_id)
    if what.post:
        await change_post(conn, by, what.person_id, since, what.post)


_update = command(write_update)


async def _tell_retirement(conn: Connection, by: By, person_id: UUID) -> None:
    """Until when somebody may stay has changed, by his own choice: whoever watches the month of a person in post is told. The caller has locked him."""
    here = next((each for each in await placements_of(conn, person_id) if each.ended_on is None), None)
    if here is not None:
        person_version, version = await take_person_and_unit(conn, person_id, here.unit_id)
        await outbox.append(conn, by, await corrected(conn, by, here, person_version, version))


def ensure_same_retirement(before: PersonRecord, after: PersonRecord) -> None:
    """The retirement category is a key item: no unit changes it by way of post or title."""
    if retirement_category(before) is not retirement_category(after):
        raise KeyItemWouldChange


@command
async def record_reveal(conn: Connection, by: By, what: RevealPerson) -> None:
    """Write down that somebody sees a number in full, and why."""
    await conn.execute(
        "INSERT INTO person_reveals (person_id, actor, reason, at) VALUES ($1, $2, $3, $4)",
        what.person_id,
        by.actor,
        what.reason,
        by.as_of,
    )
