"""个人信息申请: what a person asks about his own data at the counter, the copy he is handed, and what he is answered (个人信息保护法 44–50)."""

import asyncio
import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.corrections import OF_A_PERSON, OF_A_POST
from services.portal.api.door import Opened, Page
from services.portal.api.passing import AS_FILE
from services.portal.models import Problem, Refused
from shared.http import saved_as

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("concerned.read"))]
Receiver = Annotated[Page, Depends(Opened("concerned.receive"))]
Decider = Annotated[Page, Depends(Opened("concerned.decide"))]
KINDS = {"copy": "查阅、复制", "correction": "更正", "deletion": "删除"}
OUTCOMES = {None: ("in_review", "待答复"), "granted": ("filed", "已办理"), "refused": ("returned", "不予办理")}
ITEMS = tuple((each.name, each.label) for _, items in (*OF_A_PERSON, *OF_A_POST) for each in items)
"""What may be corrected, as the page of a correction has it."""
A_PAGE = 50


@router.get("/person-requests", response_class=Response)
async def requests(page: Reader) -> Response:
    """Everybody's, the latest first; those that wait where `all` is not asked for."""
    asked = {name: page.request.query_params.get(name, "") for name in ("all", "after")}
    found = await page.get("roster", "/person-requests", open_only=str(not asked["all"]).lower(), before=asked["after"], limit=A_PAGE)
    return page.show("person_requests.html", found=found, asked=asked, kinds=KINDS, outcomes=OUTCOMES)


@router.get("/persons/{person_id}/requests", response_class=Response)
async def of_person(page: Reader, person_id: UUID) -> Response:
    """One person's, and the form that takes in another."""
    return await _of_person(page, person_id)


@router.post("/persons/{person_id}/requests", response_class=Response)
async def receive(page: Receiver, person_id: UUID) -> Response:
    """Take in what he asks, in his own words."""
    body = {name: page.text(name) for name in ("kind", "asked", "proof")} | {"fields": page.texts("fields")}
    try:
        made = await page.send("roster", f"/persons/{person_id}/requests", body)
    except Refused as refusal:
        return await _of_person(page, person_id, refusal.problem)
    return page.back(f"/person-requests/{made['request_id']}", done="request_taken")


async def _of_person(page: Page, person_id: UUID, error: Problem | None = None) -> Response:
    found, told = await asyncio.gather(page.get("roster", f"/persons/{person_id}"), page.get("roster", f"/persons/{person_id}/requests"))
    errors = {each.field: each.reason for each in (error.fields or ())} if error else {}
    if error and error.code == "fields_missing":
        errors["fields"] = error.detail
    typed = {name: page.text(name) for name in ("kind", "asked", "proof")} | {"fields": page.texts("fields")}
    shown = {"found": found, "told": told["items"][::-1], "typed": typed, "error": error, "errors": errors}
    shown |= {"kinds": KINDS, "outcomes": OUTCOMES, "items": ITEMS}
    return page.show("person_requests_of.html", error.status if error else 200, **shown)


@router.get("/person-requests/{request_id}", response_class=Response)
async def request(page: Reader, request_id: UUID) -> Response:
    """One request: its receipt, later its answer, and what may be done about it now."""
    return await _request(page, request_id)


async def _request(page: Page, request_id: UUID, error: Problem | None = None) -> Response:
    found = await page.get("roster", f"/person-requests/{request_id}")
    names = await page.names_of(found["received_by"], found["decided_by"])
    typed = {name: page.text(name) for name in ("granted", "answer", "ground")}
    errors = {each.field: each.reason for each in (error.fields or ())} if error else {}
    if error and error.code == "ground_missing":
        errors["ground"] = error.detail
    shown = {"found": found, "names": names, "typed": typed, "error": error, "errors": errors, "kinds": KINDS, "outcomes": OUTCOMES}
    return page.show("person_request.html", error.status if error else 200, **shown)


@router.post("/person-requests/{request_id}/copy", response_class=Response)
async def copy(page: Receiver, request_id: UUID) -> Response:
    """All that is held of him, in full: a page to print, or a file that programs read. Each time is on record."""
    try:
        held = await page.send("roster", f"/person-requests/{request_id}/copy", {})
    except Refused as refusal:
        return await _request(page, request_id, refusal.problem)
    if page.text("do") == "file":
        text = json.dumps(held, ensure_ascii=False, indent=1)
        return Response(text, media_type="application/json", headers=AS_FILE | saved_as("个人信息副本.json"))
    actors = {each["actor"] for name in ("changes", "reveals") for each in held[name]}
    shown: dict[str, Any] = {"held": held, "names": await page.names_of(*actors), "kinds": KINDS, "outcomes": OUTCOMES}
    return page.show("person_copy.html", request_id=request_id, **shown)


@router.post("/person-requests/{request_id}/decision", response_class=Response)
async def decide(page: Decider, request_id: UUID) -> Response:
    """Answer him."""
    body = {"granted": page.text("granted") == "true", "answer": page.text("answer"), "ground": page.text("ground") or None}
    try:
        await page.send("roster", f"/person-requests/{request_id}/decision", body)
    except Refused as refusal:
        return await _request(page, request_id, refusal.problem)
    return page.back(f"/person-requests/{request_id}", done="request_decided")
