"""FreezeWorkflow on the real server: persons decide, the roster carries out, the release waits for the last issue. Also without a cache."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

import tests.workflows.rectification_play as play
from shared.glossary import FreezeState, Role
from tests.workflows.rectification_play import Play, by, freeze_on_stage
from tests.workflows.server import server
from workflows.clock import ClockMoved
from workflows.freeze import FreezeWorkflow
from workflows.freeze_case import Decision, FreezeAct, IssueAccepted, workflow_id
from workflows.journal import RECORD_AGAIN
from workflows.roster import Verdict
from workflows.shown import CASE_STAGE, UNIT_ID

pytestmark = pytest.mark.asyncio
both_caches = pytest.mark.parametrize("cached", [1000, 0], ids=["cached", "replayed"])
FIRST, LAST = IssueAccepted(issue_id=UUID(int=11)), IssueAccepted(issue_id=UUID(int=12))


def signed(*, approve: bool = True, actor: str = "director-gu", document_no: str | None = "编冻〔2026〕1号") -> Decision:
    return Decision(evidence=by(Role.OFFICE_DIRECTOR, actor, document_no), approve=approve)


async def refused(played: Play, update: str, decision: Decision) -> str | None:
    try:
        await played.order(update, decision)
    except WorkflowUpdateFailedError as failed:
        return getattr(failed.cause, "type", None)
    return None


async def until(played: Play, act: FreezeAct) -> None:
    async with asyncio.timeout(60):
        while act not in [entry.act for entry in played.services.order_entries]:  # noqa: ASYNC110  the stage has no event for it
            await asyncio.sleep(0.02)


@both_caches
async def test_a_freeze_is_signed_applied_and_released_only_by_a_second_signature(environment: WorkflowEnvironment, cached: int) -> None:
    """Domain trap 8: nothing freezes or unfreezes by itself."""
    async with freeze_on_stage(environment, cached) as played:
        await played.order("decide", signed())
        await until(played, FreezeAct.APPLY)
        await played.order("issue_accepted", FIRST)
        too_early = await refused(played, "decide_release", signed(document_no="编解〔2026〕1号"))
        await played.order("issue_accepted", LAST)
        await until(played, FreezeAct.PROPOSE_RELEASE)
        before_the_signature = list(played.services.asked)
        await played.order("decide_release", signed(document_no="编解〔2026〕1号"))

        assert await played.handle.result() == FreezeState.RELEASED
        assert too_early == "release_not_proposed"
        assert before_the_signature == ["freeze 编冻〔2026〕1号"]
        assert played.services.asked[-1] == "unfreeze 编解〔2026〕1号"
        acts = [entry.act for entry in played.services.order_entries]
        assert acts == [FreezeAct.APPROVE, FreezeAct.APPLY, FreezeAct.PROPOSE_RELEASE, FreezeAct.APPROVE_RELEASE, FreezeAct.RELEASE]


@both_caches
async def test_by_a_decision_of_the_commission_a_freeze_is_released_before_its_issues_are_struck_off(
    environment: WorkflowEnvironment, cached: int
) -> None:
    """Domain §4.4: the release is proposed when the last issue is accepted, or by 编委 decision; and it is signed by a person."""
    async with freeze_on_stage(environment, cached) as played:
        by_decision = signed(document_no="海编〔2026〕7号").model_copy(update={"early": True})
        not_in_force = await refused(played, "decide_release", by_decision)
        await played.order("decide", signed())
        await until(played, FreezeAct.APPLY)
        codes = [
            await refused(played, "decide_release", wrong)
            for wrong in (
                by_decision.model_copy(update={"approve": False}),
                by_decision.model_copy(update={"evidence": by(Role.OFFICE_DIRECTOR, "director-gu")}),
                by_decision.model_copy(update={"evidence": by(Role.UNIT_HEAD, "head", "海编〔2026〕7号")}),
            )
        ]
        await played.order("decide_release", by_decision)

        assert await played.handle.result() == FreezeState.RELEASED
        assert (not_in_force, codes) == ("release_not_proposed", ["release_not_proposed", "document_missing", "wrong_role"])
        assert played.services.asked == ["freeze 编冻〔2026〕1号", "unfreeze 海编〔2026〕7号"]
        assert [(entry.act, entry.state) for entry in played.services.order_entries[-2:]] == [
            (FreezeAct.RELEASE_EARLY, FreezeState.IN_FORCE),
            (FreezeAct.RELEASE, FreezeState.RELEASED),
        ]


async def test_an_order_that_the_roster_does_not_take_says_why_and_by_whom_it_was_refused(environment: WorkflowEnvironment) -> None:
    """Must fail when the line repeats the director's words: he reads his own reason, and nobody what is wrong with the order."""
    async with freeze_on_stage(environment) as played:
        played.services.freezes = False
        await played.order("decide", signed())

        assert await played.handle.result() == FreezeState.DECLINED
        refused_by = played.services.order_entries[-1]
        assert (refused_by.act, refused_by.evidence.actor) == (FreezeAct.REFUSED, "engine")
        assert refused_by.evidence.reason == "没有这一编制类型。请核对冻结名额。"


