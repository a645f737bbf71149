"""待办: tabs with counts, narrowed and ordered by the address alone, and a decision about many with a result for each."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.models import Away, Problem, Refused
from shared.glossary import ApplicationState, ApplicationType, Light

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("applications.read"))]
TABS = {"todo": "待办", "to_read": "待阅", "started": "我发起", "done": "已办"}
ASKED = ("tab", "type", "state", "light", "q", "sort", "after")
MOST = 50


@router.get("/tasks", response_class=Response)
async def tasks(page: Reader) -> Response:
    """One tab; the list alone where htmx asks."""
    asked = {name: page.request.query_params.get(name, "") for name in ASKED}
    asked["tab"] = asked["tab"] if asked["tab"] in TABS else "todo"
    found, counts = await asyncio.gather(page.get("approval", "/tasks", **asked), page.get("approval", "/tasks/counts"))
    template = "tasks_list.html" if page.is_fragment else "tasks.html"
    return page.show(template, asked=asked, tabs_of=TABS, found=found, counts=counts, choices=CHOICES)


CHOICES = {"type": list(ApplicationType), "state": list(ApplicationState), "light": list(Light)}


@router.post("/tasks/decisions", response_class=Response)
async def decide_many(page: Annotated[Page, Depends(Opened("applications.decide"))]) -> Response:
    """Approve those that were ticked, one after the other: one that is refused stops none of the others."""
    results = [await _approved(page, *each.split("|", 3)) for each in page.texts("chosen")[:MOST] if each.count("|") == 3]
    return page.show("tasks_decided.html", results=results, opinion=page.text("opinion"))


async def _approved(page: Page, application: str, revision: str, step: str, number: str) -> dict[str, Any]:
    body = {"verdict": "approve", "revision": int(revision), "step": step, "opinion": page.text("opinion")}
    try:
        await page.send("approval", f"/applications/{application}/decisions", body, part=f"/{application}")
    except Refused as refusal:
        return {"id": application, "number": number, "problem": refusal.problem}
    except Away:
        problem = Problem(status=503, code="unavailable", title="暂时没有应答", detail="不知道是否办成。请刷新待办后再看。")
        return {"id": application, "number": number, "problem": problem}
    return {"id": application, "number": number, "problem": None}
