"""亮灯: units by rules, live; from a light to what it rests on and to what makes it green."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response

from services.portal.api.door import Opened, Page
from services.portal.api.fresh import asked_of_sources, unread_by
from services.portal.api.passing import events_of
from services.portal.api.units import asked_of
from services.portal.models import Away, Refused
from services.portal.rules.written import by_sound
from shared.glossary import Light

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("lights.read"))]
ASKED = ("color", "rule", "unit", "q", "after")
A_PAGE = 1000
GROUPS = {"town": "镇街", "parent": "主管部门"}


@router.get("/lights", response_class=Response)
async def lights(page: Reader) -> Response:
    """The matrix; the list alone where htmx asks."""
    asked = asked_of(page, ASKED)
    asked["color"] = asked["color"] if asked["color"] in set(Light) else ""
    chosen = _chosen(asked) | {"color": asked["color"], "rule": asked["rule"], "after": asked["after"], "limit": A_PAGE}
    matrix = page.get("monitoring", "/lights/matrix", **chosen)
    if page.is_fragment:
        return page.show("lights_list.html", asked=asked, board=_drawn(await matrix, asked), part=True)
    sources = page.get_each(asked_of_sources("monitoring"))
    board, places, told = await asyncio.gather(matrix, places_of(page, asked["unit"]), sources)
    shown = {"board": _drawn(board, asked), "places": places, "unread": unread_by("monitoring", told)}
    return page.show("lights.html", asked=asked, part=False, **shown)


@router.get("/lights/live", response_class=Response)
async def live(page: Reader) -> Response:
    """Lights of the caller's units as they turn (server-sent events)."""
    return await events_of(page, "monitoring", "/lights/changes")


@router.get("/lights/rows/{unit_id}", response_class=Response)
async def row(page: Reader, unit_id: UUID) -> Response:
    """One row as it is now, for a table that is looked at, and the counts of the whole choice; without a script, the page of the unit's light."""
    if not page.is_fragment:
        return RedirectResponse(f"/lights/{unit_id}", 303)
    asked = asked_of(page, ASKED)
    found, whole = await asyncio.gather(
        page.get("monitoring", "/lights/matrix", only=str(unit_id), **_chosen(asked)),
        page.get("monitoring", "/lights/matrix", limit=1, **_chosen(asked)),
    )
    return page.show("lights_row.html", asked=asked, board=_drawn(whole | {"items": found["items"]}, asked))


@router.get("/lights/{unit_id}", response_class=Response)
async def light(page: Reader, unit_id: UUID) -> Response:
    """What a unit's light rests on, rule by rule (the one that was asked about first), and what makes it green."""
    found, board = await asyncio.gather(
        page.get("monitoring", f"/units/{unit_id}/light"), page.get("monitoring", "/lights/matrix", only=str(unit_id))
    )
    asked = page.request.query_params.get("rule", "")
    ruled = [(rule, [each for each in found["why"] if each["rule"] == rule["code"]]) for rule in board["rules"]]
    ruled = sorted((each for each in ruled if each[1]), key=lambda each: each[0]["code"] != asked)
    steps, names = _steps(found["why"]), await _named_in(page, unit_id, found["remarks"])
    return page.show("light.html", found=found, ruled=ruled, rules=board["rules"], asked=asked, steps=steps, names=names)


async def _named_in(page: Page, unit_id: UUID, remarks: list[dict[str, Any]]) -> dict[str, str]:
    """Of whom the remarks are, by id; whoever the viewer does not see is left out."""
    wanted = {each["inputs"]["person_id"] for each in remarks if "person_id" in each["inputs"]}
    names: dict[str, str] = {}
    after: str | None = ""
    with suppress(Refused, Away):
        while after is not None and page.viewer.may("persons.read") and not wanted <= names.keys():
            found = await page.get(
                "roster", "/persons", unit=unit_id, below="false", fields="person_id,name", sort="name", limit=200, after=after
            )
            names |= {each["person_id"]: each["name"] for each in found["items"]}
            after = found["next"]
    return {each: name for each, name in names.items() if each in wanted}


def _chosen(asked: dict[str, str]) -> dict[str, str]:
    """Whose lights are looked at, whatever their colour."""
    return {"unit": asked["unit"], "name": asked["q"]}


def _drawn(board: dict[str, Any], asked: dict[str, str]) -> dict[str, Any]:
    """Each row with a cell per column: what was found, else what is known that is no issue, else nothing; and whether it is one that is asked for."""
    called = {rule["code"]: f"{rule['code']} {rule['title']}" for rule in board["rules"]}
    for line in board["items"]:
        found = {each["rule"]: each for each in line["issues"]}
        known = {each["rule"]: each | {"issues": 0} for each in line["remarks"]}
        cells = {code: found.get(code) or known.get(code) for code in called}
        line["cells"] = [cell and cell | {"called": called[code]} for code, cell in cells.items()]
        fits = asked["color"] in {"", line["light"]} and (not asked["rule"] or asked["rule"] in found)
        line["fits"] = "yes" if fits else "no"
    return board


async def places_of(page: Page, chosen: str) -> dict[str, dict[str, str]]:
    """What one may narrow to: towns and departments with units below them, and the unit that is looked at; nothing where there is one alone."""
    wanted = {group: ("reporting", f"/figures/distribution?group={group}") for group in GROUPS}
    cards = await page.get_each(wanted | ({"unit": ("roster", f"/units/{chosen}?fields=id,name")} if chosen else {}))
    found: dict[str, dict[str, str]] = {name: _named((cards[group] or {}).get("items", ())) for group, name in GROUPS.items()}
    for twice in found["镇街"].keys() & found["主管部门"].keys():
        del found["主管部门"][twice]
    if cards.get("unit") and not any(chosen in each for each in found.values()):
        found["单位"] = {chosen: cards["unit"]["name"]}
    return {name: each for name, each in found.items() if each} if chosen or len(set().union(*found.values())) > 1 else {}


def _named(rows: Any) -> dict[str, str]:
    return dict(by_sound((row["code"], row["label"]) for row in rows))


def _steps(why: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What has to be done, each thing once, and how many findings it settles."""
    steps: dict[tuple[str, ...], dict[str, Any]] = {}
    for each in why:
        step = steps.setdefault((each["rule"], each["gone_when"], each["better_by"]), each | {"count": 0})
        step["count"] += 1
    return list(steps.values())
