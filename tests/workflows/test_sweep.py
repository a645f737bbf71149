"""SweepWorkflow on the real server: what could not be set free keeps nobody from being judged, and the run tells that it failed."""

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import tests.workflows.rectification_play as play
from tests.workflows.record_files import answering
from workflows.roster import EXPIRE_RESERVATIONS, TASK_QUEUE, Sweep
from workflows.schedules import Due, Nominal
from workflows.sweep import MONITORING, SWEEP, SWEEP_DAY, SweepWorkflow

pytestmark = pytest.mark.asyncio


async def test_units_that_could_not_be_set_free_keep_nobody_from_being_judged(environment: WorkflowEnvironment) -> None:
    judged: list[Due] = []

    @activity.defn(name=SWEEP_DAY)
    async def day(due: Due) -> Due:
        return due

    @activity.defn(name=EXPIRE_RESERVATIONS)
    async def expire(_: Sweep) -> int:
        raise ApplicationError("units_failed", type="units_failed", non_retryable=True)

    @activity.defn(name=SWEEP)
    async def judge(due: Due) -> int:
        judged.append(due)
        return 1

    async with (
        answering(environment, SweepWorkflow, MONITORING, day, judge),
        Worker(environment.client, task_queue=TASK_QUEUE, activities=[expire]),
    ):
        run = environment.client.execute_workflow(SweepWorkflow.run, Nominal(at=play.MORNING), id="sweep:daily", task_queue="stage")
        with pytest.raises(WorkflowFailureError) as failed:
            await run

    assert judged == [Due(at=play.MORNING)]
    assert isinstance(failed.value.cause, ActivityError)
