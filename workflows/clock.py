"""Business time inside a workflow: `workflow.now()` plus the offset of the stack, moved by the update `clock_moved` (demo and tests only)."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel

CLOCK_MOVED = "clock_moved"
NEXT_DUE = "next_due"
CLOCK_OFFSET = "clock_offset"


class ClockMoved(BaseModel):
    """The stack's new offset from real time."""

    offset: timedelta


class BusinessClock:
    """Waits for business instants. `offset` is part of the start input and of the state carried over; None where time must not be moved."""

    def __init__(self, offset: timedelta | None) -> None:
        self.offset = offset
        self.waiting_for: datetime | None = None
        self._moves = 0

    def now(self) -> datetime:
        """The business instant."""
        return workflow.now() + (self.offset or timedelta(0))

    def move(self, offset: timedelta) -> None:
        """Shift; whoever waits computes anew."""
        self.offset = offset
        self._moves += 1

    async def wait_until(self, at: datetime | None, unless: Callable[[], bool], summary: str = "") -> bool:
        """True when `at` has come, False when `unless` became true first. None waits for `unless` alone."""
        self.waiting_for = at
        while not unless() and (at is None or self.now() < at):
            moves = self._moves
            left = None if at is None else at - self.now()
            with suppress(TimeoutError):  # the timer is the expected way out
                await workflow.wait_condition(lambda: unless() or self._moves != moves, timeout=left, timeout_summary=summary)  # noqa: B023  read while this wait lasts
        self.waiting_for = None
        return not unless()


class Timed:
    """What every workflow with a clock answers; mix it in and set `self.clock` in `@workflow.init`."""

    clock: BusinessClock

    @workflow.update(name=CLOCK_MOVED)
    async def clock_moved(self, moved: ClockMoved) -> None:
        """Business time was shifted for the whole stack."""
        self.clock.move(moved.offset)

    @clock_moved.validator
    def _refuse_where_time_is_real(self, moved: ClockMoved) -> None:  # noqa: ARG002  a validator has its update's parameters
        if self.clock.offset is None:
            raise ApplicationError("此环境不允许调整业务时间。", type="time_is_real", non_retryable=True)

    @workflow.query(name=NEXT_DUE)
    def next_due(self) -> datetime | None:
        """The business instant it waits for."""
        return self.clock.waiting_for

    @workflow.query(name=CLOCK_OFFSET)
    def clock_offset(self) -> float:
        """How far its business time is from real time, in seconds."""
        return (self.clock.offset or timedelta(0)).total_seconds()
