"""The recorded histories of ApprovalWorkflow are there, and would catch a careless change."""

from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from tests.workflows.record_approval import STORIES
from workflows.approval import ApprovalWorkflow
from workflows.approval_messages import ApprovalStart, Outcome
from workflows.worker import runner

pytestmark = pytest.mark.asyncio
HISTORIES = Path(__file__).parent / "histories"


def history(name: str) -> WorkflowHistory:
    return WorkflowHistory.from_json(name, (HISTORIES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(STORIES))
async def test_a_recorded_application_replays(name: str) -> None:
    replayer = Replayer(workflows=[ApprovalWorkflow], workflow_runner=runner(), data_converter=pydantic_data_converter)

    result = await replayer.replay_workflow(history(name), raise_on_replay_failure=False)

    assert result.replay_failure is None


@workflow.defn(name="ApprovalWorkflow", sandboxed=False)
class Careless(ApprovalWorkflow):
    """A change that gives nothing time to be recorded before the roster is asked."""

    @workflow.init
    def __init__(self, start: ApprovalStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: ApprovalStart) -> Outcome:
        return await super().run(start)

    async def _claim(self) -> None:
        await workflow.sleep(timedelta(seconds=1))
        await super()._claim()


async def test_the_replay_catches_a_changed_order_of_commands() -> None:
    replayer = Replayer(workflows=[Careless], workflow_runner=UnsandboxedWorkflowRunner(), data_converter=pydantic_data_converter)

    result = await replayer.replay_workflow(history("approval-filed"), raise_on_replay_failure=False)

    assert isinstance(result.replay_failure, workflow.NondeterminismError)
