"""Reforms at random: nobody is seen twice or nowhere, posts and people tie, the past keeps its tree."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from services.roster.queries import units as queries
from services.roster.queries.establishments import Moment
from shared.db import Database
from shared.errors import DomainError
from shared.events.roster import PersonPlaced, PersonReleased
from tests.roster import given
from tests.roster.reforming import BEFORE, OFFICE, SINCE, Step, carried_out, merge, people_of, told, view

pytestmark = pytest.mark.asyncio


@dataclass
class Town:
    """A small tree with posts and people, and what random reforms do to it."""

    database: Database
    units: list[UUID]
    chance: Random
    day: date
    strangers: set[UUID]

    def step(self) -> Step:
        one, other = self.chance.choice(self.units), self.chance.choice(self.units)
        posts = {"kind": "SY", "funding": "full", "posts": self.chance.randint(1, 3)}
        made = uuid4()
        kinds: list[Step] = [
            merge(one, other),
            {"step": "change", "unit_id": one, "parent_id": self.chance.choice([None, other])},
            {"step": "change", "unit_id": one, "name": f"新名{self.chance.randint(1, 9)}"},
            {"step": "move_posts", "unit_id": one, "to_unit_id": other} | posts,
            {"step": "establish", "unit_id": made, "name": "新设", "code": f"N{made.hex[:8]}", "category": "SY-1", "parent_id": one},
            {"step": "change", "unit_id": one, "withheld": self.chance.choice([True, False])},
            {"step": "close", "unit_id": one, "successors": [other]},
        ]
        return self.chance.choices(kinds, weights=(3, 3, 1, 4, 2, 1, 1))[0]

    async def with_people(self, step: Step) -> Step:
        """Now and then some of the unit's people move, whoever they are by now."""
        here = sorted(await people_of(self.database, self.chance.choice(self.units), self.day))
        if not here or self.chance.random() < 0.7:
            return step
        unit_id = await self.database.pool.fetchval("SELECT unit_id FROM persons WHERE id = $1", here[0])
        some = self.chance.sample(here, self.chance.randint(1, len(here)))
        return {"step": "move_people", "unit_id": unit_id, "to_unit_id": self.chance.choice(self.units), "person_ids": some}


async def all_units(database: Database) -> set[UUID]:
    return {row["id"] for row in await database.pool.fetch("SELECT id FROM units")}


async def tree(town: Town, on: date | None) -> dict[UUID, tuple[object, ...]]:
    """Of every unit on a day: its place, its name, its figures."""
    async with town.database.reading() as conn:
        there = await given.units_of(conn, OFFICE, Moment(on))
        views = [await queries.unit_view(conn, unit_id, OFFICE, Moment(on)) for unit_id in there if unit_id not in town.strangers]
    return {
        each.id: (each.parent_id, each.path, each.name, [(row.kind, row.quota, row.headcount) for row in each.establishments])
        for each in views
    }


async def sums(town: Town) -> Counter[str]:
    """Posts, people and promises of the whole town, as the latest state has them."""
    found: Counter[str] = Counter()
    for unit_id in await all_units(town.database) - town.strangers:
        for state in (await view(town.database, unit_id)).establishments:
            found.update(posts=state.quota or 0, people=state.headcount, reserved=state.reserved)
    return found


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@examples(seed=st.integers(0, 2**32))
async def test_after_random_reforms_the_sums_tie_and_no_day_before_moved(roster_db: Database, seed: int) -> None:
    town = Town(roster_db, [], Random(seed), SINCE, await all_units(roster_db))
    chance = town.chance
    town.units += [await given.unit(roster_db) for _ in range(2)]
    for _ in range(4):
        row = await given.row(roster_db, 4, parent=chance.choice(town.units))
        for _ in range(chance.randint(0, 3)):
            await given.in_post(roster_db, row)
        town.units.append(row.unit_id)
    await given.reservation(roster_db, row)
    before, past = await sums(town), {BEFORE: await tree(town, BEFORE)}

    for day in range(6):
        town.day = SINCE + timedelta(days=day)
        steps = [await town.with_people(town.step()) for _ in range(chance.randint(1, 3))]
        try:
            await carried_out(roster_db, *steps, since=town.day)
        except DomainError:
            continue
        finally:
            past[town.day] = await tree(town, town.day)
        town.units += [UUID(str(step["unit_id"])) for step in steps if step["step"] == "establish"]

    assert await sums(town) == before
    assert {day: await tree(town, day) for day in past} == past
    await ensure_one_tree(town, list(past))
    await ensure_nobody_twice_or_nowhere(roster_db)


async def ensure_one_tree(town: Town, days: list[date]) -> None:
    """On every day a unit's path is its parent's path and itself; today's is the head's. Versions have no gap."""
    for day in days:
        places = await tree(town, day)
        for unit_id, (parent_id, path, *_) in places.items():
            above = list(places[parent_id][1]) if parent_id else []  # type: ignore[index,call-overload]
            assert path == [*above, unit_id]
    heads = await town.database.pool.fetch(
        "SELECT units.id FROM units JOIN unit_records r ON unit_id = units.id AND upper_inf(during) AND upper_inf(recorded)"
        " WHERE (units.path, units.name, units.withheld) IS DISTINCT FROM (r.path, r.name, r.withheld) OR NOT upper_inf(valid)"
    )
    assert heads == []
    for row in await town.database.pool.fetch("SELECT id FROM units"):
        versions = await given.versions_of(town.database, row["id"])
        assert versions == list(range(1, len(versions) + 1))


async def ensure_nobody_twice_or_nowhere(database: Database) -> None:
    """Each person is in post once, on every day since he came; both halves of his moves are told, with one version."""
    rows = await database.pool.fetch(
        "SELECT person_id, count(*) AS times, sum(upper(during) - lower(during)) FILTER (WHERE NOT upper_inf(during)) AS days,"
        " max(lower(during)) FILTER (WHERE upper_inf(during)) - min(lower(during)) AS since FROM placements WHERE upper_inf(recorded)"
        " GROUP BY person_id"
    )
    assert all((row["days"] or 0) == row["since"] for row in rows)
    left = Counter((event.person_id, event.person_version) for event in await told(database, PersonReleased))
    came = Counter((event.person_id, event.person_version) for event in await told(database, PersonPlaced) if event.transfer_id)
    assert left == came
