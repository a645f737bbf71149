"""`bianban clock`: the business time of a stack. Outside production it can be moved on; every instant at which something is due is visited.

The clock goes to the next due instant, all open workflows are told, the daily workflows of that instant are started with it as their nominal time,
and only when nothing moves any more does it go on. So weeks pass in seconds, and nothing happens in another order than it would have.
"""

import asyncio
import contextlib
import math
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from deploy.local.place import Place, WrongPlace
from deploy.quiet import OpenWorkflow, Pulse, StillBusy, pulse_of
from shared.clock import CHINA, Clock, at_hour, business_day, to_the_minute
from shared.temporal import ANSWER_WITHIN, WORKFLOWS
from workflows.clock import CLOCK_MOVED, ClockMoved
from workflows.schedules import SCHEDULES, Nominal, Schedule

PATIENCE = 90.0
GLANCE = 0.05
QUIET_TWICE = 2

app = typer.Typer(help="业务时间：查看，或在非生产环境中向前推进。", no_args_is_help=True)
console = Console(highlight=False)


class TimeIsReal(WrongPlace):
    """Here business time is real time."""


@dataclass(frozen=True)
class Stop:
    """One instant on the way: what became due at it, and how long the stack took to come to rest, in seconds."""

    at: datetime
    due: tuple[str, ...]
    took: float


class Mover:
    """Moves one stack. `Tell` hears of every stop."""

    def __init__(self, place: Place, pulse: Pulse) -> None:
        self._file, self._clock, self._pulse = place.clock_file, Clock(place.clock_file), pulse
        self._told: set[str] = set()

    async def go(self, to: datetime, tell: Callable[[Stop], None]) -> None:
        """Visit every due instant up to `to`, and end there. StillBusy when the stack does not come to rest."""
        await self._start_missed()
        waiting = await self._settle()
        while (now := self._clock.now()) < to:
            dues = [(each.due, each.id) for each in waiting if each.due and each.due <= to]
            plan = [(at, f"{schedule.id}:{business_day(at)}") for at, schedule in daily_instants(now, to)]
            at = min([instant for instant, _ in dues + plan], default=to)
            began = time.monotonic()
            await self._move(max(at, now))
            await self._start_nominal(now, at)
            waiting = await self._settle()
            tell(Stop(at, tuple(name for instant, name in dues + plan if instant == at), time.monotonic() - began))

    async def tell_of_leap(self, before: datetime, to: datetime) -> None:
        """The clock was moved at once, rest or not; all that lies between is due together. Only `bianban chaos` does so."""
        await self._start_nominal(before, to)
        waiting = await self._pulse.open_workflows()
        while await self._tell(waiting):  # noqa: ASYNC110  a workflow tells nobody
            await asyncio.sleep(GLANCE)

    async def next_due(self, after: datetime, until: datetime) -> datetime | None:
        """The earliest instant between the two that a workflow waits for."""
        waiting = await self._pulse.open_workflows()
        return min((each.due for each in waiting if each.due and after < each.due <= until), default=None)

    async def _move(self, to: datetime) -> None:
        shift(self._file, to)
        self._told.clear()

    async def _start_nominal(self, after: datetime, at: datetime) -> None:
        for instant, schedule in daily_instants(after, at):
            await self._start(schedule, instant)

    async def _start_missed(self) -> None:
        """What was due earlier today and never ran (a command that was interrupted, a stack that was down) runs first."""
        now = self._clock.now()
        await self._start_nominal(at_hour(business_day(now), 0) - timedelta(seconds=1), now)

    async def _start(self, schedule: Schedule, at: datetime) -> None:
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await self._pulse.client.start_workflow(
                schedule.workflow,
                Nominal(at=at),
                id=f"{schedule.id}:{business_day(at)}",
                task_queue=WORKFLOWS,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                rpc_timeout=ANSWER_WITHIN,
            )

    async def _settle(self) -> list[OpenWorkflow]:
        """Wait until nothing moves, twice in a row; answers with the workflows that wait."""
        deadline, quiet = time.monotonic() + PATIENCE, 0
        while True:
            waiting = await self._pulse.open_workflows()
            told = await self._tell(waiting)
            moving = await self._moving(waiting)
            quiet = 0 if moving or told else quiet + 1
            if quiet == QUIET_TWICE:
                return waiting
            if time.monotonic() > deadline:
                deaf = [f"{each.id} 不接受新的业务时间" for each in waiting if each.run_id not in self._told and not each.timeless]
                raise StillBusy(
                    f"{PATIENCE:.0f} 秒内没有平静下来：{'；'.join((moving + deaf)[:5])}。请用 bianban status 和 bianban logs 查看。"
                )
            await asyncio.sleep(GLANCE)

    async def _moving(self, waiting: list[OpenWorkflow]) -> list[str]:
        now = self._clock.now()
        overdue = [f"{each.id} {each.doing or '已到时点'}" for each in waiting if each.doing or (each.due and each.due <= now)]
        return overdue + await self._pulse.unsent() + await self._pulse.unread()

    async def _tell(self, waiting: list[OpenWorkflow]) -> bool:
        """Tell those who do not know the offset yet; True when there was one."""
        new = [each for each in waiting if each.run_id not in self._told and not each.timeless]
        moved = ClockMoved(offset=self._clock.offset())
        answers = await asyncio.gather(*(self._tell_one(each, moved) for each in new))
        self._told.update(each.run_id for each, told in zip(new, answers, strict=True) if told)
        return bool(new)

    async def _tell_one(self, each: OpenWorkflow, moved: ClockMoved) -> bool:
        """False when it must be told again: it does not answer now."""
        handle = self._pulse.client.get_workflow_handle(each.id, run_id=each.run_id)
        try:
            await handle.execute_update(CLOCK_MOVED, moved, rpc_timeout=ANSWER_WITHIN)
        except WorkflowUpdateFailedError as failed:
            if isinstance(failed.cause, ApplicationError) and failed.cause.type == "time_is_real":
                raise TimeIsReal(f"{each.id} 按真实时间运行，不接受调整业务时间。") from None
            return False
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            return False
        except RPCError as error:
            return error.status is RPCStatusCode.NOT_FOUND  # one that has ended needs no clock
        return True


