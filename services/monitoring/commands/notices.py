"""The 整改通知书: what it says is pinned in the transaction that signs it; its file is written once and stays."""

from services.monitoring.models.facts import Issue
from services.monitoring.models.notices import Kept
from services.monitoring.models.refusals import NoticeNotSigned
from services.monitoring.models.requests import KeepNotice
from shared.db import By, Connection, command
from workflows.rectification_case import Entry


async def pin_notice(conn: Connection, entry: Entry, issue: Issue, number: str) -> None:
    """Keep what the notice says: the finding and the unit as they are known at the signing. The caller holds the unit's light."""
    await conn.execute(
        "INSERT INTO notices (issue_id, round, number, unit, unit_code, rule, level, title, demand, inputs, working_days, role, signed_at)"
        " SELECT i.id, i.round, $2, coalesce(u.name, '—'), coalesce(u.code, '—'), i.rule, i.level, $3, $4, i.inputs,"
        " coalesce($5::integer, i.budget_days), $6, $7 FROM issues i LEFT JOIN unit_copies u ON u.id = i.unit_id WHERE i.id = $1",
        issue.id,
        number,
        entry.details["title"],
        entry.details["demand"],
        entry.details.get("budget_days"),
        entry.evidence.role if entry.evidence else "",
        entry.at,
    )


@command
async def keep_notice(conn: Connection, by: By, what: KeepNotice) -> Kept:
    """Keep which file the notice is; the first stays. Answers the one that counts. Raises NoticeNotSigned."""
    known = await conn.fetchrow("SELECT file, sha256 FROM notices WHERE issue_id = $1 AND round = $2 FOR UPDATE", what.issue_id, what.round)
    if known is None:
        raise NoticeNotSigned(issue=what.issue_id)
    if known["sha256"] is not None:
        return Kept(known["file"], known["sha256"])
    await conn.execute(
        "UPDATE notices SET file = $3, sha256 = $4, written_at = $5 WHERE issue_id = $1 AND round = $2",
        what.issue_id,
        what.round,
        what.file,
        what.sha256,
        by.as_of,
    )
    return Kept(what.file, what.sha256)
