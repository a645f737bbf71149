"""申请: a form per type. What may be chosen comes from the services, and so does every word about what was filled in wrongly."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.models import Away, Problem, Refused
from shared.clock import business_day
from shared.glossary import ApplicationType

router = APIRouter()
Applicant = Annotated[Page, Depends(Opened("applications.submit"))]
FIELDS = ("unit_id", "row", "posts", "reservation_id", "from_unit_id", "person_id", "reason_code", "effective_on", "title", "justification")
ASKED = {
    ApplicationType.POST_USE: ("row", "posts"),
    ApplicationType.ENTRY: ("reservation_id", "person_id", "reason_code", "effective_on"),
    ApplicationType.EXIT: ("person_id", "reason_code", "effective_on"),
    ApplicationType.TRANSFER: ("from_unit_id", "person_id", "row", "effective_on"),
}
"""What the form of each type asks for, besides unit, title and ground. 信息变更 begins at the person's own page."""
WORDS = {
    ApplicationType.POST_USE: "使用空编前先核准用编，核准后预留编制。",
    ApplicationType.ENTRY: "凭已核准的用编办理人员入编。",
    ApplicationType.EXIT: "退休、辞职、调出、去世等人员出编。",
    ApplicationType.TRANSFER: "人员从一个单位调到另一个单位。",
}


@dataclass(frozen=True)
class Offer:
    """What the form may choose from."""

    units: list[dict[str, Any]]
    unit: dict[str, Any]
    codes: dict[str, Any]
    reservations: list[dict[str, Any]]
    people: list[dict[str, Any]]
    more_people: bool


@router.get("/applications/new", response_class=Response)
async def choose(page: Applicant) -> Response:
    """Which type."""
    codes = await page.get("approval", "/codes")
    types = [each for each in codes["application_types"] if each["code"] in ASKED]
    return page.show("apply.html", types=types, words=WORDS)


@router.get("/applications/new/{kind}", response_class=Response)
async def form(page: Applicant, kind: ApplicationType, unit: str = "", from_unit: str = "") -> Response:
    """An empty form; choosing another unit asks for it again."""
    today = business_day(page.request.app.state.clock.now()).isoformat()
    typed = dict.fromkeys(FIELDS, "") | {"posts": "1", "effective_on": today, "unit_id": unit, "from_unit_id": from_unit}
    return await _form(page, kind, typed)


@router.post("/applications/new/{kind}", response_class=Response)
async def submit(page: Applicant, kind: ApplicationType) -> Response:
    """Look again, check, or submit: what the button says. Nothing typed is lost."""
    typed = {name: page.text(name) for name in FIELDS}
    if page.text("do") == "look":
        return await _form(page, kind, typed)
    body = body_of(kind, typed)
    if page.text("do") == "check":
        return await _form(page, kind, typed, checks=await _checks(page, kind, body))
    try:
        done = await page.send("approval", "/applications", {"type": kind, **body})
    except Refused as refusal:
        return await _form(page, kind, typed, error=refusal.problem)
    return page.back(f"/applications/{done['application_id']}", done="submitted")


@router.get("/applications/{application_id}/edit", response_class=Response)
async def edit(page: Applicant, application_id: UUID) -> Response:
    """A returned application, to be mended."""
    found = await page.get("approval", f"/applications/{application_id}")
    typed = {name: str(found.get(name) or "") for name in FIELDS} | {"row": f"{found['kind']}|{found['funding']}"}
    return await _form(page, ApplicationType(found["type"]), typed, mended=found)


@router.post("/applications/{application_id}/edit", response_class=Response)
async def resubmit(page: Applicant, application_id: UUID) -> Response:
    """The whole application again."""
    found = await page.get("approval", f"/applications/{application_id}")
    kind, typed = ApplicationType(found["type"]), {name: page.text(name) for name in FIELDS}
    if page.text("do") == "look":
        return await _form(page, kind, typed, mended=found)
    body = body_of(kind, typed)
    if page.text("do") == "check":
        return await _form(page, kind, typed, mended=found, checks=await _checks(page, kind, body))
    try:
        await page.send("approval", f"/applications/{application_id}/resubmission", body | {"revision": int(page.text("revision") or 0)})
    except Refused as refusal:
        return await _form(page, kind, typed, mended=found, error=refusal.problem)
    return page.back(f"/applications/{application_id}", done="resubmitted")


def body_of(kind: ApplicationType, typed: dict[str, str]) -> dict[str, Any]:
    """What the service is sent: what was filled in, of what the type asks for."""
    body: dict[str, Any] = {name: typed[name] for name in ("unit_id", "title", "justification", *ASKED.get(kind, ())) if typed[name]}
    row = body.pop("row", "") or typed["row"]
    if "|" in row:
        body["kind"], body["funding"] = row.split("|", 1)
    if body.get("posts", "1").isdigit():
        body["posts"] = int(body.get("posts", "1"))
    return body


async def _checks(page: Page, kind: ApplicationType, body: dict[str, Any]) -> list[dict[str, Any]] | Problem:
    try:
        checks: list[dict[str, Any]] = await page.send(
            "roster",
            "/application-checks",
            {"type": kind} | {name: value for name, value in body.items() if name not in {"title", "justification"}},
        )
    except Refused as refusal:
        return refusal.problem
    return checks


async def _form(page: Page, kind: ApplicationType, typed: dict[str, str], **shown: Any) -> Response:
    if kind not in ASKED:
        return page.show("not_found.html", 404, problem=None)
    offer = await _offer(page, kind, typed)
    typed = typed | {"unit_id": str(offer.unit["id"])}
    error: Problem | None = shown.get("error")
    errors = {each.field: each.reason for each in (error.fields or ())} if error else {}
    shown = {"checks": None, "error": None, "mended": None} | shown
    return page.show(
        "apply_form.html",
        error.status if error else 200,
        kind=kind,
        typed=typed,
        offer=offer,
        asks=ASKED[kind],
        errors=errors,
        words=WORDS[kind],
        **shown,
    )


async def _offer(page: Page, kind: ApplicationType, typed: dict[str, str]) -> Offer:
    """Units, rows of posts, authorised uses and people to choose from; of a unit the applicant may see."""
    units, codes = await asyncio.gather(page.get("roster", "/units", limit=200, sort="name"), page.get("roster", "/codes"))
    own = [str(each) for each in page.viewer.unit_ids]
    unit_id = typed["unit_id"] or (own[0] if own else units["items"][0]["id"])
    unit = await page.get("roster", f"/units/{unit_id}")
    reservations: list[dict[str, Any]] = []
    if "reservation_id" in ASKED[kind]:
        reservations = (await page.get("roster", f"/units/{unit_id}/reservations"))["items"]
    people, more = await _people(page, kind, typed["from_unit_id"] if kind is ApplicationType.TRANSFER else unit_id)
    return Offer(units["items"], unit, codes, reservations, people, more)


async def _people(page: Page, kind: ApplicationType, unit_id: str) -> tuple[list[dict[str, Any]], bool]:
    if "person_id" not in ASKED[kind] or not unit_id or not page.viewer.may("persons.read"):
        return [], False
    with suppress(Refused, Away):
        on = "off" if kind is ApplicationType.ENTRY else "on"
        found = await page.get("roster", "/persons", unit=unit_id, below="false", on_roster=on, limit=200)
        return found["items"], found["next"] is not None
    return [], False
