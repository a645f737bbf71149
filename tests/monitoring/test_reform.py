"""What a reform of the roster does to issues and lights, and who sees those of a withheld unit."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from services.monitoring.queries.issues import Wanted, issues
from services.monitoring.queries.lights import light, lights
from services.roster.commands.placements import place_person, record_over_quota_fact
from services.roster.commands.quotas import cut_quota, set_quota
from services.roster.commands.reforms import carry_out
from services.roster.commands.unit_changes import change_unit
from services.roster.models.requests import CutQuota, RecordOverQuota, SetQuota
from services.roster.models.units import ChangeUnit, Reform
from shared.auth import Who
from shared.db import Database, connect
from shared.events.roster import RosterEvent
from shared.glossary import OverQuotaCause, Role
from tests.monitoring.events import NOW
from tests.monitoring.tables import CIPHER, HANDLERS, OFFICER, Tables
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
    async with tables.database.reading() as conn:
        shown = [await light(conn, Who("officer", frozenset({Role.SUPERVISION_OFFICER})), row.unit_id) for row in (gone, into)]
    assert [each.closed_on for each in shown] == [date(2026, 9, 10), None]


async def cut(roster: Database, row: given.Row, cause: OverQuotaCause) -> None:
    await cut_quota(roster, given.by(), CutQuota(**row.key, **_dated(cause), posts=1))


async def set_lower(roster: Database, row: given.Row, cause: OverQuotaCause) -> None:
    await set_quota(roster, given.by(), SetQuota(**row.key, **_dated(cause), posts=1))


async def give_away(roster: Database, row: given.Row, cause: OverQuotaCause) -> None:
    taker = await given.row(roster, 1)
    move = {"step": "move_posts", **row.key, "to_unit_id": taker.unit_id, "posts": 1}
    what = {"title": "划转", "effective_on": given.TODAY, "document_on": given.TODAY, "steps": [move], "over_quota_cause": cause}
    await carry_out(roster, given.by(), Reform.model_validate(what))


def _dated(cause: OverQuotaCause) -> dict[str, Any]:
    return {"effective_on": given.TODAY, "document_on": given.TODAY, "over_quota_cause": cause}


@pytest.mark.parametrize("lower", [cut, set_lower, give_away])
async def test_a_surplus_that_posts_taken_away_left_is_what_the_office_recorded_of_it(
    tables: Tables, roster: Database, lower: Callable[..., Any]
) -> None:
    absorbed, accused = await given.row(roster, 2), await given.row(roster, 2)
    for row, cause in ((absorbed, OverQuotaCause.POLICY), (accused, OverQuotaCause.VIOLATION)):
        for _ in range(2):
            await in_post(roster, row)
        await lower(roster, row, cause)

    await tables.see(*await told(roster))

    found = {row["unit_id"]: row for row in await tables.rows("SELECT * FROM issues")}
    assert {unit_id: (row["level"], row["subject"].split("/")[-1], row["size"]) for unit_id, row in found.items()} == {
        absorbed.unit_id: ("yellow", "policy", 1),
        accused.unit_id: ("red", "violation", 1),
    }
    starts = [json.loads(row["body"]) for row in await tables.rows("SELECT body FROM outbox WHERE type = 'start:RectificationWorkflow'")]
    budgets = {start["issue_id"]: (start["case"]["budget_days"], bool(start["case"]["ladder"])) for start in starts}
    assert budgets == {str(found[absorbed.unit_id]["id"]): (240, False), str(found[accused.unit_id]["id"]): (30, True)}
    assert await tables.rows("SELECT * FROM remarks WHERE code = 'unclassified'") == []


async def test_the_cause_of_a_reform_is_that_of_the_rows_that_gave_posts_away(tables: Tables, roster: Database) -> None:
    gives, takes, full, gone = [await given.row(roster, 1) for _ in range(4)]
    for row in (gives, full, gone):
        await in_post(roster, row)
    await given.over_quota(roster, gone, OverQuotaCause.HISTORY)
    steps = [
        {"step": "merge", "unit_id": gone.unit_id, "into_unit_id": full.unit_id},
        {"step": "move_posts", **gives.key, "to_unit_id": takes.unit_id, "posts": 1},
    ]
    what = {
        "title": "改革",
        "effective_on": given.TODAY,
        "document_on": given.TODAY,
        "steps": steps,
        "over_quota_cause": OverQuotaCause.POLICY,
    }

    await carry_out(roster, given.by(), Reform.model_validate(what))
    for event in await told(roster):
        await tables.see(event)

    found = await tables.rows("SELECT unit_id, subject FROM issues WHERE rule = 'M01'")
    assert [(row["unit_id"], row["subject"].split("/")[-1]) for row in found] == [(gives.unit_id, "policy")]


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
        shown = [(len((await lights(conn, who, None, None, 10)).items), len((await issues(conn, who, Wanted(limit=10), NOW, CIPHER)).items))
                 for who in (OFFICER, OBSERVER)]  # fmt: skip

    assert shown == [(1, 1), (0, 0)]
