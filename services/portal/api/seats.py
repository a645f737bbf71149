"""核定领导职数: how many leadership posts of one level a unit has from a day on; the office sets it on the document that approves it."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import choices_of
from services.portal.models import Problem, Refused
from shared.glossary import SEATS_CAUSES

router = APIRouter()
Approver = Annotated[Page, Depends(Opened("roster.maintain"))]
TYPED = ("level", "approved", "effective_on", "over_seats_cause", "document_no", "reason")


@router.get("/units/{unit_id}/seats/new", response_class=Response)
async def form(page: Approver, unit_id: UUID) -> Response:
    """The form, and how full each level of the unit is today."""
    return await _form(page, unit_id)


@router.post("/units/{unit_id}/seats/new", response_class=Response)
async def approve(page: Approver, unit_id: UUID) -> Response:
    """Set the number; it holds from its day on."""
    body = {name: value for name in TYPED if (value := page.text(name))}
    try:
        await page.send("roster", f"/units/{unit_id}/seats", body)
    except Refused as refusal:
        return await _form(page, unit_id, refusal.problem)
    return page.back(f"/units/{unit_id}", done="seats_set")


async def _form(page: Page, unit_id: UUID, error: Problem | None = None) -> Response:
    """The levels in force, and those of the unit that are no more: what was approved of them may be taken away."""
    unit, codes = await asyncio.gather(page.get("roster", f"/units/{unit_id}", fields="id,name,seats"), page.get("roster", "/codes"))
    levels = {each["level"]: each["level_label"] for each in unit["seats"]} | choices_of(codes)["leadership_levels"]
    shown = {
        "unit": unit,
        "levels": levels.items(),
        "causes": [(cause.value, words) for cause, words in SEATS_CAUSES.items()],
        "typed": {name: page.text(name) for name in TYPED},
        "error": error,
        "errors": {each.field: each.reason for each in (error.fields or ())} if error else {},
    }
    return page.show("seats_new.html", error.status if error else 200, **shown)
