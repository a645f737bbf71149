"""The end of a run: everything heals, comes to rest, and what did not is named."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from deploy.chaos import cases
from deploy.clock import Mover
from deploy.quiet import OpenWorkflow, Pulse, StillBusy
from shared.clock import Clock
from shared.db import Connection
from shared.temporal import ANSWER_WITHIN
from workflows.clock import CLOCK_OFFSET
from workflows.tries import ASK_AGAIN

PATIENCE = 240.0
LATE = timedelta(seconds=10)
"""What fell due so long ago must have happened: its timer has fired, and what it asked for is done."""
_UNTIL_FIRED, _UNTIL_SEALED = 60.0, ASK_AGAIN.total_seconds() + 60


@dataclass
class Rest:
    """How the stack came to rest: seconds, and what still moved when patience was over."""

    seconds: float
    findings: dict[str, list[str]] = field(default_factory=dict)


async def come_to_rest(place_clock: Clock, mover: Mover, pulse: Pulse, owner: Connection) -> Rest:
    """Wait until outboxes, topics and workflows are quiet; then name what is stuck or overdue.

    What is overdue is asked before anybody is told of the clock: that wakes every workflow, also one whose timer was lost.
    """
    began = time.monotonic()
    stuck = await _drained(pulse)
    overdue = await _until_none(lambda: _overdue(place_clock, pulse, owner), _UNTIL_FIRED)
    stuck += await _until_none(lambda: cases.unsealed(owner), _UNTIL_SEALED)
    stuck += await _settled(place_clock, mover, pulse)
    stuck += [f"{each.id}: {each.doing}" for each in await pulse.open_workflows() if each.doing]
    stuck += await cases.without_a_workflow(owner, pulse.client)
    stuck += await _listed(pulse, "TemporalReportedProblems IS NOT NULL AND ExecutionStatus = 'Running'")
    failed = await _listed(pulse, "ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated', 'Canceled')")
    findings = {"stuck_workflows": stuck, "overdue_deadlines": overdue, "failed_workflows": failed}
    return Rest(round(time.monotonic() - began, 1), findings)


async def _drained(pulse: Pulse) -> list[str]:
    try:
        await pulse.drained(PATIENCE)
    except StillBusy as busy:
        return [str(busy)]
    return []


async def _settled(place_clock: Clock, mover: Mover, pulse: Pulse) -> list[str]:
    """Everybody is told of the clock, and what that has set off has come to its end."""
    try:
        await mover.go(place_clock.now(), lambda _: None)
    except StillBusy as busy:
        return [str(busy)]
    return await _drained(pulse)


async def _until_none(look: Callable[[], Awaitable[list[str]]], patience: float) -> list[str]:
    """What is found again and again until patience is over."""
    deadline = time.monotonic() + patience
    while (found := await look()) and time.monotonic() < deadline:  # noqa: ASYNC110  tables and cases tell nobody
        await asyncio.sleep(1)
    return found


async def _overdue(place_clock: Clock, pulse: Pulse, owner: Connection) -> list[str]:
    """Cases that are past an instant, as they say themselves or as the tables say."""
    by_now = place_clock.now() - LATE
    due = past_due(await pulse.open_workflows(), by_now) | await cases.past_their_term(owner, by_now)
    return [f"{case}: {at}" for case, at in due.items() if await _should_know(pulse, case, at)]


def past_due(waiting: list[OpenWorkflow], by_now: datetime) -> dict[str, datetime]:
    """Workflows that wait for an instant which has come."""
    return {each.id: each.due for each in waiting if each.due and each.due <= by_now}


async def _should_know(pulse: Pulse, case: str, at: datetime) -> bool:
    """Whether it has come by the case's own clock: one whose start was on its way while the clock leapt learns of that only when it is told."""
    try:
        offset = await pulse.client.get_workflow_handle(case).query(CLOCK_OFFSET, rpc_timeout=ANSWER_WITHIN)
    except (RPCError, WorkflowQueryFailedError):
        return True
    return at <= datetime.now(UTC) + timedelta(seconds=offset) - LATE


async def _listed(pulse: Pulse, query: str) -> list[str]:
    return [f"{each.id} {each.status.name if each.status else ''}" async for each in pulse.client.list_workflows(query)]
