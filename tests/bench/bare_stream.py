"""The floors of `backlog`, `relay` and `workers`: `send_batch` alone, and the rows of an inbox alone. Events per second."""

import asyncio
import logging
import time
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaProducer

from deploy.local.place import Place
from shared.listening import PARTITIONS
from tests.bench.stream import CONSUMER, TOPIC, Stream

BODY = b"x" * 560
"""As long as an event of ours with its headers."""
BATCH = 500


async def sending(place: Place, count: int) -> float:
    """aiokafka's `send_batch`, the next one of a partition after the answer to the last."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it complains of topics that are a moment old
    async with (
        Stream.fresh(place) as stream,
        AIOKafkaProducer(bootstrap_servers=place.kafka, enable_idempotence=True, acks="all") as producer,
    ):

        async def send(partition: int, left: int) -> None:
            while left > 0:
                batch = producer.create_batch()
                while left > 0 and batch.append(timestamp=None, key=b"k" * 36, value=BODY) is not None:
                    left -= 1
                await (await producer.send_batch(batch, stream.prefix + TOPIC, partition=partition))

        await asyncio.gather(*[send(partition, 1) for partition in range(PARTITIONS)])  # topics that are a moment old have no leaders yet
        began = time.monotonic()
        await asyncio.gather(*[send(partition, count // PARTITIONS) for partition in range(PARTITIONS)])
        return count / (time.monotonic() - began)


async def inbox(place: Place, count: int) -> float:
    """One connection, 500 rows a transaction."""
    async with Stream.fresh(place) as stream:
        conn = await asyncpg.connect(stream.url)
        try:
            began = time.monotonic()
            for _ in range(0, count, BATCH):
                await conn.execute(
                    "INSERT INTO inbox (consumer, event_id) SELECT $1, unnest($2::uuid[])", CONSUMER, [uuid4() for _ in range(BATCH)]
                )
            return count / (time.monotonic() - began)
        finally:
            await conn.close()
