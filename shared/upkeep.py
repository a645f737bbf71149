"""What those who run the system look at over HTTP, of each service alike: dead letters, what waits to go out, and the trail of what was done.

Payloads are shown as `bianban dead-letters show` shows them: masked. Giving an event up for ever stays a command.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from temporalio.client import Client

from shared import dead_letters, deeds, masked, versions
from shared.auth import Permit, Who
from shared.db import BIGINT, Connection, Database
from shared.dead_letters import DeadLetter, Parked
from shared.door import Db
from shared.errors import NotFound
from shared.exports.trail import GIVEN_UP, LOGGED
from shared.http import IdempotencyKey
from shared.pages import Limit

LATEST = UUID(int=2**128 - 1)
router = APIRouter(tags=["upkeep"])
Reader = Annotated[Who, Depends(Permit("upkeep.read", "public"))]
Keeper = Annotated[Who, Depends(Permit("upkeep.maintain", "public"))]
Auditor = Annotated[Who, Depends(Permit("audit.read", "public"))]
Number = Annotated[int, Path(ge=1, le=BIGINT)]
_log = structlog.get_logger()


class LetterUnknown(NotFound):
    """Replayed or given up meanwhile."""

    code = "dead_letter_unknown"
    sentence = "没有这条死信：它可能已经重放成功或被放弃。请重新打开死信列表核对。"


class Letter(BaseModel):
    """A parked event. `key` is shown where it is an id."""

    id: int
    consumer: str
    key: str
    topic: str
    type: str
    title: str
    error: str
    parked_at: datetime


class Letters(BaseModel):
    """What is parked, oldest first; `total` counts those not shown too."""

    items: list[Letter]
    total: int


class Content(Letter):
    """One parked event as it came, masked."""

    partition: int
    offset: int
    headers: dict[str, str]
    body: Any


class Replay(BaseModel):
    """How many events of the key will be handled again, in their order."""

    events: int


class Waiting(BaseModel):
    """What has to go to one destination: how many rows, and since when the oldest waits."""

    destination: str
    rows: int
    oldest: datetime


class Reached(BaseModel):
    """How far a topic's partition reaches, or how far a consumer of this service has come in it."""

    consumer: str = ""
    topic: str
    partition: int
    next_offset: int


class Positions(BaseModel):
    """`ends`: of the topics this service publishes, as the broker answered last; `consumed`: where its own consumers stand in any topic. Events:
    `unsent`, that it has committed and the broker has not; `parked`, that its consumers could not handle.
    """

    ends: list[Reached]
    consumed: list[Reached]
    unsent: int
    parked: int


class Parts(BaseModel):
    """What runs: this process's own version and commit, its database server; of Temporal only where this service talks to it and it answers."""

    number: str
    commit: str
    postgresql: str
    temporal: str | None
    builds: tuple[str, ...]


class Trail(BaseModel):
    """What was done, and by whom. `next` is the cursor of the page after it, which is earlier."""

    items: list["Deed"]
    next: UUID | None


class Deed(BaseModel):
    """One entry of the audited log: no data, only what it was about."""

    id: UUID
    at: datetime
    actor: str
    type: str
    title: str
    unit_id: UUID
    reason: str
    document_no: str | None
    case_id: str | None
    case_title: str | None


@router.get("/upkeep/dead-letters")
async def list_letters(database: Db, _: Reader, limit: Limit = 200) -> Letters:
    """Events that could not be handled, each waiting with all that came after it for the same key."""
    found = await dead_letters.listed(database)
    return Letters(items=[_letter(each) for each in found[:limit]], total=len(found))


@router.get("/upkeep/dead-letters/{number}")
async def show_letter(database: Db, number: Number, _: Reader) -> list[Content]:
    """All that is parked for the key of this one, in the order in which a replay handles it."""
    return [_content(each) for each in await _of_key(database, number)]


@router.post("/upkeep/dead-letters/{number}/replay", status_code=202)
async def replay(database: Db, number: Number, who: Keeper, _: IdempotencyKey) -> Replay:
    """Have all that is parked for the key of this one handled again, in order; a second or two later it is done, or parked again."""
    parked = await _of_key(database, number)
    letter = parked[0].letter
    await dead_letters.ask_replay(database, letter.consumer, letter.key)
    _log.info("replay asked", actor=who.name, consumer=letter.consumer, letter=number, events=len(parked))
    return Replay(events=len(parked))


