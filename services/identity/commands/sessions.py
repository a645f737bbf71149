"""Sessions: begun, used, given another key when the rights change, ended, swept."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from services.identity.commands import attempts
from services.identity.commands.gate import hash_of, new_key
from services.identity.commands.proofs import use_code
from services.identity.commands.records import record
from services.identity.models.refusals import SessionEnded, SessionUnknown, SignInRefused, UserUnknown
from services.identity.models.sign_in import Kept, Knock, OfAccount, Opened, OpenSession, Policy, Shown
from shared.db import By, Connection, Database, command
from shared.errors import Unavailable
from shared.events.envelope import uuid7
from shared.glossary import AccountDeed, SignInWay

GRACE = timedelta(seconds=60)
"""How long a key that was just replaced is taken for requests that were on their way."""
NOTHING = Shown()
EVERY = 3600.0
KEPT = timedelta(days=30)
_log = structlog.get_logger()
_USED = """
    UPDATE sessions s SET seen_at = $2, idle_ends_at = least($2::timestamptz + $3::interval, s.ends_at)
    FROM users u
    WHERE u.id = s.user_id AND (s.key_hash = $1 OR (s.previous_hash = $1 AND s.rotated_at > $2::timestamptz - $4::interval))
        AND s.ended_at IS NULL AND s.idle_ends_at > $2 AND s.ends_at > $2
    RETURNING s.id, u.name AS user, u.version, s.key_hash, s.rights_version, s.csrf, s.way, s.made_at, s.idle_ends_at, s.ends_at
"""


async def begin(
    database: Database,
    policy: Policy,
    by: By,
    knock: Knock,
    user: str,
    way: SignInWay,
    before: str | None,
    shown: Shown = NOTHING,
) -> Opened:
    """A session with a key of its own; the one `before` ends. Raises CodeUsed."""
    key = new_key()
    what = OpenSession(
        user=user,
        way=way,
        key_hash=hash_of(key).hex(),
        replaced=hash_of(before).hex() if before else None,
        csrf=secrets.token_urlsafe(32),
        address=knock.address,
        agent=knock.agent,
        at=knock.at,
        idle_ends_at=knock.at + policy.idle,
        ends_at=knock.at + policy.session,
        **shown.model_dump(),
    )
    return Opened(key, await open_session(database, by, what), user, what.ends_at)


@command
async def open_session(conn: Connection, by: By, what: OpenSession) -> UUID:
    """Keep a session. Raises CodeUsed, UserUnknown, SignInRefused when what was shown counts no more."""
    user = await conn.fetchrow("SELECT id, version FROM users WHERE name = $1 FOR UPDATE", what.user)
    if user is None:
        raise UserUnknown(user=what.user)
    await _ensure_counts(conn, user["id"], what)
    await use_code(conn, user["id"], what.step)
    if what.rehashed is not None:
        await conn.execute("UPDATE credentials SET password_hash = $2 WHERE user_id = $1", user["id"], what.rehashed)
    if what.mark is not None:
        await attempts.forget(conn, what.mark)
    session = await _insert(conn, what, user)
    await record(conn, by, AccountDeed.SIGNED_IN, what.address, (user["id"], what.user), session)
    return session


async def _ensure_counts(conn: Connection, user_id: UUID, shown: Shown) -> None:
    """The password may have been changed, or a second factor confirmed, while the hash was compared."""
    if shown.set_at is None:
        return
    counts = await conn.fetchval(
        "SELECT true FROM credentials WHERE user_id = $1 AND set_at = $2"
        " AND ($3 OR NOT EXISTS (SELECT FROM second_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL)) FOR SHARE",
        user_id,
        shown.set_at,
        shown.step is not None,
    )
    if not counts:
        raise SignInRefused


async def _insert(conn: Connection, what: OpenSession, user: asyncpg.Record) -> UUID:
    if what.replaced is not None:
        await conn.execute(
            "UPDATE sessions SET ended_at = $2 WHERE (key_hash = $1 OR previous_hash = $1) AND ended_at IS NULL",
            *(bytes.fromhex(what.replaced), what.at),
        )
    session = uuid7()
    await conn.execute(
        "INSERT INTO sessions (id, user_id, key_hash, csrf, rights_version, way, address, agent, made_at, seen_at, idle_ends_at, ends_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)",
        *(session, user["id"], bytes.fromhex(what.key_hash), what.csrf, user["version"], what.way),
        *(what.address, what.agent, what.at, what.idle_ends_at, what.ends_at),
    )
    return session


async def use(database: Database, policy: Policy, key: str | None, at: datetime) -> Kept:
    """A request of a session: its idle end moves, its key changes when the user's rights have. Raises SessionEnded."""
    if not key:
        raise SessionEnded
    async with database.transaction() as conn:
        row = await conn.fetchrow(_USED, hash_of(key), at, policy.idle, GRACE)
        if row is None:
            raise SessionEnded
        if row["version"] != row["rights_version"] and row["key_hash"] == hash_of(key):
            key = await _rotate(conn, row["id"], row["version"], at)
    way = SignInWay(row["way"])
    return Kept(row["id"], row["user"], key, row["csrf"], way, row["made_at"], row["idle_ends_at"], row["ends_at"])


