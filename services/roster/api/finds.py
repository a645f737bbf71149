"""调动人员核对: somebody of another unit is named by who sees neither him nor that unit. All three that he was told agree, or he learns nothing."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from services.roster.api.door import Door, InDoor, Write
from services.roster.commands import finds as commands
from services.roster.models.finds import Placed, RecordFind, Told
from services.roster.models.refusals import PersonNotAgreed
from services.roster.queries import finds as queries
from services.roster.queries import units
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.http import IdempotencyKey
from shared.pages import Limit, RowNumber

router = APIRouter()


class FindBody(Write):
    """Whom the unit wants to take: the name or code of the unit he is in post with, his name, his whole number."""

    unit_id: UUID
    from_unit: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=100, repr=False)
    id_number: str = Field(min_length=15, max_length=18, repr=False)


class FindPage(BaseModel):
    """A page, newest first; `next` is its cursor."""

    items: list[queries.FindView]
    next: int | None


@router.post("/person-finds")
async def find(
    body: FindBody, request: Request, who: Annotated[Who, Depends(Permit("applications.submit"))], key: IdempotencyKey, door: InDoor
) -> queries.FoundPerson:
    """The person, where unit, name and number agree with one in post there today; the same refusal for everything else. Each question is on record."""
    request.app.state.searches.take(who.name)
    async with door.database.glancing() as conn:
        await units.ensure_visible(conn, body.unit_id, who)
    found = await _placed(door, who, body)
    what = RecordFind(unit_id=body.unit_id, person_id=found and found.person_id, from_unit_id=found and found.unit_id)
    await commands.record_find(door.database, door.by_each_time(who, key, body), what)
    if found is None:
        raise PersonNotAgreed
    return await _shown(door, who, body.unit_id, found.person_id, found.unit_id)


@router.get("/person-finds")
async def finds(
    _: Annotated[Who, Depends(Permit("audit.read", "public"))],
    door: InDoor,
    actor: str | None = None,
    before: RowNumber | None = None,
    limit: Limit = 50,
) -> FindPage:
    """Who asked for somebody of another unit, and whether he was told: by one user, or all."""
    async with door.database.glancing() as conn:
        items = await queries.finds(conn, actor, before, limit)
    return FindPage(items=items, next=items[-1].id if len(items) == limit else None)


@router.get("/units/{unit_id}/found-persons/{person_id}")
async def found_person(
    unit_id: UUID, person_id: UUID, who: Annotated[Who, Depends(Permit("persons.read"))], door: InDoor, from_unit_id: UUID | None = None
) -> queries.FoundPerson:
    """Whom somebody named for this unit, for those who may see the unit: as it was typed, and nothing of what he is besides."""
    return await _shown(door, who, unit_id, person_id, from_unit_id)


async def _placed(door: Door, who: Who, body: FindBody) -> Placed | None:
    """Judged by the whole county, as what a command judges is."""
    told = Told(body.unit_id, body.from_unit, body.name, body.id_number, business_day(door.clock.now()))
    async with door.whole.reading() as conn:
        return await queries.placed_as_told(conn, door.cipher, who, told)


async def _shown(door: Door, who: Who, unit_id: UUID, person_id: UUID, from_unit_id: UUID | None) -> queries.FoundPerson:
    async with door.database.reading() as conn:
        await units.ensure_visible(conn, unit_id, who)
        found = await queries.found_before(conn, who, unit_id, person_id, from_unit_id)
    async with door.whole.glancing() as conn:
        return await queries.found_person(conn, door.cipher, found)
