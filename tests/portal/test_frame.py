"""The frame of every page: headers, cookies, sessions, forms from elsewhere, rights, escaping, what a browser may keep."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute
from jinja2 import nodes
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from deploy.assets import FILES
from deploy.local.place import PROJECT
from services.portal import api
from services.portal.api.door import Opened
from services.portal.queries.services import PAGE, PATIENCE
from shared import security_log, traces
from shared.auth import PERMISSIONS
from shared.glossary import Role
from tests.portal.conftest import BASE, OURS, XSS, Door

OPEN = {
    *("/static/{name}", "/sign-in", "/sign-in/provider", "/sign-in/provider/return", "/demo-users"),
    *("/verify", "/accessibility", "/api-docs", "/api-docs/{part}", "/api-docs/{part}.json"),
}
ROUTES = [route for router in api.ROUTERS for route in router.routes if isinstance(route, APIRoute)]
FRESH = "__Host-bianban=fresh; HttpOnly; Path=/; SameSite=lax; Secure"
ID = "01a210f8-5bc8-7567-b52b-9533203e1931"
_OURS = [(name.encode(), value.encode()) for name, value in OURS.items()]
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
async def test_what_was_typed_in_a_session_that_ended_is_not_sent_by_another_person(door: Door) -> None:
    door.played.answers["/sessions"] = {"session": "fresh", "must_change_password": False, "needs_code": False}
    door.played.sessions["fresh"] = frozenset({Role.UNIT_CLERK})
    signing = {"name": "zhou", "password": "x", "next": "/applications/new/post_use_application", "kept.title": "招聘"}
    answers = [await door.client.post("/sign-in", data=signing | {"kept.writer": who}, headers=OURS) for who in ("zhou", "zhu")]

    assert [answer.status_code for answer in answers] == [200, 303]
    assert ["招聘" in answer.text for answer in answers] == [True, False]
    assert answers[1].headers["location"] == "/"


TYPED = {"request_key": "k-1", "writer": "zhou", "title": f"招聘{XSS}", "justification": "退休补员", "do": "submit", "posts": "2"}


def resumed(page: str) -> dict[str, str]:
    """What the form of a page would send, without the header's own."""
    form = page.partition("<main")[2]
    return {name: html.unescape(value) for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)}


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/applications", "/sessions/token"])
async def test_a_form_that_met_a_service_that_is_away_goes_on_under_its_own_key(door: Door, path: str) -> None:
    csrf = door.sign_in(Role.UNIT_CLERK)
    page = "/applications/new/post_use_application"
    door.played.refusals[f"POST {path}"] = (503, "unavailable")
    answer = await door.client.post(page, data=TYPED | {"csrf": csrf}, headers=OURS)
    part = await door.client.post(page, data=TYPED | {"csrf": csrf}, headers=OURS | {"hx-request": "true"})
    door.played.refusals.clear()
    door.played.answers["/applications"] = {"application_id": ID, "number": "1"}
    done = await door.client.post(page, data=resumed(answer.text), headers=OURS)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert resumed(answer.text) == TYPED | {"csrf": csrf}
    assert "refresh" not in answer.headers
    assert f'action="{page}"' in answer.text
    assert "继续提交不会重复办理" in answer.text
    assert "文件不能保留" not in answer.text
    assert "<script>alert(1)" not in answer.text
    assert (part.status_code, "退休补员" in part.text) == (503, False)
    assert done.headers["location"] == f"/applications/{ID}?done=submitted"
    keys = {headers["idempotency-key"] for method, asked, _, headers in door.played.asked if (method, asked) == ("POST", "/applications")}
    assert keys == {"k-1"}


@pytest.mark.asyncio
@pytest.mark.parametrize("page", ["/applications/new/post_use_application", f"/issues/{ID}/evidence"])
async def test_files_of_a_form_that_goes_on_are_told_to_be_gone(door: Door, page: str) -> None:
    csrf = door.sign_in(Role.UNIT_CLERK)
    door.played.refusals |= {f"POST {path}": (503, "unavailable") for path in ("/applications", f"/issues/{ID}/evidence-files")}
    answer = await door.client.post(page, data=TYPED | {"csrf": csrf}, files={"file": ("a.pdf", b"%PDF-")}, headers=OURS)

    assert (answer.status_code, resumed(answer.text)) == (503, TYPED | {"csrf": csrf})
    assert "所选的文件不能保留" in answer.text


