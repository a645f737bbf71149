"""A Kafka record as a consumer gets it, and a service with one router of those that every service has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import httpx
from fastapi import APIRouter, FastAPI

from deploy.local.place import Place
from shared.auth import Tokens, Who
from shared.dead_letters import Kept
from shared.events.roster import QuotaChanged
from shared.glossary import Role
from shared.http import serve, service_app


def record(traced: dict[str, str]) -> Kept:
    """A quota that changed, caused by what these headers name."""
    event = QuotaChanged(occurred_at=datetime(2026, 9, 18, 1, tzinfo=UTC), unit_id=uuid4(), version=1, effective_on=date(2026, 9, 1))
    headers = tuple((name, value.encode()) for name, value in (event.headers() | traced).items())
    return Kept("roster.events", 0, 7, event.key.encode(), event.body(), headers)


@asynccontextmanager
async def asked_by(role: Role, stack: Place, router: APIRouter, **state: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The roster with this router alone, asked by somebody. `state`: its database, and whatever else the router looks for."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    secrets = stack.home / "secrets"
    tokens = Tokens((secrets / "token.pub").read_text(), (secrets / "token.key").read_text())
    app = service_app("roster", lifespan)
    for name, value in (state | {"tokens": tokens}).items():
        setattr(app.state, name, value)
    serve(app, [router])
    headers = {
        "Authorization": f"Bearer {tokens.issue(Who('somebody', frozenset({role})), datetime.now(UTC))}",
        "Idempotency-Key": uuid4().hex,
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers) as client:
        yield client
