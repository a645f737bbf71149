"""Notices: released, read, revoked; the filing ledger; the seal platform's answers."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import Response as Plain
from pydantic import Field

from services.approval.api.door import BEGINNING, decider, moment, tell
from services.approval.commands import documents as commands
from services.approval.commands.revocations import revoke_document
from services.approval.models.facts import Document, LedgerRow, Revocation, UnusedNumber
from services.approval.models.refusals import CallbackForged, DocumentDamaged, NotWrittenYet
from services.approval.models.requests import KeepAnswer, RevokeDocument
from services.approval.queries import documents as queries
from services.approval.queries.applications import ensure_in_hand
from services.approval.queries.previews import Desk
from shared.auth import Permit, Who
from shared.db import By
from shared.documents import UNSEALED, intact_file
from shared.door import Db, Write, by_of
from shared.http import IdempotencyKey, files, shown_as
from shared.pages import Limit
from shared.reasons import Reason
from shared.seal import CallbackRejected, verify_callback
from shared.verification import Anybody, AskedFor, Proven
from workflows import approval_messages as messages
from workflows.approval_messages import Answer, workflow_id

router = APIRouter()
Director = Annotated[Who, Depends(Permit("documents.revoke"))]
SealOperator = Annotated[Who, Depends(Permit("documents.release"))]
DocumentReader = Annotated[Who, Depends(Permit("documents.read"))]
FilingReader = Annotated[Who, Depends(Permit("filing.read"))]


class NewRevocation(Write):
    """Why a filed document no longer holds; it is printed on the one that revokes it."""

    reason: Reason


class NewRelease(Write):
    """用印登记."""

    on_behalf_of: str | None = Field(None, max_length=60)


@dataclass(frozen=True)
class LedgerPage:
    """A page of the filing ledger."""

    items: list[LedgerRow]
    next: UUID | None


@dataclass(frozen=True)
class UnusedPage:
    """A page of the numbers that no document bears; `next` is the last of them."""

    items: list[UnusedNumber]
    next: str | None


@router.post("/documents/{document_id}/release")
async def release(
    request: Request, document_id: UUID, who: SealOperator, database: Db, idempotency_key: IdempotencyKey, body: NewRelease
) -> Answer:
    """Register the use of the seal and release the notice to be sealed (用印登记)."""
    async with database.reading() as conn:
        document = await queries.document(conn, document_id, who)
    told = messages.Release(by=decider(who, body, body.on_behalf_of), document_id=document_id, reason=body.reason)
    case = messages.revocation_id(document.revokes) if document.revokes else workflow_id(document.application_id)
    return await tell(request, document.application_id, who, idempotency_key, "release_document", told, case)


@router.post("/documents/{document_id}/revocation", status_code=201)
async def revoke(
    request: Request, document_id: UUID, who: Director, database: Db, idempotency_key: IdempotencyKey, body: NewRevocation
) -> Revocation:
    """Revoke a filed notice by another that names it. The sealed one is never edited; the effect is mended by corrections in the roster."""
    async with database.reading() as conn:
        document = await queries.document(conn, document_id, who)
        await ensure_in_hand(conn, document.application_id, who)
    desk: Desk = request.app.state.desk
    await asyncio.to_thread(desk.ensure_reason_drawn, body.reason)
    what = RevokeDocument(document_id=document_id, **moment(request))
    return await revoke_document(database, by_of(request, who, idempotency_key, body), what)


@router.get("/documents/{document_id}")
async def show_document(document_id: UUID, who: DocumentReader, database: Db) -> Document:
    """A notice: its number, how far its seal is, its hashes, who released it."""
    async with database.reading() as conn:
        return await queries.document(conn, document_id, who)


@router.get("/documents/{document_id}/file", response_class=Plain, responses=files("application/pdf"))
async def show_file(request: Request, document_id: UUID, who: DocumentReader, database: Db) -> Plain:
    """The PDF: sealed once it is filed, before that as it was written. Its hash is checked on each read."""
    async with database.reading() as conn:
        document = await queries.document(conn, document_id, who)
        kept = await queries.files(conn, document_id)
    name, expected = (kept.sealed_file, document.sealed_sha256) if kept.sealed_file else (kept.file, document.sha256)
    if name is None or expected is None:
        raise NotWrittenYet(document=document_id)
    content = await asyncio.to_thread(intact_file, request.app.state.documents, name, expected)
    if content is None:
        raise DocumentDamaged(document=document_id)
    return Plain(
        content, media_type="application/pdf", headers=shown_as(f"{document.document_no}{'' if kept.sealed_file else UNSEALED}.pdf")
    )


@router.get("/ledger")
async def show_ledger(who: FilingReader, database: Db, after: UUID = BEGINNING, limit: Limit = 50) -> LedgerPage:
    """The filing ledger (归档台账)."""
    async with database.reading() as conn:
        found = await queries.ledger(conn, who, after, limit + 1)
    return LedgerPage(found[:limit], found[limit - 1].document_id if len(found) > limit else None)


@router.get("/unused-numbers")
async def show_unused_numbers(
    who: FilingReader, database: Db, after: Annotated[str, Query(max_length=100)] = "", limit: Limit = 50
) -> UnusedPage:
    """未使用的文号: every gap in the numbers, and why."""
    async with database.reading() as conn:
        found = await queries.unused_numbers(conn, who, after, limit + 1)
    return UnusedPage(found[:limit], found[limit - 1].document_no if len(found) > limit else None)


@router.post("/verifications")
async def verify_document(_: Anybody, database: Db, body: AskedFor) -> Proven:
    """核验: whether a sealed notice is ours and still holds; for everybody who has the file or its number."""
    async with database.glancing() as conn:
        return (await queries.proven(conn, body)).to(body)


@router.post("/seal-callbacks", status_code=204)
async def take_seal_callback(request: Request, database: Db) -> Response:
    """The seal platform's answer, authenticated by HMAC. It is stored before anything follows; a repeat changes nothing."""
    body, state = await request.body(), request.app.state
    try:
        result = verify_callback(request.headers, body, state.seal_secret)
    except CallbackRejected as error:
        raise CallbackForged from error
    if result.state == "sealed":
        what = KeepAnswer(task_id=result.task_id, digest=result.digest, answer=result.model_dump(mode="json"))
        by = By("seal platform", state.clock.now(), f"seal:{result.task_id}/{hashlib.sha256(body).hexdigest()}")
        await commands.keep_answer(database, by, what)
    return Response(status_code=204)
