"""Kafka as the relay and the consumers use it: one batch per partition in flight, and a fresh client after any doubt."""

import asyncio
import time
from collections.abc import Collection, Sequence
from contextlib import suppress

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from shared import broker_tail
from shared.broker_tail import MARGIN, Batch
from shared.db import Connection
from shared.metrics import SENT

ANSWER_WITHIN = 10.0
SURE = 1.0
"""So long after an answer nobody asks whether the broker still has all it had; it takes longer to die and come back."""
_TRIM = 60.0
_log = structlog.get_logger()


class KafkaSender:
    """Sends outbox rows to their topics. On any error or late answer the producer is rebuilt and the rows are sent again (inboxes remove doubles)."""

    name = "kafka"

    def __init__(self, bootstrap: str, topic_prefix: str = "") -> None:
        self._bootstrap, self._prefix = bootstrap, topic_prefix
        self._producer: AIOKafkaProducer | None = None
        self._reader: AIOKafkaConsumer | None = None
        self._partitioner = DefaultPartitioner()
        self._answered = self._trimmed = 0.0
        self._batches: list[Batch] = []

    async def ready(self, conn: Connection) -> bool:
        """After any doubt, and about once a second when nothing is sent: whether the broker answers and has all it had. What it has lost goes back."""
        if self._producer is not None and time.monotonic() - self._answered < SURE:
            return True
        try:
            await asyncio.wait_for(self._look(conn), ANSWER_WITHIN)
        except (KafkaError, TimeoutError, OSError) as error:
            return await self._doubt(error)
        self._answered = time.monotonic()
        return True

    async def send(self, rows: Sequence[asyncpg.Record]) -> Collection[int]:
        """One batch per partition; the ids of the rows that the broker has acknowledged."""
        try:
            sent = await asyncio.wait_for(self._send(rows), ANSWER_WITHIN)
        except (KafkaError, TimeoutError, OSError) as error:
            await self._doubt(error)
            return ()
        self._answered = time.monotonic()
        return sent

    async def forget(self, conn: Connection, sent: Collection[int]) -> None:
        """Delete what was sent, and keep where it went; after a loss nobody had noticed, all is sent again."""
        for batch in await broker_tail.forget(conn, sent, self._batches):
            await self._put_back(conn, batch.topic, batch.partition, batch.first_offset)
            await self.close()

    async def _put_back(self, conn: Connection, topic: str, partition: int, end: int) -> None:
        lost = await broker_tail.put_back(conn, topic, partition, end, topic.removeprefix(self._prefix))
        _log.error("the broker has lost what it had acknowledged", topic=topic, partition=partition, end=end, lost=lost)

    async def _doubt(self, error: BaseException) -> bool:
        _log.warning("kafka did not answer", error=type(error).__name__)
        await self.close()
        await asyncio.sleep(0.2)
        return False

    async def _look(self, conn: Connection) -> None:
        producer, reader = await self._started()
        known = await broker_tail.known_ends(conn)
        ends = await reader.end_offsets([TopicPartition(*at) for at in known]) if known else {}
        for (topic, partition), end in ends.items():
            if end < known[topic, partition]:
                await self._put_back(conn, topic, partition, end)
                await _fill(producer, topic, partition, known[topic, partition] + MARGIN - end)
        if time.monotonic() - self._trimmed > _TRIM:
            await broker_tail.trim(conn)
            self._trimmed = time.monotonic()

    async def _send(self, rows: Sequence[asyncpg.Record]) -> Collection[int]:
        producer, _ = await self._started()
        batches: dict[tuple[str, int], tuple[BatchBuilder, list[asyncpg.Record]]] = {}
        full: set[tuple[str, int]] = set()
        for row in rows:
            topic = self._prefix + row["destination"]
            partitions = sorted(await producer.partitions_for(topic))
            where = (topic, self._partitioner(row["key"].encode(), partitions, partitions))
            batch, taken = batches.setdefault(where, (producer.create_batch(), []))
            headers = [(name, value.encode()) for name, value in row["headers"].items()]
            if where in full or batch.append(timestamp=None, key=row["key"].encode(), value=row["body"], headers=headers) is None:
                full.add(where)  # what does not fit waits for the next round, and so does all behind it
            else:
                taken.append(row)
        answers = [await producer.send_batch(batch, topic, partition=partition) for (topic, partition), (batch, _) in batches.items()]
        placed = zip(batches.items(), await asyncio.gather(*answers), strict=True)
        self._batches = [Batch(*where, answer.offset, [row["event_id"] for row in taken]) for (where, (_, taken)), answer in placed]
        for batch in self._batches:
            SENT.add(len(batch.event_ids), {"messaging.destination.name": batch.topic})
        return [row["id"] for _, taken in batches.values() for row in taken]

    async def _started(self) -> tuple[AIOKafkaProducer, AIOKafkaConsumer]:
        if self._producer is None or self._reader is None:
            await self.close()
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap, enable_idempotence=True, acks="all", request_timeout_ms=8000
            )
            self._reader = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False, request_timeout_ms=8000)
            await self._producer.start()
            await self._reader.start()
        return self._producer, self._reader

    async def close(self) -> None:
        """Drop the clients; the next send makes new ones."""
        dropped, self._producer, self._reader = (self._producer, self._reader), None, None
        for client in dropped:
            if client is not None:
                with suppress(Exception, asyncio.CancelledError):  # thrown away because it is in doubt; how it ends does not matter
                    await asyncio.wait_for(client.stop(), 3)


async def _fill(producer: AIOKafkaProducer, topic: str, partition: int, count: int) -> None:
    """Append empty records, which every reader passes over."""
    while count > 0:
        batch, taken = producer.create_batch(), 0
        while taken < count and batch.append(timestamp=None, key=None, value=None) is not None:
            taken += 1
        await (await producer.send_batch(batch, topic, partition=partition))
        count -= taken
