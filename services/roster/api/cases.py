"""The way from an import or a comparison to its case and so to its traces (`/cases/{case_id}/trace`). Ids only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from services.roster.api.door import InDoor
from services.roster.queries.cases import cases_of
from shared.auth import Permit, Who

router = APIRouter(tags=["traces"])


@router.get("/cases")
async def list_cases(
    door: InDoor, _: Annotated[Who, Depends(Permit("traces.read", "public"))], of: Annotated[str, Query(min_length=1, max_length=80)]
) -> list[str]:
    """The case of an import or a comparison, by its id; none for what is no id."""
    try:
        id_ = UUID(of)
    except ValueError:
        return []
    async with door.whole.glancing() as conn:
        return await cases_of(conn, id_)
