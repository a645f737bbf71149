"""Faults of what is told: doubles and old records in the topics, rows of the outbox in the wrong order, leaps of business time."""

import asyncio
import contextlib
import signal
import time
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.chaos.faults import AWAY, Fault, Scene, Skipped, Unfinished, ready, signal_part
from deploy.clock import mover, shift
from deploy.databases import logged_in
from shared import dead_letters
from shared.events import TOPICS
from shared.listening import PARTITIONS

SHORT_OF_A_TIMER, SHORT = 0.5, timedelta(seconds=4)
GLANCE, UNTIL_TOLD = 10.0, 120.0
LOOKS, READ_WITHIN, STEP, LAST = 100, 10_000, 2500, 50


class Duplicates(Fault):
    """The last records of a topic once more, one to four times, each in its old order. Contract: the inbox knows their ids; nothing happens."""

    name = "duplicates"
    shuffled = False

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return TOPICS

    async def begin(self, scene: Scene) -> None:
        address = scene.ground.place.kafka
        consumer = AIOKafkaConsumer(bootstrap_servers=address, enable_auto_commit=False)
        producer = AIOKafkaProducer(bootstrap_servers=address)
        try:
            await consumer.start()
            await producer.start()
            records = await self._last_of_any(consumer)
            records *= self.chance.randint(1, 4)
            if self.shuffled:
                self.chance.shuffle(records)
            self.parameters |= {"partition": records[0].partition, "records": len(records)}
            for record in records:
                await producer.send(record.topic, record.value, record.key, record.partition, headers=[*record.headers])
            await producer.flush()
        finally:
            await consumer.stop()
            await producer.stop()

    async def _last_of_any(self, consumer: AIOKafkaConsumer) -> list:  # type: ignore[type-arg]  # the driver's own records
        for number in self.chance.sample(range(PARTITIONS), PARTITIONS):
            if records := await self._last(consumer, TopicPartition(self.target, number)):
                return records
        raise Skipped(f"{self.target} 中还没有事件")

    @staticmethod
    async def _last(consumer: AIOKafkaConsumer, partition: TopicPartition) -> list:  # type: ignore[type-arg]  # as above
        """Where the broker has lost something, what fills the log up stands behind the last events."""
        consumer.assign([partition])
        first = (await consumer.beginning_offsets([partition]))[partition]
        start, found = (await consumer.end_offsets([partition]))[partition], list[Any]()
        while start > first and not found:
            end, start = start, max(first, start - STEP)
            consumer.seek(partition, start)
            while await consumer.position(partition) < end:
                come = (await consumer.getmany(partition, timeout_ms=READ_WITHIN, max_records=STEP)).get(partition)
                if not come:
                    raise TimeoutError(f"{partition.topic} {partition.partition}")
                found += [record for record in come if record.value is not None and record.offset < end]
        return found[-LAST:]


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
            for _ in range(LOOKS):
                async with owner.transaction():
                    if planted := await _swap(owner, last):
                        scene.planted.update(planted)
                        return
                await asyncio.sleep(0.1)
        finally:
            signal_part(part, signal.SIGCONT)
            await owner.close()
        raise Skipped("没有同一单位的两条事件在等待发送")

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
    asked = 0
    async with logged_in(scene.ground.place.database_url("bianban")) as owner:
        for schema in ("approval", "monitoring", "reporting", "identity"):
            asked += len(
                await owner.fetch(
                    f"INSERT INTO {schema}.replays (consumer, key) SELECT DISTINCT consumer, key FROM {schema}.dead_letters"
                    f" {dead_letters.ASKED_AGAIN} RETURNING key"
                )
            )
    return asked


class Leap(Fault):
    """Business time leaps on by hours or days under full load, whichever server is away: reminders, terms and rungs fall due at once.

    One leap in two stops a few seconds before an instant that a case waits for: told early enough, only its own timer can wake it.
    """

    name = "clock-leap"

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return ("clock",)

    async def begin(self, scene: Scene) -> None:
        before = scene.client.clock.now()
        to = before + timedelta(hours=self.chance.choice([1, 5, 24, 72]))
        if self.chance.random() < SHORT_OF_A_TIMER:
            to = await self._short_of_a_timer(scene, before, to)
        shift(scene.ground.place.clock_file, to)
        self.parameters |= {"hours": round((to - before) / timedelta(hours=1), 2)}
        await self._tell(scene, before, to)

    async def _short_of_a_timer(self, scene: Scene, before: datetime, to: datetime) -> datetime:
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(GLANCE), mover(scene.ground.place) as moving:
                due = await moving.next_due(before + 2 * SHORT, to)
                self.parameters["short_of"] = str(due)
                return due - SHORT if due else to
        return to

    @staticmethod
    async def _tell(scene: Scene, before: datetime, to: datetime) -> None:
        """Everybody learns of it, as soon as the servers that are away are there again."""
        deadline = time.monotonic() + UNTIL_TOLD
        while True:
            try:
                async with asyncio.timeout(UNTIL_TOLD), mover(scene.ground.place) as moving:
                    return await moving.tell_of_leap(before, to)
            except AWAY as error:
                if time.monotonic() > deadline:
                    raise Unfinished(f"{UNTIL_TOLD:.0f} 秒内未能告知全部案件：{type(error).__name__}") from error
                await asyncio.sleep(1)
