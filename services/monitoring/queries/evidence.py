"""Reads about the files of an issue, for those who may read persons: what was handed in, and, for its own unit, what lies ready to be."""

from collections.abc import Sequence
from uuid import UUID

from services.monitoring.models.facts import Issue
from services.monitoring.models.issues import EvidenceFile
from services.monitoring.models.refusals import EvidenceFileRemoved, EvidenceFileUnknown, OwnEvidence
from shared.auth import Who
from shared.db import Connection
from shared.exports.shelf import Kept
from shared.glossary import IssueState
from shared.unit_copies import scope, visible

_HANDED_IN = (
    "EXISTS (SELECT FROM issue_entries e WHERE e.issue_id = f.issue_id AND e.act = 'submit_evidence'"
    " AND e.details -> 'attachments' ? f.id::text)"
)
OWN = (
    "EXISTS (SELECT FROM issue_entries e WHERE e.issue_id = i.id AND e.round = i.round AND e.act = 'submit_evidence' AND (e.actor = $2"
    " OR EXISTS (SELECT FROM evidence_files f WHERE f.issue_id = i.id AND f.brought_by = $2 AND e.details -> 'attachments' ? f.id::text)))"
)
"""That $2 handed in evidence of issue `i` in this round, be it returned since, or brought a file of it: the evidence is his own."""


def _shown(who: Who) -> str:
    ready = "false" if not who.may("persons.read") else "true" if who.units is not None else _HANDED_IN
    return f"FROM evidence_files f LEFT JOIN evidence_removals r ON r.id = f.id JOIN issues i ON i.id = f.issue_id JOIN unit_copies u ON u.id = i.unit_id WHERE {visible(who)} AND {ready}"


async def evidence_files(conn: Connection, who: Who, issue_id: UUID) -> list[EvidenceFile]:
    """The files of an issue that the caller may see, in the order they came."""
    rows = await conn.fetch(
        f"SELECT f.*, {_HANDED_IN} AS handed_in, r.removed_at {_shown(who)} AND f.issue_id = $2 ORDER BY f.id", scope(who), issue_id
    )
    return [EvidenceFile.model_validate(dict(row)) for row in rows]


async def evidence_file(conn: Connection, who: Who, issue_id: UUID, file_id: UUID) -> tuple[EvidenceFile, Kept]:
    """One of them, and where it lies. Raises EvidenceFileUnknown, EvidenceFileRemoved."""
    row = await conn.fetchrow(
        f"SELECT f.*, {_HANDED_IN} AS handed_in, r.removed_at {_shown(who)} AND f.issue_id = $2 AND f.id = $3",
        scope(who),
        issue_id,
        file_id,
    )
    if row is None:
        raise EvidenceFileUnknown(file=file_id)
    if row["removed_at"]:
        raise EvidenceFileRemoved(file=file_id)
    return EvidenceFile.model_validate(dict(row)), Kept(row["file"], row["size"], row["sha256"])


async def ensure_brought(conn: Connection, issue: Issue, files: Sequence[UUID]) -> None:
    """What is handed in was brought before, to this round of this issue. Raises EvidenceFileUnknown."""
    known = await conn.fetchval(
        "SELECT count(*) FROM evidence_files WHERE id = ANY ($1) AND issue_id = $2 AND round = $3", list(files), issue.id, issue.round
    )
    if known != len(set(files)):
        raise EvidenceFileUnknown(issue=issue.id)


async def is_own(conn: Connection, issue_id: UUID, name: str) -> bool:
    """Whether the evidence of the present round is his."""
    return bool(await conn.fetchval(f"SELECT {OWN} FROM issues i WHERE i.id = $1", issue_id, name))


async def ensure_not_own(conn: Connection, issue: Issue, name: str) -> None:
    """The case knows who handed in last; who did before, or brought a file, stands here. Raises OwnEvidence."""
    if issue.state is IssueState.EVIDENCE_SUBMITTED and await is_own(conn, issue.id, name):
        raise OwnEvidence(issue=issue.id)
