"""The demo's way in: pick whom to be. Its routes exist only where `IDENTITY_DEMO` is set, which production refuses."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.identity.api.door import From, Guard, SessionKey, by_now
from services.identity.api.sessions import SignedIn, signed_in
from services.identity.commands.sessions import begin
from services.identity.models.accounts import DemoUser
from services.identity.queries import accounts as queries
from shared.door import Db
from shared.glossary import SignInWay

router = APIRouter(prefix="/demo")


class Choice(BaseModel):
    """Whom to be."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=60)


@dataclass(frozen=True)
class DemoUsers:
    """Everybody there is."""

    items: list[DemoUser]


@router.get("/users")
async def list_demo_users(database: Db) -> DemoUsers:
    """Accounts with their roles and units, as a page to pick from shows them."""
    async with database.reading() as conn:
        return DemoUsers(await queries.demo_users(conn))


@router.post("/sessions", status_code=201)
async def open_demo_session(request: Request, body: Choice, database: Db, gate: Guard, knock: From, before: SessionKey = None) -> SignedIn:
    """Be somebody."""
    opened = await begin(database, gate.policy, by_now(request, body.name), knock, body.name, SignInWay.DEMO, before)
    return await signed_in(database, gate, opened, knock.at)
