"""Reads about 整改通知书: the one of a round, and the words of its page."""

from datetime import date
from typing import Any
from uuid import UUID

from services.monitoring.models.facts import Issue
from services.monitoring.models.notices import Kept, Notice
from services.monitoring.models.refusals import IssueUnknown, NoticeNotSealed, NoticeNotSigned, ServedBeforeSeal
from services.monitoring.models.words import GROUNDS, RULE_TITLES, consequences_of, matter_of
from services.monitoring.queries.facts import parameters_on
from services.monitoring.rules import freeze_scopes
from shared.auth import Who
from shared.clock import business_day, to_the_minute
from shared.db import Connection
from shared.glossary import LABELS, IssueState, Light, Role
from shared.unit_copies import scope, visible
from shared.verification import AskedFor, NotOurs, Proven


async def notice(conn: Connection, who: Who, issue_id: UUID, round_no: int | None) -> Notice:
    """The notice of a round (none named: the present one) of an issue in the caller's scope. Raises IssueUnknown, NoticeNotSigned."""
    known = await conn.fetchval(
        f"SELECT i.round FROM issues i JOIN unit_copies u ON u.id = i.unit_id WHERE {visible(who)} AND i.id = $2",
        scope(who),
        issue_id,
    )
    if known is None:
        raise IssueUnknown(issue=issue_id)
    row = await conn.fetchrow(
        "SELECT n.*, s.sealed_file, s.sealed_sha256 FROM notices n LEFT JOIN notice_seals s USING (issue_id, round)"
        " WHERE n.issue_id = $1 AND n.round = $2",
        issue_id,
        round_no or known,
    )
    if row is None:
        raise NoticeNotSigned(issue=issue_id)
    kept = {name: row[name] for name in Notice.__dataclass_fields__}
    return Notice(**{**kept, "level": Light(row["level"]), "role": Role(row["role"])})


async def released_notice(conn: Connection, seal_id: UUID) -> Kept:
    """The written file that was released under a seal's id. Raises NoticeNotSigned."""
    row = await conn.fetchrow(
        "SELECT n.number, n.file, n.sha256 FROM notice_seals s JOIN notices n USING (issue_id, round) WHERE s.id = $1", seal_id
    )
    if row is None:
        raise NoticeNotSigned(seal=seal_id)
    return Kept(row["file"], row["sha256"], row["number"])


async def ensure_may_be_served(conn: Connection, issue: Issue, served_on: date, today: date) -> None:
    """Where the policy row says so (by default), what is served is the sealed notice. Raises NoticeNotSealed, ServedBeforeSeal."""
    if issue.state is not IssueState.NOTICE_SIGNED or not (await parameters_on(conn, today))["*", "notice_sealed"].value:
        return
    sealed_at = await conn.fetchval("SELECT sealed_at FROM notice_seals WHERE issue_id = $1 AND round = $2", issue.id, issue.round)
    if sealed_at is None:
        raise NoticeNotSealed(issue=issue.id)
    if served_on < business_day(sealed_at):
        raise ServedBeforeSeal(issue=issue.id, sealed_on=business_day(sealed_at))


async def proven(conn: Connection, asked: AskedFor) -> Proven:
    """A sealed notice or supervision list by its bytes or its number. Raises NotOurs."""
    row = await conn.fetchrow(
        "SELECT '整改通知书' AS title, n.number AS document_no, n.unit, s.signer, s.sealed_at, s.sealed_sha256 AS sha256"
        " FROM notice_seals s JOIN notices n USING (issue_id, round)"
        " WHERE s.sealed_at IS NOT NULL AND ($1::text IS NULL OR s.sealed_sha256 = $1) AND ($2::text IS NULL OR n.number = $2)"
        " UNION ALL SELECT '督办清单', l.number, u.name, l.signer, l.sealed_at, l.sealed_sha256"
        " FROM supervision_lists l JOIN unit_copies u ON u.id = l.unit_id"
        " WHERE l.sealed_at IS NOT NULL AND ($1::text IS NULL OR l.sealed_sha256 = $1) AND ($2::text IS NULL OR l.number = $2)",
        asked.sha256,
        asked.document_no,
    )
    if row is None:
        raise NotOurs
    return Proven(**row)


async def unsigned_words(conn: Connection, issue: Issue, title: str, demand: str) -> dict[str, Any]:
    """What a notice would say that can no longer be changed once it is signed."""
    row = await conn.fetchrow(
        "SELECT coalesce(u.name, '—') AS unit, i.inputs FROM issues i LEFT JOIN unit_copies u ON u.id = i.unit_id WHERE i.id = $1", issue.id
    )
    if row is None:
        raise IssueUnknown(issue=issue.id)
    return {"unit": row["unit"], "title": title, "finding": matter_of(issue.rule, row["inputs"]), "requirement": demand}


async def words(conn: Connection, signed: Notice, issuer: str, *, demo_seal: bool) -> dict[str, Any]:
    """What the page says, for the template `rectification_notice.typ`, by the parameters of the day it was signed on. `demo_seal`: its seal will have
    no legal effect.
    """
    scopes = freeze_scopes(await parameters_on(conn, business_day(signed.signed_at)), signed.rule)
    return {
        "issuer": issuer,
        "number": signed.number,
        "issued_on": str(business_day(signed.signed_at)),
        "case_no": signed.number,
        "demo_seal": demo_seal,
        "unit": signed.unit,
        "unit_code": signed.unit_code,
        "title": signed.title,
        "rule": f"{RULE_TITLES[signed.rule]}（规则 {signed.rule}）",
        "finding": matter_of(signed.rule, signed.inputs),
        "as_of": to_the_minute(signed.as_of) if signed.as_of else None,
        "ground": GROUNDS[signed.rule],
        "requirement": signed.demand,
        "working_days": signed.working_days,
        "consequences": consequences_of(scopes, signed.level),
        "signer": LABELS[signed.role],
    }
