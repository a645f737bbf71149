"""Every page on the real stack: open to the roles of its permission and to no other, blind to another unit, and indifferent to markup."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import APIRoute

from deploy.doors import doors_of
from deploy.local.place import Place
from services.portal.api.door import Receiving
from shared.auth import OF_EVERYBODY, PERMISSIONS, UNIT
from shared.glossary import Role
from tests.e2e.planted import Planted, plant
from tests.portal.browser import chromium
from tests.portal.desk import Desk, desk
from tests.portal.test_frame import ROUTES, opened

pytestmark = pytest.mark.asyncio(loop_scope="session")
NAMED = {"kind": "post_use_application"}
ASKED = ("unit", "parent", "from_unit", "unit_id")
_OWN_COUNTS = {(role, "/lights/rows/{unit_id}", True) for role in UNIT}
"""A row of the board as it turned: none of a foreign unit, beside the counts of one's own."""
_ASK = {"/units/branch", "/exports/new"}
"""Of what, they are told behind the `?`: without it there is nothing."""
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
GETS = [route for route in ROUTES if opened(route) and "GET" in (route.methods or ())]
POSTS = [route for route in ROUTES if opened(route) and "POST" in (route.methods or ()) and route.path != "/sign-out"]


class Sitting:
    """Somebody signed in, without a browser. `csrf` is the mark of his forms."""

    def __init__(self, client: httpx.AsyncClient, role: Role, csrf: str) -> None:
        self.client, self.role, self.csrf = client, role, csrf

    def may(self, route: APIRoute) -> bool:
        permission = opened(route)[0]
        return permission in OF_EVERYBODY or self.role in PERMISSIONS[permission]

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and text; of what goes on for ever only that it began."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.stream("GET", path, headers=told, follow_redirects=True) as answer:
            if "event-stream" in answer.headers.get("content-type", ""):
                return answer.status_code, ""
            return answer.status_code, (await answer.aread()).decode("utf-8", "replace")

    async def post(self, route: APIRoute, ids: dict[str, str], **typed: str) -> int:
        """A form of this person, with a file where the route takes one."""
        sent = {"csrf": self.csrf, "request_key": str(uuid4())} | typed
        file = {"file": ("a.pdf", b"%PDF-1.7")} if any(isinstance(each.call, Receiving) for each in route.dependant.dependencies) else None
        headers = {"sec-fetch-site": "same-origin"}
        return (await self.client.post(filled(route, ids), data=sent, files=file, headers=headers)).status_code


def filled(route: APIRoute, ids: dict[str, str]) -> str:
    """The route's address with these ids, and for whatever else it names something that nobody has."""
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: _kind_of(route) if found[1] == "kind" else ids.get(found[1]) or str(uuid4()), route.path)


def _kind_of(route: APIRoute) -> str:
    return NAMED["kind"] if route.path.startswith("/applications") else "roster"


def names(route: APIRoute) -> set[str]:
    return {name for name in re.findall(r"\{(\w+)", route.path) if name not in NAMED}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def planted(whole: Place) -> Planted:
    async with doors_of(whole) as doors:
        return await plant(doors)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sittings(whole: Place, planted: Planted) -> AsyncIterator[list[Sitting]]:
    """One of every role."""
    async with AsyncExitStack() as held:
        found, once = [], httpx.Limits(max_keepalive_connections=0)
        for role, user in planted.people.items():
            client = await held.enter_async_context(httpx.AsyncClient(base_url=whole.portal, timeout=60, trust_env=False, limits=once))
            await client.post("/demo-users", data={"name": user}, headers={"sec-fetch-site": "same-origin"})
            mark = CSRF.search((await client.get("/me")).text)
            assert mark, role
            found.append(Sitting(client, role, mark[1]))
        yield found


async def test_each_page_and_part_of_a_page_is_closed_to_roles_without_its_permission(sittings: list[Sitting], planted: Planted) -> None:
    answers: dict[Any, int] = {}
    for sitting in sittings:
        for route in GETS:
            if not sitting.may(route):
                path = filled(route, planted.ids)
                answers[sitting.role, route.path] = (await sitting.get(path))[0]
                answers[sitting.role, route.path, "part"] = (await sitting.get(path, hx_request="true"))[0]
        for route in POSTS:
            if not sitting.may(route):
                answers[sitting.role, "POST", route.path] = await sitting.post(route, planted.ids)

    assert len(answers) > 200
    assert {asked: status for asked, status in answers.items() if status != 403} == {}


