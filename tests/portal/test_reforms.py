"""机构改革 by pages: a plan is read, tried out and decided; every step and objection is shown, and what was brought is never lost."""

import html
import json
import re
import tomllib
from typing import Any

import httpx
import pytest

from services.portal.rules import reforms as rules
from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door

pytestmark = pytest.mark.asyncio
REFORM_ID, MADE_ID = "01a210f8-5bc8-7567-b52b-9533203e1951", "01a210f8-5bc8-7567-b52b-9533203e1952"
KEY = f"reform:{'ab' * 32}"
TEXT = f'title = "方案{XSS}"\n\n[[steps]]\nstep = "撤并"\n'
HEAD: dict[str, Any] = {
    "title": f"方案{XSS}",
    "document_no": f"示编〔2026〕8号{XSS}",
    "document_on": "2026-09-01",
    "effective_on": "2026-09-10",
    "reason": XSS,
}
STEPS: list[dict[str, Any]] = [
    {"step": "establish", "unit_id": MADE_ID, "name": f"新局{XSS}", "code": "R-1", "category": "SY-1", "parent_id": None},
    {"step": "merge", "unit_id": given.UNIT_ID, "into_unit_id": MADE_ID},
    {"step": "move_people", "unit_id": given.PARENT_ID, "to_unit_id": MADE_ID, "person_ids": [given.PERSON_ID]},
]
NAMES = {MADE_ID: f"新局{XSS}", given.UNIT_ID: f"第一小学{XSS}", given.PARENT_ID: "教育局"}
READ = {"key": KEY, "body": HEAD | {"steps": STEPS}, "units": NAMES, "people": {given.PERSON_ID: f"张{XSS}"}, "wrong": []}
NOTHING = {"posts": 0, "ceilings": 0, "people": 0, "loans": 0, "uses": 0, "closes": False}
TRIED: dict[str, Any] = {
    "units_changed": 2,
    "units_closed": 1,
    "people_moved": 3,
    "internal_units_left": [],
    "steps": [
        {"step": 1} | NOTHING,
        {"step": 2} | NOTHING | {"posts": 2, "people": 2, "closes": True},
        {"step": 3} | NOTHING | {"people": 1},
    ],
    "problems": [],
}
REFUSED = TRIED | {
    "steps": TRIED["steps"][:1],
    "problems": [
        {"step": None, "code": "document_missing", "sentence": f"请填写文号{XSS}。"},
        {"step": 2, "code": "reform_in_flight", "sentence": f"尚有在办{XSS}。"},
    ],
}
LINE = {name: HEAD[name] for name in ("title", "document_no", "document_on", "effective_on")} | {
    "reform_id": REFORM_ID,
    "actor": "zhou",
    "recorded_at": "2026-09-18T01:00:00Z",
}
LEFT = [{"unit_id": given.UNIT_ID, "to_unit_id": MADE_ID, "internal_unit": f"教务处{XSS}", "people": 12}]
VIEW = LINE | {"steps": STEPS, "units": [given.UNIT_ID, MADE_ID], "names": NAMES, "internal_units_left": LEFT}


@pytest.fixture
def desk(door: Door) -> Door:
    door.played.answers |= {
        "/codes": given.CODES,
        "/reforms/read": READ,
        "/reforms/check": TRIED,
        "GET /reforms": {"items": [LINE], "next": "more"},
        "POST /reforms": {"reform_id": REFORM_ID, "units_changed": 2, "units_closed": 1, "people_moved": 3, "internal_units_left": []},
        f"/reforms/{REFORM_ID}": VIEW,
    }
    return door


async def bring(desk: Door, path: str, text: str = TEXT, file: bytes | None = None, key: str = "key-0001") -> httpx.Response:
    csrf = desk.sign_in(Role.BUSINESS_OFFICER)
    files = {"file": ("plan.toml", file)} if file is not None else None
    return await desk.client.post(path, data={"csrf": csrf, "request_key": key, "text": text}, files=files, headers=OURS)


def sent(desk: Door, path: str) -> list[Any]:
    return [json.loads(body) for method, asked, body, _ in desk.played.asked if (method, asked) == ("POST", path)]


