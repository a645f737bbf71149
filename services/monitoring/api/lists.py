"""Weekly supervision lists (督办清单) with their files, and the seal platform's callback."""

import asyncio
import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.monitoring.api.asked import Asking, Body
from services.monitoring.commands.lists import acknowledge_list, release_list
from services.monitoring.commands.seals import keep_answer
from services.monitoring.models.issues import Page
from services.monitoring.models.refusals import CallbackForged, ListDamaged, ListNotDrawable
from services.monitoring.models.requests import AcknowledgeList, KeepAnswer, ReleaseList
from services.monitoring.queries import lists as queries
from services.monitoring.queries.lists import ListPage, Wanted
from services.monitoring.queries.sheets import DRAFT, sheet
from shared.auth import Permit, Who
from shared.db import By
from shared.documents import MissingGlyphs, intact_file
from shared.http import IdempotencyKey, files, saved_as, shown_as
from shared.pages import asked as asked_for
from shared.pages import described
from shared.seal import CallbackRejected, verify_callback

router = APIRouter(tags=["supervision lists"])
Reader = Annotated[Who, Depends(Permit("lights.read"))]
Operator = Annotated[Who, Depends(Permit("lists.release"))]
Unit = Annotated[Who, Depends(Permit("lists.acknowledge"))]
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/supervision-lists", openapi_extra=described(Wanted))
async def get_lists(asked: Asking, who: Reader, wanted: Annotated[Wanted, Depends(asked_for(Wanted))]) -> Page:
    """Editions in the caller's scope."""
    async with asked.database.reading() as conn:
        return await queries.lists(conn, who, wanted)


@router.get("/supervision-lists/{list_id}")
async def get_list(asked: Asking, who: Reader, list_id: UUID) -> ListPage:
    """One edition with its lines."""
    async with asked.database.reading() as conn:
        return await queries.supervision_list(conn, who, list_id)


@router.get("/supervision-lists/{list_id}/xlsx", response_class=Response, responses=files(_XLSX))
async def get_list_sheet(asked: Asking, who: Reader, list_id: UUID) -> Response:
    """The edition as a spreadsheet, watermarked with its reader; before it is sealed a draft, marked as one, for the office alone."""
    async with asked.database.reading() as conn:
        edition = await queries.supervision_list(conn, who, list_id)
    content = await asyncio.to_thread(sheet, edition, who.name, asked.clock.now())
    return Response(content, media_type=_XLSX, headers=saved_as(f"{edition.number}{'' if edition.sealed_at else f'（{DRAFT}）'}.xlsx"))


@router.get("/supervision-lists/{list_id}/pdf", response_class=Response, responses=files("application/pdf"))
async def get_list_pdf(asked: Asking, who: Reader, list_id: UUID) -> Response:
    """The sealed file. Refused before it is sealed. Its hash is checked on each read; a lost or altered file is refused."""
    async with asked.database.reading() as conn:
        kept = await queries.sealed_file(conn, who, list_id)
    content = await asyncio.to_thread(intact_file, asked.folder, kept.file, kept.sha256)
    if content is None:
        raise ListDamaged(list=list_id, number=kept.number)
    return Response(content, media_type="application/pdf", headers=shown_as(f"{kept.number}.pdf"))


@router.post("/supervision-lists/{list_id}/release")
async def post_list_release(
    request: Request, asked: Asking, who: Operator, list_id: UUID, body: Body, idempotency_key: IdempotencyKey
) -> ListPage:
    """用印登记: the edition is released by a named officer, and sealed thereafter. Refused when it cannot be drawn."""
    async with asked.database.reading() as conn:
        edition = await queries.supervision_list(conn, who, list_id)
    if edition.released_at is None:
        _ensure_drawable(request, edition)
    what = ReleaseList(list_id=list_id, clock_offset=asked.surroundings.clock_offset())
    await release_list(asked.database, asked.by(who, idempotency_key, body), what)
    async with asked.database.reading() as conn:
        return await queries.supervision_list(conn, who, list_id)


def _ensure_drawable(request: Request, edition: ListPage) -> None:
    try:
        request.app.state.renderer.ensure_drawable(queries.words(edition, request.app.state.issuer, demo_seal=False))
    except MissingGlyphs as error:
        raise ListNotDrawable(characters=error.code_points) from error


@router.post("/supervision-lists/{list_id}/acknowledgement")
async def post_acknowledgement(asked: Asking, who: Unit, list_id: UUID, body: Body, idempotency_key: IdempotencyKey) -> ListPage:
    """签收."""
    async with asked.database.reading() as conn:
        await queries.supervision_list(conn, who, list_id)
    await acknowledge_list(asked.database, asked.by(who, idempotency_key, body), AcknowledgeList(list_id=list_id))
    async with asked.database.reading() as conn:
        return await queries.supervision_list(conn, who, list_id)


@router.post("/seal-callbacks", status_code=204)
async def post_seal_callback(request: Request, asked: Asking) -> Response:
    """The seal platform's answer, authenticated by HMAC. It is stored before anything follows; a repeat changes nothing."""
    body = await request.body()
    try:
        result = verify_callback(request.headers, body, request.app.state.seal_secret)
    except CallbackRejected as error:
        raise CallbackForged from error
    if result.state == "sealed":
        by = By("seal platform", asked.clock.now(), f"seal:{result.task_id}/{hashlib.sha256(body).hexdigest()}")
        answer = KeepAnswer(task_id=result.task_id, digest=result.digest, answer=result.model_dump(mode="json"))
        await keep_answer(asked.database, by, answer)
    return Response(status_code=204)
