"""Sessions as their owners see them, what has to be done in one first, and the record of sign-ins."""

from datetime import datetime
from uuid import UUID

from services.identity.models.sign_in import ActsFor, Credentials, Demands, Kept, Policy, Session, SignInRecord
from shared.db import Connection
from shared.glossary import LABELS, AccountDeed, SignInWay

_RECORD = "SELECT id, kept_at AS at, deed, user_name AS user, actor, address, reason FROM account_records"
_OLDEST = f"{_RECORD} WHERE id > $1 AND ($2::text IS NULL OR user_name = $2) ORDER BY id LIMIT $3"
_LATEST = f"{_RECORD} WHERE id < $1 AND ($2::text IS NULL OR user_name = $2) ORDER BY id DESC LIMIT $3"
BY_PASSWORD = frozenset({SignInWay.PASSWORD, SignInWay.SECOND_FACTOR})


def demands_of(found: Credentials, kept: Kept, policy: Policy, at: datetime) -> Demands:
    """A password handed out or too old is changed first, a second factor that the house asks for is set up first."""
    if kept.way not in BY_PASSWORD or found.set_at is None:
        return Demands(password=False, code=False)
    too_old = policy.age is not None and found.set_at + policy.age <= at
    return Demands(password=found.one_time_until is not None or too_old, code=policy.second_factor and not found.factor_confirmed)


async def sessions_of(conn: Connection, name: str, current: UUID | None, at: datetime) -> list[Session]:
    """The sessions of a user that go on, newest first."""
    rows = await conn.fetch(
        "SELECT s.id, s.way, s.address, s.agent, s.made_at, s.seen_at, least(s.idle_ends_at, s.ends_at) AS ends_at"
        " FROM sessions s JOIN users u ON u.id = s.user_id"
        " WHERE u.name = $1 AND s.ended_at IS NULL AND s.idle_ends_at > $2 AND s.ends_at > $2 ORDER BY s.made_at DESC",
        name,
        at,
    )
    ways = [SignInWay(row["way"]) for row in rows]
    return [
        Session(**(dict(row) | {"way": way}), way_label=LABELS[way], current=row["id"] == current)
        for row, way in zip(rows, ways, strict=True)
    ]


async def draft_key(conn: Connection, name: str) -> UUID:
    """Under which a browser keeps what he has half written."""
    key: UUID = await conn.fetchval("SELECT draft_key FROM users WHERE name = $1", name)
    return key


async def acts_for(conn: Connection, name: str, at: datetime) -> list[ActsFor]:
    """Absent colleagues he stands in for at a business instant, and until when."""
    rows = await conn.fetch(
        "SELECT a.name, a.real_name, max(upper(p.during)) AS until FROM proxies p JOIN users u ON u.id = p.user_id JOIN users a ON a.id = p.absent_id"
        " WHERE u.name = $1 AND p.during @> $2::timestamptz AND NOT EXISTS (SELECT FROM proxy_ends WHERE id = p.id)"
        " GROUP BY a.name, a.real_name ORDER BY a.name",
        name,
        at,
    )
    return [ActsFor(**row) for row in rows]


async def records(conn: Connection, user: str | None, after: UUID, before: UUID | None, limit: int) -> list[SignInRecord]:
    """A page of the record, oldest first, or the latest first `before` one; of one account, or of all."""
    rows = await (conn.fetch(_OLDEST, after, user, limit) if before is None else conn.fetch(_LATEST, before, user, limit))
    deeds = [AccountDeed(row["deed"]) for row in rows]
    return [SignInRecord(**(dict(row) | {"deed": deed}), label=LABELS[deed]) for row, deed in zip(rows, deeds, strict=True)]
