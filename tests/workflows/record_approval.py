"""Records histories of ApprovalWorkflow that `test_replay.py` replays: `python -m tests.workflows.record_approval NAME...`.

Only together with a `patched()` in the workflow, under a new name: the recorded ones are what runs in an office today.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from uuid import UUID

import tests.workflows.approval_play as play
from shared.glossary import ApplicationType, EntryKind
from tests.workflows.approval_play import CLERK, ORDER, Played, Services
from tests.workflows.recorded import keep
from tests.workflows.server import server
from workflows import approval_messages as messages
from workflows.roster import Verdict

CHANGE = {"person_id": UUID(int=3), "change_id": UUID(int=5)}
ENTRY = {"person_id": UUID(int=3), "reservation_id": UUID(int=9), "reason_code": "open_recruitment"}


async def filed(played: Played) -> None:
    """Paused, reminded, returned, mended, approved, sealed, filed."""
    await played.until(EntryKind.RECEIVED)
    await played.tell("block", messages.Block(order_id=ORDER))
    await played.tell("unblock", messages.Block(order_id=ORDER))
    await played.pass_time(timedelta(days=4))
    await played.until(EntryKind.REMINDED)
    await played.decide("return")
    await played.tell("resubmit", played.mended(1))
    await played.until(EntryKind.RECEIVED, 2)
    await played.approve_all()
    await filed_after_claim(played)


async def withdrawn(played: Played) -> None:
    """An entry whose claim meets a freeze and is withdrawn while it waits."""
    await played.until(EntryKind.RECEIVED)
    played.services.claims = [Verdict(accepted=False, code="frozen", frozen_by=(ORDER,))]
    await played.tell("urge", messages.Urging(by=CLERK))
    await played.approve_all()
    await played.until(EntryKind.BLOCKED)
    await played.tell("withdraw", messages.Withdrawal(by=CLERK, reason="不再需要"))
    await played.handle.result()


async def withdrawn_while_checked(played: Played) -> None:
    """An entry that is withdrawn while the roster is asked for its checks."""
    await played.services.checking.wait()
    await played.tell("withdraw", messages.Withdrawal(by=CLERK, reason="不再需要"))
    played.services.may_check.set()
    await played.handle.result()


async def continued(played: Played) -> None:
    """The second run of a case that went on as new."""
    await played.until(EntryKind.RECEIVED)
    run = (await played.handle.describe()).run_id
    await played.decide()
    await played.until_run_after(run)
    await played.decide()
    await played.until(EntryKind.APPROVED, 2)


async def came_back(played: Played) -> None:
    """A claim that the roster refuses by an order whose end was heard of, and that is in force again."""
    await played.until(EntryKind.RECEIVED)
    await played.tell("block", messages.Block(order_id=ORDER))
    await played.tell("unblock", messages.Block(order_id=ORDER))
    played.services.claims = [Verdict(accepted=False, code="frozen", frozen_by=(ORDER,))]
    await played.approve_all()
    await played.until(EntryKind.BLOCKED, 2)
    await played.tell("unblock", messages.Block(order_id=ORDER))
    await filed_after_claim(played)


async def change_filed(played: Played) -> None:
    """A change of key items: what was registered is held while it is decided."""
    await played.until(EntryKind.RECEIVED)
    await played.decide("return")
    await played.tell("resubmit", played.mended(1).model_copy(update={"content": play.content(**CHANGE)}))
    await played.until(EntryKind.RECEIVED, 2)
    await played.approve_all()
    await filed_after_claim(played)


async def asked_again(played: Played) -> None:
    """A seal whose platform is asked three times: the answer was lost."""
    await played.until(EntryKind.RECEIVED)
    await played.approve_all()
    await played.release()
    for times in (1, 2, 3):
        await played.until_asked_for_its_seal(times)
        await played.pass_time(timedelta(seconds=30 * times + 1))
    await played.seal()
    await played.handle.result()


async def excepted(played: Played) -> None:
    """Under the freeze that it is excepted from; the second revision has no exception and waits for the end, the third has one again."""
    await played.until(EntryKind.RECEIVED)
    await played.decide("return")
    await played.tell("resubmit", played.mended(1))
    await played.until(EntryKind.RECEIVED, 2)
    await played.tell("unblock", messages.Block(order_id=ORDER))
    await played.decide("return")
    await played.tell("resubmit", played.mended(2).model_copy(update={"content": play.excepted(UUID(int=78))}))
    await played.until(EntryKind.RECEIVED, 3)
    await played.tell("block", messages.Block(order_id=UUID(int=78)))
    await played.approve_all()
    await filed_after_claim(played)


async def excepted_meanwhile(played: Played) -> None:
    """An entry that a freeze pauses while it is decided, and that goes on by an exception."""
    await played.until(EntryKind.RECEIVED)
    await played.decide()
    await played.tell("block", messages.Block(order_id=ORDER))
    await played.tell("resubmit", played.mended(1).model_copy(update={"content": play.excepted(**ENTRY)}))
    await played.until(EntryKind.RECEIVED, 2)
    await played.approve_all()
    await filed_after_claim(played)


async def untaken(played: Played) -> None:
    """What a returned revision held, and the roster does not take back until it is asked again."""
    await played.until(EntryKind.RECEIVED)
    played.services.takes_back = False
    played.services.claims = [Verdict(accepted=False, code="quota_exhausted", sentence="可用编制不足。")]
    await played.approve_all()
    refused = await played.until(EntryKind.REFUSED)
    await played.until_held(f"{refused.sequence} {messages.NOT_TAKEN_BACK}")
    played.services.takes_back = True
    await played.until_held(f"{refused.sequence} {messages.NOT_TAKEN_BACK} over")
    await played.tell("withdraw", messages.Withdrawal(by=CLERK, reason="不再需要"))
    await played.handle.result()


async def filed_after_claim(played: Played) -> None:
    await played.release()
    await played.seal()
    await played.handle.result()


STORIES: dict[str, tuple[Callable[[Played], Awaitable[None]], messages.ApprovalStart]] = {
    "approval-filed": (filed, play.start(clock_offset=play.at(date(2026, 9, 18)))),
    "approval-withdrawn": (withdrawn, play.start(ApplicationType.ENTRY, content=play.content(**ENTRY))),
    "approval-continued": (continued, play.start(entries_per_run=2)),
    "approval-frozen-again": (came_back, play.start()),
    "approval-change-held": (change_filed, play.start(ApplicationType.CHANGE, content=play.content(**CHANGE))),
    "approval-withdrawn-asked": (withdrawn_while_checked, play.start(ApplicationType.ENTRY, content=play.content(**ENTRY))),
    "approval-withdrawn-checked": (withdrawn_while_checked, play.start(ApplicationType.ENTRY, content=play.content(**ENTRY))),
    "approval-seal-sooner": (asked_again, play.start()),
    "approval-recalled": (filed_after_claim, play.revocation()),
    "approval-freeze-excepted": (
        excepted,
        play.start(content=play.excepted(), blocked_by=(ORDER,), clock_offset=play.at(date(2026, 9, 18))),
    ),
    "approval-excepted-meanwhile": (excepted_meanwhile, play.start(ApplicationType.ENTRY, content=play.content(**ENTRY))),
    "approval-untaken-shown": (untaken, play.start()),
    "approval-shown": (filed, play.start(clock_offset=play.at(date(2026, 9, 18)))),
}


async def main(names: Sequence[str]) -> None:
    async with server() as environment, play.Stage(environment).open(1000) as stage:
        for name in names:
            story, begin = STORIES[name]
            played = await stage.play(begin, Services(), checked=story is not withdrawn_while_checked)
            await story(played)
            keep(name, await played.handle.fetch_history())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
    os._exit(0)  # temporalio may crash at interpreter exit after all work is done (sdk-python#300)
