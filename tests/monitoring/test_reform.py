"""What a reform of the roster does to issues and lights, and who sees those of a withheld unit."""

from collections.abc import AsyncIterator, Callable
from datetime import date

import pytest
import pytest_asyncio

from services.monitoring.queries.issues import Wanted, issues
from services.monitoring.queries.lights import lights
from services.roster.commands.placements import place_person, record_over_quota_fact
from services.roster.commands.reforms import carry_out
from services.roster.commands.unit_changes import change_unit
from services.roster.models.requests import RecordOverQuota
from services.roster.models.units import ChangeUnit, Reform
from shared.auth import Who
from shared.db import Database, connect
from shared.events.roster import RosterEvent
from shared.glossary import OverQuotaCause, Role
from tests.monitoring.events import NOW
from tests.monitoring.tables import HANDLERS, OFFICER, Tables
from tests.roster import given

pytestmark = pytest.mark.asyncio
BORN = date(1995, 3, 5)
OBSERVER = Who("observer", frozenset({Role.OBSERVER}))


@pytest_asyncio.fixture
async def roster(database: Callable[[str], str]) -> AsyncIterator[Database]:
    """The roster's schema of the same database."""
    async with connect(database("roster"), "roster") as connected:
        yield connected


async def in_post(roster: Database, row: given.Row) -> None:
    """Somebody young: nothing but posts is judged here."""
    await place_person(roster, given.by(), given.placement(row, await given.person(roster, row.unit_id, BORN), date(2026, 9, 2)))


async def beyond_quota(roster: Database, row: given.Row) -> None:
    person_id = await given.person(roster, row.unit_id, BORN)
    what = RecordOverQuota(**row.key, person_id=person_id, started_on=date(2026, 9, 2), cause=OverQuotaCause.VIOLATION)
    await record_over_quota_fact(roster, given.by(), what)


async def told(roster: Database, since: int = 0) -> list[RosterEvent]:
    return [event for event in await given.published(roster) if isinstance(event, RosterEvent) and type(event) in HANDLERS][since:]


async def test_a_surplus_moves_with_its_people_and_no_light_flickers_where_posts_came_along(tables: Tables, roster: Database) -> None:
    gone, into = await given.row(roster, 1), await given.row(roster, 1)
    for row in (gone, into):
        await in_post(roster, row)
    await beyond_quota(roster, gone)
    await tables.see(*await told(roster))
    already = len(await told(roster))
    merge = {"step": "merge", "unit_id": gone.unit_id, "into_unit_id": into.unit_id}
    what = {"title": "合并", "effective_on": "2026-09-10", "document_on": "2026-09-01", "steps": [merge]}

    await carry_out(roster, given.by(), Reform.model_validate(what))
    await tables.see(*await told(roster, already))

    found = {row["unit_id"]: row for row in await tables.rows("SELECT unit_id, present, rule FROM issues")}
    assert {unit_id: (row["rule"], row["present"]) for unit_id, row in found.items()} == {
        gone.unit_id: ("M01", False),
        into.unit_id: ("M01", True),
    }
    changes = await tables.rows("SELECT unit_id, light FROM light_changes ORDER BY id")
    assert [(each["unit_id"], each["light"]) for each in changes] == [(gone.unit_id, "red"), (into.unit_id, "red")]
    copy = (await tables.rows("SELECT closed_on FROM unit_copies WHERE id = $1", gone.unit_id))[0]
    assert str(copy["closed_on"]) == "2026-09-10"


async def test_a_closed_unit_leaves_the_list_of_lights_when_nothing_is_open_on_it(tables: Tables, roster: Database) -> None:
    gone, into = await given.unit(roster), await given.unit(roster)
    merge = {"step": "merge", "unit_id": gone, "into_unit_id": into}
    what = {"title": "合并", "effective_on": "2026-09-10", "document_on": "2026-09-01", "steps": [merge]}

    await carry_out(roster, given.by(), Reform.model_validate(what))
    await tables.see(*await told(roster))

    async with tables.database.reading() as conn:
        shown = await lights(conn, OFFICER, None, None, 10)
        named = [await lights(conn, OFFICER, None, None, 10, ids) for ids in ([into], [gone], [])]
    assert [line.unit_id for line in shown.items] == [into]
    assert [[line.unit_id for line in each.items] for each in named] == [[into], [], []]


async def test_lights_and_issues_of_a_withheld_unit_are_for_the_office_alone(tables: Tables, roster: Database) -> None:
    court = await given.row(roster, 0)
    await beyond_quota(roster, court)
    await change_unit(roster, given.by(), ChangeUnit(unit_id=court.unit_id, effective_on=given.TODAY, withheld=True))
    await tables.see(*await told(roster))

    async with tables.database.reading() as conn:
        shown = [(len((await lights(conn, who, None, None, 10)).items), len((await issues(conn, who, Wanted(limit=10), NOW)).items))
                 for who in (OFFICER, OBSERVER)]  # fmt: skip

    assert shown == [(1, 1), (0, 0)]
