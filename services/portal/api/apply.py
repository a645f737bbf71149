"""申请: a form per type. What may be chosen comes from the services, and so does every word about what was filled in wrongly."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from services.portal.api.applications import words_of_reasons
from services.portal.api.door import Opened, Page
from services.portal.api.passing import AS_FILE
from services.portal.models import Away, Problem, Refused
from shared.clock import business_day
from shared.glossary import LABELS, ApplicationType, ExceptionGround
from shared.http import shown_as

router = APIRouter()
Applicant = Annotated[Page, Depends(Opened("applications.submit"))]
Typed = dict[str, str]
SOUGHT = ("from_unit", "name", "id_number")
"""By what somebody of a unit beyond one's own is named for a transfer."""
OF_NAMESAKE = Problem(
    status=409,
    code="of_another_unit",
    title="人员不在调出单位",
    detail="三项相符的人员在另一个同名单位，不在本申请的调出单位。补正时不能更换调出单位；如需更换，请撤回后另行申请。",
)
FIELDS = (
    *SOUGHT,
    *("unit_id", "row", "posts", "reservation_id", "from_unit_id", "person_id", "change_id"),
    *("reason_code", "effective_on", "off_post_kind", "employment_form", "title", "justification", "concerned"),
    *("exception.ground", "exception.document_no", "exception.why"),
)
OF_FIELD = {"concerned_unknown": "concerned", "cause_unknown": "reason_code", "cause_unfit": "reason_code"}
"""Refusals that speak of one field."""
LISTED = 1_000
"""Units to choose from: a county has some six hundred."""
EXCEPTION = "exception."
"""冻结例外: what of an application under a freeze says why it goes on, named as the service names it."""
EXCEPTION_ASKS = {"ground": "例外情形", "document_no": "依据文号", "why": "例外理由"}
ASKED = {
    ApplicationType.POST_USE: ("row", "posts"),
    ApplicationType.ENTRY: ("reservation_id", "person_id", "reason_code", "effective_on", "off_post_kind", "employment_form"),
    ApplicationType.EXIT: ("person_id", "reason_code", "effective_on"),
    ApplicationType.TRANSFER: ("from_unit_id", "person_id", "row", "effective_on"),
    ApplicationType.CHANGE: ("person_id", "change_id"),
}
"""What the form of each type asks for, besides unit, title and ground. What a 信息变更 changes is registered before (`changes`)."""
FROM_BEYOND = {"transfer": "调动（从本市以外调入）"}
TAKES_POST = {ApplicationType.POST_USE, ApplicationType.ENTRY, ApplicationType.TRANSFER}
WORDS = {
    ApplicationType.POST_USE: "使用空编前先核准用编，核准后预留编制。",
    ApplicationType.ENTRY: "凭已核准的用编办理人员入编。入编不占领导职数；担任领导职务的，入编后由编办业务科凭任免文件登记。",
    ApplicationType.EXIT: "退休、辞职、调出、去世等人员出编。",
    ApplicationType.TRANSFER: "人员从一个单位调到另一个单位，原占的领导职数随之空出；在调入单位担任领导职务的，调动后由编办业务科凭任免文件登记。",
    ApplicationType.CHANGE: "姓名、证件号、职务、人员状态等关键信息凭证明材料变更。",
}


@dataclass(frozen=True)
class Offer:
    """What the form may choose from."""

    units: list[dict[str, Any]]
    unit: dict[str, Any]
    codes: dict[str, Any]
    reservations: list[dict[str, Any]]
    people: list[dict[str, Any]]
    more_people: bool
    change: dict[str, Any] | None = None
    found: dict[str, Any] | None = None

    def reasons(self, kind: ApplicationType) -> list[tuple[str, str]]:
        """What may be chosen as 事由; entered as 调动 is who comes from beyond the county."""
        table = self.codes["entry_reasons" if kind is ApplicationType.ENTRY else "exit_reasons"]
        return [(each["code"], FROM_BEYOND.get(each["code"], each["label"])) for each in table if each["applied_for"]]

    @property
    def off_establishment(self) -> bool:
        """Whether one of the authorised uses is of 编外."""
        outside = {each["code"] for each in self.codes["kinds"] if each["population"] == "off_establishment"}
        return any(each["kind"] in outside for each in self.reservations)


