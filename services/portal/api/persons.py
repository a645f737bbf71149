"""人员: found by words that stand in no address, shown masked, in full for a reason that is kept; a new one registered."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import asked_of, names_of_units, words_of
from services.portal.models import Refused
from shared.glossary import LABELS, PersonIdentity, PostCategory

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("persons.read"))]
Registrar = Annotated[Page, Depends(Opened("persons.register"))]
FIELDS = ("name", "id_number", "sex", "birth_on", "identity", "post_category", "title")
KINDS = {name: [(each, LABELS[each]) for each in kind] for name, kind in (("identity", PersonIdentity), ("post_category", PostCategory))}
_FOUND: dict[str, Any] = {"found": None, "typed": {"name": "", "id_number": ""}, "error": None}


@router.get("/persons", response_class=Response)
async def ask(page: Reader) -> Response:
    """Where one looks for somebody."""
    return page.show("persons.html", unit_id=asked_of(page, ("unit",))["unit"], **_FOUND)


@router.post("/persons", response_class=Response)
async def find(page: Reader) -> Response:
    """By name or by the whole number, and no further than fifty: whoever looks for more is told to say more."""
    typed, unit_id = {name: page.text(name) for name in ("name", "id_number")}, page.text("unit")
    shown = _FOUND | {"typed": typed, "unit_id": unit_id}
    if not any(typed.values()):
        return page.show("persons.html", **shown)
    body = {name: value for name, value in (typed | {"unit": unit_id}).items() if value} | {"limit": 50}
    try:
        found, codes = await asyncio.gather(page.send("roster", "/persons/search", body), page.get("roster", "/codes"))
    except Refused as refusal:
        return page.show("persons.html", refusal.problem.status, **shown | {"error": refusal.problem})
    return page.show("persons.html", **shown | {"found": found, "words": words_of(codes)})


@router.get("/persons/{person_id}", response_class=Response)
async def person(page: Reader, person_id: UUID) -> Response:
    """One person."""
    return await _person(page, person_id)


@router.post("/persons/{person_id}/reveal", response_class=Response)
async def reveal(page: Annotated[Page, Depends(Opened("persons.reveal"))], person_id: UUID) -> Response:
    """In full, in this answer alone; who asked and why is on record before it is shown."""
    try:
        told = await page.send("roster", f"/persons/{person_id}/reveal", {"reason": page.text("reason")})
    except Refused as refusal:
        return await _person(page, person_id, refusal.problem.status, error=refusal.problem, reason=page.text("reason"))
    return await _person(page, person_id, revealed=told)


async def _person(page: Page, person_id: UUID, status: int = 200, **shown: Any) -> Response:
    found, codes = await asyncio.gather(page.get("roster", f"/persons/{person_id}"), page.get("roster", "/codes"))
    asked = {"history": "", "changes": "&sort=-at", "key-changes": ""}
    wanted = {name: ("roster", f"/persons/{person_id}/{name}?limit=50{more}") for name, more in asked.items()}
    cards = await page.get_each(wanted)
    posts = (cards["history"] or {}).get("items", ())
    linked, names = await asyncio.gather(
        names_of_units(page, {each["unit_id"] for each in (*posts, *filter(None, [found["placement"]]))}),
        page.names_of(*(each[who] for each in (cards["changes"] or {}).get("items", ()) for who in ("actor", "asked_by"))),
    )
    shown = {"revealed": None, "error": None, "reason": ""} | shown
    return page.show("person.html", status, found=found, cards=cards, words=words_of(codes), linked=linked, names=names, **shown)


@router.get("/units/{unit_id}/persons/new", response_class=Response)
async def new(page: Registrar, unit_id: UUID) -> Response:
    """The form."""
    return await _form(page, unit_id, dict.fromkeys(FIELDS, ""))


@router.post("/units/{unit_id}/persons/new", response_class=Response)
async def register(page: Registrar, unit_id: UUID) -> Response:
    """Register somebody who is to enter: no post is taken by it."""
    typed = {name: page.text(name) for name in FIELDS}
    try:
        made = await page.send("roster", f"/units/{unit_id}/persons", {name: value for name, value in typed.items() if value})
    except Refused as refusal:
        return await _form(page, unit_id, typed, refusal.problem)
    return page.back(f"/persons/{made['person_id']}", done="person_registered")


async def _form(page: Page, unit_id: UUID, typed: dict[str, str], error: Any = None) -> Response:
    unit = await page.get("roster", f"/units/{unit_id}", fields="id,name")
    errors = {each.field: each.reason for each in (error.fields or ())} if error else {}
    return page.show("person_new.html", error.status if error else 200, unit=unit, typed=typed, error=error, errors=errors, kinds=KINDS)
