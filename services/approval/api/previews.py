"""文书预览: the notice that an application would lead to, before it is submitted. Nothing is kept and nothing numbered."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response as Plain

from services.approval import rules
from services.approval.api.applications import NewApplication
from services.approval.queries import previews
from services.approval.queries.previews import Desk
from shared.auth import Permit, Who
from shared.door import Db
from shared.http import files, shown_as
from shared.unit_copies import unit_copy

router = APIRouter()


@router.post("/application-previews", response_class=Plain, responses=files("application/pdf"))
async def preview_notice(
    request: Request, who: Annotated[Who, Depends(Permit("applications.submit"))], database: Db, body: NewApplication
) -> Plain:
    """The notice as it would be written today, without number and seal. Whoever asks has to see each unit and person that he names."""
    desk: Desk = request.app.state.desk
    content = body.content()
    rules.ensure_complete(body.type, content)
    async with database.reading() as conn:
        await unit_copy(conn, body.unit_id, who)
        kind = await previews.notice_kind(conn, body.type)
    await desk.ensure_seen(content, request.headers["authorization"])
    await desk.registrar(content, request.headers["authorization"])
    pdf = await desk.preview(kind, body.type, content, body.title, request.app.state.clock.now())
    return Plain(pdf, media_type="application/pdf", headers=shown_as("文书预览.pdf"))
