"""The way from an application to its case and so to its traces (`/cases/{case_id}/trace`). Ids only."""

from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from services.approval.queries.cases import cases_of
from shared.auth import Permit, Who
from shared.door import Db

router = APIRouter(tags=["traces"])


@router.get("/cases")
async def list_cases(
    _: Annotated[Who, Depends(Permit("traces.read", "public"))], database: Db, of: Annotated[str, Query(min_length=1, max_length=80)]
) -> list[str]:
    """The case of an application, by its number or its id."""
    id_ = None
    with suppress(ValueError):
        id_ = UUID(of)
    async with database.glancing() as conn:
        return await cases_of(conn, of, id_)
