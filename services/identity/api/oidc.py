"""Sign-in by the office's OpenID provider. The routes exist only where one is set."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.identity.api.door import From, Guard, SessionKey, by_now
from services.identity.api.limits import SignInLimits
from services.identity.api.provider import Provider
from services.identity.commands.sign_in import sign_in_by_provider
from shared.door import Db

router = APIRouter(prefix="/oidc")
Short = Annotated[str, Field(min_length=1, max_length=4000)]


class Wish(BaseModel):
    """Where the browser wants to go afterwards: a path of the portal, never another site."""

    model_config = ConfigDict(extra="forbid")

    return_to: str = Field("/", pattern=r"^/([^/\\\s][^\\\s]*)?$", max_length=1000)


class Returned(BaseModel):
    """What the provider sent the browser back with, and what the browser had kept."""

    model_config = ConfigDict(extra="forbid")

    code: Short
    state: Short
    kept: Short


@dataclass(frozen=True)
class Away:
    """Where the browser goes, and what it keeps meanwhile (in a cookie of ten minutes)."""

    url: str
    kept: str


@dataclass(frozen=True)
class Vouched:
    """A session that began; the provider asks for passwords and codes, so nothing has to be done first."""

    session: str
    must_change_password: bool
    needs_code: bool
    ends_at: datetime
    return_to: str


@router.post("/requests", status_code=201)
async def begin(request: Request, body: Wish) -> Away:
    """Begin: the address of the provider's page."""
    provider: Provider = request.app.state.provider
    url, kept = await provider.begin(body.return_to)
    return Away(url, kept)


@router.post("/sessions", status_code=201)
async def open_session(request: Request, body: Returned, database: Db, gate: Guard, knock: From, before: SessionKey = None) -> Vouched:
    """The browser is back: a session for the account that the provider vouches for. None is made here for a name that is not known."""
    limits: SignInLimits = request.app.state.sign_in_limits
    limits.take("", knock.address)
    provider: Provider = request.app.state.provider
    opened, return_to = await sign_in_by_provider(
        database, gate.policy, by_now(request, ""), knock, provider.end(body.code, body.state, body.kept), before
    )
    limits.succeeded("", knock.address)
    return Vouched(opened.key, must_change_password=False, needs_code=False, ends_at=opened.ends_at, return_to=return_to)