@router.get("/applications/new", response_class=Response)
async def choose(page: Applicant, unit: UUID | None = None) -> Response:
    """Which type. `unit`: from whose page it begins."""
    codes = await page.get("approval", "/codes")
    types = [each for each in codes["application_types"] if each["code"] in ASKED]
    return page.show("apply.html", types=types, words=WORDS, unit=unit)


@router.get("/applications/new/{kind}", response_class=Response)
async def form(
    page: Applicant, kind: ApplicationType, unit: str = "", from_unit: str = "", person: UUID | None = None, change: UUID | None = None
) -> Response:
    """An empty form; choosing another unit asks for it again. `person`: whose page it is opened from. `change`: what was registered for a 信息变更."""
    today = business_day(page.request.app.state.clock.now()).isoformat()
    typed = dict.fromkeys(FIELDS, "") | {"posts": "1", "effective_on": today, "unit_id": unit, "from_unit_id": from_unit}
    typed |= {"person_id": str(person or ""), "change_id": str(change or "")}
    return await _form(page, kind, typed)


@router.post("/applications/new/{kind}", response_class=Response)
async def submit(page: Applicant, kind: ApplicationType) -> Response:
    """Look again, check, or submit: what the button says. Nothing typed is lost."""
    typed = {name: page.text(name) for name in FIELDS}

    async def send(body: dict[str, Any]) -> Response:
        made = (await page.send("approval", "/applications", {"type": kind, **body}))["application_id"]
        return page.back(f"/applications/{made}", done="submitted" if await _brought(page, made) else "submitted_without_files")

    return await _done(page, kind, typed, None, send)


@router.get("/applications/{application_id}/edit", response_class=Response)
async def edit(page: Applicant, application_id: UUID, change: UUID | None = None) -> Response:
    """A returned application, to be mended; `change`: what was registered anew. One that is under way again is shown as it is."""
    found = await page.get("approval", f"/applications/{application_id}")
    if not _may_be_mended(found):
        return page.back(f"/applications/{application_id}")
    typed = {name: str(found.get(name) or "") for name in FIELDS} | {"row": f"{found['kind']}|{found['funding']}"}
    typed |= {EXCEPTION + name: str(value) for name, value in (found["exception"] or {}).items() if EXCEPTION + name in FIELDS}
    typed |= {"concerned": "、".join(found.get("concerned") or ())} | ({"change_id": str(change)} if change else {})
    return await _form(page, ApplicationType(found["type"]), typed, mended=found)


def _may_be_mended(found: dict[str, Any]) -> bool:
    """Whether it waits for its unit: returned, or paused by a freeze to which an exception may be claimed."""
    return "resubmit" in found["actions"] or (found["state"] == "paused" and "withdraw" in found["actions"])


@router.post("/applications/{application_id}/edit", response_class=Response)
async def resubmit(page: Applicant, application_id: UUID) -> Response:
    """The whole application again."""
    found = await page.get("approval", f"/applications/{application_id}")
    kind, typed = ApplicationType(found["type"]), {name: page.text(name) for name in FIELDS}
    units = {name: str(found[name]) for name in ("unit_id", "from_unit_id") if found[name]}  # whatever an old draft says
    typed |= units

    async def send(body: dict[str, Any]) -> Response:
        brought = await _brought(page, str(application_id))  # before the chain starts again
        body |= units | {"revision": page.text("revision")}
        await page.send("approval", f"/applications/{application_id}/resubmission", body)
        return page.back(f"/applications/{application_id}", done="resubmitted" if brought else "submitted_without_files")

    return await _done(page, kind, typed, found, send)


