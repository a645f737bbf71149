"""Persons: registering, reading them masked, revealing a number with a reason, changing what the unit may change, correcting."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from services.roster.api.door import InDoor, OneQuery, Write, fields
from services.roster.commands import corrections
from services.roster.commands import persons as commands
from services.roster.models.persons import CorrectPerson, PersonDetails, PersonFacts, RegisterPerson, RevealPerson, UpdatePerson
from services.roster.models.requests import KeptByUnit, KeyItemsOfPost
from services.roster.models.texts import Line, PersonName
from services.roster.queries import persons as queries
from services.roster.queries import populations as population_queries
from services.roster.queries import units as unit_queries
from shared.auth import Permit, Who
from shared.glossary import PersonIdentity, PostCategory
from shared.http import IdempotencyKey
from shared.law.retirement import Category, Sex
from shared.pages import Cursors, Limit, Paging, RowNumber, answer, asked, chosen, described, ordered, page, question
from shared.reasons import Reason

router = APIRouter()
Reader = Annotated[Who, Depends(Permit("persons.read"))]
One = Annotated[OneQuery, Depends(asked(OneQuery))]


class PersonBody(PersonFacts, Write):
    """A person to register."""

    id_number: str = Field(min_length=15, max_length=18, repr=False)


class KeyItemsBody(PersonDetails, Write):
    """Only what is given changes, from the day `since` on; without one it always was so."""

    since: date | None = None
    name: PersonName | None = None
    id_number: str | None = Field(None, min_length=15, max_length=18, repr=False)
    sex: Sex | None = None
    birth_on: date | None = None
    certified_birth_on: date | None = None
    identity: PersonIdentity | None = None
    post_category: PostCategory | None = None
    title: Line | None = None
    leadership_level: str | None = None
    retirement_category: Category | None = None
    retirement_reason: str | None = Field(None, max_length=500)


class UpdateBody(PersonDetails, KeptByUnit, Write):
    """From the day `since` on, only what is given changes, of the person or of the post. The reason is kept with the change."""

    reason: str = Field(min_length=2, max_length=500)
    since: date
    identity: PersonIdentity | None = None
    post_category: PostCategory | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_key_items(cls, told: object) -> object:
        """A key item (★) is refused by its name, with the way that it does change."""
        names = [name for name in told if name in _NO_UPDATES] if isinstance(told, dict) else []
        if names:
            errors = [InitErrorDetails(type="value_error", loc=(name,), ctx={"error": _NO_UPDATES[name]}, input=None) for name in names]
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return told


_BY_CASE = "{}是关键信息，信息维护不能改。请凭证明材料提交信息变更申请（人员页面“信息变更”，接口 POST /persons/{{person_id}}/key-changes），经审批后生效"
_NO_UPDATES = {
    name: _BY_CASE.format(queries.LABELS[name])
    for name in (KeyItemsBody.model_fields.keys() | KeyItemsOfPost.model_fields.keys()) - UpdateBody.model_fields.keys()
} | {"seat_level": "占用职数凭任免文件变更，信息维护不能改。请由编办在人员页面“任免”中办理"}
"""Why a unit may not change a field, and how it does change."""


class CorrectionBody(KeyItemsBody):
    """As key items, but a correction says what was wrong (`reason`) and by which document it is proved; `since`: where the wrong value of a key item
    begins.
    """

    reason: str = Field(min_length=2, max_length=500)


class RevealBody(Write):
    """Why somebody must see the number."""

    reason: Reason


class PersonId(BaseModel):
    """The new person."""

    person_id: UUID


class ChangesQuery(Paging):
    """A page of changes, by when they were recorded (`at`)."""

    sort: str = "at"


class ChangePage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[queries.ChangeView]
    next: str | None


class RevealPage(BaseModel):
    """A page, newest first; `next` is its cursor."""

    items: list[queries.RevealView]
    next: int | None


class HistoryQuery(Paging):
    """A page of versions, by `recorded_from`."""

    sort: str = "recorded_from"


class HistoryPage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[queries.RecordedPlacement]
    next: str | None


@router.post("/units/{unit_id}/persons", status_code=201)
async def register_person(
    unit_id: UUID, body: PersonBody, who: Annotated[Who, Depends(Permit("persons.register"))], key: IdempotencyKey, door: InDoor
) -> PersonId:
    """Register a person; no post is taken."""
    async with door.database.glancing() as conn:
        await unit_queries.ensure_visible(conn, unit_id, who)
    what = RegisterPerson.model_validate({"unit_id": unit_id} | fields(body))
    return PersonId(person_id=await commands.register_person(door.database, door.cipher, door.by(who, key, body), what))


@router.get("/units/{unit_id}/populations", response_model=population_queries.PopulationsView, openapi_extra=described(OneQuery))
async def populations_of(
    unit_id: UUID, request: Request, who: Annotated[Who, Depends(Permit("units.read"))], wanted: One, door: InDoor
) -> Response:
    """How many people of each population the unit has, each under its own ceiling, and 编外占比."""
    shown = chosen(wanted.fields, population_queries.PopulationsView.model_fields)
    async with door.database.reading() as conn:
        await unit_queries.ensure_visible(conn, unit_id, who)
        found = await population_queries.populations(conn, unit_id, wanted.moment)
    return answer(request, found.model_dump(include=set(shown)))


@router.get("/persons/{person_id}", response_model=queries.PersonView, openapi_extra=described(OneQuery))
async def person(person_id: UUID, request: Request, who: Reader, wanted: One, door: InDoor) -> Response:
    """One person, masked."""
    shown = chosen(wanted.fields, queries.PersonView.model_fields)
    async with door.database.reading() as conn:
        view = await queries.person_view(conn, door.cipher, person_id, who, wanted.moment)
    return answer(request, view if wanted.fields is None else view.model_dump(include=set(shown)))


@router.get("/persons/{person_id}/history", response_model=HistoryPage, openapi_extra=described(HistoryQuery))
async def history(
    person_id: UUID, request: Request, who: Reader, wanted: Annotated[HistoryQuery, Depends(asked(HistoryQuery))], door: InDoor
) -> Response:
    """Every recorded version of the person's placements."""
    order = ordered(wanted.sort, queries.HISTORY_SORTS)
    cursors = Cursors(door.cipher, question("history", order, person_id))
    async with door.database.reading() as conn:
        await queries.ensure_visible(conn, person_id, who)
        return page(request, *await queries.history_page(conn, cursors, person_id, order, wanted))


