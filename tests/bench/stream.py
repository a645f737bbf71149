"""What `backlog`, `relay` and `workers` share: a database and topics of their own, rows in the outbox, and our relays and consumers as processes."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime
from typing import Literal
from uuid import UUID, uuid4

import asyncpg

from deploy.bootstrap import create_topics
from deploy.local.place import PROJECT, Place
from deploy.migrate import migrate
from shared.events.roster import QuotaChanged

SERVICE, TOPIC, CONSUMER, DATABASE = "identity", "roster.events", "bench", "bench_stream"
UNITS, AT_ONCE, PATIENCE = 1000, 10_000, 600.0
_EFFECTS = "CREATE TABLE IF NOT EXISTS effects (unit_id uuid NOT NULL, version integer NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())"
Part = Literal["relay", "consumer"]


class Stream:
    """One run: fresh topics, an empty outbox, no effects. The kit's tables stand in every schema; these are identity's."""

    def __init__(self, place: Place, owner: "asyncpg.Connection[asyncpg.Record]", prefix: str) -> None:
        self._place, self._owner, self.prefix = place, owner, prefix
        self.url = place.database_url(SERVICE, DATABASE)

    @classmethod
    @asynccontextmanager
    async def fresh(cls, place: Place) -> AsyncIterator["Stream"]:
        await migrate(place, DATABASE)
        owner = await asyncpg.connect(place.database_url("bianban", DATABASE))
        try:
            await owner.execute(f"SET ROLE bianban; SET search_path = {SERVICE}; {_EFFECTS}")
            await owner.execute("TRUNCATE outbox, sent, topic_ends, inbox, consumer_positions, aggregate_versions, attempts, effects")
            stream = cls(place, owner, f"bench-{uuid4().hex[:6]}.")
            await create_topics(place.kafka, stream.prefix)
            yield stream
        finally:
            await owner.close()

    @asynccontextmanager
    async def running(self, *parts: Part) -> AsyncIterator[None]:
        """Processes of these parts, each with its share of the lanes when the block begins."""
        about = json.dumps({"url": self.url, "kafka": self._place.kafka, "prefix": self.prefix}).encode()
        async with AsyncExitStack() as stack:
            for part in parts:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "tests.bench.stream_part",
                    part,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.DEVNULL,
                    cwd=PROJECT,
                )
                stack.push_async_callback(_end, process)
                assert process.stdin
                process.stdin.write(about)
                process.stdin.close()
            await self._until(lambda: self._sharing(parts.count("relay"), parts.count("consumer")))
            await asyncio.sleep(2.5)  # two rounds of sharing out
            yield

    async def _sharing(self, relays: int, consumers: int) -> bool:
        found = await self._owner.fetchrow(
            "SELECT count(*) FILTER (WHERE application_name = 'relay kafka') AS relays, count(*) FILTER (WHERE application_name = $1) AS consumers"
            " FROM pg_stat_activity WHERE datname = current_database()",
            f"consumer {CONSUMER}",
        )
        return found is not None and tuple(found.values()) == (relays, consumers)

    async def fill(self, count: int) -> None:
        """So many events of 1 000 units, in one transaction."""
        units = [uuid4() for _ in range(UNITS)]
        async with self._owner.transaction():
            for first in range(0, count, AT_ONCE):
                events = [_event(units[number % UNITS], number // UNITS + 1) for number in range(first, min(count, first + AT_ONCE))]
                await self._owner.execute(
                    "INSERT INTO outbox (lane, destination, event_id, key, type, headers, body)"
                    " SELECT (hashtextextended(key, 0) & 15)::smallint, $1, id, key, $2, headers::jsonb, body"
                    " FROM unnest($3::uuid[], $4::text[], $5::text[], $6::bytea[]) AS new (id, key, headers, body)",
                    TOPIC,
                    events[0].type,
                    [event.event_id for event in events],
                    [event.key for event in events],
                    [json.dumps(event.headers()) for event in events],
                    [event.body() for event in events],
                )
        await self._owner.execute("ANALYZE outbox")
        await self._owner.execute(f"NOTIFY outbox_{SERVICE}")

    async def sent(self) -> None:
        """Wait until the outbox is empty."""
        await self._until(lambda: self._owner.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)"))

    async def handled(self, count: int) -> None:
        """Wait until so many events have had their effect."""
        await self._until(lambda: self._owner.fetchval("SELECT sum(next_offset) >= $1 FROM consumer_positions", count))

    async def seconds_of_effects(self) -> float:
        """From the first effect to the last."""
        took: float = await self._owner.fetchval("SELECT extract(epoch FROM max(at) - min(at))::float8 FROM effects")
        return took

    async def effects(self) -> int:
        """How many there are; each event has one."""
        number: int = await self._owner.fetchval("SELECT count(*) FROM effects")
        return number

    async def _until(self, holds: Callable[[], Awaitable[object]]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await holds():  # noqa: ASYNC110  other processes' work
                await asyncio.sleep(0.05)


def _event(unit_id: UUID, version: int) -> QuotaChanged:
    return QuotaChanged(
        event_id=uuid4(), occurred_at=datetime.now(UTC), unit_id=unit_id, version=version, effective_on=date(2026, 9, 18)
    )  # fmt: skip


async def _end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    await process.wait()
