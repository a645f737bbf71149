"""Names for those who audit: records hold ids, their readers read names."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from services.roster.api.door import InDoor
from services.roster.queries import names as queries
from shared.auth import Permit, Who
from shared.pages import Limit

router = APIRouter()
Auditor = Annotated[Who, Depends(Permit("audit.read"))]
Ids = Annotated[list[UUID] | None, Query(max_length=200)]


@router.get("/names")
async def names_of(who: Auditor, door: InDoor, unit: Ids = None, person: Ids = None) -> queries.Names:
    """What these units and people are called; people by surname and unit alone."""
    async with door.database.glancing() as conn:
        return await queries.names_of(conn, who, unit or [], person or [])


@router.get("/names/units")
async def units_called(
    who: Auditor, door: InDoor, words: Annotated[str, Query(min_length=1, max_length=60)], limit: Limit = 200
) -> list[queries.UnitName]:
    """Units by a part of a name, as written or as spelt, closed ones too."""
    async with door.database.searching() as conn:
        return await queries.units_called(conn, who, words, limit)
