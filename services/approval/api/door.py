"""What the routes share: who asks, when, and how a request reaches the running case."""

import hashlib
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from services.approval.models.refusals import NotReceivedYet, NotStandingIn
from services.approval.queries import applications as queries
from services.approval.queries.attachments import ensure_brought_by_others
from shared import temporal
from shared.auth import Who
from shared.door import Write
from shared.errors import DomainError, KeyReused, NotFound
from shared.glossary import ApplicationState
from workflows.approval_messages import Answer, workflow_id
from workflows.approval_steps import SENTENCES, Decider

BEGINNING = UUID(int=0)
IMPARTIAL = {"decide", "release_document"}
"""What nobody asks of his own case."""


def moment(request: Request) -> dict[str, Any]:
    """What a case that starts now is told of the time: the calendar, and how far business time was moved (none where it may not be)."""
    state = request.app.state
    return {"calendar": state.calendar(), "clock_offset": state.clock.offset() if state.may_move_time else None}


def decider(who: Who, body: Write, on_behalf_of: str | None = None) -> Decider:
    """Who acts, as evidence for the record. He may name a colleague only if he stands in for him."""
    if on_behalf_of is not None and on_behalf_of not in who.acts_for:
        raise NotStandingIn
    request_hash = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
    return Decider(actor=who.name, roles=tuple(sorted(who.roles)), on_behalf_of=on_behalf_of, request_hash=request_hash)


async def tell(
    request: Request, application_id: UUID, who: Who, key: str, update: str, message: BaseModel, case: str | None = None
) -> Answer:
    """Send a person's request to the running case and answer what it made of it; a repeat of a recorded one is answered from the record."""
    update_id = temporal.update_id(who.name, key)
    async with request.app.state.database.reading() as conn:
        await queries.ensure_in_hand(conn, application_id, who)
        given = await queries.answer_given(conn, application_id, update_id)
    if given is not None:
        if given[0] != message.by.request_hash:  # type: ignore[attr-defined]  # every message of a person names him
            raise KeyReused
        return given[1]
    if update in IMPARTIAL:
        async with request.app.state.database.reading() as conn:
            await ensure_brought_by_others(conn, application_id, message.by.names)  # type: ignore[attr-defined]  # as above
    try:
        answer = await temporal.decide(request.app.state.temporal, case or workflow_id(application_id), update, message, update_id)
    except NotFound:
        raise await _not_running(request, application_id) from None
    return Answer.model_validate(answer)


async def _not_running(request: Request, application_id: UUID) -> DomainError:
    """Its workflow is over, or about to begin."""
    async with request.app.state.database.reading() as conn:
        state = await queries.state_of(conn, application_id)
    code = {ApplicationState.FILED: "already_filed", ApplicationState.WITHDRAWN: "already_withdrawn"}.get(state)
    return temporal.Refused(code, SENTENCES[code]) if code else NotReceivedYet(application=application_id)
