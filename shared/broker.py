"""One life of the broker: a connection to each node that is made once and never again, and nothing is repeated.

What is sent over it goes to the very process that was looked at over it. A driver that connects anew by itself may have what it repeats stand in
front of what a broker that came back with a shorter log has yet to be told again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Self

from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError, LeaderNotAvailableError, UnknownTopicOrPartitionError, for_code
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetResponse_v4
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.types import Array, Int8, Int16, Int32, Int64, Schema, String

TIMEOUT_MS = 8000
_ALL_REPLICAS, _LATEST, _NOBODY = -1, -1, -1
_BATCH_BYTES = 512 * 1024
"""Half of what a broker takes at once, and as much as one event may have."""

At = tuple[str, int]
"""Topic and partition."""


class End(NamedTuple):
    """Where a log ends, and which of its leaders says so: a process that comes back leads anew."""

    offset: int
    epoch: int


class Broker:
    """The connections of one life, and the leaders as they were when it began. `epochs`: under which leader each log stood at the last look over them."""

    def __init__(self, cluster: ClusterMetadata, nodes: Mapping[int, AIOKafkaConnection]) -> None:
        self._cluster, self._nodes = cluster, nodes
        self.epochs: Mapping[At, int] = {}

    @classmethod
    async def connect(cls, bootstrap: str) -> Self:
        """Connect to every node. Raises KafkaError, OSError or TimeoutError."""
        cluster = ClusterMetadata()
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            first = await _any(bootstrap)
            try:
                cluster.update_metadata(await first.send(MetadataRequest(None)))
            finally:
                first.close()
        nodes: dict[int, AIOKafkaConnection] = {}
        life = cls(cluster, nodes)
        try:
            for node in cluster.brokers():
                nodes[node.nodeId] = await _connected(node.host, node.port)
        except BaseException:
            await life.close()
            raise
        return life

    def alive(self) -> bool:
        """Whether every connection is still there."""
        return all(conn.connected() for conn in self._nodes.values())

    def partitions(self, topic: str) -> list[int]:
        """The numbers of a topic's partitions."""
        found = self._cluster.partitions_for_topic(topic)
        if not found:
            raise UnknownTopicOrPartitionError(topic)
        return sorted(found)

    async def ends(self, asked: Collection[At]) -> dict[At, End]:
        """Where these logs end."""
        answers, errors = await self._ask(dict.fromkeys(asked, _LATEST), _Ends)
        if errors:
            raise errors[0]
        return {at: End(told["offset"], told["leader_epoch"]) for at, told in answers.items()}

    async def ends_of(self, epochs: Mapping[At, int]) -> dict[At, int]:
        """Where the logs of these leaders end now (KIP-101): what one of them had beyond is lost, also where others have written behind it since.

        Not told of a leader that the log does not remember.
        """
        answers, errors = await self._ask(epochs, _EndsOf)
        if errors:
            raise errors[0]
        return {at: told["end_offset"] for at, told in answers.items() if told["end_offset"] >= 0}

    async def append(self, batches: Mapping[At, bytes]) -> dict[At, int]:
        """Append one batch to each log; the offsets of their first records where that was done. Raises when it was done nowhere."""
        answers, errors = await self._ask(batches, lambda topics: ProduceRequest(None, _ALL_REPLICAS, TIMEOUT_MS, topics))
        if errors and not answers:
            raise errors[0]
        return {at: told["offset"] for at, told in answers.items()}

    async def _ask(self, parts: Mapping[At, Any], request: Any) -> tuple[dict[At, dict[str, Any]], list[Exception]]:
        """Ask each leader once about its partitions; what it answers for each, by the protocol's names, and the errors."""
        shares: dict[int, dict[str, list[tuple[int, Any]]]] = defaultdict(lambda: defaultdict(list))
        for (topic, partition), part in parts.items():
            shares[self._leader(topic, partition)][topic].append((partition, part))
        asked = [self._nodes[node].send(request([*topics.items()])) for node, topics in shares.items()]
        answers: dict[At, dict[str, Any]] = {}
        errors: list[Exception] = []
        for come in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(come, Exception):
                errors.append(come)
                continue
            for at, told in _told(come):
                if told["error_code"]:
                    errors.append(for_code(told["error_code"])())
                else:
                    answers[at] = told
        return answers, errors

    def _leader(self, topic: str, partition: int) -> int:
        node: int = self._cluster.leader_for_partition(TopicPartition(topic, partition)) if partition in self.partitions(topic) else _NOBODY
        if node not in self._nodes:
            raise LeaderNotAvailableError(topic)
        return node

    async def close(self) -> None:
        """Drop all connections; what was under way is in doubt."""
        closed = [closing for conn in self._nodes.values() if (closing := conn.close())]
        with suppress(Exception):  # thrown away; how it ends does not matter
            async with asyncio.timeout(1):
                await asyncio.gather(*closed)


