"""待办: what waits in approval and in monitoring as one list, narrowed and ordered by the address alone, and a decision about many."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.models import Away, Problem, Refused
from services.portal.rules import merging
from shared.glossary import LABELS, LIST_STANDINGS, WORK_KINDS, WORK_TABS, ApplicationState, ApplicationType, FreezeState, IssueState, Light

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("applications.read"))]
ASKED = ("tab", "type", "state", "light", "q", "sort", "after")
KEPT = ("tab", "type", "state", "light", "q", "sort")
"""What a saved view is made of."""
SOURCES = ("approval", "monitoring")
PLACES = {"issue": "/issues", "freeze": "/freeze-orders", "list": "/supervision-lists"}
"""Where monitoring's kinds of work are opened; the others are applications."""
STATES = {each: LABELS[each] for each in (*ApplicationState, *IssueState, *FreezeState)} | LIST_STANDINGS
OF_APPROVAL = {*ApplicationType, *ApplicationState} - {*LIST_STANDINGS}
OF_MONITORING = {*PLACES, *STATES} - {*ApplicationState}
"""What only one of them knows: a notice and a weekly list await the seal alike."""
CHOICES = {
    "type": [*((each, "") for each in ApplicationType), *WORK_KINDS.items()],
    "state": list(STATES.items()),
    "light": list(Light),
}
A_PAGE, MOST = 50, 50
SILENT = Problem(status=503, code="unavailable", title="暂时没有应答", detail="不知道是否办成。请重新打开待办核对。")
UNTRIED = Problem(status=503, code="unavailable", title="暂时没有应答", detail="系统暂时没有应答，本件没有提交。请稍后在待办中重新办理。")


@dataclass(frozen=True)
class Work:
    """A page of a work list with its counts; `missing`: the services that could not be asked."""

    items: list[Any]
    next: str
    counts: dict[str, int]
    missing: list[str]


@router.get("/tasks", response_class=Response)
async def tasks(page: Reader) -> Response:
    """One tab; the list alone where htmx asks."""
    return await _shown(page, {name: page.request.query_params.get(name, "") for name in ASKED})


async def _shown(page: Page, asked: dict[str, str], error: Problem | None = None, named: str = "") -> Response:
    asked["tab"] = asked["tab"] if asked["tab"] in WORK_TABS else "todo"
    shown: dict[str, Any] = {"asked": asked, "tabs_of": WORK_TABS, "choices": CHOICES, "places": PLACES, "named": named}
    shown |= {"here": urlencode({name: asked[name] for name in KEPT if asked[name]})}
    if page.is_fragment:
        return page.show("tasks_list.html", found=await work_of(page, asked, A_PAGE), views=None, **shown)
    beside = {"views": ("identity", "/me/views?area=tasks")} | (requests_to_answer(page) if asked["tab"] == "todo" else {})
    found, cards = await asyncio.gather(work_of(page, asked, A_PAGE), page.get_each(beside))
    return page.show("tasks.html", error.status if error else 200, found=found, cards=cards, views=cards["views"], error=error, **shown)


def requests_to_answer(page: Page) -> dict[str, tuple[str, str]]:
    """What people ask about their own data waits in the roster, for whoever answers it."""
    return {"requests": ("roster", "/person-requests?open_only=true&limit=200")} if page.viewer.may("concerned.decide") else {}


@router.post("/tasks/views", response_class=Response)
async def save_view(page: Reader) -> Response:
    """Keep tab, filters and order under a name, among what belongs to the account."""
    asked = {name: page.text(name) for name in ASKED}
    query = urlencode({name: asked[name] for name in KEPT if asked[name]})
    try:
        await page.send("identity", "/me/views", {"area": "tasks", "name": page.text("name"), "query": query})
    except Refused as refusal:
        return await _shown(page, asked, refusal.problem, page.text("name"))
    return page.back(f"/tasks?{query}&done=view_saved")


