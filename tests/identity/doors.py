"""The application of identity with a client, and how tests knock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from deploy.identity import tokens
from deploy.local.place import Place
from services.identity.app import create_app
from services.identity.commands import hashing
from shared.auth import Tokens, Who
from shared.db import Database
from shared.glossary import Role

PASSWORD = "Kranich-47-über-Wasser"
ADDRESS = "10.33.4.99"
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class Door:
    """`ask` calls in a role; `by_token` and `by_session` as a browser's portal does."""

    client: httpx.AsyncClient
    signer: Tokens
    app: FastAPI

    @property
    def database(self) -> Database:
        found: Database = self.app.state.database
        return found

    async def ask(self, method: str, path: str, role: Role | None, body: object = None, name: str = "somebody") -> httpx.Response:
        headers = {"idempotency-key": str(uuid4())}
        if role is not None:
            headers["authorization"] = f"Bearer {self.signer.issue(Who(name, frozenset({role})), datetime.now(UTC))}"
        path = path.format(name="zhang", role="observer", session_id=uuid4(), view_id=uuid4(), proxy_id=uuid4(), export_id=uuid4())
        return await self.client.request(method, path, headers=headers, json=body)

    async def as_bearer(self, token: str, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}", "idempotency-key": str(uuid4())}
        return await self.client.request(method, path, headers=headers, json=body)

    async def sign_in(self, name: str = "zhang", password: str = PASSWORD, **more: Any) -> httpx.Response:
        headers = {"x-session": more.pop("before")} if "before" in more else {}
        return await self.client.post("/sessions", json={"name": name, "password": password, **more}, headers=headers)

    async def in_session(self, key: str, method: str = "POST", path: str = "/sessions/token") -> httpx.Response:
        return await self.client.request(method, path, headers={"x-session": key})

    async def token(self, key: str) -> str:
        return str((await self.in_session(key)).json()["token"])

    async def register(self, name: str = "zhang", role: Role | None = Role.OBSERVER) -> None:
        """An account with a role and no password yet."""
        await self.ask("POST", "/users", Role.SYSTEM_ADMIN, {"name": name, "real_name": "甲"}, "sysadmin")
        if role is not None:
            await self.ask("POST", f"/users/{name}/roles", Role.SECURITY_ADMIN, {"role": role}, "secadmin")

    async def one_time(self, name: str = "zhang", **more: Any) -> str:
        answer = await self.ask("POST", f"/users/{name}/one-time-password", Role.SYSTEM_ADMIN, more, "sysadmin")
        return str(answer.json()["one_time_password"])

    async def account(self, name: str = "zhang", role: Role | None = Role.OBSERVER) -> str:
        """An account that has set its own password, signed in: the key of its session."""
        await self.register(name, role)
        await self.rows(
            "INSERT INTO credentials (user_id, password_hash, set_at) SELECT id, $2, now() FROM users WHERE name = $1", name, kept_hash()
        )
        return str((await self.sign_in(name)).json()["session"])

    async def rows(self, statement: str, *values: object) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self.database.pool.fetch(statement, *values)
        return found

    async def deeds(self) -> list[tuple[str, str | None, str]]:
        """The record of sign-ins: what, whose account, who did it."""
        return [(row["deed"], row["user_name"], row["actor"]) for row in await self.rows("SELECT * FROM account_records ORDER BY id")]


async def waiting(door: Door) -> None:
    """Until another transaction waits for a lock."""
    blocked = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not await door.rows(blocked):  # noqa: ASYNC110  the server cannot call back
        await asyncio.sleep(0.02)


@cache
def kept_hash() -> str:
    return _QUICK.hash(PASSWORD)


def hash_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth of the work for each password, known or not; `test_passwords.py` sees that the house does all of it."""
    monkeypatch.setattr(hashing, "_HASHER", _QUICK)
    monkeypatch.setattr(hashing, "NOBODYS", _QUICK.hash("nobody's"))


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Door]:
    """The application as the environment describes it."""
    app = create_app()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(ADDRESS, 50000))
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://identity"))
        yield Door(client, tokens(place), app)
