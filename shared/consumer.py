"""What a consumer does with the records it was given: position, inbox and effect are one PostgreSQL transaction.

A batch that fails is rolled back and handled again by halves, down to the event that fails alone: that one is parked with its whole key, and other
keys go on. The process never ends because of an event. Where the records come from: `shared/listening.py`.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from aiokafka import TopicPartition
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link

from shared import dead_letters, deeds, inbox, stirring
from shared.db import BEHIND, PASSING, Connection, Database, retried
from shared.dead_letters import Record
from shared.errors import NotFound, NotYetKnown, Unavailable
from shared.events import CATALOGUE
from shared.events.envelope import Event, Glimpse, Headers, Unreadable, glimpse, uuid7
from shared.inbox import Partition, Versions
from shared.parked_words import DIED, WAITS
from shared.standing import Standing
from shared.traces import begun_by, told

KILLS = 3
LINKS = 32
PROCESS = str(uuid7())
_log = structlog.get_logger()
_tracer = trace.get_tracer("bianban")

Effect = Callable[[Connection, Any], Awaitable[None]]
"""`(conn, event)`: the event's class is the one the handler is registered for."""


@dataclass(frozen=True)
class Together:
    """An effect on several events at once, each of another key: `(conn, events)`. What it does for one of them stands under `handling(event)`."""

    on: Callable[[Connection, Sequence[Any]], Awaitable[None]]


@dataclass(frozen=True)
class Handler:
    """`fold` keeps a read model; `react` starts or tells something, at once unless there is time (`soon`). A rebuild runs the folds alone."""

    fold: Effect | Together | None = None
    react: Effect | Together | None = None
    soon: bool = True

    async def __call__(self, conn: Connection, event: Event) -> None:
        """Run both, the fold first."""
        for effect in (self.fold, self.react):
            await _run(conn, effect, [event])


Handlers = Mapping[type[Event], Handler]
Batches = Mapping[TopicPartition, Sequence[Record]]


@dataclass(frozen=True)
class Subscription:
    """What one consumer listens to. `waits` is how long a missing fact may take to arrive, in seconds.

    `behind` names a consumer of the same topics that it never overtakes, so that both can be brought to equal positions under load.
    `gathers`: a read model may be that much late, in seconds; what comes meanwhile is one transaction instead of many.
    `remembers`: how long an event that comes again is known by its id. Longer than a relay may be away between a message and its double; what
    comes later still is an old version of its aggregate.
    """

    name: str
    topics: Sequence[str]
    handlers: Handlers
    topic_prefix: str = ""
    waits: float = 60.0
    share_limit: float = field(default=0.2)
    behind: str | None = None
    gathers: float = 0.1
    remembers: timedelta = timedelta(days=30)

    @cached_property
    def _urgent(self) -> frozenset[bytes]:
        return frozenset(
            str(kind.model_fields["type"].default).encode() for kind, handler in self.handlers.items() if handler.react and handler.soon
        )

    def reacts_to(self, record: Record) -> bool:
        """Whether the event of this record starts something here that does not wait."""
        return dict(record.headers).get("ce_type") in self._urgent


async def handle(
    database: Database, subscription: Subscription, batches: Batches, standing: Standing, new: Collection[TopicPartition]
) -> None:
    """All partitions' records in one transaction; what fails together is handled by halves.

    The first batch of a `new` partition at which a process died is handled one by one. Later batches are not marked: a record that kills the process there is in
    the first batch after the restart, or in that of the next.
    """
    begun = await _begin(database, subscription, {each: records[0] for each, records in batches.items() if each in new})
    quick = {each: records for each, records in batches.items() if each not in new or each in begun}
    failed = bool(quick) and not await _handle_together(database, subscription, quick, begun)
    for partition, records in batches.items():
        if partition not in quick:
            await _handle_one_by_one(database, subscription, records, standing)
        elif failed:
            await _handle_in_parts(database, subscription, partition, records, begun, standing)


async def _begin(database: Database, subscription: Subscription, first: Mapping[TopicPartition, Record]) -> set[TopicPartition]:
    """Mark the beginning of these partitions' batches, and name them, but those where another process left a beginning without an end."""
    if not first:
        return set()
    rows = await database.pool.fetch(
        "INSERT INTO attempts (consumer, topic, partition, at_offset, process, started)"
        " SELECT $1, topic, partition, at_offset, $2, 1 FROM unnest($3::text[], $4::integer[], $5::bigint[]) AS new (topic, partition, at_offset)"
        " WHERE NOT EXISTS (SELECT FROM attempts a"
        " WHERE a.consumer = $1 AND a.topic = new.topic AND a.partition = new.partition AND a.process <> $2)"
        " ON CONFLICT (consumer, topic, partition, at_offset) DO UPDATE SET process = excluded.process RETURNING topic, partition",
        subscription.name,
        PROCESS,
        [partition.topic for partition in first],
        [partition.partition for partition in first],
        [record.offset for record in first.values()],
    )
    return {TopicPartition(row["topic"], row["partition"]) for row in rows}


