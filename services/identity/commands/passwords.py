"""Passwords: one's own changed, one handed out by an administrator. What was typed never gets into a command's input, only hashes do."""

from datetime import datetime
from uuid import UUID

from services.identity.commands import attempts, hashing
from services.identity.commands.gate import Gate, hash_of, new_key
from services.identity.commands.proofs import confirm
from services.identity.commands.records import record
from services.identity.commands.sessions import end_others
from services.identity.models.refusals import PasswordOfAdministrator, PasswordUsedBefore, PasswordWrong, UserUnknown
from services.identity.models.sign_in import HandOutPassword, Knock, OfAccount, SetPassword, Tried
from services.identity.queries import accounts
from services.identity.rules.passwords import ensure_fit, one_time
from services.identity.rules.rights import ADMINISTRATORS
from shared.db import By, Connection, Database, command
from shared.glossary import AccountDeed


async def change_password(database: Database, gate: Gate, by: By, knock: Knock, tried: Tried, new: str, session: UUID | None) -> str:
    """Set one's own password; the key that his session has from now on. All others end. Raises PasswordWrong, AccountLocked, and what the rules do."""
    ensure_fit(gate.policy, new, tried.name)
    found = await confirm(database, gate, by, knock, tried)
    handed_out = found.one_time_until is not None  # it is none of his own last ones
    kept = [each for each in (found.password_hash, *found.earlier) if each][: gate.policy.earlier + handed_out]
    if await hashing.is_among(kept, new):
        raise PasswordUsedBefore
    key = new_key()
    what = SetPassword(
        user=found.name,
        before=found.password_hash or "",
        hashed=await hashing.hashed(new),
        remembered=max(gate.policy.earlier - 1, 0),
        at=knock.at,
        address=knock.address,
        keep=session,
        key_hash=hash_of(key).hex(),
    )
    await set_password(database, by, what)
    return key


@command
async def set_password(conn: Connection, by: By, what: SetPassword) -> UUID:
    """Keep the new password; the session it was changed in gets another key, all others end. Raises PasswordWrong when it was changed meanwhile."""
    user_id = await _id_of(conn, what.user)  # held: a session that is just begun is there to be ended, or is begun after
    kept = await conn.fetchval(
        "UPDATE credentials SET password_hash = $3, set_at = $4, one_time_until = NULL, earlier = ("
        "  CASE WHEN one_time_until IS NULL THEN array_prepend($2, earlier) ELSE earlier END)[1:$5]"
        " WHERE user_id = $1 AND password_hash = $2 RETURNING true",
        user_id,
        what.before,
        what.hashed,
        what.at,
        what.remembered,
    )
    if not kept:
        raise PasswordWrong
    await end_others(conn, user_id, what.keep, what.at)
    await conn.execute("UPDATE sessions SET key_hash = $2, previous_hash = NULL WHERE id = $1", what.keep, bytes.fromhex(what.key_hash))
    await record(conn, by, AccountDeed.PASSWORD_CHANGED, what.address, (user_id, what.user), what.keep)
    return user_id


async def hand_out(database: Database, gate: Gate, by: By, knock: Knock, user: str, *, factor_lost: bool) -> tuple[str, datetime]:
    """A one-time password for somebody who is no administrator, and until when. Raises UserUnknown, PasswordOfAdministrator."""
    until, password = knock.at + gate.policy.one_time, one_time()
    what = await _to_hand_out(knock, user, password, gate.mark(user), until)
    await keep_handed_out(database, by, what.model_copy(update={"factor_lost": factor_lost, "not_to": tuple(sorted(ADMINISTRATORS))}))
    return password, until


async def hand_out_to_anybody(database: Database, by: By, knock: Knock, user: str, mark: str, until: datetime) -> str:
    """A one-time password, told here and nowhere again. Raises UserUnknown."""
    password = one_time()
    await keep_handed_out(database, by, await _to_hand_out(knock, user, password, mark, until))
    return password


async def _to_hand_out(knock: Knock, user: str, password: str, mark: str, until: datetime) -> HandOutPassword:
    hashed = await hashing.hashed(password)
    return HandOutPassword(user=user, hashed=hashed, at=knock.at, until=until, address=knock.address, mark=mark)


@command
async def keep_handed_out(conn: Connection, by: By, what: HandOutPassword) -> UUID:
    """Keep a one-time password; every session of the account ends. Raises UserUnknown, PasswordOfAdministrator."""
    user_id: UUID = await _id_of(conn, what.user)
    if not {grant.role for grant in (await accounts.user(conn, what.user)).grants}.isdisjoint(
        what.not_to
    ):  # locked: a grant comes before or after
        raise PasswordOfAdministrator
    await conn.execute(
        "INSERT INTO credentials AS c (user_id, password_hash, set_at, one_time_until) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (user_id) DO UPDATE SET password_hash = $2, set_at = $3, one_time_until = $4,"
        " earlier = CASE WHEN c.one_time_until IS NULL THEN array_prepend(c.password_hash, c.earlier) ELSE c.earlier END",
        user_id,
        what.hashed,
        what.at,
        what.until,
    )
    if what.factor_lost:
        await conn.execute("DELETE FROM second_factors WHERE user_id = $1", user_id)
        await record(conn, by, AccountDeed.FACTOR_REMOVED, what.address, (user_id, what.user))
    await attempts.forget(conn, what.mark)
    await end_others(conn, user_id, None, what.at)
    await record(conn, by, AccountDeed.PASSWORD_HANDED_OUT, what.address, (user_id, what.user))
    return user_id


@command
async def unlock_account(conn: Connection, by: By, what: OfAccount) -> bool:
    """Let an account try again; whether it was locked. Raises UserUnknown."""
    user_id = await _id_of(conn, what.user)
    locked = await attempts.forget(conn, what.mark)
    await record(conn, by, AccountDeed.UNLOCKED, what.address, (user_id, what.user))
    return locked


async def _id_of(conn: Connection, name: str) -> UUID:
    user_id: UUID | None = await conn.fetchval("SELECT id FROM users WHERE name = $1 FOR UPDATE", name)
    if user_id is None:
        raise UserUnknown(user=name)
    return user_id
