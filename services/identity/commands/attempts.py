"""Attempts to sign in: each counts as failed until it has succeeded, so that no number of them side by side gets more tries."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.identity.commands.records import record
from services.identity.models.refusals import AccountLocked
from services.identity.models.sign_in import Policy
from shared.clock import CHINA
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


async def count(database: Database, mark: str, policy: Policy, at: datetime) -> None:
    """One more attempt. Raises AccountLocked, also for a name that is nobody's."""
    async with database.transaction() as conn:
        row = await conn.fetchrow(_COUNT, mark, at, at - FORGOTTEN)
        locked_until: datetime | None = row["locked_until"] if row else None
        if row and locked_until is None and row["failures"] > policy.failures:
            locked_until = await _lock(conn, mark, at + policy.lock)
    if locked_until is not None:
        raise locked(locked_until)


async def failed(database: Database, by: By, mark: str, policy: Policy, address: str, at: datetime, user: tuple[UUID, str] | None) -> None:
    """The attempt has failed; after as many as the house allows the name is locked."""
    async with database.transaction() as conn:
        await record(conn, by, AccountDeed.REFUSED, address, user)
        failures = await conn.fetchval("SELECT failures FROM sign_in_failures WHERE mark = $1 FOR UPDATE", mark)
        if (failures or 0) >= policy.failures:
            await _lock(conn, mark, at + policy.lock)
            await record(conn, by, AccountDeed.LOCKED, address, user)


async def refused_unseen(database: Database, by: By, address: str, user: tuple[UUID, str] | None) -> None:
    """An attempt that no password was compared for: the name is locked, or the provider did not vouch."""
    async with database.transaction() as conn:
        await record(conn, by, AccountDeed.REFUSED, address, user)


async def uncount(database: Database, mark: str) -> None:
    """The attempt has not failed, though it is not through either."""
    async with database.transaction() as conn:
        await conn.execute("UPDATE sign_in_failures SET failures = greatest(failures - 1, 0) WHERE mark = $1", mark)


async def forget(conn: Connection, mark: str) -> bool:
    """Start over; whether the name was locked."""
    return bool(await conn.fetchval("DELETE FROM sign_in_failures WHERE mark = $1 RETURNING locked_until > $2", mark, datetime.now(UTC)))


def locked(until: datetime) -> AccountLocked:
    """The refusal, with the instant at which the lock ends."""
    return AccountLocked(ends=f"{until.astimezone(CHINA):%Y-%m-%d %H:%M}", ends_at=until.isoformat())


async def _lock(conn: Connection, mark: str, until: datetime) -> datetime:
    await conn.execute("UPDATE sign_in_failures SET locked_until = coalesce(locked_until, $2) WHERE mark = $1", mark, until)
    return until
