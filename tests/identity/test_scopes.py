"""Trying to get at what is another account's: every route is asked with ids of its session, view and proxy, and with its name (tests/scopes.py)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from services.identity.rules.rights import ADMINISTRATORS
from shared.auth import Who
from shared.glossary import Role
from tests.identity.doors import Door
from tests.scopes import OF_NO_UNIT, Caller, leaks, let_in, standing, told_apart

pytestmark = pytest.mark.asyncio
VIEW, REAL_NAME = "范围外示例视图", "范围外示例人"
UNIT = uuid4()
WORDS = {"number": 1, "name": "zhang", "role": "observer", "words": "镇", "area": "tasks", "password": "wrong", "list": "users"}
WAYS_IN = {"/sessions", "/sessions/token", "/demo/users", "/demo/sessions"}
"""Whoever has a password or, in the demo, makes his choice comes in (tests/identity/test_sign_in.py)."""
BUSINESS = frozenset(Role) - ADMINISTRATORS - {Role.SERVICE}
"""Every role but those to whom accounts belong."""


@dataclass(frozen=True)
class Accounts:
    """Li asks for what is Zhang's, and for the file of an administrator."""

    door: Door
    zhang: dict[str, UUID]

    def caller(self, name: str = "li") -> Caller:
        def headers() -> dict[str, str]:
            token = self.door.signer.issue(Who(name, BUSINESS, (UNIT,)), datetime.now(UTC))
            return {"authorization": f"Bearer {token}", "idempotency-key": f"key-{uuid4()}"}

        return Caller(self.door.client, headers, WORDS, OF_NO_UNIT | WAYS_IN)


@pytest_asyncio.fixture
async def accounts(door: Door) -> Accounts:
    for name in ("li", "wang", "zhang"):
        await door.account(name, Role.BUSINESS_OFFICER)
    await door.rows("UPDATE users SET real_name = $1 WHERE name = 'zhang'", REAL_NAME)
    view = {"area": "tasks", "name": VIEW, "query": "tab=todo"}
    until = (datetime.now(UTC) + timedelta(days=300)).isoformat()
    kept = await door.ask("POST", "/me/views", Role.BUSINESS_OFFICER, view, "zhang")
    stands_in = {"absent": "zhang", "until": until}
    proxy = await door.ask("POST", "/users/wang/proxies", Role.SECURITY_ADMIN, stands_in, "secadmin")
    (row,) = await door.rows(
        "SELECT u.id AS user_id, s.id AS session_id FROM users u JOIN sessions s ON s.user_id = u.id WHERE name = 'zhang'"
    )
    file = await door.ask("POST", "/exports", Role.SYSTEM_ADMIN, {"list": "users"}, "sysadmin")
    made = {"view_id": kept.json()["id"], "proxy_id": proxy.json()["id"], "export_id": file.json()["id"]}
    return Accounts(door, {**row, "unit_id": uuid4(), **{name: UUID(each) for name, each in made.items()}})


async def test_a_route_that_names_what_is_anothers_answers_as_if_it_were_not(accounts: Accounts) -> None:
    caller, before = accounts.caller(), await standing(accounts.door.database, "identity", *accounts.zhang.values())

    found, of_nobody = await caller.compared(accounts.zhang, accounts.zhang)

    assert len([route for route in found if "_id}" in route]) > 3
    assert {route: answer.status for route, answer in found.items() if "{name}" in route and answer.status != 403} == {}
    assert let_in(found) == {}
    assert told_apart(found, of_nobody) == {}
    assert leaks(found, VIEW, REAL_NAME) == []
    assert await standing(accounts.door.database, "identity", *accounts.zhang.values()) == before


async def test_the_same_routes_answer_to_whom_it_is(accounts: Accounts) -> None:
    """Otherwise the refusals above would say nothing."""
    caller = accounts.caller("zhang")

    seen = await caller.answers(accounts.zhang, accounts.zhang, lambda asked: asked.method == "get")
    ended = await caller.answers(accounts.zhang, accounts.zhang, lambda asked: asked.path.startswith("/me/") and bool(asked.names))

    assert "/me/views get" in leaks(seen, VIEW)
    assert {route: answer.status for route, answer in ended.items()} == {
        "/me/proxies/{proxy_id}/end post": 200,
        "/me/sessions/{session_id} delete": 204,
        "/me/views/{view_id} delete": 204,
    }
