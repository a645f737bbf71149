"""Recorded histories replay with today's workflow code; a change in what a workflow asks for, or in which order, is caught."""

from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from shared.glossary import IssueState
from workflows.comparison import ComparisonStart, ComparisonWorkflow
from workflows.freeze import FreezeWorkflow
from workflows.rectification import RectificationStart, RectificationWorkflow
from workflows.rectification_case import Entry
from workflows.worker import CLASSES, runner

pytestmark = pytest.mark.asyncio
RECORDED = sorted((Path(__file__).parent / "histories").glob("*.json"))


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", RECORDED, ids=[path.stem for path in RECORDED])
async def test_a_recorded_case_replays(path: Path) -> None:
    replayer = Replayer(workflows=CLASSES, workflow_runner=runner(), data_converter=pydantic_data_converter)

    result = await replayer.replay_workflow(history(path), raise_on_replay_failure=False)

    assert result.replay_failure is None


async def test_each_workflow_that_lasts_has_a_recorded_history() -> None:
    assert {path.stem.split("-")[0] for path in RECORDED} >= {"approval", "comparison", "freeze", "import", "rectification"}


@workflow.defn(name="ComparisonWorkflow", sandboxed=False)
class Hasty(ComparisonWorkflow):
    """A change that waits before it asks."""

    @workflow.run
    async def run(self, start: ComparisonStart) -> None:
        await workflow.sleep(timedelta(seconds=1))
        await super().run(start)


async def test_the_replay_catches_a_changed_comparison() -> None:
    path = next(path for path in RECORDED if path.stem == "comparison-compared")
    replayer = Replayer(workflows=[Hasty], workflow_runner=UnsandboxedWorkflowRunner(), data_converter=pydantic_data_converter)

    result = await replayer.replay_workflow(history(path), raise_on_replay_failure=False)

    assert isinstance(result.replay_failure, workflow.NondeterminismError)


@workflow.defn(name="RectificationWorkflow", sandboxed=False)
class Reordered(RectificationWorkflow):
    """What a careless change would do: record only after a pause."""

    @workflow.init
    def __init__(self, start: RectificationStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: RectificationStart) -> IssueState:
        return await super().run(start)

    async def _record(self, entry: Entry) -> None:
        await workflow.sleep(timedelta(seconds=1))
        await super()._record(entry)


async def test_the_replay_catches_a_changed_order_of_commands() -> None:
    path = next(path for path in RECORDED if path.stem == "rectification-rectified")
    classes = [FreezeWorkflow, Reordered]
    replayer = Replayer(workflows=classes, workflow_runner=UnsandboxedWorkflowRunner(), data_converter=pydantic_data_converter)

    result = await replayer.replay_workflow(history(path), raise_on_replay_failure=False)

    assert isinstance(result.replay_failure, workflow.NondeterminismError)
