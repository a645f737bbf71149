"""From what is known of an issue or a freeze order to its cases, for those who operate the system."""

from uuid import UUID

from shared.db import Connection
from workflows import freeze_case, rectification


async def cases_of(conn: Connection, number: str, id_: UUID | None) -> list[str]:
    """By the number of the notice or the document, or by the id; of an issue every round, the latest first."""
    issues = await conn.fetch("SELECT id, round FROM issues WHERE number = $1 OR id = $2 ORDER BY id", number, id_)
    orders = await conn.fetch(
        "SELECT id FROM freeze_orders WHERE id = $2 OR $1 IN (document_no, release_document_no) ORDER BY id", number, id_
    )
    rounds = [rectification.workflow_id(row["id"], round_) for row in issues for round_ in range(row["round"], 0, -1)]
    return rounds + [freeze_case.workflow_id(row["id"]) for row in orders]
