"""Evidence files whose time of keeping is over."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from services.monitoring.commands.cases import next_version
from shared import outbox
from shared.db import By, Connection, command
from shared.events.monitoring import EvidenceRemoved
from shared.exports.retention import EndKeeping
from workflows.rectification import workflow_id

_CLOSED = "state IN ('closed', 'dismissed') AND closed_at <"
_LEFT = "NOT EXISTS (SELECT FROM evidence_removals r WHERE r.id = f.id)"


async def due(conn: Connection, before: datetime) -> Sequence[UUID]:
    """Issues closed before an instant that still have files; some of them, where there are many."""
    rows = await conn.fetch(
        f"SELECT id FROM issues i WHERE {_CLOSED} $1"
        f" AND EXISTS (SELECT FROM evidence_files f WHERE f.issue_id = i.id AND {_LEFT}) ORDER BY closed_at LIMIT 500",
        before,
    )
    return [row["id"] for row in rows]


async def live(conn: Connection) -> Collection[str]:
    """Where the files lie that stay."""
    return {row["file"] for row in await conn.fetch(f"SELECT file FROM evidence_files f WHERE {_LEFT}")}


@command
async def end_keeping(conn: Connection, by: By, what: EndKeeping) -> list[str]:
    """Record that the files of an issue go; answers where they lie."""
    issue = await conn.fetchrow(
        f"SELECT unit_id, round FROM issues WHERE id = $1 AND {_CLOSED} $2 FOR UPDATE", what.case, what.closed_before
    )
    gone = await conn.fetch(f"SELECT id, file FROM evidence_files f WHERE issue_id = $1 AND {_LEFT}", what.case)
    if issue is None or not gone:
        return []
    await conn.executemany(
        "INSERT INTO evidence_removals (id, removed_at, kept_days) VALUES ($1, $2, $3)",
        [(row["id"], by.as_of, what.kept_days) for row in gone],
    )
    event = EvidenceRemoved(
        occurred_at=by.as_of,
        unit_id=issue["unit_id"],
        version=await next_version(conn, what.case),
        case_id=workflow_id(what.case, issue["round"]),
        issue_id=what.case,
        files=tuple(row["id"] for row in gone),
        kept_days=what.kept_days,
    )
    await outbox.append(conn, by, event)
    return [row["file"] for row in gone]
