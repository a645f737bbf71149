"""The people of first loads, written in bulk: who was first on his posts counts within the quota, whoever comes beyond it is recorded with a cause.

Of whom the office gives a cause itself, he is the first to be beyond.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from services.roster.commands.indexes import take_numbers
from services.roster.commands.placements import DETAILS
from services.roster.commands.records import write_records
from services.roster.models.loads import Loaded, LoadedPerson, LoadedQuota, LoadUnit
from services.roster.models.refusals import PersonOnRoster
from services.roster.queries.loads import Standing
from services.roster.rules.persons import retirement_due
from shared.db import By, Connection
from shared.events.envelope import uuid7s
from shared.events.roster import EstablishmentState, LoadedHistory, LoadedPlacement, RosterEvent, UnitLoaded
from shared.glossary import OverQuotaCause

FIRST_LOAD, OVER_QUOTA = "first_load", "over_quota"
TOGETHER = 500
_FIRST_COME = itemgetter(0, 1, 2)
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
        """Who is new in post here, in the order of coming; last those of whom it is said that they are over quota."""
        new = [(each.over_quota_cause is not None, each.started_on, each.mark, each) for each in self.what.persons if each.ended_on is None]
        return [person for _, _, mark, person in sorted(new, key=_FIRST_COME) if mark not in self.found.placed]

    @cached_property
    def history(self) -> list[LoadedPerson]:
        """Whose post here is of the past, and was not told before."""
        return [person for person in self.what.persons if person.ended_on is not None and person.mark not in self.found.placed]

    def known(self, person: LoadedPerson) -> UUID | None:
        """Who he is, where the roster has had him."""
        return self.found.persons.get(person.mark) if self.found.persons else None

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
            history=len(self.history),
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
    versions = await _insert_persons(conn, by, loads)
    told: list[Told] = []
    placed: list[tuple[LoadedPerson, LoadedPlacement, UUID]] = []
    for load in loads:
        for group in batched(load.persons, TOGETHER):
            people = _placed(load, group, versions, rows)
            placed += [(person, each, load.unit_id) for person, each in zip(group, people, strict=True)]
            touched = sorted({(load.unit_id, each.kind, each.funding) for each in people})
            facts = {"establishments": tuple(rows[key] for key in touched), "people": tuple(people)}
            told.append(Told(load.unit_id, UnitLoaded, facts, by.document_no))
        told += [
            Told(load.unit_id, UnitLoaded, {"people": (), "history": _held(load, group)}, by.document_no)
            for group in batched(load.history, TOGETHER)
        ]
    held = [(person, each, load.unit_id) for load in loads for person, each in zip(load.history, _held(load, load.history), strict=True)]
    if placed or held:
        await _insert_placements(conn, by, [*placed, *held], [person_id for load in loads for person_id in load.found.persons.values()])
    return told


def _held(load: Load, group: Sequence[LoadedPerson]) -> tuple[LoadedHistory, ...]:
    return tuple(
        LoadedHistory(
            person_id=load.known(person) or person.person_id,
            kind=person.kind,
            funding=person.funding,
            started_on=person.started_on,
            ended_on=person.ended_on,
            exit_reason=person.exit_reason,
        )
        for person in group
    )


def batched(persons: Sequence[LoadedPerson], size: int) -> Iterator[Sequence[LoadedPerson]]:
    """Groups of at most `size`, in order."""
    for start in range(0, len(persons), size):
        yield persons[start : start + size]


def _placed(
    load: Load, group: Sequence[LoadedPerson], versions: Mapping[UUID, int], rows: dict[Row, EstablishmentState]
) -> list[LoadedPlacement]:
    """Each counts in his row; beyond its quota he is recorded with a cause."""
    more = Counter[Row]()
    placed = []
    for person in group:
        key, person_id = (load.unit_id, person.kind, person.funding), load.known(person) or person.person_id
        fits = rows[key].available > more[key]
        more[key] += 1
        placed.append(
            LoadedPlacement(
                person_id=person_id,
                person_version=versions.get(person_id, 2),
                kind=person.kind,
                funding=person.funding,
                started_on=person.started_on,
                authorised_on=person.authorised_on if fits else None,
                cause=None if fits else person.over_quota_cause or OverQuotaCause.HISTORY,
                retirement=retirement_due(person),
            )
        )
    for key, people in more.items():
        rows[key] = rows[key].with_more(people)
    return placed


async def _insert_persons(conn: Connection, by: By, loads: Sequence[Load]) -> dict[UUID, int]:
    """Registered and placed, a new person is in his second version; answers the versions of the others. They belong to these units now.

    A number that another transaction registered in this very moment is refused: nobody is taken twice. A post of the past moves nobody.
    """
    people = [(load.unit_id, person, load.known(person)) for load in loads for person in (*load.persons, *load.history)]
    new = [(unit_id, person) for unit_id, person, known in people if known is None]
    await conn.execute(
        "INSERT INTO persons (id, version, unit_id) SELECT id, 2, unit_id FROM unnest($1::uuid[], $2::uuid[]) AS new (id, unit_id)",
        [person.person_id for _, person in new],
        [unit_id for unit_id, _ in new],
    )
    if not await take_numbers(conn, [(person.person_id, person.indexes) for _, person in new]):
        raise PersonOnRoster
    await write_records(conn, by, [(person.person_id, person.__dict__ | person.sealed) for _, person in new])
    old = {known: None if person.ended_on else unit_id for unit_id, person, known in people if known is not None}
    if not old:
        return {}
    rows = await conn.fetch(
        "UPDATE persons SET version = version + 1, unit_id = coalesce(now.unit_id, persons.unit_id) FROM unnest($1::uuid[], $2::uuid[]) AS now (person_id, unit_id)"
        " WHERE id = person_id RETURNING id, version",
        list(old),
        list(old.values()),
    )
    return {row["id"]: row["version"] for row in rows}


_PLACEMENT = (
    *("placement_id", "person_id", "unit_id", "kind", "funding", "during", "recorded", "entry_reason", "over_quota_cause", "document_no"),
    "exit_reason",
    *("seat_level", "authorisation_no", "authorised_on", *DETAILS.split(", ")),
)
_OF_POST = attrgetter(*_PLACEMENT[11:])


async def _insert_placements(
    conn: Connection, by: By, placed: Sequence[tuple[LoadedPerson, LoadedPlacement | LoadedHistory, UUID]], known: Sequence[UUID]
) -> None:
    """Whoever stood somewhere before is known to stand here from when that was closed, at the earliest."""
    closed = (
        await conn.fetch("SELECT person_id, max(upper(recorded)) AS at FROM placements WHERE person_id = ANY($1) GROUP BY 1", known)
        if known
        else ()
    )
    now, since = asyncpg.Range(by.as_of), {row["person_id"]: row["at"] for row in closed if row["at"] is not None and row["at"] > by.as_of}
    await conn.copy_records_to_table(
        "placements",
        columns=_PLACEMENT,
        records=[
            (
                *(placement_id, each.person_id, unit_id, each.kind, each.funding, asyncpg.Range(each.started_on, person.ended_on)),
                asyncpg.Range(since[each.person_id]) if each.person_id in since else now,
                person.entry_reason or (OVER_QUOTA if cause else FIRST_LOAD),
                *(cause, person.exit_document_no or by.document_no, person.exit_reason, *_OF_POST(person)),
            )
            for placement_id, (person, each, unit_id) in zip(uuid7s(len(placed)), placed, strict=True)
            for cause in (getattr(each, "cause", None),)
        ],
    )
