"""The fixtures themselves: what every other test stands on."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from temporalio import workflow
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.testing import TimeSkipper
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from deploy.local.place import Place
from deploy.local.silence import silent
from deploy.local.stack import published
from deploy.local.state import PartState, State
from shared import events


@workflow.defn
class Patient:
    """Waits for five days."""

    @workflow.run
    async def run(self) -> float:
        began = workflow.now()
        await workflow.sleep(timedelta(days=5))
        return (workflow.now() - began) / timedelta(days=1)


@pytest.mark.asyncio
async def test_a_workflow_passes_days_in_a_moment(time_skipper: TimeSkipper) -> None:
    queue = uuid.uuid4().hex
    async with Worker(time_skipper.client, task_queue=queue, workflows=[Patient], workflow_runner=UnsandboxedWorkflowRunner()):
        assert await time_skipper.client.execute_workflow(Patient.run, id=queue, task_queue=queue) == pytest.approx(5, abs=0.01)


@pytest.mark.asyncio
async def test_a_database_is_migrated_and_a_service_has_its_own_schema_only(database: Callable[[str], str]) -> None:
    roster = await asyncpg.connect(database("roster"))
    try:
        assert await roster.fetchval("SELECT current_schema()") == "roster"
    finally:
        await roster.close()


def test_no_server_leaves_its_memory_on_a_disk(stack: Place) -> None:
    running = {part.name: Path(f"/proc/{part.pid}/limits").read_text() for part in published(stack) if part.pid}

    assert running.keys() >= {"postgres", "kafka", "temporal"}
    limits = {name: re.findall(r"Max core file size +(\d+|unlimited) +(\d+|unlimited)", told) for name, told in running.items()}
    assert limits == {name: [("0", "0")] for name in running}


@pytest.mark.asyncio
async def test_topics_stand_under_the_prefix_of_the_test(kafka: tuple[str, str]) -> None:
    bootstrap, prefix = kafka
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    topics = await admin.list_topics()
    await admin.close()
    assert f"{prefix}roster.events" in topics


@pytest.mark.asyncio
async def test_a_kafka_that_came_back_without_its_topics_is_not_said_to_be_well(
    stack: Place, kafka: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its data folder is gone: it answers, and nobody would ask the job that is done to make them anew."""
    seen = [each for each in published(stack) if each.name == "kafka"] + [PartState("bootstrap", State.DONE)]
    monkeypatch.setattr(events, "TOPICS", tuple(kafka[1] + name for name in events.TOPICS))

    assert await silent(stack, seen) == {}
    monkeypatch.setattr(events, "TOPICS", (*events.TOPICS, "x.gone"))
    told = await silent(stack, seen)

    assert list(told) == ["bootstrap"]
    assert "Kafka 中没有事件主题 x.gone，" in told["bootstrap"]


@pytest.mark.asyncio
async def test_closed_workflows_are_kept_for_thirty_days(temporal: Client) -> None:
    answer = await temporal.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=temporal.namespace))
    assert answer.config.workflow_execution_retention_ttl.ToTimedelta().days == 30
