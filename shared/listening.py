"""Where a consumer's records come from: its share of the partitions, fetched from where the position in PostgreSQL says.

Partitions are owned by advisory locks, as lanes are; Kafka's own groups and group offsets are not used. What is done with the records:
`shared/consumer.py`.
"""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError, UnsupportedCodecError
from aiokafka.protocol.fetch import FetchRequest

from shared import inbox, replays
from shared.consumer import Subscription, handle, park_unread
from shared.db import TROUBLE, Connection, Database, ensure_to_go_on
from shared.dead_letters import Record
from shared.events.envelope import begun_at
from shared.lanes import Lanes, lock_connection, nobody_shares
from shared.metrics import CONSUMED, EVENT_DELAY, LAG, RECONNECTS
from shared.recovery import LONGEST
from shared.standing import Standing
from shared.watching import at_intervals

BATCH = 500
PARTITIONS = 6
ANSWER_WITHIN = 5.0
SILENCE = 30.0
LOOKS = 3
HEAD = struct.Struct(">q15xi")
"""Of a batch: its first offset, and how far behind that its last one is."""
UNREADABLE = (UnicodeDecodeError, CorruptRecordException, UnsupportedCodecError)
"""How the driver says that it cannot read: the name of a header, a batch whose checksum is wrong, or one that is packed in a way it does not know."""
BOOKKEEPING = ("inbox", "consumer_positions", "aggregate_versions", "attempts", "dead_letters", "replays")
_log = structlog.get_logger()


async def consume(database: Database, url: str, kafka: str, subscription: Subscription) -> None:
    """Listen for ever. Lost connections are reconnected; the position in PostgreSQL decides what comes next.

    Where it lies behind the end of a log that was lost in part, nothing comes until the relay has filled that up.
    """
    async with asyncio.TaskGroup() as group:
        group.create_task(replays.replay_what_is_asked(database, subscription))
        group.create_task(inbox.trim(database, subscription.name, subscription.remembers))
        await _listen(database, url, kafka, subscription)


async def _listen(database: Database, url: str, kafka: str, subscription: Subscription) -> None:
    while True:
        try:
            async with _listening(url, kafka, subscription) as (lanes, consumer):
                telling = asyncio.create_task(_tell_lag(database, consumer, subscription.name))
                try:
                    await _work(database, lanes, consumer, subscription)
                finally:
                    telling.cancel()
                    LAG.set(subscription.name, ())
        except (*TROUBLE, KafkaError) as error:
            ensure_to_go_on()
            _log.warning("consumer reconnects", consumer=subscription.name, error=type(error).__name__)
            RECONNECTS.add(1, {"messaging.consumer.group.name": subscription.name})
            await asyncio.sleep(0.5)


@asynccontextmanager
async def _listening(url: str, kafka: str, subscription: Subscription) -> AsyncIterator[tuple[Lanes, AIOKafkaConsumer]]:
    conn = await lock_connection(url, f"consumer {subscription.name}")
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="none", request_timeout_ms=8000)
    try:
        await consumer.start()
        lanes = Lanes(conn, _namespace(subscription.name, subscription.topic_prefix), range(PARTITIONS * len(subscription.topics)))
        await lanes.enter()
        yield lanes, consumer
    finally:
        conn.terminate()
        await asyncio.wait({asyncio.ensure_future(_stopped(consumer))}, timeout=ANSWER_WITHIN)


async def _stopped(consumer: AIOKafkaConsumer) -> None:
    for close in (consumer.stop, consumer._client.close):  # noqa: SLF001  while the broker is down stop() may raise before it comes to that
        with suppress(asyncio.CancelledError, KafkaError, OSError):
            await close()


def _namespace(name: str, topic_prefix: str) -> str:
    return f"consumer:{name}:{topic_prefix}"


