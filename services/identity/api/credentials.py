"""Passwords, second factors and locks: one's own, and what the system administrator does for others."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.identity.api.door import BEGINNING, From, Guard, Keeper, SystemAdministrator, by_now
from services.identity.api.sessions import Code, Password
from services.identity.commands import passwords, second_factors
from services.identity.models.sign_in import OfAccount, SignInRecord, Tried
from services.identity.queries import sessions as queries
from services.identity.rules.second_factors import uri_of
from shared.auth import Permit, Who
from shared.door import Db, Write, by_of
from shared.http import IdempotencyKey
from shared.pages import Limit

router = APIRouter()


class Proof(BaseModel):
    """The present password once more, and a code where there is a second factor."""

    model_config = ConfigDict(extra="forbid")

    password: Password
    code: Code | None = None

    def tried(self, who: Who) -> Tried:
        """As an attempt."""
        return Tried(who.name, self.password.get_secret_value(), self.code)


class NewPassword(Proof):
    """A new password of one's own. `password` is the present one."""

    new_password: Password


class FirstCode(BaseModel):
    """The first code of a new second factor."""

    model_config = ConfigDict(extra="forbid")

    code: Code


class OneTime(Write):
    """A one-time password to hand out. `factor_lost`: the telephone is gone, so the second factor goes too."""

    factor_lost: bool = False


@dataclass(frozen=True)
class PasswordChanged:
    """The session has another key from now on; every other one of the account has ended. None where the token is of no session."""

    session: str | None


@dataclass(frozen=True)
class NewFactor:
    """For the app, as text and as what a QR code holds; told once."""

    secret: str
    uri: str


@dataclass(frozen=True)
class OneTimePassword:
    """To be handed out; told once. It only opens a session in which it is changed."""

    name: str
    one_time_password: str
    ends_at: datetime


@dataclass(frozen=True)
class Released:
    """Whether there was a lock."""

    was_locked: bool


@dataclass(frozen=True)
class SignInRecords:
    """A page of the record of sign-ins."""

    items: list[SignInRecord]
    next: UUID | None


@router.post("/me/password")
async def change_password(request: Request, body: NewPassword, who: Keeper, database: Db, gate: Guard, knock: From) -> PasswordChanged:
    """Set one's own password."""
    new = body.new_password.get_secret_value()
    by = by_now(request, who.name)
    key = await passwords.change_password(database, gate, by, knock, body.tried(who), new, who.session)
    return PasswordChanged(key if who.session else None)


@router.post("/me/totp", status_code=201)
async def start_second_factor(request: Request, body: Proof, who: Keeper, database: Db, gate: Guard, knock: From) -> NewFactor:
    """A secret for the app, for the password once more; it counts once its first code is confirmed."""
    secret = await second_factors.start(database, gate, by_now(request, who.name), knock, body.tried(who))
    return NewFactor(secret, uri_of(secret, who.name))


@router.post("/me/totp/confirmation", status_code=204)
async def confirm_second_factor(request: Request, body: FirstCode, who: Keeper, database: Db, gate: Guard, knock: From) -> Response:
    """The first code of the app: from now on one is asked for at sign-in."""
    await second_factors.confirm(database, gate, by_now(request, who.name), knock, who.name, body.code)
    return Response(status_code=204)


@router.delete("/me/totp", status_code=204)
async def remove_second_factor(request: Request, body: Proof, who: Keeper, database: Db, gate: Guard, knock: From) -> Response:
    """Sign in without it; the password and a code are asked for once more."""
    await second_factors.remove(database, gate, by_now(request, who.name), knock, body.tried(who))
    return Response(status_code=204)


@router.post("/users/{name}/one-time-password", status_code=201)
async def hand_out_password(
    request: Request,
    name: str,
    who: SystemAdministrator,
    database: Db,
    gate: Guard,
    knock: From,
    idempotency_key: IdempotencyKey,
    body: OneTime,
) -> OneTimePassword:
    """A one-time password for an account that is no administrator's; a repeat with the same key is refused, since it was told once."""
    by = by_of(request, who, idempotency_key, body)
    password, until = await passwords.hand_out(database, gate, by, knock, name, factor_lost=body.factor_lost)
    return OneTimePassword(name, password, until)


@router.post("/users/{name}/release")
async def release(
    request: Request,
    name: str,
    who: SystemAdministrator,
    database: Db,
    gate: Guard,
    knock: From,
    idempotency_key: IdempotencyKey,
    body: Write,
) -> Released:
    """Let an account that is locked try again."""
    what = OfAccount(user=name, at=knock.at, address=knock.address, mark=gate.mark(name))
    return Released(await passwords.unlock_account(database, by_of(request, who, idempotency_key, body), what))


@router.get("/audit/sign-ins")
async def list_sign_ins(
    _: Annotated[Who, Depends(Permit("audit.read", "public"))],
    database: Db,
    user: Annotated[str | None, Field(max_length=60)] = None,
    after: UUID = BEGINNING,
    before: UUID | None = None,
    limit: Limit = 50,
) -> SignInRecords:
    """Sign-ins, refusals, locks, releases, changes of passwords: who, when, from where. Oldest first, or the latest first `before` one."""
    async with database.reading() as conn:
        found = await queries.records(conn, user, after, before, limit + 1)
    return SignInRecords(found[:limit], found[limit - 1].id if len(found) > limit else None)
