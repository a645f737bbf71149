"""Applications under a freeze: paused with the days they had left, and free again."""

import asyncio
import uuid
from datetime import date, timedelta

import pytest

import tests.workflows.approval_play as play
from shared.glossary import ApplicationState, EntryKind
from tests.workflows.approval_play import BLOCK, FRIDAY, ORDER, deadline_of, start
from tests.workflows.record_files import SHORT_RUNS
from tests.workflows.server import server
from workflows import approval_messages as messages
from workflows.clock import ClockMoved
from workflows.roster import Verdict

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_an_order_that_comes_after_the_exception_was_claimed_pauses_the_case(stage: play.Stage) -> None:
    other = messages.Block(order_id=uuid.uuid4())
    played = await stage.play(start(content=play.excepted(), blocked_by=(ORDER,)))
    await played.until(EntryKind.RECEIVED)
    await played.tell("block", other)

    assert (await played.until(EntryKind.BLOCKED)).standing.blocked_by == (other.order_id,)
    assert await played.refused("decide", played.decision(step="unit_head")) == "paused"
    await played.tell("unblock", other)
    assert (await played.decide()).step == "business_review"


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
    async with server(SHORT_RUNS) as environment, play.Stage(environment).open(1000) as stage:
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
