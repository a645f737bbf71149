"""死信: what each service could not handle, masked as the service masks it, and its replay."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.models import Refused
from services.portal.rules.offices import SERVICES

router = APIRouter(prefix="/admin/dead-letters")
Reader = Annotated[Page, Depends(Opened("upkeep.read"))]
Keeper = Annotated[Page, Depends(Opened("upkeep.maintain"))]
Service = Annotated[str, Path(pattern=f"^({'|'.join(SERVICES)})$")]


@router.get("", response_class=Response)
async def dead_letters(page: Reader) -> Response:
    """What is parked in every service, oldest first."""
    return page.show("admin_letters.html", found=await page.get_each({service: (service, "/upkeep/dead-letters") for service in SERVICES}))


@router.get("/{service}/{number}", response_class=Response)
async def dead_letter(page: Reader, service: Service, number: int) -> Response:
    """One, with all that waits behind it."""
    return await _letter(page, service, number)


@router.post("/{service}/{number}/replay", response_class=Response)
async def replay(page: Keeper, service: Service, number: int) -> Response:
    """Have it and all behind it handled again."""
    try:
        await page.send(service, f"/upkeep/dead-letters/{number}/replay", {})
    except Refused as refusal:
        return await _letter(page, service, number, refusal.problem.status, error=refusal.problem)
    return page.back("/admin/dead-letters", done="replay_asked")


async def _letter(page: Page, service: str, number: int, status: int = 200, **shown: Any) -> Response:
    parked = await page.get(service, f"/upkeep/dead-letters/{number}")
    return page.show("admin_letter.html", status, service=service, parked=parked, **{"error": None} | shown)
