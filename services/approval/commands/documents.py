"""Notices: numbered, written once, sealed, filed. Bytes are files named by their hash; the row decides which of them count."""

from datetime import date

import asyncpg

from services.approval.commands.applications import next_number
from services.approval.models.facts import SealTask
from services.approval.models.refusals import (
    ApplicationUnknown,
    DocumentDamaged,
    DocumentUnknown,
    NotReleased,
    SealMismatch,
    SealTaskUnknown,
)
from services.approval.models.requests import FileDocument, KeepAnswer, KeepRendered, PrepareSeal
from services.approval.queries import documents as queries
from shared import outbox
from shared.db import By, Connection, command
from shared.events.approval import DocumentFiled
from shared.events.envelope import uuid7
from shared.glossary import ApplicationType
from workflows.approval_messages import Filed, NumberDocument, Numbered, Rendered, SealCompleted, revocation_id, workflow_id

SEAL_COMPLETED = "seal_completed"


@command
async def number_document(conn: Connection, by: By, what: NumberDocument) -> Numbered:  # noqa: ARG001  every command has it
    """The notice's number; an application has one notice, and a repeat the same number. Until it is written, its day is that of the last approval,
    and its number one of that day's year. Raises ApplicationUnknown.
    """
    kind = await conn.fetchrow(
        "SELECT a.unit_id, k.title, k.series, k.template FROM applications a JOIN document_kinds k ON k.code = a.application_type"
        " WHERE a.id = $1 FOR UPDATE OF a",
        what.application_id,
    )
    if kind is None:
        raise ApplicationUnknown(application=what.application_id)
    known = await conn.fetchrow("SELECT * FROM documents WHERE application_id = $1 AND revokes IS NULL", what.application_id)
    if known:
        return await _numbered_again(conn, known, kind["series"], what.on)
    numbered = Numbered(document_id=uuid7(), document_no=await next_number(conn, kind["series"], what.on.year))
    await conn.execute(
        "INSERT INTO documents (id, application_id, unit_id, document_no, title, template, numbered_on) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        numbered.document_id,
        what.application_id,
        kind["unit_id"],
        numbered.document_no,
        kind["title"],
        kind["template"],
        what.on,
    )
    return numbered


async def _numbered_again(conn: Connection, known: asyncpg.Record, series: str, on: date) -> Numbered:
    number, unused = known["document_no"], []
    if known["file"] is None and known["numbered_on"].year != on.year:
        number, unused = await next_number(conn, series, on.year), [number]
    await conn.execute(
        "UPDATE documents SET numbered_on = $2, document_no = $3, unused_nos = unused_nos || $4::text[] WHERE id = $1 AND file IS NULL",
        *(known["id"], on, number, unused),
    )
    return Numbered(document_id=known["id"], document_no=number)


@command
async def keep_rendered(conn: Connection, by: By, what: KeepRendered) -> Rendered:
    """Lock the bytes of a notice: the first that are kept stay, whatever is written later. Raises DocumentUnknown."""
    locked: str | None = await conn.fetchval(
        "UPDATE documents SET file = coalesce(file, $2), sha256 = coalesce(sha256, $3), rendered_at = coalesce(rendered_at, $4)"
        " WHERE id = $1 AND sealed_sha256 IS NULL RETURNING sha256",
        what.document_id,
        what.file,
        what.sha256,
        by.as_of,
    )
    if locked is None:
        raise DocumentUnknown(document=what.document_id)
    return Rendered(document_id=what.document_id, sha256=locked)


@command
async def prepare_seal(conn: Connection, by: By, what: PrepareSeal) -> SealTask:
    """Fix the bytes that are sealed and the task for them. Only what an operator released is sealed; the first preparation stays. Raises NotReleased."""
    if not await queries.is_released(conn, what.document_id):
        raise NotReleased(document=what.document_id)
    await conn.execute(
        "INSERT INTO seal_tasks (document_id, seal_code, prepared, prepared_file, digest, task_id, requested_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (document_id) DO NOTHING",
        what.document_id,
        what.seal_code,
        what.prepared,
        what.prepared_file,
        what.prepared["digest"],
        f"{what.document_id}:{what.prepared['digest'][:16]}",
        by.as_of,
    )
    await conn.execute(
        "UPDATE applications SET held = NULL WHERE held = $2 AND id = (SELECT application_id FROM documents WHERE id = $1)",
        what.document_id,
        DocumentDamaged.code,
    )
    task = await queries.seal_task(conn, what.document_id)
    if task is None:
        raise DocumentUnknown(document=what.document_id)
    return task


@command
async def keep_answer(conn: Connection, by: By, what: KeepAnswer) -> None:
    """Store the platform's answer, then have the workflow told. The first answer stays; a repeat changes nothing.

    Raises SealTaskUnknown, and SealMismatch for an answer about other bytes.
    """
    task = await conn.fetchrow(
        "SELECT t.document_id, t.digest, t.answer, d.application_id, d.revokes FROM seal_tasks t JOIN documents d ON d.id = t.document_id"
        " WHERE t.task_id = $1 FOR UPDATE OF t",
        what.task_id,
    )
    if task is None:
        raise SealTaskUnknown(task=what.task_id)
    if task["digest"] != what.digest:
        raise SealMismatch(task=what.task_id)
    if task["answer"] is not None:
        return
    await conn.execute(
        "UPDATE seal_tasks SET answer = $2, answered_at = $3 WHERE document_id = $1", task["document_id"], what.answer, by.as_of
    )
    completed = SealCompleted(document_id=task["document_id"])
    case = revocation_id(task["revokes"]) if task["revokes"] else workflow_id(task["application_id"])
    await outbox.update_workflow(conn, SEAL_COMPLETED, case, completed, task["document_id"])


@command
async def file_document(conn: Connection, by: By, what: FileDocument) -> Filed:
    """Enter a sealed, verified document into the filing ledger and publish it. What is filed already is answered as it stands."""
    document = await conn.fetchrow("SELECT * FROM documents WHERE id = $1 FOR UPDATE", what.document_id)
    if document is None:
        raise DocumentUnknown(document=what.document_id)
    if document["sealed_sha256"]:
        return Filed(document_no=document["document_no"], sha256=document["sealed_sha256"])
    await conn.execute("UPDATE documents SET sealed_file = $2, sealed_sha256 = $3 WHERE id = $1", what.document_id, what.file, what.sha256)
    await conn.execute(
        "INSERT INTO filing_ledger (document_id, document_no, sha256, signer, sealed_at, filed_at) VALUES ($1, $2, $3, $4, $5, $6)",
        what.document_id,
        document["document_no"],
        what.sha256,
        what.signer,
        what.sealed_at,
        by.as_of,
    )
    await _publish(conn, by, what, document)
    return Filed(document_no=document["document_no"], sha256=what.sha256)


async def _publish(conn: Connection, by: By, what: FileDocument, document: asyncpg.Record) -> None:
    application = await conn.fetchrow(
        "UPDATE applications SET version = version + 1 WHERE id = $1 RETURNING version, application_type", document["application_id"]
    )
    if application is None:
        raise ApplicationUnknown(application=document["application_id"])
    filed = DocumentFiled(
        occurred_at=by.as_of,
        unit_id=document["unit_id"],
        version=application["version"],
        case_id=workflow_id(document["application_id"]),
        application_id=document["application_id"],
        application_type=ApplicationType(application["application_type"]),
        document_no=document["document_no"],
        sha256=what.sha256,
        sealed_at=what.sealed_at,
    )
    await outbox.append(conn, by, filed)
