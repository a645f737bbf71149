"""Accounts are made by the system administrator, rights given by the security administrator, both read by the audit administrator."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.identity.api.door import BEGINNING, From, Guard, SystemAdministrator
from services.identity.commands import rights as commands
from services.identity.models.accounts import (
    NAME,
    Account,
    AuditEntry,
    EndProxy,
    GrantRole,
    Proxy,
    RegisterUser,
    RevokeRole,
    SetProxy,
    Unit,
    User,
    Wanted,
)
from services.identity.queries import accounts as queries
from shared.auth import Permit, Who
from shared.db import Database
from shared.door import Db, Write, by_of
from shared.glossary import Role
from shared.http import IdempotencyKey
from shared.pages import Instant, Limit

router = APIRouter()
Reader = Annotated[Who, Depends(Permit("users.read", "public"))]
SecurityAdministrator = Annotated[Who, Depends(Permit("rights.maintain", "public"))]


class NewUser(Write):
    """A new account."""

    name: str = Field(pattern=NAME)
    real_name: str = Field(min_length=1, max_length=60)


class NewRole(Write):
    """A role to give. No units: the whole county."""

    role: Role
    unit_ids: tuple[UUID, ...] | None = Field(None, min_length=1, max_length=200)


class NewProxy(Write):
    """The user of the path stands in for `absent`; from now, unless `begins_at` says otherwise."""

    absent: str = Field(max_length=60)
    begins_at: Instant | None = None
    until: Instant


class Search(BaseModel):
    """Accounts by words of the login name or the name, which stand in no address; a role; a page."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    words: str = Field(min_length=1, max_length=60)
    role: Role | None = None
    after: str = Field("", max_length=60)
    limit: int = Field(50, ge=1, le=200)


@dataclass(frozen=True)
class UserPage:
    """A page of accounts; `next` is the cursor of the page after, `units` what the units of their scopes are called."""

    items: list[User]
    next: str | None
    units: dict[UUID, str]


@dataclass(frozen=True)
class OneAccount:
    """One account, and what the units of its scope are called."""

    account: Account
    units: dict[UUID, str]


@dataclass(frozen=True)
class AuditPage:
    """A page of changes."""

    items: list[AuditEntry]
    next: UUID | None


@router.get("/users")
async def list_users(who: Reader, database: Db, after: str = "", role: Role | None = None, limit: Limit = 50) -> UserPage:
    """Accounts by login name; of those who hold a role, or all."""
    return await _page(database, who, Wanted(role=role), after, limit)


@router.post("/users/search")
async def search_users(who: Reader, database: Db, body: Search) -> UserPage:
    """Accounts found by their names."""
    return await _page(database, who, Wanted(body.words, body.role), body.after, body.limit)


async def _page(database: Database, who: Who, wanted: Wanted, after: str, limit: int) -> UserPage:
    async with database.reading() as conn:
        found = await queries.users(conn, after, limit + 1, wanted)
        units = await queries.units_of(conn, who, found[:limit])
    return UserPage(found[:limit], found[limit - 1].name if len(found) > limit else None, units)


@router.get("/users/{name}")
async def show_user(request: Request, name: str, who: Reader, database: Db, gate: Guard, knock: From) -> OneAccount:
    """One account: its rights, whom it stands in for, and how it stands with signing in."""
    async with database.reading() as conn:
        found = await queries.account(conn, name, gate.mark(name), knock.at, request.app.state.clock.now())
        return OneAccount(found, await queries.units_of(conn, who, [found.user]))


@router.get("/scopes")
async def list_scopes(
    who: SecurityAdministrator, database: Db, words: Annotated[str, Query(min_length=1, max_length=60)], limit: Limit = 20
) -> list[Unit]:
    """Units on which a scope may begin, by a part of the name or the code."""
    async with database.reading() as conn:
        return await queries.units_named(conn, who, words, limit)


@router.get("/audit")
async def list_changes(
    _: Annotated[Who, Depends(Permit("audit.read", "public"))],
    database: Db,
    after: UUID = BEGINNING,
    before: UUID | None = None,
    limit: Limit = 50,
) -> AuditPage:
    """Every change to accounts and rights, with who, when and why: oldest first, or the latest first `before` one."""
    async with database.reading() as conn:
        found = await queries.audit(conn, after, before, limit + 1)
    return AuditPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


@router.post("/users", status_code=201)
async def register_user(request: Request, who: SystemAdministrator, database: Db, idempotency_key: IdempotencyKey, body: NewUser) -> User:
    """Make an account without rights."""
    what = RegisterUser(name=body.name, real_name=body.real_name)
    return await commands.register_user(database, by_of(request, who, idempotency_key, body), what)


@router.post("/users/{name}/roles", status_code=201)
async def grant_role(
    request: Request, name: str, who: SecurityAdministrator, database: Db, idempotency_key: IdempotencyKey, body: NewRole
) -> User:
    """Give a role."""
    what = GrantRole(user=name, role=body.role, unit_ids=body.unit_ids)
    return await commands.grant_role(database, by_of(request, who, idempotency_key, body), what)


@router.post("/users/{name}/roles/{role}/revocation")
async def revoke_role(
    request: Request, name: str, role: Role, who: SecurityAdministrator, database: Db, idempotency_key: IdempotencyKey, body: Write
) -> User:
    """Take a role back. The tokens he has end within 15 minutes, and are renewed with the rights that are left."""
    return await commands.revoke_role(database, by_of(request, who, idempotency_key, body), RevokeRole(user=name, role=role))


@router.post("/users/{name}/proxies", status_code=201)
async def set_proxy(
    request: Request, name: str, who: SecurityAdministrator, database: Db, idempotency_key: IdempotencyKey, body: NewProxy
) -> Proxy:
    """Let a user stand in for an absent colleague."""
    what = SetProxy(user=name, absent=body.absent, begins_at=body.begins_at, until=body.until)
    return await commands.set_proxy(database, by_of(request, who, idempotency_key, body), what)


@router.post("/proxies/{proxy_id}/end")
async def end_proxy(
    request: Request, proxy_id: UUID, who: SecurityAdministrator, database: Db, idempotency_key: IdempotencyKey, body: Write
) -> Proxy:
    """End a proxy before its time. The tokens of who stood in end within 15 minutes; what he decided stands."""
    return await commands.end_proxy(database, by_of(request, who, idempotency_key, body), EndProxy(proxy_id=proxy_id))
