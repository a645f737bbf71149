"""What identity shows: accounts with their rights, who a name is now, and the trail of changes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.identity.models.accounts import AuditEntry, DemoUser, Grant, User
from services.identity.models.refusals import UserUnknown
from shared.auth import Who
from shared.db import Connection
from shared.glossary import LABELS, Role


async def user(conn: Connection, name: str) -> User:
    """One account with the roles it holds; raises UserUnknown."""
    row = await conn.fetchrow("SELECT id, name, real_name FROM users WHERE name = $1", name)
    if row is None:
        raise UserUnknown(user=name)
    return (await _with_grants(conn, [row]))[0]


async def users(conn: Connection, after: str, limit: int) -> list[User]:
    """A page of accounts by login name."""
    rows = await conn.fetch("SELECT id, name, real_name FROM users WHERE name > $1 ORDER BY name LIMIT $2", after, limit)
    return await _with_grants(conn, rows)


async def real_names(conn: Connection, names: Sequence[str]) -> dict[str, str]:
    """What these accounts are called, by login name."""
    rows = await conn.fetch("SELECT name, real_name FROM users WHERE name = ANY($1)", list(names))
    return {row["name"]: row["real_name"] for row in rows}


async def demo_users(conn: Connection) -> list[DemoUser]:
    """Every account that has a role, by login name, with the names of its units."""
    rows = await conn.fetch(
        "SELECT u.name, u.real_name, array_agg(DISTINCT g.role) AS roles, array_remove(array_agg(DISTINCT c.name), NULL) AS units"
        " FROM users u JOIN grants g ON g.user_id = u.id AND g.revoked_at IS NULL LEFT JOIN unit_copies c ON c.id = ANY(g.unit_ids)"
        " GROUP BY u.name, u.real_name ORDER BY u.name"
    )
    return [DemoUser(row["name"], row["real_name"], {role: LABELS[Role(role)] for role in row["roles"]}, row["units"]) for row in rows]


async def who(conn: Connection, name: str, at: datetime) -> Who:
    """The caller a token speaks for: all roles share one row scope, proxies are those that hold at the business instant `at`."""
    account = await user(conn, name)
    absent = await conn.fetch(
        "SELECT DISTINCT users.name FROM proxies JOIN users ON users.id = proxies.absent_id"
        " WHERE proxies.user_id = $1 AND proxies.during @> $2::timestamptz ORDER BY users.name",
        account.id,
        at,
    )
    return Who(
        name=account.name,
        roles=frozenset(grant.role for grant in account.grants),
        units=account.grants[0].unit_ids if account.grants else (),
        acts_for=tuple(row["name"] for row in absent),
    )


async def audit(conn: Connection, after: UUID, limit: int) -> list[AuditEntry]:
    """A page of the changes to accounts and rights, oldest first; ids are ordered by time."""
    rows = await conn.fetch(
        "SELECT event_id AS id, recorded_at AS at, actor, type, reason, document_no, body AS change"
        " FROM event_log WHERE event_id > $1 ORDER BY event_id LIMIT $2",
        after,
        limit,
    )
    return [AuditEntry(**row) for row in rows]


async def _with_grants(conn: Connection, rows: Sequence[asyncpg.Record]) -> list[User]:
    granted = await conn.fetch(
        "SELECT user_id, role, unit_ids FROM grants WHERE user_id = ANY($1) AND revoked_at IS NULL ORDER BY role",
        [row["id"] for row in rows],
    )
    by_user: dict[UUID, list[Grant]] = {}
    for row in granted:
        by_user.setdefault(row["user_id"], []).append(Grant(Role(row["role"]), _units(row["unit_ids"])))
    return [User(row["id"], row["name"], row["real_name"], tuple(by_user.get(row["id"], ()))) for row in rows]


def _units(found: list[UUID] | None) -> tuple[UUID, ...] | None:
    return None if found is None else tuple(found)
