"""The process that runs workflow code. It holds no database connection and no business secret but the payload key.

Imports that were not passed through the sandbox on purpose stop it at the start: one of them costs 150 ms per case (temporal: SandboxCost).
"""

import pydantic
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from shared import telemetry
from shared.process import run, side_by_side
from shared.settings import StackSettings
from shared.temporal import WORKFLOWS, connect, until_connected
from workflows.approval import ApprovalWorkflow
from workflows.comparison import ComparisonWorkflow
from workflows.freeze import FreezeWorkflow
from workflows.imports import ImportWorkflow
from workflows.rectification import RectificationWorkflow
from workflows.sealing import SealWorkflow
from workflows.supervision import SupervisionWorkflow
from workflows.sweep import SweepWorkflow
from workflows.watched import tell_schedules

CLASSES = (
    ApprovalWorkflow,
    ComparisonWorkflow,
    FreezeWorkflow,
    ImportWorkflow,
    RectificationWorkflow,
    SealWorkflow,
    SupervisionWorkflow,
    SweepWorkflow,
)
_GUARD = SandboxRestrictions.default.with_import_notification_policy(
    workflow.SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
)


def runner() -> SandboxedWorkflowRunner:
    """The sandbox with its guard."""
    return SandboxedWorkflowRunner(restrictions=_GUARD)


def worker(client: Client, task_queue: str = WORKFLOWS, max_cached_workflows: int = 1000) -> Worker:
    """A worker for every workflow class. A start argument that does not fit fails its run; anything else waits for a mended program."""
    return Worker(
        client,
        task_queue=task_queue,
        workflows=CLASSES,
        workflow_runner=runner(),
        workflow_failure_exception_types=[pydantic.ValidationError],
        max_cached_workflows=max_cached_workflows,
    )


async def main() -> None:
    """Run until told to stop; wait for Temporal while it is away."""
    stack = StackSettings()
    telemetry.set_up("workflows-worker", stack.otlp)
    payload_key = bytes.fromhex(stack.secret("payload.key"))
    client = await connect(stack.temporal, stack.temporal_namespace, payload_key, lazy=True, otlp=stack.otlp)
    await until_connected(client)
    await side_by_side(worker(client).run(), tell_schedules(client))


if __name__ == "__main__":
    run(main())
