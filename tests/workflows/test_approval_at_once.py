"""Decisions and withdrawals in the same instant: one of them counts, and nothing stays held."""

import asyncio

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage

import tests.workflows.approval_play as play
from shared.glossary import ApplicationType, EntryKind
from tests.workflows.approval_play import CLERK, ENTRY, HEAD, OFFICER, ORDER, start
from workflows import approval_messages as messages
from workflows.approval_steps import Decider
from workflows.roster import Verdict

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
