"""问题与整改: what the rules found, and the way from its confirmation to 销号. Each action is one form and one request to monitoring."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from starlette.datastructures import FormData

from services.portal.api.analysis import narrowings
from services.portal.api.door import Opened, Page, Receiving
from services.portal.api.passing import AS_FILE, passed_on
from services.portal.api.units import asked_of
from services.portal.models import Field, Problem, Refused
from shared.auth import OFFICE
from shared.clock import business_day
from shared.glossary import LABELS, Addressee, Interviewer, IssueState, Light, Measure

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("lights.read"))]
Officer = Annotated[Page, Depends(Opened("issues.verify"))]
Clerk = Annotated[Page, Depends(Opened("issues.submit_evidence"))]
Bringer = Annotated[Page, Depends(Receiving("issues.submit_evidence"))]
SealOperator = Annotated[Page, Depends(Opened("documents.release"))]
Documents = Annotated[Page, Depends(Opened("documents.read"))]
ASKED = ("q", "state", "rule", "level", "unit", "below", "late", "sort", "after")
ALL = "all"
"""Asked for as a state: also what is settled."""
LEVELS = (Light.RED, Light.YELLOW)


@dataclass(frozen=True)
class Deed:
    """What a form asks for, and the word that says it is done."""

    fields: tuple[str, ...]
    done: str


_OF_A_MEASURE = ("measure", "whom", "led_by", "taken_on")
UNCHOSEN = Problem(
    status=422, code="malformed", title="没有选择文件", detail="请先在“添加附件”中选择文件，再上传。整改情况和其他附件已保留。"
)
DEEDS = {
    "confirmation": Deed(("title", "demand", "budget_days"), "issue_confirmed"),
    "dismissal": Deed(("reason",), "issue_dismissed"),
    "service": Deed(("served_on",), "notice_served"),
    "acceptance": Deed(("document_no", "reason"), "issue_closed"),
    "evidence-return": Deed(("reason",), "evidence_returned"),
    "pause": Deed(("reason",), "term_paused"),
    "resume": Deed(("reason",), "term_resumed"),
    "extension": Deed(("days", "reason"), "term_extended"),
    "extension-refusal": Deed(("reason",), "extension_declined"),
    "measures": Deed((*_OF_A_MEASURE, "document_no", "reason"), "measure_recorded"),
    "recording": Deed((), "recorded_again"),
}
"""What an officer does, by the last part of its address here and in monitoring."""
ASKED_LONGER = Deed(("days", "reason"), "extension_asked")
EVIDENCE, RELEASE = Deed(("description", "document_no"), "evidence_submitted"), Deed(("reason",), "released")
CORRECTION = Deed(("measure_id", "reason", *_OF_A_MEASURE, "document_no", "summary"), "measure_corrected")
FORMS = DEEDS | {"extension-request": ASKED_LONGER, "evidence": EVIDENCE, "notice-release": RELEASE, "correction": CORRECTION}
WORDS = {
    "title": "标题",
    "demand": "整改要求",
    "budget_days": "期限",
    "reason": "理由",
    "served_on": "送达日期",
    "document_no": "文号",
    "days": "延长天数",
    "description": "整改情况",
    "attachments": "附件",
    "measure": "措施",
    "whom": "约谈对象或接收部门",
    "led_by": "约谈人",
    "taken_on": "日期",
    "summary": "情况",
    "measure_id": "更正哪一条",
}
NUMBERS = {"budget_days", "days"}


@router.get("/issues", response_class=Response)
async def issues(page: Reader) -> Response:
    """Those that are open, unless others are asked for; the list alone where htmx asks."""
    asked = asked_of(page, ASKED)
    narrowed = {"open": "true"} if not asked["state"] else {"state": ""} if asked["state"] == ALL else {}
    found = await page.get("monitoring", "/issues", **asked | {"sort": asked["sort"] or "due"} | narrowed)
    if page.is_fragment:
        return page.show("issues_list.html", asked=asked, found=found)
    cards = await page.get_each(
        {
            "board": ("monitoring", "/lights/matrix?limit=1"),
            "parents": ("reporting", "/figures/distribution?group=parent"),
        }
        | ({"unit": ("roster", f"/units/{asked['unit']}")} if asked["unit"] else {})
    )
    rules = [(each["code"], f"{each['code']} {each['title']}") for each in (cards["board"] or {}).get("rules", ())]
    return page.show("issues.html", asked=asked, found=found, rules=rules, units=narrowings(cards), states=list(IssueState), levels=LEVELS)


@router.get("/issues/{issue_id}", response_class=Response)
async def issue(page: Reader, issue_id: UUID) -> Response:
    """One issue: notice, what was found and on what ground, term, evidence, and what the viewer may do now."""
    return await _detail(page, issue_id, wrong=page.request.query_params.get("wrong", ""))


async def _detail(
    page: Page, issue_id: UUID, status: int = 200, typed: dict[str, Any] | None = None, wrong: str = "", **shown: Any
) -> Response:
    found = await page.get("monitoring", f"/issues/{issue_id}")
    people = (
        {each["actor"] for each in found["timeline"]}
        | {each[name] for each in found["measures"] for name in ("recorded_by", "corrected_by") if each[name]}
        | {found["signed_by"], (found["notice"] or {}).get("released_by")}
    )
    beside = {}
    if found["inputs"].get("person_id") and page.viewer.may("persons.read"):
        beside["person"] = ("roster", f"/persons/{found['inputs']['person_id']}")
    cards, names = await asyncio.gather(page.get_each(beside, beyond=False), page.names_of(*people))
    today = business_day(page.request.app.state.clock.now()).isoformat()
    taken_over = _as_recorded(found, wrong)
    shown = {"error": None, "deed": "correction" if taken_over else "", "errors": {}} | shown
    trace_link = page.trace_of(f"rectification:{issue_id}:{found['round']}")
    shown |= {
        "draft": not OFFICE.isdisjoint(page.viewer.roles),
        "typed": _untyped(found, today) | taken_over | (typed or {}),
        "choices": _choices(found),
    }
    return page.show("issue.html", status, found=found, cards=cards, names=names, today=today, trace_link=trace_link, **shown)


def _choices(found: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """What the form of a measure offers."""
    offered = {"measure": map(Measure, found["recordable"]), "whom": iter(Addressee), "led_by": iter(Interviewer)}
    standing = [each for each in found["measures"] if not each["corrected_at"]]
    return {name: [(each.value, LABELS[each]) for each in terms] for name, terms in offered.items()} | {
        "every": [(each.value, LABELS[each]) for each in Measure],
        "measure_id": [(each["id"], f"{each['label']}　{each['taken_on']}　{each['document_no']}") for each in standing],
    }


def _untyped(found: dict[str, Any], today: str) -> dict[str, Any]:
    """What the forms begin with."""
    empty = {f"{deed}-{name}": "" for deed, form in FORMS.items() for name in form.fields}
    ready = [each["id"] for each in found["files"] if not each["handed_in"] and each["round"] == found["round"]]
    title = f"关于限期整改{found['rule_title']}问题的通知"
    said = {
        "measures-measure": next(iter(found["due_measures"]), ""),
        "measures-taken_on": today,
        "acceptance-reason": "整改到位，同意销号。",
        "notice-release-reason": "核对无误。",
        "service-served_on": today,
    }
    asked = found["asked_extension"]
    said |= {"extension-days": asked["days"]} if asked else {}
    return empty | said | {"confirmation-title": title, "evidence-attachments": ready}


def _as_recorded(found: dict[str, Any], wrong: str) -> dict[str, str]:
    """What a measure that stands says, as the form of its correction begins with it."""
    said = next((each for each in found["measures"] if each["id"] == wrong and not each["corrected_at"]), None)
    if said is None:
        return {}
    recorded = {f"correction-{name}": said[name] or "" for name in (*_OF_A_MEASURE, "document_no", "summary")}
    return recorded | {"correction-measure_id": wrong}


def _typed(page: Page, deed: str) -> dict[str, str]:
    """What was typed into the form, by the name of each of its fields."""
    return {f"{deed}-{name}": page.text(f"{deed}-{name}") for name in FORMS[deed].fields}


def _body(deed: str, typed: dict[str, str]) -> dict[str, Any]:
    """What the service is sent: what was filled in."""
    body: dict[str, Any] = {name: typed[f"{deed}-{name}"] for name in FORMS[deed].fields if typed[f"{deed}-{name}"]}
    return body | {name: int(body[name]) for name in NUMBERS & body.keys() if body[name].isdecimal()}


async def _refused(page: Page, issue_id: UUID, deed: str, problem: Problem, typed: dict[str, Any]) -> Response:
    """The page again, with what was typed and the service's words beside the fields and above."""
    said = {each.field.removeprefix("instead.").split(".")[0]: each.reason for each in problem.fields or ()}
    told = problem.model_copy(update={"fields": [Field(field=WORDS.get(name, name), reason=why) for name, why in said.items()] or None})
    errors = {f"{deed}-{name}": why for name, why in said.items()}
    return await _detail(page, issue_id, problem.status, typed, error=told, deed=deed, errors=errors)


