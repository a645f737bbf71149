"""What speaks against a unit's first load: asked by the advice (`POST /loads/check`) and, under the locks, by the command. One judge for both."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias
from uuid import UUID

import asyncpg

from services.roster.models.facts import RowWords
from services.roster.models.loads import (
    FirstLoadEnded,
    LoadedPerson,
    LoadProblem,
    LoadUnit,
    NoQuotaRow,
    PersonDiffers,
    PersonTwice,
    QuotaDiffers,
    UnitDiffers,
)
from services.roster.models.refusals import CodeUnknown, KindNotAllowed, PersonOnRoster, UnitCodeTaken
from services.roster.queries.codes import row_words, unknown_codes
from services.roster.queries.facts import frozen_among
from services.roster.queries.indexes import known_by
from services.roster.queries.seats import LAST, label_of, taken_in
from shared.db import Connection
from shared.errors import DomainError
from shared.events.roster import SeatsState
from shared.glossary import FreezeScope

Row: TypeAlias = tuple[str, str]
Known: TypeAlias = "asyncpg.Record | None"


@dataclass(frozen=True)
class Standing:
    """What the roster knows of the unit and the persons of a load."""

    unit_id: UUID | None
    frozen_by: tuple[UUID, ...]
    quotas: dict[tuple[str, str], int]
    persons: dict[str, UUID]
    placed: frozenset[str]
    problems: tuple[LoadProblem, ...]


async def standing(conn: Connection, what: LoadUnit, on: date) -> Standing:
    """Compare a load with the roster and with the codes of a day."""
    return (await standings(conn, [what], on))[0]


async def standings(conn: Connection, whats: Sequence[LoadUnit], on: date, *, all_new: bool = False) -> list[Standing]:
    """Compare the loads of several units with the roster; as many questions as for one. `all_new`: nobody has one of their people's numbers."""
    units = await _units(conn, whats)
    quotas = await _quotas(conn, [unit_id for unit_id, _ in units if unit_id])
    allowed = await _allowed_kinds(conn, {what.category for what in whats})
    unknown = await unknown_codes(conn, on, (each for what in whats for each in _codes(what)))
    known = {} if all_new else await _known(conn, [person for what in whats for person in what.persons])
    words = await row_words(conn)
    orders = await _frozen(conn, [unit_id or what.parent_id for what, (unit_id, _) in zip(whats, units, strict=True)])
    found, first = [], 0
    for what, (unit_id, problems), frozen_by in zip(whats, units, orders, strict=True):
        mine = quotas.get(unit_id, {}) if unit_id else {}
        told = [*problems, *_quota_problems(what, mine, allowed.get(what.category, set()), words)]
        seats, last = len(what.seats), first + len(what.seats) + len(what.persons)
        told += [_code_problem(label, place - first - seats) for place, label in unknown if first <= place < last]
        persons, placed, on_rosters = _persons(what, unit_id, known)
        approved = set(mine) | {(row.kind, row.funding) for row in what.quotas}
        told += [*on_rosters, *_list_problems(what, approved, words)]
        found.append(Standing(unit_id, frozen_by, mine, persons, placed, tuple(told)))
        first = last
    return found


def _codes(what: LoadUnit) -> Iterator[Mapping[str, object]]:
    """The fields of its leadership posts, then of its persons; encrypted ones are not among them."""
    yield from (row.__dict__ for row in what.seats)
    yield from (person.__dict__ for person in what.persons)


def _code_problem(label: str, person: int) -> LoadProblem:
    return _problem(CodeUnknown(field=label), person if person >= 0 else None)


def _quota_problems(what: LoadUnit, quotas: Mapping[Row, int], allowed: Collection[str], words: RowWords) -> Iterator[LoadProblem]:
    for kind in sorted(_kinds(what) - set(allowed)):
        yield _problem(KindNotAllowed(**words(category=what.category, kind=kind)))
    for row in what.quotas:
        quota = quotas.get((row.kind, row.funding), row.posts)
        if quota != row.posts:
            yield _problem(QuotaDiffers(**words(kind=row.kind, funding=row.funding), quota=quota, posts=row.posts))


async def _units(conn: Connection, whats: Sequence[LoadUnit]) -> list[tuple[UUID | None, list[LoadProblem]]]:
    """Each unit, if it is there; it must be the same one, and still be in its first load (nothing but loads has touched it)."""
    rows = await conn.fetch(
        "SELECT id, name, code, uscc, category, parent_id FROM units WHERE code = ANY($1) OR uscc = ANY($2)",
        [what.code for what in whats],
        [what.uscc for what in whats if what.uscc],
    )
    used = await units_in_use(conn, [row["id"] for row in rows])
    by_code, by_uscc = {row["code"]: row for row in rows}, {row["uscc"]: row for row in rows if row["uscc"]}
    return [_unit(what, by_code.get(what.code), by_uscc.get(what.uscc), used) for what in whats]


def _unit(what: LoadUnit, of_code: Known, of_uscc: Known, used: Collection[UUID]) -> tuple[UUID | None, list[LoadProblem]]:
    row = of_code or of_uscc
    if row is None:
        return None, []
    unit_id: UUID = row["id"]
    if of_code is None or of_uscc not in {None, of_code}:
        return unit_id, [_problem(UnitCodeTaken())]
    if (row["name"], row["uscc"], row["category"], row["parent_id"]) != (what.name, what.uscc, what.category, what.parent_id):
        return unit_id, [_problem(UnitDiffers())]
    return unit_id, [_problem(FirstLoadEnded())] if unit_id in used else []


