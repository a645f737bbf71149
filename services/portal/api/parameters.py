"""规则参数: what holds, since when and why, what held before; a new version from a day on."""

import asyncio
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.models import Away, Field, Problem, Refused
from services.portal.rules import parameters as rules
from shared.clock import business_day
from shared.glossary import FreezeScope, Rung
from shared.parameter_words import GROUPS, LIMITS, LIMITS_CALLED, NAMES, form_of, reads

router = APIRouter(prefix="/admin/parameters")
Reader = Annotated[Page, Depends(Opened("lights.read"))]
Maintainer = Annotated[Page, Depends(Opened("parameters.maintain"))]
_WORDS: dict[str, Any] = {"called": NAMES, "reads": reads}
TYPED = ("effective_on", "source", "owner")


@router.get("", response_class=Response)
async def parameters(page: Reader) -> Response:
    """All of them: the value in force, and what is to come."""
    groups = rules.grouped(await _lines(page))
    return page.show("admin_parameters.html", groups=groups, titles=await _titles(page), today=_today(page), **_WORDS)


@router.get("/{rule}/{name}", response_class=Response)
async def parameter(page: Reader, rule: str, name: str) -> Response:
    """One, with every version, and the form of the next."""
    return await _parameter(page, rule, name)


@router.post("/{rule}/{name}", response_class=Response)
async def set_parameter(page: Maintainer, rule: str, name: str) -> Response:
    """A new version; what was typed stays when it is refused."""
    typed: dict[str, Any] = {each: page.text(each) for each in TYPED} | {"value": [each.strip() for each in page.texts("value")] or [""]}
    try:
        await _send(page, rule, name, rules.value_of(name, typed["value"]), typed)
    except ValueError:
        return await _parameter(page, rule, name, error=_unreadable(), typed=typed)
    except Refused as refusal:
        return await _parameter(page, rule, name, error=refusal.problem, typed=typed)
    return page.back(f"/admin/parameters/{quote(rule, safe='')}/{quote(name, safe='')}", done="parameter_set")


async def _send(page: Page, rule: str, name: str, value: Any, typed: dict[str, Any]) -> None:
    body = {"value": value, "source": typed["source"]}
    if rule == LIMITS:
        await page.send("roster", f"/parameters/{quote(name, safe='')}", body | {"valid_from": typed["effective_on"]})
    else:
        more = {"rule": rule, "name": name, "effective_on": typed["effective_on"], "owner": typed["owner"]}
        await page.send("monitoring", "/parameters", body | more)


def _unreadable() -> Problem:
    reason = "不是数，或不是这一参数的格式"
    fields = [Field(field="value", reason=reason)]
    return Problem(status=422, code="malformed", title="内容格式不正确", detail="参数没有改变。请改正后重新提交。", fields=fields)


async def _parameter(page: Page, rule: str, name: str, error: Problem | None = None, typed: dict[str, Any] | None = None) -> Response:
    versions = rules.grouped(await _lines(page)).get(rule, {}).get(name)
    if not versions:
        return page.show("not_found.html", 404, problem=None)
    held = next((each for each in versions if each["in_force"]), versions[0])
    first: dict[str, Any] = {
        "value": rules.typed_of(name, held["value"]),
        "effective_on": "",
        "source": "",
        "owner": held["owner"],
    }
    shown = {"rule": rule, "name": name, "held": held, "versions": versions, "typed": typed or first}
    errors = {each.field.removeprefix("body."): each.reason for each in (error.fields or ())} if error else {}
    people = await page.names_of(*(each.get("recorded_by") for each in versions))
    shown |= {
        "titles": await _titles(page),
        "today": _today(page),
        "errors": errors,
        "names": people,
        "scopes": tuple(FreezeScope),
        "rungs": tuple(Rung),
    }
    return page.show("admin_parameter.html", error.status if error else 200, error=error, kind=form_of(name), **_WORDS, **shown)


async def _lines(page: Page) -> list[dict[str, Any]]:
    monitoring, roster = await asyncio.gather(page.get("monitoring", "/parameters"), page.get("roster", "/parameters"))
    return rules.lines(monitoring, roster["items"], _today(page))


async def _titles(page: Page) -> dict[str, str]:
    """What each rule is called, as the light board calls it."""
    try:
        board = await page.get("monitoring", "/lights/matrix", limit=1)
    except (Refused, Away):
        board = {"rules": []}
    return {each["code"]: f"{each['code']} {each['title']}" for each in board.get("rules", ())} | GROUPS | {LIMITS: LIMITS_CALLED}


def _today(page: Page) -> str:
    return business_day(page.request.app.state.clock.now()).isoformat()
