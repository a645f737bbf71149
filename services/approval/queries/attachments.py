"""What lies beside an application."""

from uuid import UUID

from services.approval.models.attachments import Attachment, KeptFile
from services.approval.models.refusals import AttachmentRemoved, AttachmentUnknown
from shared.db import Connection
from shared.exports.shelf import Kept


async def attachments_of(conn: Connection, application_id: UUID) -> list[Attachment]:
    """In the order in which they came."""
    rows = await conn.fetch(
        "SELECT id, name, media_type, size, sha256, revision, brought_by, brought_at, removed_at"
        " FROM attachments LEFT JOIN attachment_removals USING (id) WHERE application_id = $1 ORDER BY id",
        application_id,
    )
    return [Attachment(**row) for row in rows]


async def kept_file(conn: Connection, application_id: UUID, attachment_id: UUID) -> KeptFile:
    """Raises AttachmentUnknown, AttachmentRemoved."""
    row = await conn.fetchrow(
        "SELECT name, media_type, size, sha256, file, removed_at FROM attachments LEFT JOIN attachment_removals USING (id)"
        " WHERE application_id = $1 AND id = $2",
        application_id,
        attachment_id,
    )
    if row is None:
        raise AttachmentUnknown
    if row["removed_at"]:
        raise AttachmentRemoved
    return KeptFile(row["name"], row["media_type"], Kept(row["file"], row["size"], row["sha256"]))
