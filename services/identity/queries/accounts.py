"""What identity shows: accounts with their rights, who a name is now, and the trail of changes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.identity.models.accounts import Account, AuditEntry, DemoUser, Grant, Proxy, Unit, User, Wanted
from services.identity.models.refusals import UserUnknown
from shared.auth import Who
from shared.db import Connection
from shared.glossary import LABELS, Role
from shared.unit_copies import scope, visible

_EVERYBODY = Wanted()
_CHANGE = "SELECT event_id AS id, recorded_at AS at, actor, type, reason, document_no, body AS change FROM event_log"
_OLDEST = f"{_CHANGE} WHERE event_id > $1 ORDER BY event_id LIMIT $2"
_LATEST = f"{_CHANGE} WHERE event_id < $1 ORDER BY event_id DESC LIMIT $2"
_ACCOUNT = """
    SELECT c.password_hash IS NOT NULL AS has_password, c.one_time_until, f.confirmed_at IS NOT NULL AS second_factor, a.locked_until,
        (SELECT count(*) FROM sessions s WHERE s.user_id = u.id AND s.ended_at IS NULL AND s.idle_ends_at > $3 AND s.ends_at > $3) AS sessions
    FROM users u LEFT JOIN credentials c ON c.user_id = u.id LEFT JOIN second_factors f ON f.user_id = u.id
        LEFT JOIN sign_in_failures a ON a.mark = $2 AND a.locked_until > $3
    WHERE u.id = $1
"""


async def user(conn: Connection, name: str) -> User:
    """One account with the roles it holds; raises UserUnknown."""
    row = await conn.fetchrow("SELECT id, name, real_name FROM users WHERE name = $1", name)
    if row is None:
        raise UserUnknown(user=name)
    return (await _with_grants(conn, [row]))[0]


async def users(conn: Connection, after: str, limit: int, wanted: Wanted = _EVERYBODY) -> list[User]:
    """A page of accounts by login name."""
    rows = await conn.fetch(
        "SELECT u.id, u.name, u.real_name FROM users u WHERE u.name > $1"
        " AND ($3 = '' OR strpos(u.name, lower($3)) > 0 OR strpos(u.real_name, $3) > 0) AND ($4::text IS NULL OR EXISTS ("
        "SELECT 1 FROM grants g WHERE g.user_id = u.id AND g.role = $4 AND g.revoked_at IS NULL)) ORDER BY u.name LIMIT $2",
        after,
        limit,
        wanted.words,
        wanted.role,
    )
    return await _with_grants(conn, rows)


async def account(conn: Connection, name: str, mark: str, at: datetime, business_now: datetime) -> Account:
    """One account as its administrators see it at an instant of the machine; raises UserUnknown. `mark`: what its attempts count under."""
    found = await user(conn, name)
    (row,) = await conn.fetch(_ACCOUNT, found.id, mark, at)
    return Account(found, await proxies_of(conn, found.name, business_now), **row)


async def proxies_of(conn: Connection, name: str, at: datetime) -> list[Proxy]:
    """Proxies that hold at the business instant or will: of him for others, and of others for him."""
    rows = await conn.fetch(f"{_PROXIES} WHERE $2 IN (u.name, a.name) AND {_NOT_OVER} ORDER BY p.during", at, name)
    return [Proxy(**row) for row in rows]


async def proxy(conn: Connection, proxy_id: UUID, at: datetime) -> Proxy | None:
    """One that holds or will."""
    row = await conn.fetchrow(f"{_PROXIES} WHERE p.id = $2 AND {_NOT_OVER}", at, proxy_id)
    return Proxy(**row) if row else None


async def units_of(conn: Connection, who: Who, found: Sequence[User]) -> dict[UUID, str]:
    """What the units of these accounts' scopes are called, as far as the caller may be told."""
    ids = {unit_id for each in found for grant in each.grants for unit_id in grant.unit_ids or ()}
    rows = await conn.fetch(f"SELECT u.id, u.name FROM unit_copies u WHERE {visible(who)} AND u.id = ANY($2)", scope(who), list(ids))
    return {row["id"]: row["name"] for row in rows}


async def units_named(conn: Connection, who: Who, words: str, limit: int) -> list[Unit]:
    """Units a scope may begin on, by a part of the name or the whole code; the shortest names first."""
    rows = await conn.fetch(
        f"SELECT u.id, u.name, u.code FROM unit_copies u WHERE {visible(who)} AND u.closed_on IS NULL"
        " AND (strpos(u.name, $2) > 0 OR u.code = $2) ORDER BY length(u.name), u.name LIMIT $3",
        scope(who),
        words,
        limit,
    )
    return [Unit(**row) for row in rows]


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
        " WHERE proxies.user_id = $1 AND proxies.during @> $2::timestamptz AND NOT EXISTS (SELECT FROM proxy_ends WHERE id = proxies.id) ORDER BY users.name",
        account.id,
        at,
    )
    return Who(
        name=account.name,
        roles=frozenset(grant.role for grant in account.grants),
        units=account.grants[0].unit_ids if account.grants else (),
        acts_for=tuple(row["name"] for row in absent),
        called=account.real_name,
    )


async def audit(conn: Connection, after: UUID, before: UUID | None, limit: int) -> list[AuditEntry]:
    """A page of the changes to accounts and rights, oldest first, or the latest first `before` one; ids are ordered by time."""
    rows = await (conn.fetch(_OLDEST, after, limit) if before is None else conn.fetch(_LATEST, before, limit))
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


_PROXIES = (
    "SELECT p.id, u.name AS user, a.name AS absent, lower(p.during) AS begins_at, upper(p.during) AS until"
    " FROM proxies p JOIN users u ON u.id = p.user_id JOIN users a ON a.id = p.absent_id"
)
_NOT_OVER = "upper(p.during) > $1 AND NOT EXISTS (SELECT FROM proxy_ends e WHERE e.id = p.id)"
