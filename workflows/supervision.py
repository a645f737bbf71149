"""SupervisionWorkflow, daily at 09:00, issues the weekly lists (督办清单)."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.schedules import Nominal, due
    from workflows.tries import PULSE

TASK_QUEUE = "monitoring"
ISSUE_LISTS = "monitoring.issue_weekly_lists"


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
            heartbeat_timeout=PULSE,
            result_type=int,
        )
        return issued
