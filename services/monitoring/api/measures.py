"""处置措施: what the office has done about an issue beyond its notice (约谈、通报、移送)."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.monitoring.api.asked import Asking, Body
from services.monitoring.commands.measures import correct_measure, record_measure
from services.monitoring.models.issues import IssuePage
from services.monitoring.models.requests import CorrectMeasure, Instead, RecordMeasure
from services.monitoring.queries import issues as queries
from shared.auth import Permit, Who
from shared.glossary import Addressee, Interviewer, Measure
from shared.http import IdempotencyKey

router = APIRouter(prefix="/issues", tags=["issues"])
Officer = Annotated[Who, Depends(Permit("issues.verify"))]


class Taken(BaseModel):
    """An interview, a circular or a referral, and its paper."""

    model_config = Body.model_config

    measure: Measure
    taken_on: date
    whom: Addressee | None = None
    led_by: Interviewer | None = None
    document_no: str = Field(min_length=1, max_length=200)


class MeasureBody(Taken, Body):
    """`reason`: what it was about and what came of it."""

    reason: str = Field(min_length=1, max_length=1000)


class InsteadBody(Taken):
    """What should have been recorded."""

    summary: str = Field(min_length=1, max_length=1000)


class CorrectionBody(Body):
    """`reason`: what was wrong; `instead`: what is recorded for it, none where nothing was done."""

    reason: str = Field(min_length=4, max_length=1000)
    instead: InsteadBody | None = None


@router.post("/{issue_id}/measures", status_code=201)
async def post_measure(asked: Asking, who: Officer, issue_id: UUID, body: MeasureBody, idempotency_key: IdempotencyKey) -> IssuePage:
    """Record what was done; the issue as it stands then. Its term goes on."""
    async with asked.database.reading() as conn:
        await queries.issue_for_decision(conn, who, issue_id)
    what = RecordMeasure(issue_id=issue_id, measure=body.measure, taken_on=body.taken_on, whom=body.whom, led_by=body.led_by)
    await record_measure(asked.database, asked.by(who, idempotency_key, body), what)
    async with asked.database.reading() as conn:
        return await queries.issue(conn, who, issue_id, asked.clock.now())


@router.post("/{issue_id}/measures/{measure_id}/correction", status_code=201)
async def post_correction(
    asked: Asking, who: Officer, issue_id: UUID, measure_id: UUID, body: CorrectionBody, idempotency_key: IdempotencyKey
) -> IssuePage:
    """Strike out what was recorded wrongly, which stays readable, and record what is right; the issue as it stands then."""
    async with asked.database.reading() as conn:
        await queries.issue_for_decision(conn, who, issue_id)
    instead = Instead(issue_id=issue_id, **body.instead.model_dump()) if body.instead else None
    what = CorrectMeasure(issue_id=issue_id, measure_id=measure_id, instead=instead)
    await correct_measure(asked.database, asked.by(who, idempotency_key, body), what)
    async with asked.database.reading() as conn:
        return await queries.issue(conn, who, issue_id, asked.clock.now())
