"""审批详情 and what may be done there: each action is one form, one request to the service, and a way back to the page."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page, Receiving
from services.portal.api.passing import AS_FILE, passed_on
from services.portal.models import Away, Refused
from shared.problems import TITLES

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("applications.read"))]
Officer = Annotated[Page, Depends(Opened("applications.decide"))]
Applicant = Annotated[Page, Depends(Opened("applications.submit"))]
SealOperator = Annotated[Page, Depends(Opened("documents.release"))]
Director = Annotated[Page, Depends(Opened("documents.revoke"))]


@router.get("/applications/{application_id}", response_class=Response)
async def application(page: Reader, application_id: UUID) -> Response:
    """One application; whoever opens it has read it."""
    answer = await _detail(page, application_id)
    with suppress(Refused, Away):
        await page.send("approval", f"/applications/{application_id}/reading", {})
    return answer


async def _detail(page: Page, application_id: UUID, status: int = 200, **shown: Any) -> Response:
    found, codes = await asyncio.gather(page.get("approval", f"/applications/{application_id}"), page.get("approval", "/codes"))
    beside: dict[str, Any] = {"codes": ("roster", "/codes")}
    about = {"unit": ("roster", f"/units/{found['unit_id']}")}
    if found["from_unit_id"]:
        about["from_unit"] = ("roster", f"/units/{found['from_unit_id']}")
    if page.viewer.may("persons.read"):
        beside["files"] = ("approval", f"/applications/{application_id}/attachments")
    if found["person_id"] and page.viewer.may("persons.read"):
        about["person"] = ("roster", f"/persons/{found['person_id']}")
    if found["from_unit_id"] and "person" in about:
        named = f"/units/{found['unit_id']}/found-persons/{found['person_id']}?from_unit_id={found['from_unit_id']}"
        about["named"] = ("roster", named)
    if found["change_id"] and page.viewer.may("persons.read"):
        beside["change"] = ("roster", f"/changes/{found['change_id']}")
    people = {each[who] for each in found["timeline"] for who in ("actor", "on_behalf_of")} | {
        each["released_by"] for each in found["documents"]
    }
    cards, of_units, names = await asyncio.gather(
        page.get_each(beside), page.get_each(about, beyond=False), page.names_of(found["applicant"], *people)
    )
    cards |= of_units
    shown = {"error": None, "typed": _UNTYPED, "revealed": None, "trace_link": page.trace_of(f"approval:{application_id}")} | shown
    reasons = codes["return_reasons"]
    return page.show(
        "application.html", status, found=found, reasons=reasons, why=words_of_reasons(reasons), cards=cards, names=names, **shown
    )


def words_of_reasons(reasons: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Why something came back, by code: the reasons that people choose, and what the roster refuses with."""
    return TITLES | {each["code"]: each["label"] for each in reasons}


_UNTYPED: dict[str, Any] = {"verdict": "", "opinion": "同意。", "explanation": "", "reason": "", "reason_codes": [], "on_behalf_of": ""}


async def _done(page: Page, application_id: UUID, path: str, body: dict[str, Any], done: str) -> Response:
    """Send it; a refusal is told where the form stands, with what was typed."""
    try:
        await page.send("approval", path, body)
    except Refused as refusal:
        typed = _UNTYPED | {name: page.text(name) for name in _UNTYPED if name in page.form} | {"reason_codes": page.texts("reason_codes")}
        return await _detail(page, application_id, refusal.problem.status, error=refusal.problem, typed=typed)
    return page.back(f"/applications/{application_id}", done=done)


@router.post("/applications/{application_id}/decisions", response_class=Response)
async def decide(page: Officer, application_id: UUID) -> Response:
    """Approve the step, or return the application with all reasons at once."""
    verdict, said = ("return", "explanation") if page.text("verdict") == "return" else ("approve", "opinion")
    body: dict[str, Any] = {"verdict": verdict, "step": page.text("step"), "opinion": page.text(said)}
    body |= {"revision": page.text("revision"), "reason_codes": page.texts("reason_codes") if verdict == "return" else []}
    body |= {"on_behalf_of": page.text("on_behalf_of") or None}
    return await _done(
        page, application_id, f"/applications/{application_id}/decisions", body, "returned" if verdict == "return" else "approved"
    )


@router.post("/applications/{application_id}/change-values", response_class=Response)
async def change_values(page: Annotated[Page, Depends(Opened("persons.reveal"))], application_id: UUID) -> Response:
    """What a 信息变更 shall write, in full, in this answer alone, to be compared with its proof; who asked and why is on record before."""
    found = await page.get("approval", f"/applications/{application_id}")
    if found["change_id"] is None:
        return page.show("not_found.html", 404, problem=None)
    try:
        told = await page.send("roster", f"/changes/{found['change_id']}/reveal", {"reason": page.text("reason")})
    except Refused as refusal:
        return await _detail(page, application_id, refusal.problem.status, error=refusal.problem)
    return await _detail(page, application_id, revealed=told["values"])


@router.post("/applications/{application_id}/withdrawal", response_class=Response)
async def withdraw(page: Applicant, application_id: UUID) -> Response:
    """Take it back, with the reason."""
    return await _done(page, application_id, f"/applications/{application_id}/withdrawal", {"reason": page.text("reason")}, "withdrawn")


@router.post("/applications/{application_id}/urging", response_class=Response)
async def urge(page: Applicant, application_id: UUID) -> Response:
    """催办."""
    return await _done(page, application_id, f"/applications/{application_id}/urging", {}, "urged")


@router.post("/applications/{application_id}/recording", response_class=Response)
async def record_again(page: Officer, application_id: UUID) -> Response:
    """It stands still because a line could not be recorded: try that again."""
    return await _done(page, application_id, f"/applications/{application_id}/recording", {}, "recorded_again")


@router.post("/applications/{application_id}/documents/{document_id}/release", response_class=Response)
async def release(page: SealOperator, application_id: UUID, document_id: UUID) -> Response:
    """用印登记."""
    return await _done(page, application_id, f"/documents/{document_id}/release", {"reason": page.text("reason")}, "released")


@router.post("/applications/{application_id}/documents/{document_id}/revocation", response_class=Response)
async def revoke(page: Director, application_id: UUID, document_id: UUID) -> Response:
    """Decide that a filed notice no longer holds; the one that says so is released and sealed like any other."""
    return await _done(page, application_id, f"/documents/{document_id}/revocation", {"reason": page.text("reason")}, "revoked")


@router.post("/applications/{application_id}/attachments", response_class=Response)
async def bring(page: Annotated[Page, Depends(Receiving("applications.submit"))], application_id: UUID) -> Response:
    """Lay a file beside it."""
    try:
        await page.send_file("approval", f"/applications/{application_id}/attachments")
    except Refused as refusal:
        return await _detail(page, application_id, refusal.problem.status, error=refusal.problem)
    return page.back(f"/applications/{application_id}", done="file_brought")


@router.get("/applications/{application_id}/attachments/{attachment_id}", response_class=Response)
async def attachment(page: Annotated[Page, Depends(Opened("persons.read"))], application_id: UUID, attachment_id: UUID) -> Response:
    """To be saved: nothing of it is shown by us."""
    return await passed_on(page.stream("approval", f"/applications/{application_id}/attachments/{attachment_id}/file"), AS_FILE)


@router.get("/documents/{document_id}/file", response_class=Response)
async def document(page: Annotated[Page, Depends(Opened("documents.read"))], document_id: UUID) -> Response:
    """The PDF, as the service gives it: checked against its hash there."""
    return await passed_on(page.stream("approval", f"/documents/{document_id}/file"), AS_FILE)