async def seats_standing(conn: Connection, levels: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], SeatsState]:
    """Seats approved and taken, by unit and level."""
    rows = await conn.fetch(
        f"SELECT unit_id, level, coalesce(approved, 0) AS approved, coalesce(used, 0) AS used, coalesce({label_of('level')}, '') AS level_label"
        " FROM unnest($1::uuid[], $2::text[]) AS asked (unit_id, level)"
        f" LEFT JOIN (SELECT unit_id, level, approved FROM seats WHERE {LAST('seats')}) AS numbers USING (unit_id, level)"
        f" LEFT JOIN (SELECT unit_id, level, count(*) AS used FROM ({taken_in('= ANY($1)', LAST)}) AS taken GROUP BY 1, 2) AS taken"
        " USING (unit_id, level)",
        [unit_id for unit_id, _ in levels],
        [level for _, level in levels],
    )
    return {(row["unit_id"], row["level"]): SeatsState.model_validate(dict(row)) for row in rows}


async def units_in_use(conn: Connection, unit_ids: Collection[UUID]) -> set[UUID]:
    """Units in daily use: something other than a first load has touched them."""
    rows = await conn.fetch(
        "SELECT id FROM unnest($1::uuid[]) AS asked (id) WHERE EXISTS (SELECT FROM event_log WHERE aggregate_type = 'unit' AND aggregate_id = id"
        " AND type <> 'roster.unit_loaded.v1' AND NOT coalesce((body->>'baseline')::boolean, false))",
        list(unit_ids),
    )
    return {row["id"] for row in rows}


async def _quotas(conn: Connection, unit_ids: Collection[UUID]) -> dict[UUID, dict[Row, int]]:
    rows = await conn.fetch(
        "SELECT unit_id, kind, funding, posts FROM quotas WHERE unit_id = ANY($1) AND upper_inf(during) AND upper_inf(recorded)",
        list(unit_ids),
    )
    found: dict[UUID, dict[Row, int]] = {}
    for row in rows:
        found.setdefault(row["unit_id"], {})[row["kind"], row["funding"]] = row["posts"]
    return found


async def _allowed_kinds(conn: Connection, categories: Collection[str]) -> dict[str, set[str]]:
    rows = await conn.fetch("SELECT category, kind FROM allowed_kinds WHERE category = ANY($1) AND upper_inf(valid)", list(categories))
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["category"], set()).add(row["kind"])
    return found


async def _frozen(conn: Connection, unit_ids: Sequence[UUID | None]) -> list[tuple[UUID, ...]]:
    """The orders that keep people out, for each place of the list."""
    found = await frozen_among(conn, [(each, None) for each in {*unit_ids} if each], FreezeScope.ENTRY)
    return [found.get((each, None), ()) if each else () for each in unit_ids]


@dataclass(frozen=True)
class _KnownPerson:
    """A person who is known, with his placements as known now."""

    person_id: UUID
    placements: Sequence[asyncpg.Record]


async def _known(conn: Connection, people: Sequence[LoadedPerson]) -> dict[str, _KnownPerson]:
    """By their marks."""
    numbers = await known_by(conn, [person.indexes for person in people])
    rows = await conn.fetch(
        "SELECT person_id, unit_id, kind, funding, lower(during) AS started_on, upper(during) AS ended_on FROM placements"
        " WHERE person_id = ANY($1) AND upper_inf(recorded)",
        list(numbers.values()),
    )
    posts: dict[UUID, list[asyncpg.Record]] = {}
    for row in rows:
        posts.setdefault(row["person_id"], []).append(row)
    return {people[place].mark: _KnownPerson(person_id, posts.get(person_id, ())) for place, person_id in numbers.items()}


def _persons(
    what: LoadUnit, unit_id: UUID | None, known: Mapping[str, _KnownPerson]
) -> tuple[dict[str, UUID], frozenset[str], list[LoadProblem]]:
    """Who is known, who stands here already exactly so, and who stands elsewhere or otherwise from that day on."""
    persons: dict[str, UUID] = {}
    placed: set[str] = set()
    problems: list[LoadProblem] = []
    places = {person.mark: place for place, person in enumerate(what.persons)} if known else {}
    for mark, place in places.items():
        if mark not in known:
            continue
        person, persons[mark] = what.persons[place], known[mark].person_id
        for row in known[mark].placements:
            if row["ended_on"] is not None and row["ended_on"] <= person.started_on:
                continue
            if person.ended_on is not None and person.ended_on <= row["started_on"]:
                continue
            facts = (row["unit_id"], row["kind"], row["funding"], row["started_on"])
            same = facts == (unit_id, person.kind, person.funding, person.started_on)
            if same and person.ended_on in {None, row["ended_on"]}:
                placed.add(mark)
            else:
                problems.append(_problem(PersonDiffers() if row["unit_id"] == unit_id else PersonOnRoster(), place))
    return persons, frozenset(placed), problems


def _list_problems(what: LoadUnit, approved: set[tuple[str, str]], words: RowWords) -> Iterator[LoadProblem]:
    seen: set[str] = set()
    for place, person in enumerate(what.persons):
        if (mark := person.mark) in seen:
            yield _problem(PersonTwice(), place)
        seen.add(mark)
        if person.ended_on is None and (person.kind, person.funding) not in approved:
            yield _problem(NoQuotaRow(**words(kind=person.kind, funding=person.funding)), place)


def _kinds(what: LoadUnit) -> set[str]:
    return {row.kind for row in what.quotas} | {person.kind for person in what.persons if person.ended_on is None}


def _problem(refusal: DomainError, person: int | None = None) -> LoadProblem:
    return LoadProblem(refusal.code, str(refusal), person)
