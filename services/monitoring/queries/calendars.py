"""Reads about the holiday calendar that cases count by."""

from collections.abc import Sequence
from uuid import UUID

from shared.db import Connection


async def cases_behind(conn: Connection, version: str) -> Sequence[UUID]:
    """Issues with a running term that count by another calendar; a hundred at a time."""
    rows = await conn.fetch(
        "SELECT id FROM issues WHERE state IN ('rectifying', 'overdue_issue', 'evidence_submitted') AND calendar_version IS DISTINCT FROM $1"
        " AND deadline IS NOT NULL ORDER BY id LIMIT 100",
        version,
    )
    return [row["id"] for row in rows]
