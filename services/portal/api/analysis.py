"""数智分析: how posts are spread and used, how people are made up, who retires when; of all one may see, or of a unit and all below it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BeforeValidator

from services.portal.api.door import Opened, Page
from services.portal.api.fresh import asked_of_sources, unread_by
from services.portal.rules import charts
from services.portal.rules.written import by_sound

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("reports.read"))]
Chosen = Annotated[UUID | None, BeforeValidator(lambda typed: typed or None)]
"""A unit, or 全部单位, which a form sends as an empty text."""
GROUPS = {"kind": "编制类型", "category": "单位类别", "parent": "主管部门", "town": "镇街"}
POPULATIONS = {"public": "机关事业", "off_establishment": "编外", "state_enterprise": "国资"}
ORDERS = ("quota", "headcount", "available", "saturation")


@router.get("/analysis", response_class=Response)
async def analysis(page: Reader, unit: Chosen = None) -> Response:
    """Each card by itself: one whose service is away says so, the others are there. htmx asks for the distribution alone."""
    asked = {
        "unit": str(unit or ""),
        "group": page.request.query_params.get("group", ""),
        "sort": page.request.query_params.get("sort", ""),
        "population": page.request.query_params.get("population", ""),
    }
    asked["population"] = asked["population"] if asked["population"] in POPULATIONS else "public"
    asked["sort"] = asked["sort"] if asked["sort"].removeprefix("-") in ORDERS else ""
    asked["group"] = asked["group"] if asked["group"] in GROUPS else "kind"
    fresh = {} if page.is_fragment else asked_of_sources("reporting")
    cards = await page.get_each(_wanted(page, asked) | fresh)
    shown: dict[str, Any] = {"cards": cards, "asked": asked, "groups": GROUPS, "populations": POPULATIONS, "spread": _spread(cards, asked)}
    if page.is_fragment:
        return page.show("analysis_list.html", **shown)
    shown["unread"] = unread_by("reporting", cards)
    return page.show("analysis.html", retiring=_retiring(cards["retirements"]), units=narrowings(cards), **shown)


def _wanted(page: Page, asked: dict[str, str]) -> dict[str, tuple[str, str]]:
    narrowed = f"&unit={asked['unit']}" if asked["unit"] else ""
    wanted = {"spread": ("reporting", f"/figures/distribution?group={asked['group']}{narrowed}"), "codes": ("roster", "/codes")}
    if page.is_fragment:
        return wanted
    wanted |= {
        "saturation": ("reporting", f"/figures/saturation?{narrowed[1:]}"),
        "towns": ("reporting", f"/figures/distribution?group=town{narrowed}"),
        "retirements": ("reporting", f"/figures/retirements?months=60{narrowed}"),
        "parents": ("reporting", "/figures/distribution?group=parent"),
    }
    if asked["unit"]:
        wanted |= {"unit": ("roster", f"/units/{asked['unit']}")}
    if asked["unit"] and page.viewer.may("persons.read"):
        wanted |= {"structure": ("roster", f"/units/{asked['unit']}/structure?population={asked['population']}")}
    return wanted


def _spread(cards: dict[str, Any], asked: dict[str, str]) -> dict[str, Any]:
    """The groups as they are asked for; posts that are no 编制 stand apart. What a category is called the roster knows."""
    called = {each["code"]: each["label"] for each in (cards["codes"] or {}).get("categories", ())}
    rows = [row | {"label": row["label"] or called.get(row["code"], row["code"])} for row in (cards["spread"] or {}).get("items", ())]
    if order := asked["sort"].removeprefix("-"):
        rows.sort(key=lambda row: row[order] or 0, reverse=asked["sort"].startswith("-"))
    counted, others = ([row for row in rows if row["counted"] is flag] for flag in (True, False))
    options = charts.posts(counted, [row["label"] for row in counted])
    return {"counted": counted, "others": others, "options": options, "left_out": max(0, len(counted) - charts.MOST_BARS)}


def _retiring(found: dict[str, Any] | None) -> dict[str, Any] | None:
    return found and {"options": charts.retirements(found["items"]), "years": charts.years(found["items"])}


def narrowings(cards: dict[str, Any]) -> list[tuple[str, str]]:
    """What one may narrow to: whoever has units below him, and the unit that is looked at."""
    found = {row["code"]: row["label"] for row in (cards["parents"] or {}).get("items", ())}
    if cards.get("unit"):
        found[cards["unit"]["id"]] = cards["unit"]["name"]
    return by_sound(found.items())


@router.post("/analysis/export", response_class=Response)
async def export(page: Annotated[Page, Depends(Opened("exports.make"))]) -> Response:
    """Have a table made as a file; it is fetched where all exports are."""
    name = "saturation" if page.text("list") == "saturation" else "distribution"
    filters = {each: page.text(each) for each in (("unit", "group", "sort") if name == "distribution" else ("unit",))}
    body = {"list": name, "filters": {key: value for key, value in filters.items() if value}, "format": "xlsx"}
    await page.send("reporting", "/exports", body)
    return page.back("/exports", done="export_asked")
