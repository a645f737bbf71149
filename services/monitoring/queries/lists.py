"""Reads about weekly lists: what goes on an edition, the editions themselves, and the words of their documents."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.monitoring.models.refusals import ListUnknown
from services.monitoring.models.words import RULE_TITLES, matter_of
from services.monitoring.queries.issues import Page
from services.monitoring.rules.lists import Listed
from shared.auth import Who
from shared.clock import business_day
from shared.db import Connection
from shared.glossary import LABELS, SERVICE_NAMES, IssueState, Light, LineKind
from shared.law.deadline import Deadline
from shared.unit_copies import scope, visible

_FORM_KINDS = {LineKind.NEW: "new", LineKind.CARRIED: "carried", LineKind.OVERDUE: "overdue", LineKind.CLEARED: "cleared"}


class ListHead(BaseModel):
    """An edition in a list of them."""

    id: UUID
    number: str
    unit_id: UUID
    unit: str
    iso_week: str
    issued_at: datetime
    released_by: str | None
    released_at: datetime | None
    sealed_at: datetime | None
    sealed_sha256: str | None
    signer: str | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None


class ListLine(BaseModel):
    """One line of an edition, as it was issued."""

    line_no: int
    issue_id: UUID
    kind: LineKind
    kind_label: str
    rule: str
    level: Light
    state: IssueState
    matter: str
    document_no: str | None
    measure: str | None
    found_on: date
    due_at: datetime | None
    remaining: int | None


class AuditHead(BaseModel):
    """The newest audit seal of a service when the edition was issued: whoever holds the paper can ask whether it still stands in the chain."""

    service: str
    number: int
    head: str


class ListPage(ListHead):
    """One edition with its lines."""

    lines: list[ListLine]
    audit_heads: list[AuditHead]


async def audit_heads(conn: Connection) -> list[dict[str, Any]]:
    """The newest audit seal of each service, to be printed: number and head (hex)."""
    rows = await conn.fetch(
        "SELECT service, number, head FROM audit_heads UNION ALL"
        " (SELECT 'monitoring', number, encode(head, 'hex') FROM audit_seals ORDER BY number DESC LIMIT 1) ORDER BY service"
    )
    return [dict(row) for row in rows]


async def lines_before(conn: Connection, unit_id: UUID) -> tuple[UUID | None, datetime | None, set[tuple[UUID, int]]]:
    """The unit's last edition: its id, its instant, and the issues that were open on it."""
    last = await conn.fetchrow("SELECT id, issued_at FROM supervision_lists WHERE unit_id = $1 ORDER BY issued_at DESC LIMIT 1", unit_id)
    if last is None:
        return None, None, set()
    rows = await conn.fetch("SELECT issue_id, round FROM supervision_lines WHERE list_id = $1 AND kind <> 'cleared'", last["id"])
    return last["id"], last["issued_at"], {(row["issue_id"], row["round"]) for row in rows}


async def listed_issues(conn: Connection, unit_id: UUID, last_id: UUID | None, issued_at: datetime | None) -> list[Listed]:
    """What is open, and what was settled since the last edition (or stood on it, open)."""
    rows = await conn.fetch(
        "SELECT i.* FROM issues i WHERE i.unit_id = $1 AND (i.state NOT IN ('baseline', 'closed', 'dismissed')"
        " OR (i.state IN ('closed', 'dismissed') AND i.version > 0 AND (i.closed_at > $3 OR EXISTS (SELECT FROM supervision_lines l"
        " WHERE l.list_id = $2 AND l.issue_id = i.id AND l.round = i.round AND l.kind <> 'cleared'))))",
        unit_id,
        last_id,
        issued_at,
    )
    return [_listed(row) for row in rows]


