"""Readers that stand before a batch which does not tell its end (`shared/listening.py`), and the offset behind it from which they can read again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CorruptRecordException, NoError
from aiokafka.protocol.fetch import FetchRequest

from shared.db import Database
from shared.listening import HEAD, LOOKS, PARTITIONS

ANSWER_WITHIN = 60.0
SILENT = 15.0
FURTHEST = 20_000
"""How far behind such a batch is looked: more events than two batches hold, and than stand between two entries of Kafka's index."""
_ANSWERS = (NoError.errno, CorruptRecordException.errno)


@dataclass(frozen=True)
class Reader:
    """A consumer of a service, and the next offset it will handle."""

    service: str
    consumer: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class Standing:
    """`behind`: the first offset that can be read again; none where there is none near."""

    reader: Reader
    behind: int | None


async def readers(database: Database) -> list[Reader]:
    """Where each consumer of a service is in each partition of its topics."""
    rows = await database.pool.fetch(
        "SELECT consumer, topic, partition, coalesce(next_offset, 0) AS offset"
        " FROM (SELECT DISTINCT consumer, topic FROM consumer_positions) AS each CROSS JOIN generate_series(0, $1 - 1) AS partition"
        " LEFT JOIN consumer_positions USING (consumer, topic, partition) ORDER BY consumer, topic, partition",
        PARTITIONS,
    )
    return [Reader(database.service, **row) for row in rows]


async def standing(kafka: str, asked: Sequence[Reader]) -> list[Standing]:
    """Those of them that stand. Raises KafkaError or TimeoutError when Kafka does not answer."""
    async with asyncio.timeout(ANSWER_WITHIN), looking(kafka) as consumer:
        ends = await consumer.end_offsets({TopicPartition(each.topic, each.partition) for each in asked})
        found = [(each, await _behind(consumer, each, ends[TopicPartition(each.topic, each.partition)])) for each in asked]
    return [Standing(each, behind) for each, behind in found if behind != each.offset]


@asynccontextmanager
async def looking(kafka: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that is nobody's. Raises KafkaError or TimeoutError when Kafka is away or silent; the driver's own words of it are not for who typed the command."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    try:
        async with asyncio.timeout(SILENT):
            await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _behind(consumer: AIOKafkaConsumer, reader: Reader, end: int) -> int | None:
    """The first offset from this reader's on that can be read: its own, unless it stands."""
    for _ in range(LOOKS):
        if reader.offset >= end or await _tells_its_end(consumer, reader, reader.offset, end) is not False:
            return reader.offset
    for offset in range(reader.offset + 1, min(end, reader.offset + FURTHEST)):
        if await _tells_its_end(consumer, reader, offset, end):
            return offset
    return end if end <= reader.offset + FURTHEST else None


async def _tells_its_end(consumer: AIOKafkaConsumer, reader: Reader, offset: int, end: int) -> bool | None:
    """As the reader judges it. None where the broker has another trouble than a broken log: then nobody is said to stand."""
    client = consumer._client  # noqa: SLF001  the driver hands out no batch that it cannot read
    leader = client.cluster.leader_for_partition(TopicPartition(reader.topic, reader.partition))
    answer = await client.send(leader, FetchRequest(0, 1, 1, 0, [(reader.topic, [(reader.partition, offset, 1)])]))
    ((_, ((_, code, *_, batch),)),) = answer.topics
    first, last = HEAD.unpack_from(batch) if len(batch) >= HEAD.size else (offset, -1)
    return offset < first + last + 1 <= end if code in _ANSWERS else None
