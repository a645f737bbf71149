"""A unit's first load (期初建账): one command, one transaction. What the other commands guard is guarded here, by the same rules.

Its people are told of together (`UnitLoaded`), not one by one. People beyond a quota are not refused and not hidden: they are recorded as 历史遗留, 待定性, the latest entries first.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from uuid import UUID

from services.roster.commands.indexes import take_numbers
from services.roster.commands.locks import hold_paths, take_unit
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.placements import DETAILS
from services.roster.commands.quotas import set_quota
from services.roster.commands.records import write_records
from services.roster.commands.sealing import seal
from services.roster.commands.units import register_unit
from services.roster.models.facts import PersonRecord
from services.roster.models.loads import Loaded, LoadedPerson, LoadRefused, LoadUnit, OpenLoadedPerson
from services.roster.models.persons import RECORD, SENSITIVE
from services.roster.models.refusals import PersonOnRoster
from services.roster.models.requests import RegisterUnit, SetQuota
from services.roster.queries.establishments import establishment
from services.roster.queries.indexes import known_by
from services.roster.queries.loads import Standing, standing
from services.roster.rules.persons import checked_number, ensure_category_fits, retirement_fact
from services.roster.rules.posts import ensure_not_frozen
from shared import outbox
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database, command
from shared.events.envelope import uuid7
from shared.events.roster import EstablishmentState, LoadedPlacement, UnitLoaded
from shared.glossary import OverQuotaCause

FIRST_LOAD, OVER_QUOTA = "first_load", "over_quota"
TOGETHER = 500
_register_unit: Callable[[Connection, By, RegisterUnit], Awaitable[UUID]] = inspect.unwrap(register_unit)
_set_quota: Callable[[Connection, By, SetQuota], Awaitable[None]] = inspect.unwrap(set_quota)


async def counted_anew(database: Database) -> None:
    """What the planner knows of the tables, brought up to what a load has put into them."""
    async with database.transaction() as conn:
        await conn.execute("ANALYZE units, unit_records, quotas, persons, person_records, placements")


def sealed(cipher: FieldCipher, person: OpenLoadedPerson) -> LoadedPerson:
    """Check and encrypt one person's number, as registering him would. Raises what `checked_number` and `ensure_category_fits` raise."""
    number = checked_number(person.id_number, person.sex, person.birth_on)
    ensure_category_fits(person, person.retirement_category)
    person_id = uuid7()
    given = person.model_dump() | {"id_number": number}
    return LoadedPerson(**person.model_dump(exclude=set(SENSITIVE)), **seal(cipher, person_id, given), person_id=person_id)


@command
async def load_unit(conn: Connection, by: By, what: LoadUnit) -> Loaded:
    """Load one unit with its quotas and people; what is there and equal stays. Raises LoadRefused, and what the single commands raise."""
    document_of(by)
    today_of(by, what.valid_from, *(row.document_on for row in what.quotas), *(person.started_on for person in what.persons))
    found = await _locked_standing(conn, what)
    if found.problems:
        raise LoadRefused(first=found.problems[0].sentence, count=len(found.problems))
    unit_id = found.unit_id or await _register_unit(conn, by, _registration(what))
    new = [row for row in what.quotas if (row.kind, row.funding) not in found.quotas]
    for row in new:
        await _set_quota(
            conn,
            replace(by, document_no=row.document_no),
            SetQuota(
                unit_id=unit_id,
                kind=row.kind,
                funding=row.funding,
                effective_on=row.document_on,
                document_on=row.document_on,
                posts=row.posts,
                use_until=row.use_until,
                baseline=True,
            ),
        )
    over_quota = await _load_persons(conn, by, unit_id, [person for person in what.persons if person.mark not in found.placed], found)
    return Loaded(
        unit_id=unit_id,
        registered=found.unit_id is None,
        quotas=len(new),
        placed=len(what.persons) - len(found.placed),
        over_quota=over_quota,
        present=len(what.quotas) - len(new) + len(found.placed),
    )


async def _locked_standing(conn: Connection, what: LoadUnit) -> Standing:
    """Persons first, then the path, then the unit: nobody gets a post meanwhile, and no freeze slips in."""
    known = await known_by(conn, [person.indexes for person in what.persons])
    await conn.execute("SELECT FROM persons WHERE id = ANY($1) ORDER BY id FOR UPDATE", list(known.values()))
    unit_id: UUID | None = await conn.fetchval("SELECT id FROM units WHERE code = $1", what.code)
    await hold_paths(conn, *(each for each in (unit_id, what.parent_id) if each))
    await conn.execute("SELECT FROM units WHERE id = $1 FOR NO KEY UPDATE", unit_id)
    found = await standing(conn, what)
    if what.persons:
        ensure_not_frozen(found.frozen_by)
    return found


def _registration(what: LoadUnit) -> RegisterUnit:
    return RegisterUnit(
        name=what.name,
        code=what.code,
        uscc=what.uscc,
        category=what.category,
        parent_id=what.parent_id,
        valid_from=what.valid_from,
        baseline=True,
    )


