"""The portal as it runs, with the services behind it played: what they answer is the test's own, so that any refusal and any text can be planted."""

import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from starlette.datastructures import State

from deploy.local.place import CACHE
from services.portal.app import PUBLIC_REQUESTS, create_app
from services.portal.queries.services import connected
from services.portal.queries.sessions import Sessions
from shared.glossary import Role
from shared.guard import Rates

BASE = "https://bianban.test"
OURS = {"origin": BASE, "sec-fetch-site": "same-origin"}
COUNTS = ("todo", "to_read", "started", "done", "late", "due_soon")
XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@dataclass
class Played:
    """The services: `answers` by path, or by service or method and path (one that is called is asked with the query), `refusals` also by method, `problems`: what more they say; `asked` is what they were sent, `queries`
    with which parameters; `hidden` ids are answered as if they were not, wherever they stand; `sessions` are keys to roles, `new_keys` what some of them are now; `acts_for`: in whose stead the callers act; `streams` come piece by piece;
    `files` by path: content, type, disposition; `fields`: what a refusal says of single fields; `units`: whose the callers are.
    """

    answers: dict[str, Any] = field(
        default_factory=lambda: {
            "/tasks/counts": dict.fromkeys(COUNTS, 0),
            "/upkeep/positions": {"ends": [], "consumed": [], "unsent": 0, "parked": 0},
            "/figures/as-of": {"positions": []},
        }
    )
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    problems: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any, httpx.Headers]] = field(default_factory=list)
    sessions: dict[str, frozenset[Role]] = field(default_factory=dict)
    queries: list[tuple[str, str, list[tuple[str, str]]]] = field(default_factory=list)
    streams: dict[str, Callable[[], AsyncIterator[bytes]]] = field(default_factory=dict)
    files: dict[str, tuple[bytes, str, str]] = field(default_factory=dict)
    fields: list[dict[str, str]] | None = None
    hidden: set[str] = field(default_factory=set)
    units: list[str] | None = None
    new_keys: dict[str, str] = field(default_factory=dict)
    acts_for: list[dict[str, str]] = field(default_factory=list)
    patience: dict[str, float] = field(default_factory=dict)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        body = await request.aread()
        self.patience[f"{request.method} {path}"] = request.extensions["timeout"]["read"]
        self.asked.append((request.method, path, body, request.headers))
        self.queries.append((request.method, path, request.url.params.multi_items()))
        hidden = any(each in f"{request.url} {body!r}" for each in self.hidden)
        if refusal := (404, "unknown") if hidden else self.refusals.get(f"{request.method} {path}", self.refusals.get(path)):
            status, code = refusal
            said: dict[str, Any] = {
                "status": status,
                "code": code,
                "title": "不行",
                "detail": f"原因：{XSS}",
                "fields": self.fields,
            } | self.problems.get(path, {})
            return httpx.Response(status, json=said)
        if path in self.files:
            content, kind, disposition = self.files[path]
            return httpx.Response(200, content=content, headers={"content-type": kind, "content-disposition": disposition})
        if path == "/sessions/token":
            return self._token(request.headers.get("x-session", ""))
        if path in self.streams:
            return httpx.Response(200, content=self.streams[path](), headers={"content-type": "text/event-stream; charset=utf-8"})
        named = (f"{request.method} {path}", f"{request.url.host}{path}", path)
        found: Any = next((self.answers[name] for name in named if name in self.answers), {"items": [], "next": None})
        found = found(request.url.params) if callable(found) else found
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    def _token(self, key: str) -> httpx.Response:
        if key not in self.sessions:
            return httpx.Response(401, json={"status": 401, "code": "session_ended", "title": "登录已结束", "detail": "请重新登录。"})
        told = {
            "token": f"token-{key}",
            "session": self.new_keys.get(key, key),
            "name": "zhou",
            "real_name": f"周{XSS}",
            "csrf": f"csrf-{key}",
        }
        told |= {"idle_ends_at": "2026-09-18T10:00:00Z", "ends_at": "2026-09-18T20:00:00Z"}
        return httpx.Response(
            200, json=told | {"roles": {role: role for role in self.sessions[key]}, "unit_ids": self.units, "acts_for": self.acts_for}
        )


@dataclass
class Door:
    """A browser without a script: `app` and what stands behind it."""

    client: httpx.AsyncClient
    app: FastAPI
    played: Played

    def sign_in(self, *roles: Role) -> str:
        """A session of somebody with these roles; the mark of its forms."""
        key = f"key-{len(self.played.sessions)}"
        self.played.sessions[key] = frozenset(roles)
        self.client.cookies.set(self.app.state.cookie, key)
        return f"csrf-{key}"


@cache
def _made(_: frozenset[tuple[str, str]]) -> tuple[FastAPI, State]:
    """The portal of this environment, and its state as it begins: to compile templates and resolve routes takes longer than most tests."""
    app = create_app()
    return app, app.state


@pytest_asyncio.fixture
async def door(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    given = {f"BIANBAN_{name}_URL": f"http://{name.lower()}" for name in ("IDENTITY", "ROSTER", "APPROVAL", "MONITORING", "REPORTING")}
    given |= {"BIANBAN_ENVIRONMENT": "production", "BIANBAN_ISSUER": "编办", "PORTAL_ASSETS": str(CACHE / "assets")}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("BIANBAN_CLOCK_FILE", raising=False)
    told = frozenset((name, value) for name, value in os.environ.items() if name.startswith(("BIANBAN_", "PORTAL_")))
    (app, begins), played = _made(told), Played()
    app.state = State({**begins._state, "rates": Rates(PUBLIC_REQUESTS)})
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(app.router.lifespan_context(app))
        addresses = {name: f"http://{name}" for name in ("identity", "roster", "approval", "monitoring", "reporting")}
        app.state.services = await opened.enter_async_context(connected(addresses, httpx.MockTransport(played.answer)))
        app.state.sessions = Sessions(app.state.services)
        client = await opened.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=BASE)
        )
        yield Door(client, app, played)


def pressed_by_enter(page: str) -> list[str]:
    """The button that Enter in a line presses, of each form with a line: the first one, where it is not disabled."""
    forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", page, re.DOTALL)
    lined = [form for form in forms if re.search(r'<input (?![^>]*type="(?:hidden|file|checkbox|radio|date)")', form)]
    buttons = [re.findall(r'<button[^>]*type="submit".*?</button>', form, re.DOTALL) for form in lined]
    return [first for first, *_ in buttons if "disabled" not in first]