async def _handle_together(database: Database, subscription: Subscription, batches: Batches, begun: Collection[TopicPartition]) -> bool:
    try:
        async with _transaction(database) as conn:
            await _apply(conn, subscription, [record for records in batches.values() for record in records])
            for partition in batches.keys() & begun:
                await _forget_attempts(conn, subscription, batches[partition][-1])
    except (Unavailable, asyncpg.PostgresConnectionError):
        raise
    except Exception as error:  # noqa: BLE001  whatever one event of the batch caused is found and judged alone
        _log.info("batch is handled by halves", consumer=subscription.name, error=type(error).__name__)
        return False
    return True


@asynccontextmanager
async def _transaction(database: Database) -> AsyncIterator[Connection]:
    with stirring.watched() as stir:
        async with database.transaction() as conn:
            yield conn
    if stir.told:
        database.wake()


async def _handle_in_parts(
    database: Database,
    subscription: Subscription,
    partition: TopicPartition,
    records: Sequence[Record],
    begun: Collection[TopicPartition],
    standing: Standing,
) -> bool:
    """What fails alone is found among many in a few transactions. False where one event has to be tried again later: what follows it waits."""
    if len(records) == 1:
        return await _handle_one_by_one(database, subscription, records, standing)
    if await _handle_together(database, subscription, {partition: records}, begun):
        return True
    for half in (records[: len(records) // 2], records[len(records) // 2 :]):
        if not await _handle_in_parts(database, subscription, partition, half, begun, standing):
            return False
    return True


async def _handle_one_by_one(database: Database, subscription: Subscription, records: Sequence[Record], standing: Standing) -> bool:
    for record in records:
        if not await _handle_alone(database, subscription, record, standing):
            standing.stand(record)
            return False
    return True


async def _handle_alone(database: Database, subscription: Subscription, record: Record, standing: Standing) -> bool:
    """One event in its own transaction; what cannot be handled is parked with its key. False when it has to be tried again later."""
    if await _started_before(database, subscription, record) > KILLS:
        await _park(database, subscription, record, DIED)
        return True
    try:
        await retried(partial(_effected, database, subscription, record))
    except (Unavailable, asyncpg.PostgresConnectionError):
        raise
    except (*PASSING, *BEHIND) as error:
        _log.warning("tried again", consumer=subscription.name, topic=record.topic, offset=record.offset, error=type(error).__name__)
        await _came_back(database, subscription, record)
        return False
    except Exception as error:  # noqa: BLE001  the consumer never ends because of an event: it is repeated or parked
        await _came_back(database, subscription, record)
        if isinstance(error, NotYetKnown | NotFound) and standing.may_wait(record):
            return False
        await _park(database, subscription, record, dead_letters.reason(error))
    return True


async def _effected(database: Database, subscription: Subscription, record: Record) -> None:
    async with _transaction(database) as conn:
        await _apply(conn, subscription, [record])
        await _forget_attempts(conn, subscription, record)


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
        PROCESS,
    )
    return started


async def _came_back(database: Database, subscription: Subscription, record: Record) -> None:
    """Forget that the handling was begun: the process has not died of it, however it went."""
    with suppress(*PASSING):
        async with database.transaction() as conn:
            await _forget_attempts(conn, subscription, record)


async def _park(database: Database, subscription: Subscription, record: Record, error: str) -> None:
    await dead_letters.ensure_below_limit(database, subscription.name, subscription.share_limit)
    async with database.transaction() as conn:
        await dead_letters.park(conn, subscription.name, record, error)
        await Versions({}).write(conn, subscription.name, _next_offsets([record]))
        await _forget_attempts(conn, subscription, record)
    _log.error("dead letter", consumer=subscription.name, topic=record.topic, offset=record.offset, error=error)


async def park_unread(database: Database, subscription: Subscription, partition: TopicPartition, offsets: range, why: str) -> None:
    """Keep where records stand that the driver cannot read, at the last of them: of what is in them nothing is known."""
    record = dead_letters.Kept(partition.topic, partition.partition, offsets[-1], None, b"", ())
    await _park(
        database, subscription, record, f"{Unreadable.__name__}: the driver cannot read offsets {offsets[0]} to {offsets[-1]} ({why})"
    )


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
    come = [
        Come.of(record) for record in records if record.key is not None or record.value is not None
    ]  # the relay fills a lost tail with empty ones
    parked, fresh = await inbox.sort_out(conn, subscription.name, ((each.key, each.event_id) for each in come))
    line: list[Come] = []
    for each in come:
        if each.key in parked:
            await dead_letters.park(conn, subscription.name, each.record, WAITS)
        elif each.event_id in fresh:
            fresh.discard(each.event_id)  # the same event may stand twice in one batch
            line.append(each)
    await apply_in_line(conn, subscription, line, _next_offsets(records))


async def apply_in_line(
    conn: Connection, subscription: Subscription, line: Sequence["Come"], next_offsets: Mapping[Partition, int]
) -> None:
    """Check each version and handle. An older version than the one seen is a late double and changes nothing."""
    events = [(each, each.event(subscription)) for each in line]
    versions = await Versions.of(conn, subscription.name, [event for _, event in events])
    come = [(each, event) for each, event in events if versions.next_in_line(event)]
    for turn in _turns([(each, event) for each, event in come if isinstance(event, Event)]):
        await _handle_turn(conn, subscription, turn)
    await versions.write(conn, subscription.name, next_offsets)


def _turns(events: Sequence[tuple["Come", Event]]) -> list[list[tuple["Come", Event]]]:
    """The n-th event of each key has the n-th turn: no key stands twice in a turn, and each key keeps its order."""
    turns: list[list[tuple[Come, Event]]] = []
    seen = Counter[str]()
    for come, event in events:
        if seen[come.key] == len(turns):
            turns.append([])
        turns[seen[come.key]].append((come, event))
        seen[come.key] += 1
    return turns


async def _handle_turn(conn: Connection, subscription: Subscription, turn: Sequence[tuple["Come", Event]]) -> None:
    """Fold all, then react to all; what goes together sees its events at once."""
    with _traced(subscription, turn):
        for effect_of in (_fold_of, _react_of):
            shares: dict[Effect | Together | None, list[Event]] = {}
            for _, event in turn:
                shares.setdefault(effect_of(subscription.handlers[type(event)]), []).append(event)
            for effect, events in shares.items():
                await _run(conn, effect, events)


def _fold_of(handler: Handler) -> Effect | Together | None:
    return handler.fold


def _react_of(handler: Handler) -> Effect | Together | None:
    return handler.react


async def _run(conn: Connection, effect: Effect | Together | None, events: Sequence[Event]) -> None:
    if isinstance(effect, Together):
        await effect.on(conn, events)
    elif effect is not None:
        for event in events:
            with handling(event):
                await effect(conn, event)


_spans = ContextVar[Mapping[UUID, trace.Span]]("spans")


@contextmanager
def handling(event: Event) -> Iterator[None]:
    """What is done inside belongs to the trace that this event came with."""
    with trace.use_span(_spans.get({}).get(event.event_id, trace.get_current_span())):
        yield


@contextmanager
def _traced(subscription: Subscription, events: Sequence[tuple["Come", Event]]) -> Iterator[None]:
    """One span per event for as long as their turn lasts; one for all whose causes are long past (a rebuild, a replay), with links to them."""
    spans: dict[UUID, trace.Span] = {}
    late: list[tuple[UUID, Link]] = []
    for come, event in events:
        context, links = begun_by(come.headers)
        if links:
            late.append((event.event_id, links[0]))
        else:
            spans[event.event_id] = _span(subscription, come, event, context, len(events))
    if late:
        spans |= dict.fromkeys((event_id for event_id, _ in late), _late_span(subscription, [link for _, link in late]))
    before = _spans.set(spans)
    try:
        yield
    except Exception as error:
        for span in spans.values():
            told(span, error)
        raise
    finally:
        _spans.reset(before)
        for span in spans.values():
            if span.is_recording():
                span.end()


def _span(subscription: Subscription, come: "Come", event: Event, context: Context, together: int) -> trace.Span:
    span = _tracer.start_span(deeds.of_event("处理", event.type), context, trace.SpanKind.CONSUMER)
    if span.is_recording():
        span.set_attributes(
            _about(event, subscription, come.record) | ({"messaging.batch.message_count": together} if together > 1 else {})
        )
    return span


def _late_span(subscription: Subscription, causes: Sequence[Link]) -> trace.Span:
    about: dict[str, str | int] = {"messaging.consumer.group.name": subscription.name, "messaging.batch.message_count": len(causes)}
    return _tracer.start_span("处理早先的事件", Context(), trace.SpanKind.CONSUMER, about, causes[:LINKS])


def _about(event: Event, subscription: Subscription, record: Record) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.destination.name": event.topic,
        "messaging.consumer.group.name": subscription.name,
        "messaging.message.id": str(event.event_id),
        "messaging.kafka.offset": record.offset,
        "unit.id": str(event.unit_id),
    }
    return attributes | ({"case.id": event.case_id} if event.case_id else {})


def _next_offsets(records: Sequence[Record]) -> dict[Partition, int]:
    return {(record.topic, record.partition): record.offset + 1 for record in records}


@dataclass(frozen=True)
class Come:
    """A record and what its headers say, read once."""

    record: Record
    key: str
    headers: Headers
    event_id: UUID

    @classmethod
    def of(cls, record: Record) -> "Come":
        """Raises Unreadable when no event id can be told."""
        headers = dead_letters.headers_text(record)
        try:
            return cls(record, dead_letters.key_text(record), headers, UUID(headers["ce_id"]))
        except (KeyError, ValueError):
            raise Unreadable("no event id") from None

    def event(self, subscription: Subscription) -> Event | Glimpse:
        """What nobody here handles is not read. Raises Unreadable when the record is no event of ours, or stands under a key that is not its own."""
        topic = self.record.topic.removeprefix(subscription.topic_prefix)
        handled = CATALOGUE.kind(topic, self.headers) in subscription.handlers
        event = CATALOGUE.read(topic, self.headers, self.record.value) if handled else glimpse(self.headers)
        if self.headers.get("ce_partitionkey") != self.key:
            raise Unreadable("the record's key is another")
        return event
