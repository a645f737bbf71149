"""Every change to accounts and rights. Each locks the user's row, raises its version and publishes what changed."""

from contextlib import suppress
from uuid import UUID

import asyncpg

from services.identity.models.accounts import EndProxy, GrantRole, Proxy, RegisterUser, RevokeRole, SeedAdministrators, SetProxy, User
from services.identity.models.refusals import NameTaken, NotGranted, ProxyUnknown, UserUnknown
from services.identity.queries import accounts as queries
from services.identity.rules import rights as rules
from shared import outbox
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.events.identity import ProxyEnded, ProxySet, RoleGranted, RoleRevoked, UserRegistered
from shared.glossary import Role
from shared.unit_copies import UnitUnknown, unit_copies

FIRST = {
    "sysadmin": ("系统管理员", Role.SYSTEM_ADMIN),
    "secadmin": ("安全管理员", Role.SECURITY_ADMIN),
    "auditadmin": ("审计管理员", Role.AUDIT_ADMIN),
}


@command
async def register_user(conn: Connection, by: By, what: RegisterUser) -> User:
    """Make an account. Raises NameTaken."""
    return await _register(conn, by, what)


@command
async def grant_role(conn: Connection, by: By, what: GrantRole) -> User:
    """Give a role. Raises SelfGrant, UserUnknown, UnitUnknown, OneTimePasswordOut and what `rules.ensure_can_hold` raises."""
    rules.ensure_not_self(by.actor, what.user)
    await _ensure_units(conn, what.unit_ids)
    granted = await _grant(conn, by, what)  # it has locked him: a password is handed out before or after
    rules.ensure_password_own(what.role, await conn.fetchval("SELECT one_time_until FROM credentials WHERE user_id = $1", granted.id))
    return granted


@command
async def revoke_role(conn: Connection, by: By, what: RevokeRole) -> User:
    """Take a role back. Raises UserUnknown, NotGranted."""
    user_id, version = await _take(conn, what.user)
    revoked = await conn.fetchval(
        "UPDATE grants SET revoked_at = $3 WHERE user_id = $1 AND role = $2 AND revoked_at IS NULL RETURNING true",
        user_id,
        what.role,
        by.as_of,
    )
    if not revoked:
        raise NotGranted
    await outbox.append(conn, by, RoleRevoked(occurred_at=by.as_of, version=version, user_id=user_id, user=what.user, role=what.role))
    return await queries.user(conn, what.user)


@command
async def set_proxy(conn: Connection, by: By, what: SetProxy) -> Proxy:
    """Let `user` stand in for `absent`. Raises SelfGrant, UserUnknown, ProxyRefused."""
    rules.ensure_not_self(by.actor, what.user)
    user_id, version = await _take(conn, what.user)
    user, absent = await queries.user(conn, what.user), await queries.user(conn, what.absent)
    begins_at = what.begins_at or by.as_of
    rules.ensure_can_stand_in(user, absent, begins_at, what.until, by.as_of)
    proxy = Proxy(uuid7(), what.user, what.absent, begins_at, what.until)
    await conn.execute(
        "INSERT INTO proxies (id, user_id, absent_id, during, set_by) VALUES ($1, $2, $3, $4, $5)",
        proxy.id,
        user_id,
        absent.id,
        asyncpg.Range(begins_at, what.until),
        by.actor,
    )
    event = ProxySet(
        occurred_at=by.as_of,
        version=version,
        user_id=user_id,
        user=what.user,
        absent=what.absent,
        begins_at=begins_at,
        ends_at=what.until,
    )
    await outbox.append(conn, by, event)
    return proxy


@command
async def end_proxy(conn: Connection, by: By, what: EndProxy) -> Proxy:
    """End a proxy before its time; what was decided under it stays. Raises ProxyUnknown."""
    proxy = await queries.proxy(conn, what.proxy_id, by.as_of)
    if proxy is None or what.of not in (None, proxy.absent):
        raise ProxyUnknown(proxy=what.proxy_id)
    user_id, version = await _take(conn, proxy.user)
    ended = await conn.fetchval(
        "INSERT INTO proxy_ends (id, ended_at, ended_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING true",
        *(proxy.id, by.as_of, by.actor),
    )
    if not ended:
        raise ProxyUnknown(proxy=what.proxy_id)
    told = {"user_id": user_id, "user": proxy.user, "absent": proxy.absent, "begins_at": proxy.begins_at, "would_end_at": proxy.until}
    await outbox.append(conn, by, ProxyEnded.model_validate({"occurred_at": by.as_of, "version": version} | told))
    return proxy


@command
async def seed_administrators(conn: Connection, by: By, _: SeedAdministrators) -> list[str]:
    """Make one administrator of each of the three kinds nobody holds yet, of the account of that name where it is there (its right was taken back); the
    login names made. Harmless when repeated.
    """
    held = {row["role"] for row in await conn.fetch("SELECT DISTINCT role FROM grants WHERE revoked_at IS NULL")}
    missing = {name: (label, role) for name, (label, role) in FIRST.items() if role not in held}
    for name, (label, role) in missing.items():
        with suppress(NameTaken):
            await _register(conn, by, RegisterUser(name=name, real_name=label))
        await _grant(conn, by, GrantRole(user=name, role=role))
    return list(missing)


async def _register(conn: Connection, by: By, what: RegisterUser) -> User:
    user = User(uuid7(), what.name, what.real_name, ())
    made = await conn.fetchval(
        "INSERT INTO users (id, name, real_name, version, registered_at) VALUES ($1, $2, $3, 1, $4) ON CONFLICT (name) DO NOTHING RETURNING true",
        user.id,
        user.name,
        user.real_name,
        by.as_of,
    )
    if not made:
        raise NameTaken(user=what.name)
    await outbox.append(conn, by, UserRegistered(occurred_at=by.as_of, version=1, user_id=user.id, user=user.name))
    return user


async def _grant(conn: Connection, by: By, what: GrantRole) -> User:
    user_id, version = await _take(conn, what.user)
    rules.ensure_can_hold((await queries.user(conn, what.user)).grants, what.role, what.unit_ids)
    await conn.execute(
        "INSERT INTO grants (id, user_id, role, unit_ids, granted_by, granted_at) VALUES ($1, $2, $3, $4, $5, $6)",
        uuid7(),
        user_id,
        what.role,
        what.unit_ids,
        by.actor,
        by.as_of,
    )
    event = RoleGranted(occurred_at=by.as_of, version=version, user_id=user_id, user=what.user, role=what.role, unit_ids=what.unit_ids)
    await outbox.append(conn, by, event)
    return await queries.user(conn, what.user)


async def _take(conn: Connection, name: str) -> tuple[UUID, int]:
    """Lock the user and raise his version."""
    row = await conn.fetchrow("UPDATE users SET version = version + 1 WHERE name = $1 RETURNING id, version", name)
    if row is None:
        raise UserUnknown(user=name)
    return row["id"], row["version"]


async def _ensure_units(conn: Connection, unit_ids: tuple[UUID, ...] | None) -> None:
    known = await unit_copies(conn, unit_ids or ())
    for unit_id in unit_ids or ():
        if unit_id not in known:
            raise UnitUnknown(unit=unit_id)
