"""The record of sign-ins: who, what, from where. Never what was typed."""

from uuid import UUID

from shared.db import By, Connection
from shared.events.envelope import uuid7
from shared.glossary import AccountDeed


async def record(
    conn: Connection, by: By, deed: AccountDeed, address: str, user: tuple[UUID, str] | None = None, session: UUID | None = None
) -> None:
    """Write one line; `user` is the account concerned, where there is one."""
    user_id, name = user or (None, None)
    await conn.execute(
        "INSERT INTO account_records (id, deed, at, user_id, user_name, actor, address, session_id, reason)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        uuid7(),
        deed,
        by.as_of,
        user_id,
        name,
        by.actor,
        address,
        session,
        by.reason,
    )