def kept(page: str) -> str:
    found = re.search(r'<textarea[^>]* name="text"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


@pytest.mark.parametrize("path", ["/reforms", "/reforms?q=x&sort=recorded_at", "/reforms/new", f"/reforms/{REFORM_ID}"])
async def test_every_page_is_drawn_and_nothing_planted_is_markup(desk: Door, path: str) -> None:
    desk.sign_in(Role.BUSINESS_OFFICER)
    page = await desk.client.get(path)
    part = await desk.client.get(path, headers={"hx-request": "true"})

    assert (page.status_code, part.status_code) == (200, 200), page.text
    assert "<script>alert(1)" not in page.text + part.text
    assert "<img src=x" not in page.text + part.text
    assert 'href="/reforms" class="is-here"' in page.text


async def test_a_plan_is_tried_with_every_step_in_words_and_nothing_is_written(desk: Door) -> None:
    page = await bring(desk, "/reforms/new", "", TEXT.encode())

    assert page.status_code == 200, page.text
    assert (sent(desk, "/reforms/read"), sent(desk, "/reforms/check")) == ([{"text": TEXT}], [READ["body"]])
    assert sent(desk, "/reforms") == []
    for words in (
        "试算没有发现问题",
        "示编〔2026〕8号",
        "2026-09-10",
        "编制 2 名，人员 2 名，单位撤销",
        "变更单位 2 个，撤销单位 1 个，划转人员 3 名",
        "1 名（张",
    ):
        assert words in page.text, words
    assert "data-confirm=" in page.text
    assert f'href="/units/{given.UNIT_ID}"' in page.text
    assert f'href="/units/{MADE_ID}"' not in page.text
    assert "<script>alert(1)" not in page.text
    assert "<img src=x" not in page.text
    assert kept(page.text) == TEXT


async def test_who_would_sit_in_no_internal_unit_any_more_is_told_before_and_after(desk: Door) -> None:
    desk.played.answers["/reforms/check"] = TRIED | {"internal_units_left": LEFT}
    tried = html.unescape((await bring(desk, "/reforms/new")).text)
    done = html.unescape((await desk.client.get(f"/reforms/{REFORM_ID}")).text)

    for page, advice in ((tried, "用 internal_units 写全承接单位的内设机构"), (done, "由承接单位在“信息维护”中逐人填写")):
        assert f"第一小学{XSS}“教务处{XSS}”的 12 名人员：新局{XSS}没有同名的内设机构" in page
        assert advice in page


async def test_every_objection_stands_at_its_step_and_there_is_nothing_to_carry_out(desk: Door) -> None:
    desk.played.answers["/reforms/check"] = REFUSED
    page = (await bring(desk, "/reforms/new")).text

    assert "试算发现 2 处问题，没有写入数据" in page
    assert page.index("请填写文号") < page.index("撤并") < page.index("尚有在办")
    assert 'action="/reforms"' not in page.replace('action="/reforms/new"', "")
    assert kept(page) == TEXT


async def test_what_is_wrong_in_a_file_is_told_and_its_text_can_be_mended_on_the_page(desk: Door) -> None:
    desk.played.answers["/reforms/read"] = READ | {"body": None, "wrong": [f"第 1 步 unit：没有找到单位“{XSS}”。", "effective_on：必填。"]}
    answer = await bring(desk, "/reforms/new", "old", TEXT.encode("utf-8-sig"))

    assert answer.status_code == 422
    assert "2 处填写有误" in answer.text
    assert "effective_on：必填。" in answer.text
    assert "<script>alert(1)" not in answer.text
    assert sent(desk, "/reforms/check") == []
    assert kept(answer.text) == TEXT


@pytest.mark.parametrize(
    ("text", "file", "words"),
    [
        ("", None, "没有收到方案"),
        ("old", "方案".encode("gbk"), "UTF-8"),
        ("old", b"#" * (1024 * 1024 + 1), "1 MB"),
        ("", b"", "没有收到方案"),
    ],
)
async def test_what_is_no_plan_leaves_what_was_typed(desk: Door, text: str, file: bytes | None, words: str) -> None:
    answer = await bring(desk, "/reforms/new", text, file)

    assert answer.status_code in {413, 422}
    assert words in answer.text
    assert kept(answer.text) == text
    assert sent(desk, "/reforms/read") == []


async def test_a_plan_is_carried_out_once_under_its_own_key_and_shown(desk: Door) -> None:
    tried = await bring(desk, "/reforms/new")
    assert f'name="request_key" value="{KEY}"' in tried.text
    done = await bring(desk, "/reforms", key=KEY)
    shown = (await desk.client.get(done.headers["location"])).text

    assert (done.status_code, done.headers["location"]) == (303, f"/reforms/{REFORM_ID}?done=reform_done")
    assert sent(desk, "/reforms") == [READ["body"]]
    keys = {headers["idempotency-key"] for method, path, _, headers in desk.played.asked if (method, path) == ("POST", "/reforms")}
    assert keys == {KEY}
    for words in (
        "改革已实施",
        "示编〔2026〕8号",
        "撤并",
        "划转人员",
        "1 名",
        f'href="/units/{MADE_ID}"',
        f'href="/units/{given.UNIT_ID}/history"',
    ):
        assert words in shown, words


async def test_a_refusal_at_the_end_is_told_with_all_that_speaks_against_it_and_keeps_the_plan(desk: Door) -> None:
    desk.played.answers["/reforms/check"] = REFUSED
    desk.played.refusals["POST /reforms"] = (409, "reform_in_flight")
    answer = await bring(desk, "/reforms")

    assert answer.status_code == 409
    assert "原因：&lt;script&gt;" in answer.text
    assert "尚有在办" in answer.text
    assert kept(answer.text) == TEXT


async def test_a_plan_that_is_no_longer_readable_when_it_is_decided_is_not_carried_out(desk: Door) -> None:
    desk.played.answers["/reforms/read"] = READ | {"body": None, "wrong": ["第 1 步 unit：没有找到单位。"]}
    answer = await bring(desk, "/reforms")

    assert (answer.status_code, sent(desk, "/reforms"), kept(answer.text)) == (422, [], TEXT)


async def test_who_does_not_keep_the_roster_sees_reforms_and_brings_none(desk: Door) -> None:
    desk.played.units = [given.UNIT_ID]
    desk.sign_in(Role.UNIT_HEAD)
    listed, shown = [(await desk.client.get(path)).text for path in ("/reforms", f"/reforms/{REFORM_ID}")]

    assert "/reforms/new" not in listed
    assert ">机构改革</a></li>" not in listed
    assert "只列出所涉单位都在您管辖范围内的步骤" in shown
    assert (await desk.client.get("/reforms/new")).status_code == 403


async def test_the_example_is_handed_out_as_a_file_that_can_be_read(desk: Door) -> None:
    desk.sign_in(Role.BUSINESS_OFFICER)
    answer = await desk.client.get("/reforms/example")

    assert answer.headers["content-disposition"].startswith("attachment")
    assert {each["step"] for each in tomllib.loads(answer.text)["steps"]} >= {"新设", "撤并", "划转编制"}


async def test_each_kind_of_step_is_said_in_words() -> None:
    posts = {"kind": "SY", "funding": "full", "posts": 2}
    unit, to = {"unit_id": "a"}, {"into_unit_id": "b"}
    words = {
        "kinds": {"SY": "事业编制"},
        "fundings": {"full": "全额拨款"},
        "leadership_levels": {"unit_head": "单位正职"},
        "ranks": {"gu": "股级"},
    }
    steps: list[dict[str, Any]] = [
        {"step": "change", "name": "新名"} | unit,
        {"step": "change", "parent_id": "b", "rank": "gu", "duties": None, "withheld": True, "plates": ["甲", "乙"]} | unit,
        {"step": "split", "posts": [posts], "person_ids": ["p", "q"]} | unit | to,
        {"step": "move_posts", "to_unit_id": "b"} | unit | posts,
        {"step": "set_seats", "level": "unit_head", "approved": 1} | unit,
        {"step": "close", "successors": ["b", "c"]} | unit,
    ]

    said = [rules.said(each, {"a": "甲", "b": "乙"}, words, {"p": "张"}) for each in steps]

    assert [(each.title, each.to) for each in said] == [
        ("更名", ""), ("变更", ""), ("分设", "b"), ("划转编制", "b"), ("核定职数", ""), ("撤销", ""),
    ]  # fmt: skip
    assert [dict(each.more) for each in said] == [
        {"名称": "新名"},
        {"级别": "股级", "主要职责": "（空）", "不计入公开汇总": "是", "加挂牌子": "甲、乙", "主管部门": "乙"},
        {"编制": "事业编制（全额拨款）2 名", "人员": "2 名（张）"},
        {"编制": "事业编制（全额拨款）2 名"},
        {"职数": "单位正职 1 名"},
        {"承接单位": "乙、其他单位"},
    ]