async def _sent(page: Page, issue_id: UUID, deed: str, path: str, typed: dict[str, Any], **more: Any) -> Response:
    try:
        await page.send("monitoring", f"/issues/{issue_id}/{path}", _body(deed, typed) | more)
    except Refused as refusal:
        return await _refused(page, issue_id, deed, refusal.problem, typed)
    return page.back(f"/issues/{issue_id}", done=FORMS[deed].done)


@router.get("/issues/{issue_id}/notice", response_class=Response)
async def notice(page: Documents, issue_id: UUID) -> Response:
    """整改通知书 as PDF: the sealed one; before that, for the office, the draft."""
    return await passed_on(page.stream("monitoring", f"/issues/{issue_id}/notice"), AS_FILE)


@router.get("/issues/{issue_id}/evidence-files/{file_id}", response_class=Response)
async def evidence_file(page: Annotated[Page, Depends(Opened("persons.read"))], issue_id: UUID, file_id: UUID) -> Response:
    """A file of the evidence, to be saved."""
    return await passed_on(page.stream("monitoring", f"/issues/{issue_id}/evidence-files/{file_id}"), AS_FILE)


@router.post("/issues/{issue_id}/evidence-files", response_class=Response, max_body_size=2**62)  # monitoring says what is too large
async def bring(page: Bringer, issue_id: UUID) -> Response:
    """Bring a file and go on writing: nothing is handed in yet."""
    unchosen = None if page.request.state.incoming.file_name else UNCHOSEN
    typed, refusal = await _brought(page, issue_id)
    if problem := refusal or unchosen:
        return await _refused(page, issue_id, "evidence", problem, typed)
    return await _detail(page, issue_id, typed=typed, deed="evidence")


