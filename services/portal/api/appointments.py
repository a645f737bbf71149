"""任免: whoever is in post takes a seat of 领导职数 from a day on, another one, or none; the office does it on the document of the appointment."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import choices_of, names_of_units, words_of
from services.portal.models import Problem, Refused

router = APIRouter()
Appointer = Annotated[Page, Depends(Opened("roster.maintain"))]
Inspector = Annotated[Page, Depends(Opened("roster.record_over_quota"))]
TYPED = ("seat_level", "since", "document_no", "reason")
NONE = "none"
"""What the form calls no seat."""


@router.get("/persons/{person_id}/seat", response_class=Response)
async def form(page: Appointer, person_id: UUID) -> Response:
    """Which seat he has, and how full each level of the unit is today."""
    return await _form(page, person_id)


@router.post("/persons/{person_id}/seat/{placement_id}", response_class=Response)
async def change(page: Appointer, person_id: UUID, placement_id: UUID) -> Response:
    """Record it; it holds at once."""
    typed = {name: page.text(name) for name in TYPED}
    level = None if typed["seat_level"] == NONE else typed["seat_level"]
    try:
        await page.send("roster", f"/placements/{placement_id}/seat", typed | {"seat_level": level})
    except Refused as refusal:
        return await _form(page, person_id, refusal.problem)
    return page.back(f"/persons/{person_id}", done="seat_changed")


@router.get("/persons/{person_id}/over-seat", response_class=Response)
async def over_form(page: Inspector, person_id: UUID) -> Response:
    """The same of somebody whom an inspection found appointed beyond the number."""
    return await _form(page, person_id, over=True)


@router.post("/persons/{person_id}/over-seat/{placement_id}", response_class=Response)
async def record_over(page: Inspector, person_id: UUID, placement_id: UUID) -> Response:
    """Put it on record; the light follows by itself."""
    try:
        await page.send("roster", f"/placements/{placement_id}/over-seat", {name: page.text(name) for name in TYPED})
    except Refused as refusal:
        return await _form(page, person_id, refusal.problem, over=True)
    return page.back(f"/persons/{person_id}", done="over_seat_recorded")


async def _form(page: Page, person_id: UUID, error: Problem | None = None, *, over: bool = False) -> Response:
    found, codes = await asyncio.gather(page.get("roster", f"/persons/{person_id}"), page.get("roster", "/codes"))
    post = found["placement"]
    if post is None:
        return page.show("not_found.html", 404, problem=None)
    unit, names = await asyncio.gather(
        page.get("roster", f"/units/{post['unit_id']}", fields="id,seats"), names_of_units(page, {post["unit_id"]})
    )
    shown = {
        "found": found,
        "post": post,
        "seats": unit["seats"],
        "unit": names.get(post["unit_id"], ""),
        "words": words_of(codes),
        "levels": [*choices_of(codes)["leadership_levels"].items(), *([] if over else [(NONE, "不占用职数（免去现任）")])],
        "over": over,
        "typed": {name: page.text(name) for name in TYPED},
        "error": error,
        "errors": {each.field: each.reason for each in (error.fields or ())} if error else {},
    }
    return page.show("appointment_new.html", error.status if error else 200, **shown)
