"""The 整改通知书 as a file: written once from what was pinned at signing, released by a named operator, sealed; the unit sees the sealed one."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.monitoring.api.asked import Asked, Asking, Body
from services.monitoring.commands.cases import ENGINE
from services.monitoring.commands.notices import keep_notice, release_notice
from services.monitoring.models.issues import IssuePage
from services.monitoring.models.notices import Kept, Notice
from services.monitoring.models.refusals import NoticeDamaged, NoticeNotDrawable, NoticeNotSealed
from services.monitoring.models.requests import KeepNotice, ReleaseNotice
from services.monitoring.queries import notices as queries
from services.monitoring.queries.issues import issue as issue_page
from shared.auth import OFFICE, Permit, Who
from shared.db import INTEGER, By
from shared.documents import UNSEALED, MissingGlyphs, intact_file, keep_file, sha256_hex
from shared.http import IdempotencyKey, files, shown_as
from shared.verification import Anybody, AskedFor, Proven

router = APIRouter(tags=["notices"])
Reader = Annotated[Who, Depends(Permit("documents.read"))]
Operator = Annotated[Who, Depends(Permit("documents.release"))]
Round = Annotated[int | None, Query(alias="round", ge=1, le=INTEGER, description="By default the present round of the issue.")]
TEMPLATE = Path(__file__).parent.parent / "templates" / "rectification_notice.typ"


@router.get("/issues/{issue_id}/notice", response_class=Response, responses=files("application/pdf"))
async def get_notice(request: Request, asked: Asking, who: Reader, issue_id: UUID, round_no: Round = None) -> Response:
    """The PDF: sealed, or before that the unsealed one for the office alone. Its hash is checked on each read; a lost or altered file is refused."""
    async with asked.database.reading() as conn:
        signed = await queries.notice(conn, who, issue_id, round_no)
    if signed.sealed_file and signed.sealed_sha256:
        kept, name = Kept(signed.sealed_file, signed.sealed_sha256), f"{signed.number}.pdf"
    elif who.roles.isdisjoint(OFFICE):
        raise NoticeNotSealed(issue=issue_id)
    else:
        kept, name = await _written(request, asked, signed), f"{signed.number}{UNSEALED}.pdf"
    content = await _content(request, signed, kept)
    return Response(content, media_type="application/pdf", headers=shown_as(name))


@router.post("/verifications")
async def post_verification(_: Anybody, asked: Asking, body: AskedFor) -> Proven:
    """核验: whether a sealed notice or supervision list is ours; for everybody who has the file or its number."""
    async with asked.database.glancing() as conn:
        return (await queries.proven(conn, body)).to(body)


@router.post("/issues/{issue_id}/notice/release")
async def post_notice_release(
    request: Request, asked: Asking, who: Operator, issue_id: UUID, body: Body, idempotency_key: IdempotencyKey
) -> IssuePage:
    """用印登记: the notice is released by a named operator, and sealed thereafter."""
    async with asked.database.reading() as conn:
        signed = await queries.notice(conn, who, issue_id, None)
    await _content(request, signed, await _written(request, asked, signed))
    what = ReleaseNotice(issue_id=issue_id, clock_offset=asked.surroundings.clock_offset())
    await release_notice(asked.database, asked.by(who, idempotency_key, body), what)
    async with asked.database.reading() as conn:
        return await issue_page(conn, who, issue_id, asked.clock.now())


async def _written(request: Request, asked: Asked, signed: Notice) -> Kept:
    return Kept(signed.file, signed.sha256) if signed.file and signed.sha256 else await _write(request, asked, signed)


async def _content(request: Request, signed: Notice, kept: Kept) -> bytes:
    folder: Path = request.app.state.notices
    content = await asyncio.to_thread(intact_file, folder, kept.file, kept.sha256)
    if content is None:
        raise NoticeDamaged(issue=signed.issue_id, number=signed.number)
    return content


async def _write(request: Request, asked: Asked, signed: Notice) -> Kept:
    state = request.app.state
    async with asked.database.reading() as conn:
        words = await queries.words(conn, signed, state.issuer, demo_seal=state.demo_seal)
    try:
        pdf = await asyncio.to_thread(state.renderer.pdf, TEMPLATE, words, signed.signed_at)
    except MissingGlyphs as error:
        raise NoticeNotDrawable(characters=error.code_points) from error
    file, sha256 = await asyncio.to_thread(keep_file, state.notices, signed.issue_id, pdf), sha256_hex(pdf)
    what = KeepNotice(issue_id=signed.issue_id, round=signed.round, file=file, sha256=sha256)
    return await keep_notice(asked.database, By(ENGINE, asked.clock.now(), f"notice:{signed.issue_id}:{signed.round}/{sha256}"), what)