@router.get("/upkeep/outbox")
async def outbox(database: Db, _: Reader) -> list[Waiting]:
    """What is committed and not yet told to Kafka or Temporal; nothing waits longer than a moment while both are there."""
    async with database.glancing() as conn:
        rows = await conn.fetch(
            "SELECT destination, count(*) AS rows, min(created_at) AS oldest FROM outbox GROUP BY destination ORDER BY destination"
        )
    return [Waiting(**row) for row in rows]


@router.get("/upkeep/positions")
async def positions(database: Db, _: Annotated[Who, Depends(Permit("positions.read", "public"))]) -> Positions:
    """Where topics end and where consumers stand: who reads from whom, and how far behind, is seen with the answers of all services side by side."""
    async with database.glancing() as conn:
        ends = await conn.fetch("SELECT topic, partition, next_offset FROM topic_ends ORDER BY topic, partition")
        consumed = await conn.fetch(
            "SELECT consumer, topic, partition, next_offset FROM consumer_positions ORDER BY consumer, topic, partition"
        )
        unsent: int = await conn.fetchval("SELECT count(*) FROM outbox WHERE destination <> 'temporal'")
        parked: int = await conn.fetchval("SELECT count(*) FROM dead_letters")
    reached = [[Reached(**row) for row in rows] for rows in (ends, consumed)]
    return Positions(ends=reached[0], consumed=reached[1], unsent=unsent, parked=parked)


@router.get("/upkeep/parts")
async def parts(request: Request, database: Db, _: Reader) -> Parts:
    """Which versions this service runs in and with."""
    client: Client | None = getattr(request.app.state, "temporal", None)
    async with database.glancing() as conn:
        postgresql: str = await conn.fetchval("SHOW server_version")
    found = await versions.of_temporal(client) if client else None
    told = {"temporal": found and found.server, "builds": found.builds if found else ()}
    return Parts(number=versions.OURS.number, commit=versions.OURS.commit, postgresql=postgresql.split(maxsplit=1)[0], **told)


@router.get("/trail")
async def trail(
    request: Request,
    database: Db,
    _: Auditor,
    unit: Annotated[list[UUID] | None, Query(max_length=200)] = None,
    case: Annotated[str | None, Query(max_length=80)] = None,
    before: UUID = LATEST,
    limit: Limit = 50,
) -> Trail:
    """操作留痕, the latest first: of units, of a case, or all."""
    async with database.searching() as conn:
        found = await _deeds(conn, getattr(request.app.state, "register", ""), (before, unit, case, limit + 1))
    return Trail(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


async def _deeds(conn: Connection, register: str, asked: tuple[UUID, list[UUID] | None, str | None, int]) -> list[Deed]:
    """Of the event log, and of what a service keeps beside it (`app.state.register`: a SELECT of the same columns)."""
    among = (LOGGED, GIVEN_UP, register) if register else (LOGGED, GIVEN_UP)
    each = [
        f"(SELECT * FROM ({one}) AS deed WHERE id < $1 AND ($2::uuid[] IS NULL OR unit_id = ANY($2)) AND ($3::text IS NULL OR case_id = $3)"
        " ORDER BY id DESC LIMIT $4)"
        for one in among
    ]
    rows = await conn.fetch(f"SELECT * FROM ({' UNION ALL '.join(each)}) AS deeds ORDER BY id DESC LIMIT $4", *asked)
    return [Deed(**row, title=deeds.title_of(row["type"]), case_title=deeds.of_case(row["case_id"])) for row in rows]


async def _of_key(database: Database, number: int) -> list[Parked]:
    async with database.glancing() as conn:
        row = await conn.fetchrow("SELECT consumer, key FROM dead_letters WHERE id = $1", number)
    if row is None:
        raise LetterUnknown
    found = [each for each in await dead_letters.of_key(database, row["key"]) if each.letter.consumer == row["consumer"]]
    if not found:
        raise LetterUnknown
    return found


def _letter(each: DeadLetter) -> Letter:
    kind = masked.event_type(each.type)
    return Letter(**{**vars(each), "key": masked.key(each.key), "type": kind, "title": deeds.title_of(kind)})


def _content(each: Parked) -> Content:
    shown = {"headers": masked.headers(each.headers), "body": masked.body(each.letter.type, each.body)}
    return Content(**vars(_letter(each.letter)), partition=each.partition, offset=each.offset, **shown)
