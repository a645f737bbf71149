"""Reads about the holiday calendar that cases count by."""

from collections.abc import Sequence
from uuid import UUID

from shared.db import Connection


async def cases_behind(conn: Connection, version: str) -> Sequence[UUID]:
    """Open applications whose steps count by another calendar; a hundred at a time."""
    rows = await conn.fetch(
        "SELECT id FROM applications WHERE state NOT IN ('filed', 'withdrawn') AND calendar_version IS DISTINCT FROM $1 ORDER BY id LIMIT 100",
        version,
    )
    return [row["id"] for row in rows]
