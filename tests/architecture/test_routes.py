"""Every route of every service declares a permission and a row scope, and refuses who has no token, a wrong one, or the wrong role."""

import importlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Route

from deploy.local.place import SERVICES, Place
from services.roster.models.fields import SHEETS, Kind
from shared.auth import OF_EVERYBODY, PERMISSIONS, Permit, Tokens, Who
from shared.glossary import Role

OPEN = {
    *("/live", "/ready", "/seal-callbacks", "/verifications"),
    *("/sessions", "/sessions/token", "/oidc/requests", "/oidc/sessions", "/demo/users", "/demo/sessions"),
}
"""Health; the seal platform's callback, which is authenticated by HMAC (tests/approval); 核验, which is for everybody who holds a document; the
ways in, by password, session key, provider or, in the demo, by choice (tests/identity).
"""


@pytest.fixture(params=SERVICES)
def app(request: pytest.FixtureRequest, stack: Place, database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    for name, value in stack.variables(request.param).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(f"{request.param.upper()}_DATABASE_URL", database(request.param))
    made: FastAPI = importlib.import_module(f"services.{request.param}.app").create_app()
    return made


def routes(app: FastAPI) -> list[APIRoute]:
    """Those of a router that is included, and not served, would not be among them."""
    assert all(isinstance(route, Route) for route in app.routes)
    return [route for route in app.routes if isinstance(route, APIRoute)]


def methods(route: APIRoute) -> list[str]:
    return sorted(route.methods or ())


def permits(dependant: Dependant) -> list[Permit]:
    own = [dependant.call] if isinstance(dependant.call, Permit) else []
    return own + [permit for each in dependant.dependencies for permit in permits(each)]


def guarded(app: FastAPI) -> list[APIRoute]:
    return [route for route in routes(app) if route.path not in OPEN]


@pytest.mark.asyncio
async def test_every_route_declares_one_permission_and_a_row_scope(app: FastAPI) -> None:
    declared = {f"{methods(route)} {route.path}": permits(route.dependant) for route in guarded(app)}

    assert declared
    assert {path: found for path, found in declared.items() if len(found) != 1 or found[0].permission not in PERMISSIONS} == {}
    assert {found[0].scope for found in declared.values()} <= {"public", "units", "self"}


def test_every_route_stands_in_the_description_by_which_row_scopes_are_tried(app: FastAPI) -> None:
    described = {(path, method.upper()) for path, found in app.openapi()["paths"].items() for method in found}

    assert {(route.path, method) for route in routes(app) for method in methods(route)} == described


@pytest.mark.asyncio
async def test_every_route_refuses_no_token_a_wrong_token_and_a_foreign_key(app: FastAPI, stack: Place) -> None:
    stranger = Tokens("", _foreign_key()).issue(Who("nobody", frozenset(Role)), datetime.now(UTC))
    good = Tokens(_secret(stack, "token.pub"), _secret(stack, "token.key")).issue(Who("nobody", frozenset(Role)), datetime.now(UTC))
    answers = {}
    async with app.router.lifespan_context(app), _client(app) as client:
        for route in guarded(app):
            for token in (None, "nonsense", good[:-6] + "AAAAAA", stranger):
                answers[route.path, str(methods(route)), token] = (await _ask(client, route, token)).status_code

    assert {asked: status for asked, status in answers.items() if status != 401} == {}


@pytest.mark.asyncio
async def test_every_route_refuses_each_role_without_its_permission(app: FastAPI, stack: Place) -> None:
    tokens = Tokens(_secret(stack, "token.pub"), _secret(stack, "token.key"))
    answers = {}
    async with app.router.lifespan_context(app), _client(app) as client:
        for route in guarded(app):
            for role in set(Role) - PERMISSIONS[permits(route.dependant)[0].permission]:
                token = tokens.issue(Who("somebody", frozenset({role})), datetime.now(UTC))
                answers[route.path, str(methods(route)), role] = (await _ask(client, route, token)).status_code

    assert {asked: status for asked, status in answers.items() if status != 403} == {}


@pytest.mark.asyncio
async def test_who_has_no_role_yet_reaches_nothing_but_what_is_his_own(app: FastAPI, stack: Place) -> None:
    """So it is with a session whose one-time password was not changed, and with an account whose roles were all revoked."""
    token = Tokens(_secret(stack, "token.pub"), _secret(stack, "token.key")).issue(Who("nobody", frozenset(), ()), datetime.now(UTC))
    answers = {}
    async with app.router.lifespan_context(app), _client(app) as client:
        for route in guarded(app):
            permit = permits(route.dependant)[0]
            answers[route.path, str(methods(route)), permit.permission] = (await _ask(client, route, token)).status_code

    assert {asked[2] for asked, status in answers.items() if status != 403} <= OF_EVERYBODY
    assert {asked for asked, status in answers.items() if status == 403 and asked[2] in OF_EVERYBODY} <= {
        ("/me/password", "['POST']", "account.keep")
    }


async def _ask(client: httpx.AsyncClient, route: APIRoute, token: str | None) -> httpx.Response:
    path = route.path.format_map({name: str(uuid4()) for name in route.param_convertors})
    headers = {"Idempotency-Key": str(uuid4())} | ({"Authorization": f"Bearer {token}"} if token else {})
    return await client.request(methods(route)[0], path, headers=headers, json={})


def _client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def _secret(stack: Place, name: str) -> str:
    return (stack.home / "secrets" / name).read_text()


def _foreign_key() -> str:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  only here
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


CODED = frozenset(
    {field.name for sheet in SHEETS.values() for field in sheet.fields if field.kind in {Kind.CODE, Kind.USCC}}
    | {
        "kind",
        "funding",
        "category",
        "level",
        "unit_funding",
        "person_class",
        "off_post_kind",
        "employment_form",
        "flexible_retirement",
        "sort",
        "unit",
    }
)
"""Of the roster, and of what monitoring freezes: a value that stands in no table is refused, and is kept nowhere."""


@pytest.mark.asyncio
async def test_every_text_that_a_request_may_bring_has_an_end(app: FastAPI) -> None:
    """What has none is kept as long as the largest body: in a row that stays for ever, in a history, in every answer that tells it."""
    described = app.openapi()
    endless = {
        f"{method} {path} {place}"
        for path, each in described["paths"].items()
        for method, what in each.items()
        for content in what.get("requestBody", {}).get("content", {}).values()
        for place in endless_texts(content["schema"], described["components"]["schemas"])
    }

    assert endless == set()


def endless_texts(schema: dict[str, Any], named: dict[str, Any], place: str = "") -> Iterator[str]:
    """Where in a body a text stands that may be of any length."""
    if "$ref" in schema:
        yield from endless_texts(named[schema["$ref"].rpartition("/")[2]], named, place)
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("prefixItems", ())):
        yield from endless_texts(each, named, place)
    for each in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(each, dict):
            yield from endless_texts(each, named, place)
    for name, each in schema.get("properties", {}).items():
        yield from endless_texts(each, named, name)
    bounds = {"maxLength", "enum", "const", "format", "pattern", "contentMediaType"}
    if schema.get("type") == "string" and not bounds & schema.keys() and place not in CODED:
        yield place


def test_the_search_for_endless_texts_finds_them() -> None:
    inner = {"properties": {"words": {"type": "string"}, "code": {"type": "string", "maxLength": 9}}}
    body = {"properties": {"each": {"items": {"$ref": "#/x/Inner"}}, "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}

    assert sorted(endless_texts(body, {"Inner": inner})) == ["maybe", "words"]