async def _rotate(conn: Connection, session: UUID, version: int, at: datetime) -> str:
    """Another key; the one before is taken for a moment longer."""
    another = new_key()
    await conn.execute(
        "UPDATE sessions SET previous_hash = key_hash, key_hash = $2, rotated_at = $3, rights_version = $4 WHERE id = $1",
        session,
        hash_of(another),
        at,
        version,
    )
    return another


async def sign_out(database: Database, by: By, key: str, knock: Knock) -> None:
    """End the session of a key; harmless when it is over."""
    async with database.transaction() as conn:
        row = await conn.fetchrow(
            "UPDATE sessions s SET ended_at = $2 FROM users u WHERE u.id = s.user_id AND s.ended_at IS NULL"
            " AND (s.key_hash = $1 OR s.previous_hash = $1) RETURNING s.id, u.id AS user_id, u.name",
            hash_of(key),
            knock.at,
        )
        if row is not None:
            mandate = By(row["name"], by.as_of, by.key)
            await record(conn, mandate, AccountDeed.SIGNED_OUT, knock.address, (row["user_id"], row["name"]), row["id"])


async def end_one(database: Database, by: By, session: UUID, knock: Knock) -> None:
    """End a session of one's own. Raises SessionUnknown, also for another's."""
    async with database.transaction() as conn:
        row = await conn.fetchrow(
            "UPDATE sessions s SET ended_at = $3 FROM users u WHERE s.id = $1 AND u.id = s.user_id AND u.name = $2 AND s.ended_at IS NULL"
            " RETURNING u.id",
            session,
            by.actor,
            knock.at,
        )
        if row is None:
            raise SessionUnknown
        await record(conn, by, AccountDeed.SESSIONS_ENDED, knock.address, (row["id"], by.actor), session)


@command
async def end_all(conn: Connection, by: By, what: OfAccount) -> int:
    """End every session of an account; how many there were. Raises UserUnknown."""
    user_id = await conn.fetchval("SELECT id FROM users WHERE name = $1", what.user)
    if user_id is None:
        raise UserUnknown(user=what.user)
    ended = await end_others(conn, user_id, None, what.at)
    await record(conn, by, AccountDeed.SESSIONS_ENDED, what.address, (user_id, what.user))
    return ended


async def end_others(conn: Connection, user_id: UUID, keep: UUID | None, at: datetime) -> int:
    """End the sessions of an account but one; how many."""
    ended = await conn.fetch(
        "UPDATE sessions SET ended_at = $3 WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND ended_at IS NULL RETURNING id",
        user_id,
        keep,
        at,
    )
    return len(ended)


async def serve_sweeps(database: Database) -> None:
    """Forget what is long over, again and again."""
    while True:
        await asyncio.sleep(EVERY)
        try:
            await sweep(database, datetime.now(UTC))
        except (Unavailable, asyncpg.PostgresError) as error:
            _log.warning("sweep of sessions waits", error=type(error).__name__)


async def sweep(database: Database, at: datetime) -> None:
    """Forget sessions that ended a month ago, and attempts of yesterday. What happened stays in the record."""
    async with database.transaction() as conn:
        await conn.execute("DELETE FROM sessions WHERE least(ended_at, idle_ends_at, ends_at) < $1", at - KEPT)
        await conn.execute(
            "DELETE FROM sign_in_failures WHERE last_at < $1 AND (locked_until IS NULL OR locked_until < $2)", at - attempts.FORGOTTEN, at
        )
