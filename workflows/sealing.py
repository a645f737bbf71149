"""SealWorkflow: one released document of monitoring, a weekly list or a 整改通知书, from 用印登记 to its sealed file."""

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from workflows.clock import BusinessClock, Timed
    from workflows.runs import is_to_continue
    from workflows.sealing_messages import SEAL_DOCUMENT, TASK_QUEUE, SealAnswered, SealStart
    from workflows.tries import ASK_AGAIN, PAPER, until_asked

CONTINUES = "seal-continues"
"""Patch: runs begun before it had no end."""
HEARS = "seal-hears"
"""Patch: runs begun before it took an answer that came while the platform was asked for one they had seen, and waited on."""
SOONER = "seal-asks-sooner"
"""Patch: runs begun before it asked every five minutes from the first time on."""
ENDS = "seal-ends"
"""Patch: runs begun before it took a cancellation for a platform that is away."""


@workflow.defn
class SealWorkflow(Timed):
    """While the platform is away the document stays 待签章, and goes on by itself."""

    @workflow.init
    def __init__(self, start: SealStart) -> None:
        self.clock = BusinessClock(start.clock_offset)
        self._answered = 0

    @workflow.run
    async def run(self, start: SealStart) -> None:
        heard, asked = self._answered, 0
        while not await self._sealed(start):
            asked += 1
            seen = heard if workflow.patched(HEARS) else self._answered
            pause = until_asked(asked) if workflow.patched(SOONER) else ASK_AGAIN
            await self.clock.wait_until(self.clock.now() + pause, lambda: self._answered > seen, "ask again")  # noqa: B023  read while this wait lasts
            if self._must_continue():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(start.model_copy(update={"clock_offset": self.clock.offset}))
            heard = self._answered
        await workflow.wait_condition(workflow.all_handlers_finished)

    def _must_continue(self) -> bool:
        return is_to_continue(CONTINUES)

    async def _sealed(self, start: SealStart) -> bool:
        try:
            sealed: bool = await workflow.execute_activity(
                SEAL_DOCUMENT,
                start,
                task_queue=TASK_QUEUE,
                start_to_close_timeout=PAPER,
                retry_policy=RetryPolicy(maximum_attempts=3),
                result_type=bool,
            )
        except ActivityError as failed:
            if is_cancelled_exception(failed) and workflow.patched(ENDS):
                raise
            workflow.logger.warning("the document is not sealed yet, and waits")
            return False
        return sealed

    @workflow.update
    async def seal_completed(self, answered: SealAnswered) -> None:  # noqa: ARG002  which document stands in the workflow id
        """The platform's answer is stored; what is told twice changes nothing."""
        self._answered += 1
