"""The floor of `approval`: a workflow of the same shape whose activities and updates do nothing, in workers with our settings.

`python -m tests.bench.bare_temporal ADDRESS workflows|activities` is one of its two worker processes.
"""

import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

with workflow.unsafe.imports_passed_through():
    from deploy.local.place import NAMESPACE
    from shared.process import run
    from shared.temporal import serve_activities
    from workflows.worker import _GUARD

WORKFLOWS, ACTIVITIES = "bench-workflows", "bench-activities"
BEFORE, DECISIONS, AFTER = 2, 3, 7
"""Activities before the first decision (checks, record), one per decision (record), and after the last (claim, number, effect, notice, their records)."""


@activity.defn
async def nothing(_: str) -> str:
    return "done"


@workflow.defn
class BareApproval:
    """Waits for so many updates, each recorded by an activity before it is answered."""

    def __init__(self) -> None:
        self._decided = self._recorded = 0

    @workflow.run
    async def run(self) -> None:
        await self._work(BEFORE)
        for number in range(1, DECISIONS + 1):
            await workflow.wait_condition(lambda: self._decided >= number)  # noqa: B023  read while this wait lasts
            await self._work(1)
            self._recorded = number
        await self._work(AFTER)

    async def _work(self, times: int) -> None:
        for _ in range(times):
            await workflow.execute_activity(nothing, "work", task_queue=ACTIVITIES, start_to_close_timeout=timedelta(seconds=60))

    @workflow.update
    async def decide(self, number: int) -> int:
        self._decided = number
        await workflow.wait_condition(lambda: self._recorded >= number)
        return number

    @decide.validator
    def _may_decide(self, number: int) -> None:
        if number != self._decided + 1:
            raise ValueError("not the next decision")


async def connect(address: str) -> Client:
    """A client without our encryption and tracing."""
    return await Client.connect(address, namespace=NAMESPACE, data_converter=pydantic_data_converter)


async def _main(address: str, part: str) -> None:
    client = await connect(address)
    if part == "activities":
        await serve_activities(client, ACTIVITIES, [nothing])
    else:
        runner = SandboxedWorkflowRunner(restrictions=_GUARD)
        await Worker(client, task_queue=WORKFLOWS, workflows=[BareApproval], workflow_runner=runner, max_cached_workflows=1000).run()


if __name__ == "__main__":
    run(_main(*sys.argv[1:]))
