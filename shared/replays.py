"""Replays: what is parked for a key is handled again, when somebody asks for it, by the consumer itself, since it alone has the handlers.

An ask stands until it was followed to its end: a store that cannot now, a lock or a death in between only put it off.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence

import asyncpg
import structlog

from shared import dead_letters, inbox
from shared.consumer import KILLS, PROCESS, Come, Subscription, apply_in_line
from shared.db import BEHIND, PASSING, Connection, Database
from shared.dead_letters import Record
from shared.errors import Unavailable
from shared.parked_words import WAITS, unread

GLANCE = 1.0
AT_ONCE = 50
"""Events in one transaction of a replay: what comes meanwhile for the key waits for its end."""
_DIGITS = 18
_AWAY = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError, Unavailable, *PASSING, *BEHIND)
_log = structlog.get_logger()


async def replay_what_is_asked(database: Database, subscription: Subscription) -> None:
    """Handle again what `dead_letters.ask_replay` names, for ever; also while the consumer stands still because too much is parked."""
    asked = "SELECT key, asked_at FROM replays WHERE consumer = $1 ORDER BY asked_at"
    followed = "DELETE FROM replays WHERE consumer = $1 AND key = $2 AND asked_at = $3"  # who asked again meanwhile is not forgotten
    while True:
        await asyncio.sleep(GLANCE)
        try:
            for row in await database.pool.fetch(asked, subscription.name):
                if await _is_followed(database, subscription, row["key"]):
                    await database.pool.execute(followed, subscription.name, row["key"], row["asked_at"])
        except (*_AWAY, asyncpg.PostgresError) as error:
            _log.warning("replays wait", consumer=subscription.name, error=type(error).__name__)


async def _is_followed(database: Database, subscription: Subscription, key: str) -> bool:
    """Whether this ask is over: done, or stopped by what stays (then all is parked as it is, and may be asked for again). Not by what passes."""
    if await _started(database, subscription, key) > KILLS:
        _log.error("replay given up: the process died of it", consumer=subscription.name)
        return True
    try:
        await replay(database, subscription, key)
    except _AWAY as error:
        _log.warning("replay waits", consumer=subscription.name, error=type(error).__name__)
        return False
    except Exception as error:  # noqa: BLE001  one key's trouble is not another's
        _log.warning("replay failed", consumer=subscription.name, error=dead_letters.reason(error))
        await _keep_reason(database, subscription.name, key, dead_letters.reason(error))
    return True


async def _keep_reason(database: Database, consumer: str, key: str, why: str) -> None:
    """Why the first stays parked now, which need not be why it came; all others wait behind it. What the driver could not read says where it stands."""
    rows = await database.pool.fetch(
        "SELECT id, error, headers FROM dead_letters WHERE consumer = $1 AND key = $2 ORDER BY topic, partition, at_offset", consumer, key
    )
    if rows and not any(unread(row["error"]) for row in rows):
        first, ids = next(in_line(rows))["id"], [row["id"] for row in rows]
        told = "UPDATE dead_letters SET error = CASE id WHEN $2 THEN $3 ELSE $4 END WHERE id = ANY($1::bigint[])"
        await database.pool.execute(told, ids, first, why, WAITS)


async def _started(database: Database, subscription: Subscription, key: str) -> int:
    """In how many processes this replay has begun without getting any further."""
    started: int | None = await database.pool.fetchval(
        "UPDATE replays SET started = started + (process IS DISTINCT FROM $3)::int, process = $3 WHERE consumer = $1 AND key = $2 RETURNING started",
        subscription.name,
        key,
        PROCESS,
    )
    return started or 0


async def replay(database: Database, subscription: Subscription, key: str) -> int:
    """Handle all that is parked for a key, some at a time, each time in one transaction; how many. Raises why the first that fails again does: it stays
    parked, and all behind it.
    """
    handled = 0
    while went := await _replay_some(database, subscription, key):
        handled += went
    return handled


async def _replay_some(database: Database, subscription: Subscription, key: str) -> int:
    """The first letter stands for its key: who is about to put something behind it, or replays it too, waits there (`inbox.sort_out`)."""
    of_key = "FROM dead_letters WHERE consumer = $1 AND key = $2"
    async with database.transaction() as conn:
        await conn.execute(f"SELECT {of_key} ORDER BY id LIMIT 1 FOR UPDATE", subscription.name, key)
        rows = await conn.fetch(
            f"SELECT id, key, topic, partition, at_offset, headers, body {of_key} ORDER BY topic, partition, at_offset",
            subscription.name,
            key,
        )
        went = await _handled(conn, subscription, [*in_line(rows)][:AT_ONCE])
        if went:
            await conn.execute("DELETE FROM dead_letters WHERE id = ANY($1::bigint[])", went)
            await conn.execute("UPDATE replays SET started = 1 WHERE consumer = $1 AND key = $2", subscription.name, key)
    database.wake()
    return len(went)


def in_line(rows: Sequence[asyncpg.Record]) -> Iterator[asyncpg.Record]:
    """In the topic's order, but the events of one aggregate by their versions: one that came before its predecessor stands behind it."""
    of: defaultdict[str, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        of[row["headers"].get("ce_subject", "")].append(row)
    lines = {subject: iter(sorted(each, key=_version)) for subject, each in of.items()}
    return (next(lines[row["headers"].get("ce_subject", "")]) for row in rows)


def _version(row: asyncpg.Record) -> int:
    """A stray's may be anything; Python reads no number of thousands of digits."""
    version = row["headers"].get("ce_sequence", "")
    return int(version[:_DIGITS]) if version.isdecimal() else 0


async def _handled(conn: Connection, subscription: Subscription, rows: Sequence[asyncpg.Record]) -> list[int]:
    """The ids of those that went, up to the first that does not. Raises why, where it is the very first."""
    went: list[int] = []
    for row in rows:
        try:
            async with conn.transaction():
                await _handle_again(conn, subscription, dead_letters.unparked(row))
        except Exception:
            if not went:
                raise
            break
        went.append(row["id"])
    return went


async def _handle_again(conn: Connection, subscription: Subscription, record: Record) -> None:
    come = Come.of(record)
    if await inbox.take(conn, subscription.name, come.event_id):
        await apply_in_line(conn, subscription, [come], {})
