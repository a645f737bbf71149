"""ImportWorkflow on the real server: a file is checked at once, written when somebody says so, and forgotten when its time is over, whatever happened."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from workflows import imports
from workflows.clock import ClockMoved
from workflows.imports import ImportStart, ImportTold, ImportWorkflow, workflow_id
from workflows.roster import TASK_QUEUE
from workflows.worker import runner

pytestmark = pytest.mark.asyncio
KEPT = timedelta(days=30)
both_caches = pytest.mark.parametrize("cached", [1000, 0], ids=["cached", "replayed"])


class Roster:
    """What the workflow asks, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @activity.defn(name=imports.CHECK_IMPORT)
    async def check(self, _: ImportTold) -> None:
        self.asked.append("check")

    @activity.defn(name=imports.APPLY_IMPORT)
    async def apply(self, _: ImportTold) -> None:
        self.asked.append("apply")

    @activity.defn(name=imports.FORGET_IMPORT)
    async def forget(self, _: ImportTold) -> None:
        self.asked.append("forget")


@asynccontextmanager
async def running(environment: WorkflowEnvironment, cached: int) -> AsyncIterator[tuple[Any, Roster, ImportTold]]:
    roster, told = Roster(), ImportTold(import_id=uuid.uuid4())
    client = environment.client
    workflows = Worker(client, task_queue="stage", workflows=[ImportWorkflow], workflow_runner=runner(), max_cached_workflows=cached)
    answers = Worker(client, task_queue=TASK_QUEUE, activities=[roster.check, roster.apply, roster.forget])
    async with workflows, answers:
        with environment.with_time_skipping_disabled():
            keep_until = datetime.now(UTC) + KEPT
            start = ImportStart(import_id=told.import_id, keep_until=keep_until, clock_offset=timedelta(0))
            handle = await client.start_workflow(ImportWorkflow.run, start, id=workflow_id(told.import_id), task_queue="stage")
        yield handle, roster, told


@both_caches
async def test_a_file_is_checked_written_when_told_to_and_forgotten(environment: WorkflowEnvironment, cached: int) -> None:
    async with running(environment, cached) as (handle, roster, told):
        with environment.with_time_skipping_disabled():
            await handle.execute_update(imports.APPLY, told)
            await handle.execute_update("clock_moved", ClockMoved(offset=KEPT + timedelta(minutes=1)))
            await handle.result()

    assert roster.asked == ["check", "apply", "forget"]


@both_caches
async def test_what_nobody_wants_written_is_forgotten_all_the_same(environment: WorkflowEnvironment, cached: int) -> None:
    async with running(environment, cached) as (handle, roster, told):
        with environment.with_time_skipping_disabled():
            await handle.execute_update(imports.CANCEL, told)
            while await handle.query("next_due") is None:  # noqa: ASYNC110  the check is still under way
                await asyncio.sleep(0.02)
            await handle.execute_update("clock_moved", ClockMoved(offset=KEPT + timedelta(minutes=1)))
            await handle.result()

    assert roster.asked == ["check", "forget"]