async def _load_persons(conn: Connection, by: By, unit_id: UUID, persons: list[LoadedPerson], found: Standing) -> int:
    """Register and place, in bulk, those who came first before the others; how many are beyond quota."""
    ids = {person.mark: found.persons.get(person.mark, person.person_id) for person in persons}
    await _insert_persons(conn, by, unit_id, [person for person in persons if person.mark not in found.persons])
    versions = await _raise_versions(conn, unit_id, ids.values())
    rows = {key: await establishment(conn, unit_id, *key) for key in sorted({(person.kind, person.funding) for person in persons})}
    beyond = 0
    for group in batched(sorted(persons, key=lambda each: (each.started_on, each.mark)), TOGETHER):
        people = [_placed(person, ids[person.mark], versions[ids[person.mark]], rows) for person in group]
        await _insert_placements(conn, by, unit_id, zip(group, people, strict=True))
        await outbox.append(conn, by, await _loaded(conn, by, unit_id, people, rows))
        beyond += sum(each.cause is not None for each in people)
    return beyond


def batched(persons: list[LoadedPerson], size: int) -> Iterator[list[LoadedPerson]]:
    """Groups of at most `size`, in order."""
    for start in range(0, len(persons), size):
        yield persons[start : start + size]


def _placed(person: LoadedPerson, person_id: UUID, person_version: int, rows: dict[tuple[str, str], EstablishmentState]) -> LoadedPlacement:
    """The person counts in his row; beyond its quota he is recorded with a cause."""
    key = person.kind, person.funding
    fits = rows[key].available >= 1
    rows[key] = rows[key].one_more()
    return LoadedPlacement(
        person_id=person_id,
        person_version=person_version,
        kind=person.kind,
        funding=person.funding,
        started_on=person.started_on,
        authorised_on=person.authorised_on if fits else None,
        cause=None if fits else person.over_quota_cause or OverQuotaCause.HISTORY,
        retirement=retirement_fact(_record(person, person_id)),
    )


async def _loaded(
    conn: Connection, by: By, unit_id: UUID, people: list[LoadedPlacement], rows: dict[tuple[str, str], EstablishmentState]
) -> UnitLoaded:
    touched = {(each.kind, each.funding) for each in people}
    return UnitLoaded(
        occurred_at=by.as_of,
        unit_id=unit_id,
        version=await take_unit(conn, unit_id),
        establishments=tuple(rows[key] for key in sorted(touched)),
        document_no=by.document_no,
        baseline=True,
        people=tuple(people),
    )


async def _insert_persons(conn: Connection, by: By, unit_id: UUID, persons: list[LoadedPerson]) -> None:
    """A number that another transaction registered in this very moment is refused: nobody is taken twice."""
    ids = [person.person_id for person in persons]
    await conn.execute("INSERT INTO persons (id, version, unit_id) SELECT id, 1, $2 FROM unnest($1::uuid[]) AS id", ids, unit_id)
    if not await take_numbers(conn, [(person.person_id, person.indexes) for person in persons]):
        raise PersonOnRoster
    await write_records(conn, by, [(person.person_id, person.model_dump(include=set(RECORD)) | person.sealed) for person in persons])


async def _raise_versions(conn: Connection, unit_id: UUID, person_ids: Iterable[UUID]) -> dict[UUID, int]:
    """As `take_person` does, for all at once; they belong to this unit now."""
    rows = await conn.fetch(
        "UPDATE persons SET version = version + 1, unit_id = $2 WHERE id = ANY($1) RETURNING id, version", list(person_ids), unit_id
    )
    return {row["id"]: row["version"] for row in rows}


def _record(person: LoadedPerson, person_id: UUID) -> PersonRecord:
    return PersonRecord(
        person_id=person_id,
        name=person.name,
        sex=person.sex,
        birth_on=person.birth_on,
        certified_birth_on=person.certified_birth_on,
        identity=person.identity,
        post_category=person.post_category,
        title=person.title,
        professional_title=person.professional_title,
        retirement_override=person.retirement_category,
        leadership_level=person.leadership_level,
        retirement_reason=person.retirement_reason,
    )


async def _insert_placements(conn: Connection, by: By, unit_id: UUID, placed: Iterable[tuple[LoadedPerson, LoadedPlacement]]) -> None:
    await conn.executemany(
        "INSERT INTO placements (placement_id, person_id, unit_id, kind, funding, during, recorded, entry_reason, over_quota_cause, document_no,"
        f" seat_level, authorisation_no, authorised_on, {DETAILS})"
        " VALUES ($1, $2, $3, $4, $5, daterange($6, NULL),"
        " tstzrange(greatest($7, (SELECT max(upper(recorded)) FROM placements WHERE person_id = $2)), NULL), $8, $9, $10, $11, $12, $13, $14, $15,"
        " $16, $17, $18, $19, $20, $21)",
        [
            (
                *(uuid7(), each.person_id, unit_id, each.kind, each.funding, each.started_on, by.as_of),
                OVER_QUOTA if each.cause else person.entry_reason or FIRST_LOAD,
                each.cause,
                by.document_no,
                *_details(person),
            )
            for person, each in placed
        ],
    )


def _details(person: LoadedPerson) -> tuple[object, ...]:
    return (person.seat_level, person.authorisation_no, person.authorised_on, *(getattr(person, name) for name in DETAILS.split(", ")))
