"""机构改革: its file read, the reform tried out, carried out, and shown afterwards."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.roster.api.door import InDoor, Write
from services.roster.api.door import fields as given
from services.roster.commands import reform_trials
from services.roster.commands import reforms as commands
from services.roster.models.units import Establish, Reform, Reformed, ReformRead, ReformTried
from services.roster.queries import reforms as queries
from services.roster.queries import units
from services.roster.queries.reform_files import read_reform
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.http import IdempotencyKey
from shared.pages import Paging, asked, described, ordered, page

router = APIRouter()
Reader = Annotated[Who, Depends(Permit("units.read"))]
Maintainer = Annotated[Who, Depends(Permit("roster.maintain"))]


class ReformBody(Write, Reform):
    """机构改革: steps in order."""


class ReformFileBody(BaseModel):
    """A file as people write it (docs/reform.example.toml)."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=2_000_000)


class ReformQuery(queries.ReformFilter, Paging):
    """A page of reforms, by `effective_on` or `recorded_at`."""

    sort: str = "-effective_on"


class ReformPage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[queries.ReformLine]
    next: str | None


@router.post("/reforms", status_code=201)
async def carry_out_reform(body: ReformBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> Reformed:
    """Carry out a reform: whole, or not at all."""
    what = Reform.model_validate(given(body))
    await _ensure_all_visible(door, what, who)
    return await commands.carry_out(door.database, door.by(who, key, body), what)


@router.post("/reforms/check")
async def try_reform(body: ReformBody, who: Maintainer, door: InDoor) -> ReformTried:
    """What a reform would do, step by step, and all that speaks against it. Nothing is written."""
    what = Reform.model_validate(given(body))
    await _ensure_all_visible(door, what, who)
    return await reform_trials.try_reform(door.database, door.by(who, "check", body), what)


@router.post("/reforms/read")
async def read_reform_file(body: ReformFileBody, who: Maintainer, door: InDoor) -> ReformRead:
    """The file of a reform, in names and words, as what `POST /reforms` and its trial take; or everything that is wrong in it. Nothing is written."""
    async with door.database.reading() as conn:
        return await read_reform(conn, body.text, who, business_day(door.clock.now()))


@router.get("/reforms", response_model=ReformPage, openapi_extra=described(ReformQuery))
async def reforms(request: Request, who: Reader, wanted: Annotated[ReformQuery, Depends(asked(ReformQuery))], door: InDoor) -> Response:
    """The reforms that touched a unit in scope."""
    lines = queries.ReformPages(who, wanted, ordered(wanted.sort, queries.SORTS))
    async with door.database.reading() as conn:
        return page(request, *await lines.page(conn, door.cipher, wanted))


@router.get("/reforms/{reform_id}")
async def reform(reform_id: UUID, who: Reader, door: InDoor) -> queries.ReformView:
    """What a reform did."""
    async with door.database.reading() as conn:
        return await queries.reform(conn, reform_id, who)


async def _ensure_all_visible(door: InDoor, what: Reform, who: Who) -> None:
    made = {step.unit_id for step in what.steps if isinstance(step, Establish)}
    async with door.whole.reading() as conn:
        made -= await units.those_there(conn, made)  # who says he makes a unit that is there must see it
    for unit_id in sorted(set(commands.units_of(what)) - made):
        async with door.database.glancing() as conn:
            await units.ensure_visible(conn, unit_id, who)