async def _work(database: Database, lanes: Lanes, consumer: AIOKafkaConsumer, subscription: Subscription) -> None:
    loop = asyncio.get_running_loop()
    settled, heard, new, standing = 0.0, 0.0, set[TopicPartition](), Standing(consumer, subscription.waits)
    while True:
        if loop.time() - settled > 1.0:
            if taken := await _assign(database, lanes, consumer, subscription):
                new, heard = new | taken, loop.time()
            settled = loop.time()
        if not lanes.owned:
            await asyncio.sleep(0.2)
            continue
        standing.go_on()
        come = await _fetched(database, consumer, subscription)
        if not lanes.alive():
            raise ConnectionError("the lane lock is lost")
        if come:
            heard = loop.time()
        elif loop.time() - heard > SILENCE:
            await _ensure_nothing_waits(consumer)
            heard = loop.time()
        allowed = {partition: await _not_overtaking(database, subscription, records, standing) for partition, records in come.items()}
        batches = {partition: records for partition, records in allowed.items() if records}
        began = loop.time()
        await handle(database, subscription, batches, standing, new)
        new.difference_update(batches)
        handled = {each: passed for each, records in batches.items() if (passed := standing.passed(each, records))}
        _tell_handled(subscription, handled, loop.time() - began)
        if batches and not any(subscription.reacts_to(record) for records in batches.values() for record in records):
            await asyncio.sleep(subscription.gathers)


async def _fetched(database: Database, consumer: AIOKafkaConsumer, subscription: Subscription) -> Mapping[TopicPartition, Sequence[Record]]:
    """What comes next. What the driver cannot read stops all that it has fetched: it is looked for, partition by partition."""
    try:
        come: Mapping[TopicPartition, Sequence[Record]] = await consumer.getmany(timeout_ms=200, max_records=BATCH)
    except UNREADABLE:
        ends = await consumer.end_offsets(consumer.assignment() - consumer.paused())
        return {each: found for each, end in ends.items() if (found := await _readable(database, consumer, subscription, each, end))}
    return come


async def _readable(
    database: Database, consumer: AIOKafkaConsumer, subscription: Subscription, partition: TopicPartition, end: int
) -> Sequence[Record]:
    """What stands before such a record or batch; it is parked itself once nothing does, and each look has found it so: a checksum may be wrong on the
    way alone.
    """
    at = await position(database, subscription.name, partition.topic, partition.partition)
    for _ in range(LOOKS):
        found, unread = await _read(consumer, partition, at, end)
        if found or unread is None:
            return found
        await asyncio.sleep(0.3)
    past = at + 1 if isinstance(unread, UnicodeDecodeError) else await _past(consumer, partition, at, end)
    await park_unread(database, subscription, partition, range(at, past), type(unread).__name__)
    consumer.seek(partition, past)
    return ()


async def _read(consumer: AIOKafkaConsumer, partition: TopicPartition, at: int, end: int) -> tuple[Sequence[Record], Exception | None]:
    """A batch of ours, or what stands before what is not read, and why. A fetch for others may be under way for half a second before this one."""
    found = list[Record]()
    consumer.seek(partition, at)
    try:
        while len(found) < BATCH and await consumer.position(partition) < end and (come := await _next(consumer, partition)):
            found += come
    except UNREADABLE as error:
        return found, error
    return found, None


async def _past(consumer: AIOKafkaConsumer, partition: TopicPartition, at: int, end: int) -> int:
    """Where Kafka's batch around this offset ends, by its own head. Raises CorruptRecordException where that cannot be."""
    client = consumer._client  # noqa: SLF001  the driver hands out no batch that it cannot read
    asked = FetchRequest(500, 1, 1, 0, [(partition.topic, [(partition.partition, at, 1)])])
    answer = await client.send(client.cluster.leader_for_partition(partition), asked)
    ((_, ((*_, batch),)),) = answer.topics
    first, last = HEAD.unpack_from(batch) if len(batch) >= HEAD.size else (at, -1)
    if not at < first + last + 1 <= end:
        _log.error("a batch does not tell its end", topic=partition.topic, partition=partition.partition, offset=at)
        raise CorruptRecordException(partition)
    return int(first + last + 1)


async def _next(consumer: AIOKafkaConsumer, partition: TopicPartition) -> Sequence[Record]:
    come: Mapping[TopicPartition, Sequence[Record]] = await consumer.getmany(partition, timeout_ms=int(1000 * ANSWER_WITHIN), max_records=1)
    return come.get(partition, ())


async def _ensure_nothing_waits(consumer: AIOKafkaConsumer) -> None:
    """Raises ConnectionError when there is something that does not come, TimeoutError when nobody answers: what fetches inside the driver may have
    ended, or the cluster have moved, and it would be waited for without an end. What stands still (`Standing`) comes again every other second.
    """
    async with asyncio.timeout(ANSWER_WITHIN):
        ends = await consumer.end_offsets(consumer.assignment())
        if any([await consumer.position(partition) < end for partition, end in ends.items()]):
            raise ConnectionError("records wait that do not come")


