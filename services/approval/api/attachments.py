"""附件: files beside an application, for those who read the people it is about."""

import asyncio
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, File, Request, UploadFile
from fastapi.responses import Response as Plain

from services.approval.commands import attachments as commands
from services.approval.models.attachments import Attachment, KeepAttachment
from services.approval.models.refusals import AttachmentDamaged
from services.approval.queries import attachments as queries
from services.approval.queries.applications import ensure_in_hand, ensure_visible
from services.approval.rules import attachments as rules
from shared.auth import Permit, Who
from shared.brought import plain_name
from shared.door import Db, Write, by_of
from shared.exports.brought import content_of, laid
from shared.http import IdempotencyKey, files, saved_as

router = APIRouter()
Applicant = Annotated[Who, Depends(Permit("applications.submit"))]
Reader = Annotated[Who, Depends(Permit("persons.read"))]


@dataclass(frozen=True)
class Attachments:
    """All files of an application; there are few."""

    items: list[Attachment]


@router.post("/applications/{application_id}/attachments", status_code=201)
async def bring_attachment(
    request: Request,
    application_id: UUID,
    who: Applicant,
    database: Db,
    idempotency_key: IdempotencyKey,
    file: Annotated[UploadFile, File()],
) -> Attachment:
    """Lay a file beside an application that is not decided yet: PDF, OFD, a picture, Word or Excel."""
    async with database.reading() as conn:
        await ensure_in_hand(conn, application_id, who)
    content, name = await file.read(), plain_name(file.filename or "")
    media_type = await asyncio.to_thread(rules.media_type_of, name, content)
    async with laid(request.app.state.attachments, content) as lying:
        told = {"id": lying.id, "application_id": application_id, "name": name, "media_type": media_type, "file": lying.kept.name}
        what = KeepAttachment(**told, size=len(content), sha256=lying.kept.sha256)
        kept = await commands.keep_attachment(database, by_of(request, who, idempotency_key, Write()), what)
        lying.stays = kept.id == lying.id
    return kept


@router.get("/applications/{application_id}/attachments")
async def list_attachments(application_id: UUID, who: Reader, database: Db) -> Attachments:
    """What lies beside it."""
    async with database.reading() as conn:
        await ensure_visible(conn, application_id, who)
        return Attachments(await queries.attachments_of(conn, application_id))


@router.get(
    "/applications/{application_id}/attachments/{attachment_id}/file", response_class=Plain, responses=files("application/pdf", "image/png")
)
async def show_attachment(request: Request, application_id: UUID, attachment_id: UUID, who: Reader, database: Db) -> Plain:
    """The bytes as they were brought, to be saved and not to be shown. Their hash is checked on each read."""
    async with database.reading() as conn:
        await ensure_visible(conn, application_id, who)
        kept = await queries.kept_file(conn, application_id, attachment_id)
    content = await content_of(request.app.state.attachments, kept.kept)
    if content is None:
        raise AttachmentDamaged
    return Plain(content, media_type=kept.media_type, headers=saved_as(kept.name))
