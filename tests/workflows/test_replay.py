"""Recorded histories replay with today's workflow code; a change in what a workflow asks for, or in which order, is caught."""

import inspect
import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)
from temporalio.workflow import _Definition

from deploy.chaos.older_workflows import unpatched
from shared.glossary import IssueState
from workflows.freeze import FreezeWorkflow
from workflows.rectification import RectificationStart, RectificationWorkflow
from workflows.rectification_case import Entry
from workflows.worker import CLASSES, runner

pytestmark = pytest.mark.asyncio
RECORDED = sorted((Path(__file__).parent / "histories").glob("*.json"))
PATCHES = {
    name
    for source in (Path(__file__).parents[2] / "workflows").glob("*.py")
    for name in re.findall(r'^[A-Z_]+ = "([a-z-]+)"\n"""Patch:', source.read_text(encoding="utf-8"), re.MULTILINE)
}


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", RECORDED, ids=[path.stem for path in RECORDED])
async def test_a_recorded_case_replays(path: Path) -> None:
    replayer = Replayer(workflows=CLASSES, workflow_runner=runner(), data_converter=pydantic_data_converter)

    result = await replayer.replay_workflow(history(path), raise_on_replay_failure=False)

    assert result.replay_failure is None


async def test_each_workflow_type_has_a_recorded_history() -> None:
    recorded = {history(path).events[0].workflow_execution_started_event_attributes.workflow_type.name for path in RECORDED}

    assert recorded == {each.__name__ for each in CLASSES}


async def test_each_patch_has_a_recorded_history_that_takes_it() -> None:
    taken = {patch for path in RECORDED for event in history(path).events for patch in _patches(event)}

    assert PATCHES - taken == set()


async def test_each_update_of_each_workflow_type_has_a_recorded_history() -> None:
    taken = {
        (_type(path), event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name)
        for path in RECORDED
        for event in history(path).events
        if event.HasField("workflow_execution_update_accepted_event_attributes")
    }
    wanted = {(each.__name__, name) for each in CLASSES for name in _Definition.must_from_class(each).updates}

    assert wanted - taken == set()


async def test_each_way_to_go_on_as_new_has_a_recorded_history() -> None:
    went_on = {
        _type(path) for path in RECORDED if history(path).events[-1].HasField("workflow_execution_continued_as_new_event_attributes")
    }

    assert went_on == {each.__name__ for each in CLASSES if "continue_as_new(" in inspect.getsource(sys.modules[each.__module__])}


@cache
def _type(path: Path) -> str:
    name: str = history(path).events[0].workflow_execution_started_event_attributes.workflow_type.name
    return name


def _patches(event: Any) -> Iterator[str]:
    """The patch that a marker keeps, without the number that sets its turns apart."""
    for payload in event.marker_recorded_event_attributes.details["patch-data"].payloads:
        yield re.sub(r"-\d+$", "", json.loads(payload.data)["id"])


@pytest.mark.parametrize(("name", "carried_on"), [("approval-shown", False), ("seal-heard", False), ("rectification-rectified", True)])
async def test_an_older_build_carries_on_what_has_passed_no_patch_and_fails_the_rest(
    name: str, carried_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "patched", unpatched)
    replayer = Replayer(workflows=CLASSES, workflow_runner=runner(), data_converter=pydantic_data_converter)

    result = await replayer.replay_workflow(history(next(path for path in RECORDED if path.stem == name)), raise_on_replay_failure=False)

    assert (result.replay_failure is None) is carried_on


class Hasty(WorkflowInboundInterceptor):
    """A change that waits before it does anything."""

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002  the SDK's own name
        await workflow.sleep(timedelta(seconds=1))
        return await super().execute_workflow(input)


class Planted(Interceptor):
    """Plants the change into every workflow."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[Hasty]:  # noqa: A002, ARG002  as above
        return Hasty


@pytest.mark.parametrize("path", RECORDED, ids=[path.stem for path in RECORDED])
async def test_a_planted_change_is_caught_by_each_history(path: Path) -> None:
    replayer = Replayer(
        workflows=CLASSES, workflow_runner=UnsandboxedWorkflowRunner(), data_converter=pydantic_data_converter, interceptors=[Planted()]
    )

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
