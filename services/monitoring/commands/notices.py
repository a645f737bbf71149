"""The 整改通知书: what it says is pinned in the transaction that signs it; its file is written once and stays, and is released to be sealed."""

from uuid import UUID

from services.monitoring.models.facts import Issue
from services.monitoring.models.notices import Kept
from services.monitoring.models.refusals import CaseOver, NoticeAlreadyReleased, NoticeNotSigned
from services.monitoring.models.requests import KeepNotice, ReleaseNotice
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.glossary import IssueState
from shared.outbox import start_workflow
from workflows.rectification_case import OVER, Entry
from workflows.sealing_messages import Document, SealStart, workflow_id


async def pin_notice(conn: Connection, entry: Entry, issue: Issue, number: str) -> None:
    """Keep what the notice says: the finding and the unit as they are known at the signing. The caller holds the unit's light."""
    await conn.execute(
        "INSERT INTO notices (issue_id, round, number, unit, unit_code, rule, level, title, demand, inputs, working_days, role, signed_at, as_of)"
        " SELECT i.id, i.round, $2, coalesce(u.name, '—'), coalesce(u.code, '—'), i.rule, i.level, $3, $4, i.inputs,"
        " coalesce($5::integer, i.budget_days), $6, $7, i.as_of FROM issues i LEFT JOIN unit_copies u ON u.id = i.unit_id WHERE i.id = $1",
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


@command
async def release_notice(conn: Connection, by: By, what: ReleaseNotice) -> UUID:
    """用印登记: an operator releases the written notice; its sealing goes on in a workflow. Answers the id of its seal.

    Raises NoticeNotSigned (nothing is written yet), CaseOver, NoticeAlreadyReleased.
    """
    notice = await conn.fetchrow(
        "SELECT n.round, n.sha256, i.state FROM issues i JOIN notices n ON n.issue_id = i.id AND n.round = i.round WHERE i.id = $1 FOR UPDATE OF n",
        what.issue_id,
    )
    if notice is None or notice["sha256"] is None:
        raise NoticeNotSigned(issue=what.issue_id)
    if IssueState(notice["state"]) in OVER:
        raise CaseOver(issue=what.issue_id)
    seal_id: UUID | None = await conn.fetchval(
        "INSERT INTO notice_seals (id, issue_id, round, released_by, released_at, release_reason) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (issue_id, round) DO NOTHING RETURNING id",
        uuid7(),
        what.issue_id,
        notice["round"],
        by.actor,
        by.as_of,
        by.reason,
    )
    if seal_id is None:
        raise NoticeAlreadyReleased(issue=what.issue_id)
    start = SealStart(kind=Document.NOTICE, document_id=seal_id, released_at=by.as_of, clock_offset=what.clock_offset)
    await start_workflow(conn, "SealWorkflow", workflow_id(Document.NOTICE, seal_id), start)
    return seal_id