async def _done(
    page: Page, kind: ApplicationType, typed: Typed, mended: Any, send: Callable[[dict[str, Any]], Awaitable[Response]]
) -> Response:
    """What the button says. A refusal is told where the form stands, with all that was typed."""
    if page.text("do") == "next" and typed["person_id"]:
        return page.back(f"/persons/{quote(typed['person_id'], safe='')}/key-changes/new")
    if page.text("do") not in {"check", "preview", "submit"} or kind not in ASKED:
        sought = page.text("do") == "find" and kind is ApplicationType.TRANSFER
        return await (_sought if sought else _form)(page, kind, typed, mended=mended)
    body = body_of(kind, typed) | await _row_of(page, kind, typed)
    if page.text("do") == "check":
        checks = await _checks(page, kind, body)
        if page.is_fragment:
            return page.show("apply_checks.html", checks=checks, live=True)
        return await _form(page, kind, typed, mended=mended, checks=checks)
    try:
        return await (_preview(page, kind, body) if page.text("do") == "preview" else send(body))
    except Refused as refusal:
        return await _form(page, kind, typed, mended=mended, error=refusal.problem)


async def _sought(page: Page, kind: ApplicationType, typed: Typed, *, mended: Any) -> Response:
    """Whoever is named by unit, name and whole number is chosen, if the roster knows him so. The number is not drawn again then."""
    try:
        found = await page.send("roster", "/person-finds", {name: typed[name] for name in ("unit_id", *SOUGHT)})
    except Refused as refusal:
        return await _form(page, kind, typed, mended=mended, error=refusal.problem)
    if mended and str(found["from_unit_id"]) != typed["from_unit_id"]:
        return await _form(page, kind, typed, mended=mended, error=OF_NAMESAKE)
    chosen = {"from_unit_id": str(found["from_unit_id"]), "person_id": str(found["person_id"])}
    return await _form(page, kind, typed | dict.fromkeys(SOUGHT, "") | chosen, mended=mended, given=True)


async def _brought(page: Page, application_id: str) -> bool:
    """Lay the files of the form beside the application; whether each is there. One that is refused stops none of the others."""
    whole = True
    for place, file in enumerate(page.form.getlist("file")):
        if isinstance(file, UploadFile) and file.filename:
            try:
                await page.bring("approval", f"/applications/{application_id}/attachments", file, f"/{place}")
            except (Refused, Away):
                whole = False
    return whole


async def _preview(page: Page, kind: ApplicationType, body: dict[str, Any]) -> Response:
    """The notice as it would be written, from the template of the one that is sealed."""
    pdf = await page.written("approval", "/application-previews", {"type": kind, **body})
    return Response(pdf, media_type="application/pdf", headers=AS_FILE | shown_as("文书预览.pdf"))


async def _row_of(page: Page, kind: ApplicationType, typed: Typed) -> dict[str, str]:
    """Of which posts it is: an entry uses those of its authorised use, an exit leaves the person's own."""
    row: dict[str, Any] = {}
    with suppress(Refused, StopIteration):
        if kind is ApplicationType.ENTRY and typed["reservation_id"]:
            found = await page.get("roster", f"/units/{quote(typed['unit_id'], safe='')}/reservations")
            row = next(each for each in found["items"] if each["id"] == typed["reservation_id"])
        elif kind is ApplicationType.EXIT and typed["person_id"]:
            row = (await page.get("roster", f"/persons/{quote(typed['person_id'], safe='')}"))["placement"] or {}
    return {name: row[name] for name in ("kind", "funding") if name in row}


def body_of(kind: ApplicationType, typed: Typed) -> dict[str, Any]:
    """What the service is sent: what was filled in, of what the type asks for."""
    body: dict[str, Any] = {name: typed[name] for name in ("unit_id", "title", "justification", *ASKED.get(kind, ())) if typed[name]}
    row = body.pop("row", "") or typed["row"]
    if "|" in row:
        body["kind"], body["funding"] = row.split("|", 1)
    if body.get("posts", "1").isdecimal():
        body["posts"] = int(body.get("posts", "1"))
    exception = {name.removeprefix(EXCEPTION): typed[name] for name in FIELDS if name.startswith(EXCEPTION) and typed[name]}
    body |= {"exception": exception} if exception else {}
    concerned = re.findall(r"[^\s、，,；;]+", typed["concerned"])
    return body | ({"concerned": concerned} if concerned else {})


async def _checks(page: Page, kind: ApplicationType, body: dict[str, Any]) -> list[dict[str, Any]] | Problem:
    told = {name: value for name, value in body.items() if name not in {"title", "justification", "concerned", "exception"}}
    try:
        checks: list[dict[str, Any]] = await page.send("roster", "/application-checks", {"type": kind} | told | _excepted(body))
    except Refused as refusal:
        return refusal.problem
    missing = _missing_of_exception(body)
    return [_unfinished(each, missing) if missing and each["code"] == "not_frozen" else each for each in checks]


