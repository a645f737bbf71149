"""待办: saved views, what a line tells, and a decision about many of which each has its own result."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from shared.glossary import LIST_STANDINGS, Role
from tests.portal.conftest import COUNTS, OURS, XSS, Door, pressed_by_enter

pytestmark = pytest.mark.asyncio
ID = "01a210f8-5bc8-7567-b52b-9533203e1931"
TASK: dict[str, Any] = {
    "id": ID,
    "number": "编申〔2026〕7号",
    "title": f"招聘{XSS}",
    "unit": f"第一小学{XSS}",
    "unit_id": ID,
    "type": "post_use_application",
    "type_label": "用编申请",
    "state": "in_review",
    "state_label": "审核中",
    "revision": 1,
    "step": "business_review",
    "holder_label": "编办业务科",
    "light": "yellow",
    "why": f"您的角色办理“业务科审核”{XSS}",
    "due_at": "2026-09-21T09:30:00Z",
    "submitted_at": "2026-09-18T01:00:00Z",
    "term": {"paused": False, "overdue": 0, "remaining": 3, "used": 2, "total": 5, "due_at": "2026-09-21T09:30:00Z"},
}
VIEWS = {"items": [{"id": ID, "name": f"红灯{XSS}", "query": 'tab=todo&light=red"><script>'}]}


def answers(door: Door) -> dict[str, Any]:
    """One application waits in approval, nothing in monitoring."""
    found = door.played.answers
    found |= {"/tasks": {"items": [TASK], "next": None}, "/tasks/counts": dict.fromkeys(COUNTS, 1), "/me/views": VIEWS}
    return found


async def test_a_line_tells_light_days_unit_type_state_holder_and_why_it_is_here(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    page = (await door.client.get("/tasks")).text

    for words in ("黄灯", "剩 3 天", "第一小学", "用编", "审核中", "编办业务科", "您的角色办理", "编申〔2026〕7号", "2026-09-18"):
        assert words in page, words
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page


async def test_what_claims_an_exception_to_a_freeze_says_so_and_is_decided_by_itself(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    found = answers(door)
    pages = []
    for excepted in (False, True):
        found["/tasks"] = {"items": [TASK | {"excepted": excepted}], "next": None}
        pages.append((await door.client.get("/tasks")).text)

    assert [("申报冻结例外" in page, 'name="chosen"' in page) for page in pages] == [(False, True), (True, False)]


async def test_work_is_narrowed_by_every_state_it_may_have_and_both_services_are_asked_for_what_both_know(door: Door) -> None:
    door.sign_in(Role.SEAL_OPERATOR)
    answers(door)
    page = (await door.client.get("/tasks")).text
    before = len(door.played.asked)
    for state in ("awaiting_release", "awaiting_acknowledgement", "returned"):
        await door.client.get(f"/tasks?state={state}", headers={"hx-request": "true"})

    offered = re.findall(r'<option value="(\w+)"[^>]*>(待用印|待签章|待签收|已签收)</option>', page)
    asked = [path for _, path, *_ in door.played.asked[before:] if path == "/tasks"]
    assert dict(offered) == LIST_STANDINGS
    assert len(offered) == len(LIST_STANDINGS)
    assert len(asked) == 2 + 1 + 1


async def test_a_saved_view_is_a_link_of_our_own_whatever_was_kept(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    page = (await door.client.get("/tasks?light=red")).text

    links = re.findall(r'<li class="view[^"]*"><a href="([^"]+)"', page)
    assert links == ["/tasks?tab=todo&amp;light=red&#34;&gt;&lt;script&gt;"]
    assert 'action="/tasks/views"' in page, "what is narrowed may be kept"


async def test_what_is_shown_is_kept_under_a_name_and_forgotten_again(door: Door) -> None:
    csrf = door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    typed = {"csrf": csrf, "name": "红灯", "tab": "todo", "light": "red", "q": "小学", "sort": "-due", "after": "x", "evil": "1"}
    kept = await door.client.post("/tasks/views", data=typed, headers=OURS)
    forgotten = await door.client.post(f"/tasks/views/{ID}/forget", data={"csrf": csrf}, headers=OURS)

    body = next(each for method, path, each, _ in door.played.asked if (method, path) == ("POST", "/me/views"))
    query = dict(parse_qsl(urlsplit(kept.headers["location"]).query))
    assert query == {"tab": "todo", "light": "red", "q": "小学", "sort": "-due", "done": "view_saved"}
    assert b"evil" not in body
    assert b"after" not in body
    assert forgotten.headers["location"] == "/tasks?done=view_forgotten"
    assert ("DELETE", f"/me/views/{ID}") in {(method, path) for method, path, _, _ in door.played.asked}


async def test_a_view_that_is_refused_leaves_the_list_and_the_typed_name(door: Door) -> None:
    csrf = door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    door.played.refusals["/me/views"] = (409, "too_many_views")
    typed = {"csrf": csrf, "name": "我的红灯", "tab": "todo", "light": "red"}
    answer = await door.client.post("/tasks/views", data=typed, headers=OURS)

    assert answer.status_code == 409
    assert 'value="我的红灯"' in answer.text
    assert "编申〔2026〕7号" in answer.text


async def test_of_many_decisions_each_has_its_own_result(door: Door) -> None:
    csrf = door.sign_in(Role.BUSINESS_OFFICER)
    other = ID[:-1] + "2"
    door.played.refusals[f"/applications/{other}/decisions"] = (409, "stale_version")
    chosen = [f"{each}|1|business_review|编申{place}号" for place, each in enumerate((ID, other), 1)]
    page = await door.client.post(
        "/tasks/decisions", data={"csrf": csrf, "request_key": "k", "opinion": "同意。", "chosen": [*chosen, "broken"]}, headers=OURS
    )

    results = re.findall(r"编申(\d)号</a></td>\s*<td[^>]*><span class=\"tag tag-(\w+)\"", page.text)
    keys = {headers["idempotency-key"] for _, path, _, headers in door.played.asked if path.endswith("/decisions")}
    assert results == [("1", "good"), ("2", "bad")]
    assert keys == {f"k/{ID}", f"k/{other}"}


async def test_who_operates_the_seal_releases_many_weekly_lists_at_once_each_with_its_own_result(door: Door) -> None:
    csrf = door.sign_in(Role.SEAL_OPERATOR)
    other = ID[:-1] + "2"
    edition = {"type": "list", "state": "awaiting_release", "revision": 1, "step": None}
    lines = [TASK | edition | {"id": each, "number": f"督办{place}号"} for place, each in enumerate((ID, other), 1)]
    answers(door)["/tasks"] = {"items": [*lines, TASK | {"state": "awaiting_release"}], "next": None}
    page = (await door.client.get("/tasks?type=list")).text
    door.played.refusals[f"/supervision-lists/{other}/release"] = (409, "list_not_drawable")
    chosen = re.findall(r'name="chosen" value="([^"]+)"', page)
    told = await door.client.post(
        "/tasks/releases", data={"csrf": csrf, "request_key": "k", "reason": "核对无误。", "chosen": [*chosen, "broken"]}, headers=OURS
    )

    assert chosen == [f"{ID}|督办1号", f"{other}|督办2号"]
    assert 'action="/tasks/releases"' in page
    assert re.findall(r"督办(\d)号</a></td>\s*<td[^>]*><span class=\"tag tag-(\w+)\"", told.text) == [("1", "good"), ("2", "bad")]
    assert f'href="/supervision-lists/{ID}"' in told.text
    sent = [(json.loads(body), headers["idempotency-key"]) for _, path, body, headers in door.played.asked if path.endswith("/release")]
    assert sent == [({"reason": "核对无误。"}, f"k/{ID}"), ({"reason": "核对无误。"}, f"k/{other}")]


@pytest.mark.parametrize("roles", [(Role.BUSINESS_OFFICER, Role.SEAL_OPERATOR), (Role.BUSINESS_OFFICER,), (Role.SEAL_OPERATOR,)])
async def test_enter_in_the_opinion_of_many_approves_and_releases_nothing(door: Door, roles: tuple[Role, ...]) -> None:
    door.sign_in(*roles)
    answers(door)
    page = (await door.client.get("/tasks")).text

    buttons = [f"{words}</button>" in page for words in ("批量通过", "清单批量用印登记")]
    assert buttons == [role in roles for role in (Role.BUSINESS_OFFICER, Role.SEAL_OPERATOR)]
    assert pressed_by_enter(page) == []


async def test_of_many_decisions_none_is_sent_after_one_that_got_no_answer(door: Door) -> None:
    csrf = door.sign_in(Role.BUSINESS_OFFICER)
    ids = [ID[:-1] + str(place) for place in range(1, 5)]
    door.played.refusals[f"/applications/{ids[1]}/decisions"] = (503, "unavailable")
    chosen = [f"{each}|1|business_review|编申{place}号" for place, each in enumerate(ids, 1)]
    page = await door.client.post(
        "/tasks/decisions", data={"csrf": csrf, "request_key": "k", "opinion": "同意。", "chosen": chosen}, headers=OURS
    )

    sent = [path for _, path, *_ in door.played.asked if path.endswith("/decisions")]
    assert sent == [f"/applications/{each}/decisions" for each in ids[:2]]
    assert [page.text.count(words) for words in ("已通过</span>", "不知道是否办成", "本件没有提交")] == [1, 1, 2]
