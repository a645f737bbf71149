"""单位: the tree, what is found in it, and one unit as of a day: posts, people, history, ledger, supervision. The roster decides what anybody sees."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response

from services.portal.api.door import Opened, Page
from services.portal.models import Away, Field, Problem, Refused
from shared.glossary import IssueState

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("units.read"))]
NARROWED = ("category", "unit_funding", "rank", "system")
ASKED = ("q", "parent", *NARROWED, "as_of", "sort", "after")
LINE = "id,parent_id,path,name,short_name,code,category,rank,closed_on,children,sums,formerly"
NODE = "id,name,children"
MOMENT = ("as_of", "known_on")
NOW = dict.fromkeys(MOMENT, "")


@router.get("/units", response_class=Response)
async def units(page: Reader) -> Response:
    """A branch of the tree, or what is found below it; the list alone where htmx asks."""
    asked = asked_of(page, ASKED)
    narrowed = {name: asked[name] for name in ("q", *NARROWED) if asked[name]}
    where = {"under" if narrowed else "parent": asked["parent"]} if asked["parent"] else {} if narrowed else {"top": "true"}
    listed = page.get(
        "roster", "/units", fields=LINE, as_of=asked["as_of"], sort=asked["sort"] or "name", after=asked["after"], **where, **narrowed
    )
    found, codes = await asyncio.gather(listed, page.get("roster", "/codes"))
    shown = {"asked": asked, "found": found, "words": words_of(codes), "codes": codes, "narrowed": bool(narrowed)}
    shown |= {"lights": await _lights(page, [each["id"] for each in found["items"]]), "place": await _place(page, asked["parent"])}
    if page.is_fragment:
        return page.show("units_list.html", **shown)
    return page.show("units.html", tree=await _tree(page, [each["id"] for each in shown["place"]]), **shown)


@router.get("/units/branch", response_class=Response)
async def branch(page: Reader, parent: UUID) -> Response:
    """The nodes below one node, for the tree; without a script, the list of them."""
    if not page.is_fragment:
        return RedirectResponse(f"/units?parent={parent}", 303)
    return page.show("units_branch.html", nodes_of=await _nodes(page, parent=parent))


@router.get("/units/{unit_id}", response_class=Response)
async def unit(page: Reader, unit_id: UUID) -> Response:
    """One unit: what it is, its posts, seats, people who work there, light, authorised uses."""
    moment = asked_of(page, MOMENT)
    head = await head_of(page, unit_id, moment)
    when = head["when"]
    cards: dict[str, tuple[str, str]] = {
        "populations": ("roster", f"/units/{unit_id}/populations{when}"),
        "reservations": ("roster", f"/units/{unit_id}/reservations"),
    }
    if page.viewer.may("persons.read"):
        cards["here"] = ("roster", f"/units/{unit_id}/working-here{when}")
    if page.viewer.may("lights.read"):
        cards |= {"light": ("monitoring", f"/units/{unit_id}/light"), "issues": ("monitoring", f"/issues?{_alone(unit_id)}&open=true")}
    linked = {each["unit_id"] for side in ("successors", "predecessors") for each in head["unit"][side]}
    found, linked_names = await asyncio.gather(page.get_each(cards), names_of_units(page, linked))
    return page.show("unit.html", tab="", cards=found, linked=linked_names, **head)


@router.get("/units/{unit_id}/persons", response_class=Response)
async def persons(page: Annotated[Page, Depends(Opened("persons.read"))], unit_id: UUID) -> Response:
    """Who holds a post here, or belongs here without one, masked."""
    moment, asked = asked_of(page, MOMENT), asked_of(page, ("on_roster", "population", "sort", "after"))
    if asked["on_roster"] and asked["sort"].endswith("started_on"):  # who has no post came to none
        asked["sort"] = ""
    listed = page.get("roster", "/persons", unit=unit_id, below="false", **moment, **asked | {"sort": asked["sort"] or "name"})
    if page.is_fragment:
        found, codes = await asyncio.gather(listed, page.get("roster", "/codes"))
        asked |= moment
        return page.show("unit_persons_list.html", asked=asked, found=found, words=words_of(codes), unit_id=unit_id)
    found, head = await asyncio.gather(listed, head_of(page, unit_id, moment))
    return page.show("unit_persons.html", tab="persons", asked=asked | moment, found=found, unit_id=unit_id, **head)


@router.get("/units/{unit_id}/history", response_class=Response)
async def history(page: Reader, unit_id: UUID) -> Response:
    """What it was from when to when."""
    asked = asked_of(page, ("sort", "after"))
    found = await page.get("roster", f"/units/{unit_id}/history", sort=asked["sort"] or "-since", after=asked["after"])
    others = {each["unit_id"] for side in ("successors", "predecessors") for each in found[side]}
    linked = await names_of_units(page, others | {each["parent_id"] for each in found["items"] if each["parent_id"]})
    shown = {"asked": asked, "found": found, "linked": linked, "unit_id": unit_id}
    if page.is_fragment:
        return page.show("unit_history_list.html", words=words_of(await page.get("roster", "/codes")), **shown)
    return page.show("unit_history.html", tab="history", **shown | await head_of(page, unit_id, NOW))


@router.get("/units/{unit_id}/ledger", response_class=Response)
async def ledger(page: Reader, unit_id: UUID) -> Response:
    """台账: every change with the document it rests on."""
    asked = asked_of(page, ("type", "since", "until", "below", "sort", "after"))
    query = asked | {"unit": str(unit_id), "below": asked["below"] or "false", "sort": asked["sort"] or "-at"}
    found = await page.get("roster", "/ledger", **query)
    shown = {"asked": asked, "found": found, "unit_id": unit_id, "names": await page.names_of(*(each["actor"] for each in found["items"]))}
    if page.is_fragment:
        return page.show("unit_ledger_list.html", words=words_of(await page.get("roster", "/codes")), **shown)
    head, matters = await asyncio.gather(head_of(page, unit_id, NOW), page.get("roster", "/ledger/matters"))
    return page.show("unit_ledger.html", tab="ledger", matters=matters, **shown | head)


@router.get("/units/{unit_id}/supervision", response_class=Response)
async def supervision(page: Annotated[Page, Depends(Opened("lights.read"))], unit_id: UUID) -> Response:
    """监督: its light and why, issues, freezes, supervision lists."""
    head, alone = await head_of(page, unit_id, NOW), _alone(unit_id)
    wanted = {
        "light": ("monitoring", f"/units/{unit_id}/light"),
        "issues": ("monitoring", f"/issues?{alone}&sort=-found"),
        "freezes": ("monitoring", f"/freeze-orders?{alone}&sort=-proposed"),
        "lists": ("monitoring", f"/supervision-lists?{alone}&sort=-issued"),
    }
    if page.viewer.may("issues.verify"):
        wanted["baseline"] = ("monitoring", f"/issues?{alone}&state={IssueState.BASELINE}")
    cards = await page.get_each(wanted)
    return page.show("unit_supervision.html", tab="supervision", cards=cards, unit_id=unit_id, **head)


def _alone(unit_id: UUID) -> str:
    """Monitoring is asked about the unit without those below it: each of them has a page of its own."""
    return f"unit={unit_id}&below=false&limit=200"


@router.post("/units/{unit_id}/baseline", response_class=Response)
async def take_up(page: Annotated[Page, Depends(Opened("issues.verify"))], unit_id: UUID) -> Response:
    """Take up what the unit's first load left (期初存量): each becomes an issue to verify."""
    await page.send("monitoring", f"/units/{unit_id}/baseline-release", {})
    return page.back(f"/units/{unit_id}/supervision", done="baseline_taken_up")


