"""Records the histories that `test_replay.py` replays: `python -m tests.workflows.record`, only together with a `patched()` in the workflow.

The file name keeps the workflow id's process; a history itself does not say which workflow it belongs to.
"""

import asyncio
import os
from datetime import date
from uuid import UUID

from shared.clock import at_hour
from shared.glossary import Role
from shared.law.working_days import Calendar, DayKind
from tests.workflows.recorded import keep
from tests.workflows.rectification_play import CALENDAR, CLERK, FRIDAY, Play, by, freeze_on_stage, rectification_on_stage
from tests.workflows.server import server
from workflows.freeze_case import Decision, IssueAccepted
from workflows.rectification_orders import ExtensionOrder, Pause, Recount, Resumption, Return, Submission


async def rectified(played: Play) -> None:
    await played.serve()
    await played.order("submit_evidence", Submission(evidence=CLERK, description="已整改"))
    await played.order("return_evidence", Return(evidence=by()))
    await played.accept()
    await played.handle.result()


async def escalated(played: Play) -> None:
    await played.serve()
    await played.order("pause", Pause(evidence=by()))
    await played.until(at_hour(date(2026, 9, 23), 12))
    await played.order("resume", Resumption(evidence=by()))
    published = dict.fromkeys(CALENDAR.off, DayKind.OFF) | dict.fromkeys(CALENDAR.work, DayKind.WORK)
    loaded = Calendar.of(published | {date(2026, 10, 12): DayKind.OFF}, CALENDAR.published)
    await played.order("recount", Recount(evidence=by(Role.SERVICE, "engine"), calendar=loaded.since(FRIDAY)))
    await played.until(at_hour(date(2026, 10, 14), 12))
    await played.order("extend", ExtensionOrder(evidence=by(), days=3))
    await played.until(at_hour(date(2026, 12, 1), 12))
    await played.accept()
    await played.handle.result()


async def frozen(played: Play) -> None:
    signed = Decision(evidence=by(Role.OFFICE_DIRECTOR, "director-gu", "编冻〔2026〕1号"), approve=True)
    await played.order("decide", signed)
    for number in (11, 12):
        await played.order("issue_accepted", IssueAccepted(issue_id=UUID(int=number)))
    while len(played.services.order_entries) < 3:  # noqa: ASYNC110  the stage has no event for it
        await asyncio.sleep(0.02)
    await played.order("decide_release", signed)
    await played.handle.result()


async def main() -> None:
    async with server() as environment:
        for name, script in (("rectification-rectified", rectified), ("rectification-escalated", escalated)):
            async with rectification_on_stage(environment) as played:
                await script(played)
                await _keep(played, name)
        async with freeze_on_stage(environment) as played:
            await frozen(played)
            await _keep(played, "freeze-released")


async def _keep(played: Play, name: str) -> None:
    keep(name, await played.handle.fetch_history())


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # temporalio may crash at interpreter exit after all work is done (sdk-python#300)
