"""ComparisonWorkflow: one file of the upper level's register, compared once. The activity may be repeated: it begins anew, and the file goes with its end."""

from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel, ConfigDict

    from workflows.roster import TASK_QUEUE

COMPARE = "roster.compare_registers"
_HEARTBEAT = timedelta(seconds=30)
_LONGEST = timedelta(hours=2)
_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


def workflow_id(run_id: UUID) -> str:
    """`comparison:<run>`."""
    return f"comparison:{run_id}"


class ComparisonStart(BaseModel):
    """The id only: the file and all that is in it stay in the roster's tables."""

    model_config = ConfigDict(frozen=True)

    run_id: UUID


@workflow.defn
class ComparisonWorkflow:
    """One comparison."""

    @workflow.run
    async def run(self, start: ComparisonStart) -> None:
        """Compare; what was found stands in the tables."""
        await workflow.execute_activity(
            COMPARE, start, task_queue=TASK_QUEUE, start_to_close_timeout=_LONGEST, heartbeat_timeout=_HEARTBEAT, retry_policy=_RETRY
        )
