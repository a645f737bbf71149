"""A unit's first load (期初建账): one command, one transaction. What the other commands guard is guarded here, by the same rules.

Its people are told of together (`UnitLoaded`), not one by one. People beyond a quota are not refused and not hidden: they are recorded as 历史遗留, 待定性, the latest entries first.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from services.roster.commands.indexes import take_numbers
from services.roster.commands.locks import hold_paths, take_versions
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.placements import DETAILS
from services.roster.commands.quotas import add_first_posts
from services.roster.commands.records import write_records
from services.roster.commands.sealing import seal
from services.roster.commands.units import New, add_first_seats, registered
from services.roster.models.facts import PersonRecord
from services.roster.models.loads import Loaded, LoadedPerson, LoadedQuota, LoadRefused, LoadUnit, OpenLoadedPerson
from services.roster.models.persons import SENSITIVE
from services.roster.models.refusals import PersonOnRoster
from services.roster.models.requests import RegisterUnit
from services.roster.queries.establishments import establishments_of
from services.roster.queries.facts import ensure_known_rows
from services.roster.queries.indexes import known_by
from services.roster.queries.loads import Standing, seats_used, standings
from services.roster.rules.persons import checked_number, ensure_category_fits, retirement_fact
from services.roster.rules.posts import ensure_not_frozen
from shared import outbox
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database, command
from shared.events.envelope import uuid7
from shared.events.roster import EstablishmentState, LoadedPlacement, QuotaChanged, RosterEvent, SeatsChanged, SeatsState, UnitLoaded
from shared.glossary import OverQuotaCause

FIRST_LOAD, OVER_QUOTA = "first_load", "over_quota"
TOGETHER = 500
Row: TypeAlias = tuple[UUID, str, str]


async def counted_anew(database: Database) -> None:
    """What the planner knows of the tables, brought up to what a load has put into them."""
    async with database.transaction() as conn:
        await conn.execute("ANALYZE units, unit_records, quotas, persons, person_records, placements")


def sealed(cipher: FieldCipher, person: OpenLoadedPerson, marked: Collection[str] = SENSITIVE) -> LoadedPerson:
    """Check and encrypt one person's number, as registering him would. Raises what `checked_number` and `ensure_category_fits` raise."""
    number = checked_number(person.id_number, person.sex, person.birth_on)
    ensure_category_fits(person, person.retirement_category)
    person_id, given = uuid7(), person.__dict__ | {"id_number": number}
    plain = {name: value for name, value in given.items() if name not in SENSITIVE}
    return LoadedPerson(**plain, **seal(cipher, person_id, given, marked), person_id=person_id)


@command
async def load_unit(conn: Connection, by: By, what: LoadUnit) -> Loaded:
    """Load one unit with its quotas and people; what is there and equal stays. Raises LoadRefused, and what registering raises."""
    return (await load_units(conn, by, [what]))[0]


async def load_units(conn: Connection, by: By, whats: Sequence[LoadUnit]) -> list[Loaded]:
    """The same for several units, parents first. Whatever is refused of one, nothing of all is written."""
    document_no = document_of(by)
    days = [row.document_on for what in whats for row in what.quotas] + [row.document_on for what in whats for row in what.seats]
    today = today_of(by, *days, *(what.valid_from for what in whats), *(person.started_on for what in whats for person in what.persons))
    founds = await _locked_standings(conn, whats)
    loads = [_Load(what, found, found.unit_id or uuid7()) for what, found in zip(whats, founds, strict=True)]
    await ensure_known_rows(conn, {(row.kind, row.funding) for load in loads for row in load.quotas}, today)
    await _register(conn, by, [load for load in loads if load.found.unit_id is None], document_no)
    await add_first_posts(conn, by, [(load.unit_id, row) for load in loads for row in load.quotas])
    await add_first_seats(conn, by, [(load.unit_id, row) for load in loads for row in load.what.seats])
    rows = await establishments_of(conn, {key for load in loads for key in load.rows})
    told = _quotas_told(loads, rows) + await _seats_told(conn, loads)
    told += await _load_persons(conn, by, loads, rows)
    await _publish(conn, by, told)
    beyond = Counter(each.unit_id for each in told for person in each.facts.get("people", ()) if person.cause is not None)
    return [load.done(beyond[load.unit_id]) for load in loads]


