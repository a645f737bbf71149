"""入编, 出编, 调动, 任免 and corrections by the office, on an authorisation; applications come through the workflow instead."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.roster.api.door import InDoor, Write, fields
from services.roster.commands import appointments, corrections, transfers
from services.roster.commands import placements as commands
from services.roster.models.requests import (
    ChangeSeat,
    CorrectedPost,
    CorrectPlacement,
    PlacePerson,
    PostDetails,
    RecordOverQuota,
    ReleasePerson,
    TransferPerson,
)
from services.roster.queries import persons as person_queries
from services.roster.queries import units as unit_queries
from services.roster.queries.facts import placement
from shared.auth import Permit, Who
from shared.glossary import OverQuotaCause
from shared.http import IdempotencyKey

router = APIRouter()
Maintainer = Annotated[Who, Depends(Permit("roster.maintain"))]


class PostBody(PostDetails, Write):
    """A person on a post."""

    person_id: UUID
    kind: str
    funding: str
    started_on: date
    seat_level: str | None = None


class PlacementBody(PostBody):
    """On what authorisation."""

    entry_reason: str
    authorisation_no: str | None = Field(None, max_length=100)
    authorised_on: date | None = None


class OverQuotaBody(PostBody):
    """Why beyond quota."""

    cause: OverQuotaCause


class ReleaseBody(Write):
    """When and why a person left."""

    ended_on: date
    exit_reason: str


class TransferBody(Write):
    """From one unit to another, on one day."""

    person_id: UUID
    from_unit_id: UUID
    to_unit_id: UUID
    kind: str
    funding: str
    effective_on: date
    authorisation_no: str = Field(max_length=100)
    authorised_on: date


class SeatBody(Write):
    """Which seat from which day on, on which document."""

    seat_level: str | None = Field(description="None: he leaves the seat he has.")
    since: date


class OverSeatBody(Write):
    """Which seat beyond the number, from which day on."""

    seat_level: str
    since: date


class PlacementCorrectionBody(CorrectedPost, Write):
    """Only what is given is corrected; `reason` says what was wrong. Internal unit, status and contract are those of the first day."""

    reason: str = Field(min_length=2, max_length=500)


class PlacementId(BaseModel):
    """The new placement."""

    placement_id: UUID


@router.post("/units/{unit_id}/placements", status_code=201)
async def place_person(unit_id: UUID, body: PlacementBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> PlacementId:
    """Place a person on a free post."""
    await _ensure_visible(door, who, unit_id, person_id=body.person_id)
    what = PlacePerson.model_validate({"unit_id": unit_id} | fields(body))
    return PlacementId(placement_id=await commands.place_person(door.database, door.by(who, key, body), what))


@router.post("/units/{unit_id}/over-quota", status_code=201)
async def record_over_quota_fact(
    unit_id: UUID,
    body: OverQuotaBody,
    who: Annotated[Who, Depends(Permit("roster.record_over_quota"))],
    key: IdempotencyKey,
    door: InDoor,
) -> PlacementId:
    """Record a person beyond quota."""
    await _ensure_visible(door, who, unit_id, person_id=body.person_id)
    what = RecordOverQuota.model_validate({"unit_id": unit_id} | fields(body))
    return PlacementId(placement_id=await commands.record_over_quota_fact(door.database, door.by(who, key, body), what))


@router.post("/placements/{placement_id}/release", status_code=204)
async def release_person(placement_id: UUID, body: ReleaseBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> None:
    """End a placement."""
    await _ensure_post_visible(door, who, placement_id)
    what = ReleasePerson.model_validate({"placement_id": placement_id} | fields(body))
    await commands.release_person(door.database, door.by(who, key, body), what)


@router.post("/transfers", status_code=201)
async def transfer_person(body: TransferBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> PlacementId:
    """Move a person to a free post of another unit."""
    await _ensure_visible(door, who, body.from_unit_id, body.to_unit_id, person_id=body.person_id)
    what = TransferPerson.model_validate(fields(body))
    return PlacementId(placement_id=await transfers.transfer_person(door.database, door.by(who, key, body), what))


@router.post("/placements/{placement_id}/seat", status_code=204)
async def change_seat(placement_id: UUID, body: SeatBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> None:
    """任免: the holder of a post takes a seat of 领导职数 from a day on, another one, or none; post and 入编时间 stay as they are."""
    await _ensure_post_visible(door, who, placement_id)
    what = ChangeSeat.model_validate({"placement_id": placement_id} | fields(body))
    await appointments.change_seat(door.database, door.by(who, key, body), what)


@router.post("/placements/{placement_id}/over-seat", status_code=204)
async def record_over_seat(
    placement_id: UUID,
    body: OverSeatBody,
    who: Annotated[Who, Depends(Permit("roster.record_over_quota"))],
    key: IdempotencyKey,
    door: InDoor,
) -> None:
    """Record that somebody was appointed beyond 领导职数 of the level."""
    await _ensure_post_visible(door, who, placement_id)
    what = ChangeSeat.model_validate({"placement_id": placement_id} | fields(body))
    await appointments.record_over_seat(door.database, door.by(who, key, body), what)


@router.post("/placements/{placement_id}/corrections", status_code=204)
async def correct_placement(
    placement_id: UUID,
    body: PlacementCorrectionBody,
    who: Annotated[Who, Depends(Permit("roster.correct"))],
    key: IdempotencyKey,
    door: InDoor,
) -> None:
    """Correct what was recorded wrongly of a post, with proof, from its beginning; before, after, reason and document are kept, line by line."""
    await _ensure_post_visible(door, who, placement_id)
    what = CorrectPlacement.model_validate({"placement_id": placement_id} | fields(body))
    await corrections.correct_placement(door.database, door.by(who, key, body), what)


async def _ensure_visible(door: InDoor, who: Who, *unit_ids: UUID, person_id: UUID) -> None:
    async with door.database.glancing() as conn:
        for unit_id in unit_ids:
            await unit_queries.ensure_visible(conn, unit_id, who)
        if who.units is not None:
            await person_queries.ensure_visible(conn, person_id, who)


async def _ensure_post_visible(door: InDoor, who: Who, placement_id: UUID) -> None:
    async with door.database.reading() as conn:
        await unit_queries.ensure_visible(conn, (await placement(conn, placement_id)).unit_id, who)
