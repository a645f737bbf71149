"""Applications that claim an exception to a freeze."""

import uuid

import pytest

import tests.workflows.approval_play as play
from shared.glossary import ApplicationState, ApplicationType, EntryKind
from tests.workflows.approval_play import BLOCK, ENTRY, ORDER, start
from workflows import approval_messages as messages
from workflows.roster import Verdict

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
