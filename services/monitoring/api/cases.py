"""The way from an issue or a freeze order to its cases and so to their traces (`/cases/{case_id}/trace`). Ids only."""

from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from services.monitoring.api.asked import Asking
from services.monitoring.queries.cases import cases_of
from shared.auth import Permit, Who

router = APIRouter(tags=["traces"])


@router.get("/cases")
async def list_cases(
    asked: Asking, _: Annotated[Who, Depends(Permit("traces.read", "public"))], of: Annotated[str, Query(min_length=1, max_length=80)]
) -> list[str]:
    """Cases of an issue or a freeze order, by number or id."""
    id_ = None
    with suppress(ValueError):
        id_ = UUID(of)
    async with asked.database.glancing() as conn:
        return await cases_of(conn, of, id_)