@dataclass(frozen=True)
class _Load:
    """One unit of a load, and what the roster knew of it."""

    what: LoadUnit
    found: Standing
    unit_id: UUID

    @cached_property
    def quotas(self) -> list[LoadedQuota]:
        """The new ones."""
        return [row for row in self.what.quotas if (row.kind, row.funding) not in self.found.quotas]

    @cached_property
    def persons(self) -> list[LoadedPerson]:
        """Who is new here, in the order of coming."""
        new = [person for person in self.what.persons if person.mark not in self.found.placed]
        return sorted(new, key=lambda each: (each.started_on, each.mark))

    @property
    def rows(self) -> set[Row]:
        """Which it touches."""
        quotas = {(self.unit_id, row.kind, row.funding) for row in self.quotas}
        return quotas | {(self.unit_id, each.kind, each.funding) for each in self.persons}

    def done(self, over_quota: int) -> Loaded:
        """What is answered."""
        return Loaded(
            unit_id=self.unit_id,
            registered=self.found.unit_id is None,
            quotas=len(self.quotas),
            seats=len(self.what.seats),
            placed=len(self.persons),
            over_quota=over_quota,
            present=len(self.what.quotas) - len(self.quotas) + len(self.found.placed),
        )


@dataclass(frozen=True)
class _Told:
    """An event to come: its version is known when all are."""

    unit_id: UUID
    event: type[RosterEvent]
    facts: Mapping[str, Any]
    document_no: str | None = None


async def _locked_standings(conn: Connection, whats: Sequence[LoadUnit]) -> list[Standing]:
    """Persons first, then the paths, then the units: nobody gets a post meanwhile, and no freeze slips in."""
    known = await known_by(conn, [person.indexes for what in whats for person in what.persons])
    await conn.execute("SELECT FROM persons WHERE id = ANY($1) ORDER BY id FOR UPDATE", list(known.values()))
    rows = await conn.fetch("SELECT id FROM units WHERE code = ANY($1) ORDER BY id", [what.code for what in whats])
    ids = [row["id"] for row in rows]
    await hold_paths(conn, *ids, *{what.parent_id for what in whats if what.parent_id})
    await conn.execute("SELECT FROM units WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", ids)
    founds = await standings(conn, whats)
    for what, found in zip(whats, founds, strict=True):
        if found.problems:
            raise LoadRefused(first=found.problems[0].sentence, count=len(found.problems))
        if what.persons:
            ensure_not_frozen(found.frozen_by)
    return founds


async def _register(conn: Connection, by: By, loads: Sequence[_Load], document_no: str) -> None:
    new = [
        New(
            load.unit_id,
            RegisterUnit(
                **{name: getattr(load.what, name) for name in ("name", "code", "uscc", "category", "parent_id", "valid_from")},
                baseline=True,
            ),
            document_no,
        )
        for load in loads
    ]
    if new:
        await registered(conn, by, new)


def _quotas_told(loads: Sequence[_Load], rows: Mapping[Row, EstablishmentState]) -> list[_Told]:
    """One event for what one document approved of a unit."""
    told = []
    for load in loads:
        for document in sorted({(row.document_no, row.document_on) for row in load.quotas}):
            states = [rows[load.unit_id, row.kind, row.funding] for row in load.quotas if (row.document_no, row.document_on) == document]
            facts = {"establishments": tuple(states), "effective_on": document[1]}
            told.append(_Told(load.unit_id, QuotaChanged, facts, document[0]))
    return told


async def _seats_told(conn: Connection, loads: Sequence[_Load]) -> list[_Told]:
    """One event for what one document approved of a unit."""
    used = await seats_used(conn, [(load.unit_id, row.level) for load in loads for row in load.what.seats])
    states: dict[tuple[UUID, str], list[SeatsState]] = {}
    for load in loads:
        for row in load.what.seats:
            state = SeatsState(level=row.level, approved=row.approved, used=used.get((load.unit_id, row.level), 0))
            states.setdefault((load.unit_id, row.document_no), []).append(state)
    return [
        _Told(unit_id, SeatsChanged, {**dict(first), "others": tuple(others)}, document_no)
        for (unit_id, document_no), (first, *others) in states.items()
    ]


