"""Units, their quotas and seats, and what they have reserved."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from services.roster.api.door import AsOf, InDoor, OneQuery, Write
from services.roster.api.door import fields as given
from services.roster.commands import codes as code_commands
from services.roster.commands import quotas as quota_commands
from services.roster.commands import unit_changes, unit_closing
from services.roster.commands import units as commands
from services.roster.models.codes import AddCodes, CodesAdded, EndCode
from services.roster.models.requests import CutQuota, MoveQuota, RaiseQuota, RegisterUnit, SetQuota, SetSeats, UnitFacts
from services.roster.models.texts import UnitName
from services.roster.models.units import ChangeUnit, CloseUnit, UnitChanges
from services.roster.queries import codes as code_queries
from services.roster.queries import unit_history as history
from services.roster.queries import units as queries
from services.roster.queries.exports import EXPORTS
from services.roster.queries.unit_lists import SORTS, UnitFilter, UnitListLine, UnitPages, fields_of
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.errors import Forbidden
from shared.glossary import OverQuotaCause
from shared.http import IdempotencyKey
from shared.pages import Cursors, Day, Paging, answer, asked, chosen, described, ordered, page, question

router = APIRouter()
Reader = Annotated[Who, Depends(Permit("units.read"))]
Maintainer = Annotated[Who, Depends(Permit("roster.maintain"))]


class UnitBody(Write, UnitFacts):
    """A unit to register."""

    name: UnitName
    code: str = Field(min_length=1, max_length=50)
    uscc: str | None = None
    category: str
    parent_id: UUID | None = None
    valid_from: date


class UnitChangeBody(Write, UnitChanges):
    """What is to be another from a day on, and why; only what is given is changed. Key items (★) need a document. `baseline`: what a unit became before
    its first load, told while that lasts.
    """

    reason: str = Field(min_length=2, max_length=500)
    effective_on: date
    baseline: bool = False


class CloseBody(Write):
    """撤销, and who takes over."""

    effective_on: date
    successors: tuple[UUID, ...] = ()


class QuotaBody(Write):
    """A change of 编制数."""

    kind: str
    funding: str
    posts: int
    effective_on: date
    document_on: date


class TermedQuotaBody(QuotaBody):
    """`use_until`: 使用期限 (周转编制); none: as it is."""

    use_until: date | None = None


class LowerableQuotaBody(QuotaBody):
    """Below what is in use only with the office's recorded cause."""

    over_quota_cause: OverQuotaCause | None = None


class SetQuotaBody(LowerableQuotaBody, TermedQuotaBody):
    """The number itself."""


class MovedQuotaBody(QuotaBody):
    """To which unit."""

    to_unit_id: UUID


class SeatsBody(Write):
    """领导职数 of one level; lowered below the leaders in post only with the office's recorded cause."""

    level: str
    approved: int
    effective_on: date
    over_seats_cause: OverQuotaCause | None = None


class CodesBody(Write, AddCodes):
    """Codes of one document."""


class CodeEndBody(Write):
    """From which day on a code is in force no more."""

    effective_on: date


class UnitId(BaseModel):
    """The unit. `uscc_doubt`: what is doubtful about a code that another registrar gave (none: nothing); it is taken."""

    unit_id: UUID
    uscc_doubt: str | None = None


class UnitQuery(UnitFilter, AsOf, Paging):
    """A page of units, by `code` or by `name`."""

    sort: str = "code"


class HistoryQuery(Paging):
    """A page of stretches, by `since`."""

    sort: str = "since"


class UnitPage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[UnitListLine]
    next: str | None


class Reservations(BaseModel):
    """All that have posts left."""

    items: list[queries.ReservationView]
    next: None = None


