"""Applications: submitting is a command; a person's decision goes to the running case and is answered at once."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.approval import rules
from services.approval.api.door import BEGINNING, decider, moment, tell
from services.approval.commands import applications as commands
from services.approval.models.facts import Detail, Line, Submitted
from services.approval.models.refusals import ReasonUnknown
from services.approval.models.requests import SubmitApplication
from services.approval.queries import applications as queries
from services.approval.queries.previews import Desk
from shared import temporal
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.door import Db, Write, by_of
from shared.glossary import ApplicationState, ApplicationType, ExceptionGround
from shared.http import IdempotencyKey
from shared.pages import Day, Limit
from shared.unit_copies import unit_copy
from workflows import approval_messages as messages
from workflows.approval_messages import Answer, Content
from workflows.approval_steps import Decision
from workflows.journal import RECORD_AGAIN
from workflows.roster import untold

router = APIRouter()
Reader = Annotated[Who, Depends(Permit("applications.read"))]
Applicant = Annotated[Who, Depends(Permit("applications.submit"))]
Officer = Annotated[Who, Depends(Permit("applications.decide"))]
Login = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=60)]


def _nobody(names: tuple[str, ...]) -> bool:
    return not names


class AskedException(BaseModel):
    """On what the application shall go on although the unit is frozen; to which orders, the service knows."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    ground: ExceptionGround
    document_no: str = Field(min_length=1, max_length=80)
    why: str = Field(min_length=1, max_length=500)


class Asked(Write):
    """What an application asks for; `concerned` are the login names of the persons it is about, who may not decide it."""

    unit_id: UUID
    kind: str = Field("", max_length=40)
    funding: str = Field("", max_length=40)
    posts: int = Field(1, ge=1, le=1000)
    person_id: UUID | None = None
    reservation_id: UUID | None = None
    from_unit_id: UUID | None = None
    reason_code: str | None = Field(None, max_length=60)
    effective_on: Day | None = None
    change_id: UUID | None = Field(None, description="信息变更: what was registered in the roster.")
    off_post_kind: str | None = Field(None, max_length=60, exclude_if=untold)
    employment_form: str | None = Field(None, max_length=60, exclude_if=untold)
    exception: AskedException | None = Field(None, exclude_if=untold)
    title: str = Field(min_length=1, max_length=200)
    justification: str = Field(min_length=1, max_length=5000)
    concerned: tuple[Login, ...] = Field((), max_length=20, exclude_if=_nobody)

    def content(self) -> Content:
        return Content.model_validate(self.model_dump(include=set(Content.model_fields)))


class NewApplication(Asked):
    """A new application."""

    type: ApplicationType


class Mended(Asked):
    """The whole application again, with the revision that was returned, or that a freeze pauses and an exception shall let go on."""

    revision: int = Field(ge=1)


class NewDecision(Write):
    """A decision on the step and revision the decider has read. A return lists all its reasons at once (一次性告知)."""

    verdict: Literal["approve", "return"]
    revision: int = Field(ge=1)
    step: str = Field(max_length=60)
    opinion: str = Field("", max_length=2000)
    reason_codes: tuple[Annotated[str, Field(max_length=60)], ...] = Field((), max_length=30)
    on_behalf_of: str | None = Field(None, max_length=60, description="The absent colleague in whose stead this is decided.")


class NewWithdrawal(Write):
    """Why it is taken back."""

    reason: str = Field(min_length=1, max_length=500)


@dataclass(frozen=True)
class Page:
    """A page of applications; `next` is the cursor of the page after."""

    items: list[Line]
    next: UUID | None


@router.post("/applications", status_code=201)
async def submit_application(
    request: Request, who: Applicant, database: Db, idempotency_key: IdempotencyKey, body: NewApplication
) -> Submitted:
    """Submit an application of one's own unit; its checks follow as advice."""
    async with database.reading() as conn:
        await unit_copy(conn, body.unit_id, who)
        await queries.ensure_known(conn, body.concerned)
    rules.ensure_complete(body.type, body.content())
    parties = await _parties(request, who, body)
    await _ensure_cause(request, body.type, body.content())
    what = SubmitApplication(
        type=body.type,
        content=body.content(),
        title=body.title,
        justification=body.justification,
        concerned=parties,
        off_establishment=await _is_off_establishment(request, body),
        **moment(request),
    )
    return await commands.submit_application(database, by_of(request, who, idempotency_key, body), what)


async def _parties(request: Request, who: Who, body: Asked) -> tuple[str, ...]:
    """Who may not decide it beside its applicant: whom it is about, and who registered the change that it carries (nobody decides his own case).
    Whoever is named in it, the applicant has to see. Raises what `Desk.ensure_seen` and `Desk.registrar` raise.
    """
    desk: Desk = request.app.state.desk
    content, token = body.content(), request.headers["authorization"]
    await desk.ensure_seen(content, token)
    registrar = await desk.registrar(content, token)
    return tuple(dict.fromkeys((*body.concerned, *([registrar] if registrar and registrar != who.name else ()))))


