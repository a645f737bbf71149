"""How far an issue or a freeze order is, what its page explains, and why somebody may not do what his role does."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.monitoring.commands.cases import record_case_entry
from services.monitoring.commands.freezes import propose_freeze, record_freeze_entry
from services.monitoring.commands.parameters import set_parameter
from services.monitoring.models.issues import IssuePage
from services.monitoring.models.requests import ProposeFreeze, SetParameter
from services.monitoring.models.tasks import Action, Stage
from services.monitoring.queries import freezes, issues
from services.monitoring.queries.reopening import open_freezes
from services.monitoring.rules.stages import issue_stages, order_stages
from shared.auth import Who
from shared.db import By
from shared.glossary import FreezeScope, FreezeState, IssueState, OverQuotaCause, Role, Rung
from shared.law.deadline import Deadline
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CALENDAR, CIPHER, OFFICER, Tables, by
from workflows.freeze_case import FreezeAct, FreezeEntry
from workflows.rectification_case import Act, Entry
from workflows.roster import Evidence

TERM = Deadline.start(NOW.date(), 15, CALENDAR)


def told(stages: tuple[Stage, ...]) -> str:
    return "".join({"done": "✓", "current": "●", "paused": "‖", "future": "○"}[each.standing] for each in stages)


@pytest.mark.parametrize(
    ("state", "sealed", "paused", "way"),
    [
        (IssueState.BASELINE, True, False, "✓○○○○○"),
        (IssueState.WARNED, False, False, "✓○○○○○"),
        (IssueState.TO_VERIFY, True, False, "✓●○○○○"),
        (IssueState.DISMISSED, True, False, "✓✓○○○○"),
        (IssueState.NOTICE_SIGNED, False, False, "✓✓●○○○"),
        (IssueState.NOTICE_SIGNED, True, False, "✓✓✓●○○"),
        (IssueState.RECTIFYING, True, False, "✓✓✓✓●○"),
        (IssueState.RECTIFYING, True, True, "✓✓✓✓‖○"),
        (IssueState.OVERDUE, True, True, "✓✓✓✓‖○"),
        (IssueState.EVIDENCE_SUBMITTED, True, True, "✓✓✓✓✓●"),
        (IssueState.CLOSED, True, False, "✓✓✓✓✓✓"),
    ],
)
def test_an_issue_is_as_far_as_its_state_says(state: IssueState, sealed: bool, paused: bool, way: str) -> None:
    assert told(issue_stages(state, {}, sealed=sealed, paused=paused)) == way


@pytest.mark.parametrize(
    ("state", "acts", "way"),
    [
        (FreezeState.PROPOSED, [], "✓●○○○○"),
        (FreezeState.PROPOSED, ["approve"], "✓✓●○○○"),
        (FreezeState.DECLINED, ["decline"], "✓✓○○○○"),
        (FreezeState.IN_FORCE, ["approve", "apply"], "✓✓✓●○○"),
        (FreezeState.RELEASE_PROPOSED, ["approve", "apply", "propose_release"], "✓✓✓✓●○"),
        (FreezeState.RELEASE_PROPOSED, ["approve", "apply", "propose_release", "decline_release"], "✓✓✓✓●○"),
        (FreezeState.RELEASE_PROPOSED, ["approve", "apply", "propose_release", "approve_release"], "✓✓✓✓✓●"),
        (FreezeState.RELEASED, ["approve", "apply", "propose_release", "approve_release", "release"], "✓✓✓✓✓✓"),
        (FreezeState.IN_FORCE, ["approve", "apply", "release_early"], "✓✓✓✓●"),
        (FreezeState.RELEASED, ["approve", "apply", "release_early", "release"], "✓✓✓✓✓"),
        (FreezeState.IN_FORCE, ["approve", "apply", "release_early", "refused"], "✓✓✓●○○"),
        (FreezeState.IN_FORCE, ["approve", "apply", "release_early", "refused", "release_early"], "✓✓✓✓●"),
        (FreezeState.RELEASE_PROPOSED, ["approve", "apply", "release_early", "refused", "propose_release"], "✓✓✓✓●○"),
        (FreezeState.RELEASE_PROPOSED, ["approve", "apply", "propose_release", "approve_release", "refused"], "✓✓✓✓●○"),
    ],
)
def test_an_order_is_as_far_as_its_state_and_what_was_signed(state: FreezeState, acts: list[str], way: str) -> None:
    assert told(order_stages(state, acts, {})) == way


async def page_of(tables: Tables, who: Who = OFFICER) -> IssuePage:
    async with tables.database.reading() as conn:
        return await issues.issue(conn, who, (await tables.issue())["id"], NOW)


@pytest.mark.asyncio
async def test_a_page_says_on_what_ground_by_which_figures_and_what_would_settle_it(tables: Tables) -> None:
    town = Town(kind_label="事业编制", funding_label="全额拨款")
    await tables.see(town.registered(), town.over_quota(OverQuotaCause.VIOLATION))
    page = await page_of(tables)

    assert "国务院令第486号" in page.ground
    assert {each.name: each.value for each in page.details}["核定编制"] == "10"
    assert page.gone_when.startswith("实有人数降到核定编制以内")
    assert page.better_by.startswith("由监督检查科核实")
    assert (page.stages[0].at, page.stages[1].at) == (NOW, None)


@pytest.mark.asyncio
async def test_who_may_not_do_what_his_role_does_is_told_why(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    unsealed = await page_of(tables)
    term: dict[str, Any] = {"deadline": TERM, "due_at": TERM.due_at}
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, details={"served_on": str(NOW.date())}, **term)
    await tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 3, **term)
    own, other = await page_of(tables), await page_of(tables, Who("officer-lu", OFFICER.roles))

    assert "尚未签章" in unsealed.withheld[Action.SERVE]
    assert own.withheld == {Action.ACCEPT: "整改材料由您提交，须由其他人员验收。"}
    assert "仍然存在" in other.withheld[Action.ACCEPT]
    assert (await page_of(tables, Who("clerk", frozenset({Role.UNIT_CLERK}), (town.unit_id,)))).withheld == {}


@pytest.mark.asyncio
async def test_who_proposed_a_freeze_is_told_that_another_decides_it(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    what = ProposeFreeze(unit_id=town.unit_id, scopes=(FreezeScope.ENTRY,), issue_ids=((await tables.issue())["id"],))
    order: UUID = await propose_freeze(tables.database, by("proposal-1"), what)
    async with tables.database.reading() as conn:
        own = await freezes.freeze_order(conn, Who("officer-shen", frozenset({Role.OFFICE_DIRECTOR})), order)
        other = await freezes.freeze_order(conn, Who("director", frozenset({Role.OFFICE_DIRECTOR})), order)

    assert own.withheld == {Action.DECIDE: "冻结建议由您提出，须由其他人员决定。"}
    assert (other.withheld, other.actions, told(other.stages)) == ({}, (Action.DECIDE,), "✓●○○○○")


@pytest.mark.asyncio
async def test_an_order_begins_again_with_the_release_that_was_signed_and_without_one_that_the_roster_refused(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    what = ProposeFreeze(unit_id=town.unit_id, scopes=(FreezeScope.ENTRY,), issue_ids=((await tables.issue())["id"],))
    order: UUID = await propose_freeze(tables.database, by("proposal-1"), what)
    evidence = Evidence(actor="director", role=Role.OFFICE_DIRECTOR, update_id="", reason="决定", document_no="海编7号")
    for sequence, act in enumerate((FreezeAct.APPROVE, FreezeAct.APPLY, FreezeAct.RELEASE_EARLY), 1):
        entry = FreezeEntry(order_id=order, sequence=sequence, act=act, state=FreezeState.IN_FORCE, at=NOW, evidence=evidence)
        mandate = By(evidence.actor, NOW, f"entry-{sequence}", evidence.reason, evidence.document_no)
        await record_freeze_entry(tables.database, mandate, entry)
    async with tables.database.reading() as conn:
        (begun,) = await open_freezes(conn, None)
        page = await freezes.freeze_order(conn, OFFICER, order)

    assert begun.case is not None
    assert begun.case.release == evidence
    assert (page.released_by, page.release_document_no, told(page.stages)) == ("director", "海编7号", "✓✓✓✓●")
    assert not begun.case.refused

    engine = Evidence(actor="engine", role="engine", update_id="", reason="没有找到该冻结决定。")
    entry = FreezeEntry(order_id=order, sequence=4, act=FreezeAct.REFUSED, state=FreezeState.IN_FORCE, at=NOW, evidence=engine)
    await record_freeze_entry(tables.database, By("engine", NOW, "entry-4", engine.reason), entry)
    async with tables.database.reading() as conn:
        (begun,) = await open_freezes(conn, None)
        page = await freezes.freeze_order(conn, OFFICER, order)

    assert begun.case is not None
    assert (begun.case.release, begun.case.refused) == (None, True)
    assert (page.released_by, page.release_document_no, told(page.stages)) == (None, None, "✓✓✓●○○")


@pytest.mark.asyncio
async def test_an_extension_is_offered_as_often_as_the_case_grants_it_whatever_the_parameter_says_since(tables: Tables) -> None:
    town, later = Town(), NOW + timedelta(days=2)
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    extended = TERM.extended(5, NOW, "officer-shen", "请示")
    term: dict[str, Any] = {"deadline": extended, "due_at": extended.due_at, "details": {"served_on": str(NOW.date())}}
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, **term)
    more: dict[str, Any] = {
        "rule": "*",
        "name": "extensions",
        "value": 2,
        "effective_on": later.date(),
        "source": "内部规定",
        "owner": "监督检查科",
    }
    await set_parameter(tables.database, by(), SetParameter(**more))
    async with tables.database.reading() as conn:
        page = await issues.issue(conn, OFFICER, (await tables.issue())["id"], later)

    assert Action.PAUSE in page.actions
    assert Action.EXTEND not in page.actions


@pytest.mark.asyncio
async def test_late_issues_are_those_whose_term_has_ended_and_that_are_open(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, details={"served_on": str(NOW.date())}, deadline=TERM, due_at=TERM.due_at)

    async def late(days: int) -> int:
        async with tables.database.reading() as conn:
            return len((await issues.issues(conn, OFFICER, issues.Wanted(late=True), NOW + timedelta(days=days), CIPHER)).items)

    assert [await late(0), await late(60)] == [0, 1]
    await tables.database.pool.execute("UPDATE issues SET state = 'closed' WHERE id <> $1", uuid4())
    assert await late(60) == 0


@pytest.mark.asyncio
async def test_a_freeze_that_the_ladder_proposed_says_so_where_its_reason_stands(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    late: dict[str, Any] = {"deadline": TERM, "due_at": TERM.due_at}
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, details={"served_on": str(NOW.date())}, **late)
    fired = {
        "issue_id": (await tables.issue())["id"],
        "round": 1,
        "sequence": 3,
        "act": Act.FIRE_RUNG,
        "at": NOW,
        "state": IssueState.OVERDUE,
    }
    entry = Entry(**fired, revision=1, rung=Rung.FREEZE_PROPOSAL, planned_at=NOW, **late)
    await record_case_entry(tables.database, By("engine", NOW, "rung"), entry)
    async with tables.database.reading() as conn:
        (order,) = (await freezes.freeze_orders(conn, OFFICER, freezes.Wanted())).items

    assert order.reason == "整改逾期，按督办阶梯由系统建议。"
