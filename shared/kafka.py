"""Kafka as the relay uses it: one batch per partition in flight, nothing repeated on the same connection, and a look at the logs before anything is sent."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

import asyncpg
import structlog
from aiokafka.errors import KafkaConnectionError, KafkaError, NotLeaderForPartitionError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from shared import broker_tail
from shared.broker import At, Broker, End, empty_batch, new_batch, packed
from shared.broker_tail import Batch, Led
from shared.db import Connection
from shared.metrics import SENT

ANSWER_WITHIN = 10.0
SURE = 1.0
"""So long after an answer nobody asks whether the broker still has all it had: what comes back is another life, with another connection."""
WITNESS_WITHIN = 1.0
_TRIM = 60.0
KEYS = 100_000
_partitioner = DefaultPartitioner()
_log = structlog.get_logger()


class KafkaSender:
    """Sends outbox rows to their topics. After any error or late answer a new connection is made, the logs are looked at, and the rows are sent again."""

    name = "kafka"

    def __init__(self, bootstrap: str, topic_prefix: str = "") -> None:
        self._bootstrap, self._prefix = bootstrap, topic_prefix
        self._broker: Broker | None = None
        self._former: Broker | None = None
        self._led: dict[At, Led] = {}
        self._partitions: dict[str, tuple[int, ...]] = {}
        self._answered = self._trimmed = 0.0
        self._batches: list[Batch] = []

    async def ready(self, conn: Connection) -> bool:
        """After any doubt, and about once a second when nothing is sent: whether the broker answers and has all it had. What it has lost goes back."""
        now = time.monotonic()
        if self._broker is not None and self._broker.alive() and now - self._answered < SURE and now - self._trimmed < _TRIM:
            return True
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                broker = await self._connected()
                doubtful = await self._look(conn, broker)
            for at, (end, kept) in doubtful.items():  # as long as the tables need: it may be all of a partition
                self._led[at] = await self._put_back(conn, at, end, kept)
                async with asyncio.timeout(ANSWER_WITHIN):
                    await _fill(broker, at, self._led[at].reaches - end.offset)
        except (KafkaError, OSError) as error:
            if isinstance(error, TimeoutError):
                conn.terminate()  # the BEGIN that was given up may come to the server yet, and all that follows would be in it
            return await self._doubt(error)
        self._answered = time.monotonic()
        return True

    def passed_over(self) -> Collection[str]:
        """None: a partition takes what stands in it in turn."""
        return ()

    async def send(self, rows: Sequence[asyncpg.Record]) -> Collection[int]:
        """One batch per partition; the ids of the rows that the broker has acknowledged."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                sent = await self._send(rows)
        except (KafkaError, TimeoutError, OSError) as error:
            await self._doubt(error)
            return ()
        self._answered = time.monotonic()
        return sent

    async def forget(self, conn: Connection, sent: Collection[int]) -> None:
        """Delete what was sent, and keep where it went. After a loss that was noticed meanwhile, or by nobody, all is sent again."""
        done = await broker_tail.forget(conn, sent, self._batches)
        for batch in done.landed_on_others:
            await self._put_back(conn, batch.at, End(batch.first_offset, batch.led.epoch), batch.first_offset)
        if not done.kept:
            await self.close()

    async def _put_back(self, conn: Connection, at: At, end: End, kept: int) -> Led:
        partitions = self._partitions[at[0]]
        lost, led = await broker_tail.put_back(
            conn, at, end, kept, at[0].removeprefix(self._prefix), lambda key: _partition_of(key, partitions) == at[1]
        )
        tell = _log.error if lost else _log.info
        tell("the broker may have forgotten", topic=at[0], partition=at[1], end=end.offset, kept=kept, put_back=lost)
        return led

    async def _doubt(self, error: BaseException) -> bool:
        _log.warning("kafka did not answer", error=type(error).__name__)
        await self._drop()
        await asyncio.sleep(0.2)
        return False

    async def _drop(self) -> None:
        """Send nothing over this connection any more. If it was looked at, it stays as a witness: while it answers, its process has not died."""
        dropped, self._broker = self._broker, None
        if dropped is not None and dropped.epochs and dropped.alive():
            dropped, self._former = self._former, dropped
        if dropped is not None:
            await dropped.close()

    async def _look(self, conn: Connection, broker: Broker) -> dict[At, tuple[End, int]]:
        """Logs that may have lost something: where they end, and up to where they are as they were.

        The connection stands before anything is asked: whoever forgets after the look has lost it, too.
        """
        self._led = known = await broker_tail.known(conn)
        ends = await broker.ends(known)
        self._partitions = {topic: tuple(broker.partitions(topic)) for topic, _ in known}
        doubtful = {at: end for at, end in ends.items() if end.offset < known[at].reaches or end.epoch != known[at].epoch}
        kept = await broker.ends_of({at: known[at].epoch for at in doubtful}) if doubtful else {}
        before = await self._looked_at_before(broker, ends) if doubtful else {}
        for at in [at for at in doubtful if before.get(at) == known[at].epoch and kept.get(at, 0) >= known[at].reaches]:
            self._led[at] = await broker_tail.leads_on(conn, at, known[at], doubtful.pop(at).epoch)
        if time.monotonic() - self._trimmed > _TRIM:
            await broker_tail.trim(conn)
            self._trimmed = time.monotonic()
        broker.epochs = {at: end.epoch for at, end in ends.items()}
        return {at: (end, min(end.offset, kept.get(at, end.offset))) for at, end in doubtful.items()}

    async def _looked_at_before(self, broker: Broker, ends: Mapping[At, End]) -> Mapping[At, int]:
        """Under which leader the logs stood when the process that tells these ends was looked at before: over this connection, or over the one before,
        if it still answers, and the same. It has not died in between: whoever leads anew has forgotten nothing.
        """
        former, self._former = self._former, None
        if former is None:
            return broker.epochs
        try:
            async with asyncio.timeout(WITNESS_WITHIN):
                again = await former.ends(ends)
        except (KafkaError, OSError):
            return {}
        finally:
            await former.close()
        return {at: epoch for at, epoch in former.epochs.items() if at in ends and again[at].epoch == ends[at].epoch}

    async def _send(self, rows: Sequence[asyncpg.Record]) -> Collection[int]:
        broker = self._broker
        if broker is None:
            raise KafkaConnectionError(self._bootstrap)
        batches: dict[At, tuple[BatchBuilder, list[asyncpg.Record]]] = {}
        full: set[At] = set()
        topics = {name: self._prefix + name for name in {row["destination"] for row in rows}}
        self._partitions |= {topic: tuple(broker.partitions(topic)) for topic in topics.values()}
        for row in rows:
            topic = topics[row["destination"]]
            where = (topic, _partition_of(row["key"], self._partitions[topic]))
            batch, taken = batches.setdefault(where, (new_batch(), []))
            headers = [(name, value.encode()) for name, value in row["headers"].items()]
            if where in full or batch.append(timestamp=None, key=row["key"].encode(), value=row["body"], headers=headers) is None:
                full.add(where)  # what does not fit waits for the next round, and so does all behind it
            else:
                taken.append(row)
        await self._look_at_new(broker, batches)
        offsets = await broker.append({at: packed(batch) for at, (batch, _) in batches.items()})
        self._batches = [Batch(at, self._led[at], offset, [row["event_id"] for row in batches[at][1]]) for at, offset in offsets.items()]
        if len(offsets) < len(batches):  # a leader has moved, perhaps: who leads now is asked, also while the others answer
            await self._doubt(NotLeaderForPartitionError())
        for batch in self._batches:
            SENT.add(len(batch.event_ids), {"messaging.destination.name": batch.at[0]})
        return [row["id"] for at in offsets for row in batches[at][1]]

    async def _look_at_new(self, broker: Broker, ats: Collection[At]) -> None:
        """Logs of which nothing is known yet: that nothing was lost of them is what a later answer is measured by."""
        if new := [at for at in ats if at not in self._led]:
            self._led |= {at: Led(end.offset, end.epoch, 0) for at, end in (await broker.ends(new)).items()}

    async def _connected(self) -> Broker:
        if self._broker is None or not self._broker.alive():
            await self._drop()
            self._broker = await Broker.connect(self._bootstrap)
        return self._broker

    async def close(self) -> None:
        """Drop the connection; the next look makes a new one."""
        for each in (self._broker, self._former):
            if each is not None:
                await each.close()
        self._broker = self._former = None


@lru_cache(KEYS)
def _partition_of(key: str, partitions: tuple[int, ...]) -> int:
    """Where the standard partitioner puts this key: its hash costs more than all else that is done with a row here."""
    partition: int = _partitioner(key.encode(), partitions, partitions)
    return partition


async def _fill(broker: Broker, at: At, count: int) -> None:
    """Append empty records, which every reader passes over."""
    while count > 0:
        batch, records = empty_batch(count)
        await broker.append({at: batch})
        count -= records
