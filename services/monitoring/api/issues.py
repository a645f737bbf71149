"""Issues and what officers and units decide about them. A decision goes as an update to the case's workflow and is answered at once."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from services.monitoring.api.asked import Asked, Asking, Body, decide_case, evidence
from services.monitoring.models.facts import Issue
from services.monitoring.models.issues import IssuePage, Page
from services.monitoring.models.refusals import NoticeNotDrawable
from services.monitoring.queries import issues as queries
from services.monitoring.queries.evidence import ensure_not_own
from services.monitoring.queries.exports import EXPORTS
from services.monitoring.queries.issues import Wanted
from services.monitoring.queries.notices import ensure_may_be_served, unsigned_words
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.db import Connection
from shared.documents import MissingGlyphs
from shared.http import IdempotencyKey
from shared.pages import asked as asked_for
from shared.pages import described
from shared.temporal import update_id
from workflows.journal import RECORD_AGAIN
from workflows.rectification_case import OVER
from workflows.rectification_orders import (
    Acceptance,
    Confirmation,
    Dismissal,
    ExtensionOrder,
    ExtensionRefusal,
    ExtensionRequest,
    Order,
    Pause,
    Resumption,
    Return,
    Service,
)

router = APIRouter(prefix="/issues", tags=["issues"])
Reader = Annotated[Who, Depends(Permit("lights.read"))]
Officer = Annotated[Who, Depends(Permit("issues.verify"))]
Clerk = Annotated[Who, Depends(Permit("issues.submit_evidence"))]
Ensure = Callable[[Connection, Issue], Awaitable[None]]


class ConfirmationBody(Body):
    """整改通知书."""

    title: str = Field(min_length=1, max_length=200)
    demand: str = Field(min_length=1, max_length=4000)
    budget_days: int | None = Field(None, ge=1, le=250, description="Working days; by default the rule's own.")


class ReasonBody(Body):
    """A decision that needs its reason."""

    reason: str = Field(min_length=1, max_length=1000)


class ServiceBody(Body):
    """送达."""

    served_on: date


class AcceptanceBody(Body):
    """验收销号."""

    document_no: str = Field(min_length=1, max_length=200)


class ExtensionBody(ReasonBody):
    """延期."""

    days: int = Field(ge=1, le=250)


@router.get("", openapi_extra=described(Wanted))
async def get_issues(asked: Asking, who: Reader, wanted: Annotated[Wanted, Depends(asked_for(Wanted))]) -> Page:
    """Issues in the caller's scope."""
    async with asked.database.reading() as conn:
        found = await queries.issues(conn, who, wanted, asked.clock.now(), asked.cipher)
        await EXPORTS.ensure_known(conn, "issues", wanted.__dict__, found.items)
        return found


@router.get("/{issue_id}")
async def get_issue(asked: Asking, who: Reader, issue_id: UUID) -> IssuePage:
    """One issue: facts, deadline certificate, rungs, timeline."""
    async with asked.database.reading() as conn:
        return await queries.issue(conn, who, issue_id, asked.clock.now())


async def decided(asked: Asked, who: Who, issue_id: UUID, update: str, order: Order, ensure: Ensure | None = None) -> IssuePage:
    """Send an order to the issue's case and answer with the issue as it stands then; a repeat of a recorded one is answered from the record.

    `ensure` refuses what the case cannot judge.
    """
    async with asked.database.reading() as conn:
        if await queries.is_recorded(conn, issue_id, order):
            return await queries.issue(conn, who, issue_id, asked.clock.now())
        found, case = await queries.issue_for_decision(conn, who, issue_id)
        if ensure is not None:
            await ensure(conn, found)
    await decide_case(asked.temporal, case, update, order, order.evidence.update_id, over=found.state in OVER)
    async with asked.database.reading() as conn:
        return await queries.issue(conn, who, issue_id, asked.clock.now())


@router.post("/{issue_id}/confirmation")
async def post_confirmation(
    request: Request, asked: Asking, who: Officer, issue_id: UUID, body: ConfirmationBody, idempotency_key: IdempotencyKey
) -> IssuePage:
    """Confirm the finding and sign the 整改通知书; it receives its number. Refused when the notice cannot be drawn."""
    signed = evidence(who, "issues.verify", idempotency_key, body)
    order = Confirmation(evidence=signed, title=body.title, demand=body.demand, budget_days=body.budget_days)

    async def ensure(conn: Connection, found: Issue) -> None:
        try:
            request.app.state.renderer.ensure_drawable(await unsigned_words(conn, found, body.title, body.demand))
        except MissingGlyphs as error:
            raise NoticeNotDrawable(characters=error.code_points) from error

    return await decided(asked, who, issue_id, "confirm", order, ensure)


