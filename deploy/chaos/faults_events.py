"""Faults of what is told: doubles and old records in the topics, rows of the outbox in the wrong order, leaps of business time."""

import asyncio
import signal
from datetime import timedelta

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.chaos.faults import Fault, Scene, ready, signal_part
from deploy.clock import mover
from shared import dead_letters
from shared.events import TOPICS
from shared.listening import PARTITIONS


class Duplicates(Fault):
    """The last records of a topic once more, one to four times, each in its old order. Contract: the inbox knows their ids; nothing happens."""

    name = "duplicates"
    insists = True
    shuffled = False

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return TOPICS[:3]

    async def begin(self, scene: Scene) -> None:
        address = scene.ground.place.kafka
        consumer = AIOKafkaConsumer(bootstrap_servers=address, enable_auto_commit=False)
        producer = AIOKafkaProducer(bootstrap_servers=address)
        try:
            await consumer.start()
            await producer.start()
            records = await self._last(consumer, TopicPartition(self.target, scene.chance.randrange(PARTITIONS)))
            records *= scene.chance.randint(1, 4)
            if self.shuffled:
                scene.chance.shuffle(records)
            for record in records:
                await producer.send(record.topic, record.value, record.key, record.partition, headers=[*record.headers])
            await producer.flush()
        finally:
            await consumer.stop()
            await producer.stop()

    @staticmethod
    async def _last(consumer: AIOKafkaConsumer, partition: TopicPartition) -> list:  # type: ignore[type-arg]  # the driver's own records
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        consumer.seek(partition, max(0, end - 50))
        found = (await consumer.getmany(partition, timeout_ms=2000, max_records=50)).get(partition, [])
        return [record for record in found if record.value is not None]


class OldInDisorder(Duplicates):
    """The same, shuffled. Contract: as for doubles; the order in which known events come again means nothing."""

    name = "old-in-disorder"
    shuffled = True


class Swapped(Fault):
    """Two events of one unit change places in the outbox, as if its lock had failed. Contract: the consumer sees the gap and parks the key;
    a replay puts it right, in order.
    """

    name = "swapped"
    lasts = 6.0

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return ("roster-worker",)

    async def begin(self, scene: Scene) -> None:
        """Its relay sleeps meanwhile, and only rows that it cannot have read are touched."""
        part = await ready(scene, self.target)
        owner = await asyncpg.connect(scene.ground.place.database_url("bianban"))
        signal_part(part, signal.SIGSTOP)
        try:
            last = await owner.fetchval("SELECT coalesce(max(id), 0) FROM roster.outbox")
            for _ in range(50):
                async with owner.transaction():
                    if planted := await _swap(owner, last):
                        scene.planted.update(planted)
                        return
                await asyncio.sleep(0.1)
        finally:
            signal_part(part, signal.SIGCONT)
            await owner.close()

    async def end(self, scene: Scene) -> None:
        await replay_all(scene)


async def _swap(owner: "asyncpg.Connection[asyncpg.Record]", after: int) -> set[str]:
    """Exchange what two waiting rows of one key say; the ids of their events, none when there are no two."""
    rows = await owner.fetch(
        "SELECT id, key, event_id, type, headers, body FROM roster.outbox WHERE destination <> 'temporal' AND id > $1 ORDER BY id FOR UPDATE",
        after,
    )
    seen: dict[str, asyncpg.Record] = {}
    for row in rows:
        first = seen.setdefault(row["key"], row)
        if first is not row:
            await _write(owner, first["id"], row)
            await _write(owner, row["id"], first)
            return {str(first["event_id"]), str(row["event_id"])}
    return set()


async def _write(owner: "asyncpg.Connection[asyncpg.Record]", row_id: int, said: asyncpg.Record) -> None:
    await owner.execute(
        "UPDATE roster.outbox SET event_id = $2, type = $3, headers = $4, body = $5 WHERE id = $1",
        row_id,
        said["event_id"],
        said["type"],
        said["headers"],
        said["body"],
    )


async def replay_all(scene: Scene) -> int:
    """Ask for a replay of every parked key, as an operator would by `bianban dead-letters replay`; how many there were."""
    owner = await asyncpg.connect(scene.ground.place.database_url("bianban"))
    asked = 0
    try:
        for schema in ("approval", "monitoring", "reporting", "identity"):
            asked += len(
                await owner.fetch(
                    f"INSERT INTO {schema}.replays (consumer, key) SELECT DISTINCT consumer, key FROM {schema}.dead_letters"
                    f" {dead_letters.ASKED_AGAIN} RETURNING key"
                )
            )
    finally:
        await owner.close()
    return asked


class Leap(Fault):
    """Business time leaps on by hours or days under full load: reminders, terms and rungs fall due at once."""

    name = "clock-leap"
    insists = True

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return ("clock",)

    async def begin(self, scene: Scene) -> None:
        hours = scene.chance.choice([1, 5, 24, 72])
        async with mover(scene.ground.place) as moving:
            await moving.leap(scene.client.clock.now() + timedelta(hours=hours))
