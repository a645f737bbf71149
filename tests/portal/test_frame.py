"""The frame of every page: headers, cookies, sessions, forms from elsewhere, rights, escaping, what a browser may keep."""

import json
import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from jinja2 import nodes

from deploy.assets import FILES
from deploy.local.place import PROJECT
from services.portal import api
from services.portal.api.door import Opened
from shared.auth import PERMISSIONS
from shared.glossary import Role
from tests.portal.conftest import BASE, OURS, XSS, Door

OPEN = {
    *("/static/{name}", "/sign-in", "/sign-in/provider", "/sign-in/provider/return", "/demo-users"),
    *("/verify", "/accessibility", "/api-docs", "/api-docs/{part}", "/api-docs/{part}.json"),
}
ROUTES = [route for router in api.ROUTERS for route in router.routes if isinstance(route, APIRoute)]
ID = "01a210f8-5bc8-7567-b52b-9533203e1931"
TEMPLATES = PROJECT / "services" / "portal" / "templates"


def opened(route: APIRoute) -> list[str]:
    return [each.call.permission for each in route.dependant.dependencies if isinstance(each.call, Opened)]


def path_of(route: APIRoute) -> str:
    kind = "post_use_application"
    return re.sub(r"\{(\w+)\}", lambda found: kind if found[1] == "kind" else ID, route.path)


def test_every_page_says_which_permission_opens_it() -> None:
    declared = {route.path: opened(route) for route in ROUTES if route.path not in OPEN}

    assert {path: found for path, found in declared.items() if len(found) != 1 or found[0] not in PERMISSIONS} == {}


@pytest.mark.asyncio
async def test_each_page_is_closed_to_roles_without_its_permission(door: Door) -> None:
    answers = {}
    for role in Role:
        csrf = door.sign_in(role)
        for route in ROUTES:
            for permission in opened(route):
                if permission != "account.read" and role not in PERMISSIONS[permission]:
                    method = min(route.methods or ())
                    answer = await door.client.request(
                        method, path_of(route), data={"csrf": csrf} if method == "POST" else None, headers=OURS
                    )
                    answers[role, method, route.path] = answer.status_code

    assert len(answers) > 100
    assert {asked: status for asked, status in answers.items() if status != 403} == {}
    assert {path for _, path, _, _ in door.played.asked} == {"/sessions/token"}


@pytest.mark.asyncio
async def test_who_is_not_signed_in_is_asked_to_and_comes_back(door: Door) -> None:
    page = await door.client.get("/tasks?tab=done")
    part = await door.client.get("/tasks", headers={"hx-request": "true", "hx-current-url": f"{BASE}/tasks?tab=done"})

    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/tasks%3Ftab%3Ddone")
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in?next=/tasks%3Ftab%3Ddone")


@pytest.mark.asyncio
async def test_what_was_typed_outlives_the_session_and_goes_on_in_the_next(door: Door) -> None:
    typed = {"csrf": "old", "request_key": "k-1", "title": XSS, "justification": "退休补员", "do": "submit"}
    ended = await door.client.post("/applications/new/post_use_application", data=typed, headers=OURS)
    door.played.answers["/sessions"] = {
        "session": "fresh",
        "must_change_password": False,
        "needs_code": False,
        "ends_at": "2026-09-18T20:00:00Z",
    }
    door.played.sessions["fresh"] = frozenset({Role.UNIT_CLERK})
    kept = {f"kept.{name}": value for name, value in typed.items() if name != "csrf"}
    signing = {"name": "zhu", "password": "x", "next": "/applications/new/post_use_application", **kept}
    again = await door.client.post("/sign-in", data=signing, headers=OURS)

    assert ended.status_code == 401
    assert 'name="kept.justification" value="退休补员"' in ended.text
    assert "<script>alert(1)" not in ended.text + again.text
    assert 'action="/applications/new/post_use_application"' in again.text
    assert 'name="request_key" value="k-1"' in again.text
    assert 'name="csrf" value="csrf-fresh"' in again.text


