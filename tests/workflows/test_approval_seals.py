"""The seal of a notice: waited for, asked for again, and affixed once."""

import asyncio
from datetime import timedelta

import pytest

import tests.workflows.approval_play as play
from shared.glossary import ApplicationState, EntryKind
from tests.workflows.approval_play import start

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