async def test_each_page_is_open_to_the_roles_of_its_permission(sittings: list[Sitting], planted: Planted) -> None:
    """Nobody is refused for want of a right, and nothing falls over; a page without an id is there."""
    answers: dict[Any, int] = {}
    for sitting in sittings:
        for route in GETS:
            if sitting.may(route):
                path = filled(route, planted.ids)
                answers[sitting.role, route.path] = (await sitting.get(path))[0]
                answers[sitting.role, route.path, "part"] = (await sitting.get(path, hx_request="true"))[0]
    bare = {each.path for each in GETS if not names(each)} - _ASK

    assert len(answers) > 100
    assert {asked: status for asked, status in answers.items() if status == 403 or status >= 500} == {}
    assert {asked: status for asked, status in answers.items() if asked[1] in bare and status not in {200, 303, 422}} == {}


async def test_whoever_stands_in_another_unit_finds_nothing_by_its_ids(sittings: list[Sitting], planted: Planted) -> None:
    """As a page, as a part, as a form that is sent: 404, as if there were nothing."""
    answers: dict[Any, int] = {}
    shown: list[Any] = []
    for sitting in (each for each in sittings if each.role in UNIT):
        for route in (each for each in GETS if names(each) and sitting.may(each)):
            for headers in ({}, {"hx_request": "true"}):
                status, text = await sitting.get(filled(route, planted.ids), **headers)
                answers[sitting.role, route.path, bool(headers)] = status
                shown += [(sitting.role, route.path)] if "外" + planted.mark[-8:] in text else []
        for route in (each for each in POSTS if names(each) and sitting.may(each)):
            answers[sitting.role, "POST", route.path] = await sitting.post(route, planted.ids, reason="不再需要", opinion="同意。")

    assert len(answers) > 30
    assert {asked: status for asked, status in answers.items() if status != 404 and asked not in _OWN_COUNTS} == {}
    assert shown == []


async def test_whoever_stands_in_another_unit_finds_nothing_of_it_in_any_list(sittings: list[Sitting], planted: Planted) -> None:
    shown = []
    for sitting in (each for each in sittings if each.role in UNIT):
        for route in (each for each in GETS if sitting.may(each)):
            asked = [name for name in ASKED if name in {each.name for each in route.dependant.query_params}]
            path = filled(route, {"unit_id": planted.own})
            for question in ("", *(f"?{name}={planted.foreign}" for name in asked or ("unit",)), f"?q={planted.mark[-8:]}"):
                status, text = await sitting.get(path + question)
                told = (
                    text.replace(planted.mark[-8:], "", 2) if question.startswith("?q=") else text
                )  # what one asked for stands in the form
                shown += [(sitting.role, route.path, question)] if "外" + planted.mark[-8:] in told or status >= 500 else []

    assert shown == []


async def test_markup_in_names_files_and_opinions_is_shown_as_text_and_does_nothing(whole: Place, planted: Planted) -> None:
    """In a real browser, whose complaints (a refused script, an image that is not there, a dialog) would be heard."""
    seen = 0
    async with chromium() as browser:
        for user in ("officer", "supervisor"):
            async with desk(browser, whole.portal, user) as reader:
                for route in GETS:
                    if "text/html" not in await _kind(reader, filled(route, planted.ids)):
                        continue
                    await reader.page.goto(whole.portal + filled(route, planted.ids))
                    seen += await reader.page.get_by_text(planted.mark).count()
                    assert await reader.page.locator("[onerror], img[src='x']").count() == 0, route.path
    assert seen > 20


async def _kind(reader: Desk, path: str) -> str:
    async with httpx.AsyncClient(base_url=reader.base, timeout=60, trust_env=False) as client:
        cookies = {each["name"]: each["value"] for each in await reader.page.context.cookies()}
        async with client.stream("GET", path, cookies=cookies) as answer:
            return answer.headers.get("content-type", "") if answer.status_code == httpx.codes.OK else ""
