"""Keeping and forgetting a saved view: of its owner's concern alone, so that nothing is published."""

from uuid import UUID

from services.identity.models.refusals import TooManyViews, UserUnknown, ViewUnknown
from services.identity.models.views import SaveView, View
from shared.db import Connection, Database
from shared.events.envelope import uuid7

MOST = 20


async def save(database: Database, user: str, what: SaveView) -> View:
    """Keep it; the same name again is changed in place. Raises UserUnknown, TooManyViews."""
    async with database.transaction() as conn:
        user_id = await conn.fetchval("SELECT id FROM users WHERE name = $1 FOR UPDATE", user)
        if user_id is None:
            raise UserUnknown(user=user)
        view_id = await conn.fetchval(
            "INSERT INTO saved_views (id, user_id, area, name, query) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (user_id, area, name) DO UPDATE SET query = $5 RETURNING id",
            *(uuid7(), user_id, what.area, what.name, what.query),
        )
        await _ensure_few(conn, user_id, what.area)
        return View(view_id, what.name, what.query)


async def _ensure_few(conn: Connection, user_id: UUID, area: str) -> None:
    if await conn.fetchval("SELECT count(*) FROM saved_views WHERE user_id = $1 AND area = $2", user_id, area) > MOST:
        raise TooManyViews(most=MOST)


async def forget(database: Database, user: str, view_id: UUID) -> None:
    """Raises ViewUnknown, for another's too."""
    async with database.transaction() as conn:
        found = await conn.fetchval(
            "DELETE FROM saved_views v USING users u WHERE v.id = $1 AND u.id = v.user_id AND u.name = $2 RETURNING true", view_id, user
        )
    if not found:
        raise ViewUnknown
