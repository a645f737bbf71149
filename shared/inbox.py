"""What a consumer has handled: events by id, versions by aggregate, positions by partition. A few statements per batch, however large it is."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from shared.db import TROUBLE, Connection, Database
from shared.events.envelope import Event, Glimpse

Aggregate = tuple[str, str]
Partition = tuple[str, int]
STEP = 1000
GLANCE = 60.0


class GapSeen(Exception):  # noqa: N818  named as the fact it states
    """A version of the aggregate is missing in between. It can only stand behind this one in the topic, or be lost: waiting would not help."""


async def sort_out(conn: Connection, consumer: str, come: Iterable[tuple[str, UUID]]) -> tuple[set[str], set[UUID]]:
    """Of records (key, event id): the keys that have something parked, and the other events that were never handled.

    The inbox rows of the latter commit with their effects. A key stays parked until the end of this transaction: its replay waits for what is put
    behind it here, as this waits for a replay that has begun.
    """
    pairs = sorted(set(come))
    rows = await conn.fetch(
        "WITH come AS (SELECT * FROM unnest($2::text[], $3::uuid[]) AS come (key, event_id)),"
        " parked AS (SELECT key FROM (SELECT DISTINCT key FROM come) AS asked, LATERAL (SELECT FROM dead_letters"
        " WHERE consumer = $1 AND dead_letters.key = asked.key ORDER BY id LIMIT 1 FOR KEY SHARE) AS first),"
        " fresh AS (INSERT INTO inbox (consumer, event_id) SELECT DISTINCT $1, event_id FROM come WHERE key NOT IN (SELECT key FROM parked)"
        " ORDER BY event_id ON CONFLICT DO NOTHING RETURNING event_id)"
        " SELECT key, NULL::uuid AS event_id FROM parked UNION ALL SELECT NULL, event_id FROM fresh",
        consumer,
        [key for key, _ in pairs],
        [event_id for _, event_id in pairs],
    )
    return {row["key"] for row in rows if row["key"] is not None}, {row["event_id"] for row in rows if row["event_id"]}


async def take(conn: Connection, consumer: str, event_id: UUID) -> bool:
    """Whether this event, parked or not, was never handled. Its inbox row commits with its effect."""
    taken = await conn.fetchval(
        "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true", consumer, event_id
    )
    return bool(taken)


class Versions:
    """The versions of the aggregates that a batch speaks of, locked until its end."""

    def __init__(self, seen: dict[Aggregate, int]) -> None:
        self._seen, self._risen = seen, dict[Aggregate, int]()

    @classmethod
    async def of(cls, conn: Connection, consumer: str, events: Sequence[Event | Glimpse]) -> "Versions":
        """As they stand before the batch."""
        aggregates = sorted({_aggregate(event) for event in events})
        rows = await conn.fetch(
            "SELECT aggregate_type, aggregate_id, version FROM aggregate_versions"
            " JOIN unnest($2::text[], $3::text[]) AS asked (aggregate_type, aggregate_id) USING (aggregate_type, aggregate_id)"
            " WHERE consumer = $1 ORDER BY aggregate_type, aggregate_id FOR UPDATE OF aggregate_versions",
            consumer,
            [kind for kind, _ in aggregates],
            [aggregate_id for _, aggregate_id in aggregates],
        )
        return cls({(row["aggregate_type"], row["aggregate_id"]): row["version"] for row in rows})

    def next_in_line(self, event: Event | Glimpse) -> bool:
        """Whether the event comes right after what was seen; an older one is a late double and changes nothing. Raises GapSeen."""
        aggregate = _aggregate(event)
        seen = self._seen.get(aggregate, 0)
        if event.version > seen + 1:
            raise GapSeen(f"{event.aggregate_type}: version {event.version} came after {seen}")
        if event.version <= seen:
            return False
        self._seen[aggregate] = self._risen[aggregate] = event.version
        return True

    async def write(self, conn: Connection, consumer: str, next_offsets: Mapping[Partition, int]) -> None:
        """Keep the versions that rose, and where the next batch begins."""
        await conn.execute(
            "WITH versions AS (INSERT INTO aggregate_versions AS seen (consumer, aggregate_type, aggregate_id, version)"
            " SELECT $1, * FROM unnest($2::text[], $3::text[], $4::integer[])"
            " ON CONFLICT (consumer, aggregate_type, aggregate_id) DO UPDATE SET version = greatest(seen.version, excluded.version))"
            " INSERT INTO consumer_positions AS known (consumer, topic, partition, next_offset)"
            " SELECT $1, * FROM unnest($5::text[], $6::integer[], $7::bigint[])"
            " ON CONFLICT (consumer, topic, partition) DO UPDATE SET next_offset = greatest(known.next_offset, excluded.next_offset)",
            consumer,
            [kind for kind, _ in self._risen],
            [aggregate_id for _, aggregate_id in self._risen],
            list(self._risen.values()),
            [topic for topic, _ in next_offsets],
            [number for _, number in next_offsets],
            list(next_offsets.values()),
        )


def _aggregate(event: Event | Glimpse) -> Aggregate:
    return event.aggregate_type, str(event.aggregate_id)


async def trim(database: Database, consumer: str, remembers: timedelta) -> None:
    """Delete the rows of events that were handled longer ago, for ever; in steps that nobody notices."""
    while True:
        deleted = 0
        with suppress(*TROUBLE):  # it looks again in a minute
            deleted = await _trim_some(database, consumer, remembers)
        await asyncio.sleep(0.1 if deleted == STEP else GLANCE)


async def _trim_some(database: Database, consumer: str, remembers: timedelta) -> int:
    done: str = await database.pool.execute(
        "DELETE FROM inbox WHERE consumer = $1 AND event_id IN"
        " (SELECT event_id FROM inbox WHERE consumer = $1 AND at < clock_timestamp() - $2::interval ORDER BY at LIMIT $3)",
        consumer,
        remembers,
        STEP,
    )
    return int(done.removeprefix("DELETE "))
