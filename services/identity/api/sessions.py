"""Sign-in, the session that follows, and its end."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from services.identity.api.door import From, Guard, Keeper, Self, SessionKey, SystemAdministrator, by_now
from services.identity.api.limits import SignInLimits
from services.identity.commands import sessions as commands
from services.identity.commands.gate import Gate
from services.identity.commands.sign_in import sign_in
from services.identity.models.sign_in import ActsFor, Demands, Kept, OfAccount, Opened, Session, Tried
from services.identity.queries import accounts, credentials
from services.identity.queries import sessions as queries
from shared.auth import LIFETIME, Tokens, Who
from shared.db import Connection, Database
from shared.door import Db, Write, by_of
from shared.glossary import LABELS
from shared.http import IdempotencyKey

router = APIRouter()
LONGEST = 128
Password = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\d{6}$")]


class SignIn(BaseModel):
    """What somebody types to sign in."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=60)]
    password: Password
    code: Code | None = None


@dataclass(frozen=True)
class SignedIn:
    """A session that began. `session` is its key, told here and nowhere again. The two demands are met before anything else is allowed;
    `needs_code`: the house asks for a second factor, and there is none yet.
    """

    session: str
    must_change_password: bool
    needs_code: bool
    ends_at: datetime


@dataclass(frozen=True)
class SessionToken:
    """A token for the services, and what a page shows of the session. `session` is another key than before when rights have changed;
    while there are demands, roles and units are empty. `draft_key`: under which a browser keeps what he has half written.
    """

    token: str
    session: str
    name: str
    real_name: str
    roles: dict[str, str]
    unit_ids: tuple[UUID, ...] | None
    acts_for: list[ActsFor]
    csrf: str
    idle_ends_at: datetime
    ends_at: datetime
    must_change_password: bool
    needs_code: bool
    draft_key: UUID


@dataclass(frozen=True)
class Sessions:
    """One's own sessions."""

    items: list[Session]


@dataclass(frozen=True)
class Ended:
    """How many sessions ended."""

    sessions: int


@router.post("/sessions", status_code=201)
async def open_session(request: Request, body: SignIn, database: Db, gate: Guard, knock: From, before: SessionKey = None) -> SignedIn:
    """Sign in by password, and by code where there is a second factor. A session the browser had before ends."""
    limits: SignInLimits = request.app.state.sign_in_limits
    limits.take(body.name, knock.address)
    tried = Tried(body.name, body.password.get_secret_value(), body.code)
    opened = await sign_in(database, gate, by_now(request, ""), knock, tried, before)
    limits.succeeded(body.name, knock.address)
    return await signed_in(database, gate, opened, knock.at)


async def signed_in(database: Database, gate: Gate, opened: Opened, at: datetime) -> SignedIn:
    """What the browser is told of a new session."""
    kept = await commands.use(database, gate.policy, opened.key, at)
    async with database.reading() as conn:
        demands = await _demands(conn, gate, kept, at)
    return SignedIn(opened.key, demands.password, demands.code, opened.ends_at)


@router.post("/sessions/token")
async def issue_token(request: Request, database: Db, gate: Guard, knock: From, key: SessionKey = None) -> SessionToken:
    """A short-lived token with the rights of this moment; the session's idle end moves."""
    kept = await commands.use(database, gate.policy, key, knock.at)
    business_now = request.app.state.clock.now()
    async with database.reading() as conn:
        account = await accounts.user(conn, kept.user)
        demands = await _demands(conn, gate, kept, knock.at)
        who = await accounts.who(conn, kept.user, business_now)
        acts_for = await queries.acts_for(conn, kept.user, business_now)
        draft_key = await queries.draft_key(conn, kept.user)
    if demands.any:
        who, acts_for = Who(kept.user, frozenset(), ()), []
    return SessionToken(
        _token(request.app.state.tokens, who, kept),
        kept.key,
        kept.user,
        account.real_name,
        {role: LABELS[role] for role in sorted(who.roles)},
        who.units,
        acts_for,
        kept.csrf,
        kept.idle_ends_at,
        kept.ends_at,
        demands.password,
        demands.code,
        draft_key,
    )


def _token(tokens: Tokens, who: Who, kept: Kept) -> str:
    """Never beyond the session."""
    now = datetime.now(UTC)
    return tokens.issue(replace(who, session=kept.id), now, min(LIFETIME, kept.ends_at - now), since=kept.made_at)


async def _demands(conn: Connection, gate: Gate, kept: Kept, at: datetime) -> Demands:
    found = await credentials.credentials_of(conn, kept.user)
    return queries.demands_of(found, kept, gate.policy, at) if found else Demands(password=False, code=False)


@router.delete("/sessions", status_code=204)
async def sign_out(request: Request, database: Db, knock: From, key: SessionKey = None) -> Response:
    """End the session of the key; harmless when it is over."""
    if key:
        await commands.sign_out(database, by_now(request, ""), key, knock)
    return Response(status_code=204)


@router.get("/me/sessions")
async def list_own_sessions(who: Self, database: Db, knock: From) -> Sessions:
    """One's own sessions that go on."""
    async with database.reading() as conn:
        return Sessions(await queries.sessions_of(conn, who.name, who.session, knock.at))


@router.delete("/me/sessions/{session_id}", status_code=204)
async def end_own_session(request: Request, session_id: UUID, who: Keeper, database: Db, knock: From) -> Response:
    """End one of one's own sessions."""
    await commands.end_one(database, by_now(request, who.name), session_id, knock)
    return Response(status_code=204)


@router.delete("/users/{name}/sessions")
async def end_sessions(
    request: Request, name: str, who: SystemAdministrator, database: Db, knock: From, idempotency_key: IdempotencyKey
) -> Ended:
    """End every session of an account. Its tokens end within 15 minutes."""
    what = OfAccount(user=name, at=knock.at, address=knock.address)
    return Ended(await commands.end_all(database, by_of(request, who, idempotency_key, Write()), what))
