"""What an account shows to sign in."""

import asyncpg

from services.identity.models.sign_in import Credentials
from shared.db import Connection

_OF = """
    SELECT u.id AS user_id, u.name, u.real_name, u.version, c.password_hash, c.set_at, c.one_time_until, coalesce(c.earlier, '{}') AS earlier,
        f.secret AS factor, f.confirmed_at IS NOT NULL AS factor_confirmed
    FROM users u LEFT JOIN credentials c ON c.user_id = u.id LEFT JOIN second_factors f ON f.user_id = u.id
    WHERE u.name = $1
"""


async def credentials_of(conn: Connection, name: str) -> Credentials | None:
    """What the account of this name shows; none where there is no such account."""
    row: asyncpg.Record | None = await conn.fetchrow(_OF, name)
    return Credentials(**(dict(row) | {"earlier": tuple(row["earlier"])})) if row else None
