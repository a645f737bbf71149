"""冻结: proposals for confirmed red issues of a unit, their decision, what an order holds up, and the decision on its release."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.analysis import narrowings
from services.portal.api.door import Opened, Page
from services.portal.api.units import asked_of, words_of
from services.portal.models import Field, Problem, Refused
from shared.glossary import FreezeScope, FreezeState

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("lights.read"))]
Officer = Annotated[Page, Depends(Opened("issues.verify"))]
Director = Annotated[Page, Depends(Opened("freezes.decide"))]
ASKED = ("q", "state", "unit", "below", "sort", "after")
POSTS = "posts-"
"""The fields of numbers to freeze: `posts-KIND|FUNDING`."""
WORDS = {"reason": "事由", "document_no": "文号", "issue_ids": "所涉问题", "scopes": "冻结范围", "posts": "冻结名额"}


@router.get("/freeze-orders", response_class=Response)
async def freeze_orders(page: Reader) -> Response:
    """The newest first, unless another order is asked for; the list alone where htmx asks."""
    asked = asked_of(page, ASKED)
    found = await page.get("monitoring", "/freeze-orders", **asked | {"sort": asked["sort"] or "-proposed"})
    names = await page.names_of(*(each[who] for each in found["items"] for who in ("proposed_by", "decided_by", "released_by")))
    if page.is_fragment:
        return page.show("freezes_list.html", asked=asked, found=found, names=names)
    wanted = {"parents": ("reporting", "/figures/distribution?group=parent")}
    cards = await page.get_each(wanted | ({"unit": ("roster", f"/units/{asked['unit']}")} if asked["unit"] else {}))
    return page.show("freezes.html", asked=asked, found=found, names=names, units=narrowings(cards), states=list(FreezeState))


@router.get("/freeze-orders/new", response_class=Response)
async def form(page: Officer, unit: UUID | None = None, issue: UUID | None = None) -> Response:
    """An empty proposal for a unit, begun from one of its issues, or the units that have such issues."""
    if issue:
        unit = UUID((await page.get("monitoring", f"/issues/{issue}"))["unit_id"])
    if unit is None:
        found = await page.get("monitoring", "/issues", level="red", open="true", sort="unit", limit=200)
        return page.show("freeze_units.html", found=_confirmed(found["items"]), more=found["next"])
    return await _form(page, unit, {"reason": "", "document_no": "", "scopes": [], "issue_ids": [str(issue)] if issue else [], "posts": {}})


@router.post("/freeze-orders/new", response_class=Response)
async def propose(page: Officer) -> Response:
    """Send the proposal; nothing typed is lost when it is refused."""
    try:
        unit_id = UUID(page.text("unit_id"))
    except ValueError:
        return page.show("not_found.html", 404, problem=None)
    typed: dict[str, Any] = {name: page.text(name) for name in ("reason", "document_no")}
    typed |= {name: page.texts(name) for name in ("scopes", "issue_ids")}
    typed["posts"] = {name.removeprefix(POSTS): page.text(name) for name in page.form if name.startswith(POSTS) and page.text(name)}
    try:
        done = await page.send("monitoring", "/freeze-orders", _proposal(str(unit_id), typed))
    except Refused as refusal:
        return await _form(page, unit_id, typed, refusal.problem)
    return page.back(f"/freeze-orders/{done['id']}", done="freeze_proposed")


def _proposal(unit_id: str, typed: dict[str, Any]) -> dict[str, Any]:
    posts = [
        dict(zip(("kind", "funding"), row.split("|", 1), strict=False)) | {"posts": _whole(number)}
        for row, number in typed["posts"].items()
    ]
    said = {name: typed[name] for name in ("reason", "document_no", "scopes", "issue_ids") if typed[name]}
    return {"unit_id": unit_id, "posts": posts} | said


def _whole(number: str) -> int | str:
    return int(number) if number.isdecimal() else number


def _confirmed(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those whose notice is signed: monitoring takes a proposal for no others."""
    return [each for each in found if each["state"] != "to_verify"]


