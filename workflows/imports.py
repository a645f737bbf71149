"""ImportWorkflow: one file from its arrival to its deletion. It is checked at once; a person has it written, or not; the file goes when its retention is over.

Both activities may be repeated: a check begins anew, a writing goes on behind the units that are written.
"""

from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from pydantic import AwareDatetime, BaseModel, ConfigDict

    from workflows.clock import BusinessClock, Timed
    from workflows.roster import TASK_QUEUE

CHECK_IMPORT = "roster.check_import"
APPLY_IMPORT = "roster.apply_import"
FORGET_IMPORT = "roster.forget_import"
APPLY, CANCEL = "apply_import", "cancel_import"
_HEARTBEAT = timedelta(seconds=30)
_LONGEST = timedelta(hours=6)
_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


def workflow_id(import_id: UUID) -> str:
    """`import:<job>`."""
    return f"import:{import_id}"


class Message(BaseModel):
    """A message between service and workflow; new fields are optional."""

    model_config = ConfigDict(frozen=True)


class ImportStart(Message):
    """Ids and days only: the file and all that is in it stay in the roster's tables."""

    import_id: UUID
    keep_until: AwareDatetime
    clock_offset: timedelta | None = None


class ImportTold(Message):
    """Somebody decided; what, stands in the tables."""

    import_id: UUID


@workflow.defn
class ImportWorkflow(Timed):
    """Check, decision, writing, end of retention."""

    @workflow.init
    def __init__(self, start: ImportStart) -> None:
        self.start = start
        self.clock = BusinessClock(start.clock_offset)
        self._to_apply = self._cancelled = False

    @workflow.run
    async def run(self, start: ImportStart) -> None:
        """The life of one import."""
        asked = ImportTold(import_id=start.import_id)
        await self._ask(CHECK_IMPORT, asked)
        await self.clock.wait_until(start.keep_until, lambda: self._to_apply or self._cancelled, "decision")
        if self._to_apply:
            await self._ask(APPLY_IMPORT, asked)
        await self.clock.wait_until(start.keep_until, lambda: False, "retention")
        await self._ask(FORGET_IMPORT, asked)

    async def _ask(self, activity: str, asked: ImportTold) -> None:
        await workflow.execute_activity(
            activity, asked, task_queue=TASK_QUEUE, start_to_close_timeout=_LONGEST, heartbeat_timeout=_HEARTBEAT, retry_policy=_RETRY
        )

    @workflow.update(name=APPLY)
    def apply(self, told: ImportTold) -> None:  # noqa: ARG002  one workflow, one import
        """Somebody has it written."""
        self._to_apply = True

    @workflow.update(name=CANCEL)
    def cancel(self, told: ImportTold) -> None:  # noqa: ARG002  as above
        """Somebody does not."""
        self._cancelled = True