def shift(clock_file: Path, to: datetime) -> None:
    """Shift the clock so that `to` has come, by whole seconds and never back."""
    seconds = max(math.ceil((to - datetime.now(UTC)).total_seconds()), int(Clock(clock_file).offset().total_seconds()))
    half = clock_file.with_suffix(".new")
    half.write_text(f"{seconds}\n", encoding="utf-8")
    half.rename(clock_file)


def daily_instants(after: datetime, until: datetime) -> Iterator[tuple[datetime, Schedule]]:
    """The daily instants later than `after`, up to `until`."""
    for days in range((business_day(until) - business_day(after)).days + 1):
        day = business_day(after) + timedelta(days=days)
        for schedule in SCHEDULES:
            at = at_hour(day, schedule.hour, schedule.minute)
            if after < at <= until:
                yield at, schedule


@asynccontextmanager
async def mover(place: Place) -> AsyncIterator[Mover]:
    """A mover for a running stack. TimeIsReal in production."""
    if place.environment == "production":
        raise TimeIsReal("生产环境按真实时间运行，不能推进业务时间。")
    async with pulse_of(place, timeless=[schedule.workflow for schedule in SCHEDULES]) as pulse:
        yield Mover(place, pulse)


async def advance(place: Place, to: datetime, tell: Callable[[Stop], None] = lambda _: None) -> None:
    """Move a stack to a business instant. TimeIsReal, or StillBusy."""
    async with mover(place) as moving:
        await moving.go(to, tell)


@app.command(help="显示业务时间和它与真实时间之差。")
def show() -> None:
    clock = Clock(Place.from_environment().clock_file)
    console.print(f"业务时间 {clock.now().astimezone(CHINA):%Y-%m-%d %H:%M:%S}（北京时间），与真实时间相差 {clock.offset()}")


@app.command("advance", help="把整套系统的业务时间向前推进，依次经过每个到期时点。仅限非生产环境。")
def advance_command(
    to: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"], help="推进到；只写日期则为当日 9:00。")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=800, help="推进的天数（自然日）。")] = None,
) -> None:
    if (to is None) == (days is None):
        raise typer.BadParameter("请写 --to 或 --days 其中一个")
    place = Place.from_environment()
    now = Clock(place.clock_file).now()
    goal = now + timedelta(days=days or 0) if to is None else at_hour(to.date(), to.hour or 9, to.minute)
    if goal <= now:
        raise WrongPlace(f"业务时间已是 {to_the_minute(now)}，只能向前推进。")
    try:
        asyncio.run(advance(place, goal, _print))
    except StillBusy as busy:
        raise WrongPlace(str(busy)) from None
    show()
    sys.stdout.flush()
    os._exit(0)  # temporalio may crash at interpreter exit after all work is done (sdk-python#300)


def _print(stop: Stop) -> None:
    console.print(f"  {stop.at.astimezone(CHINA):%m-%d %a %H:%M}  {'、'.join(stop.due) or '—'}  {stop.took:.2f} 秒")