@router.post("/issues/{issue_id}/evidence", response_class=Response, max_body_size=2**62)  # monitoring says what is too large
async def hand_in(page: Bringer, issue_id: UUID) -> Response:
    """Bring the file, if there is one, and hand in all that is ticked. What was brought stays, whatever is refused; so does what was typed."""
    typed, refusal = await _brought(page, issue_id)
    if refusal:
        return await _refused(page, issue_id, "evidence", refusal, typed)
    return await _sent(page, issue_id, "evidence", "evidence", typed, attachments=typed["evidence-attachments"])


async def _brought(page: Page, issue_id: UUID) -> tuple[dict[str, Any], Problem | None]:
    """What was typed, with the form's file among what is ticked; or why the file, by its name, is refused."""
    typed: dict[str, Any] = _typed(page, "evidence") | {"evidence-attachments": page.texts("evidence-attachments")}
    name = page.request.state.incoming.file_name
    if not name:
        return typed, None
    try:
        file = await page.send_file("monitoring", f"/issues/{issue_id}/evidence-files")
    except Refused as refusal:
        detail = f"“{name}”：{refusal.problem.detail}整改情况和其他附件已保留。"
        return typed, refusal.problem.model_copy(update={"detail": detail})
    typed["evidence-attachments"].append(file["id"])
    page.form = FormData([*page.form.multi_items(), ("evidence-attachments", str(file["id"]))])  # should the form have to go on later
    page.request.state.incoming.file_name = ""
    return typed, None


@router.post("/issues/{issue_id}/extension-request", response_class=Response)
async def ask_for_longer(page: Clerk, issue_id: UUID) -> Response:
    """申请延期."""
    return await _sent(page, issue_id, "extension-request", "extension-request", _typed(page, "extension-request"))


@router.post("/issues/{issue_id}/notice-release", response_class=Response)
async def release(page: SealOperator, issue_id: UUID) -> Response:
    """用印登记."""
    return await _sent(page, issue_id, "notice-release", "notice/release", _typed(page, "notice-release"))


@router.post("/issues/{issue_id}/correction", response_class=Response)
async def correct(page: Officer, issue_id: UUID) -> Response:
    """Strike out a measure that was recorded wrongly; what is right beside it, unless nothing was done."""
    typed = _typed(page, "correction")
    body = _body("correction", typed)
    wrong, why = quote(body.pop("measure_id", "-"), safe=""), body.pop("reason", "")
    try:
        await page.send("monitoring", f"/issues/{issue_id}/measures/{wrong}/correction", {"reason": why, "instead": body or None})
    except Refused as refusal:
        return await _refused(page, issue_id, "correction", refusal.problem, typed)
    return page.back(f"/issues/{issue_id}", done=FORMS["correction"].done)


@router.post("/issues/{issue_id}/{deed}", response_class=Response)
async def decide(page: Officer, issue_id: UUID, deed: str) -> Response:
    """What an officer does with an issue: one of DEEDS."""
    if deed not in DEEDS:
        return page.show("not_found.html", 404, problem=None)
    return await _sent(page, issue_id, deed, deed, _typed(page, deed))
