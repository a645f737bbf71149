"""个人信息申请 by pages: taken in at the counter, the copy handed over, answered by the director; scopes, empty states, what a refusal says."""

import json
from typing import Any

import httpx
import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door

pytestmark = pytest.mark.asyncio
REQUEST_ID = "01a210f8-5bc8-7567-b52b-9533203e1977"
PERSON, ONE = f"/persons/{given.PERSON_ID}", f"/person-requests/{REQUEST_ID}"
NUMBER = "330499198001010012"
REQUEST: dict[str, Any] = {
    **dict.fromkeys(("outcome", "ground", "answer", "decided_at", "decided_by")),
    "request_id": REQUEST_ID,
    "kind": "correction",
    "asked": f"我的出生日期写错了{XSS}",
    "fields": ["出生日期"],
    "proof": f"持身份证到窗口{XSS}",
    "received_at": "2026-09-01T02:00:00Z",
    "received_by": "officer",
    "due_on": "2026-10-01",
    "person_id": given.PERSON_ID,
    "name": f"张三{XSS}",
    "unit_id": given.UNIT_ID,
    "unit": "第一小学",
    "overdue": True,
}
ANSWERED = REQUEST | {"outcome": "refused", "ground": "第四十七条", "answer": f"依法保存{XSS}", "overdue": False}
ANSWERED |= {"decided_at": "2026-09-10T02:00:00Z", "decided_by": "director"}
RECORD = {"since": None, "until": None, "recorded_from": "2026-01-01T00:00:00Z", "recorded_until": None, "document_no": None}
COPY: dict[str, Any] = {
    **{name: [] for name in ("placements", "secondments", "changes", "pending", "differences")},
    **dict.fromkeys(("purpose", "basis", "retention"), "编制实名制管理"),
    "person_id": given.PERSON_ID,
    "records": [RECORD | {"values": {"公民身份号码": NUMBER, "姓名": f"张三{XSS}"}}],
    "reveals": [{"actor": "officer", "at": "2026-09-02T02:00:00Z", "reason": f"本人查阅{XSS}"}],
    "requests": [REQUEST],
}


@pytest.fixture
def desk(door: Door) -> Door:
    door.played.answers |= {"/codes": given.CODES, PERSON: given.PERSON | {"placement": None}, ONE: REQUEST}
    door.played.answers |= {f"POST {PERSON}/requests": {"request_id": REQUEST_ID}, f"POST {ONE}/copy": COPY}
    door.played.answers[f"POST {ONE}/decision"] = httpx.Response(204)
    return door


@pytest.mark.parametrize("path", ["/", "/tasks"])
async def test_what_waits_for_an_answer_stands_in_the_work_of_whoever_answers_it(desk: Door, path: str) -> None:
    desk.played.answers["/person-requests"] = {"items": [REQUEST, REQUEST | {"due_on": "2026-09-28", "overdue": False}], "next": None}
    desk.played.answers["/figures/issues"] = {"items": [], "states": []}
    pages = []
    for role in (Role.OFFICE_DIRECTOR, Role.BUSINESS_OFFICER):
        desk.sign_in(role)
        pages.append((await desk.client.get(path)).text)
    desk.sign_in(Role.OFFICE_DIRECTOR)
    desk.played.refusals["GET /person-requests"] = (503, "away")
    away = (await desk.client.get(path)).text

    said = ["个人信息申请待答复 2 件</a>，其中已超期 1 件" in page and "2026-09-28" in page for page in pages]
    assert (said, "个人信息申请暂时取不到" in away) == ([True, False], True)
    assert {dict(query)["open_only"] for _, asked, query in desk.played.queries if asked == "/person-requests"} == {"true"}


async def send(desk: Door, path: str, role: Role, **typed: Any) -> httpx.Response:
    return await desk.client.post(path, data={"csrf": desk.sign_in(role), "request_key": "key-0001"} | typed, headers=OURS)


def told(desk: Door, path: str) -> list[Any]:
    return [json.loads(body) for method, asked, body, _ in desk.played.asked if (method, asked) == ("POST", path)]


async def see(desk: Door, role: Role, path: str) -> str:
    desk.sign_in(role)
    answer = await desk.client.get(path)
    assert answer.status_code == 200, answer.text
    assert "<script>alert(1)" not in answer.text
    return answer.text


async def test_a_request_is_taken_in_from_the_persons_page_and_leads_to_its_receipt(desk: Door) -> None:
    assert f'href="{PERSON}/requests"' in await see(desk, Role.BUSINESS_OFFICER, PERSON)
    form = await see(desk, Role.BUSINESS_OFFICER, f"{PERSON}/requests")
    typed = {"kind": "correction", "asked": "我的出生日期写错了", "proof": "持身份证到窗口", "fields": ["birth_on", "name"]}
    answer = await send(desk, f"{PERSON}/requests", Role.BUSINESS_OFFICER, **typed)

    mine = {name: value for name, value in REQUEST.items() if name not in {"person_id", "name", "unit_id", "unit"}}
    desk.played.answers[f"{PERSON}/requests"] = {"items": [mine, ANSWERED], "next": None}
    of_him = await see(desk, Role.BUSINESS_OFFICER, f"{PERSON}/requests")

    assert "没有登记过申请" in form
    assert of_him.count("已超期") == 1
    assert of_him.index("不予办理") < of_him.index("待答复")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ONE}?done=request_taken")
    assert told(desk, f"{PERSON}/requests") == [typed]


