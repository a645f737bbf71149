"""Reads about seals: the task of a released document, its answer once it is there."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from shared.db import Connection
from workflows.sealing_messages import Document


class SealTask(BaseModel):
    """The task that seals a document, under its number, for the operator who released it."""

    document_id: UUID
    kind: Document
    number: str
    task_id: str
    seal_code: str
    certificate: str
    placeholder: dict[str, Any]
    prepared_file: str
    digest: str
    operator: str
    answer: dict[str, Any] | None


async def seal_task(conn: Connection, document_id: UUID) -> SealTask | None:
    """The task that seals a document; none before its preparation."""
    row = await conn.fetchrow(
        "SELECT t.*, coalesce(l.number, n.number) AS number, coalesce(l.released_by, s.released_by) AS operator FROM seal_tasks t"
        " LEFT JOIN supervision_lists l ON t.kind = 'list' AND l.id = t.document_id"
        " LEFT JOIN notice_seals s ON t.kind = 'notice' AND s.id = t.document_id"
        " LEFT JOIN notices n ON n.issue_id = s.issue_id AND n.round = s.round WHERE t.document_id = $1",
        document_id,
    )
    return SealTask(**row) if row else None