@router.post("/tasks/views/{view_id}/forget", response_class=Response)
async def forget_view(page: Reader, view_id: UUID) -> Response:
    """The list itself stays as it is."""
    await page.send("identity", f"/me/views/{view_id}", {}, method="DELETE")
    return page.back("/tasks", done="view_forgotten")


async def work_of(page: Page, asked: dict[str, str], limit: int) -> Work:
    """Both services' lists as one. Raises Away when neither answers."""
    before = merging.cursors(asked["after"], SOURCES)
    answers = await asyncio.gather(*(_of(page, name, asked | {"after": before[name]}, limit) for name in SOURCES))
    missing = [name for name, answer in zip(SOURCES, answers, strict=True) if answer is None]
    if len(missing) == len(SOURCES):
        raise Away(missing[0])
    lists = {name: answer[0] for name, answer in zip(SOURCES, answers, strict=True) if answer}
    counted = [answer[1] for answer in answers if answer]
    counts = {name: sum(each[name] for each in counted) for name in (*WORK_TABS, "late", "due_soon")}
    page_of_both = merging.merged(lists, before, asked["sort"], limit)
    return Work(page_of_both.items, page_of_both.next, counts, missing)


async def _of(page: Page, service: str, asked: dict[str, str], limit: int) -> tuple[Any, Any] | None:
    """One service's page and counts; an empty page where what is asked for is only in the other."""
    foreign = OF_MONITORING if service == "approval" else OF_APPROVAL
    elsewhere = not foreign.isdisjoint({asked["type"], asked["state"]})
    try:
        counts, found = await asyncio.gather(page.get(service, "/tasks/counts"), _page(page, service, asked, limit, elsewhere=elsewhere))
    except Away:
        return None
    return found, counts


async def _page(page: Page, service: str, asked: dict[str, str], limit: int, *, elsewhere: bool) -> Any:
    return {"items": [], "next": None} if elsewhere else await page.get(service, "/tasks", **asked, limit=limit)


@router.post("/tasks/decisions", response_class=Response)
async def decide_many(page: Annotated[Page, Depends(Opened("applications.decide"))]) -> Response:
    """Approve the applications that were ticked."""

    async def approve(application: str, revision: str, step: str) -> None:
        body = {"verdict": "approve", "revision": revision, "step": step, "opinion": page.text("opinion")}
        await page.send("approval", f"/applications/{application}/decisions", body, part=f"/{application}")

    results = await _one_by_one([each.split("|", 3) for each in page.texts("chosen") if each.count("|") == 3], approve)
    return page.show("tasks_decided.html", results=results, said=page.text("opinion"), place="/applications", deed="通过")


@router.post("/tasks/releases", response_class=Response)
async def release_many(page: Annotated[Page, Depends(Opened("lists.release"))]) -> Response:
    """用印登记 of the weekly lists that were ticked: on one morning there are as many as units with open issues."""

    async def release(edition: str) -> None:
        await page.send("monitoring", f"/supervision-lists/{edition}/release", {"reason": page.text("reason")}, part=f"/{edition}")

    results = await _one_by_one([each.split("|") for each in page.texts("chosen") if each.count("|") == 1], release)
    return page.show("tasks_decided.html", results=results, said=page.text("reason"), place="/supervision-lists", deed="登记")


async def _one_by_one(chosen: list[list[str]], send: Callable[..., Awaitable[None]]) -> list[dict[str, Any]]:
    """One after the other (id first, number last): one that is refused stops none of the others, a service without an answer all of them."""
    results: list[dict[str, Any]] = []
    for *what, number in chosen[:MOST]:
        silent = bool(results) and results[-1]["problem"] in (SILENT, UNTRIED)
        results.append({"id": what[0], "number": number, "problem": UNTRIED if silent else await _problem(send(*what))})
    return results


async def _problem(sending: Awaitable[None]) -> Problem | None:
    try:
        await sending
    except Refused as refusal:
        return refusal.problem
    except Away:
        return SILENT
    return None