async def test_what_is_refused_is_told_at_its_field_with_all_that_was_typed(desk: Door) -> None:
    desk.played.refusals = {f"POST {PERSON}/requests": (409, "fields_missing"), f"POST {ONE}/decision": (409, "ground_missing")}
    taken = await send(desk, f"{PERSON}/requests", Role.BUSINESS_OFFICER, kind="correction", asked="改出生日期", proof="人证一致")
    answered = await send(desk, f"{ONE}/decision", Role.OFFICE_DIRECTOR, granted="false", answer="依法保存，不予办理")

    assert (taken.status_code, answered.status_code) == (409, 409)
    assert "改出生日期" in taken.text
    assert 'id="w-fields"' in taken.text
    assert "依法保存，不予办理" in answered.text
    assert 'name="ground"' in answered.text
    assert 'aria-invalid="true"' in answered.text


@pytest.mark.parametrize(
    ("role", "request_", "offered"),
    [
        (Role.BUSINESS_OFFICER, REQUEST | {"kind": "copy", "fields": []}, [True, False]),
        (Role.BUSINESS_OFFICER, REQUEST, [False, False]),
        (Role.OFFICE_DIRECTOR, REQUEST, [False, True]),
        (Role.OFFICE_DIRECTOR, REQUEST | {"received_by": "zhou"}, [False, False]),
        (Role.OFFICE_DIRECTOR, ANSWERED, [False, False]),
        (Role.BUSINESS_OFFICER, ANSWERED | {"kind": "copy"}, [False, False]),
        (Role.BUSINESS_OFFICER, ANSWERED | {"kind": "copy", "outcome": "granted"}, [True, False]),
    ],
)
async def test_who_may_do_something_about_it_is_offered_it_and_nobody_else(
    desk: Door, role: Role, request_: dict[str, Any], offered: list[bool]
) -> None:
    desk.played.answers[ONE] = request_
    page = await see(desk, role, ONE)

    assert [f'action="{ONE}/{deed}"' in page for deed in ("copy", "decision")] == offered
    assert ("已超过答复期限" in page) is request_["overdue"]


async def test_an_answer_goes_out_with_its_ground_and_an_erased_person_is_none(desk: Door) -> None:
    answer = await send(desk, f"{ONE}/decision", Role.OFFICE_DIRECTOR, granted="false", answer="依法保存", ground="第四十七条")
    desk.played.answers[ONE] = ANSWERED | {"name": None, "kind": "deletion", "outcome": "granted", "fields": []}
    page = await see(desk, Role.OFFICE_DIRECTOR, ONE)

    assert (answer.status_code, answer.headers["location"]) == (303, f"{ONE}?done=request_decided")
    assert told(desk, f"{ONE}/decision") == [{"granted": False, "answer": "依法保存", "ground": "第四十七条"}]
    assert "已删除" in page
    assert f'href="{PERSON}' not in page


async def test_the_copy_is_a_page_to_print_or_a_file_and_its_number_stands_in_no_address(desk: Door) -> None:
    page = await send(desk, f"{ONE}/copy", Role.BUSINESS_OFFICER, do="page")
    file = await send(desk, f"{ONE}/copy", Role.BUSINESS_OFFICER, do="file")

    assert NUMBER in page.text
    assert "<script>alert(1)" not in page.text
    assert page.headers["cache-control"] == file.headers["cache-control"] == "no-store"
    assert file.json() == COPY
    assert file.headers["content-disposition"].startswith("attachment")
    assert not any(NUMBER in path for _, path, _, _ in desk.played.asked)


async def test_all_requests_are_listed_those_that_wait_first_and_nobody_else_opens_them(desk: Door) -> None:
    empty = await see(desk, Role.OFFICE_DIRECTOR, "/person-requests")
    desk.played.answers["/person-requests"] = {"items": [REQUEST, ANSWERED | {"name": None}], "next": REQUEST_ID}
    listed = await see(desk, Role.OFFICE_DIRECTOR, "/person-requests?all=true")
    desk.sign_in(Role.UNIT_CLERK)

    assert "没有待答复的申请" in empty
    assert all(words in listed for words in (ONE, "已超期", "不予办理", "已删除", "下一页"))
    asked = [dict(query)["open_only"] for _, path, query in desk.played.queries if path == "/person-requests"]
    assert asked == ["true", "false"]
    for path in ("/person-requests", ONE, f"{PERSON}/requests"):
        assert (await desk.client.get(path)).status_code == 403
