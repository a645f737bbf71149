"""The consumer: position, inbox and effect are one PostgreSQL transaction. Kafka's own group offsets are not used.

Partitions are owned by advisory locks, as lanes are. A batch that fails is rolled back and replayed one event per transaction; the event that
fails alone is parked with its whole key, and other keys go on. The process never ends because of an event.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from opentelemetry import propagate, trace

from shared import dead_letters, inbox
from shared.db import Connection, Database
from shared.dead_letters import Record
from shared.errors import NotFound, NotYetKnown, Unavailable
from shared.events import CATALOGUE
from shared.events.envelope import Event, Headers, Unreadable, uuid7
from shared.inbox import GapSeen, Partition, Versions
from shared.lanes import Lanes, nobody_shares
from shared.standing import Standing

BATCH = 500
PARTITIONS = 6
KILLS = 3
GATHER = 0.05
"""A read model may be a moment late, in seconds: what comes meanwhile is one transaction instead of many."""
GLANCE = 1.0
BOOKKEEPING = ("inbox", "consumer_positions", "aggregate_versions", "attempts", "dead_letters", "replays")
_PROCESS = str(uuid7())
_log = structlog.get_logger()
_tracer = trace.get_tracer("bianban")

Effect = Callable[[Connection, Any], Awaitable[None]]
"""`(conn, event)`: the event's class is the one the handler is registered for."""


@dataclass(frozen=True)
class Handler:
    """`fold` keeps a read model; `react` starts or tells something. A rebuild runs the folds alone."""

    fold: Effect | None = None
    react: Effect | None = None

    async def __call__(self, conn: Connection, event: Event) -> None:
        """Run both, the fold first."""
        for effect in (self.fold, self.react):
            if effect is not None:
                await effect(conn, event)


Handlers = Mapping[type[Event], Handler]
Batches = Mapping[TopicPartition, Sequence[Record]]


@dataclass(frozen=True)
class Subscription:
    """What one consumer listens to. `waits` is how long a missing fact may take to arrive, in seconds.

    `behind` names a consumer of the same topics that it never overtakes, so that both can be brought to equal positions under load.
    """

    name: str
    topics: Sequence[str]
    handlers: Handlers
    topic_prefix: str = ""
    waits: float = 60.0
    share_limit: float = field(default=0.2)
    behind: str | None = None

    @cached_property
    def _urgent(self) -> frozenset[bytes]:
        return frozenset(str(kind.model_fields["type"].default).encode() for kind, handler in self.handlers.items() if handler.react)

    def reacts_to(self, record: Record) -> bool:
        """Whether the event of this record starts something here."""
        return dict(record.headers).get("ce_type") in self._urgent


_PASSING = (
    asyncpg.TransactionRollbackError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
)
"""A deadlock, a timeout, a full disk: tried again for as long as it takes, and never a dead letter."""