def _tell_handled(subscription: Subscription, batches: Mapping[TopicPartition, Sequence[Any]], took: float) -> None:
    """The figures of a batch, and its line of the log; each event's own step is told by its trace."""
    now = time.time()
    if events := sum(map(len, batches.values())):
        _log.info("events handled", consumer=subscription.name, events=events, ms=round(1000 * took, 1))
    for partition, records in batches.items():
        CONSUMED.add(len(records), {"messaging.consumer.group.name": subscription.name, "messaging.destination.name": partition.topic})
        EVENT_DELAY.record(max(0.0, now - min(map(_made_at, records))), {"messaging.consumer.group.name": subscription.name})


def _made_at(record: Any) -> float:
    """When the event was made, by its id: what it then waited in the outbox is part of its delay. Of what is no event of ours, when Kafka had it."""
    made: float | None = begun_at(dict(record.headers).get("ce_id", b""))
    return record.timestamp / 1000 if made is None else made


async def _tell_lag(database: Database, consumer: AIOKafkaConsumer, name: str) -> None:
    """How far behind what Kafka has this consumer's position in PostgreSQL is, for the partitions it has now."""

    async def look() -> None:
        partitions = consumer.assignment()
        async with asyncio.timeout(ANSWER_WITHIN):
            ends = await consumer.end_offsets(partitions) if partitions else {}
        rows = await database.pool.fetch("SELECT topic, partition, next_offset FROM consumer_positions WHERE consumer = $1", name)
        at = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        LAG.set(name, [(_where(name, each), end - at.get(each, 0)) for each, end in ends.items()])

    await at_intervals(look, lambda: LAG.set(name, ()))


def _where(name: str, partition: TopicPartition) -> dict[str, str]:
    return {"group": name, "topic": partition.topic, "partition": str(partition.partition)}


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
    """Take or give back partitions; start new ones where the position says, and those that are led back. Returns both."""
    before = set(consumer.assignment())
    await lanes.settle()
    wanted = {
        TopicPartition(subscription.topic_prefix + subscription.topics[lane // PARTITIONS], lane % PARTITIONS) for lane in lanes.owned
    }
    again = await _led_back(database, subscription.name, wanted)
    if wanted != before:
        consumer.assign(sorted(wanted))
    for partition in again if wanted == before else wanted:
        consumer.seek(partition, await position(database, subscription.name, partition.topic, partition.partition))
    return again | (wanted - before)


async def _led_back(database: Database, name: str, partitions: Collection[TopicPartition]) -> set[TopicPartition]:
    """Go back where somebody asked for it (`given_up.read_again`); which partitions. The letter goes: what still cannot be read is parked anew."""
    rows = await database.pool.fetch(
        "WITH gone AS (DELETE FROM dead_letters WHERE consumer = $1 AND again_from IS NOT NULL"
        " AND (topic, partition) IN (SELECT * FROM unnest($2::text[], $3::integer[])) RETURNING topic, partition, again_from)"
        " UPDATE consumer_positions AS known SET next_offset = least(known.next_offset, first)"
        " FROM (SELECT topic, partition, min(again_from) AS first FROM gone GROUP BY topic, partition) AS led"
        " WHERE known.consumer = $1 AND known.topic = led.topic AND known.partition = led.partition RETURNING known.topic, known.partition",
        *(name, [each.topic for each in partitions], [each.partition for each in partitions]),
    )
    return {TopicPartition(*row) for row in rows}


async def position(database: Database, consumer: str, topic: str, partition: int) -> int:
    """The next offset this consumer will handle."""
    found = await database.pool.fetchval(
        "SELECT next_offset FROM consumer_positions WHERE consumer = $1 AND topic = $2 AND partition = $3", consumer, topic, partition
    )
    return int(found or 0)


async def forget(conn: Connection, name: str, topic_prefix: str) -> bool:
    """Delete a consumer's bookkeeping, however much it is. False, and nothing done, while anybody listens under its name."""
    if not await nobody_shares(conn, _namespace(name, topic_prefix)):
        return False
    await conn.execute("SET LOCAL statement_timeout TO 0")
    for table in BOOKKEEPING:
        await conn.execute(f"DELETE FROM {table} WHERE consumer = $1", name, timeout=LONGEST)
    return True
