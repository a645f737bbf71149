"""The HTTP door of identity: every route, who may pass it, and what it answers."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi.routing import APIRoute

from services.identity import api
from shared.auth import LIFETIME, SESSION, Tokens, Who
from shared.glossary import Role
from tests.identity.doors import Door

OPEN = {
    ("POST", "/sessions"),
    ("POST", "/sessions/token"),
    ("DELETE", "/sessions"),
}
"""The way in: by password, or by the key of a session (test_sign_in, test_sessions)."""
ROUTES = sorted(
    {
        (method, route.path)
        for router in api.ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    - OPEN
)
PEOPLE = frozenset(Role) - {Role.SERVICE}
PERMITTED = {
    ("GET", "/me"): frozenset(Role),
    ("POST", "/me/token"): frozenset(Role),
    ("GET", "/users"): {Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN},
    ("POST", "/users/search"): {Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN},
    ("GET", "/users/{name}"): {Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN},
    ("GET", "/scopes"): {Role.SECURITY_ADMIN},
    ("GET", "/audit"): {Role.AUDIT_ADMIN},
    ("POST", "/users"): {Role.SYSTEM_ADMIN},
    ("POST", "/users/{name}/roles"): {Role.SECURITY_ADMIN},
    ("POST", "/users/{name}/roles/{role}/revocation"): {Role.SECURITY_ADMIN},
    ("POST", "/users/{name}/proxies"): {Role.SECURITY_ADMIN},
    ("POST", "/proxies/{proxy_id}/end"): {Role.SECURITY_ADMIN},
    ("GET", "/me/proxies"): frozenset(Role),
    ("POST", "/me/proxies/{proxy_id}/end"): frozenset(Role),
    ("GET", "/me/sessions"): frozenset(Role),
    ("GET", "/colleagues"): frozenset(Role),
    ("DELETE", "/me/sessions/{session_id}"): frozenset(Role),
    ("POST", "/me/password"): frozenset(Role),
    ("POST", "/me/totp"): frozenset(Role),
    ("POST", "/me/totp/confirmation"): frozenset(Role),
    ("DELETE", "/me/totp"): frozenset(Role),
    ("POST", "/users/{name}/one-time-password"): {Role.SYSTEM_ADMIN},
    ("POST", "/users/{name}/release"): {Role.SYSTEM_ADMIN},
    ("DELETE", "/users/{name}/sessions"): {Role.SYSTEM_ADMIN},
    ("GET", "/audit/sign-ins"): {Role.AUDIT_ADMIN},
    ("GET", "/me/views"): frozenset(Role),
    ("POST", "/me/views"): frozenset(Role),
    ("DELETE", "/me/views/{view_id}"): frozenset(Role),
    ("GET", "/exports/lists"): PEOPLE,
    ("POST", "/exports"): PEOPLE,
    ("GET", "/exports"): PEOPLE,
    ("GET", "/exports/{export_id}"): PEOPLE,
    ("GET", "/exports/{export_id}/progress"): PEOPLE,
    ("POST", "/exports/{export_id}/cancel"): PEOPLE,
    ("GET", "/exports/{export_id}/file"): PEOPLE,
    ("GET", "/exports/audit"): {Role.AUDIT_ADMIN},
}


SECURITY = Who("secadmin", frozenset({Role.SECURITY_ADMIN}))


def test_every_route_stands_in_the_table() -> None:
    assert set(ROUTES) == set(PERMITTED)


@pytest.mark.asyncio
async def test_no_route_answers_without_a_token_or_with_a_wrong_one(door: Door) -> None:
    foreign = ec.generate_private_key(ec.SECP256R1())
    pem = foreign.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    now, everything = datetime.now(UTC), Who("mallory", frozenset(Role))
    wrong = [
        "Bearer nonsense",
        f"Bearer {Tokens('', pem).issue(everything, now)}",
        f"Bearer {door.signer.issue(everything, now - LIFETIME)}",
        f"Basic {door.signer.issue(everything, now)}",
    ]

    for method, path in ROUTES:
        for headers in ({}, *({"authorization": text} for text in wrong)):
            answer = await door.client.request(
                method,
                path.format(name="zhang", role="observer", session_id=uuid4(), view_id=uuid4(), proxy_id=uuid4(), export_id=uuid4()),
                headers=headers,
            )
            assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in"), (method, path, headers)


@pytest.mark.asyncio
async def test_each_route_is_open_to_its_roles_and_to_no_other(door: Door) -> None:
    for method, path in ROUTES:
        for role in Role:
            answer = await door.ask(method, path, role)
            assert (answer.status_code == 403) == (role not in PERMITTED[method, path]), (method, path, role, answer.text)


@pytest.mark.asyncio
async def test_the_three_administrators_make_an_account_give_it_a_role_and_read_what_was_done(door: Door) -> None:
    made = await door.ask("POST", "/users", Role.SYSTEM_ADMIN, {"name": "zhang", "real_name": "甲"}, "sysadmin")
    given = await door.ask("POST", "/users/zhang/roles", Role.SECURITY_ADMIN, {"role": "observer", "reason": "巡察"}, "secadmin")
    trail = await door.ask("GET", "/audit", Role.AUDIT_ADMIN)

    assert (made.status_code, given.status_code) == (201, 201)
    assert given.json()["grants"] == [{"role": "observer", "unit_ids": None}]
    assert [(row["actor"], row["type"], row["reason"]) for row in trail.json()["items"]] == [
        ("sysadmin", "identity.user_registered.v1", ""),
        ("secadmin", "identity.role_granted.v1", "巡察"),
    ]


@pytest.mark.asyncio
async def test_a_revoked_role_is_gone_with_the_next_token_and_the_present_one_ends_soon(door: Door) -> None:
    await door.ask("POST", "/users", Role.SYSTEM_ADMIN, {"name": "zhang", "real_name": "甲"})
    await door.ask("POST", "/users/zhang/roles", Role.SECURITY_ADMIN, {"role": "audit_admin"})
    who, now = Who("zhang", frozenset({Role.AUDIT_ADMIN})), datetime.now(UTC)
    present = door.signer.issue(who, now)

    renewed = (await door.as_bearer(present, "POST", "/me/token")).json()["token"]
    assert (await door.as_bearer(renewed, "GET", "/audit")).status_code == 200

    await door.client.post(
        "/users/zhang/roles/audit_admin/revocation",
        json={},
        headers={"idempotency-key": "revocation-1", "authorization": f"Bearer {door.signer.issue(SECURITY, now)}"},
    )
    after = (await door.as_bearer(renewed, "POST", "/me/token")).json()["token"]

    assert (await door.as_bearer(after, "GET", "/audit")).status_code == 403
    assert (await door.as_bearer(door.signer.issue(who, now - LIFETIME), "GET", "/audit")).status_code == 401
    assert (await door.as_bearer(door.signer.issue(who, now, timedelta(hours=8)), "GET", "/audit")).status_code == 401


@pytest.mark.asyncio
async def test_a_token_is_not_renewed_beyond_the_session(door: Door) -> None:
    await door.ask("POST", "/users", Role.SYSTEM_ADMIN, {"name": "zhang", "real_name": "甲"})
    now = datetime.now(UTC)
    old = door.signer.issue(Who("zhang", frozenset({Role.OBSERVER})), now, since=now - SESSION)

    assert (await door.as_bearer(old, "GET", "/me")).status_code == 200
    assert (await door.as_bearer(old, "POST", "/me/token")).status_code == 401


@pytest.mark.asyncio
async def test_a_refusal_is_a_problem_document_with_its_code(door: Door) -> None:
    answer = await door.ask("POST", "/users/zhang/roles", Role.SECURITY_ADMIN, {"role": "observer"}, "zhang")

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:bianban:problem:self_grant"


@pytest.mark.asyncio
async def test_accounts_come_in_pages(door: Door) -> None:
    for name in ("ann", "bob", "cai"):
        await door.ask("POST", "/users", Role.SYSTEM_ADMIN, {"name": name, "real_name": "甲"})

    first = (await door.ask("GET", "/users?limit=2", Role.AUDIT_ADMIN)).json()
    second = (await door.ask("GET", f"/users?limit=2&after={first['next']}", Role.AUDIT_ADMIN)).json()

    assert [[user["name"] for user in page["items"]] for page in (first, second)] == [["ann", "bob"], ["cai"]]
    assert second["next"] is None


@pytest.mark.asyncio
async def test_me_is_what_the_token_says(door: Door) -> None:
    answer = await door.ask("GET", "/me", Role.OBSERVER, name="zhang")

    assert answer.json() == {"name": "zhang", "roles": {"observer": "协同部门"}, "unit_ids": None, "acts_for": []}


@pytest.mark.asyncio
async def test_the_service_is_live_and_ready(door: Door) -> None:
    assert [(await door.client.get(path)).status_code for path in ("/live", "/ready")] == [200, 200]
