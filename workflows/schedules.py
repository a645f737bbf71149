"""Every Temporal Schedule, as data: what runs daily, and when (Asia/Shanghai). `ensure` brings Temporal in line; it may be repeated."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from pydantic import AwareDatetime, BaseModel, ConfigDict
from temporalio import workflow
from temporalio.client import (
    Client,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.client import (
    Schedule as TemporalSchedule,
)
from temporalio.common import SearchAttributeKey

from shared.temporal import WORKFLOWS

SCHEDULED_START = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


class Nominal(BaseModel):
    """The instant a run stands for; none where a Schedule started it, which knows the instant itself."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime | None = None


class Due(BaseModel):
    """A nominal instant for an activity. What a Schedule started is in real time: the activity adds the stack's offset."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    in_real_time: bool = False


@dataclass(frozen=True)
class Schedule:
    """One daily workflow. `overlap`: what becomes of a run while the one before is not through; `catch_up`: how long a missed one is made up for."""

    id: str
    workflow: str
    hour: int
    minute: int = 0
    overlap: ScheduleOverlapPolicy = ScheduleOverlapPolicy.BUFFER_ONE
    catch_up: timedelta = timedelta(days=2)


SCHEDULES = (
    Schedule("sweep", "SweepWorkflow", 1),
    Schedule("supervision", "SupervisionWorkflow", 9, overlap=ScheduleOverlapPolicy.ALLOW_ALL, catch_up=timedelta(days=6)),
)
"""A list that fails for one unit is tried again for as long as that takes: it keeps the later ones from nobody. One day of a week issues its lists:
that run is made up for as long as the week lasts.
"""


def due(nominal: Nominal) -> Due:
    """Which instant the running workflow stands for: the one it was given, else the one its Schedule planned. Never the time of the run."""
    if nominal.at is not None:
        return Due(at=nominal.at)
    planned = workflow.info().typed_search_attributes.get(SCHEDULED_START)
    return Due(at=planned or workflow.info().start_time, in_real_time=True)


async def ensure(client: Client, task_queue: str = WORKFLOWS) -> None:
    """Create or correct every Schedule; what an operator paused stays paused."""
    for schedule in SCHEDULES:
        wanted = _temporal_schedule(schedule, task_queue)
        try:
            await client.create_schedule(schedule.id, wanted)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(schedule.id).update(partial(_corrected, wanted=wanted))


def _corrected(found: ScheduleUpdateInput, wanted: TemporalSchedule) -> ScheduleUpdate:
    return ScheduleUpdate(schedule=replace(wanted, state=found.description.schedule.state))


def _temporal_schedule(schedule: Schedule, task_queue: str) -> TemporalSchedule:
    return TemporalSchedule(
        action=ScheduleActionStartWorkflow(schedule.workflow, Nominal(), id=f"{schedule.id}:daily", task_queue=task_queue),
        spec=ScheduleSpec(
            calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(schedule.hour)], minute=[ScheduleRange(schedule.minute)])],
            time_zone_name="Asia/Shanghai",
        ),
        policy=SchedulePolicy(overlap=schedule.overlap, catchup_window=schedule.catch_up),
    )


def nominal_at(found: Due, offset: timedelta) -> datetime:
    """The business instant of a run."""
    return found.at + offset if found.in_real_time else found.at