def _excepted(body: dict[str, Any]) -> dict[str, Any]:
    """The exception once it is whole; why it is one is judged by nobody but the reviewers."""
    if "exception" not in body or _missing_of_exception(body):
        return {}
    return {"exception": {name: value for name, value in body["exception"].items() if name != "why"}}


def _missing_of_exception(body: dict[str, Any]) -> list[str]:
    """What an exception that somebody began to fill in lacks; of one that nobody began, nothing."""
    return [word for name, word in EXCEPTION_ASKS.items() if name not in body["exception"]] if "exception" in body else []


def _unfinished(check: dict[str, Any], missing: list[str]) -> dict[str, Any]:
    """What stands in place of 已被冻结 while the exception is being typed."""
    frozen = f"单位已被冻结，申报的冻结例外还缺{'、'.join(missing)}。请补填后提交；不属于例外情形的请清空，解冻后办理。"
    return check | {"passed": False, "sentence": "单位没有被冻结，不需要申报冻结例外。请清空后再提交。" if check["passed"] else frozen}


async def _form(
    page: Page,
    kind: ApplicationType,
    typed: Typed,
    *,
    mended: Any = None,
    checks: Any = None,
    error: Problem | None = None,
    given: bool = False,
) -> Response:
    if kind not in ASKED:
        return page.show("not_found.html", 404, problem=None)
    offer = await _offer(page, kind, typed)
    typed = typed | {"unit_id": str(offer.unit["id"])} | ({"person_id": str(offer.change["person_id"])} if offer.change else {})
    if kind is ApplicationType.CHANGE and offer.change is None:
        unchosen = page.text("do") == "next"
        return page.show(
            "apply_person.html", 422 if unchosen else 200, kind=kind, typed=typed, offer=offer, words=WORDS[kind], unchosen=unchosen
        )
    why = words_of_reasons((await page.get("approval", "/codes")).get("return_reasons", ())) if mended else {}
    files = await _laid_before(page, mended["id"]) if mended else None
    begun_at = next((value for name in ("person", "unit") if (value := page.request.query_params.get(name))), "")
    return page.show(
        "apply_form.html",
        error.status if error else 200,
        kind=kind,
        typed=typed,
        offer=offer,
        asks=ASKED[kind],
        grounds=_grounds(kind, typed, offer),
        why=why,
        errors=_errors(error),
        words=WORDS[kind],
        query=page.request.url.query if begun_at else "",
        lost=_are_lost(page, mended),
        checks=checks,
        error=error,
        mended=mended,
        files=files,
        live=False,
        given=given,
        begun_at=begun_at,
    )


async def _laid_before(page: Page, application_id: str) -> dict[str, Any] | None:
    """The files that lie beside it already; None where they cannot be had."""
    found: dict[str, Any] | None = (await page.get_each({"files": ("approval", f"/applications/{application_id}/attachments")}))["files"]
    return found


def _grounds(kind: ApplicationType, typed: Typed, offer: Offer) -> list[tuple[str, str]]:
    """On what an exception may be claimed: of a unit that is frozen, and as long as one is filled in."""
    is_asked = offer.unit["freezes"] or any(typed[name] for name in FIELDS if name.startswith(EXCEPTION))
    return [(each, LABELS[each]) for each in ExceptionGround] if kind in TAKES_POST and is_asked else []


def _are_lost(page: Page, mended: Any) -> bool:
    """Whether files were chosen that a form drawn again cannot hold; with a mended application they went before it."""
    chosen = any(isinstance(file, UploadFile) and file.filename for file in page.form.getlist("file"))
    return chosen and not (mended and page.text("do") == "submit")


def _errors(error: Problem | None) -> dict[str, str]:
    """The service's words by field: what it says of each, and what it misses."""
    if error is None:
        return {}
    if error.code in OF_FIELD:
        return {OF_FIELD[error.code]: error.detail}
    missing = (error.facts or {}).get("fields", "") if error.code == "application_incomplete" else ""
    return dict.fromkeys(filter(None, missing.split(",")), "请填写此项。") | {each.field: each.reason for each in error.fields or ()}


