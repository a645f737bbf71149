"""Patience of a consumer: a partition stands still at one record while a fact is on its way; the others go on, and may bring it."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.dead_letters import Record


class Standing:
    """The partitions of one consumer that stand still. `waits` is how long a missing fact may take, in seconds."""

    def __init__(self, consumer: AIOKafkaConsumer, waits: float) -> None:
        self._consumer, self._waits = consumer, waits
        self._at: dict[TopicPartition, tuple[int, float]] = {}
        self._retry: dict[TopicPartition, float] = {}
        self._time = asyncio.get_running_loop().time

    def may_wait(self, record: Record) -> bool:
        """Whether a fact this record needs may still arrive in time."""
        offset, since = self._at.get(TopicPartition(record.topic, record.partition), (-1, 0.0))
        return offset != record.offset or self._time() - since < self._waits

    def stand(self, record: Record) -> None:
        """Come back to this record a little later."""
        partition = TopicPartition(record.topic, record.partition)
        offset, since = self._at.get(partition, (-1, 0.0))
        if offset != record.offset:
            since = self._time()
            self._at[partition] = record.offset, since
        self._consumer.seek(partition, record.offset)
        self._consumer.pause(partition)
        self._retry[partition] = self._time() + min(2.0, max(0.1, self._time() - since))

    def passed(self, partition: TopicPartition, records: Sequence[Record]) -> Sequence[Record]:
        """Of records that were to be handled, those that were: all, or what lies before the one it stands at."""
        if partition not in self._retry:
            return records
        return [record for record in records if record.offset < self._at[partition][0]]

    def go_on(self) -> None:
        """Let those try again whose time has come."""
        for partition in [partition for partition, at in self._retry.items() if at <= self._time()]:
            del self._retry[partition]
            if partition in self._consumer.assignment():
                self._consumer.resume(partition)
