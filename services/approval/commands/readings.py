"""待阅: somebody has seen an application. No event and no key: the newest reading counts, and nothing rests on it."""

from datetime import datetime
from uuid import UUID

from shared.db import Database


async def mark_read(database: Database, reader: str, application_id: UUID, at: datetime) -> None:
    """All that stands in the timeline until now is read."""
    async with database.transaction() as conn:
        await conn.execute(
            "INSERT INTO readings (application_id, reader, sequence, at)"
            " SELECT $1, $2, coalesce(max(sequence), 0), $3 FROM entries WHERE application_id = $1"
            " ON CONFLICT (application_id, reader) DO UPDATE SET sequence = excluded.sequence, at = excluded.at",
            application_id,
            reader,
            at,
        )
