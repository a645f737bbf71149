"""The Schedules as data: created once, corrected when repeated, and a run that one started knows its nominal instant."""

import asyncio
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from opentelemetry.metrics import CallbackOptions
from temporalio import activity
from temporalio.client import ScheduleBackfill, ScheduleHandle, ScheduleOverlapPolicy
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from shared.clock import at_hour
from shared.metrics import SCHEDULE_AGE
from tests.shared.given import until
from workflows.schedules import SCHEDULES, Due, ensure
from workflows.supervision import ISSUE_LISTS
from workflows.watched import look
from workflows.worker import CLASSES, worker

pytestmark = pytest.mark.asyncio


async def test_each_schedule_names_a_workflow_that_the_worker_runs() -> None:
    assert {schedule.workflow for schedule in SCHEDULES} <= {each.__name__ for each in CLASSES}


async def test_an_outage_over_the_first_days_of_a_week_loses_no_weekly_list(environment: WorkflowEnvironment) -> None:
    """Must fail when it is made up for two days alone: only the run of the first working day issues the lists of a week."""
    await ensure(environment.client, f"stage-{uuid.uuid4()}")

    policies = {each.id: (await environment.client.get_schedule_handle(each.id).describe()).schedule.policy for each in SCHEDULES}

    assert policies["supervision"].catchup_window == timedelta(days=6)
    assert policies["sweep"].catchup_window == timedelta(days=2)


async def test_a_run_started_by_its_schedule_stands_for_nine_o_clock_in_shanghai(environment: WorkflowEnvironment) -> None:
    seen: list[Due] = []

    @activity.defn(name=ISSUE_LISTS)
    async def issue_weekly_lists(due: Due) -> int:
        seen.append(due)
        return 0

    queue, day = f"stage-{uuid.uuid4()}", date(2026, 10, 8)
    await ensure(environment.client, queue)
    await ensure(environment.client, queue)
    async with worker(environment.client, queue), Worker(environment.client, task_queue="monitoring", activities=[issue_weekly_lists]):
        around = ScheduleBackfill(at_hour(day, 8), at_hour(day, 10), overlap=ScheduleOverlapPolicy.ALLOW_ALL)
        await environment.client.get_schedule_handle("supervision").backfill(around)
        while not seen:  # noqa: ASYNC110  the stage has no event for it
            await asyncio.sleep(0.05)

    assert seen == [Due(at=at_hour(day, 9), in_real_time=True)]


async def test_next_weeks_list_is_issued_also_while_a_run_of_this_week_still_tries(environment: WorkflowEnvironment) -> None:
    weeks: list[date] = []

    @activity.defn(name=ISSUE_LISTS)
    async def issue_weekly_lists(due: Due) -> int:
        day = due.at.date()
        if day == date(2026, 10, 12):
            await asyncio.Event().wait()  # one unit fails, and is tried again for ever
        weeks.append(day)
        return 0

    queue = f"stage-{uuid.uuid4()}"
    await ensure(environment.client, queue)
    handle = environment.client.get_schedule_handle("supervision")
    async with worker(environment.client, queue), Worker(environment.client, task_queue="monitoring", activities=[issue_weekly_lists]):
        await handle.backfill(ScheduleBackfill(at_hour(date(2026, 10, 12), 8), at_hour(date(2026, 10, 20), 8)))
        while len(weeks) < 7:  # noqa: ASYNC110  the stage has no event for it
            await asyncio.sleep(0.05)

    assert sorted(weeks) == [date(2026, 10, day) for day in range(13, 20)]


async def test_how_long_ago_a_daily_run_was_begun_is_told_and_of_one_that_nobody_plans_nothing(environment: WorkflowEnvironment) -> None:
    day = date(2026, 10, 8)
    await look(environment.client)
    assert told() == {}

    await ensure(environment.client, f"stage-{uuid.uuid4()}")
    await look(environment.client)
    assert set(told()) == {"sweep", "supervision"}
    assert max(told().values()) < 3600

    handle = environment.client.get_schedule_handle("supervision")
    await handle.backfill(ScheduleBackfill(at_hour(day, 8), at_hour(day, 10)))
    await until(lambda: is_begun(handle))
    await look(environment.client)
    assert abs(told()["supervision"] - (datetime.now(UTC) - at_hour(day, 9)).total_seconds()) < 3600


def told() -> dict[str, float]:
    return {str(dict(each.attributes or {})["bianban.schedule"]): float(each.value) for each in SCHEDULE_AGE._tell(CallbackOptions())}


async def is_begun(handle: ScheduleHandle) -> bool:
    return bool((await handle.describe()).info.recent_actions)
