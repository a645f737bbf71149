"""ApprovalWorkflow on the real server: who decides, what pauses, what is given back, what is sealed. Each test also without a cache."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage
from temporalio.worker import UnsandboxedWorkflowRunner

import tests.workflows.approval_play as play
from deploy.chaos.older_workflows import unpatched
from shared.clock import business_day
from shared.glossary import ApplicationState, ApplicationType, EntryKind
from shared.law.deadline import Deadline
from shared.law.working_days import Calendar, DayKind
from tests.workflows.approval_play import CLERK, HEAD, OFFICER, ORDER, SEALER, start
from tests.workflows.record_files import SHORT_RUNS
from workflows import approval_messages as messages
from workflows.approval_steps import Decider
from workflows.clock import ClockMoved
from workflows.journal import RECORD_AGAIN
from workflows.roster import Verdict
from workflows.shown import CASE_DEADLINE, CASE_STAGE, UNIT_ID

FRIDAY = date(2026, 9, 18)
BLOCK = messages.Block(order_id=ORDER)
ENTRY: dict[str, Any] = {"person_id": uuid.UUID(int=3), "reservation_id": uuid.UUID(int=9), "reason_code": "open_recruitment"}
CHANGE: dict[str, Any] = {"person_id": uuid.UUID(int=3), "change_id": uuid.UUID(int=5)}
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[1000, 0], ids=["cached", "replayed"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[play.Stage]:
    async with play.server() as environment, play.Stage(environment).open(request.param) as stage:
        yield stage


def deadline_of(entry: messages.Entry) -> Deadline:
    assert entry.standing.deadline is not None
    return entry.standing.deadline


async def test_an_approved_application_is_claimed_effected_released_sealed_and_filed(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)

    await played.approve_all()
    await played.release()
    await played.seal()

    assert await played.handle.result() == "filed"
    order = [kind for kind in played.services.kinds() if kind is not EntryKind.APPROVED]
    assert order == [
        EntryKind.RECEIVED,
        EntryKind.CLAIMED,
        EntryKind.EFFECTED,
        EntryKind.RENDERED,
        EntryKind.RELEASED,
        EntryKind.SEALED,
        EntryKind.RECORDED,
    ]
    assert [entry.sequence for entry in played.services.entries] == list(range(1, 11))
    assert played.services.given_back == []


async def test_operations_are_shown_unit_stage_and_deadline(stage: play.Stage) -> None:
    played = await stage.play(start())
    at_first = (await played.until(EntryKind.RECEIVED)).standing
    await played.decide()
    second = (await played.until(EntryKind.APPROVED)).standing
    waiting = (await played.handle.describe()).typed_search_attributes

    await played.decide()
    await played.decide()
    await played.release()
    await played.seal()
    await played.handle.result()

    over = (await played.handle.describe()).typed_search_attributes
    assert at_first.deadline is not None
    assert second.deadline is not None
    assert at_first.deadline.due_at != second.deadline.due_at
    assert (waiting.get(UNIT_ID), waiting.get(CASE_STAGE)) == (str(uuid.UUID(int=1)), second.state)
    assert waiting.get(CASE_DEADLINE) == second.deadline.due_at
    assert (over.get(CASE_STAGE), over.get(CASE_DEADLINE)) == (ApplicationState.FILED, None)


async def test_whoever_gets_an_answer_can_read_it(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)

    answer = await played.decide()

    assert played.services.entries[answer.sequence - 1].kind is EntryKind.APPROVED
    assert (answer.state, answer.step) == (ApplicationState.IN_REVIEW, "business_review")


async def test_refusals_have_codes_and_leave_no_trace(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    codes = [
        await played.refused("decide", played.decision(by=OFFICER)),
        await played.refused("decide", played.decision(by=Decider(actor="clerk", roles=HEAD.roles))),
        await played.refused("decide", played.decision(revision=2)),
        await played.refused("decide", played.decision("return", reason_codes=())),
        await played.refused("resubmit", played.mended(1)),
    ]

    assert codes == ["wrong_person", "own_case", "stale_version", "reason_missing", "wrong_state"]
    assert played.services.kinds() == [EntryKind.RECEIVED]
    history = await played.handle.fetch_history()
    assert not [event for event in history.events if event.HasField("workflow_execution_update_accepted_event_attributes")]


async def test_of_two_deciders_at_the_same_instant_one_is_refused_200_times(stage: play.Stage) -> None:
    async def pairs(cases: int) -> None:
        for _ in range(cases):
            played = await stage.play(start())
            await played.until(EntryKind.RECEIVED)
            for decided, by in enumerate((HEAD, OFFICER), start=1):
                deciders = [by, Decider(actor="deputy" + by.actor, roles=by.roles)]

                answers = await asyncio.gather(
                    *(played.tell("decide", played.decision(by=each)) for each in deciders), return_exceptions=True
                )

                assert sorted(type(answer).__name__ for answer in answers) == ["Answer", "WorkflowUpdateFailedError"]
                assert played.services.kinds().count(EntryKind.APPROVED) == decided
            await played.handle.terminate()

    await asyncio.gather(*(pairs(10) for _ in range(5)))


async def test_a_withdrawal_and_the_last_approval_at_the_same_instant_never_both_take_effect(stage: play.Stage) -> None:
    for _ in range(10):
        played = await stage.play(start(chain=play.CHAIN[:1]))
        await played.until(EntryKind.RECEIVED)
        withdrawal = messages.Withdrawal(by=CLERK, reason="不再需要")

        answers = await asyncio.gather(
            played.tell("decide", played.decision()), played.tell("withdraw", withdrawal), return_exceptions=True
        )

        withdrawn = not isinstance(answers[1], WorkflowUpdateFailedError)
        if withdrawn:
            assert await played.handle.result() == "withdrawn"
            assert played.services.effects == []
            assert played.services.given_back == ([1] if played.services.claimed else [])
        else:
            await played.until(EntryKind.RENDERED)
            assert len(played.services.effects) == 1
            assert played.services.given_back == []


async def test_a_withdrawal_while_the_receipt_is_being_recorded_ends_the_case(stage: play.Stage) -> None:
    begin, services = start(), play.Services()
    played = await stage.play(begin, services)
    services.may_record.clear()
    await played.until(EntryKind.RECEIVED)

    withdrawal = messages.Withdrawal(by=CLERK, reason="不再需要")
    await played.handle.start_update("withdraw", withdrawal, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    services.may_record.set()

    async with asyncio.timeout(20):
        assert await played.handle.result() == "withdrawn"


async def test_what_is_withdrawn_while_it_is_checked_takes_hold_of_nothing(stage: play.Stage) -> None:
    """Must fail when the hold is asked for all the same: of a frozen unit the roster would be asked until the freeze ends."""
    frozen = play.Services(hold=Verdict(accepted=False, code="frozen", frozen_by=(ORDER,)))
    played = await stage.play(start(ApplicationType.ENTRY, content=play.content(**ENTRY)), frozen, checked=False)
    await played.services.checking.wait()
    await played.tell("withdraw", messages.Withdrawal(by=CLERK, reason="不再需要"))
    played.services.may_check.set()

    async with asyncio.timeout(20):
        assert await played.handle.result() == "withdrawn"
    assert (played.services.holds, played.services.given_back) == ([], [])


async def test_a_claim_that_wakes_up_after_the_withdrawal_is_given_back(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    played.services.may_claim.clear()
    await played.approve_all()

    await played.tell("withdraw", messages.Withdrawal(by=CLERK, reason="不再需要"))
    played.services.may_claim.set()

    assert await played.handle.result() == "withdrawn"
    assert played.services.given_back == [1]
    assert played.services.effects == []


async def test_after_the_effect_a_withdrawal_is_refused(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    await played.approve_all()
    await played.until(EntryKind.RENDERED)

    assert await played.refused("withdraw", messages.Withdrawal(by=CLERK, reason="不再需要")) == "effect_requested"


async def test_a_frozen_application_refuses_decisions_and_goes_on_with_the_days_it_had_left(stage: play.Stage) -> None:
    played = await stage.play(start(clock_offset=play.at(FRIDAY)))
    due = deadline_of(await played.until(EntryKind.RECEIVED)).due_on
    await played.tell("block", BLOCK)
    paused = await played.until(EntryKind.BLOCKED)

    assert paused.standing.state is ApplicationState.PAUSED
    assert deadline_of(paused).due_on is None
    assert await played.refused("decide", played.decision()) == "paused"
    await played.tell("clock_moved", ClockMoved(offset=play.at(date(2026, 10, 12))))
    await played.tell("unblock", BLOCK)
    resumed = await played.until(EntryKind.UNBLOCKED)

    assert due == date(2026, 9, 21)
    assert deadline_of(resumed).due_on == date(2026, 10, 13)
    assert (await played.decide()).step == "business_review"


async def test_a_release_seen_before_its_freeze_blocks_nothing(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)

    await played.tell("unblock", BLOCK)
    await played.tell("block", BLOCK)

    assert (await played.decide()).state is ApplicationState.IN_REVIEW
    assert EntryKind.BLOCKED not in played.services.kinds()


async def test_an_application_submitted_after_the_freeze_is_paused_from_the_start(stage: play.Stage) -> None:
    played = await stage.play(start(blocked_by=(ORDER,)))
    received = await played.until(EntryKind.RECEIVED)

    assert received.standing.state is ApplicationState.PAUSED
    assert await played.refused("decide", played.decision(step="unit_head")) == "paused"
    await played.tell("unblock", BLOCK)
    assert (await played.decide()).step == "business_review"


async def test_of_overlapping_freezes_the_last_one_frees_it(stage: play.Stage) -> None:
    other = messages.Block(order_id=uuid.uuid4())
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    await played.tell("block", BLOCK)
    await played.tell("block", other)

    await played.tell("unblock", BLOCK)
    still = (await played.until(EntryKind.UNBLOCKED)).standing
    await played.tell("unblock", other)

    assert still.state is ApplicationState.PAUSED
    assert still.deadline
    assert [pause.reason for pause in still.deadline.pauses] == ["单位被冻结"], "怎么算的 shows it as it stands"
    assert (await played.until(EntryKind.UNBLOCKED, 2)).standing.state is ApplicationState.IN_REVIEW


async def test_a_freeze_is_checked_at_the_claim_too_and_the_claim_waits_for_its_end_trap_6(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    played.services.claims = [Verdict(accepted=False, code="frozen", frozen_by=(ORDER,))]
    await played.approve_all()
    paused = await played.until(EntryKind.BLOCKED)

    assert paused.standing.state is ApplicationState.PAUSED
    assert played.services.effects == []
    await played.tell("unblock", BLOCK)
    await played.until(EntryKind.RENDERED)
    assert len(played.services.claimed) == 2


async def test_what_claims_an_exception_is_decided_under_the_freeze_and_the_roster_is_told_of_it(stage: play.Stage) -> None:
    """Must fail when the case is paused by the order that it is excepted from, or the claim does not say who decided on what."""
    played = await stage.play(start(content=play.excepted(), blocked_by=(ORDER,)))
    received = await played.until(EntryKind.RECEIVED)
    await played.tell("block", BLOCK)
    await played.approve_all()
    claimed = await played.until(EntryKind.CLAIMED)

    (request,) = played.services.claimed
    told = request.model_dump(mode="json")["exception"]
    assert (received.standing.state, received.standing.blocked_by) == (ApplicationState.IN_REVIEW, ())
    assert told == {"ground": "policy_placement", "document_no": "安置1号", "orders": [str(ORDER)], "decided_by": "director"}
    approved = [entry for entry in played.services.entries if entry.kind is EntryKind.APPROVED]
    assert [entry.order_ids for entry in (*approved, claimed)] == 4 * [(ORDER,)]


async def test_an_order_that_comes_after_the_exception_was_claimed_pauses_the_case(stage: play.Stage) -> None:
    other = messages.Block(order_id=uuid.uuid4())
    played = await stage.play(start(content=play.excepted(), blocked_by=(ORDER,)))
    await played.until(EntryKind.RECEIVED)
    await played.tell("block", other)

    assert (await played.until(EntryKind.BLOCKED)).standing.blocked_by == (other.order_id,)
    assert await played.refused("decide", played.decision(step="unit_head")) == "paused"
    await played.tell("unblock", other)
    assert (await played.decide()).step == "business_review"


async def test_an_exception_may_come_with_a_revision_and_go_with_the_next(stage: play.Stage) -> None:
    played = await stage.play(start(content=play.excepted(), blocked_by=(ORDER,)))
    await played.until(EntryKind.RECEIVED)
    await played.decide("return")
    await played.tell("resubmit", played.mended(1))
    paused = await played.until(EntryKind.RECEIVED, 2)
    await played.tell("unblock", BLOCK)
    await played.decide("return")
    await played.tell("block", messages.Block(order_id=uuid.UUID(int=78)))
    again = play.excepted(uuid.UUID(int=78))
    await played.tell("resubmit", played.mended(2).model_copy(update={"content": again}))
    free = await played.until(EntryKind.RECEIVED, 3)

    assert (paused.standing.state, paused.standing.blocked_by) == (ApplicationState.PAUSED, (ORDER,))
    assert (free.standing.state, free.standing.blocked_by) == (ApplicationState.IN_REVIEW, ())


async def test_what_a_freeze_pauses_goes_on_by_an_exception_that_every_step_judges_anew(stage: play.Stage) -> None:
    """Must fail when the exception has to be claimed by a new application, or rests on approvals of those who did not see it."""
    played = await stage.play(start(ApplicationType.ENTRY, content=play.content(**ENTRY)))
    await played.until(EntryKind.RECEIVED)
    await played.decide()
    await played.tell("block", BLOCK)
    assert await played.refused("resubmit", played.mended(1)) == "paused"
    answer = await played.tell("resubmit", played.mended(1).model_copy(update={"content": play.excepted(**ENTRY)}))
    again = await played.until(EntryKind.RECEIVED, 2)
    await played.approve_all()
    claimed = await played.until(EntryKind.CLAIMED)

    assert (answer.revision, again.standing.step, again.standing.state) == (2, "unit_head", ApplicationState.IN_REVIEW)
    assert (claimed.standing.revision, claimed.order_ids) == (2, (ORDER,))
    assert (played.services.given_back, played.services.holds) == ([1], [1, 2])
    assert [request.revision for request in played.services.claimed] == [2]


async def test_an_exception_to_the_freeze_that_stopped_the_claim_gives_back_what_the_earlier_revision_asked_for(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    played.services.claims = [Verdict(accepted=False, code="frozen", frozen_by=(ORDER,))]
    await played.approve_all()
    await played.until(EntryKind.BLOCKED)
    await played.tell("resubmit", played.mended(1).model_copy(update={"content": play.excepted()}))
    await played.until(EntryKind.RECEIVED, 2)
    await played.approve_all()
    await played.until(EntryKind.CLAIMED)

    assert played.services.given_back == [1]
    assert [request.revision for request in played.services.claimed] == [1, 2]


async def test_an_exception_claimed_while_the_checks_run_has_the_checks_and_the_hold_of_its_own_revision(stage: play.Stage) -> None:
    played = await stage.play(start(ApplicationType.ENTRY, content=play.content(**ENTRY), blocked_by=(ORDER,)), checked=False)
    await played.services.checking.wait()
    await played.tell("resubmit", played.mended(1).model_copy(update={"content": play.excepted(**ENTRY)}))
    played.services.may_check.set()
    received = await played.until(EntryKind.RECEIVED)

    assert (received.standing.revision, received.standing.state) == (2, ApplicationState.IN_REVIEW)
    assert (played.services.checks, played.services.holds) == ([1, 2], [2])


async def test_a_unit_that_left_a_freeze_and_came_back_under_it_is_paused_and_shown(stage: play.Stage) -> None:
    """Must fail when what was heard of the order's end counts more than the roster: the claim asks on for ever and nobody sees why."""
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    await played.tell("block", BLOCK)
    await played.tell("unblock", BLOCK)
    played.services.claims = [Verdict(accepted=False, code="frozen", frozen_by=(ORDER,))]
    await played.approve_all()
    paused = await played.until(EntryKind.BLOCKED, 2)

    assert paused.standing.state is ApplicationState.PAUSED
    await played.tell("unblock", BLOCK)
    await played.until(EntryKind.RENDERED)
    assert len(played.services.claimed) == 2


