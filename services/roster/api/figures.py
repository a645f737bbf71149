"""What is counted: posts row by row, leadership posts level by level, the ledger of their changes, and how the people of a unit are made up."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from services.roster.api.door import AsOf, AtMoment, InDoor
from services.roster.models.people import Population
from services.roster.queries import ledger as ledgers
from services.roster.queries import post_lists, seat_lists, statistics
from services.roster.queries.exports import EXPORTS
from services.roster.queries.units import ensure_asked_rightly, ensure_visible
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.pages import Paging, answer, asked, chosen, described, ensure_in_order, ordered, page

router = APIRouter()
Reader = Annotated[Who, Depends(Permit("units.read"))]


class PostPage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[post_lists.PostLine]
    next: str | None


class SeatPage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[seat_lists.SeatLine]
    next: str | None


class LedgerPage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[ledgers.LedgerLine]
    next: str | None


class PostQuery(post_lists.PostFilter, AsOf, Paging):
    """A page of posts, by `unit`."""

    sort: str = "unit"


class SeatQuery(seat_lists.SeatFilter, AsOf, Paging):
    """A page of leadership posts, by `unit`."""

    sort: str = "unit"


class LedgerQuery(ledgers.LedgerFilter, Paging):
    """A page of the ledger, by `at`."""

    sort: str = "-at"


@router.get("/posts", response_model=PostPage, openapi_extra=described(PostQuery))
async def posts(request: Request, who: Reader, wanted: Annotated[PostQuery, Depends(asked(PostQuery))], door: InDoor) -> Response:
    """Every row of posts of a subtree: 编制数, 实有数, 空编, 超编, 已核未用, 冻结数, 可用编, 使用率, 空编率."""
    fields = chosen(wanted.fields, post_lists.PostLine.model_fields)
    lines = post_lists.PostPages(who, wanted, wanted.moment, ordered(wanted.sort, post_lists.SORTS), fields)
    async with (
        door.whole.glancing() as conn
    ):  # planning its statement anew takes as long as reading; units are chosen by one way whatever is asked
        found, next_page = await lines.page(conn, door.cipher, wanted.after, wanted.limit)
        await ensure_asked_rightly(conn, wanted.unit, who, found)
        await EXPORTS.ensure_known(conn, "quotas", wanted.__dict__, found)
    return page(request, found, next_page)


@router.get("/seats", response_model=SeatPage, openapi_extra=described(SeatQuery))
async def seats(request: Request, who: Reader, wanted: Annotated[SeatQuery, Depends(asked(SeatQuery))], door: InDoor) -> Response:
    """领导职数 of a subtree, level by level: 核定, 实配, 空缺, 超职数."""
    fields = chosen(wanted.fields, seat_lists.SeatLine.model_fields)
    lines = seat_lists.SeatPages(who, wanted, wanted.moment, ordered(wanted.sort, seat_lists.SORTS), fields)
    async with door.database.glancing() as conn:
        found, next_page = await lines.page(conn, door.cipher, wanted.after, wanted.limit)
        await ensure_asked_rightly(conn, wanted.unit, who, found)
        await EXPORTS.ensure_known(conn, "seats", wanted.__dict__, found)
    return page(request, found, next_page)


@router.get("/ledger", response_model=LedgerPage, openapi_extra=described(LedgerQuery))
async def ledger(request: Request, who: Reader, wanted: Annotated[LedgerQuery, Depends(asked(LedgerQuery))], door: InDoor) -> Response:
    """台账: what changed, on which document, issued by whom and when; latest first. What is about a person is told to those who may read persons."""
    fields = chosen(wanted.fields, ledgers.LedgerLine.model_fields)
    ensure_in_order(wanted.since, wanted.until)
    lines = ledgers.LedgerPages(who, wanted, ordered(wanted.sort, ledgers.SORTS), fields)
    async with door.database.searching() as conn:
        found, next_page = await lines.page(conn, door.cipher, wanted.after, wanted.limit)
        await ensure_asked_rightly(conn, wanted.unit, who, found)
        await EXPORTS.ensure_known(conn, "ledger", wanted.__dict__, found, matter="type")
    return page(request, found, next_page)


@router.get("/ledger/matters")
async def matters(_: Annotated[Who, Depends(Permit("units.read", "public"))]) -> dict[str, str]:
    """What each type of the ledger is called."""
    return ledgers.MATTERS


@router.get("/units/{unit_id}/structure", response_model=statistics.StructureView)
async def structure(
    unit_id: UUID,
    request: Request,
    who: Annotated[Who, Depends(Permit("persons.read"))],
    door: InDoor,
    moment: AtMoment,
    population: Population = "public",
    *,
    below: bool = True,
) -> Response:
    """How the people in post of a unit and of all below it are made up: age, sex, education, post category, identity."""
    today = business_day(door.clock.now())
    async with door.database.studying() as conn:
        await ensure_visible(conn, unit_id, who)
        return answer(request, await statistics.structure(conn, who, unit_id, moment, today, population, below=below))
