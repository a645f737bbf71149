"""Door 1: HTTP. Figures for whoever may read reports, within his units; rebuilds for the system administrator."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.reporting import commands, queries
from services.reporting.models import (
    Applications,
    AsOf,
    Distribution,
    Generation,
    Group,
    Issues,
    Lights,
    Retirements,
    Saturation,
    StartRebuild,
)
from shared.auth import Permit, Who
from shared.clock import Clock, business_day
from shared.db import INTEGER, By
from shared.door import Db
from shared.http import IdempotencyKey
from shared.route_words import Words

router = APIRouter()
_ROUTES = {
    "GET /figures/distribution": "编制分布",
    "GET /figures/saturation": "编制使用率",
    "GET /figures/retirements": "退休预测",
    "GET /figures/lights": "亮灯统计",
    "GET /figures/issues": "问题统计",
    "GET /figures/applications": "在办申请统计",
    "GET /figures/as-of": "统计截至何时",
    "POST /rebuilds": "重建报表",
    "GET /rebuilds/{number}": "一次重建的情况",
}
_GROUPS = {
    "figures": "统计",
    "rebuilds": "报表重建",
}
WORDS = Words(_ROUTES, _GROUPS)
Reader = Annotated[Who, Depends(Permit("reports.read", "units"))]
SystemAdministrator = Annotated[Who, Depends(Permit("reports.rebuild", "public"))]


class NewRebuild(BaseModel):
    """Why the read models are built anew."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=500)


async def _clock(request: Request) -> Clock:
    clock: Clock = request.app.state.clock
    return clock


Time = Annotated[Clock, Depends(_clock)]


@router.get("/figures/distribution")
async def distribution(who: Reader, database: Db, group: Group = "kind", unit: UUID | None = None) -> Distribution:
    """编制分布, of a unit and all below it, or of all the caller may see."""
    async with database.reading() as conn:
        return await queries.distribution(conn, who, group, unit)


@router.get("/figures/saturation")
async def saturation(who: Reader, database: Db, unit: UUID | None = None) -> Saturation:
    """编制使用率."""
    async with database.reading() as conn:
        return await queries.saturation(conn, who, unit)


@router.get("/figures/retirements")
async def retirements(
    who: Reader, database: Db, clock: Time, unit: UUID | None = None, months: Annotated[int, Query(ge=1, le=240)] = 60
) -> Retirements:
    """退休预测: who reaches the statutory month of retirement, month by month."""
    async with database.reading() as conn:
        return await queries.retirements(conn, who, unit, business_day(clock.now()), months)


@router.get("/figures/lights")
async def lights(who: Reader, database: Db) -> Lights:
    """亮灯."""
    async with database.reading() as conn:
        return await queries.lights(conn, who)


@router.get("/figures/issues")
async def issues(who: Reader, database: Db, clock: Time) -> Issues:
    """问题: open and overdue."""
    async with database.reading() as conn:
        return await queries.issues(conn, who, clock.now())


@router.get("/figures/applications")
async def applications(who: Reader, database: Db) -> Applications:
    """在办申请."""
    async with database.reading() as conn:
        return await queries.applications(conn, who)


@router.get("/figures/as-of")
async def as_of(_: Reader, database: Db) -> AsOf:
    """How far the figures reach."""
    async with database.reading() as conn:
        return await queries.as_of(conn)


@router.post("/rebuilds", status_code=202)
async def start_rebuild(
    who: SystemAdministrator, database: Db, clock: Time, idempotency_key: IdempotencyKey, body: NewRebuild
) -> Generation:
    """Build the read models anew beside the live ones; they take over when they have read the same."""
    by = By(actor=who.name, as_of=clock.now(), key=f"{who.name}:{idempotency_key}", reason=body.reason)
    return await commands.start_rebuild(database, by, StartRebuild())


@router.get("/rebuilds/{number}")
async def rebuild(_: SystemAdministrator, database: Db, number: Annotated[int, Path(ge=1, le=INTEGER)]) -> Generation:
    """How far a rebuild is, and what its comparison with the generation it replaced showed."""
    async with database.reading() as conn:
        return await queries.generation(conn, number)
