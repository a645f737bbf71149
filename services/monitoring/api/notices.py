"""The 整改通知书 as a file: written at the first request from what was pinned at signing, and the same bytes ever after."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.monitoring.api.asked import Asked, Asking
from services.monitoring.commands.cases import ENGINE
from services.monitoring.commands.notices import keep_notice
from services.monitoring.models.notices import Kept, Notice
from services.monitoring.models.refusals import NoticeDamaged, NoticeNotDrawable
from services.monitoring.models.requests import KeepNotice
from services.monitoring.queries import notices as queries
from shared.auth import Permit, Who
from shared.db import By
from shared.documents import MissingGlyphs, Renderer, keep_file, sha256_hex

router = APIRouter(tags=["notices"])
Reader = Annotated[Who, Depends(Permit("documents.read"))]
Round = Annotated[int | None, Query(alias="round", ge=1, description="By default the present round of the issue.")]
TEMPLATE = Path(__file__).parent.parent / "templates" / "rectification_notice.typ"


@router.get("/issues/{issue_id}/notice", response_class=Response)
async def get_notice(request: Request, asked: Asking, who: Reader, issue_id: UUID, round_no: Round = None) -> Response:
    """The PDF. Its hash is checked on each read; a lost or altered file is refused, never written anew."""
    async with asked.database.reading() as conn:
        signed = await queries.notice(conn, who, issue_id, round_no)
    folder: Path = request.app.state.notices
    kept = Kept(signed.file, signed.sha256) if signed.file and signed.sha256 else await _write(request, asked, signed)
    content = await asyncio.to_thread(_intact, folder / kept.file, kept.sha256)
    if content is None:
        raise NoticeDamaged(issue=issue_id, number=signed.number)
    name = f"notice-{issue_id}-{signed.round}.pdf"
    return Response(content, media_type="application/pdf", headers={"content-disposition": f'inline; filename="{name}"'})


async def _write(request: Request, asked: Asked, signed: Notice) -> Kept:
    renderer: Renderer = request.app.state.renderer
    try:
        pdf = await asyncio.to_thread(renderer.pdf, TEMPLATE, queries.words(signed, request.app.state.issuer), signed.signed_at)
    except MissingGlyphs as error:
        raise NoticeNotDrawable(characters="、".join(f"U+{ord(each):04X}" for each in error.characters)) from error
    file, sha256 = await asyncio.to_thread(keep_file, request.app.state.notices, signed.issue_id, pdf), sha256_hex(pdf)
    what = KeepNotice(issue_id=signed.issue_id, round=signed.round, file=file, sha256=sha256)
    return await keep_notice(asked.database, By(ENGINE, asked.clock.now(), f"notice:{signed.issue_id}:{signed.round}/{sha256}"), what)


def _intact(file: Path, sha256: str) -> bytes | None:
    content = file.read_bytes() if file.is_file() else b""
    return content if sha256_hex(content) == sha256 else None
