"""The HTTP door of reporting: every route, who may pass it, and what it answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import APIRoute

from deploy.identity import tokens
from deploy.local.place import Place
from services.reporting import api
from services.reporting.app import create_app
from shared.auth import READERS, Tokens, Who
from shared.glossary import Role

ROUTES = sorted((method, route.path) for route in api.router.routes if isinstance(route, APIRoute) for method in route.methods or ())
FIGURES = {"distribution", "saturation", "retirements", "lights", "issues", "applications", "as-of"}
PERMITTED = {("GET", f"/figures/{figure}"): READERS for figure in FIGURES} | {
    ("POST", "/rebuilds"): {Role.SYSTEM_ADMIN},
    ("GET", "/rebuilds/{number}"): {Role.SYSTEM_ADMIN},
}


@dataclass
class Door:
    """The application with a client; `ask` calls it in a role."""

    client: httpx.AsyncClient
    signer: Tokens

    async def ask(self, method: str, path: str, role: Role, body: object = None) -> httpx.Response:
        token = self.signer.issue(Who("somebody", frozenset({role})), datetime.now(UTC))
        headers = {"idempotency-key": str(uuid4()), "authorization": f"Bearer {token}"}
        return await self.client.request(method, path.format(number=1), headers=headers, json=body)


@pytest_asyncio.fixture
async def door(stack: Place, database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    for name, value in (stack.variables("reporting") | {"REPORTING_DATABASE_URL": database("reporting")}).items():
        monkeypatch.setenv(name, value)
    app = create_app()
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = await opened.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://reporting"))
        yield Door(client, tokens(stack))


def test_every_route_stands_in_the_table() -> None:
    assert set(ROUTES) == set(PERMITTED)


@pytest.mark.asyncio
async def test_no_route_answers_without_a_token_or_with_a_wrong_one(door: Door) -> None:
    old = door.signer.issue(Who("mallory", frozenset(Role)), datetime.now(UTC) - timedelta(hours=9))

    for method, path in ROUTES:
        for headers in ({}, {"authorization": "Bearer nonsense"}, {"authorization": f"Bearer {old}"}):
            answer = await door.client.request(method, path.format(number=1), headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in"), (method, path, headers)


@pytest.mark.asyncio
async def test_each_route_is_open_to_its_roles_and_to_no_other(door: Door) -> None:
    for method, path in ROUTES:
        for role in Role:
            answer = await door.ask(method, path, role)
            assert (answer.status_code == 403) == (role not in PERMITTED[method, path]), (method, path, role, answer.text)


@pytest.mark.asyncio
async def test_an_empty_system_has_figures_of_nothing(door: Door) -> None:
    answers = {figure: (await door.ask("GET", f"/figures/{figure}", Role.OBSERVER)).json() for figure in FIGURES}

    assert answers["distribution"] == {"last_event_at": None, "group": "kind", "items": [], "totals": []}
    assert answers["saturation"]["items"] == answers["issues"]["items"] == answers["applications"]["items"] == []
    assert [item["count"] for item in answers["lights"]["items"]] == [0, 0, 0, 0]
    assert answers["as-of"] == {"generation": 1, "last_event_at": None, "positions": []}


@pytest.mark.asyncio
async def test_a_group_that_does_not_exist_is_malformed(door: Door) -> None:
    answer = await door.ask("GET", "/figures/distribution?group=colour", Role.OBSERVER)

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


@pytest.mark.asyncio
async def test_a_rebuild_is_asked_for_once_at_a_time(door: Door) -> None:
    first = await door.ask("POST", "/rebuilds", Role.SYSTEM_ADMIN, {"reason": "测试"})
    second = await door.ask("POST", "/rebuilds", Role.SYSTEM_ADMIN, {"reason": "测试"})
    shown = await door.ask("GET", f"/rebuilds/{first.json()['number']}", Role.SYSTEM_ADMIN)
    missing = await door.ask("GET", "/rebuilds/77", Role.SYSTEM_ADMIN)

    assert (first.status_code, first.json()["state"]) == (202, "building")
    assert (second.status_code, second.json()["code"]) == (409, "rebuild_runs")
    assert (shown.json()["asked_by"], missing.status_code) == ("somebody", 404)