@router.get("/persons/{person_id}/changes", response_model=ChangePage, openapi_extra=described(ChangesQuery))
async def changes(
    person_id: UUID, request: Request, who: Reader, wanted: Annotated[ChangesQuery, Depends(asked(ChangesQuery))], door: InDoor
) -> Response:
    """Every change of a field: before, after, who, why, on which document; sensitive values masked."""
    order = ordered(wanted.sort, queries.CHANGE_SORTS)
    cursors = Cursors(door.cipher, question("changes", order, person_id))
    async with door.database.reading() as conn:
        await queries.ensure_visible(conn, person_id, who)
        return page(request, *await queries.changes_page(conn, cursors, person_id, order, wanted))


@router.post("/persons/{person_id}/updates", status_code=204)
async def update_person(
    person_id: UUID, body: UpdateBody, who: Annotated[Who, Depends(Permit("persons.update"))], key: IdempotencyKey, door: InDoor
) -> None:
    """Change what is no key item (★), by the unit itself."""
    await _ensure_visible(door, person_id, who)
    what = UpdatePerson.model_validate({"person_id": person_id} | fields(body))
    await commands.update_person(door.database, door.cipher, door.by(who, key, body), what)


@router.post("/persons/{person_id}/reveal")
async def reveal(
    person_id: UUID, body: RevealBody, who: Annotated[Who, Depends(Permit("persons.reveal"))], key: IdempotencyKey, door: InDoor
) -> queries.Revealed:
    """Name and number in full; who asked and why is written down first."""
    await _ensure_visible(door, person_id, who)
    await commands.record_reveal(door.database, door.by_each_time(who, key, body), RevealPerson(person_id=person_id, reason=body.reason))
    async with door.database.glancing() as conn:
        return await queries.revealed(conn, door.cipher, person_id)


@router.get("/reveals")
async def reveals(
    _: Annotated[Who, Depends(Permit("audit.read", "public"))],
    door: InDoor,
    person_id: UUID | None = None,
    actor: str | None = None,
    before: RowNumber | None = None,
    limit: Limit = 50,
) -> RevealPage:
    """Who saw whose number in full, and why: of one person, by one user, or all."""
    async with door.database.glancing() as conn:
        items = await queries.reveals(conn, person_id, actor, before, limit)
    return RevealPage(items=items, next=items[-1].id if len(items) == limit else None)


@router.post("/persons/{person_id}/corrections", status_code=204)
async def correct_person(
    person_id: UUID,
    body: CorrectionBody,
    who: Annotated[Who, Depends(Permit("roster.correct"))],
    key: IdempotencyKey,
    door: InDoor,
) -> None:
    """Correct what was recorded wrongly of a person, with proof. What is another from a day on is no correction: a key item's change is a case."""
    await _ensure_visible(door, person_id, who)
    what = CorrectPerson.model_validate({"person_id": person_id} | fields(body))
    await corrections.correct_person(door.database, door.cipher, door.by(who, key, body), what)


async def _ensure_visible(door: InDoor, person_id: UUID, who: Who) -> None:
    async with door.database.glancing() as conn:
        await queries.ensure_visible(conn, person_id, who)
