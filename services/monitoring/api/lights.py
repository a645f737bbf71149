"""Lights (亮灯), and the release of a first load."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.monitoring.api.asked import After, Asking, Body
from services.monitoring.commands.sweeps import release_baseline
from services.monitoring.models.issues import Page
from services.monitoring.models.requests import ReleaseBaseline
from services.monitoring.queries import lights as queries
from services.monitoring.queries.lights import LightPage
from shared.auth import Permit, Who
from shared.glossary import Light
from shared.http import IdempotencyKey
from shared.pages import Limit
from shared.unit_copies import unit_copy

router = APIRouter(tags=["lights"])
Reader = Annotated[Who, Depends(Permit("lights.read"))]
Officer = Annotated[Who, Depends(Permit("issues.verify"))]


class Released(BaseModel):
    """How many baseline findings became issues to verify."""

    issues: int


@router.get("/lights")
async def get_lights(
    asked: Asking,
    who: Reader,
    unit: Annotated[list[UUID] | None, Query(max_length=200)] = None,
    color: Light | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Page:
    """Units with their lights: all, or those that are named."""
    async with asked.database.reading() as conn:
        return await queries.lights(conn, who, color, after, limit, unit)


@router.get("/units/{unit_id}/light")
async def get_light(asked: Asking, who: Reader, unit_id: UUID) -> LightPage:
    """Why a unit's light has its colour, and what makes it better."""
    async with asked.database.reading() as conn:
        return await queries.light(conn, who, unit_id)


@router.post("/units/{unit_id}/baseline-release")
async def post_baseline_release(asked: Asking, who: Officer, unit_id: UUID, body: Body, idempotency_key: IdempotencyKey) -> Released:
    """The office takes up what a unit's first load left (期初存量)."""
    async with asked.database.reading() as conn:
        await unit_copy(conn, unit_id, who)
    what = ReleaseBaseline(unit_id=unit_id, clock_offset=asked.surroundings.clock_offset())
    return Released(issues=await release_baseline(asked.database, asked.by(who, idempotency_key, body), what))
