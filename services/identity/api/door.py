"""What the routes share: who asks, from where, and when."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request

from services.identity.commands.gate import Gate
from services.identity.models.sign_in import Knock
from shared.auth import Permit, Who
from shared.clock import Clock
from shared.db import By
from shared.events.envelope import uuid7

BEGINNING = UUID(int=0)
AGENT_LENGTH = 300
Self = Annotated[Who, Depends(Permit("account.read", "self"))]
Keeper = Annotated[Who, Depends(Permit("account.keep", "self"))]
SystemAdministrator = Annotated[Who, Depends(Permit("users.maintain", "public"))]
SessionKey = Annotated[
    str | None,
    Header(alias="X-Session", max_length=100, description="The session's key, as the browser's cookie holds it; never in a URL."),
]


async def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


async def _knock(request: Request, user_agent: Annotated[str, Header(include_in_schema=False)] = "") -> Knock:
    """The browser's address is what uvicorn takes from `X-Forwarded-For` of a neighbour on this machine (or FORWARDED_ALLOW_IPS)."""
    return Knock(request.client.host if request.client else "", user_agent[:AGENT_LENGTH], datetime.now(UTC))


Guard = Annotated[Gate, Depends(_gate)]
From = Annotated[Knock, Depends(_knock)]


def by_now(request: Request, actor: str) -> By:
    """The mandate of a request that is another one each time."""
    clock: Clock = request.app.state.clock
    return By(actor, clock.now(), f"account:{uuid7()}")
