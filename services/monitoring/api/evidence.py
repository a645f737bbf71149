"""Evidence (整改材料): files brought one by one, each judged by what is in it, and handed in by the submission that names them."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import Field
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.monitoring.api.asked import Asking, Body, evidence
from services.monitoring.api.issues import decided
from services.monitoring.commands.evidence import keep_evidence_file
from services.monitoring.models.facts import Issue
from services.monitoring.models.issues import EvidenceFile, IssuePage
from services.monitoring.models.refusals import CaseOver, EvidenceFileDamaged, EvidenceFileMissing, EvidenceFileTooLarge
from services.monitoring.models.requests import KeepEvidenceFile
from services.monitoring.queries import evidence as queries
from services.monitoring.queries.issues import issue_for_decision
from services.monitoring.rules.evidence import MOST_BYTES, media_type_of
from shared.auth import Permit, Who
from shared.brought import plain_name
from shared.db import Connection
from shared.exports.brought import content_of, laid
from shared.http import IdempotencyKey, files, saved_as
from workflows.rectification_case import OVER
from workflows.rectification_orders import Submission

router = APIRouter(prefix="/issues", tags=["issues"])
Reader = Annotated[Who, Depends(Permit("persons.read"))]
"""What a unit hands in may name people."""
Clerk = Annotated[Who, Depends(Permit("issues.submit_evidence"))]
_FILE = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
_FORM = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FILE}}}}


class EvidenceBody(Body):
    """整改材料. `attachments`: the ids of files brought before."""

    description: str = Field(min_length=1, max_length=4000)
    attachments: list[UUID] = Field(default=[], max_length=20)


@router.post(
    "/{issue_id}/evidence-files", status_code=201, openapi_extra=_FORM, max_body_size=2**62
)  # judged by _measured, which can say so
async def post_evidence_file(request: Request, asked: Asking, who: Clerk, issue_id: UUID, idempotency_key: IdempotencyKey) -> EvidenceFile:
    """The unit brings a file; it counts once it is handed in."""
    async with asked.database.reading() as conn:
        found, _ = await issue_for_decision(conn, who, issue_id)
    if found.state in OVER:
        raise CaseOver(issue=issue_id)
    name, content = await _brought(request)
    kind = await asyncio.to_thread(media_type_of, name, content)
    async with laid(request.app.state.evidence, content) as lying:
        told = {"id": lying.id, "issue_id": issue_id, "round": found.round, "name": name, "media_type": kind, "file": lying.kept.name}
        what = KeepEvidenceFile(**told, size=len(content), sha256=lying.kept.sha256)
        file_id = await keep_evidence_file(asked.database, asked.by(who, idempotency_key, Body()), what)
        lying.stays = file_id == lying.id
    async with asked.database.reading() as conn:
        return (await queries.evidence_file(conn, who, issue_id, file_id))[0]


async def _brought(request: Request) -> tuple[str, bytes]:
    """The part `file`, its name without a path. Raises EvidenceFileMissing, EvidenceFileTooLarge."""
    try:
        form = await MultiPartParser(request.headers, _measured(request), max_files=1, max_fields=5).parse()
    except (MultiPartException, KeyError):
        raise EvidenceFileMissing from None
    sent = form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise EvidenceFileMissing
    return plain_name(sent.filename), await sent.read()


async def _measured(request: Request) -> AsyncGenerator[bytes, None]:
    """The body, up to the largest that is taken. Raises EvidenceFileTooLarge."""
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > MOST_BYTES + 2**20:
            raise EvidenceFileTooLarge
        yield piece


@router.get("/{issue_id}/evidence-files/{file_id}", response_class=Response, responses=files("application/octet-stream"))
async def get_evidence_file(request: Request, asked: Asking, who: Reader, issue_id: UUID, file_id: UUID) -> Response:
    """The file as it was brought. Its hash is checked on each read."""
    async with asked.database.reading() as conn:
        shown, kept = await queries.evidence_file(conn, who, issue_id, file_id)
    content = await content_of(request.app.state.evidence, kept)
    if content is None:
        raise EvidenceFileDamaged(file=file_id)
    return Response(content, media_type=shown.media_type, headers=saved_as(shown.name))


@router.post("/{issue_id}/evidence")
async def post_evidence(asked: Asking, who: Clerk, issue_id: UUID, body: EvidenceBody, idempotency_key: IdempotencyKey) -> IssuePage:
    """The unit hands in its evidence."""

    async def ensure(conn: Connection, found: Issue) -> None:
        await queries.ensure_brought(conn, found, body.attachments)

    signed = evidence(who, "issues.submit_evidence", idempotency_key, body)
    named = tuple(str(each) for each in body.attachments)
    order = Submission(evidence=signed, description=body.description, attachments=named)
    return await decided(asked, who, issue_id, "submit_evidence", order, ensure)
