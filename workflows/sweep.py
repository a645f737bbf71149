"""SweepWorkflow, daily: reservations that expired, and the rules that time alone can break."""

from collections.abc import Awaitable
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from shared.clock import business_day
    from workflows.roster import EXPIRE_RESERVATIONS, Sweep
    from workflows.roster import TASK_QUEUE as ROSTER
    from workflows.schedules import Due, Nominal, due
    from workflows.tries import PULSE, TRANSACTION

MONITORING = "monitoring"
SWEEP_DAY = "monitoring.sweep_day"
SWEEP = "monitoring.sweep"
_AT_MOST = timedelta(minutes=10)


@workflow.defn
class SweepWorkflow:
    """One business day, named by its nominal instant."""

    @workflow.run
    async def run(self, nominal: Nominal) -> int:
        """Answers how many units monitoring judged. What failed for good keeps nothing from being tried, and is raised at the end."""
        on: Due = await workflow.execute_activity(
            SWEEP_DAY, due(nominal), task_queue=MONITORING, result_type=Due, start_to_close_timeout=TRANSACTION
        )
        failed = await _failed(
            workflow.execute_activity(
                EXPIRE_RESERVATIONS, Sweep(on=business_day(on.at)), task_queue=ROSTER, start_to_close_timeout=_AT_MOST
            )
        )
        judged: int = await workflow.execute_activity(
            SWEEP, on, task_queue=MONITORING, result_type=int, start_to_close_timeout=_AT_MOST, heartbeat_timeout=PULSE
        )
        if failed:
            raise failed
        return judged


async def _failed(activity: Awaitable[object]) -> ActivityError | None:
    try:
        await activity
    except ActivityError as failed:
        if is_cancelled_exception(failed):
            raise
        return failed
    return None