async def consume(database: Database, url: str, kafka: str, subscription: Subscription) -> None:
    """Listen for ever. Lost connections are reconnected; the position in PostgreSQL decides what comes next."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_replay_what_is_asked(database, subscription))
        await _listen(database, url, kafka, subscription)


async def _listen(database: Database, url: str, kafka: str, subscription: Subscription) -> None:
    while True:
        try:
            async with _listening(url, kafka, subscription) as (lanes, consumer):
                await _work(database, lanes, consumer, subscription)
        except (
            OSError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
            KafkaError,
            Unavailable,
            TimeoutError,
        ) as error:
            _log.warning("consumer reconnects", consumer=subscription.name, error=type(error).__name__)
            await asyncio.sleep(0.5)


@asynccontextmanager
async def _listening(url: str, kafka: str, subscription: Subscription) -> AsyncIterator[tuple[Lanes, AIOKafkaConsumer]]:
    conn = await asyncpg.connect(url, server_settings={"application_name": f"consumer {subscription.name}"})
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest", request_timeout_ms=8000)
    try:
        await consumer.start()
        lanes = Lanes(conn, _namespace(subscription.name, subscription.topic_prefix), range(PARTITIONS * len(subscription.topics)))
        await lanes.enter()
        yield lanes, consumer
    finally:
        conn.terminate()
        await asyncio.wait_for(asyncio.shield(_stopped(consumer)), 5)


async def _stopped(consumer: AIOKafkaConsumer) -> None:
    with suppress(asyncio.CancelledError, KafkaError, OSError):  # stop() may raise while the broker is down
        await consumer.stop()


def _namespace(name: str, topic_prefix: str) -> str:
    return f"consumer:{name}:{topic_prefix}"


async def _work(database: Database, lanes: Lanes, consumer: AIOKafkaConsumer, subscription: Subscription) -> None:
    loop = asyncio.get_running_loop()
    settled, careful, standing = 0.0, set[TopicPartition](), Standing(consumer, subscription.waits)
    while True:
        if loop.time() - settled > 1.0:
            careful |= await _assign(database, lanes, consumer, subscription)
            settled = loop.time()
        if not lanes.owned:
            await asyncio.sleep(0.2)
            continue
        standing.go_on()
        come = await consumer.getmany(timeout_ms=200, max_records=BATCH)
        if not lanes.alive():
            raise ConnectionError("the lane lock is lost")
        allowed = {partition: await _not_overtaking(database, subscription, records, standing) for partition, records in come.items()}
        batches = {partition: records for partition, records in allowed.items() if records}
        await _handle(database, subscription, batches, standing, careful)
        careful.difference_update(batches)
        if batches and not any(subscription.reacts_to(record) for records in batches.values() for record in records):
            await asyncio.sleep(GATHER)


async def _not_overtaking(
    database: Database, subscription: Subscription, records: Sequence[Record], standing: Standing
) -> Sequence[Record]:
    """The records that the consumer in front has handled; the first that it has not is come back to."""
    if subscription.behind is None:
        return records
    limit = await position(database, subscription.behind, records[0].topic, records[0].partition)
    allowed = [record for record in records if record.offset < limit]
    if len(allowed) < len(records):
        standing.stand(records[len(allowed)])
    return allowed


async def _assign(database: Database, lanes: Lanes, consumer: AIOKafkaConsumer, subscription: Subscription) -> set[TopicPartition]:
    """Take or give back partitions; start new ones where the position says. Returns the new ones: their first batch is handled with care."""
    before = set(consumer.assignment())
    await lanes.settle()
    wanted = {
        TopicPartition(subscription.topic_prefix + subscription.topics[lane // PARTITIONS], lane % PARTITIONS) for lane in lanes.owned
    }
    if wanted != before:
        consumer.assign(sorted(wanted))
        for partition in wanted:
            consumer.seek(partition, await position(database, subscription.name, partition.topic, partition.partition))
    return wanted - before


async def position(database: Database, consumer: str, topic: str, partition: int) -> int:
    """The next offset this consumer will handle."""
    found = await database.pool.fetchval(
        "SELECT next_offset FROM consumer_positions WHERE consumer = $1 AND topic = $2 AND partition = $3", consumer, topic, partition
    )
    return int(found or 0)


async def _handle(
    database: Database, subscription: Subscription, batches: Batches, standing: Standing, careful: Collection[TopicPartition]
) -> None:
    """All partitions' records in one transaction. What fails together, and the first batch of a new partition, is handled one by one."""
    quick = [records for partition, records in batches.items() if partition not in careful]
    failed = bool(quick) and not await _handle_together(database, subscription, [record for records in quick for record in records])
    for partition, records in batches.items():
        if failed or partition in careful:
            await _handle_one_by_one(database, subscription, records, standing)


async def _handle_together(database: Database, subscription: Subscription, records: Sequence[Record]) -> bool:
    try:
        async with database.transaction() as conn:
            await _apply(conn, subscription, records)
    except (Unavailable, asyncpg.PostgresConnectionError):
        raise
    except Exception as error:  # noqa: BLE001  whatever one event of the batch caused is found and judged one by one
        _log.info("batch is replayed one by one", consumer=subscription.name, error=type(error).__name__)
        return False
    database.wake()
    return True


async def _handle_one_by_one(database: Database, subscription: Subscription, records: Sequence[Record], standing: Standing) -> None:
    for record in records:
        if not await _handle_alone(database, subscription, record, standing):
            standing.stand(record)
            break
        database.wake()


