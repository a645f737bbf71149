"""亮灯: the matrix, a row anew, a light and what makes it green; nothing planted is markup, and no colour stands alone."""

import re
from typing import Any

import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import XSS, Door

pytestmark = pytest.mark.asyncio
UNIT, OTHER, ISSUE = given.UNIT_ID, given.PARENT_ID, given.PERSON_ID
FOUND = {"rule": "M01", "level": "red", "label": "红灯", "issues": 2, "issue_id": ISSUE, "state": "rectifying", "state_label": "整改中"}
LINE: dict[str, Any] = {
    "unit_id": UNIT, "unit": f"第一小学{XSS}", "light": "red", "label": "红灯", "since": "2026-09-18T01:00:00Z",
    "issues": [FOUND | {"due_at": None}], "remarks": [{"rule": "M07", "code": "full", "title": f"满编{XSS}"}],
}  # fmt: skip
QUIET = LINE | {"unit_id": OTHER, "unit": "第二小学", "light": "green", "label": "绿灯", "issues": [], "remarks": []}
RULES = [{"code": code, "title": title, "ground": f"依据{XSS}", "units": 1} for code, title in (("M01", "超编"), ("M07", "先进人后核编"))]
LIGHTS = [
    {"code": code, "label": label, "count": count}
    for code, label, count in (("red", "红灯", 41), ("yellow", "黄灯", 0), ("green", "绿灯", 579), ("unverified", "数据待核", 0))
]
BOARD = {"rules": RULES, "lights": LIGHTS, "items": [LINE, QUIET], "next": "more", "turn": 77}
WHY: dict[str, Any] = given.WHY | {
    "issue_id": ISSUE, "rule": "M01", "rule_version": "1", "state_label": "整改中", "inputs": {}, "threshold": {},
    "details": [{"name": "核定编制", "value": f"40{XSS}"}], "event_id": None, "present": True, "found_at": "2026-09-18T01:00:00Z",
    "due_at": None, "gone_when": "实有人数降到核定编制以内。",
}  # fmt: skip
LIGHT = given.LIGHT | {
    "unit": f"第一小学{XSS}",
    "parked_events": 0,
    "why": [WHY, WHY, WHY | {"rule": "M07", "title": "先进人后核编", "inputs": {"person_id": given.PERSON_ID}}],
}


@pytest.fixture
def lit(door: Door) -> Door:
    towns = [{"code": OTHER, "label": f"听澜镇{XSS}"}, {"code": UNIT, "label": "月泊镇"}]
    door.played.answers |= {
        "/lights/matrix": BOARD,
        "/figures/distribution": {"items": towns, "totals": []},
        f"/units/{UNIT}/light": LIGHT,
        f"/units/{UNIT}": given.UNIT,
    }
    return door


def queries(door: Door) -> list[dict[str, str]]:
    return [dict(query) for _, path, query in door.played.queries if path == "/lights/matrix"]


@pytest.mark.parametrize("path", ["/lights", f"/lights?unit={UNIT}", f"/lights/{UNIT}", f"/lights/{UNIT}?rule=M07"])
async def test_nothing_planted_is_markup(lit: Door, path: str) -> None:
    lit.sign_in(Role.BUSINESS_OFFICER)
    page = await lit.client.get(path)
    part = await lit.client.get(path, headers={"hx-request": "true"})

    assert (page.status_code, part.status_code) == (200, 200)
    assert "第一小学&lt;script&gt;" in page.text
    assert not re.findall(r"<script>alert|<img src=x", page.text + part.text)


async def test_a_cell_says_colour_number_and_state_in_words_and_leads_to_what_it_rests_on(lit: Door) -> None:
    lit.sign_in(Role.OBSERVER)
    page = (await lit.client.get("/lights")).text

    cells = re.findall(r"<tr id=.*?</tr>", page, re.DOTALL)
    assert len(cells) == 2
    assert f'href="/lights/{UNIT}?rule=M01"' in cells[0]
    assert re.search(r"红灯 2 件</a> <span[^>]*>整改中<", cells[0])
    assert "满编" in cells[0]
    assert cells[1].count("<td></td>") == 2
    assert "绿灯" in cells[1]


