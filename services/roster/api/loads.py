"""A unit's first load: comparing it with the roster, and loading it."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.roster.api.door import InDoor, Write, fields
from services.roster.commands import loads as commands
from services.roster.commands.sealing import sealed
from services.roster.models.loads import Loaded, LoadedQuota, LoadProblem, LoadUnit, OpenLoadedPerson
from services.roster.models.persons import SENSITIVE
from services.roster.models.refusals import CodeUnknown
from services.roster.queries import loads as queries
from services.roster.queries.codes import unknown_codes
from services.roster.queries.units import ensure_visible
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.errors import DomainError, Forbidden
from shared.http import IdempotencyKey

router = APIRouter()
Maintainer = Annotated[Who, Depends(Permit("roster.maintain"))]


class LoadBody(Write):
    """One unit with its quotas and people. `reason` says where the data comes from, `document_no` is the load's own document."""

    name: str = Field(min_length=1, max_length=200)
    code: str = Field(min_length=1, max_length=50)
    uscc: str | None = None
    category: str
    parent_id: UUID | None = None
    valid_from: date
    quotas: tuple[LoadedQuota, ...] = Field((), max_length=200)
    persons: tuple[OpenLoadedPerson, ...] = Field((), max_length=20_000, repr=False)


class Comparison(BaseModel):
    """What speaks against the load; empty when nothing does."""

    problems: list[LoadProblem]


@router.post("/loads", status_code=201)
async def load_unit(body: LoadBody, who: Maintainer, idempotency_key: IdempotencyKey, door: InDoor) -> Loaded:
    """Load one unit; what is there already and equal stays. Refused as a whole when anything speaks against it."""
    await _ensure_scope(door, who, body.parent_id)
    for _, label in await _unknown_codes(door, body):
        raise CodeUnknown(field=label)
    persons = tuple(sealed(door.cipher, person.__dict__) for person in body.persons)
    return await commands.load_unit(door.database, door.by(who, idempotency_key, body), _request(body, persons))


@router.post("/loads/over", status_code=204)
async def loads_over(_: Maintainer, door: InDoor) -> None:
    """All units are loaded: the database takes stock, so that reading is quick at once and not a minute later."""
    await commands.counted_anew(door.database)


@router.post("/loads/check")
async def check_load(body: LoadBody, who: Maintainer, door: InDoor) -> Comparison:
    """Everything that speaks against a load. Nothing is written."""
    await _ensure_scope(door, who, body.parent_id)
    problems = [LoadProblem(CodeUnknown.code, str(CodeUnknown(field=label)), place) for place, label in await _unknown_codes(door, body)]
    good = []
    for place, person in enumerate(body.persons):
        try:
            good.append((place, sealed(door.cipher, person.__dict__)))
        except DomainError as refusal:
            problems.append(LoadProblem(refusal.code, str(refusal), place))
    async with door.whole.reading() as conn:
        found = await queries.standing(conn, _request(body, tuple(person for _, person in good)), business_day(door.clock.now()))
    places = [place for place, _ in good]
    problems += [each if each.person is None else LoadProblem(each.code, each.sentence, places[each.person]) for each in found.problems]
    return Comparison(problems=problems)


async def _unknown_codes(door: InDoor, body: LoadBody) -> list[tuple[int, str]]:
    """Of the sensitive fields: behind this door they are encrypted, and the load itself judges the others."""
    async with door.database.glancing() as conn:
        return await unknown_codes(
            conn, business_day(door.clock.now()), (person.model_dump(include=set(SENSITIVE)) for person in body.persons)
        )


async def _ensure_scope(door: InDoor, who: Who, parent_id: UUID | None) -> None:
    """An officer of part of the county loads units below what he sees."""
    if who.units is None:
        return
    if parent_id is None:
        raise Forbidden
    async with door.database.glancing() as conn:
        await ensure_visible(conn, parent_id, who)


def _request(body: LoadBody, persons: tuple[object, ...]) -> LoadUnit:
    return LoadUnit.model_validate(fields(body) | {"persons": persons})
