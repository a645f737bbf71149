"""Who the caller is."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request

from services.identity.api.door import Keeper, Self
from services.identity.commands.rights import end_proxy
from services.identity.models.accounts import EndProxy, Proxy
from services.identity.queries import accounts as queries
from shared.door import Db, Write, by_of
from shared.glossary import LABELS
from shared.http import IdempotencyKey

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


@dataclass(frozen=True)
class Proxies:
    """Who stands in for the caller, and for whom he stands in, now or later; `names`: what they are called."""

    items: list[Proxy]
    names: dict[str, str]


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


@router.get("/me/proxies")
async def my_proxies(request: Request, who: Self, database: Db) -> Proxies:
    """代办 that concern the caller."""
    async with database.reading() as conn:
        found = await queries.proxies_of(conn, who.name, request.app.state.clock.now())
        names = await queries.real_names(conn, [name for each in found for name in (each.user, each.absent)])
    return Proxies(found, names)


@router.post("/me/proxies/{proxy_id}/end")
async def end_my_proxy(request: Request, proxy_id: UUID, who: Keeper, database: Db, idempotency_key: IdempotencyKey, body: Write) -> Proxy:
    """Who is stood in for is back, and ends it himself."""
    return await end_proxy(database, by_of(request, who, idempotency_key, body), EndProxy(proxy_id=proxy_id, of=who.name))
