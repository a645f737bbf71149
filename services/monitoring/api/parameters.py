"""Rule parameters and freeze policies as versioned rows."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, JsonValue

from services.monitoring.api.asked import Asking, Body
from services.monitoring.commands.parameters import set_parameter
from services.monitoring.models.requests import SetParameter
from services.monitoring.queries.parameters import ParameterLine, parameters
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.http import IdempotencyKey

router = APIRouter(prefix="/parameters", tags=["parameters"])
Reader = Annotated[Who, Depends(Permit("lights.read", scope="public"))]
Keeper = Annotated[Who, Depends(Permit("parameters.maintain", scope="public"))]


class ParameterBody(Body):
    """A new version."""

    rule: str = Field(max_length=40)
    name: str = Field(max_length=60)
    value: JsonValue
    effective_on: date
    source: str = Field(min_length=1, max_length=500)
    owner: str = Field(min_length=1, max_length=100)


class Versioned(BaseModel):
    """The number of the new version."""

    version: int


@router.get("")
async def get_parameters(asked: Asking, who: Reader) -> list[ParameterLine]:  # noqa: ARG001  the declaration is the point
    """All versions of all parameters."""
    async with asked.database.reading() as conn:
        return await parameters(conn, business_day(asked.clock.now()))


@router.post("")
async def post_parameter(asked: Asking, who: Keeper, body: ParameterBody, idempotency_key: IdempotencyKey) -> Versioned:
    """Add a version; running cases keep what was pinned when they started."""
    what = SetParameter(**body.model_dump(exclude={"reason", "document_no"}))
    return Versioned(version=await set_parameter(asked.database, asked.by(who, idempotency_key, body), what))
