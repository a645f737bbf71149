"""What the audit administrator reads: 操作留痕 of each service, changes of accounts, sign-ins, reveals, finds, exports; the latest first."""

from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import asked_of
from services.portal.models import Away, Refused
from services.portal.rules.lists import UNITS, told
from services.portal.rules.merging import cursors, merged
from services.portal.rules.offices import SERVICES
from shared.deeds import EVENTS

router = APIRouter(prefix="/admin")
Auditor = Annotated[Page, Depends(Opened("audit.read"))]
SHOWN = 50
LATEST = UUID(int=2**128 - 1)


@router.get("/trail", response_class=Response)
async def trail(page: Auditor) -> Response:
    """Of one service, narrowed to a unit, to those of a name, or to a case."""
    asked = asked_of(page, ("service", "unit", "words", "case", "after"))
    asked["service"] = asked["service"] if asked["service"] in SERVICES else "roster"
    asked["words"] = asked["words"].strip()[:60]
    units = await _units(page, asked)
    nothing: Any = {"items": [], "next": None}
    found: Any = (
        nothing if units == [] else await page.get(asked["service"], "/trail", unit=units, case=asked["case"], before=asked["after"])
    )
    told = await _names(page, unit={each["unit_id"] for each in found["items"]} | ({asked["unit"]} if asked["unit"] else set()))
    return await _list(page, "trail", asked, found, [each["actor"] for each in found["items"]], units=told["units"])


@router.get("/changes", response_class=Response)
async def changes(page: Auditor) -> Response:
    """Every change to accounts and rights."""
    asked = asked_of(page, ("after",))
    found = await page.get("identity", "/audit", before=asked["after"] or LATEST)
    people = [each["actor"] for each in found["items"]] + [each["change"].get("user") for each in found["items"]]
    return await _list(page, "changes", asked, found, people, titles=EVENTS)


@router.get("/sign-ins", response_class=Response)
async def sign_ins(page: Auditor) -> Response:
    """Who signed in, was refused or locked, from where."""
    asked = asked_of(page, ("user", "after"))
    found = await page.get("identity", "/audit/sign-ins", user=asked["user"], before=asked["after"] or LATEST)
    return await _list(page, "sign_ins", asked, found, [each[who] for each in found["items"] for who in ("user", "actor")])


@router.get("/reveals", response_class=Response)
async def reveals(page: Auditor) -> Response:
    """Who saw whose number in full, and why."""
    asked = asked_of(page, ("actor", "person", "after"))
    found = await page.get("roster", "/reveals", actor=asked["actor"], person_id=asked["person"], before=asked["after"])
    told = await _names(page, person={each["person_id"] for each in found["items"]})
    return await _list(page, "reveals", asked, found, [each["actor"] for each in found["items"]], persons=told["persons"])


@router.get("/finds", response_class=Response)
async def finds(page: Auditor) -> Response:
    """Who named somebody of another unit for a transfer, and whether he was told."""
    asked = asked_of(page, ("actor", "after"))
    found = await page.get("roster", "/person-finds", actor=asked["actor"], before=asked["after"])
    told = await _names(
        page,
        person={each["person_id"] for each in found["items"] if each["person_id"]},
        unit={each[unit] for each in found["items"] for unit in ("unit_id", "from_unit_id") if each[unit]},
    )
    return await _list(page, "finds", asked, found, [each["actor"] for each in found["items"]], **told)


@router.get("/exports", response_class=Response)
async def exports(page: Auditor) -> Response:
    """Who took which list out of which service, and why; who fetched its file."""
    asked = asked_of(page, ("actor", "file", "after"))
    before = cursors(asked["after"], SERVICES)
    cards = await page.get_each({name: (name, _taken(asked, before[name])) for name in SERVICES}) if _is_number(asked["file"]) else {}
    jobs = merged({name: found for name, found in cards.items() if found}, before, "-asked", SHOWN)
    units = {str(each["filters"][name]) for each in jobs.items for name in UNITS if name in each["filters"]}
    people = [each["actor"] for job in jobs.items for each in (job, *job["downloads"])]
    named = (await _names(page, unit=units))["units"]
    found = {"items": [{**job, "narrowed": told(job["list"], job["filters"], named)} for job in jobs.items], "next": jobs.next}
    return await _list(page, "exports", asked, found, people, away=[name for name, each in cards.items() if each is None])


def _taken(asked: dict[str, str], after: str) -> str:
    """Where a service tells of its exports; from where its list was left on the page before."""
    narrowed = {"actor": asked["actor"].strip(), "export": asked["file"].strip(), "after": after}
    return f"/exports/audit?{urlencode({'limit': SHOWN} | {name: value for name, value in narrowed.items() if value})}"


def _is_number(typed: str) -> bool:
    """Of a file, or nothing at all."""
    try:
        return not typed.strip() or bool(UUID(typed.strip()))
    except ValueError:
        return False


async def _units(page: Page, asked: dict[str, str]) -> list[str] | None:
    """Whose deeds are asked for; none: everybody's. The roster knows who is called so."""
    if not asked["words"]:
        return [asked["unit"]] if asked["unit"] else None
    return [each["id"] for each in await page.get("roster", "/names/units", words=asked["words"])]


async def _names(page: Page, **ids: set[str]) -> dict[str, dict[str, Any]]:
    """What units and people are called, by id. Whoever is not told, or cannot be asked about now, keeps his id."""
    named: dict[str, dict[str, Any]] = {"units": {}, "persons": {}}
    with suppress(Refused, Away):
        named |= await page.get("roster", "/names", **{name: sorted(each) for name, each in ids.items()}) if any(ids.values()) else {}
    return named


async def _list(page: Page, name: str, asked: dict[str, str], found: Any, people: list[str | None], **more: Any) -> Response:
    shown = {"asked": asked, "found": found, "names": await page.names_of(*people)} | more
    template = f"admin_{name}_list.html" if page.is_fragment else f"admin_{name}.html"
    return page.show(template, services=SERVICES, **shown)
