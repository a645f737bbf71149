"""What would be said of an application if it were submitted now: advice beside the form, the same checks as at its submission."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.roster.api.door import InDoor
from services.roster.queries import changes, finds, persons, units
from services.roster.queries.checks import check_application
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.db import Connection
from shared.glossary import ApplicationType, ExceptionGround
from workflows.roster import Check, PostRequest

router = APIRouter()
NEW = UUID(int=0)


class DraftedException(BaseModel):
    """On what it would go on although the unit is frozen; why is for the reviewers alone."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    ground: ExceptionGround
    document_no: str = Field(min_length=1, max_length=80)


class Drafted(BaseModel):
    """An application that is being written."""

    model_config = ConfigDict(extra="forbid")

    type: ApplicationType
    unit_id: UUID
    kind: str = Field("", max_length=40)
    funding: str = Field("", max_length=40)
    posts: int = Field(1, ge=1, le=1000)
    person_id: UUID | None = None
    reservation_id: UUID | None = None
    from_unit_id: UUID | None = None
    reason_code: str | None = Field(None, max_length=60)
    effective_on: date | None = None
    change_id: UUID | None = None
    off_post_kind: str | None = Field(None, max_length=60)
    employment_form: str | None = Field(None, max_length=60)
    exception: DraftedException | None = None


@router.post("/application-checks")
async def check(body: Drafted, who: Annotated[Who, Depends(Permit("applications.submit"))], door: InDoor) -> list[Check]:
    """Every check that concerns this type, with its clause. Nothing is kept or held, so no key is asked for."""
    request = PostRequest(application_id=NEW, revision=1, application_type=body.type, **body.model_dump(exclude={"type"}))
    async with door.database.reading() as conn:
        await units.ensure_visible(conn, body.unit_id, who)
        if not await _is_found(conn, body, who):
            await _ensure_giver_visible(conn, body, who)
        if body.change_id:
            await changes.pending_view(conn, door.cipher, body.change_id, who)
    async with (
        door.whole.reading() as conn
    ):  # whether he is on another unit's roster is judged by the whole county, and told without naming it
        return await check_application(conn, request, business_day(door.clock.now()))


async def _is_found(conn: Connection, body: Drafted, who: Who) -> bool:
    """Whether he was named for this unit, in that one: then the checks speak of somebody whom the caller does not see."""
    if body.type is not ApplicationType.TRANSFER or not body.person_id or not body.from_unit_id:
        return False
    return await finds.found_before(conn, who, body.unit_id, body.person_id, body.from_unit_id) is not None


async def _ensure_giver_visible(conn: Connection, body: Drafted, who: Who) -> None:
    if body.from_unit_id:
        await units.ensure_visible(conn, body.from_unit_id, who)
    if body.person_id:
        await persons.ensure_visible(conn, body.person_id, who)
