"""Accounts are made by the system administrator, rights given by the security administrator, both read by the audit administrator."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, Field

from services.identity.api.door import BEGINNING, Db, Limit, SystemAdministrator, Write, by_of
from services.identity.commands import rights as commands
from services.identity.models.accounts import NAME, AuditEntry, GrantRole, Proxy, RegisterUser, RevokeRole, SetProxy, User
from services.identity.queries import accounts as queries
from shared.auth import Permit, Who
from shared.glossary import Role
from shared.http import IdempotencyKey

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

    absent: str
    begins_at: AwareDatetime | None = None
    until: AwareDatetime


@dataclass(frozen=True)
class UserPage:
    """A page of accounts; `next` is the cursor of the page after."""

    items: list[User]
    next: str | None


@dataclass(frozen=True)
class AuditPage:
    """A page of changes."""

    items: list[AuditEntry]
    next: UUID | None


@router.get("/users")
async def list_users(_: Reader, database: Db, after: str = "", limit: Limit = 50) -> UserPage:
    """Accounts by login name."""
    async with database.reading() as conn:
        found = await queries.users(conn, after, limit + 1)
    return UserPage(found[:limit], found[limit - 1].name if len(found) > limit else None)


@router.get("/audit")
async def list_changes(
    _: Annotated[Who, Depends(Permit("audit.read", "public"))], database: Db, after: UUID = BEGINNING, limit: Limit = 50
) -> AuditPage:
    """Every change to accounts and rights, with who, when and why."""
    async with database.reading() as conn:
        found = await queries.audit(conn, after, limit + 1)
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
