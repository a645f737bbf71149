"""上级数据比对: the upper level's register brought, compared, and its differences answered by units and decided by the office."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page, Receiving
from services.portal.api.imports import NO_FILE, of_file
from services.portal.api.passing import events_of
from services.portal.models import Problem, Refused
from shared.glossary import DifferenceKind, DifferenceState, LeadingSide

router = APIRouter()
Maintainer = Annotated[Page, Depends(Opened("roster.maintain"))]
Reader = Annotated[Page, Depends(Opened("persons.read"))]
RUNNING = ("comparison_received", "comparison_comparing")
ASKED = ("run", "state", "kind", "leads", "unit", "open_only", "after")
CHOICES = {"state": DifferenceState, "kind": DifferenceKind, "leads": LeadingSide}
A_PAGE = 50


@router.get("/comparisons", response_class=Response)
async def comparisons(page: Maintainer) -> Response:
    """The latest first, and the way to bring another file."""
    return await _comparisons(page)


async def _comparisons(page: Page, error: Problem | None = None) -> Response:
    after = page.request.query_params.get("after", "")
    found, units = await asyncio.gather(
        page.get("roster", "/comparisons", before=after, limit=A_PAGE),
        page.get("roster", "/units", top="true", sort="name", limit=200, fields="id,name"),
    )
    shown = {"found": found, "asked": {"after": after}, "typed": {"unit": page.text("unit")}}
    tops = [(each["id"], each["name"]) for each in units["items"]]
    return page.show("comparisons.html", error.status if error else 200, error=error, units=tops, running=RUNNING, **shown)


@router.post("/comparisons", response_class=Response, max_body_size=2**62)  # the roster says what is too large
async def receive(page: Annotated[Page, Depends(Receiving("roster.maintain"))]) -> Response:
    """Bring a file of the upper level's register; nothing of ours is written."""
    if not page.request.state.incoming.file_name:
        return await _comparisons(page, NO_FILE)
    fields = {name: page.text(name) for name in ("unit", "whole") if page.text(name)}
    try:
        done = await page.send_file("roster", "/comparisons", **fields)
    except Refused as refusal:
        return await _comparisons(page, of_file(refusal.problem, page.request.state.incoming.file_name))
    return page.back(f"/comparisons/{done['run_id']}")


@router.get("/comparisons/{run_id}", response_class=Response)
async def comparison(page: Maintainer, run_id: UUID) -> Response:
    """Where it stands and what was found; its live part alone where it is watched."""
    return await _comparison(page, run_id)


async def _comparison(page: Page, run_id: UUID, error: Problem | None = None) -> Response:
    found = await page.get("roster", f"/comparisons/{run_id}")
    names = await page.names_of(found["actor"])
    template = "comparison_state.html" if page.is_fragment else "comparison.html"
    return page.show(template, error.status if error else 200, found=found, names=names, running=RUNNING, error=error)


@router.get("/comparisons/{run_id}/progress", response_class=Response)
async def progress(page: Maintainer, run_id: UUID) -> Response:
    """A sign whenever it moved, until it rests."""
    return await events_of(page, "roster", f"/comparisons/{run_id}/progress")


@router.post("/comparisons/{run_id}/cancel", response_class=Response)
async def cancel(page: Maintainer, run_id: UUID) -> Response:
    """Stop it; no difference is touched."""
    try:
        await page.send("roster", f"/comparisons/{run_id}/cancel", {})
    except Refused as refusal:
        return await _comparison(page, run_id, refusal.problem)
    return page.back(f"/comparisons/{run_id}")


@router.get("/differences", response_class=Response)
async def differences(page: Reader) -> Response:
    """Those of the viewer's units; the list alone where htmx asks."""
    asked = {name: page.request.query_params.get(name, "") for name in ASKED}
    found = await page.get("roster", "/differences", **asked, limit=A_PAGE)
    template = "differences_list.html" if page.is_fragment else "differences.html"
    return page.show(template, asked=asked, found=found, choices=CHOICES)


@router.get("/differences/{difference_id}", response_class=Response)
async def difference(page: Reader, difference_id: UUID) -> Response:
    """One of them: both sides, who does what, and what became of it."""
    return await _difference(page, difference_id)


async def _difference(page: Page, difference_id: UUID, error: Problem | None = None, seen: dict[str, Any] | None = None) -> Response:
    found = await page.get("roster", f"/differences/{difference_id}")
    names = await page.names_of(*(each["actor"] for each in found["steps"]))
    typed = {name: page.text(name) for name in ("reason", "document_no", "to", "side")}
    shown = {"found": found, "names": names, "error": error, "typed": typed, "seen": seen, "sides": (LeadingSide.OURS, LeadingSide.THEIRS)}
    return page.show("difference.html", error.status if error else 200, **shown)


@router.post("/differences/{difference_id}/answer", response_class=Response)
async def answer(page: Annotated[Page, Depends(Opened("persons.update"))], difference_id: UUID) -> Response:
    """单位反馈."""
    return await _done(page, difference_id, "answer", _said(page))


@router.post("/differences/{difference_id}/move", response_class=Response)
async def move(page: Annotated[Page, Depends(Opened("roster.correct"))], difference_id: UUID) -> Response:
    """The office moves it on, and says which register is right."""
    return await _done(page, difference_id, "move", _said(page) | {"to": page.text("to"), "side": page.text("side") or None})


@router.post("/differences/{difference_id}/accept", response_class=Response)
async def accept(page: Annotated[Page, Depends(Opened("roster.correct"))], difference_id: UUID) -> Response:
    """Take over what the upper level's register says."""
    return await _done(page, difference_id, "accept", _said(page))


@router.post("/differences/{difference_id}/reveal", response_class=Response)
async def reveal(page: Annotated[Page, Depends(Opened("persons.reveal"))], difference_id: UUID) -> Response:
    """The sensitive values in full, this once; who asked and why is written down first."""
    try:
        seen = await page.send("roster", f"/differences/{difference_id}/reveal", {"reason": page.text("reason")})
    except Refused as refusal:
        return await _difference(page, difference_id, refusal.problem)
    return await _difference(page, difference_id, seen=seen)


def _said(page: Page) -> dict[str, Any]:
    return {"reason": page.text("reason"), "document_no": page.text("document_no") or None}


async def _done(page: Page, difference_id: UUID, deed: str, body: dict[str, Any]) -> Response:
    try:
        await page.send("roster", f"/differences/{difference_id}/{deed}", body)
    except Refused as refusal:
        return await _difference(page, difference_id, refusal.problem)
    return page.back(f"/differences/{difference_id}", done="saved")