async def test_an_end_heard_of_while_the_roster_is_asked_is_newer_than_its_answer(stage: play.Stage) -> None:
    """Must fail when the answer counts in any case: nobody would tell of the end again."""
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    await played.tell("unblock", BLOCK)
    played.services.claims = [Verdict(accepted=False, code="frozen", frozen_by=(ORDER,))]
    played.services.may_claim.clear()
    await played.approve_all()
    while not played.services.claimed:  # noqa: ASYNC110  what is awaited happens in Temporal
        await asyncio.sleep(0.02)
    await played.tell("unblock", BLOCK)
    played.services.may_claim.set()

    async with asyncio.timeout(20):
        while len(played.services.claimed) < 2:
            await played.pass_time(timedelta(seconds=11))
    await played.until(EntryKind.RENDERED)
    assert EntryKind.BLOCKED not in played.services.kinds()


async def test_a_claim_that_asks_for_hours_goes_on_as_new() -> None:
    """Must fail when one run asks on for ever: at 51 200 events the server ends it, and with it the case."""
    unnamed = Verdict(accepted=False, code="frozen")
    async with play.server(SHORT_RUNS) as environment, play.Stage(environment).open(1000) as stage:
        played = await stage.play(start(chain=play.CHAIN[:1]), play.Services(claims=100 * [unnamed]))
        await played.until(EntryKind.RECEIVED)
        await played.decide()
        runs = []
        for claims in (2, 12):
            async with asyncio.timeout(60):
                while len(played.services.claimed) < claims:
                    await played.pass_time(timedelta(seconds=11))
            runs.append((await played.handle.describe()).run_id)
        played.services.claims.clear()
        await played.pass_time(timedelta(seconds=11))
        claimed = await played.until(EntryKind.CLAIMED)

    assert len(set(runs)) == 2
    assert [entry.sequence for entry in played.services.entries][:3] == [1, 2, claimed.sequence]


