"""Comparisons with the upper level's 实名制 register, and the differences found: brought, watched, answered by units, decided by the office."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from services.roster.api.door import Door, InDoor, Write
from services.roster.api.uploads import file_of, form_of, held_for
from services.roster.commands import comparisons as commands
from services.roster.commands.brought import COMPARED
from services.roster.models.comparisons import (
    UNDER_WAY,
    AnswerDifference,
    ComparisonNotWhole,
    MoveDifference,
    OfComparison,
    ReceiveComparison,
    SeeDifference,
)
from services.roster.models.imports import UploadMalformed
from services.roster.queries import comparisons as queries
from services.roster.queries import units as unit_queries
from services.roster.queries.comparison_facts import OwnLeads, latest_format, latest_leads
from services.roster.queries.comparisons import ComparisonView, DifferenceInFull, DifferenceView, StepView, Wanted
from services.roster.queries.exports import EXPORTS
from services.roster.rules.comparisons import MOVES, may_be_answered
from shared.auth import Permit, Who
from shared.errors import DomainError
from shared.events.envelope import uuid7
from shared.glossary import DifferenceKind, DifferenceState, LeadingSide
from shared.http import IdempotencyKey, files
from shared.pages import Limit
from shared.progress import EVENTS, LastEventId, Progress, watched
from shared.reasons import Reason
from shared.sheets.reading import Wanted as WantedSheets
from shared.sheets.reading import ensure_readable

router = APIRouter()
Maintainer = Annotated[Who, Depends(Permit("roster.maintain"))]
Corrector = Annotated[Who, Depends(Permit("roster.correct"))]
Reader = Annotated[Who, Depends(Permit("persons.read"))]
Answerer = Annotated[Who, Depends(Permit("persons.update"))]
Revealer = Annotated[Who, Depends(Permit("persons.reveal"))]
_FILE = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}, "unit": {"type": "string"}, "whole": {"type": "boolean"}},
}
_FORM = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FILE}}}}


class RunId(BaseModel):
    """The new comparison."""

    run_id: UUID


class ComparisonPage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[ComparisonView]
    next: UUID | None


class DifferencePage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[DifferenceView]
    next: UUID | None


class DifferenceDetail(DifferenceView):
    """With its history, and what the caller may do now: where he may move it, whether he may answer, and take over what is theirs."""

    steps: list[StepView]
    moves: list[DifferenceState]
    may_answer: bool
    may_accept: bool


class DifferenceMoveBody(Write):
    """Where the office moves it; `side`: which register is right, where the setting asks for it or an officer says otherwise."""

    to: DifferenceState
    side: Literal[LeadingSide.OURS, LeadingSide.THEIRS] | None = None


class SeeBody(Write):
    """Why somebody needs the values in full."""

    reason: Reason


@router.post("/comparisons", status_code=202, openapi_extra=_FORM, max_body_size=2**62)  # judged by the form, which can say so
async def receive_comparison(request: Request, who: Maintainer, idempotency_key: IdempotencyKey, door: InDoor) -> RunId:
    """Bring a file of the upper level's register (national format) and have it compared. Nothing of the roster is written."""
    form = await form_of(request)
    file, run_id, format_ = await file_of(form), uuid7(), latest_format()
    own: OwnLeads | None = request.app.state.leads
    root_id = await _root(door, who, form.get("unit"))
    what = ReceiveComparison(
        run_id=run_id,
        file_name=file.name,
        file_bytes=len(file.content),
        file_hash=file.digest,
        root_id=root_id,
        whole=form.get("whole") == "true",
        format=format_.version,
        leads=(own.setting if own else latest_leads()).version,
        leads_text=own.text if own else None,
        pieces=lambda: COMPARED.sealed(door.cipher, run_id, memoryview(file.content)),
    )
    async with held_for(request, file.content) as place:
        await ensure_readable(place, file.name, WantedSheets([each.title for each in format_.sheets], format_.sheets[-1].title))
    by = door.by(who, idempotency_key, Write(reason="上传上级实名制数据作比对"))
    return RunId(run_id=await commands.receive_comparison(door.database, by, what))


async def _root(door: Door, who: Who, unit: object) -> UUID | None:
    """The subtree that the file covers: one that the caller sees; none only for who sees all. Raises ComparisonNotWhole, UnitUnknown."""
    if not unit:
        if who.units is not None:
            raise ComparisonNotWhole
        return None
    try:
        root_id = UUID(str(unit))
    except ValueError:
        raise UploadMalformed from None
    async with door.database.reading() as conn:
        await unit_queries.ensure_visible(conn, root_id, who)
    return root_id


@router.get("/comparisons")
async def list_comparisons(who: Maintainer, door: InDoor, before: UUID | None = None, limit: Limit = 50) -> ComparisonPage:
    """The latest first."""
    async with door.database.reading() as conn:
        items = await queries.comparisons(conn, who, before, limit)
    return ComparisonPage(items=items, next=items[-1].id if len(items) == limit else None)


@router.get("/comparisons/{run_id}")
async def read_comparison(run_id: UUID, who: Maintainer, door: InDoor) -> ComparisonView:
    """Where it stands, how many rows there were, what became of the differences, and which rows could not be compared."""
    async with door.database.reading() as conn:
        return await queries.comparison_view(conn, run_id, who)


