"""Attachments whose time of keeping is over."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from shared import outbox
from shared.db import By, Connection, command
from shared.events.approval import AttachmentsRemoved
from shared.exports.retention import EndKeeping
from shared.glossary import ApplicationType
from workflows.approval_messages import workflow_id

_CLOSED = "state IN ('filed', 'withdrawn') AND changed_at <"
_LEFT = "NOT EXISTS (SELECT FROM attachment_removals r WHERE r.id = f.id)"


async def due(conn: Connection, before: datetime) -> Sequence[UUID]:
    """Applications closed before an instant that still have files; some of them, where there are many."""
    rows = await conn.fetch(
        f"SELECT id FROM applications a WHERE {_CLOSED} $1"
        f" AND EXISTS (SELECT FROM attachments f WHERE f.application_id = a.id AND {_LEFT}) ORDER BY changed_at LIMIT 500",
        before,
    )
    return [row["id"] for row in rows]


async def live(conn: Connection) -> Collection[str]:
    """Where the files lie that stay."""
    return {row["file"] for row in await conn.fetch(f"SELECT file FROM attachments f WHERE {_LEFT}")}


@command
async def end_keeping(conn: Connection, by: By, what: EndKeeping) -> list[str]:
    """Record that the files of an application go; answers where they lie."""
    application = await conn.fetchrow(
        f"SELECT unit_id, application_type, version FROM applications WHERE id = $1 AND {_CLOSED} $2 FOR UPDATE",
        what.case,
        what.closed_before,
    )
    gone = await conn.fetch(f"SELECT id, file FROM attachments f WHERE application_id = $1 AND {_LEFT}", what.case)
    if application is None or not gone:
        return []
    await conn.executemany(
        "INSERT INTO attachment_removals (id, removed_at, kept_days) VALUES ($1, $2, $3)",
        [(row["id"], by.as_of, what.kept_days) for row in gone],
    )
    await conn.execute("UPDATE applications SET version = version + 1 WHERE id = $1", what.case)
    event = AttachmentsRemoved(
        occurred_at=by.as_of,
        unit_id=application["unit_id"],
        version=application["version"] + 1,
        case_id=workflow_id(what.case),
        application_id=what.case,
        application_type=ApplicationType(application["application_type"]),
        attachments=tuple(row["id"] for row in gone),
        kept_days=what.kept_days,
    )
    await outbox.append(conn, by, event)
    return [row["file"] for row in gone]
