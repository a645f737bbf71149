"""Login names, as identity tells of them: called by the consumer inside its transaction."""

from shared.db import Connection


async def keep_user(conn: Connection, name: str) -> None:
    """Remember that there is such an account; none ever ends."""
    await conn.execute("INSERT INTO user_copies (name) VALUES ($1) ON CONFLICT DO NOTHING", name)
