"""What people are called: pages show names, records keep login names."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.identity.queries import accounts as queries
from shared.auth import Permit, Who
from shared.door import Db

router = APIRouter()
Names = Annotated[list[str], Query(max_length=100)]


@router.get("/colleagues")
async def names_of(_: Annotated[Who, Depends(Permit("account.read", "public"))], database: Db, name: Names = []) -> dict[str, str]:  # noqa: B006  FastAPI copies it
    """The names of these accounts, by login name; one that is none is left out."""
    async with database.reading() as conn:
        return await queries.real_names(conn, name)
