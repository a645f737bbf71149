"""Replays: what is parked for a key is handled again, when somebody asks for it, by the consumer itself, since it alone has the handlers."""

import asyncio
from collections.abc import Sequence

import asyncpg
import structlog

from shared import dead_letters, inbox
from shared.consumer import Come, Subscription, apply_in_line
from shared.db import Connection, Database
from shared.dead_letters import Record
from shared.errors import Unavailable
from shared.inbox import GapSeen

GLANCE = 1.0
_log = structlog.get_logger()


async def replay_what_is_asked(database: Database, subscription: Subscription) -> None:
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
            "SELECT id, key, topic, partition, at_offset, headers, body FROM dead_letters WHERE consumer = $1 AND key = $2"
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
                come = Come.of(record)
                if await inbox.take(conn, subscription.name, come.event_id):
                    await apply_in_line(conn, subscription, [come], {})
        except GapSeen as seen:
            early.append(record)
            gap = seen
    if gap is not None and len(early) == len(records):
        raise gap
    return early