@pytest.mark.asyncio
async def test_no_secret_goes_on_and_nothing_is_promised_of_it(door: Door) -> None:
    csrf = door.sign_in(Role.UNIT_CLERK)
    door.played.refusals |= {"POST /me/password": (503, "unavailable"), "POST /sessions": (503, "unavailable")}
    typed = {"csrf": csrf, "request_key": "k-1", "writer": "zhou", "password": "secret-1", "new_password": "secret-2", "again": "secret-2"}
    changed = await door.client.post("/me/password", data=typed, headers=OURS)
    forged = await door.client.post("/me/password", data=typed | {"csrf": "csrf-old"}, headers=OURS)
    signing = await door.client.post("/sign-in", data={"name": "zhou", "password": "secret-1", "next": "/"}, headers=OURS)

    door.played.refusals["DELETE /sessions"] = (503, "unavailable")
    left = await door.client.post("/sign-out", data={"csrf": csrf}, headers=OURS)

    assert [answer.status_code for answer in (changed, forged, signing, left)] == [503, 403, 503, 503]
    for answer in (changed, forged, signing, left):
        assert resumed(answer.text) == {}
        assert "secret-" not in answer.text
        assert "不会重复办理" not in answer.text
    assert "可能已经办成" in changed.text  # the answer alone may be lost


@pytest.mark.asyncio
async def test_a_form_of_an_earlier_session_goes_on_for_who_wrote_it_and_for_nobody_else(door: Door) -> None:
    old = door.sign_in(Role.UNIT_CLERK)
    csrf = door.sign_in(Role.UNIT_CLERK)
    page = "/applications/new/post_use_application"
    door.played.answers["/applications"] = {"application_id": ID, "number": "1"}
    own = await door.client.post(page, data=TYPED | {"csrf": old}, headers=OURS)
    others = [await door.client.post(page, data=TYPED | {"csrf": old, "writer": who}, headers=OURS) for who in ("zhu", "")]
    part = await door.client.post(page, data=TYPED | {"csrf": old}, headers=OURS | {"hx-request": "true"})
    before = [path for _, path, _, _ in door.played.asked]
    done = await door.client.post(page, data=resumed(own.text), headers=OURS)

    assert set(before) == {"/sessions/token"}
    assert [answer.status_code for answer in (own, *others, part)] == [403] * 4
    assert resumed(own.text) == TYPED | {"csrf": csrf}
    assert "页面已过期" in own.text
    for answer in (*others, part):
        assert resumed(answer.text) == {}
        assert "退休补员" not in answer.text
    assert done.headers["location"] == f"/applications/{ID}?done=submitted"


@pytest.mark.asyncio
async def test_a_form_says_who_writes_it(door: Door) -> None:
    csrf = door.sign_in(Role.UNIT_CLERK)
    form = resumed((await door.client.get("/me/password")).text)

    assert (form["csrf"], form["writer"]) == (csrf, "zhou")


@pytest.mark.asyncio
async def test_a_refused_sign_in_tells_why_and_keeps_the_name_but_not_the_password(door: Door) -> None:
    door.played.refusals["/sessions"] = (401, "sign_in_refused")

    answer = await door.client.post("/sign-in", data={"name": "zhu", "password": "secret-1", "next": "//evil.example"}, headers=OURS)

    assert answer.status_code == 401
    assert 'value="zhu"' in answer.text
    assert "secret-1" not in answer.text
    assert 'name="next" value="/"' in answer.text


@pytest.mark.asyncio
@pytest.mark.parametrize("key", ["ключ".encode(), b"\xff\xfe", b"k" * 200, b"a b"])
async def test_a_cookie_that_is_no_key_of_ours_is_none_and_keeps_nobody_out(door: Door, key: bytes) -> None:
    """A page beside ours, or a proxy, may have put it there."""
    door.played.answers["/sessions"] = {"session": "fresh", "must_change_password": False, "needs_code": False}
    cookie = [(b"cookie", f"{door.app.state.cookie}=".encode() + key)]

    page = await door.client.get("/", headers=cookie)
    signed_in = await door.client.post("/sign-in", data={"name": "zhu", "password": "secret-1"}, headers=[*_OURS, *cookie])

    assert (page.status_code, page.headers["location"]) == (303, "/sign-in")
    assert (signed_in.status_code, signed_in.headers["set-cookie"]) == (303, FRESH)
    assert [headers for *_, headers in door.played.asked if "x-session" in headers] == []


