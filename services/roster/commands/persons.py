"""Persons: registering them; the ID number is encrypted before a command sees it. Who saw one in full is written down."""

from uuid import UUID

from services.roster.models.facts import place_of
from services.roster.models.refusals import PersonKnown, UnitUnknown
from services.roster.models.requests import PersonFacts, RegisterPerson, RevealPerson, SealedPerson
from services.roster.rules.persons import checked_number, ensure_category_fits
from shared import outbox
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database, command
from shared.events.envelope import uuid7
from shared.events.roster import PersonRegistered


async def register_person(database: Database, cipher: FieldCipher, by: By, what: RegisterPerson) -> UUID:
    """Make a person known (no post yet). The number is checked, and must agree with sex and birth date; it may be registered once."""
    number = checked_number(what.id_number, what.sex, what.birth_on)
    ensure_category_fits(what, what.retirement_category)
    person_id = uuid7()
    sealed = SealedPerson(
        **what.model_dump(exclude={"id_number"}),
        person_id=person_id,
        id_number=cipher.encrypt(number, place_of(person_id)),
        id_index=cipher.index(number).hex(),
    )
    return await _register(database, by, sealed)


async def _register_person(conn: Connection, by: By, what: SealedPerson) -> UUID:
    if not await conn.fetchval("SELECT true FROM units WHERE id = $1", what.unit_id):
        raise UnitUnknown(unit=what.unit_id)
    taken = await conn.fetchval(
        "INSERT INTO persons (id, version, id_index, unit_id) VALUES ($1, 1, $2, $3) ON CONFLICT (id_index) DO NOTHING RETURNING true",
        what.person_id,
        bytes.fromhex(what.id_index),
        what.unit_id,
    )
    if not taken:
        raise PersonKnown(person=await conn.fetchval("SELECT id FROM persons WHERE id_index = $1", bytes.fromhex(what.id_index)))
    await write_record(conn, by, what.person_id, what, what.retirement_category, what.id_number, None)
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


async def write_record(
    conn: Connection, by: By, person_id: UUID, facts: PersonFacts, override: str | None, id_number: bytes, at: object
) -> None:
    """Add what is known from an instant on (`at`, or now)."""
    await conn.execute(
        "INSERT INTO person_records (person_id, recorded, name, id_number, sex, birth_on, certified_birth_on, identity, post_category, title,"
        " professional_title, retirement_override, document_no)"
        " VALUES ($1, tstzrange(coalesce($2, $3::timestamptz), NULL), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        person_id,
        at,
        by.as_of,
        facts.name,
        id_number,
        facts.sex,
        facts.birth_on,
        facts.certified_birth_on,
        facts.identity,
        facts.post_category,
        facts.title,
        facts.professional_title,
        override,
        by.document_no,
    )


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
