"""The floor of `light`: aiokafka alone, from `send` to the consumer's hands, against the broker of the stack."""

import asyncio
import logging
import time
from contextlib import AsyncExitStack

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.bench.pace import paced

TOPIC = "bench.floor"
PARTITIONS = 6
RECORD_BYTES = 300
WARM_UP = 2.0


async def latencies(bootstrap: str, per_second: float, seconds: float) -> list[float]:
    """Milliseconds from produce to consume, one value per record, at an even pace; the first two seconds do not count."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it complains of a topic that is a moment old
    await _make_topic(bootstrap)
    async with AsyncExitStack() as stack:
        producer = await stack.enter_async_context(AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all"))
        consumer = await stack.enter_async_context(AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False))
        partitions = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        seen = asyncio.create_task(_receive(consumer, round(per_second * (WARM_UP + seconds))))

        async def produce(number: int) -> None:
            await producer.send(TOPIC, f"{time.monotonic_ns():<{RECORD_BYTES}}".encode(), partition=number % PARTITIONS)

        await paced(produce, per_second, WARM_UP + seconds)
        return (await asyncio.wait_for(seen, 30))[round(per_second * WARM_UP) :]


async def _make_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    await admin.close()


async def _receive(consumer: AIOKafkaConsumer, expected: int) -> list[float]:
    taken: list[float] = []
    while len(taken) < expected:
        batches = await consumer.getmany(timeout_ms=500)
        now = time.monotonic_ns()
        taken += [(now - int(record.value)) / 1e6 for records in batches.values() for record in records]
    return taken
