"""From what is known of an application to its case, for those who operate the system."""

from uuid import UUID

from shared.db import Connection
from workflows.approval_messages import workflow_id


async def cases_of(conn: Connection, number: str, id_: UUID | None) -> list[str]:
    """By the application's number or its id."""
    rows = await conn.fetch("SELECT id FROM applications WHERE number = $1 OR id = $2", number, id_)
    return [workflow_id(row["id"]) for row in rows]
