"""Door 1: HTTP. A submission is a command; a person's decision on a running case goes to its workflow and is answered at once."""

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import Response as Plain
from pydantic import BaseModel, ConfigDict, Field

from services.approval.commands import applications as commands
from services.approval.commands import documents as document_commands
from services.approval.models.facts import Detail, Document, LedgerRow, Line, Submitted
from services.approval.models.refusals import CallbackForged, DocumentDamaged, NotReceivedYet, NotStandingIn, NotWrittenYet, ReasonUnknown
from services.approval.models.requests import KeepAnswer, SubmitApplication
from services.approval.queries import applications as queries
from services.approval.queries import documents as document_queries
from shared import temporal
from shared.auth import Permit, Who
from shared.clock import Clock, business_day
from shared.db import By, Database
from shared.documents import sha256_hex
from shared.errors import KeyReused, NotFound
from shared.glossary import ApplicationState, ApplicationType
from shared.http import IdempotencyKey
from shared.law.notices import load_calendar
from shared.seal import CallbackRejected, verify_callback
from shared.unit_copies import unit_copy
from workflows import approval_messages as messages
from workflows.approval_messages import Answer, Content, workflow_id
from workflows.approval_steps import Decider, Decision

router = APIRouter()
BEGINNING = UUID(int=0)
Limit = Annotated[int, Query(ge=1, le=200)]
Reader = Annotated[Who, Depends(Permit("applications.read"))]
Applicant = Annotated[Who, Depends(Permit("applications.submit"))]
Officer = Annotated[Who, Depends(Permit("applications.decide"))]
SealOperator = Annotated[Who, Depends(Permit("documents.release"))]
DocumentReader = Annotated[Who, Depends(Permit("documents.read"))]


class Write(BaseModel):
    """What every write may carry beside its own fields."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=500)
    document_no: str | None = Field(None, max_length=80)


class Asked(Write):
    """What an application asks for."""

    unit_id: UUID
    kind: str = Field(min_length=1, max_length=40)
    funding: str = Field(min_length=1, max_length=40)
    posts: int = Field(1, ge=1, le=1000)
    person_id: UUID | None = None
    reservation_id: UUID | None = None
    from_unit_id: UUID | None = None
    reason_code: str | None = Field(None, max_length=60)
    effective_on: date | None = None
    title: str = Field(min_length=1, max_length=200)
    justification: str = Field(min_length=1, max_length=5000)

    def content(self) -> Content:
        return Content.model_validate(self.model_dump(include=set(Content.model_fields)))


class NewApplication(Asked):
    """A new application; `concerned` are the login names of the persons it is about, who may not decide it."""

    type: ApplicationType
    concerned: tuple[str, ...] = Field((), max_length=20)


class Mended(Asked):
    """The whole application again, with the revision that was returned."""

    revision: int = Field(ge=1)


class NewDecision(Write):
    """A decision on the step and revision the decider has read. A return lists all its reasons at once (一次性告知)."""

    verdict: Literal["approve", "return"]
    revision: int = Field(ge=1)
    step: str
    opinion: str = Field("", max_length=2000)
    reason_codes: tuple[str, ...] = Field((), max_length=30)
    on_behalf_of: str | None = Field(None, description="The absent colleague in whose stead this is decided.")


class NewWithdrawal(Write):
    """Why it is taken back."""

    reason: str = Field(min_length=1, max_length=500)


class NewRelease(Write):
    """用印登记."""

    on_behalf_of: str | None = None


@dataclass(frozen=True)
class Page:
    """A page of applications; `next` is the cursor of the page after."""

    items: list[Line]
    next: UUID | None


@dataclass(frozen=True)
class LedgerPage:
    """A page of the filing ledger."""

    items: list[LedgerRow]
    next: UUID | None


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


Db = Annotated[Database, Depends(_database)]


def _by(request: Request, who: Who, key: str, body: Write) -> By:
    clock: Clock = request.app.state.clock
    return By(who.name, clock.now(), f"{who.name}:{key}", body.reason, body.document_no)


@router.post("/applications", status_code=201)
async def submit_application(
    request: Request, who: Applicant, database: Db, idempotency_key: IdempotencyKey, body: NewApplication
) -> Submitted:
    """Submit an application of one's own unit; its checks follow as advice."""
    async with database.reading() as conn:
        await unit_copy(conn, body.unit_id, who)
    state = request.app.state
    what = SubmitApplication(
        type=body.type,
        content=body.content(),
        title=body.title,
        justification=body.justification,
        concerned=body.concerned,
        calendar=load_calendar(state.calendar_files),
        clock_offset=state.clock.offset() if state.may_move_time else None,
    )
    return await commands.submit_application(database, _by(request, who, idempotency_key, body), what)


@router.get("/applications")
async def list_applications(
    who: Reader, database: Db, state: ApplicationState | None = None, unit: UUID | None = None, after: UUID = BEGINNING, limit: Limit = 50
) -> Page:
    """Applications in one's scope, oldest first, each with who has to act now and until when."""
    async with database.reading() as conn:
        found = await queries.applications(conn, who, state, unit, after, limit + 1)
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


@router.get("/applications/{application_id}")
async def show_application(application_id: UUID, who: Reader, database: Db) -> Detail:
    """One application: where it stands, who holds it, its checks, its deadline with certificate, its timeline and its documents."""
    async with database.reading() as conn:
        return await queries.application(conn, application_id, who)