@pytest.mark.asyncio
async def test_a_browser_that_calls_itself_in_chinese_signs_in(door: Door) -> None:
    door.played.answers["/sessions"] = {"session": "fresh", "must_change_password": False, "needs_code": False}
    named = [*_OURS, (b"user-agent", "Mozilla/5.0 政务浏览器/9".encode())]

    answer = await door.client.post("/sign-in", data={"name": "zhu", "password": "secret-1"}, headers=named)

    assert answer.status_code == 303
    (told,) = [headers["user-agent"] for *_, headers in door.played.asked]
    assert told.startswith("Mozilla/5.0 ")


@pytest.mark.asyncio
async def test_a_form_whose_key_somebody_has_changed_is_sent_and_no_error(door: Door) -> None:
    csrf = door.sign_in(Role.UNIT_CLERK)
    data = {"csrf": csrf, "request_key": "另一个-编号-12345678"}
    answer = await door.client.post(f"/applications/{ID}/urging", data=data, headers=OURS)

    assert answer.status_code == 303


KEPT = {"next": "/applications/new/post_use_application", "kept.request_key": "k-1", "kept.justification": f"退休补员{XSS}"}


@pytest.mark.asyncio
@pytest.mark.parametrize(("page", "path"), [("/sign-in", "/sessions"), ("/demo-users", "/demo/sessions")])
async def test_what_was_kept_stays_while_identity_is_away(door: Door, page: str, path: str) -> None:
    door.played.refusals[f"POST {path}"] = (503, "unavailable")
    signing = {"name": "zhu", "password": "secret-1", "code": "123456"}
    answer = await door.client.post(page, data=signing | KEPT, headers=OURS)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert KEPT.items() <= resumed(answer.text).items()
    assert 'value="zhu"' in answer.text
    assert "暂时没有应答" in answer.text
    assert not [each for each in ("secret-1", "123456", "<script>alert(1)") if each in answer.text]


@pytest.mark.asyncio
async def test_what_was_kept_stays_where_somebody_is_signed_in_but_his_session_is_not_told(door: Door) -> None:
    door.played.answers["/sessions"] = {"session": "fresh", "must_change_password": False, "needs_code": False}
    door.played.refusals["POST /sessions/token"] = (503, "unavailable")
    answer = await door.client.post("/sign-in", data={"name": "zhu", "password": "secret-1"} | KEPT, headers=OURS)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert KEPT.items() <= resumed(answer.text).items()
    assert answer.headers["set-cookie"] == FRESH


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
@pytest.mark.parametrize(
    ("path", "page"),
    [("/applications/{id}/decisions", "/applications/{id}"), ("/issues/{id}/measures", "/issues/{id}"), ("/sign-out", "/")],
)
async def test_the_address_of_a_form_that_was_refused_leads_to_its_page_when_it_is_opened_anew(door: Door, path: str, page: str) -> None:
    door.sign_in(*Role)
    opened = await door.client.get(path.format(id=uuid4()) + "?x=1")
    deleted = await door.client.delete(path.format(id=uuid4()), headers=OURS)

    assert opened.status_code == 303
    assert re.fullmatch(page.format(id="[0-9a-f-]{36}"), opened.headers["location"])
    assert deleted.status_code == 405


@pytest.mark.asyncio
async def test_headers_of_every_kind_of_answer(door: Door) -> None:
    answers = [await door.client.get(path) for path in ("/sign-in", "/", "/nothing", "/applications/new", "/tasks/decisions")]
    door.sign_in(*Role)
    door.played.answers["/tasks"] = {"broken": True}
    answers += [await door.client.get("/tasks"), await door.client.post("/tasks/decisions")]

    assert [answer.status_code for answer in answers] == [200, 303, 404, 303, 303, 500, 403]
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
    assert begun.headers["set-cookie"] == FRESH
    assert (ended.status_code, ended.headers["location"]) == (303, "/sign-in?left=true")
    assert "Max-Age=0" in ended.headers["set-cookie"]
    assert ("DELETE", "/sessions") in {(method, path) for method, path, _, _ in door.played.asked}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "planted", "status"),
    [
        ("/", None, 200),
        (f"/issues/{ID}/notice", None, 200),
        (f"/exports/roster/{ID}/progress", None, 200),
        ("/verify", None, 200),
        ("/sign-in", None, 303),
        ("/admin/users", None, 403),
        ("/applications/no-number", None, 404),
        (f"/applications/{ID}", (409, "refused"), 409),
        ("/tasks", (503, "unavailable"), 503),
        ("/tasks", None, 500),
    ],
)
async def test_a_session_under_a_new_key_goes_on_whatever_is_answered_first(door: Door, path: str, planted: Any, status: int) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    door.played.new_keys["key-0"] = "fresh"
    door.played.files[f"/issues/{ID}/notice"] = (b"%PDF-", "application/pdf", "inline")
    door.played.answers |= {
        "/figures/issues": {"items": [], "states": []},
        f"/exports/{ID}/progress": httpx.Response(200, content=b"id: 8"),
    }
    door.played.refusals |= {path: planted} if planted else {}
    if status == 500:
        door.played.answers["/tasks"] = {"broken": True}
    answer = await door.client.get(path)

    assert (answer.status_code, answer.headers.get_list("set-cookie")) == (status, [FRESH])
    assert (await door.client.get(path)).headers.get_list("set-cookie") == []  # the browser has it


