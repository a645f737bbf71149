"""大屏: figures for a wall of 1920×1080, live, without anybody's name. Without a script the slides stand below each other."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.fresh import asked_of_sources, unread_by
from services.portal.api.passing import events_of
from services.portal.rules import charts

router = APIRouter()
CARDS = {
    "posts": ("reporting", "/figures/saturation"),
    "kinds": ("reporting", "/figures/distribution?group=kind"),
    "towns": ("reporting", "/figures/distribution?group=town"),
    "retirements": ("reporting", "/figures/retirements?months=60"),
    "lights": ("reporting", "/figures/lights"),
    "issues": ("reporting", "/figures/issues"),
    "applications": ("reporting", "/figures/applications"),
}


@router.get("/wall", response_class=Response)
async def wall(page: Annotated[Page, Depends(Opened("reports.read"))]) -> Response:
    """All slides; what htmx asks for anew is the slides alone."""
    cards = await page.get_each(CARDS | asked_of_sources("reporting"))
    template = "wall_slides.html" if page.is_fragment else "wall.html"
    return page.show(template, cards=cards, drawn=_drawn(cards), unread=unread_by("reporting", cards))


def _drawn(cards: dict[str, Any]) -> dict[str, Any]:
    kinds = [row for row in (cards["kinds"] or {}).get("items", ()) if row["counted"]]
    months = (cards["retirements"] or {}).get("items", ())
    options = {
        "kinds": charts.posts(kinds, [row["label"] for row in kinds], charts.WALL),
        "months": charts.retirements(months, charts.WALL),
    }
    return options | {"years": charts.years(months)}


@router.get("/wall/changes", response_class=Response)
async def changes(page: Annotated[Page, Depends(Opened("lights.read"))]) -> Response:
    """Lights as they turn: the wall then asks for its figures anew."""
    return await events_of(page, "monitoring", "/lights/changes")
