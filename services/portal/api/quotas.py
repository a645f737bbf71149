"""核定编制: how many posts of one kind and funding a unit has from a day on: the number itself, more, fewer, or moved to another unit (划转)."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import choices_of, unfit, unit_called
from services.portal.models import Problem, Refused

router = APIRouter()
Approver = Annotated[Page, Depends(Opened("roster.maintain"))]
CHANGES = {"set": "核定为", "raise": "核增", "cut": "核减", "move": "划转到其他单位"}
_SENT = ("kind", "funding", "effective_on", "document_on", "document_no", "over_quota_cause", "use_until", "reason")
TYPED = ("change", "quota_posts", "to_unit", *_SENT)
ROWS = "id,name,establishments"
ONLY = {
    "to_unit": ({"move"}, "只在划转时填写"),
    "over_quota_cause": ({"set", "cut"}, "只在核定和核减时填写"),
    "use_until": ({"set", "raise"}, "只在核定和核增时填写"),
}
"""What is asked for in some of the changes alone: which, and how that is told."""


@router.get("/units/{unit_id}/quotas/new", response_class=Response)
async def form(page: Approver, unit_id: UUID) -> Response:
    """The form, and how each row of the unit stands today."""
    return await _form(page, unit_id)


@router.post("/units/{unit_id}/quotas/new", response_class=Response)
async def approve(page: Approver, unit_id: UUID) -> Response:
    """Change the number; it holds from its day on, of both units where posts are moved."""
    change = page.text("change")
    path = f"/units/{unit_id}/quotas" if change == "set" else f"/units/{unit_id}/quotas/{change}"
    try:
        if change not in CHANGES:
            raise Refused(unfit("change", "请选择办理事项"))
        await page.send("roster", path, await _body(page, change))
    except Refused as refusal:
        return await _form(page, unit_id, _as_typed(refusal.problem))
    return page.back(f"/units/{unit_id}", done="quota_changed")


async def _body(page: Page, change: str) -> dict[str, Any]:
    """What the service is sent. Raises Refused, too where something is filled in that is of another change."""
    for name, (changes, said) in ONLY.items():
        if page.text(name) and change not in changes:
            raise Refused(unfit(name, said))
    body = {name: value for name in _SENT if (value := page.text(name))} | {"posts": page.text("quota_posts")}
    return body | ({"to_unit_id": await unit_called(page, page.text("to_unit"), "to_unit")} if change == "move" else {})


def _as_typed(problem: Problem) -> Problem:
    """What the service calls posts is no 用编数 here."""
    called = {"posts": "quota_posts", "to_unit_id": "to_unit"}
    fields = [each.model_copy(update={"field": called.get(each.field, each.field)}) for each in problem.fields or ()]
    return problem.model_copy(update={"fields": fields or None})


async def _form(page: Page, unit_id: UUID, error: Problem | None = None) -> Response:
    """The kinds and fundings in force, and those that the unit still has posts of."""
    unit, codes = await asyncio.gather(page.get("roster", f"/units/{unit_id}", fields=ROWS), page.get("roster", "/codes"))
    offered = choices_of(codes)
    held = {name: {each[name]: each[f"{name}_label"] or each[name] for each in unit["establishments"]} for name in ("kind", "funding")}
    shown = {
        "unit": unit,
        "changes": CHANGES.items(),
        "kinds": (held["kind"] | offered["kinds"]).items(),
        "fundings": (held["funding"] | offered["fundings"]).items(),
        "causes": offered["over_quota_causes"].items(),
        "typed": {name: page.text(name) for name in TYPED},
        "error": error,
        "errors": {each.field: each.reason for each in (error.fields or ())} if error else {},
    }
    return page.show("quota_new.html", error.status if error else 200, **shown)
