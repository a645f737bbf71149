"""What the doors of several services have in common: the database behind a request, and the mandate of a write."""

from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from shared.auth import Who
from shared.clock import Clock
from shared.db import By, Database


class Write(BaseModel):
    """What every write may carry beside its own fields."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: str = Field("", max_length=500)
    document_no: str | None = Field(None, max_length=80)


async def _database(request: Request) -> Database:  # async: FastAPI sends a plain function through a thread
    database: Database = request.app.state.database
    return database


Db = Annotated[Database, Depends(_database)]


def by_of(request: Request, who: Who, key: str, body: Write) -> By:
    """The mandate of a request that may be repeated."""
    clock: Clock = request.app.state.clock
    return By(who.name, clock.now(), f"{who.name}:{key}", body.reason, body.document_no)
