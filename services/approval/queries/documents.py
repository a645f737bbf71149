"""Notices with their files, seal tasks and the filing ledger. Row scopes stand in the SQL."""

from uuid import UUID

import asyncpg

from services.approval import rules
from services.approval.models.facts import Document, Files, LedgerRow, Notice, Released, SealTask, UnusedNumber
from services.approval.models.refusals import DocumentUnknown, NotReleased
from shared.auth import Who
from shared.db import Connection
from shared.glossary import ApplicationType
from shared.unit_copies import scope, sees_withheld, visible
from shared.verification import AskedFor, NotOurs, Proven

_DOCUMENT = (
    "SELECT d.*, register.operator, register.released_at, task.task_id, ledger.signer, ledger.sealed_at, ledger.filed_at,"
    " revoking.id AS revoked_by, revoking.sealed_sha256 IS NOT NULL AS revoked FROM documents d JOIN applications a ON a.id = d.application_id"
    " LEFT JOIN seal_register register ON register.document_id = d.id LEFT JOIN seal_tasks task ON task.document_id = d.id"
    " LEFT JOIN filing_ledger ledger ON ledger.document_id = d.id LEFT JOIN documents revoking ON revoking.revokes = d.id"
)


UNUSED = """
    FROM (SELECT application_id, unit_id, title, unnest(unused_nos) AS unused_no, document_no AS used_no, '跨年重新编号' AS why FROM documents
        UNION ALL SELECT application_id, documents.unit_id, title, document_no, NULL, '编号后申请撤回' FROM documents
        JOIN applications ON applications.id = application_id WHERE state = 'withdrawn' AND sealed_sha256 IS NULL) d
    JOIN applications a ON a.id = d.application_id LEFT JOIN unit_copies u ON u.id = d.unit_id
"""
"""The numbers that no document bears: of a year that was over before its notice was written, or of a case that was withdrawn."""
IN_TURN = "length(d.unused_no), d.unused_no"


def in_scope(who: Who) -> str:
    """The row scope of an application `a` to read: $1 is the caller's; either of its units opens it. The office sees all, and looks at no unit for that."""
    return _opened_by("a.unit_id, a.from_unit_id", who)


def in_hand(who: Who) -> str:
    """The row scope of an application `a` to do something with it: the unit that applies opens it; the one that lets the person go reads."""
    return _opened_by("a.unit_id", who)


def _opened_by(units: str, who: Who) -> str:
    if who.units is None and sees_withheld(who):
        return "$1::uuid[] IS NULL"
    return f"EXISTS (SELECT FROM unit_copies seen WHERE seen.id IN ({units}) AND {visible(who, row='seen')})"


async def of_application(conn: Connection, application_id: UUID) -> tuple[Document, ...]:
    """The notices of an application."""
    rows = await conn.fetch(f"{_DOCUMENT} WHERE d.application_id = $1 ORDER BY d.id", application_id)
    return tuple(_document(row) for row in rows)


async def document(conn: Connection, document_id: UUID, who: Who) -> Document:
    """One document in the caller's scope. Raises DocumentUnknown."""
    row = await conn.fetchrow(f"{_DOCUMENT} WHERE d.id = $2 AND {in_scope(who)}", scope(who), document_id)
    if row is None:
        raise DocumentUnknown(document=document_id)
    return _document(row)


async def files(conn: Connection, document_id: UUID) -> Files:
    """Where a document's bytes are. Raises DocumentUnknown."""
    row = await conn.fetchrow("SELECT document_no, file, sealed_file, sealed_sha256 FROM documents WHERE id = $1", document_id)
    if row is None:
        raise DocumentUnknown(document=document_id)
    return Files(**row)


async def notice(conn: Connection, document_id: UUID, revision: int) -> Notice:
    """What the notice says. Raises DocumentUnknown."""
    row = await conn.fetchrow(
        "SELECT d.document_no, d.title, d.template, d.sha256, a.number AS application_number, a.application_type AS type, a.unit_id,"
        " a.from_unit_id, r.kind, r.funding, r.posts, r.person_id, r.reservation_id, r.reason_code, r.effective_on, r.change_id,"
        " r.title AS application_title, d.reason, revoked.document_no AS revoked_no FROM documents d"
        " LEFT JOIN documents revoked ON revoked.id = d.revokes"
        " JOIN applications a ON a.id = d.application_id JOIN revisions r ON r.application_id = a.id AND r.revision = $2 WHERE d.id = $1",
        document_id,
        revision,
    )
    if row is None:
        raise DocumentUnknown(document=document_id)
    return Notice(**dict(row) | {"type": ApplicationType(row["type"])})


