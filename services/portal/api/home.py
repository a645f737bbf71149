"""首页: what waits for whoever signs in, and how things stand in what he may see."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page

router = APIRouter()
FIRST = 8


@router.get("/", response_class=Response)
async def home(page: Annotated[Page, Depends(Opened("account.read"))]) -> Response:
    """Each card by itself: one whose service is away says so, the others are there."""
    may = page.viewer.may
    cards: dict[str, Any] = {}
    if may("applications.read"):
        cards |= {"counts": ("approval", "/tasks/counts"), "tasks": ("approval", "/tasks?limit=8")}
    if may("reports.read"):
        cards |= {
            "lights": ("reporting", "/figures/lights"),
            "issues": ("reporting", "/figures/issues"),
            "applications": ("reporting", "/figures/applications"),
        }
    return page.show("home.html", cards=await page.get_each(cards))
