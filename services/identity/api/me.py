"""Who the caller is."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request

from services.identity.api.door import Db, Self
from services.identity.queries import accounts as queries
from shared.glossary import LABELS

router = APIRouter()


@dataclass(frozen=True)
class Me:
    """The caller as his token describes him."""

    name: str
    roles: dict[str, str]
    unit_ids: tuple[UUID, ...] | None
    acts_for: tuple[str, ...]


@dataclass(frozen=True)
class Renewed:
    """A token in place of the present one."""

    token: str


@router.get("/me")
async def me(who: Self) -> Me:
    """Who the caller is."""
    return Me(who.name, {role: LABELS[role] for role in sorted(who.roles)}, who.units, who.acts_for)


@router.post("/me/token")
async def renew_token(request: Request, who: Self, database: Db) -> Renewed:
    """A new token, before the present one ends: with the rights he has now, until 8 hours after the first. Of a session: `/sessions/token`."""
    now, tokens = request.app.state.clock.now(), request.app.state.tokens
    async with database.reading() as conn:
        as_he_is = await queries.who(conn, who.name, now)
    present = request.headers["authorization"].partition(" ")[2]
    return Renewed(tokens.renew(present, as_he_is, datetime.now(UTC)))
