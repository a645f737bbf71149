"""Cases whose workflow goes on, and all that the tables keep of each."""

from datetime import timedelta
from uuid import UUID

import asyncpg

from services.approval.models.refusals import ApplicationUnknown
from services.approval.models.reopening import KeptCase, KeptDocument, KeptLine
from services.approval.queries.applications import authors_of, pinned
from shared.db import Connection
from shared.glossary import ApplicationState, EntryKind, Role
from shared.law.deadline import Deadline
from shared.law.notices import load_calendar
from shared.law.working_days import Calendar
from workflows.approval_messages import NOT_TAKEN_BACK, Numbered

SOON_AFTER = timedelta(hours=1)
"""A withdrawn application gives back what it holds within moments; so long before the end somebody may still have been at it."""
_LINE = "sequence, kind, at, actor, role, on_behalf_of, update_id, text, state_after, revision_after, step_after, holder_after"


async def open_applications(conn: Connection) -> list[UUID]:
    """Applications that are not over, and those withdrawn a moment before the last line was written or with something still to be taken back."""
    rows = await conn.fetch(
        "SELECT id FROM applications a WHERE state <> 'filed' AND (state <> 'withdrawn' OR held = $2 OR (SELECT max(kept_at) FROM entries WHERE application_id = a.id)"
        " > (SELECT max(kept_at) FROM entries) - $1::interval) ORDER BY id",
        SOON_AFTER,
        NOT_TAKEN_BACK,
    )
    return [row["id"] for row in rows]


async def open_revocations(conn: Connection) -> list[UUID]:
    """Documents that revoke another and are not filed yet."""
    rows = await conn.fetch(
        "SELECT id FROM documents d WHERE revokes IS NOT NULL AND NOT EXISTS (SELECT FROM filing_ledger WHERE document_id = d.id) ORDER BY id"
    )
    return [row["id"] for row in rows]


async def kept_case(conn: Connection, application_id: UUID) -> KeptCase:
    """An application. Raises ApplicationUnknown."""
    row = await conn.fetchrow("SELECT * FROM applications WHERE id = $1", application_id)
    if row is None:
        raise ApplicationUnknown(application=application_id)
    document = await conn.fetchrow("SELECT * FROM documents WHERE application_id = $1 AND revokes IS NULL", application_id)
    return KeptCase(
        pinned=await pinned(conn, application_id),
        applicant=row["applicant"],
        concerned=tuple(row["concerned"]),
        revision=row["revision"],
        blocked_by=tuple(row["blocked_by"]),
        lifted=await _lifted(conn, row["unit_id"]),
        deadline=Deadline.model_validate(row["deadline"]) if row["deadline"] else None,
        document=_document(document) if document else None,
        lines=await _lines(conn, application_id, None),
        submitted_at=row["submitted_at"],
        authors=await authors_of(conn, application_id),
        untaken=row["held"] == NOT_TAKEN_BACK,
    )


async def kept_revocation(conn: Connection, document_id: UUID) -> tuple[UUID, KeptCase]:
    """A revocation, and the application whose document it revokes. Raises ApplicationUnknown."""
    row = await conn.fetchrow(
        "SELECT d.*, a.concerned FROM documents d JOIN applications a ON a.id = d.application_id WHERE d.id = $1", document_id
    )
    if row is None:
        raise ApplicationUnknown(document=document_id)
    lines = await _lines(conn, row["application_id"], document_id)
    case = KeptCase(
        pinned=await pinned(conn, row["application_id"]),
        applicant=lines[0].actor,
        concerned=tuple(row["concerned"]),
        revision=lines[0].revision_after,
        blocked_by=(),
        lifted=(),
        deadline=None,
        document=_document(row),
        lines=lines,
        authors=await authors_of(conn, row["application_id"]),
        revokes=row["revokes"],
    )
    return row["application_id"], case


async def calendar_of(conn: Connection, application_id: UUID, deadline: Deadline | None) -> Calendar:
    """The calendar that the case counts by, or will be told of: the newest of its version; else that of its term, else what is published."""
    found = await conn.fetchval(
        "SELECT calendar FROM calendars ORDER BY version IS DISTINCT FROM (SELECT calendar_version FROM applications WHERE id = $1), number DESC LIMIT 1",
        application_id,
    )
    if found:
        return Calendar.model_validate(found)
    return deadline.calendar if deadline else load_calendar()


async def _lifted(conn: Connection, unit_id: UUID) -> tuple[UUID, ...]:
    rows = await conn.fetch("SELECT order_id FROM unit_freezes WHERE unit_id = $1 AND ended ORDER BY order_id", unit_id)
    return tuple(row["order_id"] for row in rows)


async def _lines(conn: Connection, application_id: UUID, document_id: UUID | None) -> tuple[KeptLine, ...]:
    """The timeline; that of a revocation is the part that speaks of its document."""
    rows = await conn.fetch(
        f"SELECT {_LINE} FROM entries WHERE application_id = $1 AND ($2::uuid IS NULL OR document_id = $2) ORDER BY sequence",
        application_id,
        document_id,
    )
    return tuple(_line(row) for row in rows)


def _line(row: asyncpg.Record) -> KeptLine:
    words = {"kind": EntryKind(row["kind"]), "role": Role(row["role"]), "state_after": ApplicationState(row["state_after"])}
    return KeptLine(**{**row, **words, "holder_after": Role(row["holder_after"]) if row["holder_after"] else None})


def _document(row: asyncpg.Record) -> KeptDocument:
    return KeptDocument(Numbered(document_id=row["id"], document_no=row["document_no"]), row["numbered_on"], row["sha256"])
