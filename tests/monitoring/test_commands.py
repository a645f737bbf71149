"""Monitoring's commands and consumers on PostgreSQL: issues, lights, cases, freeze orders and lists, without the servers around them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from services.monitoring.commands.cases import record_case_entry
from services.monitoring.commands.freezes import propose_freeze
from services.monitoring.commands.lights import mark_unverified
from services.monitoring.commands.lists import acknowledge_list, issue_list, release_list
from services.monitoring.commands.parameters import set_parameter
from services.monitoring.commands.seals import keep_answer, prepare_seal
from services.monitoring.commands.sweeps import release_baseline, sweep_unit
from services.monitoring.consumers import handlers
from services.monitoring.models.facts import Surroundings
from services.monitoring.models.refusals import (
    AlreadyFreezing,
    FreezeNotJustified,
    ListAlreadyReleased,
    ListNotSealed,
    NotReleased,
    ParameterMalformed,
    ParameterUnknown,
    SealMismatch,
)
from services.monitoring.models.requests import (
    AcknowledgeList,
    IssueList,
    KeepAnswer,
    MarkUnverified,
    PrepareSeal,
    ProposeFreeze,
    ReleaseBaseline,
    ReleaseList,
    SetParameter,
    SweepUnit,
)
from services.monitoring.queries.lights import light
from shared.auth import Who
from shared.clock import at_hour
from shared.db import By, Database, connect
from shared.errors import DomainError
from shared.events.roster import RetirementFact, RosterEvent
from shared.glossary import FreezeScope, IssueState, OverQuotaCause, Role, Rung
from shared.law.notices import load_calendar
from tests.monitoring.events import NOW, Town
from workflows.rectification_case import Act, Entry
from workflows.roster import Evidence
from workflows.sealing_messages import Document

pytestmark = pytest.mark.asyncio
CALENDAR = load_calendar()
HANDLERS = handlers(Surroundings(load_calendar, lambda: timedelta(0)))
MONDAY = at_hour(date(2026, 9, 20), 9)
OFFICER = Who("officer-shen", frozenset({Role.SUPERVISION_OFFICER}))


class Tables:
    """The service's tables, moved by events and commands."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def see(self, *events: RosterEvent) -> None:
        for event in events:
            async with self.database.transaction() as conn:
                await HANDLERS[type(event)](conn, event)

    async def rows(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.database.pool.fetch(sql, *arguments)]

    async def light(self, town: Town) -> str:
        return str(await self.database.pool.fetchval("SELECT light FROM lights WHERE unit_id = $1", town.unit_id) or "green")

    async def issue(self) -> dict[str, Any]:
        (found,) = await self.rows("SELECT * FROM issues")
        return found

    async def published(self, kind: str) -> list[dict[str, Any]]:
        rows = await self.rows("SELECT body FROM event_log WHERE type = $1 ORDER BY recorded_at", f"monitoring.{kind}.v1")
        return [row["body"] for row in rows]

    async def started(self) -> list[str]:
        return [row["workflow_id"] for row in await self.rows("SELECT workflow_id FROM workflow_starts ORDER BY workflow_id")]

    async def record(self, act: Act, state: IssueState, sequence: int, at: datetime = NOW, **more: Any) -> None:
        issue = await self.issue()
        evidence = (
            None
            if act is Act.FIRE_RUNG
            else Evidence(actor="officer-shen", role=Role.SUPERVISION_OFFICER, update_id="u", document_no="文〔2026〕1号")
        )
        entry = Entry(
            issue_id=issue["id"],
            round=issue["round"],
            sequence=sequence,
            act=act,
            at=at,
            state=state,
            revision=1,
            evidence=evidence,
            **more,
        )
        await record_case_entry(self.database, by(f"{issue['id']}:{sequence}", at), entry)

    async def confirm(self) -> None:
        await self.record(Act.CONFIRM, IssueState.NOTICE_SIGNED, 1, details={"title": "整改通知书", "demand": "限期清退"})


def by(key: str | None = None, at: datetime = NOW) -> By:
    return By(actor="officer-shen", as_of=at, key=key or str(uuid4()), reason="按规定", document_no="文〔2026〕1号")


@pytest_asyncio.fixture
async def tables(database: Callable[[str], str]) -> AsyncIterator[Tables]:
    async with connect(database("monitoring"), "monitoring") as made:
        yield Tables(made)


async def refused(asked: Awaitable[object]) -> type[DomainError] | None:
    try:
        await asked
    except DomainError as refusal:
        return type(refusal)
    return None