@pytest.mark.asyncio
async def test_a_refused_sign_in_tells_why_and_keeps_the_name_but_not_the_password(door: Door) -> None:
    door.played.refusals["/sessions"] = (401, "sign_in_refused")

    answer = await door.client.post("/sign-in", data={"name": "zhu", "password": "secret-1", "next": "//evil.example"}, headers=OURS)

    assert answer.status_code == 401
    assert 'value="zhu"' in answer.text
    assert "secret-1" not in answer.text
    assert 'name="next" value="/"' in answer.text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": BASE, "sec-fetch-site": "cross-site"},
        {"origin": "null"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a_form_from_elsewhere_does_nothing(door: Door, headers: dict[str, str]) -> None:
    csrf = door.sign_in(*Role)
    posts = [route for route in ROUTES if "POST" in (route.methods or ())]
    answers = [(await door.client.post(path_of(route), data={"csrf": csrf}, headers=headers)).status_code for route in posts]

    assert len(posts) > 10
    assert set(answers) == {403}
    assert door.played.asked == []


@pytest.mark.asyncio
async def test_a_form_without_the_mark_of_the_session_does_nothing(door: Door) -> None:
    door.sign_in(*Role)
    posts = [route for route in ROUTES if "POST" in (route.methods or ()) and route.path not in OPEN]
    answers = set()
    for route in posts:
        for form in ({}, {"csrf": ""}, {"csrf": "csrf-key-1"}, {"csrf": "ü"}):
            answers.add((await door.client.post(path_of(route), data=form, headers=OURS)).status_code)
        answers.add((await door.client.post(path_of(route), json={"csrf": "csrf-key-0"}, headers=OURS)).status_code)
        answers.add(
            (await door.client.post(path_of(route), content='{"csrf":1}', headers=OURS | {"content-type": "text/plain"})).status_code
        )

    assert answers == {403}
    assert {path for _, path, _, _ in door.played.asked} == {"/sessions/token"}


@pytest.mark.asyncio
async def test_headers_of_every_kind_of_answer(door: Door) -> None:
    answers = [await door.client.get(path) for path in ("/sign-in", "/", "/nothing", "/applications/new", "/tasks/decisions")]
    door.sign_in(*Role)
    door.played.answers["/tasks"] = {"broken": True}
    answers += [await door.client.get("/tasks"), await door.client.post("/tasks/decisions")]

    assert [answer.status_code for answer in answers] == [200, 303, 404, 303, 405, 500, 403]
    for answer in answers:
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self';"
            " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "Traceback" not in answers[5].text
    assert "UndefinedError" not in answers[5].text


@pytest.mark.asyncio
async def test_the_cookie_is_of_this_host_alone_and_out_of_reach_of_scripts(door: Door) -> None:
    door.played.answers["/sessions"] = {
        "session": "fresh",
        "must_change_password": False,
        "needs_code": False,
        "ends_at": "2026-09-18T20:00:00Z",
    }
    begun = await door.client.post("/sign-in", data={"name": "zhu", "password": "x", "next": "/tasks"}, headers=OURS)
    csrf = door.sign_in(Role.UNIT_CLERK)
    ended = await door.client.post("/sign-out", data={"csrf": csrf}, headers=OURS)

    assert begun.headers["location"] == "/tasks"
    assert begun.headers["set-cookie"] == "__Host-bianban=fresh; HttpOnly; Path=/; SameSite=lax; Secure"
    assert (ended.status_code, ended.headers["location"]) == (303, "/sign-in?left=true")
    assert "Max-Age=0" in ended.headers["set-cookie"]
    assert ("DELETE", "/sessions") in {(method, path) for method, path, _, _ in door.played.asked}


@pytest.mark.asyncio
async def test_a_provider_is_left_for_and_come_back_from_to_a_page_of_ours(door: Door) -> None:
    unset = await door.client.get("/sign-in/provider")
    door.app.state.provider = "浙政钉"
    door.played.answers["/oidc/requests"] = {"url": "https://provider.example/authorize?x=1", "kept": "sealed"}
    door.played.answers["/oidc/sessions"] = {"session": "fresh", "return_to": "//evil.example", "must_change_password": False}
    shown = (await door.client.get("/sign-in?next=/tasks")).text
    left = await door.client.get("/sign-in/provider?next=//evil.example")
    back = await door.client.get("/sign-in/provider/return?code=c&state=s")
    forged = await door.client.get("/sign-in/provider/return?code=c&state=s")  # what was kept is used up

    assert (unset.status_code, "用浙政钉登录" in shown) == (404, True)
    assert left.headers["location"] == "https://provider.example/authorize?x=1"
    assert "__Host-bianban-away=sealed; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure" in left.headers["set-cookie"]
    assert (back.status_code, back.headers["location"], forged.status_code) == (303, "/", 401)
    assert "__Host-bianban=fresh; HttpOnly; Path=/; SameSite=lax; Secure" in back.headers.get_list("set-cookie")
    assert [json.loads(body) for _, path, body, _ in door.played.asked if path == "/oidc/requests"] == [{"return_to": "/"}]


@pytest.mark.asyncio
async def test_a_session_key_goes_in_a_header_to_identity_alone_and_a_token_to_the_others(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    await door.client.get("/")

    for _, path, _, headers in door.played.asked:
        assert ("x-session" in headers) == (path == "/sessions/token")
        assert path == "/sessions/token" or (headers["authorization"], headers["x-forwarded-for"]) == ("Bearer token-key-0", "127.0.0.1")
        assert "traceparent" in headers


@pytest.mark.asyncio
async def test_one_request_asks_identity_once_and_the_next_of_the_same_seconds_not_again(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    for _ in range(3):
        await door.client.get("/")

    assert [path for _, path, _, _ in door.played.asked].count("/sessions/token") == 1


@pytest.mark.asyncio
async def test_what_services_say_is_escaped_in_a_refusal(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    door.played.refusals[f"/applications/{ID}"] = (404, "application_unknown")
    door.played.refusals["/tasks"] = (429, "too_many_requests")
    answers = [await door.client.get(f"/applications/{ID}"), await door.client.get("/tasks")]

    assert [answer.status_code for answer in answers] == [404, 429]
    for answer in answers:
        assert "<script>alert(1)" not in answer.text
        assert "<img src=x" not in answer.text
        assert "&lt;script&gt;alert(1)" in answer.text


@pytest.mark.asyncio
async def test_a_service_that_is_away_takes_its_card_with_it_and_no_more(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    door.played.refusals["/figures/lights"] = (503, "unavailable")
    door.played.answers["/figures/issues"] = {"items": [], "states": []}
    home = await door.client.get("/")
    door.played.refusals["/tasks"] = (503, "unavailable")  # of both services
    tasks = await door.client.get("/tasks")

    assert home.status_code == 200
    assert "亮灯暂时取不到" in home.text
    assert (tasks.status_code, tasks.headers["retry-after"]) == (503, "5")
    assert "重新提交不会重复办理" in tasks.text


@pytest.mark.asyncio
async def test_what_pages_load_is_named_by_its_content_and_kept_for_a_year(door: Door) -> None:
    page = (await door.client.get("/sign-in")).text
    names = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    answers = [await door.client.get(name) for name in dict.fromkeys(names)]

    assert len(answers) >= 4
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}
    assert {answer.headers["content-encoding"] for answer in answers} == {"gzip"}
    assert sum(int(answer.headers["content-length"]) for answer in answers) < 600 * 1024
    assert not re.findall(r'(?:src|href|action)="(?!/|#|data:)', page)
    assert (await door.client.get("/static/portal.css")).status_code == 404
    assert (await door.client.get("/static/..%2Fapp.py")).status_code == 404


def test_templates_hold_no_style_script_or_handler_of_their_own() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html")}
    found = {
        name: re.findall(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:|\| *safe|<script(?![^>]*(?:src=|application/json))", text)
        for name, text in written.items()
    }

    assert len(written) > 20
    assert {name: each for name, each in found.items() if each} == {}


def test_the_lock_of_the_browsers_side_names_no_host_and_hashes_everything() -> None:
    lock = (PROJECT / "package-lock.json").read_text(encoding="utf-8")
    packages = re.findall(r'^    "node_modules/[^"]+": \{(.*?)^    \}', lock, re.MULTILINE | re.DOTALL)

    assert "resolved" not in lock
    assert len(packages) > 5
    assert [each for each in packages if '"integrity": "sha512-' not in each] == []
    assert all(Path(source).parts[0] in {"@tabler", "htmx.org", "htmx-ext-sse", "echarts"} for source in FILES.values())


@pytest.mark.asyncio
async def test_no_page_calls_a_macro_by_a_name_that_every_page_knows(door: Door) -> None:
    """The layout would draw the macro itself."""
    templates = door.app.state.templates
    taken = {}
    for name in templates.list_templates():
        imported = templates.parse((TEMPLATES / name).read_text(encoding="utf-8")).find_all(nodes.FromImport)
        taken[name] = {each[-1] if isinstance(each, tuple) else each for one in imported for each in one.names} & templates.globals.keys()

    assert {name: names for name, names in taken.items() if names} == {}