async def _offer(page: Page, kind: ApplicationType, typed: Typed) -> Offer:
    """Units, rows of posts, authorised uses and people to choose from; of a unit the applicant may see."""
    units, codes = await asyncio.gather(_units(page), page.get("roster", "/codes"))
    change = await page.get("roster", f"/changes/{quote(typed['change_id'], safe='')}") if typed["change_id"] else None
    unit_id = (change or {}).get("unit_id") or typed["unit_id"] or _taker(page, units, typed["from_unit_id"])
    unit = await page.get("roster", f"/units/{unit_id}")
    if all(str(each["id"]) != str(unit["id"]) for each in units):  # it stands after those listed
        units.insert(0, unit)
    reservations: list[dict[str, Any]] = []
    if "reservation_id" in ASKED[kind]:
        reservations = (await page.get("roster", f"/units/{unit_id}/reservations"))["items"]
    if change:
        person = await page.get("roster", f"/persons/{change['person_id']}")
        return Offer(units, unit, codes, reservations, [person], more_people=False, change=change)
    of_unit = typed["from_unit_id"] if kind is ApplicationType.TRANSFER else str(unit["id"])
    people, more = await _people(page, kind, of_unit)
    found = await _found(page, kind, str(unit["id"]), typed, {str(each["id"]) for each in units})
    if all(each["person_id"] != typed["person_id"] for each in people):
        people = people + ([found] if found else await _chosen(page, kind, typed["person_id"], of_unit))
    return Offer(units, unit, codes, reservations, people, more, found=found)


async def _units(page: Page) -> list[dict[str, Any]]:
    """By name, as far as anybody chooses from a list."""
    units: list[dict[str, Any]] = []
    after = ""
    while len(units) < LISTED:
        found = await page.get("roster", "/units", fields="id,name", sort="name", limit=200, after=after)
        units += found["items"]
        if not (after := found["next"]):
            break
    return units


def _taker(page: Page, units: list[dict[str, Any]], giver: str) -> str:
    """Which unit applies until another is chosen: one's own; of a transfer another than lets the person go, where there is one."""
    known = [*map(str, page.viewer.unit_ids), *(str(each["id"]) for each in units)]
    return next((each for each in known if each != giver), known[0])


async def _people(page: Page, kind: ApplicationType, unit_id: str) -> tuple[list[dict[str, Any]], bool]:
    if "person_id" not in ASKED[kind] or not unit_id or not page.viewer.may("persons.read"):
        return [], False
    with suppress(Refused, Away):
        on = "off" if kind is ApplicationType.ENTRY else "on"
        found = await page.get("roster", "/persons", unit=unit_id, below="false", on_roster=on, limit=200)
        return found["items"], found["next"] is not None
    return [], False


async def _chosen(page: Page, kind: ApplicationType, person_id: str, unit_id: str) -> list[dict[str, Any]]:
    """Whoever was chosen and stands after those listed: in the unit's posts, or in none for an entry; nobody whom the viewer may not see."""
    if "person_id" not in ASKED[kind] or not person_id or not page.viewer.may("persons.read"):
        return []
    with suppress(Refused, Away):
        found = await page.get("roster", f"/persons/{quote(person_id, safe='')}")
        post = found["placement"]
        is_fit = post is None if kind is ApplicationType.ENTRY else post is not None and str(post["unit_id"]) == unit_id
        return [found] if is_fit else []
    return []


async def _found(page: Page, kind: ApplicationType, unit_id: str, typed: Typed, known: set[str]) -> dict[str, Any] | None:
    """Whom somebody named for this unit, of one that the viewer does not see."""
    giver, person_id = typed["from_unit_id"], typed["person_id"]
    if kind is not ApplicationType.TRANSFER or not giver or not person_id or giver in known or not page.viewer.may("persons.read"):
        return None
    with suppress(Refused, Away):
        path = f"/units/{quote(unit_id, safe='')}/found-persons/{quote(person_id, safe='')}"
        found: dict[str, Any] = await page.get("roster", path, from_unit_id=giver)
        return found
    return None
