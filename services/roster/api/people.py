"""Lists of people, masked: who is on the roster, of a unit or of a subtree; and whose name or number is known."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from services.roster.api.door import AsOf, Door, InDoor
from services.roster.models.people import PersonFilter, PersonSearch, Population
from services.roster.queries.exports import EXPORTS
from services.roster.queries.person_lists import FIELDS, PersonLine, PersonPages, order_of
from services.roster.queries.units import ensure_asked_rightly
from shared.auth import Permit, Who
from shared.pages import Paging, asked, chosen, described, page

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


@router.get("/persons", response_model=PersonPage, openapi_extra=described(PersonQuery))
async def persons(request: Request, who: Reader, wanted: Annotated[PersonQuery, Depends(asked(PersonQuery))], door: InDoor) -> Response:
    """People by unit, post and status. By name or number they are asked for in a body: `POST /persons/search`."""
    return await _page(request, door, who, wanted, wanted)


@router.post("/persons/search", response_model=PersonPage)
async def search(body: SearchBody, request: Request, who: Reader, door: InDoor) -> Response:
    """People by name, by how it is spelt, or by the whole number, besides all that `GET /persons` knows: neither stands in a URL."""
    request.app.state.searches.take(who.name)
    return await _page(request, door, who, body, body)


@router.get("/units/{unit_id}/persons", response_model=PersonPage, openapi_extra=described(OwnQuery))
async def persons_of(
    unit_id: UUID, request: Request, who: Reader, wanted: Annotated[OwnQuery, Depends(asked(OwnQuery))], door: InDoor
) -> Response:
    """Who holds a post of the unit itself; of one population (机关事业, 编外, 国资), or of all."""
    return await _page(request, door, who, PersonFilter(unit=unit_id, below=False, population=wanted.population), wanted)


async def _page(request: Request, door: Door, who: Who, wanted: PersonFilter, query: PersonQuery | OwnQuery | SearchBody) -> Response:
    order = order_of(query.sort, wanted)
    lines = PersonPages(who, wanted, query.moment, order, chosen(query.fields, FIELDS))
    async with door.database.searching() as conn:
        person_ids, next_page = await lines.chosen(conn, door.cipher, query.after, query.limit)
        await ensure_asked_rightly(conn, wanted.unit, who, person_ids)
        await EXPORTS.ensure_known(conn, "persons", wanted.__dict__, person_ids)
    async with door.database.glancing() as conn:
        return page(request, await lines.shown(conn, door.cipher, person_ids), next_page)
