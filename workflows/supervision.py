"""SupervisionWorkflow, daily at 09:00, issues the weekly lists (督办清单); ListSealWorkflow has one released edition sealed."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from uuid import UUID

    from pydantic import AwareDatetime, BaseModel, ConfigDict

    from workflows.clock import BusinessClock, Timed
    from workflows.schedules import Nominal, due

TASK_QUEUE = "monitoring"
ISSUE_LISTS = "monitoring.issue_weekly_lists"
SEAL_LIST = "monitoring.seal_list"
SEAL_COMPLETED = "seal_completed"
ASK_AGAIN = timedelta(minutes=5)


def seal_workflow_id(list_id: UUID) -> str:
    """`list-seal:<edition>`."""
    return f"list-seal:{list_id}"


class ListSealStart(BaseModel):
    """The edition that its officer released."""

    model_config = ConfigDict(frozen=True)

    list_id: UUID
    released_at: AwareDatetime
    clock_offset: timedelta | None = None


class ListAnswered(BaseModel):
    """The platform's answer is stored."""

    model_config = ConfigDict(frozen=True)

    list_id: UUID


@workflow.defn
class SupervisionWorkflow:
    """One day; acts when it is the first working day of its ISO week."""

    @workflow.run
    async def run(self, nominal: Nominal) -> int:
        """Answers how many editions were issued."""
        issued: int = await workflow.execute_activity(
            ISSUE_LISTS,
            due(nominal),
            task_queue=TASK_QUEUE,
            start_to_close_timeout=timedelta(minutes=30),
            heartbeat_timeout=timedelta(minutes=1),
            result_type=int,
        )
        return issued


@workflow.defn
class ListSealWorkflow(Timed):
    """One edition from 用印登记 to the sealed file. While the platform is away the edition waits, and goes on by itself."""

    @workflow.init
    def __init__(self, start: ListSealStart) -> None:
        self.clock = BusinessClock(start.clock_offset)
        self._answered = 0

    @workflow.run
    async def run(self, start: ListSealStart) -> None:
        while not await self._sealed(start):
            seen = self._answered
            await self.clock.wait_until(self.clock.now() + ASK_AGAIN, lambda: self._answered > seen, "ask again")  # noqa: B023  read while this wait lasts
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _sealed(self, start: ListSealStart) -> bool:
        try:
            sealed: bool = await workflow.execute_activity(
                SEAL_LIST,
                start,
                task_queue=TASK_QUEUE,
                start_to_close_timeout=timedelta(minutes=2),
                retry_policy=RetryPolicy(maximum_attempts=3),
                result_type=bool,
            )
        except ActivityError:
            workflow.logger.warning("the seal is away; the edition waits")
            return False
        return sealed

    @workflow.update
    async def seal_completed(self, answered: ListAnswered) -> None:  # noqa: ARG002  which edition stands in the workflow id
        """The platform's answer is stored; what is told twice changes nothing."""
        self._answered += 1
