"""The person concerned: what he asks about his own data, the copy he gets, and what he is answered (个人信息保护法 44–50)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.roster.api.door import InDoor, Write
from services.roster.commands import concerned as commands
from services.roster.models.concerned import DecideRequest, HandOutCopy, RequestKind
from services.roster.queries import concerned as queries
from services.roster.queries import persons as person_queries
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.http import IdempotencyKey
from shared.pages import Limit

router = APIRouter()
Reader = Annotated[Who, Depends(Permit("concerned.read"))]
Receiver = Annotated[Who, Depends(Permit("concerned.receive"))]


class RequestBody(Write):
    """What he asks, in his own words, and how it was made sure that it is he. `fields`: what is to be corrected, by name or label in the register."""

    kind: RequestKind
    asked: str = Field(min_length=2, max_length=2000, repr=False)
    fields: tuple[Annotated[str, Field(max_length=50)], ...] = Field((), max_length=40)
    proof: str = Field(min_length=2, max_length=200)


class DecisionBody(Write):
    """Granted or refused; `ground`: the article of law that a refusal rests on."""

    granted: bool
    answer: str = Field(min_length=4, max_length=1000)
    ground: str | None = Field(None, max_length=500)


class RequestId(BaseModel):
    """The new request."""

    request_id: UUID


class Requests(BaseModel):
    """All of one person."""

    items: list[queries.RequestView]
    next: None = None


class RequestPage(BaseModel):
    """A page, the latest first; `next` is its cursor."""

    items: list[queries.ListedRequest]
    next: UUID | None


@router.get("/person-requests")
async def all_requests(
    who: Reader,
    door: InDoor,
    open_only: bool = False,
    before: UUID | None = None,
    limit: Limit = 50,
) -> RequestPage:
    """What people asked about their own data; `open_only`: what is not answered."""
    async with door.database.reading() as conn:
        today = business_day(door.clock.now())
        found = await queries.listed_requests(conn, door.cipher, who, today, open_only=open_only, before=before, limit=limit + 1)
    return RequestPage(items=found[:limit], next=found[limit - 1].request_id if len(found) > limit else None)


@router.get("/person-requests/{request_id}")
async def one_request(request_id: UUID, who: Reader, door: InDoor) -> queries.ListedRequest:
    """One request, as its receipt or its answer says it."""
    async with door.database.reading() as conn:
        return await queries.one_request(conn, door.cipher, request_id, who, business_day(door.clock.now()))


@router.post("/persons/{person_id}/requests", status_code=201)
async def receive_request(person_id: UUID, body: RequestBody, who: Receiver, key: IdempotencyKey, door: InDoor) -> RequestId:
    """Take in what a person asks about his own data."""
    async with door.database.glancing() as conn:
        await person_queries.ensure_visible(conn, person_id, who)
    by = door.by(who, key, body)
    asked = (body.kind, body.asked, body.proof, body.fields)
    return RequestId(request_id=await commands.receive_request(door.database, door.cipher, by, person_id, *asked))


@router.get("/persons/{person_id}/requests")
async def requests(person_id: UUID, who: Reader, door: InDoor) -> Requests:
    """What a person asked, and what became of it."""
    async with door.database.reading() as conn:
        await person_queries.ensure_visible(conn, person_id, who)
        return Requests(items=await queries.requests_of(conn, door.cipher, person_id, business_day(door.clock.now())))


@router.post("/person-requests/{request_id}/copy")
async def hand_out_copy(request_id: UUID, body: Write, who: Receiver, key: IdempotencyKey, door: InDoor) -> queries.PersonCopy:
    """Everything that is held of him, in full, and who saw his number; that it is handed out is written down first."""
    await _ensure_visible(door, request_id, who)
    person_id = await commands.hand_out_copy(door.database, door.by_each_time(who, key, body), HandOutCopy(request_id=request_id))
    async with door.database.reading() as conn:
        return await queries.person_copy(conn, door.cipher, person_id, who, business_day(door.clock.now()))


@router.post("/person-requests/{request_id}/decision", status_code=204)
async def decide_request(
    request_id: UUID, body: DecisionBody, who: Annotated[Who, Depends(Permit("concerned.decide"))], key: IdempotencyKey, door: InDoor
) -> None:
    """Answer him: a correction once it is made, a deletion where nothing has to be kept by law, or a refusal with its ground."""
    await _ensure_visible(door, request_id, who)
    what = DecideRequest(request_id=request_id, granted=body.granted, answer=body.answer, ground=body.ground)
    await commands.decide_request(door.database, door.by(who, key, body), what)


async def _ensure_visible(door: InDoor, request_id: UUID, who: Who) -> None:
    async with door.database.reading() as conn:
        await queries.ensure_request_visible(conn, request_id, who)