async def proven(conn: Connection, asked: AskedFor) -> Proven:
    """A filed notice by its bytes or its number. Raises NotOurs."""
    row = await conn.fetchrow(
        "SELECT d.title, d.document_no, u.name AS unit, l.signer, l.sealed_at, l.sha256, revoking.document_no AS revoked_by FROM filing_ledger l"
        " JOIN documents d ON d.id = l.document_id LEFT JOIN unit_copies u ON u.id = d.unit_id"
        " LEFT JOIN documents revoking ON revoking.revokes = d.id AND revoking.sealed_sha256 IS NOT NULL"
        " WHERE ($1::text IS NULL OR l.sha256 = $1) AND ($2::text IS NULL OR l.document_no = $2)",
        asked.sha256,
        asked.document_no,
    )
    if row is None:
        raise NotOurs
    return Proven(**row)


async def is_released(conn: Connection, document_id: UUID) -> bool:
    """Whether an operator registered the use of the seal for it."""
    return bool(await conn.fetchval("SELECT true FROM seal_register WHERE document_id = $1", document_id))


async def released(conn: Connection, document_id: UUID) -> Released:
    """What its operator released. Raises NotReleased."""
    row = await conn.fetchrow(
        "SELECT d.document_no, d.file, r.sha256, d.application_id, a.revision FROM seal_register r JOIN documents d ON d.id = r.document_id"
        " JOIN applications a ON a.id = d.application_id WHERE d.id = $1",
        document_id,
    )
    if row is None:
        raise NotReleased(document=document_id)
    return Released(**row)


async def seal_task(conn: Connection, document_id: UUID) -> SealTask | None:
    """The document's task on the seal platform, if it has one."""
    row = await conn.fetchrow(
        "SELECT t.document_id, d.document_no, r.operator, t.seal_code, t.prepared, t.prepared_file, t.digest, t.task_id, t.answer"
        " FROM seal_tasks t JOIN documents d ON d.id = t.document_id JOIN seal_register r ON r.document_id = t.document_id"
        " WHERE t.document_id = $1",
        document_id,
    )
    return SealTask(**row) if row else None


async def ledger(conn: Connection, who: Who, after: UUID, limit: int) -> list[LedgerRow]:
    """A page of the filing ledger in the caller's scope, by document id (oldest first)."""
    rows = await conn.fetch(
        "SELECT l.document_id, l.document_no, d.title, d.unit_id, coalesce(u.name, '—') AS unit, l.sha256, l.signer, l.sealed_at, l.filed_at"
        " FROM filing_ledger l JOIN documents d ON d.id = l.document_id JOIN applications a ON a.id = d.application_id"
        f" LEFT JOIN unit_copies u ON u.id = d.unit_id WHERE {in_scope(who)} AND l.document_id > $2 ORDER BY l.document_id LIMIT $3",
        scope(who),
        after,
        limit,
    )
    return [LedgerRow(**row) for row in rows]


async def unused_numbers(conn: Connection, who: Who, after: str, limit: int) -> list[UnusedNumber]:
    """A page of the gaps in the numbers, in the caller's scope, behind a number."""
    rows = await conn.fetch(
        "SELECT unused_no AS document_no, d.title, d.unit_id, coalesce(u.name, '—') AS unit, application_id, a.number AS application_no, used_no,"
        f" why AS reason {UNUSED} WHERE {in_scope(who)} AND ({IN_TURN}) > (length($2), $2) ORDER BY {IN_TURN} LIMIT $3",
        scope(who),
        after,
        limit,
    )
    return [UnusedNumber(**row) for row in rows]


def _document(row: asyncpg.Record) -> Document:
    state = rules.document_state(
        sha256=row["sha256"],
        released=row["released_at"] is not None,
        requested=row["task_id"] is not None,
        filed=row["filed_at"] is not None,
        revoked=bool(row["revoked"]),
    )
    shown = ("id", "application_id", "document_no", "title", "sha256", "sealed_sha256", "released_at", "task_id", "signer", "sealed_at")
    unused = tuple(row["unused_nos"])
    return Document(
        state=state,
        released_by=row["operator"],
        unused_nos=unused,
        **{name: row[name] for name in (*shown, "filed_at", "revokes", "revoked_by")},
    )