@router.get("/comparisons/{run_id}/progress", response_class=Response, responses=files(EVENTS))
async def watch_comparison(run_id: UUID, who: Maintainer, door: InDoor, last_event_id: LastEventId = 0) -> Response:
    """How far it is, as server-sent events, until it rests."""

    async def look() -> Progress:
        view = await read_comparison(run_id, who, door)
        return Progress(view.step, view, rests=view.state not in UNDER_WAY)

    return await watched(look, last_event_id)


@router.post("/comparisons/{run_id}/cancel", status_code=202)
async def cancel_comparison(run_id: UUID, body: Write, who: Maintainer, idempotency_key: IdempotencyKey, door: InDoor) -> ComparisonView:
    """Stop it; no difference is touched."""
    await read_comparison(run_id, who, door)
    await commands.cancel_comparison(door.database, door.by(who, idempotency_key, body), OfComparison(run_id=run_id))
    return await read_comparison(run_id, who, door)


@router.get("/differences")
async def list_differences(
    who: Reader,
    door: InDoor,
    run: UUID | None = None,
    state: DifferenceState | None = None,
    open_only: bool = False,
    kind: DifferenceKind | None = None,
    leads: LeadingSide | None = None,
    sheet: str | None = None,
    field: str | None = None,
    unit: UUID | None = None,
    person: UUID | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> DifferencePage:
    """Differences of the caller's units; with `leads=ours` the list to hand up, with `leads=theirs` what to take over, with `ask` what waits for a decision."""
    wanted = Wanted(run, state, open_only, kind, leads, sheet, field, unit, person)
    async with door.database.reading() as conn:
        items = await queries.differences(conn, door.cipher, who, wanted, after, limit)
        await EXPORTS.ensure_known(conn, "differences", wanted.__dict__, items)
    return DifferencePage(items=items, next=items[-1].id if len(items) == limit else None)


@router.get("/differences/{difference_id}")
async def read_difference(difference_id: UUID, who: Reader, door: InDoor) -> DifferenceDetail:
    """One difference with its history."""
    async with door.database.reading() as conn:
        view = await queries.difference(conn, door.cipher, difference_id, who)
        steps = await queries.steps(conn, difference_id)
        taken = who.may("roster.correct") and _may_be_taken_over(view, await queries.standing_of(conn, door.cipher, difference_id))
    moves = list(MOVES[view.state]) if who.may("roster.correct") else []
    answered = who.may("persons.update") and may_be_answered(view.state)
    return DifferenceDetail(**view.model_dump(), steps=steps, moves=moves, may_answer=answered, may_accept=taken)


@router.post("/differences/{difference_id}/answer")
async def answer_difference(difference_id: UUID, body: Write, who: Answerer, key: IdempotencyKey, door: InDoor) -> DifferenceDetail:
    """单位反馈: the reason is the answer."""
    await _ensure_seen(door, difference_id, who)
    await commands.answer_difference(door.database, door.by(who, key, body), AnswerDifference(difference_id=difference_id))
    return await read_difference(difference_id, who, door)


@router.post("/differences/{difference_id}/move")
async def move_difference(
    difference_id: UUID, body: DifferenceMoveBody, who: Corrector, key: IdempotencyKey, door: InDoor
) -> DifferenceDetail:
    """The office moves it on, and says which register is right."""
    await _ensure_seen(door, difference_id, who)
    what = MoveDifference(difference_id=difference_id, to=body.to, side=body.side)
    await commands.move_difference(door.database, door.by(who, key, body), what)
    return await read_difference(difference_id, who, door)


@router.post("/differences/{difference_id}/accept")
async def accept_theirs(difference_id: UUID, body: Write, who: Corrector, key: IdempotencyKey, door: InDoor) -> DifferenceDetail:
    """Take over what the upper level's register says, where it is right; a key item (★) is registered for its 信息变更 (`change_id`)."""
    await _ensure_seen(door, difference_id, who)
    await commands.accept_theirs(door.database, door.cipher, door.by(who, key, body), difference_id)
    return await read_difference(difference_id, who, door)


@router.post("/differences/{difference_id}/reveal")
async def reveal_difference(difference_id: UUID, body: SeeBody, who: Revealer, key: IdempotencyKey, door: InDoor) -> DifferenceInFull:
    """The sensitive values in full; who asked and why is written down first."""
    view = await _ensure_seen(door, difference_id, who)
    what = SeeDifference(difference_id=difference_id, reason=body.reason)
    await commands.record_seen(door.database, door.by_each_time(who, key, body), what, view.person_id)
    async with door.database.reading() as conn:
        return await queries.in_full(conn, door.cipher, difference_id)


def _may_be_taken_over(view: DifferenceView, standing: queries.Standing) -> bool:
    """Whether accepting does something now: it is neither refused nor done."""
    try:
        commands.taken_over(standing)
    except DomainError:
        return False
    return view.change_id is None and view.state is not DifferenceState.RECTIFIED


async def _ensure_seen(door: Door, difference_id: UUID, who: Who) -> DifferenceView:
    async with door.database.reading() as conn:
        return await queries.difference(conn, door.cipher, difference_id, who)