async def test_a_violation_turns_the_light_red_keeps_its_reasons_and_starts_its_case(tables: Tables) -> None:
    town = Town()
    over = town.over_quota()

    await tables.see(over)

    issue, (change,) = await tables.issue(), await tables.rows("SELECT * FROM light_changes")
    assert await tables.light(town) == "red"
    assert await tables.started() == [f"rectification:{issue['id']}:1"]
    assert (change["before"], change["light"], change["cause_event_id"], change["until"]) == ("green", "red", over.event_id, None)
    assert change["reasons"][0]["inputs"]["surplus"] == 1
    assert (await tables.published("light_changed"))[0]["cause_event_id"] == str(over.event_id)


async def test_the_page_of_a_light_explains_in_the_words_of_the_roster(tables: Tables) -> None:
    town = Town(kind_label="事业编制", funding_label="全额拨款")
    await tables.see(town.registered(), town.over_quota(), town.over_quota(OverQuotaCause.HISTORY))
    await tables.see(town.placed(authorised_on=date(2026, 9, 10)))

    async with tables.database.reading() as conn:
        page = await light(conn, OFFICER, town.unit_id)

    said = [why.matter for why in page.why] + [known.matter for known in page.remarks]
    said += [reason["matter"] for change in page.history for reason in change.reasons]
    assert len(said) == 4
    assert [sentence for sentence in said if not sentence.startswith("事业编制（全额拨款）")] == []


async def test_a_policy_surplus_is_yellow_with_a_plan_without_ladder_and_never_frozen(tables: Tables) -> None:
    """Domain trap 17."""
    town = Town()

    await tables.see(town.over_quota(OverQuotaCause.POLICY))

    issue = await tables.issue()
    start = json.loads((await tables.rows("SELECT body FROM outbox WHERE type = 'start:RectificationWorkflow'"))[0]["body"])
    proposal = ProposeFreeze(unit_id=town.unit_id, scopes=(FreezeScope.ENTRY,), issue_ids=(issue["id"],))
    assert await tables.light(town) == "yellow"
    assert (start["case"]["ladder"], start["case"]["budget_days"]) == ([], 240)
    assert await refused(propose_freeze(tables.database, by(), proposal)) is FreezeNotJustified


async def test_a_historical_surplus_waits_to_be_classified_and_is_no_issue(tables: Tables) -> None:
    town = Town()

    await tables.see(town.over_quota(OverQuotaCause.HISTORY))

    assert await tables.light(town) == "green"
    assert await tables.rows("SELECT * FROM issues") == []
    assert [row["code"] for row in await tables.rows("SELECT code FROM remarks")] == ["unclassified"]


async def test_a_first_load_runs_dry_until_the_office_releases_it(tables: Tables) -> None:
    town = Town()
    await tables.see(town.over_quota(baseline=True))
    dry = (await tables.light(town), (await tables.issue())["state"], await tables.started(), await tables.published("issue_changed"))

    released = await release_baseline(tables.database, by(), ReleaseBaseline(unit_id=town.unit_id))

    assert dry == ("green", "baseline", [], [])
    assert released == 1
    assert (await tables.light(town), (await tables.issue())["state"], len(await tables.started())) == ("red", "to_verify", 1)


async def test_a_later_violation_opens_what_a_first_load_left_but_the_same_one_seen_again_does_not(tables: Tables) -> None:
    town, person = Town(), uuid4()
    await tables.see(town.over_quota(baseline=True))
    await tables.see(town.placed(person=person), town.released(person))
    same = (await tables.issue())["state"]

    await tables.see(town.over_quota())

    assert same == "baseline"
    assert ((await tables.issue())["state"], (await tables.issue())["round"], await tables.light(town)) == ("to_verify", 1, "red")


async def test_a_case_stays_open_when_its_cause_is_gone_and_comes_back_as_a_new_round(tables: Tables) -> None:
    town, person = Town(), uuid4()
    await tables.see(town.over_quota(person=person), town.released(person))
    waiting = await tables.issue()

    await tables.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 1)
    green = await tables.light(town)
    await tables.see(town.over_quota())

    again = await tables.issue()
    assert (waiting["present"], waiting["state"]) == (False, "to_verify")
    assert green == "green"
    assert (again["id"], again["round"], again["state"], again["present"]) == (waiting["id"], 2, "to_verify", True)
    assert f"rectification:{again['id']}:2" in await tables.started()