async def test_a_refused_claim_returns_the_application_with_the_rosters_reason(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    played.services.claims = [Verdict(accepted=False, code="quota_exhausted", sentence="可用编制不足。")]
    await played.approve_all()

    refused = await played.until(EntryKind.REFUSED)
    await played.until_given_back(1)
    await played.tell("resubmit", played.mended(1))
    await played.until(EntryKind.RECEIVED, 2)

    assert (refused.text, refused.reason_codes, refused.standing.state) == (
        "可用编制不足。",
        ("quota_exhausted",),
        ApplicationState.RETURNED,
    )
    assert played.services.given_back == [1]
    assert [(on.actor, on.reason) for on in played.services.given_back_on] == [("system", "可用编制不足。")]


async def test_what_a_returned_revision_held_is_given_back_also_when_the_next_one_is_there_at_once(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    played.services.claims = [Verdict(accepted=False, code="quota_exhausted", sentence="可用编制不足。")]
    played.services.may_claim.clear()
    await played.approve_all()
    played.services.may_record.clear()
    played.services.may_claim.set()
    await played.until(EntryKind.REFUSED)

    await played.handle.start_update("resubmit", played.mended(1), wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    played.services.may_record.set()

    await played.until(EntryKind.RECEIVED, 2)
    assert played.services.given_back == [1]


async def test_what_the_roster_does_not_take_back_is_given_back_again_and_the_case_is_mended_meanwhile(stage: play.Stage) -> None:
    played = await stage.play(start(), play.Services(takes_back=False))
    await played.until(EntryKind.RECEIVED)
    await played.decide()
    played.services.claims = [Verdict(accepted=False, code="quota_exhausted", sentence="可用编制不足。")]
    await played.decide()
    await played.decide()
    await played.until(EntryKind.REFUSED)
    await played.until_given_back(1)

    await played.tell("resubmit", played.mended(1))
    played.services.takes_back = True
    await played.while_it_asks_again(EntryKind.RECEIVED, 2)

    assert await played.until(EntryKind.RECEIVED, 2)
    assert set(played.services.given_back) == {1}


async def test_what_the_roster_does_not_take_back_is_shown_until_it_has(stage: play.Stage) -> None:
    played = await stage.play(start(), play.Services(takes_back=False))
    await played.until(EntryKind.RECEIVED)
    played.services.claims = [Verdict(accepted=False, code="quota_exhausted", sentence="可用编制不足。")]
    await played.approve_all()
    refused = await played.until(EntryKind.REFUSED)
    mark = f"{refused.sequence} not_taken_back"
    await played.until_held(mark)

    played.services.takes_back = True
    await played.until_held(f"{mark} over")
    await played.tell("withdraw", messages.Withdrawal(by=CLERK, reason="不再需要"))

    assert await played.handle.result() == "withdrawn"
    assert set(played.services.held[:-1]) == {mark}


async def test_the_mark_of_what_was_not_taken_back_goes_in_a_later_run_too(stage: play.Stage) -> None:
    played = await stage.play(start(entries_per_run=1), play.Services(takes_back=False))
    await played.until(EntryKind.RECEIVED)
    played.services.claims = [Verdict(accepted=False, code="quota_exhausted", sentence="可用编制不足。")]
    await played.approve_all()
    refused = await played.until(EntryKind.REFUSED)
    await played.until_held(f"{refused.sequence} not_taken_back")
    await played.until_given_back(2)

    played.services.takes_back = True

    await played.until_held(f"{refused.sequence} not_taken_back over")


async def test_a_revocation_is_filed_once_the_roster_has_taken_back_what_nobody_used(stage: play.Stage) -> None:
    played = await stage.play(play.revocation(), play.Services(takes_back=False))
    await played.release()
    await played.until_asked_for_its_seal(1)
    await played.seal()
    await played.until_given_back(1)

    played.services.takes_back = True
    await played.while_it_asks_again(EntryKind.RECORDED)

    assert await played.until(EntryKind.RECORDED)
    assert len(played.services.recalled) > 1


async def test_an_entry_whose_reservation_cannot_be_held_goes_back(stage: play.Stage) -> None:
    services = play.Services(hold=Verdict(accepted=False, code="reservation_expired", sentence="核准已过有效期。"))
    begin = start(ApplicationType.ENTRY, content=play.content(**ENTRY))
    played = await stage.play(begin, services)
    refused = await played.until(EntryKind.REFUSED)

    assert refused.reason_codes == ("reservation_expired",)


@pytest.mark.parametrize(("kind", "what"), [(ApplicationType.ENTRY, ENTRY), (ApplicationType.CHANGE, CHANGE)])
async def test_every_way_out_gives_back_what_an_entry_or_a_change_holds(
    stage: play.Stage, kind: ApplicationType, what: dict[str, Any]
) -> None:
    played = await stage.play(start(kind, content=play.content(**what)))
    await played.until(EntryKind.RECEIVED)

    await played.decide("return")
    await played.tell("resubmit", played.mended(1).model_copy(update={"content": play.content(**what)}))
    await played.until(EntryKind.RECEIVED, 2)
    await played.tell("withdraw", messages.Withdrawal(by=CLERK, reason="不再需要"))

    assert await played.handle.result() == "withdrawn"
    assert played.services.given_back == [1, 2]


async def test_of_a_change_begun_by_an_older_build_the_next_revision_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Must fail under one name alone for the patch: of a run that began before it the SDK answers no to the end."""
    async with play.server() as environment:
        old, new = play.Stage(environment), play.Stage(environment)
        with monkeypatch.context() as build:
            build.setattr(workflow, "patched", unpatched)
            async with old.open(0, UnsandboxedWorkflowRunner()):
                played = await old.play(start(ApplicationType.CHANGE, content=play.content(**CHANGE)))
                await played.until(EntryKind.RECEIVED)
        before, new.services = list(played.services.holds), old.services
        async with new.open(0):
            await played.decide("return")
            await played.tell("resubmit", played.mended(1).model_copy(update={"content": play.content(**CHANGE)}))
            await played.until(EntryKind.RECEIVED, 2)

    assert (before, played.services.holds) == ([], [2])


async def test_a_mended_application_stays_with_its_units(stage: play.Stage) -> None:
    """The tables, the deciders' scopes and the freezes know the units of the submission only."""
    giver, other = uuid.UUID(int=5), uuid.UUID(int=2)
    played = await stage.play(start(ApplicationType.TRANSFER, content=play.content(from_unit_id=giver)))
    await played.until(EntryKind.RECEIVED)
    await played.decide("return")
    units: list[dict[str, Any]] = [
        {"unit_id": other, "from_unit_id": giver},
        {"from_unit_id": other},
        {},
        {"from_unit_id": giver, "posts": 1},
    ]
    mended = [played.mended(1).model_copy(update={"content": play.content(**each)}) for each in units]

    codes = [await played.refused("resubmit", each) for each in mended[:3]]
    await played.tell("resubmit", mended[3])

    assert codes == ["unit_fixed"] * 3
    assert (await played.until(EntryKind.RESUBMITTED)).resubmission == mended[3]


async def test_whoever_rewrote_a_returned_application_neither_signs_nor_releases_it(stage: play.Stage) -> None:
    deputy = Decider(actor="deputy", roles=(*HEAD.roles, *SEALER.roles))
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    await played.decide("return")
    await played.tell("resubmit", played.mended(1).model_copy(update={"by": deputy}))
    await played.until(EntryKind.RECEIVED, 2)

    codes = [await played.refused("decide", played.decision(verdict, by=deputy)) for verdict in ("approve", "return")]
    await played.approve_all()
    document = (await played.until(EntryKind.RENDERED)).document_id
    assert document is not None
    codes.append(await played.refused("release_document", messages.Release(by=deputy, document_id=document)))
    await played.release()

    assert codes == ["own_case"] * 3


async def test_whom_a_mended_application_is_about_decides_it_no_more_than_whom_the_first_was_about(stage: play.Stage) -> None:
    played = await stage.play(start(concerned=(OFFICER.actor,)))
    await played.until(EntryKind.RECEIVED)
    await played.decide("return")
    await played.tell("resubmit", played.mended(1).model_copy(update={"concerned": (HEAD.actor,)}))
    await played.until(EntryKind.RECEIVED, 2)

    codes = [await played.refused("decide", played.decision(by=by)) for by in (HEAD, OFFICER)]

    assert codes == ["own_case"] * 2


async def test_after_a_return_and_resubmission_the_reminders_fire_again(stage: play.Stage) -> None:
    played = await stage.play(start(clock_offset=play.at(FRIDAY)))
    await played.until(EntryKind.RECEIVED)
    await played.pass_time(timedelta(days=4))
    await played.until(EntryKind.REMINDED)

    await played.decide("return")
    await played.pass_time(timedelta(days=10))
    await played.tell("resubmit", played.mended(1))
    await played.until(EntryKind.RECEIVED, 2)
    reminded = played.services.kinds().count(EntryKind.REMINDED)
    await played.pass_time(timedelta(days=14))

    again = await played.until(EntryKind.REMINDED, reminded + 1)
    assert reminded == 1
    assert again.standing.revision == 2
    assert business_day(again.at) == deadline_of(again).due_on


async def test_each_reminder_comes_in_working_time_and_once_trap_24(stage: play.Stage) -> None:
    played = await stage.play(start(clock_offset=play.at(FRIDAY)))
    await played.until(EntryKind.RECEIVED)

    await played.pass_time(timedelta(days=20))
    await played.until(EntryKind.REMINDED, 2)

    days = [business_day(entry.at) for entry in played.services.entries if entry.kind is EntryKind.REMINDED]
    assert days == [date(2026, 9, 21), date(2026, 9, 23)]


async def test_a_notice_loaded_meanwhile_moves_the_running_step_and_those_after_it_and_reminds_once(stage: play.Stage) -> None:
    played = await stage.play(start(clock_offset=play.at(FRIDAY)))
    await played.until(EntryKind.RECEIVED)
    kinds = dict.fromkeys(play.CALENDAR.off, DayKind.OFF) | dict.fromkeys(play.CALENDAR.work, DayKind.WORK)
    newly = Calendar.of(kinds | {date(2026, 9, 21): DayKind.OFF, date(2026, 9, 22): DayKind.OFF}, play.CALENDAR.published)

    await played.tell("recount", messages.Recount(calendar=newly))
    recounted = await played.until(EntryKind.RECOUNTED)
    again = await played.refused("recount", messages.Recount(calendar=newly))
    await played.pass_time(timedelta(days=6))
    reminded = await played.until(EntryKind.REMINDED)
    await played.decide()
    next_step = await played.until(EntryKind.APPROVED)

    assert "原期限 2026-09-21，现期限 2026-09-23" in recounted.text
    assert again == "calendar_known"
    assert (deadline_of(reminded).due_on, business_day(reminded.at)) == (date(2026, 9, 23), date(2026, 9, 23))
    assert played.services.kinds().count(EntryKind.REMINDED) == 1
    assert deadline_of(next_step).calendar.version == newly.version


async def test_a_decision_that_the_tables_do_not_take_holds_the_case_and_claims_nothing(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    await played.decide()
    await played.decide()
    last = played.decision()
    played.services.refuses = True

    decided = await played.refused("decide", last)
    withdrawn = await played.refused("withdraw", messages.Withdrawal(by=CLERK, reason="不再需要"))
    claimed = list(played.services.claimed)
    played.services.refuses = False
    await played.handle.execute_update(RECORD_AGAIN)
    await played.until(EntryKind.CLAIMED)

    assert (decided, withdrawn, claimed) == ("not_recorded", "held", [])
    assert played.services.held == ["4 not_recordable"]
    assert [entry.sequence for entry in played.services.entries] == list(range(1, len(played.services.entries) + 1))


async def test_a_later_effective_date_is_waited_for(stage: play.Stage) -> None:
    begin = start(clock_offset=play.at(FRIDAY), content=play.content(effective_on=date(2026, 10, 1)))
    played = await stage.play(begin)
    await played.until(EntryKind.RECEIVED)
    await played.approve_all()
    await played.until(EntryKind.CLAIMED)
    assert played.services.effects == []

    await played.tell("clock_moved", ClockMoved(offset=play.at(date(2026, 10, 1))))

    await played.until(EntryKind.EFFECTED)


async def test_while_the_seal_is_away_the_case_waits_and_then_goes_on_by_itself_trap_30(stage: play.Stage) -> None:
    services = play.Services(seal_down=True)
    played = await stage.play(start(), services)
    await played.until(EntryKind.RECEIVED)
    await played.approve_all()
    await played.release()
    assert services.entries[-1].standing.state is ApplicationState.AWAITING_SEAL
    assert services.seals == 0

    services.seal_down = False
    async with asyncio.timeout(20):
        while not services.seals:
            await played.pass_time(timedelta(seconds=15))
    await played.seal()

    assert await played.handle.result() == "filed"


async def test_a_seal_whose_answer_was_lost_is_asked_for_again_soon_and_then_ever_later(stage: play.Stage) -> None:
    """Must fail when five minutes pass before the second asking: so long the document would lie there, sealed."""
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    await played.approve_all()
    await played.release()
    await played.until_asked_for_its_seal(1)

    for seconds, times in ((31, 2), (31, 2), (31, 3), (121, 4), (241, 5), (241, 5), (61, 6)):
        await played.pass_time(timedelta(seconds=seconds))
        await played.until_asked_for_its_seal(times)
        assert played.services.seals == times


async def test_a_repeated_seal_answer_changes_nothing(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    await played.approve_all()
    await played.release()

    await asyncio.gather(*(played.seal() for _ in range(3)), return_exceptions=True)

    assert await played.handle.result() == "filed"
    assert played.services.kinds().count(EntryKind.SEALED) == 1


async def test_the_same_update_id_gets_the_same_answer_also_in_the_next_run(stage: play.Stage) -> None:
    played = await stage.play(start(entries_per_run=2))
    await played.until(EntryKind.RECEIVED)
    decision = played.decision()
    run = (await played.handle.describe()).run_id
    first = await played.tell("decide", decision, "decision-1")
    await played.until_run_after(run)

    second = await played.tell("decide", decision, "decision-1")

    assert second == first
    assert played.services.kinds().count(EntryKind.APPROVED) == 1


async def test_the_clock_of_production_cannot_be_moved(stage: play.Stage) -> None:
    played = await stage.play(start())
    assert await played.refused("clock_moved", ClockMoved(offset=timedelta(days=1))) == "time_is_real"


@pytest.mark.parametrize(("application_type", "recalls"), [(ApplicationType.POST_USE, ["编撤〔2026〕1号"]), (ApplicationType.ENTRY, [])])
async def test_an_authorised_use_is_taken_back_when_its_revocation_is_filed(
    stage: play.Stage, application_type: ApplicationType, recalls: list[str]
) -> None:
    played = await stage.play(play.revocation(application_type))
    await played.release()
    before = list(played.services.recalled)
    await played.seal()

    assert await played.handle.result() == "filed"
    assert (before, [each.document_no for each in played.services.recalled]) == ([], recalls)
    assert {each.evidence.actor for each in played.services.recalled} <= {"director"}
