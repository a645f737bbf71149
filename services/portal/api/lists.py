"""督办清单: each unit's weekly editions; released, sealed, acknowledged, and handed out as files."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.lights import places_of
from services.portal.api.passing import AS_FILE, passed_on
from services.portal.api.units import asked_of
from services.portal.models import Refused
from shared.auth import OFFICE
from shared.glossary import LIST_STANDINGS, SERVICE_NAMES

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("lights.read"))]
ASKED = ("week", "standing", "unit", "below", "q", "sort", "after")
KINDS = {"overdue_line": "超期", "new_line": "新增", "carried": "结转", "cleared": "销号"}
OTHERS = 6
UNTYPED = "核对无误。"


@router.get("/supervision-lists", response_class=Response)
async def lists(page: Reader) -> Response:
    """Editions, the newest first; the list alone where htmx asks."""
    asked = asked_of(page, ASKED)
    asked["sort"] = asked["sort"] or "-issued"
    editions = page.get("monitoring", "/supervision-lists", **asked)
    if page.is_fragment:
        return page.show("supervision_lists_list.html", asked=asked, found=await editions, kinds=KINDS)
    found, places = await asyncio.gather(editions, places_of(page, asked["unit"]))
    return page.show("supervision_lists.html", asked=asked, found=found, kinds=KINDS, places=places, standings=LIST_STANDINGS)


@router.get("/supervision-lists/{list_id}", response_class=Response)
async def edition(page: Reader, list_id: UUID) -> Response:
    """One edition with its lines."""
    return await _edition(page, list_id)


async def _edition(page: Page, list_id: UUID, status: int = 200, **shown: Any) -> Response:
    found = await page.get("monitoring", f"/supervision-lists/{list_id}")
    of_unit = f"/supervision-lists?unit={found['unit_id']}&below=false&sort=-issued&limit={OTHERS}"
    cards, names = await asyncio.gather(
        page.get_each({"others": ("monitoring", of_unit)}), page.names_of(found["released_by"], found["acknowledged_by"])
    )
    draft = not OFFICE.isdisjoint(page.viewer.roles)
    kinds = [(name, [line for line in found["lines"] if line["kind"] == kind]) for kind, name in KINDS.items()]
    shown = {"error": None, "typed": UNTYPED, "kinds": [each for each in kinds if each[1]], "draft": draft} | shown
    return page.show("supervision_list.html", status, found=found, cards=cards, names=names, services=SERVICE_NAMES, **shown)


@router.post("/supervision-lists/{list_id}/release", response_class=Response)
async def release(page: Annotated[Page, Depends(Opened("lists.release"))], list_id: UUID) -> Response:
    """用印登记."""
    return await _done(page, list_id, "release", {"reason": page.text("reason")}, "released")


@router.post("/supervision-lists/{list_id}/acknowledgement", response_class=Response)
async def acknowledge(page: Annotated[Page, Depends(Opened("lists.acknowledge"))], list_id: UUID) -> Response:
    """签收."""
    return await _done(page, list_id, "acknowledgement", {}, "acknowledged")


async def _done(page: Page, list_id: UUID, deed: str, body: dict[str, str], done: str) -> Response:
    """Send it; a refusal is told where the form stands, with what was typed."""
    try:
        await page.send("monitoring", f"/supervision-lists/{list_id}/{deed}", body)
    except Refused as refusal:
        return await _edition(page, list_id, refusal.problem.status, error=refusal.problem, typed=page.text("reason") or UNTYPED)
    return page.back(f"/supervision-lists/{list_id}", done=done)


@router.get("/supervision-lists/{list_id}/xlsx", response_class=Response)
async def sheet(page: Reader, list_id: UUID) -> Response:
    """The edition as a spreadsheet; a draft, marked as one, for the office before it is sealed."""
    return await passed_on(page.stream("monitoring", f"/supervision-lists/{list_id}/xlsx"), AS_FILE)


@router.get("/supervision-lists/{list_id}/pdf", response_class=Response)
async def sealed(page: Reader, list_id: UUID) -> Response:
    """The sealed file."""
    return await passed_on(page.stream("monitoring", f"/supervision-lists/{list_id}/pdf"), AS_FILE)
