"""Reads about issues: the pages of one and of many, with the journal, the rungs and the certificate of the deadline."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.monitoring.models.facts import Issue
from services.monitoring.models.refusals import CaseMissing, IssueUnknown, StillFound
from services.monitoring.models.words import RULE_TITLES, SEAL_STANDINGS, matter_of
from shared.auth import Who
from shared.db import Connection
from shared.glossary import LABELS, IssueState, Light
from shared.law.deadline import Certificate, Deadline
from shared.unit_copies import scope, visible
from workflows.rectification import workflow_id
from workflows.rectification_case import OVER


class Page(BaseModel):
    """A page of a list; `next` is the cursor of the page after it."""

    items: list[Any]
    next: str | None = None


class IssueLine(BaseModel):
    """An issue in a list."""

    id: UUID
    unit_id: UUID
    unit: str
    rule: str
    title: str
    matter: str
    level: Light
    state: IssueState
    state_label: str
    round: int
    number: str | None
    found_at: datetime
    due_at: datetime | None
    held: str | None


class TimelineEntry(BaseModel):
    """What happened, by whom."""

    round: int
    sequence: int
    act: str
    state: IssueState
    at: datetime
    actor: str
    role: str
    reason: str
    document_no: str | None
    details: dict[str, Any]


class NoticeSeal(BaseModel):
    """How far the 整改通知书 of the present round is: written and 待用印, released and 待签章, sealed."""

    standing: str
    standing_label: str
    released_by: str | None
    released_at: datetime | None
    sealed_at: datetime | None
    sealed_sha256: str | None
    signer: str | None


class FiredRung(BaseModel):
    """A step of the ladder that fired."""

    round: int
    revision: int
    rung: str
    planned_at: datetime
    fired_at: datetime


class IssuePage(IssueLine):
    """Everything about one issue."""

    rule_version: str
    subject: str
    present: bool
    inputs: dict[str, Any]
    threshold: dict[str, Any]
    event_id: UUID | None
    demand: str | None
    signed_by: str | None
    signed_at: datetime | None
    served_on: date | None
    revision: int
    closed_at: datetime | None
    closing_document_no: str | None
    notice: NoticeSeal | None
    certificate: Certificate | None
    timeline: list[TimelineEntry]
    rungs: list[FiredRung]


def _lines(who: Who) -> str:
    return f"SELECT i.*, u.name AS unit FROM issues i JOIN unit_copies u ON u.id = i.unit_id WHERE {visible(who)}"


async def issues(conn: Connection, who: Who, unit_id: UUID | None, state: IssueState | None, after: UUID | None, limit: int) -> Page:
    """Issues in the caller's scope, oldest first."""
    rows = await conn.fetch(
        _lines(who) + " AND ($2::uuid IS NULL OR i.unit_id = $2) AND ($3::text IS NULL OR i.state = $3) AND ($4::uuid IS NULL OR i.id > $4)"
        " ORDER BY i.id LIMIT $5",
        scope(who),
        unit_id,
        state,
        after,
        limit,
    )
    return Page(items=[IssueLine(**_line(row)) for row in rows], next=str(rows[-1]["id"]) if len(rows) == limit else None)


def _line(row: asyncpg.Record) -> dict[str, Any]:
    title = row["title"] or RULE_TITLES.get(row["rule"], row["rule"])
    return {**row, "title": title, "matter": matter_of(row["rule"], row["inputs"]), "state_label": LABELS[IssueState(row["state"])]}


async def issue(conn: Connection, who: Who, issue_id: UUID) -> IssuePage:
    """One issue with its journal, its rungs and the certificate of its deadline."""
    row = await conn.fetchrow(_lines(who) + " AND i.id = $2", scope(who), issue_id)
    if row is None:
        raise IssueUnknown(issue=issue_id)
    entries = await conn.fetch("SELECT * FROM issue_entries WHERE issue_id = $1 ORDER BY round, sequence", issue_id)
    fired = await conn.fetch("SELECT * FROM rungs WHERE issue_id = $1 ORDER BY fired_at, planned_at", issue_id)
    deadline = Deadline.model_validate(row["deadline"]) if row["deadline"] else None
    return IssuePage(
        **_line(row),
        notice=await _notice_seal(conn, issue_id, row["round"]),
        certificate=deadline.certificate() if deadline else None,
        timeline=[TimelineEntry(**entry) for entry in entries],
        rungs=[FiredRung(**rung) for rung in fired],
    )


async def _notice_seal(conn: Connection, issue_id: UUID, round_no: int) -> NoticeSeal | None:
    row = await conn.fetchrow(
        "SELECT s.* FROM notices n LEFT JOIN notice_seals s USING (issue_id, round) WHERE n.issue_id = $1 AND n.round = $2",
        issue_id,
        round_no,
    )
    if row is None:
        return None
    standing = "sealed" if row["sealed_at"] else "awaiting_seal" if row["released_at"] else "awaiting_release"
    return NoticeSeal(**row, standing=standing, standing_label=SEAL_STANDINGS[standing])


async def issue_for_decision(conn: Connection, who: Who, issue_id: UUID) -> tuple[Issue, str]:
    """The issue a decision is about, if it lies in the caller's scope, and the id of its running case."""
    row = await conn.fetchrow(_lines(who) + " AND i.id = $2", scope(who), issue_id)
    if row is None:
        raise IssueUnknown(issue=issue_id)
    kept = {name: row[name] for name in Issue.__dataclass_fields__}
    found = Issue(**{**kept, "level": Light(row["level"]), "state": IssueState(row["state"])})
    if not found.has_case:
        raise CaseMissing(issue=issue_id)
    return found, workflow_id(found.id, found.round)


def ensure_gone(issue: Issue) -> None:
    """What the rule still finds is not struck off, unless it lies in the past for good or is settled already."""
    if issue.must_vanish and issue.present and issue.state not in OVER:
        raise StillFound(issue=issue.id)
