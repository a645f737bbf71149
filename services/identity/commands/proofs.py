"""Showing who one is by password, and by code where there is a second factor. An unknown name and a wrong password differ neither in words nor in time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias
from uuid import UUID

from services.identity.commands import attempts, hashing
from services.identity.commands.attempts import Attempt
from services.identity.commands.gate import Gate
from services.identity.models.refusals import CodeNeeded, CodeUsed, PasswordWrong, SignInRefused
from services.identity.models.sign_in import Credentials, Knock, Tried
from services.identity.queries.credentials import credentials_of
from services.identity.rules.second_factors import place_of, step_of
from shared.db import By, Connection, Database

Then: TypeAlias = Callable[[Connection, Credentials], Awaitable[None]]
NOBODY = "nobody"
"""Who acts under a name that is no account's. What was typed is not kept: it may be a password."""


@dataclass(frozen=True)
class Proof:
    """Somebody has shown who he is. The attempt still counts, and the code's time step is still to be used up."""

    attempt: Attempt
    found: Credentials
    step: int | None


async def prove(database: Database, gate: Gate, by: By, knock: Knock, tried: Tried) -> Proof:
    """Compare what was typed. Raises AccountLocked, SignInRefused, CodeNeeded."""
    async with database.reading() as conn:
        found = await credentials_of(conn, tried.name)
    user = (found.user_id, found.name) if found else None
    attempt = Attempt(replace(by, actor=found.name if found else NOBODY), gate.mark(tried.name), gate.policy, knock, user)
    await attempts.count(database, attempt)
    if not await hashing.matches(found.password_hash if found else None, tried.password) or found is None:
        await attempts.failed(database, attempt)
        raise SignInRefused
    if not found.factor_confirmed or found.factor is None:
        return Proof(attempt, found, None)
    if not tried.code:
        await attempts.uncount(database, attempt)
        raise CodeNeeded
    step = step_of(gate.cipher.decrypt(found.factor, place_of(found.user_id)), tried.code, knock.at)
    if step is None:
        await attempts.failed(database, attempt)
        raise SignInRefused
    return Proof(attempt, found, step)


async def confirm(database: Database, gate: Gate, by: By, knock: Knock, tried: Tried, then: Then | None = None) -> Credentials:
    """Show it once more, before something that a borrowed session must not do; `then` is done as its code is used up, or neither is.

    Raises AccountLocked, PasswordWrong, CodeNeeded.
    """
    try:
        proof = await prove(database, gate, by, knock, tried)
        await _settle(database, proof, then)
    except SignInRefused:
        raise PasswordWrong from None
    return proof.found


async def _settle(database: Database, proof: Proof, then: Then | None) -> None:
    try:
        async with database.transaction() as conn:
            await use_code(conn, proof.found.user_id, proof.step)
            await attempts.forget(conn, proof.attempt.mark)
            if then is not None:
                await then(conn, proof.found)
    except CodeUsed:
        await attempts.failed(database, proof.attempt)
        raise SignInRefused from None


async def use_code(conn: Connection, user_id: UUID, step: int | None) -> None:
    """A code works once, and none that is older works after it. Raises CodeUsed when another request was quicker."""
    if step is None:
        return
    if not await conn.fetchval("UPDATE second_factors SET step = $2 WHERE user_id = $1 AND step < $2 RETURNING true", user_id, step):
        raise CodeUsed
