"""What is open to everybody: 核验 of a sealed document, the statement on accessibility, how the services are called and what they tell."""

import asyncio
import hashlib
from contextlib import suppress
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from services.portal.api.door import Viewer, drawn, session_of
from services.portal.api.incoming import Incoming, incoming_of
from services.portal.models import Away, Problem, Refused, SessionEnded
from services.portal.rules import described
from shared.auth import PERMISSIONS
from shared.guard import TooMany
from shared.http import BODY_LIMIT
from shared.verification import NotOurs

router = APIRouter()
ISSUERS = ("approval", "monitoring")
Part = Literal["identity", "roster", "approval", "monitoring", "reporting", "events"]
LEAST = 4


@router.get("/verify", response_class=Response)
async def verify(request: Request, no: str = "") -> Response:
    """The form; a document may bring its number."""
    return await _public(request, "verify.html", number=no[:80], verdict="", found=None, error=None)


@router.post("/verify", response_class=Response, max_body_size=2**62)  # measured as it is read, so that the page can say so
async def judge(request: Request) -> Response:
    """By file, by number, or by both: what is ours, what was altered, what no longer holds. The file is hashed as it comes and kept nowhere."""
    if (wait := _too_many(request)) is not None:
        return wait
    form = await incoming_of(request)
    number, digest = str(form.fields.get("document_no", "")).strip()[:80], await _digest(form)
    if not digest and len(number) < LEAST:
        problem = Problem(
            status=422, code="nothing_asked", title="没有可核验的内容", detail="请选择文书的电子文件，或填写文号（至少四个字）。"
        )
        return await _public(request, "verify.html", 422, number=number, verdict="", found=None, error=problem)
    try:
        verdict, found = await _verdict(request, number, digest)
    except Refused as refusal:
        return await _public(request, "verify.html", refusal.problem.status, number=number, verdict="", found=None, error=refusal.problem)
    return await _public(request, "verify.html", number=number, verdict=verdict, found=found, error=None)


async def _digest(form: Incoming) -> str:
    if not form.file_name:
        return ""
    digest, size = hashlib.sha256(), 0
    async for piece in form.file():
        digest.update(piece)
        size += len(piece)
        if size > BODY_LIMIT:
            raise HTTPException(413)
    return digest.hexdigest()


async def _verdict(request: Request, number: str, digest: str) -> tuple[str, dict[str, Any] | None]:
    """`valid`, `revoked`, `altered` (the number is ours, the file is not), `other` (file and number are of two documents), `unknown`, `unsure`."""
    by_file, all_answered = await _proven(request, {"sha256": digest}) if digest else (None, True)
    by_number, all_told = await _proven(request, {"document_no": number}) if len(number) >= LEAST else (None, True)
    if digest and by_file is None and not all_answered:  # a number that is ours says nothing of this file
        return "unsure", None
    if digest and by_file is None and by_number is not None:
        return "altered", by_number
    found = by_file or by_number
    if by_file and len(number) >= LEAST and by_file["document_no"] != number:
        return "other", found
    if found:
        return ("revoked" if found["revoked_by"] else "valid"), found
    return ("unknown" if all_answered and all_told else "unsure"), None


async def _proven(request: Request, asked: dict[str, str]) -> tuple[dict[str, Any] | None, bool]:
    """What one of the issuers says, and whether both could be asked. Raises Refused for anything but an unknown document."""
    answers = await asyncio.gather(*(_asked(request, each, asked) for each in ISSUERS))
    found = [answer for answer in answers if isinstance(answer, dict)]
    return (found[0] if found else None), all(not isinstance(answer, Away) for answer in answers)


async def _asked(request: Request, service: str, body: dict[str, str]) -> dict[str, Any] | Away | None:
    try:
        found: dict[str, Any] = (await request.app.state.services.ask("POST", service, "/verifications", {}, json=body)).json()
    except Refused as refusal:
        if refusal.problem.code == NotOurs.code:
            return None
        raise
    except Away as away:
        return away
    return found


@router.get("/accessibility", response_class=Response)
async def accessibility(request: Request) -> Response:
    """无障碍声明."""
    return await _public(request, "accessibility.html")


@router.get("/api-docs", response_class=Response)
async def documentation(request: Request) -> Response:
    """How the services are called."""
    return await _public(request, "api_docs.html")


@router.get("/api-docs/{part}.json", response_class=Response)
async def document(request: Request, part: Part) -> Response:
    """A service's OpenAPI, or the AsyncAPI of all events, as they are."""
    if (wait := _too_many(request)) is not None:
        return wait
    answer = await request.app.state.services.ask("GET", *_described_at(part), {})
    return Response(answer.content, media_type="application/json")


@router.get("/api-docs/{part}", response_class=Response)
async def described_part(request: Request, part: Part) -> Response:
    """The same to be read."""
    if (wait := _too_many(request)) is not None:
        return wait
    found = (await request.app.state.services.ask("GET", *_described_at(part), {})).json()
    if part == "events":
        return await _public(request, "api_docs_events.html", channels=described.events(found), about=found["info"]["description"])
    return await _public(request, "api_docs_routes.html", part=part, groups=described.routes(found, PERMISSIONS))


def _described_at(part: str) -> tuple[str, str]:
    return ("roster", "/asyncapi.json") if part == "events" else (part, "/openapi.json")


def _too_many(request: Request) -> Response | None:
    """One address asks no more than the portal allows anybody who is not signed in."""
    try:
        request.app.state.rates.take(request.client.host if request.client else "")
    except TooMany as refusal:
        problem = Problem(status=429, code=refusal.code, title="请求过于频繁", detail=str(refusal))
        answer = drawn(request, "problem.html", 429, problem=problem)
        answer.headers["Retry-After"] = str(refusal.facts["wait"])
        return answer
    return None


async def _public(request: Request, template: str, status: int = 200, **shown: Any) -> Response:
    """For everybody; whoever is signed in keeps his navigation."""
    viewer = None
    with suppress(SessionEnded, Away, Refused):
        viewer = Viewer(await session_of(request))
    return drawn(request, template, status, viewer=viewer, **shown)
