"""ApprovalWorkflow on the real server: from the receipt to the file. Each test also without a cache."""

import uuid

import pytest

import tests.workflows.approval_play as play
from shared.glossary import ApplicationState, ApplicationType, EntryKind
from tests.workflows.approval_play import CLERK, HEAD, OFFICER, start
from workflows import approval_messages as messages
from workflows.approval_steps import Decider
from workflows.journal import RECORD_AGAIN
from workflows.shown import CASE_DEADLINE, CASE_STAGE, UNIT_ID

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
