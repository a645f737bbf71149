"""The floor of `place`: the unit's row lock and the rows that a placement cannot do without, in plain SQL, one connection per writer."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

import asyncpg

from shared.db import Database
from tests.bench.county import FUNDING, KIND, SINCE

_EVENT = "aggregate_type, type, actor, reason, headers::text, body::text"


class BarePlacing:
    """Writers' connections and one event to copy."""

    def __init__(self, url: str, writers: int) -> None:
        self._url, self._writers = url, writers
        self._connections: list[asyncpg.Connection[asyncpg.Record]] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for _ in range(self._writers):
            connection = await asyncpg.connect(self._url)
            self._stack.push_async_callback(connection.close)
            self._connections.append(connection)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        await self._stack.aclose()

    async def copy_an_event(self, roster: Database) -> None:
        """Write events of the size and form of ours."""
        event = await roster.pool.fetchrow(f"SELECT {_EVENT} FROM event_log WHERE type LIKE 'roster.person_placed%' LIMIT 1")
        assert event is not None
        self._event = event

    async def place(self, writer: int, posting: tuple[UUID, UUID]) -> None:
        """One transaction of five statements."""
        person_id, unit_id = posting
        conn, now, event_id = self._connections[writer], datetime.now(UTC), uuid4()
        event = self._event
        async with conn.transaction():
            version = await conn.fetchval("UPDATE units SET version = version + 1 WHERE id = $1 RETURNING version", unit_id)
            await conn.execute(
                "INSERT INTO placements (placement_id, person_id, unit_id, kind, funding, during, recorded, entry_reason, authorisation_no,"
                " authorised_on) VALUES ($1, $2, $3, $4, $5, daterange($6, NULL), tstzrange($7, NULL), 'open_recruitment', '1', $6)",
                uuid4(),
                person_id,
                unit_id,
                KIND,
                FUNDING,
                (now - SINCE).date(),
                now - timedelta(seconds=1),
            )
            await conn.execute(
                "INSERT INTO event_log (event_id, aggregate_type, aggregate_id, version, unit_id, type, occurred_at, actor, reason, headers,"
                " body) VALUES ($1, $2, $3, $4, $3, $5, $6, $7, $8, $9, $10)",
                event_id,
                event["aggregate_type"],
                unit_id,
                version,
                event["type"],
                now,
                event["actor"],
                event["reason"],
                event["headers"],
                event["body"],
            )
            await conn.execute(
                "INSERT INTO outbox (lane, destination, event_id, key, type, headers, body)"
                " VALUES ((hashtextextended($2, 0) & 15)::smallint, 'roster.events', $1, $2, $3, $4, $5)",
                event_id,
                str(unit_id),
                event["type"],
                event["headers"],
                event["body"].encode(),
            )
            await conn.execute(
                "INSERT INTO accepted_commands (key, command, body_hash, answer, accepted_at) VALUES ($1, 'place_person', $2, $3, $4)",
                uuid4().hex,
                event_id.bytes * 2,
                f'"{event_id}"',
                now,
            )