async def _ensure_cause(request: Request, application_type: ApplicationType, content: Content) -> None:
    """Before anybody approves: its effect would refuse it. Raises CauseUnknown, CauseUnfit, Unavailable."""
    desk: Desk = request.app.state.desk
    table = rules.REASONS.get(application_type)
    if table and content.reason_code:
        rules.ensure_cause(application_type, content.reason_code, await desk.roster.reasons(table, content.effective_on))


async def _is_off_establishment(request: Request, body: Asked) -> bool | None:
    desk: Desk = request.app.state.desk
    return await desk.roster.is_off_establishment(body.kind)


@router.get("/applications")
async def list_applications(
    who: Reader,
    database: Db,
    state: ApplicationState | None = None,
    unit: UUID | None = None,
    blocked_by: UUID | None = None,
    excepted_from: UUID | None = None,
    after: UUID = BEGINNING,
    limit: Limit = 50,
) -> Page:
    """Applications in one's scope, oldest first, each with who has to act now and until when. `blocked_by`: those a freeze order holds up;
    `excepted_from`: those that ask for an exception to it.
    """
    async with database.reading() as conn:
        found = await queries.applications(conn, who, queries.Narrowed(state, unit, blocked_by, excepted_from), after, limit + 1)
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


@router.get("/applications/{application_id}")
async def show_application(request: Request, application_id: UUID, who: Reader, database: Db) -> Detail:
    """One application: where it stands, who holds it, its checks, its deadline with certificate, its timeline and its documents."""
    async with database.reading() as conn:
        return await queries.application(conn, application_id, who, request.app.state.clock.now())


@router.post("/applications/{application_id}/decisions")
async def decide(
    request: Request, application_id: UUID, who: Officer, database: Db, idempotency_key: IdempotencyKey, body: NewDecision
) -> Answer:
    """Approve the step that waits, or return the application."""
    async with database.reading() as conn:
        unknown = await queries.unknown_reasons(conn, body.reason_codes, business_day(request.app.state.clock.now()))
    if unknown:
        raise ReasonUnknown(reason=unknown[0])
    fields = body.model_dump(exclude={"reason", "document_no", "on_behalf_of"})
    decision = Decision(by=decider(who, body, body.on_behalf_of), **fields)
    return await tell(request, application_id, who, idempotency_key, "decide", decision)


@router.post("/applications/{application_id}/recording")
async def record_again(request: Request, application_id: UUID, who: Officer, database: Db, idempotency_key: IdempotencyKey) -> Detail:
    """The case stands still because a line could not be recorded, and the cause was mended: try the line again."""
    async with database.reading() as conn:
        await queries.ensure_in_hand(conn, application_id, who)
        case = await queries.case_of(conn, application_id)
    await temporal.decide(request.app.state.temporal, case, RECORD_AGAIN, None, temporal.update_id(who.name, idempotency_key))
    async with database.reading() as conn:
        return await queries.application(conn, application_id, who, request.app.state.clock.now())


@router.post("/applications/{application_id}/resubmission")
async def resubmit(
    request: Request, application_id: UUID, who: Applicant, database: Db, idempotency_key: IdempotencyKey, body: Mended
) -> Answer:
    """Submit the mended application, or claim an exception to the freeze that pauses it; the chain starts again."""
    content = body.content()
    async with database.reading() as conn:
        application_type = await queries.ensure_in_hand(conn, application_id, who)
        await queries.ensure_known(conn, body.concerned)
        before = await queries.pinned(conn, application_id)
    rules.ensure_same_units(before.content, content)
    rules.ensure_complete(application_type, content)
    parties = await _parties(request, who, body)
    await _ensure_cause(request, application_type, content)
    off_establishment = await _is_off_establishment(request, body)
    rules.ensure_same_side(before.off_establishment, off_establishment)
    async with database.reading() as conn:
        stopping = rules.stopped_by(application_type, off_establishment=off_establishment)
        content = rules.under(content, await queries.freezes_in_force(conn, content.unit_id, stopping))
    mended = messages.Resubmission(
        by=decider(who, body),
        revision=body.revision,
        content=content,
        title=body.title,
        justification=body.justification,
        off_establishment=off_establishment,
        concerned=parties or None,
    )
    return await tell(request, application_id, who, idempotency_key, "resubmit", mended)


@router.post("/applications/{application_id}/withdrawal")
async def withdraw(request: Request, application_id: UUID, who: Applicant, idempotency_key: IdempotencyKey, body: NewWithdrawal) -> Answer:
    """Take the application back, as long as its effect was not asked for."""
    withdrawal = messages.Withdrawal(by=decider(who, body), reason=body.reason)
    return await tell(request, application_id, who, idempotency_key, "withdraw", withdrawal)


@router.post("/applications/{application_id}/urging")
async def urge(request: Request, application_id: UUID, who: Applicant, idempotency_key: IdempotencyKey, body: Write) -> Answer:
    """Ask the holder to hurry (催办), once a day."""
    return await tell(request, application_id, who, idempotency_key, "urge", messages.Urging(by=decider(who, body)))
