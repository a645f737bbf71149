"""Files that units bring as evidence (整改材料): kept as they came; which of them count says the entry that hands them in."""

from uuid import UUID

from services.monitoring.models.refusals import EvidenceFilesTooMany
from services.monitoring.models.requests import KeepEvidenceFile
from services.monitoring.rules.evidence import MOST_FILES
from shared.db import By, Connection, command


@command
async def keep_evidence_file(conn: Connection, by: By, what: KeepEvidenceFile) -> UUID:
    """Keep a file of an issue's round. Answers its id. Raises EvidenceFilesTooMany."""
    await conn.execute("SELECT FROM issues WHERE id = $1 FOR UPDATE", what.issue_id)
    known: int = await conn.fetchval("SELECT count(*) FROM evidence_files WHERE issue_id = $1 AND round = $2", what.issue_id, what.round)
    if known >= MOST_FILES:
        raise EvidenceFilesTooMany(issue=what.issue_id)
    await conn.execute(
        "INSERT INTO evidence_files (id, issue_id, round, name, media_type, size, sha256, file, brought_by, brought_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        what.id,
        what.issue_id,
        what.round,
        what.name,
        what.media_type,
        what.size,
        what.sha256,
        what.file,
        by.actor,
        by.as_of,
    )
    return what.id