@router.post("/units", status_code=201)
async def register_unit(body: UnitBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> UnitId:
    """Register a unit."""
    if body.parent_id is not None:
        await _ensure_visible(door, body.parent_id, who)
    unit_id = await commands.register_unit(door.database, door.by(who, key, body), RegisterUnit.model_validate(given(body)))
    return UnitId(unit_id=unit_id, uscc_doubt=queries.doubt_of(body.uscc))


@router.get("/units", response_model=UnitPage, openapi_extra=described(UnitQuery))
async def units(request: Request, who: Reader, wanted: Annotated[UnitQuery, Depends(asked(UnitQuery))], door: InDoor) -> Response:
    """Units in scope in the tree of a date: last year's figures keep last year's tree."""
    lines = UnitPages(who, wanted, wanted.moment, ordered(wanted.sort, SORTS), fields_of(wanted.fields, wanted))
    database = door.whole  # units that nobody searches for are few enough for one plan
    async with database.searching() if wanted.q else database.glancing() as conn:
        found, next_page = await lines.page(conn, door.cipher, wanted.after, wanted.limit)
        await EXPORTS.ensure_known(conn, "units", wanted.__dict__, found)
        return page(request, found, next_page)


@router.get("/units/{unit_id}", response_model=queries.UnitView, openapi_extra=described(OneQuery))
async def unit(
    unit_id: UUID, request: Request, who: Reader, wanted: Annotated[OneQuery, Depends(asked(OneQuery))], door: InDoor
) -> Response:
    """One unit as of a date, as known on a day."""
    shown = chosen(wanted.fields, queries.UnitView.model_fields)
    async with door.database.glancing() as conn:
        view = await queries.unit_view(conn, unit_id, who, wanted.moment)
    return answer(request, view if wanted.fields is None else view.model_dump(include=set(shown)))


@router.patch("/units/{unit_id}")
async def change_unit(unit_id: UUID, body: UnitChangeBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> UnitId:
    """Change a unit's attributes, its name or its parent."""
    await _ensure_visible(door, unit_id, who)
    if body.parent_id is not None:
        await _ensure_visible(door, body.parent_id, who)
    await unit_changes.change_unit(door.database, door.by(who, key, body), ChangeUnit.model_validate({"unit_id": unit_id} | given(body)))
    return UnitId(unit_id=unit_id, uscc_doubt=queries.doubt_of(body.uscc))


@router.post("/units/{unit_id}/close", status_code=204)
async def close_unit(unit_id: UUID, body: CloseBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> None:
    """Close a unit that holds nothing any more."""
    for each in (unit_id, *body.successors):
        await _ensure_visible(door, each, who)
    await unit_closing.close_unit(door.database, door.by(who, key, body), CloseUnit.model_validate({"unit_id": unit_id} | given(body)))


@router.get("/units/{unit_id}/history", response_model=history.UnitHistory, openapi_extra=described(HistoryQuery))
async def unit_history(
    unit_id: UUID, request: Request, who: Reader, wanted: Annotated[HistoryQuery, Depends(asked(HistoryQuery))], door: InDoor
) -> Response:
    """What the unit was from when to when, from whom it came and who took over."""
    order = ordered(wanted.sort, history.SORTS)
    cursors = Cursors(door.cipher, question("unit history", order, unit_id))
    async with door.database.reading() as conn:
        await queries.ensure_visible(conn, unit_id, who)
        items, next_page = await history.unit_history(conn, cursors, unit_id, order, wanted)
        return page(request, items, next_page, **await history.links(conn, unit_id))


@router.get("/units/{unit_id}/reservations")
async def reservations(unit_id: UUID, who: Reader, door: InDoor) -> Reservations:
    """Authorised and not yet filled."""
    async with door.database.reading() as conn:
        await queries.ensure_visible(conn, unit_id, who)
        return Reservations(items=await queries.reservations(conn, unit_id))


@router.post("/units/{unit_id}/quotas", status_code=204)
async def set_quota(unit_id: UUID, body: SetQuotaBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> None:
    """Set a quota."""
    await _ensure_visible(door, unit_id, who)
    await quota_commands.set_quota(door.database, door.by(who, key, body), SetQuota.model_validate({"unit_id": unit_id} | given(body)))


@router.post("/units/{unit_id}/quotas/raise", status_code=204)
async def raise_quota(unit_id: UUID, body: TermedQuotaBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> None:
    """Add posts."""
    await _ensure_visible(door, unit_id, who)
    await quota_commands.raise_quota(door.database, door.by(who, key, body), RaiseQuota.model_validate({"unit_id": unit_id} | given(body)))


@router.post("/units/{unit_id}/quotas/cut", status_code=204)
async def cut_quota(unit_id: UUID, body: LowerableQuotaBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> None:
    """Take posts away."""
    await _ensure_visible(door, unit_id, who)
    await quota_commands.cut_quota(door.database, door.by(who, key, body), CutQuota.model_validate({"unit_id": unit_id} | given(body)))


@router.post("/units/{unit_id}/quotas/move", status_code=204)
async def move_quota(unit_id: UUID, body: MovedQuotaBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> None:
    """Move posts to another unit."""
    await _ensure_visible(door, unit_id, who)
    await _ensure_visible(door, body.to_unit_id, who)
    await quota_commands.move_quota(door.database, door.by(who, key, body), MoveQuota.model_validate({"unit_id": unit_id} | given(body)))


@router.post("/units/{unit_id}/seats", status_code=204)
async def set_seats(unit_id: UUID, body: SeatsBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> None:
    """Set the leadership posts of one level."""
    await _ensure_visible(door, unit_id, who)
    await commands.set_seats(door.database, door.by(who, key, body), SetSeats.model_validate({"unit_id": unit_id} | given(body)))


@router.get("/codes")
async def codes(_: Annotated[Who, Depends(Permit("units.read", "public"))], door: InDoor, on: Day | None = None) -> code_queries.Codes:
    """The code tables in force today, or on another day."""
    async with door.database.reading() as conn:
        return await code_queries.codes(conn, on or business_day(door.clock.now()))


@router.post("/codes", status_code=201)
async def add_codes(body: CodesBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> CodesAdded:
    """Add the office's own codes to sets that take some; all or none, nothing that is there is altered."""
    if who.units is not None:
        raise Forbidden
    return await code_commands.add_codes(door.database, door.by(who, key, body), AddCodes.model_validate(given(body)))


@router.post("/codes/{name}/{code}/end", status_code=204)
async def end_code(name: str, code: str, body: CodeEndBody, who: Maintainer, key: IdempotencyKey, door: InDoor) -> None:
    """End a code that the office added, by the name or the title of its set: no new record takes it from that day on."""
    if who.units is not None:
        raise Forbidden
    await code_commands.end_code(door.database, door.by(who, key, body), EndCode.model_validate({"set": name, "code": code} | given(body)))


async def _ensure_visible(door: InDoor, unit_id: UUID, who: Who) -> None:
    async with door.database.glancing() as conn:
        await queries.ensure_visible(conn, unit_id, who)
