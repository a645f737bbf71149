"""Kafka as the relay and the consumers use it: one batch per partition in flight, and a fresh client after any doubt."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.metrics import SENT

ANSWER_WITHIN = 10.0
_log = structlog.get_logger()


class KafkaSender:
    """Sends outbox rows to their topics. On any error or late answer the producer is rebuilt and the rows are sent again (inboxes remove doubles)."""

    name = "kafka"

    def __init__(self, bootstrap: str, topic_prefix: str = "") -> None:
        self._bootstrap, self._prefix = bootstrap, topic_prefix
        self._producer: AIOKafkaProducer | None = None
        self._partitioner = DefaultPartitioner()

    async def send(self, rows: Sequence[asyncpg.Record]) -> Collection[int]:
        """One batch per partition; the ids of the rows that the broker has acknowledged."""
        try:
            return await asyncio.wait_for(self._send(rows), ANSWER_WITHIN)
        except (KafkaError, TimeoutError, OSError) as error:
            _log.warning("kafka did not answer", error=type(error).__name__)
            await self.close()
            await asyncio.sleep(0.2)
            return ()

    async def _send(self, rows: Sequence[asyncpg.Record]) -> Collection[int]:
        producer = await self._started()
        batches: dict[tuple[str, int], tuple[BatchBuilder, list[int]]] = {}
        full: set[tuple[str, int]] = set()
        for row in rows:
            topic = self._prefix + row["destination"]
            partitions = sorted(await producer.partitions_for(topic))
            where = (topic, self._partitioner(row["key"].encode(), partitions, partitions))
            batch, ids = batches.setdefault(where, (producer.create_batch(), []))
            headers = [(name, value.encode()) for name, value in row["headers"].items()]
            if where in full or batch.append(timestamp=None, key=row["key"].encode(), value=row["body"], headers=headers) is None:
                full.add(where)  # what does not fit waits for the next round, and so does all behind it
            else:
                ids.append(row["id"])
        answers = [await producer.send_batch(batch, topic, partition=partition) for (topic, partition), (batch, _) in batches.items()]
        await asyncio.gather(*answers)
        for (topic, _), (_, ids) in batches.items():
            SENT.add(len(ids), {"messaging.destination.name": topic})
        return [row_id for _, ids in batches.values() for row_id in ids]

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap, enable_idempotence=True, acks="all", request_timeout_ms=8000
            )
            await self._producer.start()
        return self._producer

    async def close(self) -> None:
        """Drop the producer; the next send makes a new one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):  # it is thrown away because it is in doubt; how it ends does not matter
                await asyncio.wait_for(producer.stop(), 3)
