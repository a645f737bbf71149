"""What lies beside an application."""

from collections.abc import Sequence
from uuid import UUID

from services.approval.models.attachments import Attachment, KeptFile
from services.approval.models.refusals import AttachmentRemoved, AttachmentUnknown, OwnCase
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


async def ensure_brought_by_others(conn: Connection, application_id: UUID, names: Sequence[str]) -> None:
    """Whoever laid a file beside it speaks for it: it is his own case, though the running case does not know of files. Raises OwnCase."""
    if await conn.fetchval("SELECT true FROM attachments WHERE application_id = $1 AND brought_by = ANY($2)", application_id, list(names)):
        raise OwnCase
