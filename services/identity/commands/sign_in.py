"""Signing in by password: count, compare, ask for the code, begin. An unknown name and a wrong password differ neither in words nor in time."""

from collections.abc import Awaitable
from dataclasses import replace
from uuid import UUID

from services.identity.commands import attempts, hashing
from services.identity.commands.gate import Gate
from services.identity.commands.sessions import begin
from services.identity.models.refusals import (
    AccountLocked,
    CodeNeeded,
    CodeUsed,
    OneTimePasswordOver,
    ProviderAccountUnknown,
    ProviderRefused,
    SignInRefused,
    UserUnknown,
)
from services.identity.models.sign_in import Credentials, Knock, Opened, Policy, Tried
from services.identity.queries import credentials as queries
from services.identity.rules import second_factors
from shared.db import By, Database
from shared.glossary import SignInWay

NOBODY = "nobody"
"""Who acts under a name that is no account's. What was typed is not kept: it may be a password."""


async def sign_in(database: Database, gate: Gate, by: By, knock: Knock, tried: Tried, before: str | None = None) -> Opened:
    """Begin a session in place of the one `before`. Raises SignInRefused, AccountLocked, CodeNeeded, OneTimePasswordOver."""
    mark = gate.mark(tried.name)
    async with database.reading() as conn:
        found = await queries.credentials_of(conn, tried.name)
    by = replace(by, actor=found.name if found else NOBODY)
    await _let_try(database, gate, by, knock, mark, found)
    if not await hashing.matches(found.password_hash if found else None, tried.password) or found is None:
        raise await _refused(database, gate, by, knock, mark, found)
    if found.one_time_until and found.one_time_until <= knock.at:
        await attempts.uncount(database, mark)
        raise OneTimePasswordOver
    if found.factor_confirmed and not tried.code:
        await attempts.uncount(database, mark)
        raise CodeNeeded
    return await _begin(database, gate, by, knock, mark, found, tried, before)


async def sign_in_by_provider(
    database: Database, policy: Policy, by: By, knock: Knock, vouching: Awaitable[tuple[str, str]], before: str | None
) -> tuple[Opened, str]:
    """A session for the account the provider vouches for, and where its holder wanted to go. Raises ProviderRefused, ProviderAccountUnknown."""
    by = replace(by, actor=NOBODY)
    try:
        name, return_to = await vouching
        return await begin(database, policy, replace(by, actor=name), knock, name, SignInWay.PROVIDER, before), return_to
    except (ProviderRefused, UserUnknown) as refusal:
        await attempts.refused_unseen(database, by, knock.address, None)
        raise (ProviderAccountUnknown() if isinstance(refusal, UserUnknown) else refusal) from None


async def _let_try(database: Database, gate: Gate, by: By, knock: Knock, mark: str, found: Credentials | None) -> None:
    try:
        await attempts.count(database, mark, gate.policy, knock.at)
    except AccountLocked:
        await attempts.refused_unseen(database, by, knock.address, _account(found))
        raise


async def _begin(
    database: Database, gate: Gate, by: By, knock: Knock, mark: str, found: Credentials, tried: Tried, before: str | None
) -> Opened:
    step = code_step(gate, found, tried.code, knock)
    if found.factor_confirmed and step is None:
        raise await _refused(database, gate, by, knock, mark, found)
    way = SignInWay.SECOND_FACTOR if found.factor_confirmed else SignInWay.PASSWORD
    rehashed = await hashing.hashed(tried.password) if hashing.is_outdated(found.password_hash or "") else None
    try:
        return await begin(database, gate.policy, by, knock, found.name, way, before, mark=mark, step=step, rehashed=rehashed)
    except CodeUsed:
        raise await _refused(database, gate, by, knock, mark, found) from None


def code_step(gate: Gate, found: Credentials, code: str | None, knock: Knock) -> int | None:
    """The time step of a right code; none for a wrong one, and where there is no second factor."""
    if found.factor is None or not found.factor_confirmed or not code:
        return None
    return second_factors.step_of(gate.cipher.decrypt(found.factor, second_factors.place_of(found.user_id)), code, knock.at)


async def _refused(database: Database, gate: Gate, by: By, knock: Knock, mark: str, found: Credentials | None) -> SignInRefused:
    await attempts.failed(database, by, mark, gate.policy, knock.address, knock.at, _account(found))
    return SignInRefused()


def _account(found: Credentials | None) -> tuple[UUID, str] | None:
    return (found.user_id, found.name) if found else None
