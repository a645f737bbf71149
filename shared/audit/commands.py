"""The seal over what was recorded: at intervals the Merkle root of the new records (RFC 6962 §2.1), chained to the head before (docs/decisions/0054).

The records stay where they are. The head is told to the others as an event and printed on the weekly list: whoever rewrites a record and all seals
after it still has to rewrite those.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import asyncpg
import structlog

from shared.audit.models import EVENT_LOG, Audited, Seal, head_of, merkle_root
from shared.audit.queries import Leaves, last
from shared.clock import Clock
from shared.db import By, Connection, Database
from shared.errors import Unavailable
from shared.events.audit import AuditSealed
from shared.events.envelope import uuid7
from shared.outbox import append

EVERY = 60.0
MARGIN = 5.0
"""Seconds by which the machine's clock may be set back without a record falling behind a seal."""
_log = structlog.get_logger()
_SETTLED = (
    "SELECT least(clock_timestamp(), min(xact_start)) - make_interval(secs => $1) FROM pg_stat_activity"
    " WHERE usename = current_user AND datname = current_database() AND backend_xid IS NOT NULL"
)
_ANYTHING = (
    "SELECT EXISTS (SELECT FROM event_log WHERE recorded_at >= coalesce($1, '-infinity'::timestamptz) AND recorded_at < $2"
    " AND aggregate_type <> 'audit')"
)


async def serve_seals(database: Database, clock: Clock, audited: Sequence[Audited], told_as: type[AuditSealed]) -> None:
    """Seal what is new, again and again."""
    while True:
        await asyncio.sleep(EVERY)
        try:
            await seal(database, clock, audited, told_as)
        except (Unavailable, asyncpg.PostgresError) as error:
            _log.warning("audit seal waits", service=database.service, error=type(error).__name__)


async def seal(
    database: Database, clock: Clock, audited: Sequence[Audited], told_as: type[AuditSealed], margin: float = MARGIN
) -> Seal | None:
    """Seal what was written since the last time and can no longer be overtaken by a transaction that runs; None when there is nothing."""
    async with database.transaction() as conn:
        await conn.execute("SET LOCAL TimeZone = 'UTC'")
        if not await conn.fetchval("SELECT pg_try_advisory_xact_lock(hashtext('audit:' || current_schema()))"):
            return None
        before = await last(conn)
        until: datetime = await conn.fetchval(_SETTLED, margin)
        leaves = await _leaves(conn, audited, before.until, until)
        if not await _anything(conn, leaves, before.until, until):
            return None
        made = await _keep(conn, before, until, leaves)
        await append(conn, By("audit", clock.now(), f"audit:{made.number}", "审计封存"), _told(told_as, made, clock))
    database.wake()
    return made


async def _leaves(conn: Connection, audited: Sequence[Audited], since: datetime | None, until: datetime) -> dict[str, dict[str, bytes]]:
    found = {}
    for each in audited:
        rows = await conn.fetch(each.leaves(), since, until)
        found[each.table] = {row["key"]: row["leaf"] for row in rows}
    return {table: leaves for table, leaves in found.items() if leaves}


async def _anything(conn: Connection, leaves: Leaves, since: datetime | None, until: datetime) -> bool:
    """The notice of a seal is a record too; alone it is no reason for the next."""
    return any(table != EVENT_LOG.table for table in leaves) or bool(await conn.fetchval(_ANYTHING, since, until))


async def _keep(conn: Connection, before: Seal, until: datetime, leaves: Leaves) -> Seal:
    flat = [leaf for table in leaves.values() for leaf in table.values()]
    root, number = merkle_root(flat), before.number + 1
    made = Seal(number, until, len(flat), root, head_of(before.head, number, until, root))
    await conn.execute(
        "INSERT INTO audit_seals (number, until, records, root, head) VALUES ($1, $2, $3, $4, $5)",
        number,
        until,
        made.records,
        root,
        made.head,
    )
    await conn.executemany(
        "INSERT INTO audit_leaves (seal, source, keys, leaves) VALUES ($1, $2, $3, $4)",
        [(number, table, list(found), list(found.values())) for table, found in leaves.items()],
    )
    return made


def _told(told_as: type[AuditSealed], made: Seal, clock: Clock) -> AuditSealed:
    return told_as.model_validate(
        {
            "event_id": uuid7(),
            "occurred_at": clock.now(),
            "version": made.number,
            "head": made.head.hex(),
            "until": made.until,
            "records": made.records,
        }
    )