async def _load_persons(conn: Connection, by: By, loads: Sequence[_Load], rows: dict[Row, EstablishmentState]) -> list[_Told]:
    """Register and place, in bulk, those who came first before the others."""
    ids = {each.mark: load.found.persons.get(each.mark, each.person_id) for load in loads for each in load.persons}
    versions = await _insert_persons(conn, by, loads, ids)
    told: list[_Told] = []
    placed: list[tuple[LoadedPerson, LoadedPlacement, UUID]] = []
    for load in loads:
        for group in batched(load.persons, TOGETHER):
            people = [_placed(load.unit_id, person, ids[person.mark], versions.get(ids[person.mark], 2), rows) for person in group]
            placed += [(person, each, load.unit_id) for person, each in zip(group, people, strict=True)]
            touched = sorted({(load.unit_id, each.kind, each.funding) for each in people})
            facts = {"establishments": tuple(rows[key] for key in touched), "people": tuple(people)}
            told.append(_Told(load.unit_id, UnitLoaded, facts, by.document_no))
    if placed:
        await _insert_placements(conn, by, placed, [person_id for load in loads for person_id in load.found.persons.values()])
    return told


async def _publish(conn: Connection, by: By, told: Sequence[_Told]) -> None:
    """One rising version per unit."""
    versions = await take_versions(conn, Counter(each.unit_id for each in told))
    events = []
    for each in told:
        versions[each.unit_id] += 1
        common = {"occurred_at": by.as_of, "unit_id": each.unit_id, "version": versions[each.unit_id], "baseline": True}
        events.append((replace(by, document_no=each.document_no), each.event(**common, document_no=each.document_no, **each.facts)))
    await outbox.append_all(conn, events)


def batched(persons: Sequence[LoadedPerson], size: int) -> Iterator[Sequence[LoadedPerson]]:
    """Groups of at most `size`, in order."""
    for start in range(0, len(persons), size):
        yield persons[start : start + size]


def _placed(
    unit_id: UUID, person: LoadedPerson, person_id: UUID, person_version: int, rows: dict[Row, EstablishmentState]
) -> LoadedPlacement:
    """The person counts in his row; beyond its quota he is recorded with a cause."""
    key = unit_id, person.kind, person.funding
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


async def _insert_persons(conn: Connection, by: By, loads: Sequence[_Load], ids: Mapping[str, UUID]) -> dict[UUID, int]:
    """Registered and placed, a new person is in his second version; answers the versions of the others. They belong to these units now.

    A number that another transaction registered in this very moment is refused: nobody is taken twice.
    """
    new = [(load.unit_id, person) for load in loads for person in load.persons if person.mark not in load.found.persons]
    await conn.execute(
        "INSERT INTO persons (id, version, unit_id) SELECT id, 2, unit_id FROM unnest($1::uuid[], $2::uuid[]) AS new (id, unit_id)",
        [person.person_id for _, person in new],
        [unit_id for unit_id, _ in new],
    )
    if not await take_numbers(conn, [(person.person_id, person.indexes) for _, person in new]):
        raise PersonOnRoster
    await write_records(conn, by, [(person.person_id, person.__dict__ | person.sealed) for _, person in new])
    old = {ids[each.mark]: load.unit_id for load in loads for each in load.persons if each.mark in load.found.persons}
    rows = await conn.fetch(
        "UPDATE persons SET version = version + 1, unit_id = now.unit_id FROM unnest($1::uuid[], $2::uuid[]) AS now (person_id, unit_id)"
        " WHERE id = person_id RETURNING id, version",
        list(old),
        list(old.values()),
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


_PLACEMENT = (
    *("placement_id", "person_id", "unit_id", "kind", "funding", "during", "recorded", "entry_reason", "over_quota_cause", "document_no"),
    *("seat_level", "authorisation_no", "authorised_on", *DETAILS.split(", ")),
)


async def _insert_placements(
    conn: Connection, by: By, placed: Iterable[tuple[LoadedPerson, LoadedPlacement, UUID]], known: Sequence[UUID]
) -> None:
    """Whoever stood somewhere before is known to stand here from when that was closed, at the earliest."""
    closed = await conn.fetch("SELECT person_id, max(upper(recorded)) AS at FROM placements WHERE person_id = ANY($1) GROUP BY 1", known)
    since = {row["person_id"]: row["at"] for row in closed if row["at"] is not None and row["at"] > by.as_of}
    await conn.copy_records_to_table(
        "placements",
        columns=_PLACEMENT,
        records=[
            (
                *(uuid7(), each.person_id, unit_id, each.kind, each.funding, asyncpg.Range(each.started_on)),
                asyncpg.Range(since.get(each.person_id, by.as_of)),
                OVER_QUOTA if each.cause else person.entry_reason or FIRST_LOAD,
                *(each.cause, by.document_no, *(getattr(person, name) for name in _PLACEMENT[10:])),
            )
            for person, each, unit_id in placed
        ],
    )
