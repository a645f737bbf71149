"""What speaks against a unit's first load: asked by the advice (`POST /loads/check`) and, under the locks, by the command. One judge for both."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from services.roster.models.loads import (
    FirstLoadEnded,
    LoadProblem,
    LoadUnit,
    NoQuotaRow,
    PersonDiffers,
    PersonTwice,
    QuotaDiffers,
    UnitDiffers,
)
from services.roster.models.refusals import CodeUnknown, KindNotAllowed, PersonOnRoster, UnitCodeTaken
from services.roster.queries.codes import unknown_codes
from services.roster.queries.facts import frozen_by
from services.roster.queries.indexes import known_by
from shared.db import Connection
from shared.errors import DomainError
from shared.glossary import FreezeScope


@dataclass(frozen=True)
class Standing:
    """What the roster knows of the unit and the persons of a load."""

    unit_id: UUID | None
    frozen_by: tuple[UUID, ...]
    quotas: dict[tuple[str, str], int]
    persons: dict[str, UUID]
    placed: frozenset[str]
    problems: tuple[LoadProblem, ...]


async def standing(conn: Connection, what: LoadUnit) -> Standing:
    """Compare a load with the roster."""
    unit_id, problems = await _unit(conn, what)
    quotas = await _quotas(conn, unit_id)
    allowed = await _allowed_kinds(conn, what.category)
    problems += [
        LoadProblem(KindNotAllowed.code, str(KindNotAllowed(category=what.category, kind=kind))) for kind in sorted(_kinds(what) - allowed)
    ]
    problems += [
        LoadProblem(
            QuotaDiffers.code, str(QuotaDiffers(kind=row.kind, funding=row.funding, quota=quotas[row.kind, row.funding], posts=row.posts))
        )
        for row in what.quotas
        if quotas.get((row.kind, row.funding), row.posts) != row.posts
    ]
    unknown = await unknown_codes(conn, None, (person.model_dump() for person in what.persons))
    problems += [_problem(CodeUnknown(field=label), place) for place, label in unknown]
    persons, placed, on_rosters = await _persons(conn, what, unit_id)
    approved = set(quotas) | {(row.kind, row.funding) for row in what.quotas}
    problems += [*on_rosters, *_list_problems(what, approved)]
    stands_below = unit_id or what.parent_id
    orders = await frozen_by(conn, stands_below, FreezeScope.ENTRY) if stands_below else ()
    return Standing(unit_id, orders, quotas, persons, placed, tuple(problems))


async def _unit(conn: Connection, what: LoadUnit) -> tuple[UUID | None, list[LoadProblem]]:
    """The unit, if it is there; it must be the same one, and still be in its first load (nothing but loads has touched it)."""
    rows = await conn.fetch(
        "SELECT id, name, code, uscc, category, parent_id FROM units WHERE code = $1 OR uscc = $2", what.code, what.uscc
    )
    if not rows:
        return None, []
    row = rows[0]
    if len(rows) > 1 or row["code"] != what.code:
        return row["id"], [_problem(UnitCodeTaken())]
    if (row["name"], row["uscc"], row["category"], row["parent_id"]) != (what.name, what.uscc, what.category, what.parent_id):
        return row["id"], [_problem(UnitDiffers())]
    in_use = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM event_log WHERE unit_id = $1 AND aggregate_type = 'unit' AND NOT coalesce((body->>'baseline')::boolean, false))",
        row["id"],
    )
    return row["id"], [_problem(FirstLoadEnded())] if in_use else []


async def _quotas(conn: Connection, unit_id: UUID | None) -> dict[tuple[str, str], int]:
    rows = await conn.fetch(
        "SELECT kind, funding, posts FROM quotas WHERE unit_id = $1 AND upper_inf(during) AND upper_inf(recorded)", unit_id
    )
    return {(row["kind"], row["funding"]): row["posts"] for row in rows}


async def _allowed_kinds(conn: Connection, category: str) -> set[str]:
    rows = await conn.fetch("SELECT kind FROM allowed_kinds WHERE category = $1 AND upper_inf(valid)", category)
    return {row["kind"] for row in rows}


async def _persons(conn: Connection, what: LoadUnit, unit_id: UUID | None) -> tuple[dict[str, UUID], frozenset[str], list[LoadProblem]]:
    """Who is known, who stands here already exactly so, and who stands elsewhere or otherwise from that day on."""
    numbers = await known_by(conn, [person.indexes for person in what.persons])
    known = {what.persons[place].mark: (place, person_id) for place, person_id in numbers.items()}
    rows = await conn.fetch(
        "SELECT asked.mark, placements.unit_id, kind, funding, lower(during) AS started_on, upper(during) AS ended_on"
        " FROM unnest($1::text[], $2::uuid[]) AS asked (mark, person_id) JOIN placements USING (person_id) WHERE upper_inf(recorded)",
        list(known),
        [person_id for _, person_id in known.values()],
    )
    placed: set[str] = set()
    problems: list[LoadProblem] = []
    for row in rows:
        place = known[row["mark"]][0]
        person = what.persons[place]
        if row["ended_on"] is not None and row["ended_on"] <= person.started_on:
            continue
        facts = (row["unit_id"], row["kind"], row["funding"], row["started_on"])
        if facts == (unit_id, person.kind, person.funding, person.started_on):
            placed.add(row["mark"])
        else:
            refusal = PersonDiffers() if row["unit_id"] == unit_id else PersonOnRoster()
            problems.append(_problem(refusal, place))
    return {mark: person_id for mark, (_, person_id) in known.items()}, frozenset(placed), problems


def _list_problems(what: LoadUnit, approved: set[tuple[str, str]]) -> Iterator[LoadProblem]:
    seen: set[str] = set()
    for place, person in enumerate(what.persons):
        if person.mark in seen:
            yield _problem(PersonTwice(), place)
        seen.add(person.mark)
        if (person.kind, person.funding) not in approved:
            yield _problem(NoQuotaRow(kind=person.kind, funding=person.funding), place)


def _kinds(what: LoadUnit) -> set[str]:
    return {row.kind for row in what.quotas} | {person.kind for person in what.persons}


def _problem(refusal: DomainError, person: int | None = None) -> LoadProblem:
    return LoadProblem(refusal.code, str(refusal), person)
