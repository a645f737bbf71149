"""Lists of people, masked: who is on the roster, of a unit or of a subtree; and whose name or number is known."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from services.roster.api.door import AsOf, Door, InDoor
from services.roster.models.people import PersonFilter, PersonSearch, Population
from services.roster.queries import units as unit_queries
from services.roster.queries.person_lists import FIELDS, PersonLine, PersonPages, order_of
from shared.auth import Permit, Who
from shared.pages import Paging, chosen, page

router = APIRouter()
Reader = Annotated[Who, Depends(Permit("persons.read"))]


class PersonPage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[PersonLine]
    next: str | None


class PersonQuery(PersonFilter, AsOf, Paging):
    """A page of people, by `name`, `birth_on` or `started_on`."""

    sort: str = "name"


class OwnQuery(AsOf, Paging):
    """A page of a unit's own people."""

    sort: str = "name"
    population: Population | None = None


class SearchBody(PersonSearch, AsOf, Paging):
    """The same, of those whose name or number is known."""

    sort: str = "name"


@router.get("/persons", response_model=PersonPage)
async def persons(wanted: Annotated[PersonQuery, Query()], request: Request, who: Reader, door: InDoor) -> Response:
    """People by unit, post and status. By name or number they are asked for in a body: `POST /persons/search`."""
    return await _page(request, door, who, wanted, wanted)


@router.post("/persons/search", response_model=PersonPage)
async def search(body: SearchBody, request: Request, who: Reader, door: InDoor) -> Response:
    """People by name, by how it is spelt, or by the whole number, besides all that `GET /persons` knows: neither stands in a URL."""
    return await _page(request, door, who, body, body)


@router.get("/units/{unit_id}/persons", response_model=PersonPage)
async def persons_of(unit_id: UUID, wanted: Annotated[OwnQuery, Query()], request: Request, who: Reader, door: InDoor) -> Response:
    """Who holds a post of the unit itself; of one population (机关事业, 编外, 国资), or of all."""
    return await _page(request, door, who, PersonFilter(unit=unit_id, below=False, population=wanted.population), wanted)


async def _page(request: Request, door: Door, who: Who, wanted: PersonFilter, asked: PersonQuery | OwnQuery | SearchBody) -> Response:
    order = order_of(asked.sort, wanted.name if isinstance(wanted, PersonSearch) else None)
    lines = PersonPages(who, wanted, asked.moment, order, chosen(asked.fields, FIELDS))
    async with door.database.searching() as conn:
        if wanted.unit:
            await unit_queries.ensure_visible(conn, wanted.unit, who)
        return page(request, *await lines.page(conn, door.cipher, asked.after, asked.limit, door.database.shut))
