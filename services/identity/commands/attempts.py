"""Attempts to show who one is: each counts as failed until it has succeeded, so that no number of them side by side gets more tries."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.identity.commands.records import record
from services.identity.models.refusals import AccountLocked
from services.identity.models.sign_in import Knock, Policy
from shared.clock import to_the_minute
from shared.db import By, Connection, Database
from shared.glossary import AccountDeed

FORGOTTEN = timedelta(days=1)
_COUNT = """
    INSERT INTO sign_in_failures AS f (mark, failures, last_at) VALUES ($1, 1, $2)
    ON CONFLICT (mark) DO UPDATE SET
        failures = CASE WHEN f.locked_until <= $2 OR f.last_at < $3 THEN 1 ELSE f.failures + 1 END,
        locked_until = CASE WHEN f.locked_until <= $2 THEN NULL ELSE f.locked_until END,
        last_at = $2
    RETURNING failures, locked_until
"""


@dataclass(frozen=True)
class Attempt:
    """On whose behalf, under which mark of a name, from where; `user` is the account of that name, where there is one."""

    by: By
    mark: str
    policy: Policy
    knock: Knock
    user: tuple[UUID, str] | None


async def count(database: Database, attempt: Attempt) -> None:
    """One more attempt. Raises AccountLocked, also for a name that is nobody's."""
    at = attempt.knock.at
    async with database.transaction() as conn:
        row = await conn.fetchrow(_COUNT, attempt.mark, at, at - FORGOTTEN)
        if row is None or (row["locked_until"] is None and row["failures"] <= attempt.policy.failures):
            return
        until = row["locked_until"] or await _lock(conn, attempt)
        await record(conn, attempt.by, AccountDeed.REFUSED, attempt.knock.address, attempt.user)
    raise AccountLocked(ends=to_the_minute(until), ends_at=until.isoformat())


async def failed(database: Database, attempt: Attempt) -> None:
    """The attempt has failed; after as many as the house allows the name is locked."""
    async with database.transaction() as conn:
        await record(conn, attempt.by, AccountDeed.REFUSED, attempt.knock.address, attempt.user)
        row = await conn.fetchrow("SELECT failures, locked_until FROM sign_in_failures WHERE mark = $1 FOR UPDATE", attempt.mark)
        if row and row["failures"] >= attempt.policy.failures and row["locked_until"] is None:
            await _lock(conn, attempt)


async def uncount(database: Database, attempt: Attempt) -> None:
    """The attempt has not failed, though it is not through either."""
    async with database.transaction() as conn:
        await conn.execute("UPDATE sign_in_failures SET failures = greatest(failures - 1, 0) WHERE mark = $1", attempt.mark)


async def forget(conn: Connection, mark: str) -> bool:
    """Start over; whether the name was locked."""
    return bool(await conn.fetchval("DELETE FROM sign_in_failures WHERE mark = $1 RETURNING locked_until > $2", mark, datetime.now(UTC)))


async def _lock(conn: Connection, attempt: Attempt) -> datetime:
    until = attempt.knock.at + attempt.policy.lock
    await conn.execute("UPDATE sign_in_failures SET locked_until = $2 WHERE mark = $1", attempt.mark, until)
    await record(conn, attempt.by, AccountDeed.LOCKED, attempt.knock.address, attempt.user)
    return until
