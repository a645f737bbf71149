"""检查: somebody an inspection found at work beyond the quota is put on record as he is; the light follows by itself."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import words_of
from services.portal.models import Refused

router = APIRouter()
Inspector = Annotated[Page, Depends(Opened("roster.record_over_quota"))]
_TOLD = ("person_id", "started_on", "cause", "reason", "document_no")
_FIELDS = ("row", "left", *_TOLD)


@router.get("/units/{unit_id}/over-quota", response_class=Response)
async def ask(page: Inspector, unit_id: UUID, person: str = "", left: str = "") -> Response:
    """The form; `person` is who was just looked at. With `left` it offers those who held a post once, too."""
    return await _form(page, unit_id, dict.fromkeys(_FIELDS, "") | {"person_id": person, "cause": "violation", "left": left})


@router.post("/units/{unit_id}/over-quota", response_class=Response)
async def record(page: Inspector, unit_id: UUID) -> Response:
    """Put it on record. A refusal is told where the form stands, with all that was typed."""
    typed = {name: page.text(name) for name in _FIELDS}
    kind, _, funding = typed["row"].partition("|")
    body = {name: typed[name] for name in _TOLD if typed[name]} | {"kind": kind, "funding": funding}
    try:
        await page.send("roster", f"/units/{unit_id}/over-quota", body)
    except Refused as refusal:
        return await _form(page, unit_id, typed, refusal.problem)
    return page.back(f"/units/{unit_id}/supervision", done="over_quota_recorded")


async def _form(page: Page, unit_id: UUID, typed: dict[str, str], error: Any = None) -> Response:
    """The unit's rows of posts, and who of it never held one: who has left is back at work seldom."""
    unit, people, codes = await asyncio.gather(
        page.get("roster", f"/units/{unit_id}", fields="id,name,establishments"),
        page.get("roster", "/persons", unit=str(unit_id), below="false", on_roster="off" if typed["left"] else "never", limit=200),
        page.get("roster", "/codes"),
    )
    errors = {each.field: each.reason for each in (error.fields or ())} if error else {}
    causes = words_of(codes)["over_quota_causes"]
    return page.show(
        "over_quota.html", error.status if error else 200, unit=unit, people=people, causes=causes, typed=typed, error=error, errors=errors
    )
