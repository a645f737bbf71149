"""One's own saved views."""

from services.identity.models.views import View
from shared.db import Connection


async def views_of(conn: Connection, user: str, area: str) -> list[View]:
    """Those of an area, in the order in which they were made."""
    rows = await conn.fetch(
        "SELECT v.id, v.name, v.query FROM saved_views v JOIN users u ON u.id = v.user_id WHERE u.name = $1 AND v.area = $2 ORDER BY v.id",
        user,
        area,
    )
    return [View(**row) for row in rows]