async def test_what_is_asked_for_goes_to_the_service_and_a_colour_that_is_none_does_not(lit: Door) -> None:
    lit.sign_in(Role.BUSINESS_OFFICER)
    page = (await lit.client.get(f"/lights?color=red&rule=M01&unit={OTHER}&q=小学&after=x")).text
    await lit.client.get("/lights?color=blue")

    assert queries(lit) == [
        {"unit": OTHER, "name": "小学", "color": "red", "rule": "M01", "after": "x", "limit": "1000"},
        {"limit": "1000"},
    ]
    assert f'<option value="{OTHER}" selected>听澜镇' in page
    assert 'value="red" checked' in page
    assert 'data-since="77"' in page


async def test_who_has_one_unit_alone_has_nothing_to_choose(lit: Door) -> None:
    lit.sign_in(Role.UNIT_CLERK)
    lit.played.answers["/figures/distribution"] = {"items": [{"code": UNIT, "label": "第一小学"}], "totals": []}
    alone, chosen = [(await lit.client.get(f"/lights{query}")).text for query in ("", f"?unit={UNIT}")]

    assert ('name="unit"' in alone, 'name="unit"' in chosen) == (False, True)


async def test_a_swapped_list_brings_the_counts_of_the_chips_with_it_and_a_whole_page_has_each_once(lit: Door) -> None:
    lit.sign_in(Role.OBSERVER)
    page = (await lit.client.get("/lights")).text
    part = (await lit.client.get("/lights", headers={"hx-request": "true"})).text

    assert (page.count('id="n-red"'), part.count('id="n-red" data-live hx-swap-oob="true"')) == (1, 1)
    assert ">41</span>" in page
    assert "<form" not in part


async def test_a_row_is_drawn_anew_with_the_counts_and_says_whether_it_still_fits(lit: Door) -> None:
    lit.sign_in(Role.OBSERVER)
    lit.played.answers["/lights/matrix"] = BOARD | {"items": [LINE]}
    fits = await lit.client.get(f"/lights/rows/{UNIT}?color=red&q=小学", headers={"hx-request": "true"})
    outside = await lit.client.get(f"/lights/rows/{UNIT}?color=green", headers={"hx-request": "true"})
    plain = await lit.client.get(f"/lights/rows/{UNIT}")

    assert ('data-fits="yes"' in fits.text, 'data-fits="no"' in outside.text) == (True, True)
    assert 'id="n-green" data-live' in fits.text
    assert {"only": UNIT, "name": "小学"} in queries(lit)
    assert (plain.status_code, plain.headers["location"]) == (303, f"/lights/{UNIT}")


async def test_a_light_tells_what_it_rests_on_the_asked_rule_first_and_each_thing_to_do_once(lit: Door) -> None:
    lit.sign_in(Role.BUSINESS_OFFICER)
    page = (await lit.client.get(f"/lights/{UNIT}?rule=M07")).text
    way = page[page.index('id="h-way"') :]

    assert page.index('id="M07"') < page.index('id="M01"')
    assert "依据：依据&lt;script&gt;" in page
    assert page.count(f'href="/issues/{ISSUE}"') == 3
    assert f'href="/persons/{given.PERSON_ID}"' in page
    assert "以下 2 项全部办结后转为绿灯" in way
    assert way.count("实有人数降到核定编制以内。减员或调整") == 2
    assert "2 件" in way


async def test_who_may_not_read_persons_is_not_led_to_them(lit: Door) -> None:
    lit.sign_in(Role.OBSERVER)
    page = (await lit.client.get(f"/lights/{UNIT}")).text

    assert "/persons/" not in page