def new_batch() -> BatchBuilder:
    """A batch to fill."""
    return BatchBuilder(_BATCH_BYTES, 0)


def packed(batch: BatchBuilder) -> bytes:
    """The batch as it goes over the wire; nothing is added to it any more."""
    return bytes(batch._build())  # noqa: SLF001  the accumulator of the driver, its only reader else, is what we go without


def empty_batch(most: int) -> tuple[bytes, int]:
    """At most so many records without key and value, which every reader passes over; and how many."""
    batch, count = new_batch(), 0
    while count < most and batch.append(timestamp=None, key=None, value=None) is not None:
        count += 1
    return packed(batch), count


async def _any(bootstrap: str) -> AIOKafkaConnection:
    for host, port, _ in collect_hosts(bootstrap):
        with suppress(KafkaError, OSError):
            return await _connected(host, port)
    raise KafkaConnectionError(bootstrap)


async def _connected(host: str, port: int) -> AIOKafkaConnection:
    return await create_conn(host, port, client_id="relay", request_timeout_ms=TIMEOUT_MS)


def _told(answer: Any) -> Iterator[tuple[At, dict[str, Any]]]:
    for topic in answer.to_object()["topics"]:
        yield from (((topic["topic"], told["partition"]), told) for told in topic["partitions"])


class _EndsOfResponse(Response):  # type: ignore[misc]  # the driver has no types
    API_KEY, API_VERSION = 23, 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            Array(
                ("topic", String("utf-8")),
                ("partitions", Array(("error_code", Int16), ("partition", Int32), ("leader_epoch", Int32), ("end_offset", Int64))),
            ),
        ),
    )


class _EndsOfStruct(RequestStruct):  # type: ignore[misc]
    """OffsetForLeaderEpoch 3, which the driver does not have."""

    API_KEY, API_VERSION, RESPONSE_TYPE = 23, 3, _EndsOfResponse
    SCHEMA = Schema(
        ("replica_id", Int32),
        (
            "topics",
            Array(
                ("topic", String("utf-8")),
                ("partitions", Array(("partition", Int32), ("current_leader_epoch", Int32), ("leader_epoch", Int32))),
            ),
        ),
    )


class _EndsOf(Request[_EndsOfStruct]):  # type: ignore[misc]
    API_KEY = 23

    def __init__(self, topics: list[tuple[str, list[tuple[int, int]]]]) -> None:
        self._topics = topics

    def build(self, struct: type[_EndsOfStruct]) -> _EndsOfStruct:
        """All partitions, whoever leads them now."""
        return struct(_NOBODY, [(topic, [(partition, _NOBODY, epoch) for partition, epoch in asked]) for topic, asked in self._topics])


class _EndsStruct(RequestStruct):  # type: ignore[misc]  # the driver has no types
    """ListOffsets 4, which tells the leader's epoch; the driver's own stops at 3."""

    API_KEY, API_VERSION, RESPONSE_TYPE = 2, 4, OffsetResponse_v4
    SCHEMA = Schema(
        ("replica_id", Int32),
        ("isolation_level", Int8),
        (
            "topics",
            Array(
                ("topic", String("utf-8")),
                ("partitions", Array(("partition", Int32), ("current_leader_epoch", Int32), ("timestamp", Int64))),
            ),
        ),
    )


class _Ends(Request[_EndsStruct]):  # type: ignore[misc]
    API_KEY = 2

    def __init__(self, topics: list[tuple[str, list[tuple[int, int]]]]) -> None:
        self._topics = topics

    def build(self, struct: type[_EndsStruct]) -> _EndsStruct:
        """All partitions, whoever leads them."""
        topics = [(topic, [(partition, _NOBODY, when) for partition, when in asked]) for topic, asked in self._topics]
        return struct(_NOBODY, 0, topics)
