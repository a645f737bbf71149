"""The people of first loads, written in bulk: who was first on his posts counts within the quota, whoever comes beyond it is recorded with a cause."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from services.roster.commands.indexes import take_numbers
from services.roster.commands.placements import DETAILS
from services.roster.commands.records import write_records
from services.roster.models.facts import PersonRecord
from services.roster.models.loads import Loaded, LoadedPerson, LoadedQuota, LoadUnit
from services.roster.models.refusals import PersonOnRoster
from services.roster.queries.loads import Standing
from services.roster.rules.persons import retirement_fact
from shared.db import By, Connection
from shared.events.envelope import uuid7
from shared.events.roster import EstablishmentState, LoadedPlacement, RosterEvent, UnitLoaded
from shared.glossary import OverQuotaCause

FIRST_LOAD, OVER_QUOTA = "first_load", "over_quota"
TOGETHER = 500
Row: TypeAlias = tuple[UUID, str, str]


@dataclass(frozen=True)
class Load:
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
class Told:
    """An event to come: its version is known when all are."""

    unit_id: UUID
    event: type[RosterEvent]
    facts: Mapping[str, Any]
    document_no: str | None = None


async def load_persons(conn: Connection, by: By, loads: Sequence[Load], rows: dict[Row, EstablishmentState]) -> list[Told]:
    """Register and place, in bulk, those who came first before the others."""
    ids = {each.mark: load.found.persons.get(each.mark, each.person_id) for load in loads for each in load.persons}
    versions = await _insert_persons(conn, by, loads, ids)
    told: list[Told] = []
    placed: list[tuple[LoadedPerson, LoadedPlacement, UUID]] = []
    for load in loads:
        for group in batched(load.persons, TOGETHER):
            people = [_placed(load.unit_id, person, ids[person.mark], versions.get(ids[person.mark], 2), rows) for person in group]
            placed += [(person, each, load.unit_id) for person, each in zip(group, people, strict=True)]
            touched = sorted({(load.unit_id, each.kind, each.funding) for each in people})
            facts = {"establishments": tuple(rows[key] for key in touched), "people": tuple(people)}
            told.append(Told(load.unit_id, UnitLoaded, facts, by.document_no))
    if placed:
        await _insert_placements(conn, by, placed, [person_id for load in loads for person_id in load.found.persons.values()])
    return told


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


async def _insert_persons(conn: Connection, by: By, loads: Sequence[Load], ids: Mapping[str, UUID]) -> dict[UUID, int]:
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
