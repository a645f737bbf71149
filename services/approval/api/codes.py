"""The code lists a form must choose from. Entry and exit reasons, kinds and fundings are the roster's (`/codes` there)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from services.approval.queries import codes as queries
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.door import Db

router = APIRouter()


@router.get("/codes")
async def codes(_: Annotated[Who, Depends(Permit("applications.read", "public"))], request: Request, database: Db) -> queries.Codes:
    """The code lists in force today."""
    async with database.reading() as conn:
        return await queries.codes(conn, business_day(request.app.state.clock.now()))


@router.get("/chains")
async def chains(_: Annotated[Who, Depends(Permit("rules.read", "public"))], database: Db) -> list[queries.ShownChain]:
    """审批链: who decides what in which order, and within how many working days."""
    async with database.reading() as conn:
        return await queries.chains(conn)
