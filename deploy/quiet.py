"""What is still moving in a stack: rows in outboxes, consumers behind their topics, workflows that are due or busy.

Only `bianban clock advance` and the tests look here; it reads the stack from outside, as its owner, and changes nothing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from deploy.local.place import NAMESPACE, SERVICES, Place
from shared import temporal
from shared.db import Connection
from shared.events import TOPICS
from shared.listening import PARTITIONS
from workflows.clock import NEXT_DUE

_AT_ONCE = 8


_NO_ANSWER = frozenset({RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED, RPCStatusCode.FAILED_PRECONDITION})
"""Of a query that no worker took."""


class StillBusy(Exception):  # noqa: N818  named as the fact it states
    """The stack did not come to rest; the sentence names what is moving."""


@dataclass(frozen=True)
class OpenWorkflow:
    """A running workflow: whether it has no clock of its own, when it is next due (business time), and what it is doing right now (empty when it waits)."""

    id: str
    run_id: str
    timeless: bool
    due: datetime | None
    doing: str


class Pulse:
    """Looks at every part that may hold unfinished work. `timeless` are the types of workflow that have no clock of their own."""

    def __init__(self, owner: Connection, kafka: AIOKafkaConsumer, client: Client, timeless: Collection[str]) -> None:
        self.client = client
        self._owner, self._kafka, self._timeless = owner, kafka, timeless

    async def unsent(self) -> list[str]:
        """Outboxes that are not empty."""
        rows = await self._owner.fetch(
            " UNION ALL ".join(f"SELECT '{schema}' AS service, count(*) AS n FROM {schema}.outbox" for schema in await self._schemas())
        )
        return [f"{row['service']} 的发件箱还有 {row['n']} 条" for row in rows if row["n"]]

    async def unread(self) -> list[str]:
        """Consumers that have not reached the end of their topics."""
        partitions = [TopicPartition(topic, number) for topic in TOPICS for number in range(PARTITIONS)]
        ends = await self._kafka.end_offsets(partitions)
        behind: list[str] = []
        for consumer, positions in (await self._positions()).items():
            topics = {topic for topic, _ in positions} or set(TOPICS[:1])
            left = sum(max(0, end - positions.get((at.topic, at.partition), 0)) for at, end in ends.items() if at.topic in topics)
            if left:
                behind.append(f"{consumer} 还有 {left} 条事件未处理")
        return behind

    async def drained(self, patience: float) -> None:
        """Wait until every event is sent and handled, `patience` seconds at most. StillBusy."""
        deadline = time.monotonic() + patience
        while moving := await self.unsent() + await self.unread():
            if time.monotonic() > deadline:
                raise StillBusy(f"{patience:.0f} 秒内没有处理完：{'；'.join(moving)}。请用 bianban status 和 bianban logs 查看。")
            await asyncio.sleep(0.2)

    async def parked(self) -> int:
        """Dead letters, which nobody waits for but everybody should know of."""
        return int(
            await self._owner.fetchval(
                "SELECT " + " + ".join(f"(SELECT count(*) FROM {each}.dead_letters)" for each in await self._schemas())
            )
        )

    async def open_workflows(self) -> list[OpenWorkflow]:
        """All running workflows."""
        gate = asyncio.Semaphore(_AT_ONCE)
        found = [each async for each in self.client.list_workflows("ExecutionStatus = 'Running'")]
        looked = await asyncio.gather(*(self._look(gate, each.id, each.run_id, each.workflow_type) for each in found))
        return [each for each in looked if each is not None]

    async def _schemas(self) -> list[str]:
        """The services whose tables are there."""
        rows = await self._owner.fetch(
            "SELECT schemaname FROM pg_tables WHERE tablename = 'outbox' AND schemaname = ANY($1)", list(SERVICES)
        )
        return sorted(row["schemaname"] for row in rows)

    async def _positions(self) -> dict[str, dict[tuple[str, int], int]]:
        """The position of every consumer that is connected now; a generation that was replaced is not."""
        alive = await self._owner.fetch(
            "SELECT DISTINCT substr(application_name, 10) AS name FROM pg_stat_activity WHERE application_name LIKE 'consumer %'"
        )
        positions: dict[str, dict[tuple[str, int], int]] = {row["name"]: {} for row in alive}
        for schema in await self._schemas():
            for row in await self._owner.fetch(f"SELECT consumer, topic, partition, next_offset FROM {schema}.consumer_positions"):
                if row["consumer"] in positions:
                    positions[row["consumer"]][row["topic"], row["partition"]] = row["next_offset"]
        return positions

    async def _look(self, gate: asyncio.Semaphore, workflow_id: str, run_id: str, kind: str) -> OpenWorkflow | None:
        handle = self.client.get_workflow_handle(workflow_id, run_id=run_id)
        async with gate:
            try:
                described = await handle.describe()
                if described.status is not WorkflowExecutionStatus.RUNNING:  # the list lags behind
                    return None
                doing = _doing(described)
                asked = kind not in self._timeless and not doing
                found = await handle.query(NEXT_DUE, rpc_timeout=temporal.ANSWER_WITHIN) if asked else None
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:  # it has ended meanwhile
                    return None
                if error.status not in _NO_ANSWER:
                    raise
                found, doing = None, "不回答查询"
            except WorkflowQueryFailedError:
                found, doing = None, "不回答查询"
        return OpenWorkflow(workflow_id, run_id, kind in self._timeless, datetime.fromisoformat(found) if found else None, doing)


def _doing(description: WorkflowExecutionDescription) -> str:
    """What keeps a workflow from waiting quietly."""
    raw = description.raw_description
    if raw.pending_activities:
        activity = raw.pending_activities[0]
        return f"正在执行 {activity.activity_type.name}" + (f"（第 {activity.attempt} 次）" if activity.attempt > 1 else "")
    return "正在处理" if raw.HasField("pending_workflow_task") else ""


@asynccontextmanager
async def pulse_of(place: Place, timeless: Collection[str] = ()) -> AsyncIterator[Pulse]:
    """Connect to the three servers of a stack as its owner."""
    owner = await asyncpg.connect(place.database_url("bianban"))
    kafka = AIOKafkaConsumer(
        bootstrap_servers=place.kafka, enable_auto_commit=False
    )  # without topics: a waiting fetch would hold up each question
    try:
        await kafka.start()
        key = bytes.fromhex((place.secrets / "payload.key").read_text(encoding="utf-8").strip())
        yield Pulse(owner, kafka, await temporal.connect(place.temporal, NAMESPACE, key), timeless)
    finally:
        await kafka.stop()
        await owner.close()
