"""What a reform of the roster does to issues and lights, and who sees those of a withheld unit."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from services.monitoring.commands.sweeps import release_baseline, sweep_unit
from services.monitoring.models.requests import ReleaseBaseline, SweepUnit
from services.monitoring.queries.issues import Wanted, issues
from services.monitoring.queries.lights import light, lights
from services.roster.commands.placements import place_person, record_over_quota_fact
from services.roster.commands.quotas import cut_quota, set_quota
from services.roster.commands.reforms import carry_out
from services.roster.commands.unit_changes import change_unit
from services.roster.models.requests import CutQuota, RecordOverQuota, SetQuota
from services.roster.models.units import ChangeUnit, Reform
from shared.auth import Who
from shared.clock import at_hour
from shared.db import Database, connect
from shared.events.roster import LoadedPlacement, RetirementFact, RosterEvent
from shared.glossary import OverQuotaCause, Role
from shared.law.retirement import Sex
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CALENDAR, CIPHER, HANDLERS, OFFICER, Tables, by
from tests.roster import given
from tests.roster.test_loads import loaded, person

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


async def stock(roster: Database) -> UUID:
    """A unit whose first load told of somebody who should have retired years ago; nobody has taken that up."""
    born = date(1955, 3, 5)
    old = person(1, sex=Sex.MALE, birth_on=born, id_number=given.id_number(1, born, Sex.MALE))
    return (await loaded(roster, [old], code="GONE")).unit_id


async def merged(tables: Tables, roster: Database, gone: UUID, into: UUID, on: str = "2026-09-10", *, sooner: UUID | None = None) -> None:
    """`sooner`: the unit whose events come before those of the others, or none: as they were told."""
    already = len(await told(roster))
    merge = {"step": "merge", "unit_id": gone, "into_unit_id": into}
    what = {"title": "合并", "effective_on": on, "document_on": "2026-09-01", "steps": [merge]}
    await carry_out(roster, given.by(), Reform.model_validate(what))
    await tables.see(*sorted(await told(roster, already), key=lambda event: event.unit_id != sooner))


async def overdue_exits(tables: Tables) -> dict[UUID, str]:
    """The state of each M09 by its unit."""
    return {row["unit_id"]: row["state"] for row in await tables.rows("SELECT unit_id, state FROM issues WHERE rule = 'M09'")}


async def swept(tables: Tables, unit_id: UUID, day: date) -> None:
    await sweep_unit(tables.database, by(at=at_hour(day, 1)), SweepUnit(unit_id=unit_id, on=day, calendar=CALENDAR))


@pytest.mark.parametrize("sooner", ["gone", "into"])
async def test_what_a_first_load_left_stays_that_at_the_unit_that_a_reform_merges_it_into(
    tables: Tables, roster: Database, sooner: str
) -> None:
    """Must fail when it is a new problem there, at the merger or with the next sweep, or is nowhere any more; whichever unit's events come first."""
    gone, into, last = await stock(roster), (await given.row(roster, 1)).unit_id, (await given.row(roster, 1)).unit_id
    await tables.see(*await told(roster))
    before = await overdue_exits(tables)

    await merged(tables, roster, gone, into, sooner={"gone": gone, "into": into}[sooner])
    after = await overdue_exits(tables)
    await swept(tables, into, date(2026, 9, 28))
    await merged(tables, roster, into, last, "2026-09-12")
    await swept(tables, last, date(2026, 9, 29))

    assert before == {gone: "baseline"}
    assert after == {gone: "closed", into: "baseline"}
    assert await overdue_exits(tables) == {gone: "closed", into: "closed", last: "baseline"}
    assert await tables.rows("SELECT * FROM light_changes") == []
    assert await tables.published("issue_changed") == []
    await release_baseline(tables.database, by(), ReleaseBaseline(unit_id=last))
    assert (await overdue_exits(tables))[last] == "to_verify"


@pytest.mark.parametrize("sooner", ["gone", "into"])
@pytest.mark.parametrize("own", [False, True], ids=["within quota", "with stock of its own"])
async def test_a_surplus_that_first_loads_left_is_no_new_problem_where_they_are_merged_until_somebody_is_added(
    tables: Tables, roster: Database, sooner: str, *, own: bool
) -> None:
    beyond = {"over_quota_cause": OverQuotaCause.VIOLATION}
    gone = (await loaded(roster, [person(1), person(2, **beyond)], posts=1, code="GONE")).unit_id
    people = [person(3), person(4, **beyond)] if own else [person(3)]
    into = (await loaded(roster, people, posts=1, code="INTO")).unit_id
    await tables.see(*await told(roster))

    await merged(tables, roster, gone, into, sooner={"gone": gone, "into": into}[sooner])
    states = {row["unit_id"]: (row["state"], row["size"]) for row in await tables.rows("SELECT * FROM issues WHERE rule = 'M01'")}
    changes = await tables.rows("SELECT * FROM light_changes")
    already = len(await told(roster))
    await beyond_quota(roster, given.Row(into, "SY", "full"))
    await tables.see(*await told(roster, already))

    assert states == {gone: ("closed", 1), into: ("baseline", 2 if own else 1)}
    assert changes == []
    (worse,) = await tables.rows("SELECT state, size FROM issues WHERE unit_id = $1", into)
    assert worse == {"state": "to_verify", "size": 3 if own else 2}


async def test_whoever_comes_back_with_a_second_reform_is_what_the_first_load_left_again(tables: Tables, roster: Database) -> None:
    """A reform that was a mistake is undone by another one."""
    gone, into = await stock(roster), await given.row(roster, 1)
    await tables.see(*await told(roster))
    (someone,) = await tables.rows("SELECT person_id FROM placements")

    for number, (giver, taker) in enumerate(((gone, into.unit_id), (into.unit_id, gone))):
        already, on = len(await told(roster)), f"2026-09-{10 + number}"
        move = {"step": "move_people", "unit_id": giver, "to_unit_id": taker, "person_ids": [someone["person_id"]]}
        what = {"title": "划转", "effective_on": on, "document_on": "2026-09-01", "steps": [move], "over_quota_cause": "policy"}
        await carry_out(roster, given.by(), Reform.model_validate(what))
        await tables.see(*await told(roster, already))

    assert await overdue_exits(tables) == {gone: "baseline", into.unit_id: "closed"}
    assert await tables.rows("SELECT * FROM issues WHERE rule = 'M09' AND version > 0") == []


async def test_what_was_taken_up_before_the_merger_and_what_came_after_the_load_is_a_new_problem_there(
    tables: Tables, roster: Database
) -> None:
    gone, into = await stock(roster), (await given.row(roster, 1)).unit_id
    await tables.see(*await told(roster))
    await release_baseline(tables.database, by(), ReleaseBaseline(unit_id=gone))

    await merged(tables, roster, gone, into)

    assert await overdue_exits(tables) == {gone: "to_verify", into: "to_verify"}


async def test_whoever_goes_by_a_transfer_takes_no_stock_along(tables: Tables) -> None:
    """It is decided anew, and by somebody: no reform."""
    gone, into, who = Town(), Town(), uuid4()
    late = RetirementFact(category="M60", month="2020-03")
    post = LoadedPlacement(person_id=who, person_version=1, kind="SY", funding="full", started_on=date(2000, 1, 1), retirement=late)
    await tables.see(gone.registered(), into.registered(), gone.loaded(post), gone.released(who), into.placed(person=who, retirement=late))

    assert await overdue_exits(tables) == {gone.unit_id: "closed", into.unit_id: "to_verify"}


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