async def _handle_alone(database: Database, subscription: Subscription, record: Record, standing: Standing) -> bool:
    """One event in its own transaction; what cannot be handled is parked with its key. False when it has to be tried again later."""
    if await _started_before(database, subscription, record) > KILLS:
        await _park(database, subscription, record, "the process died while handling it")
        return True
    try:
        async with database.transaction() as conn:
            await _apply(conn, subscription, [record])
            await _forget_attempts(conn, subscription, record)
    except (Unavailable, asyncpg.PostgresConnectionError):
        raise
    except _PASSING as error:
        _log.warning("tried again", consumer=subscription.name, topic=record.topic, offset=record.offset, error=type(error).__name__)
        return False
    except Exception as error:  # noqa: BLE001  the consumer never ends because of an event: it is repeated or parked
        if isinstance(error, NotYetKnown | NotFound) and standing.may_wait(record):
            return False
        await _park(database, subscription, record, dead_letters.reason(error))
    return True


async def _started_before(database: Database, subscription: Subscription, record: Record) -> int:
    """Count this start before the handling, in a transaction of its own: a record that kills the process is recognised by it."""
    started: int = await database.pool.fetchval(
        "INSERT INTO attempts AS a (consumer, topic, partition, at_offset, process, started) VALUES ($1, $2, $3, $4, $5, 1)"
        " ON CONFLICT (consumer, topic, partition, at_offset) DO UPDATE"
        " SET started = a.started + (a.process <> excluded.process)::int, process = excluded.process RETURNING started",
        subscription.name,
        record.topic,
        record.partition,
        record.offset,
        _PROCESS,
    )
    return started


async def _park(database: Database, subscription: Subscription, record: Record, error: str) -> None:
    await dead_letters.ensure_below_limit(database, subscription.name, subscription.share_limit)
    async with database.transaction() as conn:
        await dead_letters.park(conn, subscription.name, record, error)
        await Versions({}).write(conn, subscription.name, _next_offsets([record]))
        await _forget_attempts(conn, subscription, record)
    _log.error("dead letter", consumer=subscription.name, topic=record.topic, offset=record.offset, error=error)


async def _forget_attempts(conn: Connection, subscription: Subscription, record: Record) -> None:
    await conn.execute(
        "DELETE FROM attempts WHERE consumer = $1 AND topic = $2 AND partition = $3 AND at_offset <= $4",
        subscription.name,
        record.topic,
        record.partition,
        record.offset,
    )


async def _apply(conn: Connection, subscription: Subscription, records: Sequence[Record]) -> None:
    """Handle records, those of each partition in order, inside the caller's transaction."""
    come = [_Come.of(record) for record in records]
    parked, fresh = await inbox.sort_out(conn, subscription.name, ((each.key, each.event_id) for each in come))
    events: list[tuple[Event, _Come]] = []
    for each in come:
        if each.key in parked:
            await dead_letters.park(conn, subscription.name, each.record, "waits behind an earlier dead letter of its key")
        elif each.event_id in fresh:
            fresh.discard(each.event_id)  # the same event may stand twice in one batch
            events.append((_event(subscription, each), each))
    await _apply_in_line(conn, subscription, events, _next_offsets(records))


async def _apply_in_line(
    conn: Connection, subscription: Subscription, events: Sequence[tuple[Event, "_Come"]], next_offsets: Mapping[Partition, int]
) -> None:
    """Check each version and handle. An older version than the one seen is a late double and changes nothing."""
    versions = await Versions.of(conn, subscription.name, [event for event, _ in events])
    for event, come in events:
        if versions.next_in_line(event):
            await _react(conn, subscription, event, come)
    await versions.write(conn, subscription.name, next_offsets)


async def _react(conn: Connection, subscription: Subscription, event: Event, come: "_Come") -> None:
    handler = subscription.handlers.get(type(event))
    if handler is None:
        return
    with _tracer.start_as_current_span(
        f"process {event.topic}",
        context=propagate.extract(come.headers),
        kind=trace.SpanKind.CONSUMER,
        attributes=_about(event, subscription, come.record),
    ):
        await handler(conn, event)