NOT_LIFTED = Verdict(accepted=False, code="order_unknown", sentence="没有找到该冻结决定。请核对冻结决定编号。")


@both_caches
async def test_a_release_that_the_roster_does_not_take_is_none_and_may_be_signed_again(
    environment: WorkflowEnvironment, cached: int
) -> None:
    """Must fail when a release is told as done whatever the roster says: the unit stays frozen, and nobody looks."""
    async with freeze_on_stage(environment, cached) as played:
        played.services.lifts = [NOT_LIFTED]
        await _proposed_for_release(played)
        await played.order("decide_release", signed(document_no="编解〔2026〕1号"))
        await until(played, FreezeAct.REFUSED)
        await played.order("decide_release", signed(document_no="编解〔2026〕2号"))

        assert await played.handle.result() == FreezeState.RELEASED
        refused_by = played.services.order_entries[4]
        assert (refused_by.evidence.actor, refused_by.evidence.reason) == ("engine", NOT_LIFTED.sentence)
        assert [(entry.act, entry.state) for entry in played.services.order_entries[3:]] == [
            (FreezeAct.APPROVE_RELEASE, FreezeState.RELEASE_PROPOSED),
            (FreezeAct.REFUSED, FreezeState.RELEASE_PROPOSED),
            (FreezeAct.APPROVE_RELEASE, FreezeState.RELEASE_PROPOSED),
            (FreezeAct.RELEASE, FreezeState.RELEASED),
        ]


async def test_an_order_that_is_over_in_the_roster_is_released(environment: WorkflowEnvironment) -> None:
    async with freeze_on_stage(environment) as played:
        played.services.lifts = [Verdict(accepted=False, code="order_ended", sentence="该冻结决定已经解除。无需再次办理。")]
        await _proposed_for_release(played)
        await played.order("decide_release", signed(document_no="编解〔2026〕1号"))

        assert await played.handle.result() == FreezeState.RELEASED


async def test_a_policy_whose_release_the_roster_did_not_take_leaves_it_to_a_person(environment: WorkflowEnvironment) -> None:
    """Must fail when the policy decides again and again what is refused again and again."""
    async with freeze_on_stage(environment, release_by_policy="编办规〔2026〕4号") as played:
        played.services.lifts = [NOT_LIFTED]
        await played.order("decide", signed())
        await until(played, FreezeAct.APPLY)
        await played.order("issue_accepted", FIRST)
        await played.order("issue_accepted", LAST)
        await until(played, FreezeAct.REFUSED)
        await played.order("decide_release", signed(document_no="编解〔2026〕2号"))

        assert await played.handle.result() == FreezeState.RELEASED
        assert played.services.asked[1:] == ["unfreeze 编办规〔2026〕4号", "unfreeze 编解〔2026〕2号"]


