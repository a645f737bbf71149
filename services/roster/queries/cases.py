"""From an import or a comparison to its case, for those who operate the system."""

from uuid import UUID

from shared.db import Connection
from workflows import comparison, imports


async def cases_of(conn: Connection, id_: UUID) -> list[str]:
    """By the id: neither has a number."""
    brought = await conn.fetchval("SELECT id FROM imports WHERE id = $1", id_)
    compared = await conn.fetchval("SELECT id FROM comparison_runs WHERE id = $1", id_)
    return [imports.workflow_id(id_)] * bool(brought) + [comparison.workflow_id(id_)] * bool(compared)