@pytest.mark.asyncio
async def test_a_form_under_a_new_key_is_answered_with_it_and_signing_out_ends_both(door: Door) -> None:
    door.played.new_keys |= {"key-0": "fresh", "key-1": "fresh"}
    csrf = door.sign_in(Role.UNIT_CLERK)
    door.played.answers[f"/applications/{ID}/urging"] = {}
    sent = await door.client.post(f"/applications/{ID}/urging", data={"csrf": csrf}, headers=OURS)
    door.client.cookies.clear()
    csrf = door.sign_in(Role.UNIT_CLERK)
    ended = await door.client.post("/sign-out", data={"csrf": csrf}, headers=OURS)

    assert (sent.status_code, sent.headers.get_list("set-cookie")) == (303, [FRESH])
    assert [each.partition(";")[0] for each in ended.headers.get_list("set-cookie")] == ['__Host-bianban=""']
    assert [headers["x-session"] for method, _, _, headers in door.played.asked if method == "DELETE"] == ["fresh"]


@pytest.fixture
def turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the portal of this test writes who was turned away; asked for before `door`."""
    monkeypatch.setenv("BIANBAN_SECURITY_DIR", str(tmp_path))
    yield tmp_path / "portal.jsonl"
    security_log.set_up("portal", None, 180, None)


@pytest.mark.asyncio
async def test_who_is_turned_away_by_the_portal_itself_is_a_line(turned_away: Path, door: Door) -> None:
    csrf = door.sign_in(Role.UNIT_CLERK)
    await door.client.get("/tasks")
    await door.client.get("/admin/users?name=秘密")
    await door.client.post(f"/applications/{ID}/urging", data={"csrf": csrf}, headers={"origin": "https://evil.example"})
    await door.client.post(f"/applications/{ID}/urging", data={"csrf": "of another"}, headers=OURS)

    text = turned_away.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["status"], line["method"], line["route"], line["who"]) for line in lines] == [
        (403, "GET", "/admin/users", "zhou"),
        (403, "POST", "unknown", ""),
        (403, "POST", "/applications/{application_id}/urging", "zhou"),
    ]
    assert all(line["trace_id"] and line["from"] and line["at"] for line in lines)
    assert "秘密" not in text


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
    assert FRESH in back.headers.get_list("set-cookie")
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
    part = await door.client.get("/tasks", headers={"hx-request": "true"})

    assert home.status_code == 200
    assert "亮灯暂时取不到" in home.text
    assert (tasks.status_code, tasks.headers["retry-after"]) == (503, "5")
    assert (part.status_code, "请稍后再试" in part.text) == (503, True)
    assert "本页每 10 秒自动重试" in tasks.text
    assert tasks.headers["refresh"] == "10"
    assert "refresh" not in part.headers
    assert "重复办理" not in tasks.text  # nothing was sent


@pytest.mark.asyncio
async def test_a_service_that_hangs_keeps_no_page_waiting_for_as_long_as_a_deed_may_take(door: Door) -> None:
    csrf = door.sign_in(Role.BUSINESS_OFFICER)
    asked = {"csrf": csrf, "request_key": "k-1", "writer": "zhou"}
    for page in ("/", "/tasks", f"/units/{ID}", f"/issues/{ID}"):
        await door.client.get(page)
    await door.client.post("/persons", data=asked | {"name": "王"}, headers=OURS)
    read = dict(door.played.patience)
    await door.client.post("/tasks/decisions", data=asked | {"chosen": f"{ID}|1|review|1"}, headers=OURS)

    assert {"POST /sessions/token", "POST /persons/search", "GET /tasks"} <= read.keys()
    assert set(read.values()) == {PAGE.read}
    assert door.played.patience[f"POST /applications/{ID}/decisions"] == PATIENCE.read


@pytest.mark.asyncio
@pytest.mark.parametrize(("service", "told"), [("approval", "审批事项暂时取不到"), ("monitoring", "督办事项暂时取不到")])
async def test_work_of_one_service_alone_is_not_told_as_all_there_is(door: Door, service: str, told: str) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    door.played.answers["/figures/issues"] = {"items": [], "states": []}
    for path in ("/", "/tasks"):
        door.played.answers.pop(f"{service}/tasks", None)
        whole = (await door.client.get(path)).text
        door.played.answers[f"{service}/tasks"] = httpx.Response(503, json={"status": 503, "code": "unavailable"})
        half = await door.client.get(path)

        assert "没有待办" in whole
        assert "暂时取不到" not in whole
        assert half.status_code == 200
        assert told in half.text
        assert "没有待办" not in half.text
        assert "没有临期事项" not in half.text


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


def test_every_form_that_is_kept_as_a_draft_says_so_and_can_be_begun_anew() -> None:
    """In the form itself: the script looks nowhere else."""
    written = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html")}
    forms = [(name, each.split("</form>", 1)[0]) for name, text in written.items() for each in text.split(' data-draft="')[1:]]

    assert len(forms) >= 10
    assert [name for name, form in forms if not any(each in form for each in ("draft_line(", "ended()", "data-draft-drop"))] == []


ENTERED = {"password.html": 1, "code.html": 2, "tasks_list.html": 1, "persons.html": 1, "admin_users.html": 1, "admin_user.html": 1}
"""Forms that look, or are of one's own account. The rest is signed, recorded or ended by its button, not by Enter in a line."""