async def test_a_declined_proposal_ends_without_a_freeze(environment: WorkflowEnvironment) -> None:
    async with freeze_on_stage(environment) as played:
        await played.order("decide", signed(approve=False, document_no=None))

        assert await played.handle.result() == FreezeState.DECLINED
        assert played.services.asked == []


async def test_a_proposal_lapses_when_its_last_issue_is_struck_off_before_the_decision(environment: WorkflowEnvironment) -> None:
    async with freeze_on_stage(environment) as played:
        await played.order("issue_accepted", FIRST)
        await played.order("issue_accepted", LAST)

        assert await played.handle.result() == FreezeState.DECLINED
        assert played.services.asked == []


async def test_only_the_director_decides_with_a_document_and_not_his_own_proposal(environment: WorkflowEnvironment) -> None:
    async with freeze_on_stage(environment) as played:
        officer = Decision(evidence=by(document_no="编冻〔2026〕1号"), approve=True)

        codes = [
            await refused(played, "decide", officer),
            await refused(played, "decide", signed(document_no=None)),
            await refused(played, "decide", signed(actor="officer-shen")),
        ]

        assert codes == ["wrong_role", "document_missing", "own_case"]
        assert played.services.order_entries == []


@both_caches
async def test_of_two_directors_at_the_same_instant_one_is_refused(environment: WorkflowEnvironment, cached: int) -> None:
    for _ in range(5):
        async with freeze_on_stage(environment, cached) as played:
            decisions = (signed(), signed(approve=False, actor="director-ma"))

            codes = await asyncio.gather(*(refused(played, "decide", decision) for decision in decisions))

            assert sorted(codes, key=str) == [None, "wrong_state"]


async def _proposed_for_release(played: Play) -> None:
    await played.order("decide", signed())
    await until(played, FreezeAct.APPLY)
    await played.order("issue_accepted", FIRST)
    await played.order("issue_accepted", LAST)
    await until(played, FreezeAct.PROPOSE_RELEASE)


async def test_of_two_directors_who_sign_a_release_at_the_same_instant_one_is_refused(environment: WorkflowEnvironment) -> None:
    """Must fail when a release that is signed and not yet carried out may be signed once more."""
    for _ in range(3):
        async with freeze_on_stage(environment) as played:
            await _proposed_for_release(played)
            decisions = (signed(document_no="编解〔2026〕1号"), signed(actor="director-ma", document_no="编解〔2026〕2号"))

            codes = await asyncio.gather(*(refused(played, "decide_release", decision) for decision in decisions))

            assert sorted(codes, key=str) == [None, "wrong_state"]
            assert await played.handle.result() == FreezeState.RELEASED


async def test_a_release_that_is_declined_stays_proposed_and_may_be_decided_again(environment: WorkflowEnvironment) -> None:
    """Also by who ticked 编委 decision: once the release is proposed, that is one decision among others, and a no is a no."""
    async with freeze_on_stage(environment) as played:
        await _proposed_for_release(played)
        await played.order("decide_release", signed(approve=False, document_no=None).model_copy(update={"early": True}))
        await until(played, FreezeAct.DECLINE_RELEASE)
        await played.order("decide_release", signed(document_no="编解〔2026〕1号"))

        assert await played.handle.result() == FreezeState.RELEASED
        assert [(entry.act, entry.state) for entry in played.services.order_entries[-3:]] == [
            (FreezeAct.DECLINE_RELEASE, FreezeState.RELEASE_PROPOSED),
            (FreezeAct.APPROVE_RELEASE, FreezeState.RELEASE_PROPOSED),
            (FreezeAct.RELEASE, FreezeState.RELEASED),
        ]