def _next_offsets(records: Sequence[Record]) -> dict[Partition, int]:
    return {(record.topic, record.partition): record.offset + 1 for record in records}


def _event(subscription: Subscription, come: "_Come") -> Event:
    return CATALOGUE.read(come.record.topic.removeprefix(subscription.topic_prefix), come.headers, come.record.value)


async def _replay_what_is_asked(database: Database, subscription: Subscription) -> None:
    """Handle again what `dead_letters.ask_replay` names, for ever; also while the consumer stands still because too much is parked."""
    while True:
        await asyncio.sleep(GLANCE)
        try:
            asked = "UPDATE replays SET taken = true WHERE consumer = $1 AND NOT taken RETURNING key"
            for row in await database.pool.fetch(asked, subscription.name):
                await _replay_as_asked(database, subscription, row["key"])
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, Unavailable) as error:
            _log.warning("replays wait", consumer=subscription.name, error=type(error).__name__)


async def _replay_as_asked(database: Database, subscription: Subscription, key: str) -> None:
    try:
        while await replay(database, subscription, key):
            pass
    except Exception as error:  # noqa: BLE001  it stays parked, as it was, and may be asked for again
        _log.warning("replay failed", consumer=subscription.name, error=dead_letters.reason(error))
    await database.pool.execute("DELETE FROM replays WHERE consumer = $1 AND key = $2", subscription.name, key)


async def replay(database: Database, subscription: Subscription, key: str) -> int:
    """Handle all that is parked for a key, in one transaction. The first that fails again leaves all of it parked."""
    async with database.transaction() as conn:
        rows = await conn.fetch(
            "SELECT id, topic, partition, at_offset, headers, body FROM dead_letters WHERE consumer = $1 AND key = $2"
            " ORDER BY topic, partition, at_offset FOR UPDATE",
            subscription.name,
            key,
        )
        waiting = [dead_letters.unparked(row) for row in rows]
        while waiting:
            waiting = await _replay_once(conn, subscription, waiting)
        await conn.execute("DELETE FROM dead_letters WHERE id = ANY($1::bigint[])", [row["id"] for row in rows])
    database.wake()
    return len(rows)


async def _replay_once(conn: Connection, subscription: Subscription, records: Sequence[Record]) -> list[Record]:
    """Handle records in the topic's order; those that came before their predecessor are left for the next round. Raises when none goes."""
    early: list[Record] = []
    gap: GapSeen | None = None
    for record in records:
        try:
            async with conn.transaction():
                come = _Come.of(record)
                if await inbox.take(conn, subscription.name, come.event_id):
                    await _apply_in_line(conn, subscription, [(_event(subscription, come), come)], {})
        except GapSeen as seen:
            early.append(record)
            gap = seen
    if gap is not None and len(early) == len(records):
        raise gap
    return early


async def forget(conn: Connection, name: str, topic_prefix: str) -> bool:
    """Delete a consumer's bookkeeping. False, and nothing done, while anybody listens under its name."""
    if not await nobody_shares(conn, _namespace(name, topic_prefix)):
        return False
    for table in BOOKKEEPING:
        await conn.execute(f"DELETE FROM {table} WHERE consumer = $1", name)
    return True


@dataclass(frozen=True)
class _Come:
    """A record and what its headers say, read once."""

    record: Record
    key: str
    headers: Headers
    event_id: UUID

    @classmethod
    def of(cls, record: Record) -> "_Come":
        headers = dead_letters.headers_text(record)
        try:
            return cls(record, dead_letters.key_text(record), headers, UUID(headers["ce_id"]))
        except (KeyError, ValueError):
            raise Unreadable("no event id") from None


def _about(event: Event, subscription: Subscription, record: Record) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.destination.name": event.topic,
        "messaging.consumer.group.name": subscription.name,
        "messaging.message.id": str(event.event_id),
        "messaging.kafka.offset": record.offset,
        "unit.id": str(event.unit_id),
    }
    return attributes | ({"case.id": event.case_id} if event.case_id else {})