@router.post("/{issue_id}/recording")
async def post_recording(asked: Asking, who: Officer, issue_id: UUID, idempotency_key: IdempotencyKey) -> IssuePage:
    """The case stands still because a line could not be recorded, and the cause was mended: try the line again."""
    async with asked.database.reading() as conn:
        found, case = await queries.issue_for_decision(conn, who, issue_id)
    await decide_case(asked.temporal, case, RECORD_AGAIN, None, update_id(who.name, idempotency_key), over=found.state in OVER)
    async with asked.database.reading() as conn:
        return await queries.issue(conn, who, issue_id, asked.clock.now())


@router.post("/{issue_id}/dismissal")
async def post_dismissal(asked: Asking, who: Officer, issue_id: UUID, body: ReasonBody, idempotency_key: IdempotencyKey) -> IssuePage:
    """The finding does not hold."""
    return await decided(asked, who, issue_id, "dismiss", Dismissal(evidence=evidence(who, "issues.verify", idempotency_key, body)))


@router.post("/{issue_id}/service")
async def post_service(asked: Asking, who: Officer, issue_id: UUID, body: ServiceBody, idempotency_key: IdempotencyKey) -> IssuePage:
    """The notice was served: the deadline starts. Where the policy says so, it must be sealed before."""
    today = business_day(asked.clock.now())
    calendar = asked.surroundings.calendar.since(min(body.served_on, today))
    signed = evidence(who, "issues.verify", idempotency_key, body)
    order = Service(evidence=signed, served_on=body.served_on, calendar=calendar)

    async def ensure(conn: Connection, found: Issue) -> None:
        await ensure_may_be_served(conn, found, body.served_on, today)

    return await decided(asked, who, issue_id, "serve", order, ensure)


@router.post("/{issue_id}/acceptance")
async def post_acceptance(asked: Asking, who: Officer, issue_id: UUID, body: AcceptanceBody, idempotency_key: IdempotencyKey) -> IssuePage:
    """The evidence is accepted: the issue is struck off. Refused while the rule still finds it."""
    order = Acceptance(evidence=evidence(who, "issues.verify", idempotency_key, body))

    async def ensure(conn: Connection, found: Issue) -> None:
        await ensure_not_own(conn, found, who.name)
        await queries.ensure_gone(conn, found)

    return await decided(asked, who, issue_id, "accept_evidence", order, ensure)


@router.post("/{issue_id}/evidence-return")
async def post_evidence_return(asked: Asking, who: Officer, issue_id: UUID, body: ReasonBody, idempotency_key: IdempotencyKey) -> IssuePage:
    """The evidence does not suffice."""
    return await decided(asked, who, issue_id, "return_evidence", Return(evidence=evidence(who, "issues.verify", idempotency_key, body)))


@router.post("/{issue_id}/pause")
async def post_pause(asked: Asking, who: Officer, issue_id: UUID, body: ReasonBody, idempotency_key: IdempotencyKey) -> IssuePage:
    """Stop the clock."""
    return await decided(asked, who, issue_id, "pause", Pause(evidence=evidence(who, "issues.verify", idempotency_key, body)))


@router.post("/{issue_id}/resume")
async def post_resume(asked: Asking, who: Officer, issue_id: UUID, body: ReasonBody, idempotency_key: IdempotencyKey) -> IssuePage:
    """Start the clock again."""
    return await decided(asked, who, issue_id, "resume", Resumption(evidence=evidence(who, "issues.verify", idempotency_key, body)))


@router.post("/{issue_id}/extension")
async def post_extension(asked: Asking, who: Officer, issue_id: UUID, body: ExtensionBody, idempotency_key: IdempotencyKey) -> IssuePage:
    """Extend the term by working days."""
    signed = evidence(who, "issues.verify", idempotency_key, body)
    return await decided(asked, who, issue_id, "extend", ExtensionOrder(evidence=signed, days=body.days))


@router.post("/{issue_id}/extension-request")
async def post_extension_request(
    asked: Asking, who: Clerk, issue_id: UUID, body: ExtensionBody, idempotency_key: IdempotencyKey
) -> IssuePage:
    """The unit asks for a longer term."""
    signed = evidence(who, "issues.submit_evidence", idempotency_key, body)
    return await decided(asked, who, issue_id, "ask_extension", ExtensionRequest(evidence=signed, days=body.days))


@router.post("/{issue_id}/extension-refusal")
async def post_extension_refusal(
    asked: Asking, who: Officer, issue_id: UUID, body: ReasonBody, idempotency_key: IdempotencyKey
) -> IssuePage:
    """Decline what the unit asked for: the term stays."""
    signed = evidence(who, "issues.verify", idempotency_key, body)
    return await decided(asked, who, issue_id, "decline_extension", ExtensionRefusal(evidence=signed))
