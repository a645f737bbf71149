"""What the audit administrator reads: 操作留痕 of each service, changes of accounts, sign-ins, reveals; the latest first."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import asked_of
from services.portal.rules.offices import SERVICES
from shared.deeds import EVENTS

router = APIRouter(prefix="/admin")
Auditor = Annotated[Page, Depends(Opened("audit.read"))]
LATEST = UUID(int=2**128 - 1)


@router.get("/trail", response_class=Response)
async def trail(page: Auditor) -> Response:
    """Of one service, narrowed to a unit or a case."""
    asked = asked_of(page, ("service", "unit", "case", "after"))
    asked["service"] = asked["service"] if asked["service"] in SERVICES else "roster"
    found = await page.get(asked["service"], "/trail", unit=asked["unit"], case=asked["case"], before=asked["after"])
    return await _list(page, "trail", asked, found, [each["actor"] for each in found["items"]])


@router.get("/changes", response_class=Response)
async def changes(page: Auditor) -> Response:
    """Every change to accounts and rights."""
    asked = asked_of(page, ("after",))
    found = await page.get("identity", "/audit", before=asked["after"] or LATEST)
    people = [each["actor"] for each in found["items"]] + [each["change"].get("user") for each in found["items"]]
    return await _list(page, "changes", asked, found, people, titles=EVENTS)


@router.get("/sign-ins", response_class=Response)
async def sign_ins(page: Auditor) -> Response:
    """Who signed in, was refused or locked, from where."""
    asked = asked_of(page, ("user", "after"))
    found = await page.get("identity", "/audit/sign-ins", user=asked["user"], before=asked["after"] or LATEST)
    return await _list(page, "sign_ins", asked, found, [each[who] for each in found["items"] for who in ("user", "actor")])


@router.get("/reveals", response_class=Response)
async def reveals(page: Auditor) -> Response:
    """Who saw whose number in full, and why."""
    asked = asked_of(page, ("actor", "person", "after"))
    found = await page.get("roster", "/reveals", actor=asked["actor"], person_id=asked["person"], before=asked["after"])
    return await _list(page, "reveals", asked, found, [each["actor"] for each in found["items"]])


async def _list(page: Page, name: str, asked: dict[str, str], found: Any, people: list[str | None], **more: Any) -> Response:
    shown = {"asked": asked, "found": found, "names": await page.names_of(*people)} | more
    template = f"admin_{name}_list.html" if page.is_fragment else f"admin_{name}.html"
    return page.show(template, services=SERVICES, **shown)
