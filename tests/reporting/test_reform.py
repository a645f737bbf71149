"""What a reform of the roster does to the figures: whatever order the units' events come in, nobody is counted twice or nowhere."""

from collections.abc import AsyncIterator, Callable, Sequence
from random import Random
from uuid import UUID

import pytest
import pytest_asyncio

from services.reporting import queries
from services.reporting.consumers import handlers
from services.reporting.models import Lights
from services.roster.commands.reforms import carry_out
from services.roster.commands.unit_changes import change_unit
from services.roster.models.units import ChangeUnit, Reform
from shared.auth import Who
from shared.db import Database, connect
from shared.events.envelope import Event
from shared.events.roster import RosterEvent
from shared.glossary import Role
from tests.reporting.given import COUNTY, by_group
from tests.roster import given

pytestmark = pytest.mark.asyncio
OBSERVER = Who("observer", frozenset({Role.OBSERVER}))
HANDLERS = handlers(1)


@pytest_asyncio.fixture
async def roster(database: Callable[[str], str]) -> AsyncIterator[Database]:
    """The roster's schema of the same database."""
    async with connect(database("roster"), "roster") as connected:
        yield connected


async def see(reporting: Database, *events: Event) -> None:
    for event in events:
        async with reporting.transaction() as conn:
            await HANDLERS[type(event)](conn, event)


async def told(roster: Database, since: int = 0) -> list[RosterEvent]:
    return [event for event in await given.published(roster) if isinstance(event, RosterEvent) and type(event) in HANDLERS][since:]


def shuffled(events: Sequence[RosterEvent], chance: Random) -> list[RosterEvent]:
    """Another order that Kafka may deliver: each unit's events stay in theirs."""
    queues: dict[str, list[RosterEvent]] = {}
    for event in events:
        queues.setdefault(event.key, []).append(event)
    order = [event.key for event in events]
    chance.shuffle(order)
    return [queues[key].pop(0) for key in order]


async def people(reporting: Database) -> list[UUID]:
    rows = await reporting.pool.fetch("SELECT person_id FROM people WHERE generation = 1 AND in_post")
    return sorted(row["person_id"] for row in rows)


@pytest.mark.parametrize("seed", range(5))
async def test_nobody_is_twice_or_nowhere_while_the_events_of_a_reform_arrive(reporting: Database, roster: Database, seed: int) -> None:
    gone, into, third = [await given.row(roster, posts) for posts in (4, 3, 2)]
    for row in (gone, gone, gone, into):
        await given.in_post(roster, row)
    await see(reporting, *await told(roster))
    before, known = (await by_group(reporting, "kind"))["SY"], await people(reporting)
    already = len(await told(roster))
    merge = {"step": "merge", "unit_id": gone.unit_id, "into_unit_id": into.unit_id}
    rename = {"step": "change", "unit_id": into.unit_id, "name": "新校", "parent_id": third.unit_id}
    what = {"title": "并校", "effective_on": "2026-09-10", "document_on": "2026-09-01", "steps": [merge, rename]}
    await carry_out(roster, given.by(), Reform.model_validate(what))

    for event in shuffled(await told(roster, already), Random(seed)):
        await see(reporting, event)
        assert await people(reporting) == known

    after, parents = (await by_group(reporting, "kind"))["SY"], await by_group(reporting, "parent")
    assert (after.quota, after.headcount, after.people) == (before.quota, before.headcount, before.people) == (9, 4, 4)
    assert (after.units, before.units) == (2, 3)
    assert {parents[str(third.unit_id)].quota} == {9} == {sum(each.quota for each in parents.values())}
    assert sum(each.count for each in (await lights(reporting)).items) == 2


async def lights(reporting: Database) -> Lights:
    async with reporting.reading() as conn:
        return await queries.lights(conn, COUNTY)


async def test_a_withheld_unit_is_in_no_total_but_the_offices_and_its_own(reporting: Database, roster: Database) -> None:
    court, _ = await given.row(roster, 5), await given.row(roster, 3)
    await given.in_post(roster, court)
    await change_unit(roster, given.by(), ChangeUnit(unit_id=court.unit_id, effective_on=given.TODAY, withheld=True))
    await see(reporting, *await told(roster))
    own = Who("clerk", frozenset({Role.UNIT_CLERK}), (court.unit_id,))

    totals = [(await by_group(reporting, "kind", who))["SY"] for who in (COUNTY, OBSERVER, own)]

    assert [(each.quota, each.headcount, each.units) for each in totals] == [(8, 1, 2), (3, 0, 1), (5, 1, 1)]
    async with reporting.reading() as conn:
        saturations = [(await queries.saturation(conn, who, None)).totals[0].quota for who in (COUNTY, OBSERVER, own)]
        counts = [sum(each.count for each in (await queries.lights(conn, who)).items) for who in (COUNTY, OBSERVER, own)]
    assert (saturations, counts) == ([8, 3, 5], [2, 1, 1])
