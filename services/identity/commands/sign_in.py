"""Signing in: by password and code, or because the office's provider vouches."""

from collections.abc import Awaitable
from dataclasses import replace

from services.identity.commands import attempts, hashing
from services.identity.commands.gate import Gate
from services.identity.commands.proofs import NOBODY, Proof, prove
from services.identity.commands.records import record
from services.identity.commands.sessions import begin
from services.identity.models.refusals import (
    CodeUsed,
    OneTimePasswordOver,
    ProviderAccountUnknown,
    ProviderRefused,
    SignInRefused,
    UserUnknown,
)
from services.identity.models.sign_in import Knock, Opened, Policy, Shown, Tried
from shared.db import By, Database
from shared.glossary import AccountDeed, SignInWay


async def sign_in(database: Database, gate: Gate, by: By, knock: Knock, tried: Tried, before: str | None = None) -> Opened:
    """Begin a session in place of the one `before`. Raises SignInRefused, AccountLocked, CodeNeeded, OneTimePasswordOver."""
    proof = await prove(database, gate, by, knock, tried)
    if proof.found.one_time_until and proof.found.one_time_until <= knock.at:
        await attempts.uncount(database, proof.attempt)
        raise OneTimePasswordOver
    rehashed = await hashing.hashed(tried.password) if hashing.is_outdated(proof.found.password_hash or "") else None
    try:
        return await _begin(database, proof, before, rehashed)
    except (CodeUsed, SignInRefused):
        await attempts.failed(database, proof.attempt)
        raise SignInRefused from None


async def _begin(database: Database, proof: Proof, before: str | None, rehashed: str | None) -> Opened:
    way, attempt = SignInWay.PASSWORD if proof.step is None else SignInWay.SECOND_FACTOR, proof.attempt
    shown = Shown(mark=attempt.mark, set_at=proof.found.set_at, step=proof.step, rehashed=rehashed)
    return await begin(database, attempt.policy, attempt.by, attempt.knock, proof.found.name, way, before, shown)


async def sign_in_by_provider(
    database: Database, policy: Policy, by: By, knock: Knock, vouching: Awaitable[tuple[str, str]], before: str | None
) -> tuple[Opened, str]:
    """A session for the account the provider vouches for, and where its holder wanted to go. Raises ProviderRefused, ProviderAccountUnknown."""
    try:
        name, return_to = await vouching
        return await begin(database, policy, replace(by, actor=name), knock, name, SignInWay.PROVIDER, before), return_to
    except (ProviderRefused, UserUnknown) as refusal:
        async with database.transaction() as conn:
            await record(conn, replace(by, actor=NOBODY), AccountDeed.REFUSED, knock.address)
        raise (ProviderAccountUnknown() if isinstance(refusal, UserUnknown) else refusal) from None