async def test_a_green_light_says_so_and_a_parked_event_is_told(lit: Door) -> None:
    lit.sign_in(Role.OBSERVER)
    lit.played.answers[f"/units/{UNIT}/light"] = LIGHT | {"why": [], "light": "unverified", "label": "数据待核", "parked_events": 3}
    page = (await lit.client.get(f"/lights/{UNIT}")).text

    assert "全部 2 条规则都没有查到未了的问题" in page
    assert "有 3 条数据变动尚未处理" in page


async def test_a_green_light_with_a_baseline_does_not_say_that_nothing_was_found(lit: Door) -> None:
    lit.sign_in(Role.BUSINESS_OFFICER)
    green = LIGHT | {"why": [], "light": "green", "label": "绿灯", "baseline": 2}
    lit.played.answers[f"/units/{UNIT}/light"] = green
    page = (await lit.client.get(f"/lights/{UNIT}")).text

    assert f'<a href="/issues?unit={UNIT}&amp;below=false&amp;state=baseline">期初存量 2 项</a>' in page
    assert "都没有查到" not in page


async def test_a_unit_that_is_no_more_is_told_so_and_has_no_green_light(lit: Door) -> None:
    lit.sign_in(Role.BUSINESS_OFFICER)
    lit.played.answers[f"/units/{UNIT}/light"] = LIGHT | {"why": [], "light": "green", "label": "绿灯", "closed_on": "2026-09-01"}
    page = (await lit.client.get(f"/lights/{UNIT}")).text

    assert "— 已于 2026-09-01 撤并，不再亮灯" in page
    assert "绿灯</span>" not in page


async def test_a_unit_outside_of_ones_scope_is_not_found(lit: Door) -> None:
    lit.sign_in(Role.UNIT_CLERK)
    lit.played.refusals[f"/units/{UNIT}/light"] = (404, "unit_unknown")

    assert (await lit.client.get(f"/lights/{UNIT}")).status_code == 404
    assert (await lit.client.get("/lights/not-a-unit")).status_code == 404


async def test_the_way_to_the_file_is_narrowed_as_the_matrix_is(lit: Door) -> None:
    lit.sign_in(Role.BUSINESS_OFFICER)
    page = (await lit.client.get(f"/lights?unit={UNIT}&color=red&rule=M07&q=校")).text

    assert f"list=lights&amp;light=red&amp;rule=M07&amp;unit={UNIT}&amp;q=%E6%A0%A1" in page


MISSING: dict[str, Any] = {
    "rule": "M09",
    "code": "data_missing",
    "title": "数据缺失",
    "matter": f"退休类别未核定{XSS}",
    "since": "2026-09-18T01:00:00Z",
}
FULL = MISSING | {"rule": "M01", "code": "full", "title": "满编", "matter": "已满编。", "inputs": {"quota": 3}}


async def test_what_is_said_of_many_people_is_said_once_and_names_them_to_whoever_may_know(lit: Door) -> None:
    people = [f"{given.PERSON_ID[:-1]}{each}" for each in range(3)]
    remarks = [FULL, *(MISSING | {"inputs": {"person_id": each, "category": "special"}} for each in people)]
    lit.played.answers |= {
        f"/units/{UNIT}/light": LIGHT | {"why": [], "remarks": remarks},
        "/persons": {"items": [{"person_id": people[1], "name": f"李四{XSS}"}, {"person_id": people[0], "name": "张三"}], "next": None},
    }
    lit.sign_in(Role.UNIT_CLERK)
    told = (await lit.client.get(f"/lights/{UNIT}")).text
    lit.sign_in(Role.OBSERVER)
    hidden = (await lit.client.get(f"/lights/{UNIT}")).text

    for page in (told, hidden):
        assert page.count("退休类别未核定") == 1
        assert "数据缺失</strong> 3 项" in page
        assert "<script>alert(1)" not in page
    assert "所涉人员（2）" in told
    assert told.index(f'href="/persons/{people[1]}">李四') < told.index(f'href="/persons/{people[0]}">张三')
    assert "/persons/" not in hidden
