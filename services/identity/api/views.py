"""Saved views of lists: one's own, by name."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.identity.api.door import Keeper, Self
from services.identity.commands import views as commands
from services.identity.models.views import SaveView, View
from services.identity.queries import views as queries
from shared.door import Db

router = APIRouter()
AREA = r"^[a-z-]{1,30}$"


class NewView(BaseModel):
    """A name, and what stands after `?` in the list's address. The same name again is changed in place."""

    model_config = ConfigDict(extra="forbid")

    area: Annotated[str, StringConstraints(pattern=AREA)]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)]
    query: Annotated[str, StringConstraints(max_length=1000)]


@dataclass(frozen=True)
class Views:
    """One's own views of an area."""

    items: list[View]


@router.get("/me/views")
async def list_views(who: Self, database: Db, area: Annotated[str, Query(pattern=AREA)]) -> Views:
    """One's own views of an area, oldest first."""
    async with database.reading() as conn:
        return Views(await queries.views_of(conn, who.name, area))


@router.post("/me/views", status_code=201)
async def save_view(who: Keeper, database: Db, body: NewView) -> View:
    """Keep a view under a name."""
    return await commands.save(database, who.name, SaveView.model_validate(body.model_dump()))


@router.delete("/me/views/{view_id}", status_code=204)
async def forget_view(view_id: UUID, who: Keeper, database: Db) -> Response:
    """Forget one."""
    await commands.forget(database, who.name, view_id)
    return Response(status_code=204)