def test_enter_in_a_line_sends_forms_that_look_or_are_of_ones_own_alone() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html")}
    marked = re.search(r"macro mark\(.*?endmacro", written["form.html"], re.DOTALL)

    assert marked is not None
    assert '{% if not enters %}<button type="submit" disabled hidden></button>{% endif %}' in marked[0]
    assert {name: text.count("enters=true") for name, text in written.items() if "enters=true" in text} == ENTERED


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


@pytest.mark.asyncio
async def test_a_trace_tells_a_page_by_its_name_and_not_by_its_address(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(traces, "_tracer", provider.get_tracer("test"))
    monkeypatch.setattr(traces, "SLOW", 0.0)
    csrf = door.sign_in(Role.SUPERVISION_OFFICER)

    await door.client.get("/lights")
    await door.client.post(f"/issues/{ID}/urged", data={"csrf": csrf}, headers=OURS)
    provider.shutdown()

    told = [(span.name, dict(span.attributes or {})["http.route"]) for span in kept.get_finished_spans()]
    assert told == [("请求 亮灯", "/lights"), ("请求 办理问题", "/issues/{issue_id}/{deed}")]


@pytest.mark.asyncio
async def test_a_second_factor_is_begun_with_the_password_and_never_without(door: Door) -> None:
    csrf = door.sign_in(Role.UNIT_CLERK)
    door.played.answers["/me/totp"] = {"secret": "JBSWY3DP", "uri": "otpauth://totp/x"}
    form = (await door.client.get("/me/code")).text

    begun = await door.client.post("/me/code", data={"csrf": csrf, "password": "Right-one-1"}, headers=OURS)
    door.played.refusals["/me/totp"] = (403, "password_wrong")
    refused = await door.client.post("/me/code", data={"csrf": csrf, "password": "Wrong-one-1"}, headers=OURS)

    assert re.search(r'<input[^>]*name="password" type="password"[^>]*required', form)
    sent = [json.loads(body) for method, path, body, _ in door.played.asked if path == "/me/totp"]
    assert sent == [{"password": "Right-one-1"}, {"password": "Wrong-one-1"}]
    assert "JBSWY3DP" in begun.text
    assert (refused.status_code, "JBSWY3DP" in refused.text, "Wrong-one-1" in refused.text) == (403, False, False)
    assert 'name="password"' in refused.text
