"""Revoking a filed document: it stays as it is, and another that names it is written, released, sealed and filed in its turn."""

from collections.abc import Mapping
from uuid import UUID

import asyncpg

from services.approval.commands.applications import insert_entry, next_number
from services.approval.models.facts import Revocation
from services.approval.models.refusals import AlreadyRevoked, DocumentUnknown, NotFiled, OwnCase
from services.approval.models.requests import RevokeDocument
from services.approval.queries import applications as queries
from services.approval.queries.attachments import ensure_brought_by_others
from shared import outbox
from shared.clock import business_day
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.glossary import ApplicationState, EntryKind, Role
from workflows.approval_messages import ApprovalStart, Carried, Entry, Numbered, Standing, revocation_id
from workflows.approval_steps import Case, Phase
from workflows.roster import Done

WORKFLOW = "ApprovalWorkflow"


@command
async def revoke_document(conn: Connection, by: By, what: RevokeDocument) -> Revocation:
    """Decide the revocation and have its document made; its lines follow the application's last. Raises DocumentUnknown, NotFiled, AlreadyRevoked, OwnCase."""
    row = await _take_filed(conn, what.document_id)
    parties = {"concerned": tuple(row["concerned"]), "authors": await queries.authors_of(conn, row["application_id"])}
    if by.actor in {row["applicant"], *parties["concerned"], *parties["authors"]}:
        raise OwnCase
    await ensure_brought_by_others(conn, row["application_id"], [by.actor])
    document = await _number(conn, by, row["application_id"], row["unit_id"], what)
    decided = Entry(
        application_id=row["application_id"],
        sequence=await queries.last_sequence(conn, row["application_id"]) + 1,
        kind=EntryKind.REVOKED,
        at=by.as_of,
        standing=Standing(state=ApplicationState.FILED, revision=row["revision"], step=None, holder=None),
        actor=by.actor,
        role=Role.OFFICE_DIRECTOR,
        text=by.reason,
        document_id=document.document_id,
        revocation=True,
    )
    await insert_entry(conn, decided)
    start = await _start(conn, by, what, decided, document, parties)
    await outbox.start_workflow(conn, WORKFLOW, revocation_id(what.document_id), start)
    return Revocation(document.document_id, document.document_no)


async def _take_filed(conn: Connection, document_id: UUID) -> asyncpg.Record:
    """The document and what it needs of its application, both locked: filed, no revocation itself, and not revoked before."""
    row = await conn.fetchrow(
        "SELECT d.*, a.revision, a.state, a.unit_id, a.applicant, a.concerned FROM documents d JOIN applications a ON a.id = d.application_id"
        " WHERE d.id = $1 FOR UPDATE OF d, a",
        document_id,
    )
    if row is None:
        raise DocumentUnknown(document=document_id)
    if row["state"] != ApplicationState.FILED or row["sealed_sha256"] is None or row["revokes"]:
        raise NotFiled(document=document_id)
    if await conn.fetchval("SELECT true FROM documents WHERE revokes = $1", document_id):
        raise AlreadyRevoked(document=document_id)
    return row


async def _number(conn: Connection, by: By, application_id: UUID, unit_id: UUID, what: RevokeDocument) -> Numbered:
    series: str = await conn.fetchval("SELECT series FROM document_kinds WHERE code = 'revocation'")
    on = business_day(by.as_of)
    numbered = Numbered(document_id=uuid7(), document_no=await next_number(conn, series, on.year))
    await conn.execute(
        "INSERT INTO documents (id, application_id, unit_id, document_no, title, template, numbered_on, revokes, reason)"
        " SELECT $1, $2, $3, $4, title, template, $5, $6, $7 FROM document_kinds WHERE code = 'revocation'",
        numbered.document_id,
        application_id,
        unit_id,
        numbered.document_no,
        on,
        what.document_id,
        by.reason,
    )
    return numbered


async def _start(
    conn: Connection, by: By, what: RevokeDocument, decided: Entry, document: Numbered, parties: Mapping[str, tuple[str, ...]]
) -> ApprovalStart:
    """The case begins where a notice is written; the chain, the claim and the effect lie behind it. `parties`: whose own case it is, besides the decider's."""
    application = await queries.pinned(conn, decided.application_id)
    case = Case(
        application_type=application.type,
        chain=application.chain,
        applicant=by.actor,
        phase=Phase.DOCUMENT,
        revision=decided.standing.revision,
        **parties,
    )
    return ApprovalStart(
        application_id=decided.application_id,
        application_type=application.type,
        content=application.content,
        applicant=by.actor,
        concerned=parties["concerned"],
        chain=application.chain,
        calendar=what.calendar.since(business_day(by.as_of)),
        clock_offset=what.clock_offset,
        revokes=what.document_id,
        carried=Carried(
            case=case,
            content=application.content,
            decided_on=business_day(by.as_of),
            done=Done(),
            document=document,
            recorded=decided.sequence,
        ),
    )
