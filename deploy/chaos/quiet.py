"""The end of a run: everything heals, comes to rest, and what did not is named."""

import time
from dataclasses import dataclass, field

from deploy.clock import Mover
from deploy.quiet import Pulse, StillBusy
from shared.clock import Clock

PATIENCE = 240.0


@dataclass
class Rest:
    """How the stack came to rest: seconds, and what still moved when patience was over."""

    seconds: float
    findings: dict[str, list[str]] = field(default_factory=dict)


async def come_to_rest(place_clock: Clock, mover: Mover, pulse: Pulse) -> Rest:
    """Wait until outboxes, topics and workflows are quiet; then name what is stuck or overdue."""
    began = time.monotonic()
    stuck: list[str] = []
    try:
        await mover.go(place_clock.now(), lambda _: None)
        await pulse.drained(PATIENCE)
    except StillBusy as busy:
        stuck = [str(busy)]
    waiting = await pulse.open_workflows()
    now = place_clock.now()
    stuck += [f"{each.id}: {each.doing}" for each in waiting if each.doing]
    overdue = [f"{each.id}: {each.due}" for each in waiting if each.due and each.due <= now]
    failed = [
        f"{each.id} {each.status.name if each.status else ''}"
        async for each in pulse.client.list_workflows("ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated', 'Canceled')")
    ]
    troubled = [
        each.id async for each in pulse.client.list_workflows("TemporalReportedProblems IS NOT NULL AND ExecutionStatus = 'Running'")
    ]
    findings = {"stuck_workflows": stuck + troubled, "overdue_deadlines": overdue, "failed_workflows": failed}
    return Rest(round(time.monotonic() - began, 1), findings)