def asked_of(page: Page, names: tuple[str, ...]) -> dict[str, str]:
    """What the address asks for, of what the page knows."""
    return {name: page.request.query_params.get(name, "") for name in names}


def words_of(codes: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What each code of each table is called; the office's own also after their end."""
    words = choices_of(codes)
    for each in codes.get("own", ()):
        words.setdefault(each["set"], {}).setdefault(each["code"], each["label"])
    return words


def choices_of(codes: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The codes in force, which a form offers."""
    tables = {name: table for name, table in codes.items() if isinstance(table, list) and name != "own"} | codes.get("sets", {})
    return {name: {each["code"]: each["label"] for each in table} for name, table in tables.items()}


async def unit_called(page: Page, words: str, field: str) -> str:
    """The one unit of the full name or code that was typed into a field. Raises Refused."""
    found = (await page.get("roster", "/units", q=words, limit=200, fields="id,name,short_name,code,uscc"))["items"] if words else []
    fits = [str(each["id"]) for each in found if words in {each[name] for name in ("name", "short_name", "code", "uscc")}]
    if len(fits) != 1:
        raise Refused(unfit(field, "没有找到唯一的单位，请填写单位全称或编码"))
    return fits[0]


def unfit(field: str, reason: str) -> Problem:
    """What the portal itself says of one field; nothing was sent."""
    fields = [Field(field=field, reason=reason)]
    return Problem(
        status=422, code="malformed", title="内容格式不正确", detail="没有办理，什么也没有改变。请改正后重新提交。", fields=fields
    )


async def head_of(page: Page, unit_id: UUID, moment: dict[str, str]) -> dict[str, Any]:
    """What every page of a unit begins with: the unit of that day, where it stands, what codes are called."""
    found, codes = await asyncio.gather(page.get("roster", f"/units/{unit_id}", **moment), page.get("roster", "/codes"))
    names = await names_of_units(page, set(found["path"][:-1]))
    crumbs = [(each, names[each]) for each in found["path"][:-1] if each in names]
    told = urlencode({name: value for name, value in moment.items() if value})
    return {"unit": found, "words": words_of(codes), "crumbs": crumbs, "moment": moment, "when": f"?{told}" if told else ""}


async def names_of_units(page: Page, unit_ids: set[str]) -> dict[str, str]:
    """What a few units are called; those the caller may not see are left out."""
    found = await page.get_each({each: ("roster", f"/units/{each}?fields=name") for each in sorted(unit_ids)})
    return {unit_id: each["name"] for unit_id, each in found.items() if each}


async def _lights(page: Page, unit_ids: list[str]) -> dict[str, dict[str, Any]] | None:
    """By unit; none where they cannot be had."""
    if not unit_ids or not page.viewer.may("lights.read"):
        return {}
    with suppress(Refused, Away):
        found = await page.get("monitoring", "/lights", unit=unit_ids, limit=len(unit_ids))
        return {each["unit_id"]: each for each in found["items"]}
    return None


async def _place(page: Page, unit_id: str) -> list[dict[str, Any]]:
    """From the top down to the unit whose branch is shown."""
    if not unit_id:
        return []
    found = await page.get("roster", f"/units/{quote(unit_id, safe='')}", fields="id,name,path")
    above = await names_of_units(page, set(found["path"][:-1]))
    return [*({"id": each, "name": above[each]} for each in found["path"][:-1] if each in above), found]


async def _nodes(page: Page, **where: Any) -> dict[str, Any]:
    nodes: dict[str, Any] = await page.get("roster", "/units", fields=NODE, sort="name", limit=200, **where)
    return nodes


async def _tree(page: Page, opened: list[str]) -> dict[str, Any]:
    """The top of the caller's tree, and the branches on the way to where he is, by node; the others come when they are opened."""
    tops, *branches = await asyncio.gather(_nodes(page, top="true"), *(_nodes(page, parent=each) for each in opened))
    return {"": tops} | dict(zip(opened, branches, strict=True))
