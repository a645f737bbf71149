"""首页: what waits for whoever signs in, and how things stand in what he may see."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.fresh import asked_of_sources, unread_by
from services.portal.api.tasks import ASKED, PLACES, Work, requests_to_answer, work_of
from services.portal.models import Away

router = APIRouter()
FIRST = 8


@router.get("/", response_class=Response)
async def home(page: Annotated[Page, Depends(Opened("account.read"))]) -> Response:
    """Each card by itself: one whose service is away says so, the others are there."""
    figures = {name: ("reporting", f"/figures/{name}") for name in ("lights", "issues", "applications") if page.viewer.may("reports.read")}
    fresh = asked_of_sources("reporting") if figures else {}
    figures |= requests_to_answer(page)
    cards, work = await asyncio.gather(page.get_each(figures | fresh), _work(page))
    cards, unread = {name: cards[name] for name in figures}, unread_by("reporting", cards) if fresh else 0
    return page.show("home.html", cards=cards, unread=unread, work=work, works=page.viewer.may("applications.read"), places=PLACES)


async def _work(page: Page) -> Work | None:
    if not page.viewer.may("applications.read"):
        return None
    asked: dict[str, Any] = dict.fromkeys(ASKED, "") | {"tab": "todo"}
    try:
        return await work_of(page, asked, FIRST)
    except Away:
        return None