@router.post("/applications/{application_id}/decisions")
async def decide(
    request: Request, application_id: UUID, who: Officer, database: Db, idempotency_key: IdempotencyKey, body: NewDecision
) -> Answer:
    """Approve the step that waits, or return the application."""
    async with database.reading() as conn:
        unknown = await queries.unknown_reasons(conn, body.reason_codes, business_day(request.app.state.clock.now()))
    if unknown:
        raise ReasonUnknown(reason=unknown[0])
    fields = body.model_dump(exclude={"reason", "document_no", "on_behalf_of"})
    decision = Decision(by=_decider(who, body, body.on_behalf_of), **fields)
    return await _tell(request, application_id, who, idempotency_key, "decide", decision)


@router.post("/applications/{application_id}/resubmission")
async def resubmit(request: Request, application_id: UUID, who: Applicant, idempotency_key: IdempotencyKey, body: Mended) -> Answer:
    """Submit the mended application; the chain starts again."""
    mended = messages.Resubmission(
        by=_decider(who, body), revision=body.revision, content=body.content(), title=body.title, justification=body.justification
    )
    return await _tell(request, application_id, who, idempotency_key, "resubmit", mended)


@router.post("/applications/{application_id}/withdrawal")
async def withdraw(request: Request, application_id: UUID, who: Applicant, idempotency_key: IdempotencyKey, body: NewWithdrawal) -> Answer:
    """Take the application back, as long as its effect was not asked for."""
    withdrawal = messages.Withdrawal(by=_decider(who, body), reason=body.reason)
    return await _tell(request, application_id, who, idempotency_key, "withdraw", withdrawal)


@router.post("/applications/{application_id}/urging")
async def urge(request: Request, application_id: UUID, who: Applicant, idempotency_key: IdempotencyKey, body: Write) -> Answer:
    """Ask the holder to hurry (催办), once a day."""
    return await _tell(request, application_id, who, idempotency_key, "urge", messages.Urging(by=_decider(who, body)))


@router.post("/documents/{document_id}/release")
async def release(
    request: Request, document_id: UUID, who: SealOperator, database: Db, idempotency_key: IdempotencyKey, body: NewRelease
) -> Answer:
    """Register the use of the seal and release the notice to be sealed (用印登记)."""
    async with database.reading() as conn:
        document = await document_queries.document(conn, document_id, who)
    told = messages.Release(by=_decider(who, body, body.on_behalf_of), document_id=document_id, reason=body.reason)
    return await _tell(request, document.application_id, who, idempotency_key, "release_document", told)


@router.get("/documents/{document_id}")
async def show_document(document_id: UUID, who: DocumentReader, database: Db) -> Document:
    """A notice: its number, how far its seal is, its hashes, who released it."""
    async with database.reading() as conn:
        return await document_queries.document(conn, document_id, who)


@router.get("/documents/{document_id}/file", response_class=Plain)
async def show_file(request: Request, document_id: UUID, who: DocumentReader, database: Db) -> Plain:
    """The PDF: sealed once it is filed, before that as it was written. Its hash is checked on each read."""
    async with database.reading() as conn:
        document = await document_queries.document(conn, document_id, who)
        kept = await document_queries.files(conn, document_id)
    name, expected = (kept.sealed_file, document.sealed_sha256) if kept.sealed_file else (kept.file, document.sha256)
    if name is None:
        raise NotWrittenYet(document=document_id)
    content: bytes = (request.app.state.documents / name).read_bytes()
    if sha256_hex(content) != expected:
        raise DocumentDamaged(document=document_id)
    return Plain(content, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{document_id}.pdf"'})


@router.get("/ledger")
async def show_ledger(who: DocumentReader, database: Db, after: UUID = BEGINNING, limit: Limit = 50) -> LedgerPage:
    """The filing ledger (归档台账)."""
    async with database.reading() as conn:
        found = await document_queries.ledger(conn, who, after, limit + 1)
    return LedgerPage(found[:limit], found[limit - 1].document_id if len(found) > limit else None)


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
        await document_commands.keep_answer(database, by, what)
    return Response(status_code=204)


def _decider(who: Who, body: Write, on_behalf_of: str | None = None) -> Decider:
    """Who acts, as evidence for the record. He may name a colleague only if he stands in for him."""
    if on_behalf_of is not None and on_behalf_of not in who.acts_for:
        raise NotStandingIn
    request_hash = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
    return Decider(actor=who.name, roles=tuple(sorted(who.roles)), on_behalf_of=on_behalf_of, request_hash=request_hash)


async def _tell(request: Request, application_id: UUID, who: Who, key: str, update: str, message: BaseModel) -> Answer:
    """Send a person's request to the running case and answer what it made of it; a repeat of a recorded one is answered from the record."""
    update_id = str(uuid5(NAMESPACE_URL, f"{who.name}:{key}"))
    async with request.app.state.database.reading() as conn:
        await queries.ensure_visible(conn, application_id, who)
        given = await queries.answer_given(conn, update_id)
    if given is not None:
        if given[0] != message.by.request_hash:  # type: ignore[attr-defined]  # every message of a person names him
            raise KeyReused
        return given[1]
    try:
        answer = await temporal.decide(request.app.state.temporal, workflow_id(application_id), update, message, update_id)
    except NotFound:
        raise NotReceivedYet(application=application_id) from None
    return Answer.model_validate(answer)
