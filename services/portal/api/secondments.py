"""借调: the loans of a person; the office registers one, gives it a later last day, and records that he is back. His post stays with the lender."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import names_of_units, unfit, unit_called, words_of
from services.portal.models import Problem, Refused

router = APIRouter()
Maintainer = Annotated[Page, Depends(Opened("roster.maintain"))]
Reader = Annotated[Page, Depends(Opened("persons.read"))]
FORMS = {"seconded_out": "借出", "temporary_post": "挂职"}
DEEDS = {"begun": "批准", "extended": "延期", "ended": "归还"}
_GROUND = ("document_no", "reason")
TYPED = ("borrower_unit", "borrower", "form", "started_on", "until", "filed_on", "ended_on", *_GROUND)


@router.get("/persons/{person_id}/secondments", response_class=Response)
async def loans(page: Reader, person_id: UUID, deed: str = "") -> Response:
    """All loans, and what the office may do now. `deed`: `extension` for a later last day of the one that lasts, else its end."""
    return await _page(page, person_id, deed=deed)


@router.post("/persons/{person_id}/secondments", response_class=Response)
async def register(page: Maintainer, person_id: UUID) -> Response:
    """Lend him, to a unit of the register or to another one by its name."""
    body: dict[str, Any] = _typed(page, "form", "started_on", "until", "borrower", *_GROUND)
    try:
        if words := page.text("borrower_unit"):
            body |= {"borrower_id": await unit_called(page, words, "borrower_unit")}
        if ("borrower_id" in body) == ("borrower" in body):
            raise Refused(unfit("borrower_unit", "借入单位须填写一个：本系统中的单位，或其他单位的名称"))
        await page.send("roster", f"/persons/{person_id}/secondments", body)
    except Refused as refusal:
        return await _page(page, person_id, refusal.problem)
    return page.back(f"/persons/{person_id}/secondments", done="lent")


@router.post("/persons/{person_id}/secondments/{secondment_id}/extension", response_class=Response)
async def extend(page: Maintainer, person_id: UUID, secondment_id: UUID) -> Response:
    """A later last day."""
    return await _done(page, person_id, secondment_id, "extension", ("until", "filed_on"))


@router.post("/persons/{person_id}/secondments/{secondment_id}/return", response_class=Response)
async def end(page: Maintainer, person_id: UUID, secondment_id: UUID) -> Response:
    """He is back."""
    return await _done(page, person_id, secondment_id, "return", ("ended_on",))


async def _done(page: Page, person_id: UUID, secondment_id: UUID, deed: str, names: tuple[str, ...]) -> Response:
    try:
        await page.send("roster", f"/secondments/{secondment_id}/{deed}", _typed(page, *names, *_GROUND))
    except Refused as refusal:
        return await _page(page, person_id, refusal.problem, deed)
    return page.back(f"/persons/{person_id}/secondments", done=f"loan_{deed}")


def _typed(page: Page, *names: str) -> dict[str, str]:
    return {name: value for name in names if (value := page.text(name))}


async def _page(page: Page, person_id: UUID, error: Problem | None = None, deed: str = "") -> Response:
    """Of a person who is lent, the loan that lasts may be ended or extended (`deed`); of another one in post, a loan be registered."""
    found, loans_of, codes = await asyncio.gather(
        page.get("roster", f"/persons/{person_id}"), page.get("roster", f"/persons/{person_id}/secondments"), page.get("roster", "/codes")
    )
    lasting = next((each for each in loans_of["items"] if each["ended_on"] is None), None)
    units = {each[side] for each in loans_of["items"] for side in ("lender_id", "borrower_id")} - {None}
    shown = {
        "found": found,
        "loans": loans_of["items"][::-1],
        "lasting": lasting,
        "names": await names_of_units(page, units),
        "forms": words_of(codes)["duty_statuses"] | FORMS,
        "deeds": DEEDS,
        "offered": FORMS.items(),
        "typed": {name: page.text(name) for name in TYPED},
        "error": error,
        "deed": deed,
        "errors": {each.field: each.reason for each in (error.fields or ())} if error else {},
    }
    return page.show("secondments.html", error.status if error else 200, **shown)
