"""What lies beside an application."""

from uuid import UUID

from services.approval.models.attachments import Attachment, KeptFile
from services.approval.models.refusals import AttachmentUnknown
from shared.db import Connection
from shared.exports.shelf import Kept


async def attachments_of(conn: Connection, application_id: UUID) -> list[Attachment]:
    """In the order in which they came."""
    rows = await conn.fetch(
        "SELECT id, name, media_type, size, sha256, revision, brought_by, brought_at FROM attachments WHERE application_id = $1 ORDER BY id",
        application_id,
    )
    return [Attachment(**row) for row in rows]


async def kept_file(conn: Connection, application_id: UUID, attachment_id: UUID) -> KeptFile:
    """Raises AttachmentUnknown."""
    row = await conn.fetchrow(
        "SELECT name, media_type, size, sha256, file FROM attachments WHERE application_id = $1 AND id = $2", application_id, attachment_id
    )
    if row is None:
        raise AttachmentUnknown
    return KeptFile(row["name"], row["media_type"], Kept(row["file"], row["size"], row["sha256"]))
