"""管理: its start, and what is only read there: chains, the calendar, how the system stands, what waits to go out."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.rules.lags import lags
from services.portal.rules.months import months
from services.portal.rules.offices import SERVICES
from services.portal.rules.parts import Parts
from shared.clock import business_day
from shared.versions import OURS

router = APIRouter(prefix="/admin")
Reader = Annotated[Page, Depends(Opened("rules.read"))]
Keeper = Annotated[Page, Depends(Opened("upkeep.read"))]


@router.get("", response_class=Response)
async def admin(page: Reader) -> Response:
    """What one may look after."""
    return page.show("admin.html")


@router.get("/chains", response_class=Response)
async def chains(page: Reader) -> Response:
    """审批链, by type: the version in force, those to come and those before."""
    by_type: dict[str, list[dict[str, object]]] = {}
    for each in await page.get("approval", "/chains"):
        by_type.setdefault(each["application_type"], []).append(each)
    return page.show("admin_chains.html", chains=by_type, today=_today(page))


@router.get("/calendar", response_class=Response)
async def calendar(page: Reader, year: Annotated[int | None, Query(ge=2000, le=2100)] = None) -> Response:
    """节假日安排 of a year, as terms are counted by it."""
    found = await page.get("monitoring", "/calendar", year=year)
    return page.show("admin_calendar.html", found=found, months=months(found["year"], found["off"], found["work"]))


@router.get("/status", response_class=Response)
async def status(page: Keeper) -> Response:
    """Each service: whether it is ready, what it could not handle, what waits to go out, and how far its consumers are behind."""
    wanted = {f"{service}{path}": (service, path) for service in SERVICES for path in _UPKEEP} | {"calendar": ("monitoring", "/calendar")}
    ready, told = await asyncio.gather(asyncio.gather(*(page.ready(service) for service in SERVICES)), page.get_each(wanted))
    positions = [found for service in SERVICES if (found := told[f"{service}/upkeep/positions"])]
    shown = {"services": SERVICES, "ready": dict(zip(SERVICES, ready, strict=True)), "told": told, "lags": lags(positions)}
    return page.show("admin_status.html", parts=Parts.of(told), kafka=page.request.app.state.kafka, ours=OURS, **shown)


_UPKEEP = ("/upkeep/dead-letters?limit=1", "/upkeep/outbox", "/upkeep/positions", "/upkeep/parts")


@router.get("/outbox", response_class=Response)
async def outbox(page: Keeper) -> Response:
    """What is committed and not yet told to Kafka or Temporal, by service and destination."""
    return page.show("admin_outbox.html", waiting=await page.get_each({service: (service, "/upkeep/outbox") for service in SERVICES}))


def _today(page: Page) -> str:
    return business_day(page.request.app.state.clock.now()).isoformat()
