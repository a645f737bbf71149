"""What the tests of the kit stand on: events of invented units, records in Kafka, effects in a table of their own, processes that can be killed.

The kit's tables stand in every schema; these tests use identity's.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2

from deploy.local.place import PROJECT
from shared import db
from shared.consumer import Handler, Subscription, Together
from shared.db import By, Connection, Database
from shared.events.envelope import Event
from shared.events.roster import QuotaChanged
from shared.given_up import Hand
from shared.listening import PARTITIONS, consume, position

NOW = datetime(2026, 9, 18, 1, tzinfo=UTC)
TOPIC = "roster.events"
SERVICE = "identity"
HAND = Hand("root", "源数据已更正")
Where = Callable[[str], str]


def by(key: str = "") -> By:
    return By(actor="tester", as_of=NOW, key=key or str(uuid4()))


def changed(unit_id: UUID, version: int, event_id: UUID | None = None) -> QuotaChanged:
    """The `version`-th thing that happened to a unit."""
    return QuotaChanged(
        event_id=event_id or uuid4(), occurred_at=NOW, unit_id=unit_id, version=version, effective_on=date(2026, 9, 18)
    )  # fmt: skip


def partition_of(unit_id: UUID) -> int:
    """Where the relay's partitioner puts a unit (Kafka's own murmur2)."""
    return int(murmur2(str(unit_id).encode()) & 0x7FFFFFFF) % PARTITIONS


def unit_in(partition: int) -> UUID:
    """A unit whose events go to this partition."""
    return next(unit for unit in iter(uuid4, None) if partition_of(unit) == partition)


async def put(kafka: tuple[str, str], *events: Event, headers: dict[str, str] | None = None, body: bytes | None = None) -> None:
    """Write events to their topics, in this order and those of a partition together; headers and body may be spoiled on the way."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka[0], linger_ms=30)
    await producer.start()
    try:
        answers = []
        for event in events:
            sent = [(name, value.encode()) for name, value in (event.headers() | (headers or {})).items()]
            data, key = event.body() if body is None else body, event.key.encode()
            answers.append(
                await producer.send(kafka[1] + event.topic, data, key=key, headers=sent, partition=partition_of(UUID(event.key)))
            )
        await asyncio.gather(*answers)
    finally:
        await producer.stop()


async def taken(kafka: tuple[str, str], topic: str = TOPIC) -> list[tuple[str, int]]:
    """All records of a topic as (key, version), each partition in its order."""
    partitions = [TopicPartition(kafka[1] + topic, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka[0], enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[tuple[str, int]] = []
        for partition in partitions:
            await consumer.seek_to_beginning(partition)
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [(record.key.decode(), int(dict(record.headers)["ce_sequence"])) for record in records if record.key]
        return found
    finally:
        await consumer.stop()


async def until(ask: Callable[[], Awaitable[object]], patience: float = 60.0) -> None:
    """Wait until the answer is true."""
    async with asyncio.timeout(patience):
        while True:
            if await ask():
                return
            await asyncio.sleep(0.03)


async def until_waiting(database: Database, many: int = 1) -> None:
    """Wait until so many sessions wait for another's lock."""
    waiting = "SELECT count(*) >= $1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    await until(lambda: database.pool.fetchval(waiting, many))


@dataclass
class Kit:
    """One service's tables, with a table of effects beside them."""

    database: Database
    url: str
    kafka: tuple[str, str]

    async def effects(self, unit_id: UUID | None = None) -> list[int]:
        """The versions that took effect, in order."""
        rows = await self.database.pool.fetch("SELECT version FROM effects WHERE $1::uuid IS NULL OR unit_id = $1 ORDER BY id", unit_id)
        return [row["version"] for row in rows]

    async def parked(self) -> list[str]:
        """Why what is parked could not be handled, in the topic's order."""
        rows = await self.database.pool.fetch("SELECT error FROM dead_letters ORDER BY topic, partition, at_offset")
        return [row["error"] for row in rows]

    async def count(self, table: str) -> int:
        number: int = await self.database.pool.fetchval(f"SELECT count(*) FROM {table}")
        return number

    async def handled(self, *events: Event) -> bool:
        """Whether the consumer is past all of these events: each is in the inbox or parked."""
        found: int = await self.database.pool.fetchval(
            "SELECT count(*) FROM unnest($1::uuid[]) AS asked(id) WHERE EXISTS (SELECT FROM inbox WHERE event_id = asked.id)"
            " OR EXISTS (SELECT FROM dead_letters WHERE headers ->> 'ce_id' = asked.id::text)",
            [event.event_id for event in events],
        )
        return found == len({event.event_id for event in events})

    @asynccontextmanager
    async def consuming(self, subscription: Subscription) -> AsyncIterator[None]:
        """A consumer inside this process."""
        task = asyncio.create_task(consume(self.database, self.url, self.kafka[0], subscription))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def subscription(self, effect: Callable[[Connection, QuotaChanged], Awaitable[None]] | Together, waits: float = 60.0) -> Subscription:
        return Subscription("kit", (TOPIC,), {QuotaChanged: Handler(fold=effect)}, self.kafka[1], waits=waits)


@asynccontextmanager
async def kit_of(where: Where, kafka: tuple[str, str]) -> AsyncIterator[Kit]:
    owner = await asyncpg.connect(where("bianban"))
    await owner.execute(f"SET ROLE bianban; SET search_path = {SERVICE}")
    await owner.execute(
        "CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, unit_id uuid NOT NULL, version integer NOT NULL, event_id uuid NOT NULL);"
        "CREATE TABLE counters (id integer PRIMARY KEY, value integer NOT NULL); INSERT INTO counters VALUES (1, 0), (2, 0)"
    )
    await owner.close()
    async with db.connect(where(SERVICE), SERVICE) as database:
        yield Kit(database, where(SERVICE), kafka)


async def keep_effect(conn: Connection, event: QuotaChanged) -> None:
    """The effect of an event: one row."""
    await conn.execute("INSERT INTO effects (unit_id, version, event_id) VALUES ($1, $2, $3)", event.unit_id, event.version, event.event_id)


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """One process of `tests/shared/processes.py`; killed at the end at the latest."""
    started = await start(*arguments)
    try:
        yield started
    finally:
        await kill(started)


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.shared.processes", *arguments, cwd=PROJECT)


async def kill(started: asyncio.subprocess.Process) -> None:
    """kill -9."""
    if started.returncode is None:
        started.kill()
    await started.wait()


def doubles(found: Sequence[object]) -> int:
    """How many stand there more than once."""
    return sum(count - 1 for count in Counter(found).values())


def first_occurrences(found: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    """What a reader with an inbox sees: per key, each version where it stands first."""
    seen: dict[str, dict[int, None]] = {}
    for key, version in found:
        seen.setdefault(key, {})[version] = None
    return {key: list(versions) for key, versions in seen.items()}


async def next_offset(kit: Kit, unit: UUID) -> int:
    return await position(kit.database, "kit", kit.kafka[1] + TOPIC, partition_of(unit))


async def past(kit: Kit, unit: UUID, offset: int) -> bool:
    return await next_offset(kit, unit) >= offset


async def all_past(kit: Kit, units: list[UUID], version: int) -> bool:
    seen: int = await kit.database.pool.fetchval(
        "SELECT count(*) FROM aggregate_versions WHERE version >= $2 AND aggregate_id = ANY($1)", [str(unit) for unit in units], version
    )
    return seen == len(units)
