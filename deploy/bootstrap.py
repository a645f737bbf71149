"""The job that tells Kafka its topics and Temporal its namespace, search attributes and Schedules. Repeating it changes nothing."""

import asyncio
import os
import sys
import tomllib
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode

from shared.settings import StackSettings
from workflows.schedules import ensure as ensure_schedules

PLAN = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
TOPIC_EXISTS = 36
PATIENCE = 60.0
KINDS = {"keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, "datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME}


async def create_topics(bootstrap: str, prefix: str, replicas: int = 1) -> list[str]:
    """Create the planned topics under a prefix; answers with those that are new. RuntimeError names the first that was refused."""
    plan = PLAN["topics"]
    topics = [
        NewTopic(prefix + name, plan["partitions"], replicas, topic_configs={"retention.ms": str(plan["retention_ms"])})
        for name in plan["names"]
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics(topics)
    finally:
        await admin.close()
    refused = [error for error in answer.topic_errors if error[1] not in {0, TOPIC_EXISTS}]
    if refused:
        raise RuntimeError(f"topic {refused[0][0]}: error {refused[0][1]}")
    return [error[0] for error in answer.topic_errors if error[1] == 0]


async def prepare_namespace(address: str, namespace: str) -> None:
    """Register the namespace (or correct its retention) and add the search attributes it lacks."""
    client = await Client.connect(address, namespace=namespace)
    retention = Duration()
    retention.FromTimedelta(timedelta(days=PLAN["namespace"]["retention_days"]))
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=retention)
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
        config = NamespaceConfig(workflow_execution_retention_ttl=retention)
        await client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=namespace, config=config))
    known = await _attributes(client, namespace)
    missing = {name: KINDS[kind] for name, kind in PLAN["search_attributes"].items() if name not in known}
    if missing:
        await client.operator_service.add_search_attributes(AddSearchAttributesRequest(namespace=namespace, search_attributes=missing))


async def _attributes(client: Client, namespace: str) -> Collection[str]:
    """What a namespace has. One that was just registered is known to the server some seconds later. Raises TimeoutError when it never is."""
    asked = ListSearchAttributesRequest(namespace=namespace)
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return (await client.operator_service.list_search_attributes(asked)).custom_attributes
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            await asyncio.sleep(0.5)


async def main() -> None:
    """Prepare both servers that the settings name."""
    settings = StackSettings()
    created, _ = await asyncio.gather(
        create_topics(settings.kafka, settings.topic_prefix, settings.kafka_replicas),
        prepare_namespace(settings.temporal, settings.temporal_namespace),
    )
    await ensure_schedules(
        await Client.connect(settings.temporal, namespace=settings.temporal_namespace, data_converter=pydantic_data_converter)
    )
    sys.stdout.write(f"topics created: {', '.join(created) or 'none'}\n")


if __name__ == "__main__":
    asyncio.run(main())
    sys.stdout.flush()
    os._exit(0)  # temporalio may crash at interpreter exit after all work is done (sdk-python#300)
