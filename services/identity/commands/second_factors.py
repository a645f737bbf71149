"""The second factor: a secret is handed out for the password once more, counts once its first code was shown, and goes for the password and a code."""

import pyotp
from cryptography.exceptions import InvalidTag

from services.identity.commands import proofs
from services.identity.commands.gate import Gate
from services.identity.commands.records import record
from services.identity.models.refusals import CodeWrong, FactorMissing, FactorPresent, UserUnknown
from services.identity.models.sign_in import Credentials, Knock, Tried
from services.identity.queries import credentials as queries
from services.identity.rules import second_factors as rules
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database
from shared.glossary import AccountDeed


async def opens(conn: Connection, cipher: FieldCipher) -> bool:
    """Whether a ring opens a secret that is kept; so does any where there is none."""
    kept = await conn.fetchrow("SELECT user_id, secret FROM second_factors LIMIT 1")
    try:
        return kept is None or bool(cipher.unseal(kept["secret"], rules.place_of(kept["user_id"])))
    except InvalidTag:
        return False


async def start(database: Database, gate: Gate, by: By, knock: Knock, tried: Tried) -> str:
    """A secret for the app, for the password once more: whoever borrowed a session must not lock its owner out. It does not count before its first code.

    Raises FactorPresent, PasswordWrong, AccountLocked.
    """
    secret = pyotp.random_base32()
    async with database.reading() as conn:
        if (await _of(conn, tried.name)).factor_confirmed:
            raise FactorPresent

    async def keep(conn: Connection, found: Credentials) -> None:
        sealed = gate.cipher.encrypt(secret, rules.place_of(found.user_id))
        made = await conn.fetchval(
            "INSERT INTO second_factors AS f (user_id, secret) VALUES ($1, $2)"
            " ON CONFLICT (user_id) DO UPDATE SET secret = $2 WHERE f.confirmed_at IS NULL RETURNING true",
            found.user_id,
            sealed,
        )
        if not made:  # confirmed meanwhile
            raise FactorPresent

    await proofs.confirm(database, gate, by, knock, tried, keep)
    return secret


async def confirm(database: Database, gate: Gate, by: By, knock: Knock, name: str, code: str) -> None:
    """The first code of a new factor. Raises FactorMissing, CodeWrong."""
    async with database.transaction() as conn:
        found = await _of(conn, name)
        if found.factor is None or found.factor_confirmed:
            raise FactorMissing
        step = rules.step_of(gate.cipher.decrypt(found.factor, rules.place_of(found.user_id)), code, knock.at)
        if step is None:
            raise CodeWrong
        confirmed = await conn.fetchval(
            "UPDATE second_factors SET confirmed_at = $2, step = $3 WHERE user_id = $1 AND secret = $4 AND confirmed_at IS NULL RETURNING true",
            *(found.user_id, knock.at, step, found.factor),
        )
        if not confirmed:  # twice at once, or another secret was asked for meanwhile
            raise FactorMissing
        await record(conn, by, AccountDeed.FACTOR_ADDED, knock.address, (found.user_id, name))


async def remove(database: Database, gate: Gate, by: By, knock: Knock, tried: Tried) -> None:
    """Sign in without it from now on; the password and a code are asked for. Raises PasswordWrong, FactorMissing."""
    there = False

    async def take_off(conn: Connection, found: Credentials) -> None:
        nonlocal there
        there = bool(await conn.fetchval("DELETE FROM second_factors WHERE user_id = $1 RETURNING true", found.user_id))
        if there:
            await record(conn, by, AccountDeed.FACTOR_REMOVED, knock.address, (found.user_id, found.name))

    await proofs.confirm(database, gate, by, knock, tried, take_off)
    if not there:
        raise FactorMissing


async def _of(conn: Connection, name: str) -> Credentials:
    found = await queries.credentials_of(conn, name)
    if found is None:
        raise UserUnknown(user=name)
    return found