async def test_a_warning_about_time_ends_by_itself_and_becomes_a_case_when_it_gets_worse(tables: Tables) -> None:
    town, person = Town(quota=50), uuid4()
    await tables.see(town.placed(person=person, retirement=RetirementFact(category="M60", month="2026-08")))
    yellow = (await tables.light(town), await tables.started())

    day = date(2026, 9, 28)
    await sweep_unit(tables.database, by(at=at_hour(day, 1)), SweepUnit(unit_id=town.unit_id, on=day, calendar=CALENDAR))
    red = (await tables.light(town), len(await tables.started()))

    assert yellow == ("yellow", [])
    assert red == ("red", 1)


async def test_a_warning_that_ends_by_itself_is_closed_by_the_exit(tables: Tables) -> None:
    town, person = Town(quota=50), uuid4()
    await tables.see(town.placed(person=person, retirement=RetirementFact(category="M60", month="2026-08")))

    await tables.see(town.released(person))

    assert (await tables.light(town), (await tables.issue())["state"]) == ("green", "closed")


async def test_missing_retirement_data_is_said_and_accuses_nobody(tables: Tables) -> None:
    town = Town(quota=50)

    await tables.see(town.placed(retirement=RetirementFact(category="special")))

    assert (await tables.light(town), await tables.rows("SELECT * FROM issues")) == ("green", [])
    assert [row["code"] for row in await tables.rows("SELECT code FROM remarks")] == ["data_missing"]


async def test_two_events_at_once_turn_one_light_once(tables: Tables) -> None:
    """Must fail when the light is not locked first."""
    town = Town()
    events = [town.over_quota(OverQuotaCause.POLICY), town.placed(authorised_on=date(2026, 9, 10)), town.over_quota()]

    await asyncio.gather(*(tables.see(event) for event in events))

    changes = await tables.rows("SELECT before, light FROM light_changes ORDER BY id")
    assert await tables.light(town) == "red"
    assert [change["before"] for change in changes] == ["green", *(change["light"] for change in changes[:-1])]


async def test_an_entry_delivered_twice_is_recorded_once(tables: Tables) -> None:
    await tables.see(Town().over_quota())

    await tables.confirm()
    await tables.confirm()

    assert (await tables.issue())["number"] == "编整〔2026〕1号"
    assert len(await tables.rows("SELECT * FROM issue_entries")) == 1


async def test_an_overdue_case_proposes_one_freeze_and_does_not_freeze(tables: Tables) -> None:
    """Domain trap 8: the engine proposes."""
    await tables.see(Town().over_quota())
    await tables.confirm()

    for sequence, rung in ((2, Rung.OVERDUE), (3, Rung.FREEZE_PROPOSAL)):
        await tables.record(Act.FIRE_RUNG, IssueState.OVERDUE, sequence, rung=rung, planned_at=NOW)
    proposal = ProposeFreeze(
        unit_id=(await tables.issue())["unit_id"], scopes=(FreezeScope.ENTRY,), issue_ids=((await tables.issue())["id"],)
    )

    (order,) = await tables.rows("SELECT * FROM freeze_orders")
    assert (order["state"], order["scopes"], order["decided_by"]) == ("freeze_proposed", ["post_use", "entry"], None)
    assert f"freeze:{order['id']}" in await tables.started()
    assert await refused(propose_freeze(tables.database, by(), proposal)) is AlreadyFreezing


async def test_a_freeze_order_learns_that_its_issue_was_struck_off(tables: Tables) -> None:
    await tables.see(Town().over_quota())
    await tables.confirm()
    issue = await tables.issue()
    what = ProposeFreeze(unit_id=issue["unit_id"], scopes=(FreezeScope.ENTRY,), issue_ids=(issue["id"],))
    order = await propose_freeze(tables.database, by(), what)

    await tables.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 2)

    (told,) = await tables.rows("SELECT key, body FROM outbox WHERE type = 'update:issue_accepted'")
    assert (told["key"], json.loads(told["body"])) == (f"freeze:{order}", {"issue_id": str(issue["id"])})


async def test_parked_events_make_the_light_unverified_until_they_are_replayed(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered())
    await tables.database.pool.execute(
        "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error) VALUES ('monitoring', $1, 't', 0, 0, '{}', '', 'x')",
        str(town.unit_id),
    )
    await mark_unverified(tables.database, by(), MarkUnverified(unit_id=town.unit_id))
    parked = await tables.light(town)
    await tables.database.pool.execute("DELETE FROM dead_letters")

    await mark_unverified(tables.database, by(), MarkUnverified(unit_id=town.unit_id))

    assert (parked, await tables.light(town)) == ("unverified", "green")


