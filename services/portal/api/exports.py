"""导出: from a list to its file. Each service writes its own lists; here they are asked for, watched, and taken."""

from contextlib import suppress
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.passing import AS_FILE, events_of, passed_on
from services.portal.api.units import asked_of
from services.portal.models import Problem, Refused
from services.portal.rules.lists import SERVICES, list_of, narrowing
from services.portal.rules.merging import cursors, merged

router = APIRouter()
Asker = Annotated[Page, Depends(Opened("exports.make"))]
Service = Literal["roster", "approval", "monitoring", "reporting", "identity"]
MOVING = ("export_waiting", "export_running")
SHOWN = 50
FILTER = "by."


@router.get("/exports", response_class=Response)
async def exports(page: Asker) -> Response:
    """One's own, the newest first, and all lists there are; the jobs alone where they are looked at again."""
    asked = asked_of(page, ("after",))
    before = cursors(asked["after"], SERVICES)
    cards = await page.get_each({name: (name, _own(before[name])) for name in SERVICES})
    told = {name: found | {"items": [job | {"service": name} for job in found["items"]]} for name, found in cards.items() if found}
    jobs = merged(told, before, "-asked", SHOWN)
    away = [name for name, found in cards.items() if found is None]
    shown: dict[str, Any] = {"jobs": jobs.items, "next": jobs.next, "asked": asked, "away": away, "moving": MOVING}
    if page.is_fragment:
        return page.show("exports_list.html", **shown)
    lists = await page.get_each({name: (name, "/exports/lists") for name in SERVICES})
    return page.show("exports.html", lists=lists, **shown)


def _own(after: str) -> str:
    """Where a service lists one's own; from where its list was left on the page before."""
    return f"/exports?{urlencode({'limit': SHOWN} | ({'after': after} if after else {}))}"


@router.get("/exports/new", response_class=Response)
async def form(page: Asker) -> Response:
    """How one list is to be had; what the page before was narrowed by is chosen already."""
    query = page.request.query_params
    typed = {FILTER + name: value for name, value in query.items()} | {"format": "xlsx", "reason": "", "unmasked": ""}
    service, name = list_of(query.get("service", ""), query.get("list", ""), query)
    return await _form(page, service, name, typed, [])


@router.post("/exports/new", response_class=Response)
async def ask(page: Asker) -> Response:
    """Have it made. Nothing typed is lost."""
    service, name = page.text("service"), page.text("list")
    typed = {key: page.text(key) for key in page.form if key.startswith(FILTER)} | {
        each: page.text(each) for each in ("format", "reason", "unmasked")
    }
    body = {
        "list": name,
        "format": "csv" if typed["format"] == "csv" else "xlsx",
        "filters": {key.removeprefix(FILTER): value for key, value in typed.items() if key.startswith(FILTER) and value},
        "fields": page.texts("fields"),
        "unmasked": bool(typed["unmasked"]),
        "reason": typed["reason"],
    }
    if service not in SERVICES:
        return page.show("not_found.html", 404, problem=None)
    try:
        job = await page.send(service, "/exports", body)
    except Refused as refusal:
        return await _form(page, service, name, typed, page.texts("fields"), refusal.problem)
    return page.back(f"/exports/{service}/{job['id']}")


async def _form(page: Page, service: str, name: str, typed: dict[str, str], fields: list[str], error: Problem | None = None) -> Response:
    lines = (await page.get(service, "/exports/lists"))["items"] if service in SERVICES else ()
    line = next((each for each in lines if each["name"] == name), None)
    if line is None:
        return page.show("not_found.html", 404, problem=None)
    narrowed = [narrowing(name, each) for each in line["filters"]]
    units = await _units(page, typed.get(f"{FILTER}unit", "")) if "unit" in line["filters"] else []
    shown = {"service": service, "line": line, "narrowed": narrowed, "units": units, "typed": typed, "fields": fields}
    errors = {each.field: each.reason for each in (error.fields or ())} if error else {}
    return page.show("export_form.html", error.status if error else 200, error=error, errors=errors, **shown)


async def _units(page: Page, chosen: str) -> list[tuple[str, str]]:
    """The top of what one may see, and the unit that one comes from."""
    wanted = {"tops": ("roster", "/units?top=true&sort=name&limit=200&fields=id,name")}
    with suppress(ValueError):
        wanted["chosen"] = ("roster", f"/units/{UUID(chosen)}?fields=id,name")
    found = await page.get_each(wanted)
    units = [found["chosen"]] if found.get("chosen") else []
    units += [each for each in (found["tops"] or {"items": ()})["items"] if each not in units]
    return [(each["id"], each["name"]) for each in units]


@router.get("/exports/{service}/{export_id}", response_class=Response)
async def export(page: Asker, service: Service, export_id: UUID) -> Response:
    """One of one's own: how far it is, and its file."""
    return await _detail(page, service, export_id)


async def _detail(page: Page, service: str, export_id: UUID, error: Problem | None = None) -> Response:
    job = await page.get(service, f"/exports/{export_id}")
    template = "export_state.html" if page.is_fragment else "export.html"
    return page.show(template, error.status if error else 200, job=job, service=service, moving=MOVING, error=error)


@router.get("/exports/{service}/{export_id}/progress", response_class=Response)
async def progress(page: Asker, service: Service, export_id: UUID) -> Response:
    """A sign whenever it moved, until it is over."""
    return await events_of(page, service, f"/exports/{export_id}/progress")


@router.get("/exports/{service}/{export_id}/file", response_class=Response)
async def file(page: Asker, service: Service, export_id: UUID) -> Response:
    """The file. The service writes down who takes it."""
    return await passed_on(page.stream(service, f"/exports/{export_id}/file"), AS_FILE)


@router.post("/exports/{service}/{export_id}/cancel", response_class=Response)
async def cancel(page: Asker, service: Service, export_id: UUID) -> Response:
    """Stop it; nothing of it stays."""
    try:
        await page.send(service, f"/exports/{export_id}/cancel", {})
    except Refused as refusal:
        return await _detail(page, service, export_id, refusal.problem)
    return page.back(f"/exports/{service}/{export_id}")
