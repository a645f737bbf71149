"""信息变更: which key items (★) of a person are to change, registered on a proof; the application that carries them is in `apply`."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import choices_of, words_of
from services.portal.models import Problem, Refused

router = APIRouter()
Registrar = Annotated[Page, Depends(Opened("persons.update"))]
OF_PERSON = ("name", "id_number", "sex", "birth_on", "certified_birth_on", "title", "leadership_level", "retirement_category")
OF_POST = ("duty_status", "started_on", "entry_reason", "entry_document_no", "authorisation_no", "authorised_on")
CLEARABLE = ("certified_birth_on", "title", "leadership_level", "retirement_category")
_BESIDE = ("since", "retirement_reason", "document_no", "reason", "application")
_TYPED: dict[str, Any] = dict.fromkeys((*OF_PERSON, *OF_POST, *_BESIDE), "") | {"cleared": []}


@router.get("/persons/{person_id}/key-changes/new", response_class=Response)
async def form(page: Registrar, person_id: UUID, application: UUID | None = None) -> Response:
    """The form: what stands there today beside each field; an empty one stays as it is."""
    return await _form(page, person_id, _TYPED | {"application": str(application or "")})


@router.post("/persons/{person_id}/key-changes/new", response_class=Response)
async def register(page: Registrar, person_id: UUID) -> Response:
    """Register it; nothing changes by it. The application comes next, or the one that was returned goes on."""
    try:
        onwards = _onwards(page, person_id, page.text("application"))
    except ValueError:
        return page.show("not_found.html", 404, problem=None)
    typed = {name: page.text(name) for name in _TYPED} | {"cleared": page.texts("cleared")}
    try:
        made = await page.send("roster", f"/persons/{person_id}/key-changes", body_of(typed))
    except Refused as refusal:
        return await _form(page, person_id, typed, refusal.problem)
    return page.back(onwards, change=str(made["change_id"]))


def _onwards(page: Page, person_id: UUID, application: str) -> str:
    if not page.viewer.may("applications.submit"):
        return f"/persons/{person_id}"
    return f"/applications/{UUID(application)}/edit" if application else "/applications/new/change_application"


def body_of(typed: dict[str, Any]) -> dict[str, Any]:
    """What the service is sent: what was filled in, and nothing for what is to be empty."""
    sent = {name: typed[name] for name in (*OF_PERSON, *OF_POST, *_BESIDE[:-1]) if typed[name]}
    return sent | {name: None for name in CLEARABLE if name in typed["cleared"] and not typed[name]}


async def _form(page: Page, person_id: UUID, typed: dict[str, Any], error: Problem | None = None) -> Response:
    found, codes = await asyncio.gather(page.get("roster", f"/persons/{person_id}"), page.get("roster", "/codes"))
    errors = {each.field: each.reason for each in (error.fields or ())} if error else {}
    shown = {"found": found, "words": words_of(codes), "choices": choices_of(codes), "typed": typed, "error": error, "errors": errors}
    return page.show("change_new.html", error.status if error else 200, **shown)
