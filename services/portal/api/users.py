"""用户与角色: accounts by the system administrator, rights by the security administrator; all three administrators read them."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import asked_of
from services.portal.models import Problem, Refused
from shared.clock import CHINA
from shared.glossary import Role

router = APIRouter(prefix="/admin/users")
Reader = Annotated[Page, Depends(Opened("users.read"))]
SystemAdministrator = Annotated[Page, Depends(Opened("users.maintain"))]
SecurityAdministrator = Annotated[Page, Depends(Opened("rights.maintain"))]
ROLES = tuple(role for role in Role if role is not Role.SERVICE)
TYPED = ("name", "real_name", "reason", "document_no", "role", "scope", "words", "absent", "until", "begins_on")


@dataclass(frozen=True)
class Told:
    """What a page of a user says besides the user: a refusal, what was typed, units that were looked for."""

    error: Problem | None = None
    typed: dict[str, Any] | None = None
    units: tuple[dict[str, Any], ...] | None = None


@router.get("", response_class=Response)
async def users(page: Reader) -> Response:
    """Accounts by login name; of one role, or all."""
    asked = asked_of(page, ("role", "after"))
    found = await page.get("identity", "/users", **asked)
    return page.show(
        "admin_users_list.html" if page.is_fragment else "admin_users.html", asked=asked | {"words": ""}, found=found, roles=ROLES
    )


@router.post("", response_class=Response)
async def search(page: Reader) -> Response:
    """Accounts found by names: the words stand in no address."""
    asked = {name: page.text(name) for name in ("words", "role", "after")}
    if not asked["words"]:
        return page.back("/admin/users", **{"role": asked["role"]} if asked["role"] else {})
    found = await page.send("identity", "/users/search", {name: value for name, value in asked.items() if value})
    return page.show("admin_users.html", asked=asked, found=found, roles=ROLES)


@router.get("/new", response_class=Response)
async def form(page: SystemAdministrator) -> Response:
    """An empty form."""
    return page.show("admin_user_new.html", typed=dict.fromkeys(TYPED, ""), errors={}, error=None)


@router.post("/new", response_class=Response)
async def register(page: SystemAdministrator) -> Response:
    """Make an account and hand out its first password, which is shown on this answer alone."""
    typed = _typed(page)
    try:
        made = await page.send("identity", "/users", {"name": typed["name"], "real_name": typed["real_name"]} | _ground(typed))
    except Refused as refusal:
        errors = {each.field.removeprefix("body."): each.reason for each in refusal.problem.fields or ()}
        return page.show("admin_user_new.html", refusal.problem.status, typed=typed, errors=errors, error=refusal.problem)
    return await _handed_out(page, made["name"], {})


@router.get("/{name}", response_class=Response)
async def user(page: Reader, name: str) -> Response:
    """One account, its rights, and what may be done with it."""
    return await _user(page, name, Told())


@router.post("/{name}/one-time-password", response_class=Response)
async def hand_out(page: SystemAdministrator, name: str) -> Response:
    """A new password, shown on this answer alone."""
    return await _handed_out(page, name, {"factor_lost": page.text("factor_lost") == "true"} | _ground(_typed(page)))


@router.post("/{name}/release", response_class=Response)
async def release(page: SystemAdministrator, name: str) -> Response:
    """Let him try again."""
    return await _done(page, name, "/release", _ground(_typed(page)), "user_released")


@router.post("/{name}/sessions/end", response_class=Response)
async def end_sessions(page: SystemAdministrator, name: str) -> Response:
    """Sign him out everywhere."""
    return await _done(page, name, "/sessions", {}, "sessions_ended", method="DELETE")


@router.post("/{name}/roles", response_class=Response)
async def grant(page: SecurityAdministrator, name: str) -> Response:
    """Give a role; or look for units of its scope, with all that was typed kept."""
    typed = _typed(page)
    if page.text("do") == "look":
        units = await page.get("identity", "/scopes", words=typed["words"]) if typed["words"] else []
        return await _user(page, name, Told(typed=typed, units=tuple(units)))
    unit_ids = None if typed["scope"] == "county" else [each.partition("|")[0] for each in typed["unit_ids"]]
    return await _done(page, name, "/roles", {"role": typed["role"], "unit_ids": unit_ids} | _ground(typed), "role_given")


@router.post("/{name}/roles/{role}/revocation", response_class=Response)
async def revoke(page: SecurityAdministrator, name: str, role: Role) -> Response:
    """Take a role back."""
    return await _done(page, name, f"/roles/{role}/revocation", _ground(_typed(page)), "role_taken")


@router.post("/{name}/proxies", response_class=Response)
async def set_proxy(page: SecurityAdministrator, name: str) -> Response:
    """Let him stand in for somebody who is absent: whole days, the last included."""
    typed = _typed(page)
    body = {"absent": typed["absent"], "until": _instant(typed["until"], time.max)} | _ground(typed)
    body |= {"begins_at": _instant(typed["begins_on"], time.min)} if typed["begins_on"] else {}
    return await _done(page, name, "/proxies", body, "proxy_set")


@router.post("/{name}/proxies/{proxy_id}/end", response_class=Response)
async def end_proxy(page: SecurityAdministrator, name: str, proxy_id: UUID) -> Response:
    """End one before its time."""
    try:
        await page.send("identity", f"/proxies/{proxy_id}/end", _ground(_typed(page)))
    except Refused as refusal:
        return await _user(page, name, Told(refusal.problem, _typed(page)))
    return page.back(f"/admin/users/{quote(name, safe='')}", done="proxy_ended")


async def _handed_out(page: Page, name: str, body: dict[str, Any]) -> Response:
    try:
        told = await page.send("identity", f"/users/{quote(name, safe='')}/one-time-password", body, part="/password")
    except Refused as refusal:
        return await _user(page, name, Told(refusal.problem, _typed(page)))
    return page.show("admin_one_time.html", told=told)


async def _done(page: Page, name: str, path: str, body: dict[str, Any], done: str, method: str = "POST") -> Response:
    """Send it; a refusal is told where the form stands, with what was typed."""
    try:
        await page.send("identity", f"/users/{quote(name, safe='')}{path}", body, method=method)
    except Refused as refusal:
        return await _user(page, name, Told(refusal.problem, _typed(page)))
    return page.back(f"/admin/users/{quote(name, safe='')}", done=done)


async def _user(page: Page, name: str, told: Told) -> Response:
    found = await page.get("identity", f"/users/{quote(name, safe='')}")
    account, units = found["account"], found["units"]
    people = {each[who] for each in account["proxies"] for who in ("user", "absent")}
    held = account["user"]["grants"]
    own = [f"{each}|{units.get(each, '')}" for each in (held[0]["unit_ids"] or ())] if held else []
    first = dict.fromkeys(TYPED, "") | {"scope": "units" if own or not held else "county", "unit_ids": own, "factor_lost": ""}
    shown = {"account": account, "units": units, "names": await page.names_of(*people), "roles": ROLES, "looked": told.units}
    errors = {each.field.removeprefix("body."): each.reason for each in (told.error.fields or ())} if told.error else {}
    status = told.error.status if told.error else 200
    return page.show("admin_user.html", status, typed=told.typed or first, error=told.error, errors=errors, **shown)


def _typed(page: Page) -> dict[str, Any]:
    return {name: page.text(name) for name in TYPED} | {"unit_ids": page.texts("unit_ids"), "factor_lost": page.text("factor_lost")}


def _ground(typed: dict[str, Any]) -> dict[str, Any]:
    return {name: typed[name] for name in ("reason", "document_no") if typed[name]}


def _instant(day: str, at: time) -> str:
    """The beginning or the end of a day in Beijing; what is no day goes as it was typed, and the service says so."""
    with suppress(ValueError):
        return datetime.combine(datetime.fromisoformat(day).date(), at.replace(microsecond=0), CHINA).isoformat()
    return day