async def _form(page: Page, unit_id: UUID, typed: dict[str, Any], error: Problem | None = None) -> Response:
    unit, codes, found = await asyncio.gather(
        page.get("roster", f"/units/{unit_id}"),
        page.get("roster", "/codes"),
        page.get("monitoring", "/issues", unit=str(unit_id), below="false", level="red", open="true", limit=200),
    )
    return page.show(
        "freeze_form.html",
        error.status if error else 200,
        unit=unit,
        words=words_of(codes),
        offered=_confirmed(found["items"]),
        typed=typed,
        error=_told(error) if error else None,
        errors={each.field.split(".")[0]: each.reason for each in (error.fields or ())} if error else {},
        scopes=list(FreezeScope),
    )


def _told(problem: Problem) -> Problem:
    """The service's words with the names that the form has for its fields."""
    said = [Field(field=WORDS.get(each.field.split(".")[0], "内容"), reason=each.reason) for each in problem.fields or ()]
    return problem.model_copy(update={"fields": said or None})


@router.get("/freeze-orders/{order_id}", response_class=Response)
async def freeze_order(page: Reader, order_id: UUID) -> Response:
    """One order: what it freezes and for what, what it holds up, how far it is, and what the viewer may decide."""
    return await _detail(page, order_id)


async def _detail(
    page: Page, order_id: UUID, status: int = 200, typed: dict[str, str] | None = None, error: Problem | None = None
) -> Response:
    found = await page.get("monitoring", f"/freeze-orders/{order_id}")
    wanted = {"codes": ("roster", "/codes")}
    if page.viewer.may("applications.read"):
        wanted["held_up"] = ("approval", f"/applications?blocked_by={order_id}&limit=100")
        wanted["excepted"] = ("approval", f"/applications?excepted_from={order_id}&limit=100")
    people = {each["actor"] for each in found["timeline"]} | {found["proposed_by"]}
    cards, names = await asyncio.gather(page.get_each(wanted), page.names_of(*people))
    typed = {"document_no": "", "reason": ""} | (typed or {})
    trace_link = page.trace_of(f"freeze:{order_id}")
    words = words_of(cards["codes"] or {})
    return page.show(
        "freeze_order.html", status, found=found, cards=cards, names=names, words=words, typed=typed, error=error, trace_link=trace_link
    )


async def _decided(page: Page, order_id: UUID, path: str, done: str) -> Response:
    """Send a decision; a refusal is told where the form stands, with what was typed. A release may be `early`, by decision of the commission."""
    typed, early = {name: page.text(name) for name in ("document_no", "reason")}, page.text("verdict") == "early"
    body = {"approve": early or page.text("verdict") == "approve", "reason": typed["reason"]} | ({"early": True} if early else {})
    try:
        await page.send(
            "monitoring",
            f"/freeze-orders/{order_id}/{path}",
            body | ({"document_no": typed["document_no"]} if typed["document_no"] else {}),
        )
    except Refused as refusal:
        return await _detail(page, order_id, refusal.problem.status, typed, _told(refusal.problem))
    return page.back(f"/freeze-orders/{order_id}", done=done if body["approve"] else f"{done}_declined")


@router.post("/freeze-orders/{order_id}/decision", response_class=Response)
async def decide(page: Director, order_id: UUID) -> Response:
    """Sign the freeze, or decline it."""
    return await _decided(page, order_id, "decision", "freeze_signed")


@router.post("/freeze-orders/{order_id}/release-decision", response_class=Response)
async def decide_release(page: Director, order_id: UUID) -> Response:
    """Sign the release, or decline it."""
    return await _decided(page, order_id, "release-decision", "unfreeze_signed")


@router.post("/freeze-orders/{order_id}/recording", response_class=Response)
async def record_again(page: Officer, order_id: UUID) -> Response:
    """The order stands still because a line could not be recorded: try it again."""
    try:
        await page.send("monitoring", f"/freeze-orders/{order_id}/recording", {})
    except Refused as refusal:
        return await _detail(page, order_id, refusal.problem.status, error=refusal.problem)
    return page.back(f"/freeze-orders/{order_id}", done="recorded_again")
