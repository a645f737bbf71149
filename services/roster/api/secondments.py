"""借调 and 挂职: lending, extending, returning; who works at a unit apart from whose post it is; the office's limits."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.roster.api.door import AtMoment, InDoor, Write, fields
from services.roster.commands import parameters as parameter_commands
from services.roster.commands import secondments as commands
from services.roster.models.secondments import EndSecondment, ExtendSecondment, SecondmentForm, SecondPerson
from services.roster.queries import parameters as parameter_queries
from services.roster.queries import persons as person_queries
from services.roster.queries import secondments as queries
from services.roster.queries import units as unit_queries
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.http import IdempotencyKey

router = APIRouter()
Maintainer = Annotated[Who, Depends(Permit("roster.maintain"))]
Reader = Annotated[Who, Depends(Permit("persons.read"))]


class SecondmentBody(Write):
    """To a unit of the register (`borrower_id`), or to another one by its name (`borrower`)."""

    borrower_id: UUID | None = None
    borrower: str | None = Field(None, min_length=1, max_length=200)
    form: SecondmentForm = SecondmentForm.SECONDED_OUT
    started_on: date
    until: date
    baseline: bool = False


class ExtensionBody(Write):
    """The new last day approved; `filed_on`: the day on which the unit asked for it, today where it is left out."""

    until: date
    filed_on: date | None = None


class ReturnBody(Write):
    """The day of return does not count."""

    ended_on: date


class ParameterBody(Write):
    """A limit from a day on, and what it rests on."""

    value: int = Field(ge=0, le=10_000, strict=True)
    valid_from: date
    source: str = Field(min_length=1, max_length=500)


class SecondmentId(BaseModel):
    """The new secondment."""

    secondment_id: UUID


class Secondments(BaseModel):
    """All loans of a person."""

    items: list[queries.LoanView]
    next: None = None


class Parameters(BaseModel):
    """Every limit, with the values it had and has."""

    items: list[parameter_queries.ParameterView]
    next: None = None


@router.post("/persons/{person_id}/secondments", status_code=201)
async def second_person(person_id: UUID, body: SecondmentBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> SecondmentId:
    """Lend a person in post to another unit for a term; the post stays with the lender."""
    async with door.database.reading() as conn:
        await person_queries.ensure_visible(conn, person_id, who)
        if body.borrower_id is not None:
            await unit_queries.ensure_visible(conn, body.borrower_id, who)
    what = SecondPerson.model_validate({"person_id": person_id} | fields(body))
    return SecondmentId(secondment_id=await commands.second_person(door.database, door.by(who, key, body), what))


@router.get("/persons/{person_id}/secondments")
async def secondments(person_id: UUID, who: Reader, door: InDoor) -> Secondments:
    """All loans of a person, oldest first."""
    async with door.database.reading() as conn:
        await person_queries.ensure_visible(conn, person_id, who)
        return Secondments(items=await queries.secondment_views(conn, person_id, business_day(door.clock.now())))


@router.post("/secondments/{secondment_id}/extension", status_code=204)
async def extend_secondment(secondment_id: UUID, body: ExtensionBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> None:
    """Give it a later last day."""
    await _ensure_visible(door, secondment_id, who)
    filed_on = body.filed_on or business_day(door.clock.now())
    async with door.database.reading() as conn:
        days = (await queries.limits(conn, filed_on)).notice
    notice_on = door.calendar().add_working_days(filed_on, days).due_on if days else None
    what = ExtendSecondment(secondment_id=secondment_id, until=body.until, notice_on=notice_on)
    await commands.extend_secondment(door.database, door.by(who, key, body), what)


@router.post("/secondments/{secondment_id}/return", status_code=204)
async def end_secondment(secondment_id: UUID, body: ReturnBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> None:
    """The person is back."""
    await _ensure_visible(door, secondment_id, who)
    what = EndSecondment.model_validate({"secondment_id": secondment_id} | fields(body))
    await commands.end_secondment(door.database, door.by(who, key, body), what)


@router.get("/units/{unit_id}/working-here")
async def working_here(unit_id: UUID, who: Reader, door: InDoor, moment: AtMoment) -> queries.WorkingHere:
    """在此工作: people borrowed and lent, apart from the establishment, which stays the lender's."""
    async with door.database.reading() as conn:
        await unit_queries.ensure_visible(conn, unit_id, who)
        return await queries.working_here(conn, unit_id, moment, business_day(door.clock.now()))


@router.get("/parameters")
async def parameters(_: Annotated[Who, Depends(Permit("units.read", "public"))], door: InDoor) -> Parameters:
    """The office's limits with their source and owner."""
    async with door.database.reading() as conn:
        return Parameters(items=await parameter_queries.parameters(conn))


@router.post("/parameters/{name}", status_code=204)
async def set_parameter(
    name: str,
    body: ParameterBody,
    who: Annotated[Who, Depends(Permit("parameters.maintain", "public"))],
    key: IdempotencyKey,
    door: InDoor,
) -> None:
    """Set a limit from a day on."""
    what = parameter_commands.SetParameter.model_validate({"name": name} | fields(body))
    await parameter_commands.set_parameter(door.database, door.by(who, key, body), what)


async def _ensure_visible(door: InDoor, secondment_id: UUID, who: Who) -> None:
    async with door.database.reading() as conn:
        lender_id = (await queries.secondment(conn, secondment_id)).lender_id
        await unit_queries.ensure_visible(conn, lender_id, who)