def edition(town: Town, week: str, nominal: datetime) -> IssueList:
    return IssueList(unit_id=town.unit_id, iso_week=week, nominal=nominal)


async def test_a_unit_has_one_edition_a_week_however_often_it_is_asked_for(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())

    ids = await asyncio.gather(*(issue_list(tables.database, by(), edition(town, "2026-W38", MONDAY)) for _ in range(3)))

    assert len(set(ids)) == 1
    assert [(row["number"], row["iso_week"]) for row in await tables.rows("SELECT * FROM supervision_lists")] == [
        ("编督〔2026〕1号", "2026-W38")
    ]
    assert (await tables.published("supervision_list_issued"))[0]["new"] == 1


async def test_editions_carry_over_and_clear_once_and_a_unit_without_lines_has_none(tables: Tables) -> None:
    town, clean = Town(), Town(headcount=3)
    await tables.see(town.registered(), clean.registered(), town.over_quota())
    weeks = [MONDAY, MONDAY + timedelta(days=8), MONDAY + timedelta(days=15), MONDAY + timedelta(days=22)]

    for number, nominal in enumerate(weeks):
        if number == 2:
            await tables.record(Act.DISMISS, IssueState.DISMISSED, 1, at=nominal - timedelta(days=1))
        await issue_list(tables.database, by(), edition(town, f"2026-W{38 + number}", nominal))
    nothing = await issue_list(tables.database, by(), edition(clean, "2026-W38", MONDAY))

    lines = await tables.rows("SELECT l.iso_week, s.kind FROM supervision_lines s JOIN supervision_lists l ON l.id = s.list_id ORDER BY 1")
    assert [(line["iso_week"], line["kind"]) for line in lines] == [
        ("2026-W38", "new_line"),
        ("2026-W39", "carried"),
        ("2026-W40", "cleared"),
    ]
    assert nothing is None


async def test_a_list_is_sealed_only_after_its_release_and_acknowledged_only_after_its_seal(tables: Tables) -> None:
    """Domain trap 30: what comes back is matched on task and digest, and stored before anything follows."""
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    list_id = await issue_list(tables.database, by(), edition(town, "2026-W38", MONDAY))
    assert list_id is not None
    seal = PrepareSeal(
        kind=Document.LIST, document_id=list_id, prepared_file="f", placeholder={}, digest="ab", seal_code="S", certificate="C"
    )

    too_early = await refused(prepare_seal(tables.database, by(), seal))
    await release_list(tables.database, by(), ReleaseList(list_id=list_id))
    twice = await refused(release_list(tables.database, by(), ReleaseList(list_id=list_id)))
    task = await prepare_seal(tables.database, by(), seal)
    other = await refused(keep_answer(tables.database, by(), KeepAnswer(task_id=task.task_id, digest="cd", answer={})))
    for _ in range(2):
        await keep_answer(tables.database, by(), KeepAnswer(task_id=task.task_id, digest="ab", answer={"state": "sealed"}))
    unsealed = await refused(acknowledge_list(tables.database, by(), AcknowledgeList(list_id=list_id)))

    assert (too_early, twice, other, unsealed) == (NotReleased, ListAlreadyReleased, SealMismatch, ListNotSealed)
    assert len(await tables.rows("SELECT * FROM outbox WHERE type = 'update:seal_completed'")) == 1


async def test_a_parameter_gets_a_new_version_and_running_cases_keep_what_was_pinned(tables: Tables) -> None:
    budget = SetParameter(rule="M01", name="budget_days", value=60, effective_on=NOW.date(), source="编办规〔2026〕5号", owner="监督检查科")
    unknown, malformed = budget.model_copy(update={"name": "colour"}), budget.model_copy(update={"value": "soon"})
    first, second = Town(), Town()

    await tables.see(first.over_quota())
    version = await set_parameter(tables.database, by(), budget)
    await tables.see(second.over_quota())

    starts = await tables.rows("SELECT body FROM outbox WHERE type = 'start:RectificationWorkflow' ORDER BY id")
    assert version == 2
    assert [json.loads(start["body"])["case"]["budget_days"] for start in starts] == [30, 60]
    assert await refused(set_parameter(tables.database, by(), unknown)) is ParameterUnknown
    assert await refused(set_parameter(tables.database, by(), malformed)) is ParameterMalformed