async def test_where_a_policy_row_says_so_it_decides_and_its_document_stands_for_the_signature(environment: WorkflowEnvironment) -> None:
    policies: dict[str, Any] = {"decide_by_policy": "编办规〔2026〕3号", "release_by_policy": "编办规〔2026〕4号"}
    async with freeze_on_stage(environment, **policies) as played:
        await until(played, FreezeAct.APPLY)
        await played.order("issue_accepted", FIRST)
        await played.order("issue_accepted", LAST)

        assert await played.handle.result() == FreezeState.RELEASED
        assert played.services.asked == ["freeze 编办规〔2026〕3号", "unfreeze 编办规〔2026〕4号"]


async def test_a_decision_that_comes_before_the_first_turn_of_the_workflow_is_recorded(environment: WorkflowEnvironment) -> None:
    """Must fail when the journal is written inside the loop alone: the state is over before the loop begins."""
    services, order_id = play.Services(), uuid.uuid4()
    start = play.freeze_start(order_id)
    handle = await environment.client.start_workflow(FreezeWorkflow.run, start, id=workflow_id(order_id), task_queue="stage")
    deciding = asyncio.ensure_future(handle.execute_update("decide", signed(approve=False, document_no=None)))
    await asyncio.sleep(0.3)

    async with play.workers(environment, services, 1000):
        answer = await asyncio.wait_for(deciding, 30)

    assert answer["state"] == FreezeState.DECLINED
    assert [entry.act for entry in services.order_entries] == [FreezeAct.DECLINE]


async def test_an_order_goes_on_as_new_with_its_state_and_a_repeated_decision_gets_its_answer() -> None:
    """Must fail when the second run begins with nothing signed, or forgets the answers of the first."""
    async with (
        server("limit.historyCount.suggestContinueAsNew=30") as environment,
        freeze_on_stage(environment, clock_offset=timedelta(0)) as played,
    ):
        decision = signed()
        first = await played.order("decide", decision, "request-1")
        await until(played, FreezeAct.APPLY)
        await played.order("issue_accepted", FIRST)
        for number in range(8):
            await played.order("clock_moved", ClockMoved(offset=timedelta(seconds=number)))
        current = environment.client.get_workflow_handle(played.handle.id)
        runs = {(await current.describe()).run_id, played.handle.first_execution_run_id}

        again = await current.execute_update("decide", decision, id="request-1")
        await current.execute_update("issue_accepted", LAST)
        await until(played, FreezeAct.PROPOSE_RELEASE)
        await current.execute_update("decide_release", signed(document_no="编解〔2026〕1号"))

        assert len(runs) == 2, "the order did not continue as new"
        assert again == first
        assert await current.result() == FreezeState.RELEASED
        assert [entry.sequence for entry in played.services.order_entries] == [1, 2, 3, 4, 5]
        assert played.services.asked == ["freeze 编冻〔2026〕1号", "unfreeze 编解〔2026〕1号"]


async def test_operations_see_the_unit_and_the_stage_of_an_order(environment: WorkflowEnvironment) -> None:
    async with freeze_on_stage(environment) as played:
        await played.order("decide", signed())
        await until(played, FreezeAct.APPLY)
        shown = (await played.handle.describe()).typed_search_attributes
        while shown.get(CASE_STAGE) is None:
            await asyncio.sleep(0.02)
            shown = (await played.handle.describe()).typed_search_attributes

        assert (shown.get(CASE_STAGE), shown.get(UNIT_ID)) == ("in_force", str(UUID(int=1)))


async def test_an_order_whose_decision_is_not_recorded_freezes_nothing_until_it_is(environment: WorkflowEnvironment) -> None:
    async with freeze_on_stage(environment) as played:
        played.services.refuses = True

        decided = await refused(played, "decide", signed())
        asked = list(played.services.asked)
        held = await refused(played, "decide", signed(approve=False))
        played.services.refuses = False
        await played.handle.execute_update(RECORD_AGAIN)
        await until(played, FreezeAct.APPLY)

        assert (decided, held, asked) == ("not_recorded", "held", [])
        assert played.services.held == ["1 not_recordable"]
        assert played.services.asked == ["freeze 编冻〔2026〕1号"]