def _listed(row: asyncpg.Record) -> Listed:
    return Listed(
        issue_id=row["id"],
        round=row["round"],
        rule=row["rule"],
        level=Light(row["level"]),
        state=IssueState(row["state"]),
        matter=matter_of(row["rule"], row["inputs"]),
        document_no=row["number"],
        measure=row["demand"],
        found_on=business_day(row["found_at"]),
        due_at=row["due_at"],
        deadline=Deadline.model_validate(row["deadline"]) if row["deadline"] else None,
    )


async def units_to_list(conn: Connection) -> list[UUID]:
    """Units with something open, or with an edition whose lines may have been cleared."""
    rows = await conn.fetch(
        "SELECT unit_id FROM issues WHERE state NOT IN ('baseline', 'closed', 'dismissed')"
        " UNION SELECT unit_id FROM supervision_lists ORDER BY unit_id"
    )
    return [row["unit_id"] for row in rows]


def _heads(who: Who | None) -> str:
    return (
        "SELECT l.*, u.name AS unit, u.code AS unit_code FROM supervision_lists l JOIN unit_copies u ON u.id = l.unit_id"
        f" WHERE {visible(who)}"
    )


async def lists(conn: Connection, who: Who, unit_id: UUID | None, week: str | None, after: UUID | None, limit: int) -> Page:
    """Editions in the caller's scope, oldest first."""
    rows = await conn.fetch(
        _heads(who)
        + " AND ($2::uuid IS NULL OR l.unit_id = $2) AND ($3::text IS NULL OR l.iso_week = $3) AND ($4::uuid IS NULL OR l.id > $4)"
        " ORDER BY l.id LIMIT $5",
        scope(who),
        unit_id,
        week,
        after,
        limit,
    )
    return Page(items=[ListHead(**row) for row in rows], next=str(rows[-1]["id"]) if len(rows) == limit else None)


async def supervision_list(conn: Connection, who: Who | None, list_id: UUID) -> ListPage:
    """One edition with its lines. Raises ListUnknown."""
    row = await conn.fetchrow(_heads(who) + " AND l.id = $2", scope(who), list_id)
    if row is None:
        raise ListUnknown(list=list_id)
    found = await conn.fetch("SELECT * FROM supervision_lines WHERE list_id = $1 ORDER BY line_no", list_id)
    return ListPage(**row, lines=[ListLine(**line, kind_label=LABELS[LineKind(line["kind"])]) for line in found])


async def sealed_file(conn: Connection, who: Who, list_id: UUID) -> str | None:
    """The name of the sealed file, once there is one. Raises ListUnknown."""
    row = await conn.fetchrow(_heads(who) + " AND l.id = $2", scope(who), list_id)
    if row is None:
        raise ListUnknown(list=list_id)
    name: str | None = row["sealed_file"]
    return name


def words(edition: ListPage, issuer: str) -> dict[str, Any]:
    """What the form says, for the template `supervision_list.typ`."""
    monday = date.fromisocalendar(int(edition.iso_week[:4]), int(edition.iso_week[-2:]), 1)
    return {
        "issuer": issuer,
        "number": edition.number,
        "issued_on": str(business_day(edition.issued_at)),
        "case_no": edition.number,
        "demo_seal": True,
        "unit": edition.unit,
        "year": int(edition.iso_week[:4]),
        "week": int(edition.iso_week[-2:]),
        "from": str(monday),
        "to": str(monday + timedelta(days=6)),
        "lines": [_line_words(line) for line in edition.lines],
        "audit": [{"service": SERVICE_NAMES[each.service], "number": each.number, "head": each.head} for each in edition.audit_heads],
    }


def _line_words(line: ListLine) -> dict[str, Any]:
    return {
        "kind": _FORM_KINDS[line.kind],
        "rule": f"{line.rule} {RULE_TITLES[line.rule]}",
        "matter": line.matter,
        "document_no": line.document_no,
        "found_on": str(line.found_on),
        "deadline": str(business_day(line.due_at)) if line.due_at else None,
        "remaining": line.remaining,
        "measure": line.measure,
    }
