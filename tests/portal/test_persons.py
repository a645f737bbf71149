"""人员: nothing one looks for stands in an address; masked but for a reason; what is refused at registering keeps what was typed."""

import json
import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door

pytestmark = pytest.mark.asyncio
PAGE, NUMBER = f"/persons/{given.PERSON_ID}", "330499198001010012"
TYPED = {"name": f"李四{XSS}", "id_number": NUMBER, "sex": "F", "birth_on": "1980-01-01", "identity": "professional"}


@pytest.fixture
def people(door: Door) -> Door:
    door.played.answers |= {"/codes": given.CODES, PAGE: given.PERSON, "/persons/search": {"items": [given.PERSON], "next": "more"}}
    door.played.answers |= {f"/units/{given.UNIT_ID}": given.UNIT, f"{PAGE}/reveal": {"name": "张三", "id_number": NUMBER}}
    recorded = {"recorded_from": "2020-09-01T01:00:00Z", "recorded_until": None}
    door.played.answers[f"{PAGE}/history"] = {"items": [given.POST | recorded], "next": None}
    change = {
        "label": "职务",
        "matter": "信息变更",
        "since": "2026-09-01",
        "asked_by": "wang",
        "asked_reason": f"任职{XSS}",
        "proof_no": "任免〔2026〕1号",
        "case_id": "approval:7",
        "before_label": None,
        "after_label": XSS,
        "at": "2026-01-01T01:00:00Z",
        "actor": "zhou",
        "reason": XSS,
        "document_no": XSS,
    }
    door.played.answers[f"{PAGE}/changes"] = {"items": [change], "next": None}
    return door


async def test_somebody_is_found_by_words_in_a_body_and_shown_masked(people: Door) -> None:
    csrf = people.sign_in(Role.BUSINESS_OFFICER)
    empty = await people.client.get(f"/persons?unit={given.UNIT_ID}")
    found = await people.client.post("/persons", data={"csrf": csrf, "name": "zs", "unit": given.UNIT_ID}, headers=OURS)

    asked = next(json.loads(body) for _, path, body, _ in people.played.asked if path == "/persons/search")
    assert asked == {"name": "zs", "unit": given.UNIT_ID, "limit": 50}
    assert (empty.status_code, found.status_code) == (200, 200)
    assert f'href="{PAGE}"' in found.text
    assert "只列出前 50 人" in found.text
    assert f"list=roster&amp;unit={given.UNIT_ID}" in found.text
    assert ["导出查到的人员" in page.text for page in (empty, found)] == [False, True]
    assert "<script>alert(1)" not in found.text


async def test_who_was_found_goes_into_a_file_without_what_was_typed(people: Door) -> None:
    csrf, other = people.sign_in(Role.BUSINESS_OFFICER), str(uuid4())
    people.played.answers["/persons/search"] = {"items": [given.PERSON, given.PERSON | {"person_id": other}], "next": None}
    found = await people.client.post("/persons", data={"csrf": csrf, "name": "张三", "id_number": NUMBER}, headers=OURS)
    (link,) = re.findall(r'href="(/exports/new\?[^"]*list=persons[^"]*)"', found.text)
    line = {"name": "persons", "title": "人员（含不在册）", "sensitive": True, "filters": ["persons", "on_roster"], "columns": []}
    people.played.answers["/exports/lists"] = {"items": [line]}
    form = (await people.client.get(unescape(link))).text

    assert dict(parse_qsl(urlsplit(unescape(link)).query)) == {
        "service": "roster",
        "list": "persons",
        "persons": f"{given.PERSON_ID},{other}",
    }
    assert f'name="by.persons" value="{given.PERSON_ID},{other}" checked' in form
    assert "只要所在页面列出的人员" in form


async def test_a_person_is_masked_until_somebody_says_why_and_then_in_that_answer_alone(people: Door) -> None:
    csrf = people.sign_in(Role.BUSINESS_OFFICER)
    masked = await people.client.get(PAGE)
    full = await people.client.post(f"{PAGE}/reveal", data={"csrf": csrf, "reason": "核对档案"}, headers=OURS)
    again = await people.client.get(PAGE)

    assert NUMBER in full.text
    assert NUMBER not in masked.text + again.text
    assert full.headers["cache-control"] == "no-store"
    for page in (masked, full):
        assert "<script>alert(1)" not in page.text
        assert "第一小学" in page.text
        assert all(
            words in page.text for words in ("自 2026-09-01 起", "wang 登记", "zhou 核准", "任职&lt;script&gt;", "证明：任免〔2026〕1号")
        )
        assert 'href="/applications/7"' in page.text


async def test_of_many_changes_the_last_ones_are_shown_and_it_is_said_that_there_are_more(people: Door) -> None:
    people.sign_in(Role.BUSINESS_OFFICER)
    few = (await people.client.get(PAGE)).text
    people.played.answers[f"{PAGE}/changes"] |= {"next": "more"}
    many = (await people.client.get(PAGE)).text

    asked = next(dict(query) for _, path, query in people.played.queries if path == f"{PAGE}/changes")
    assert asked == {"limit": "50", "sort": "-at"}
    assert ["只列出最近 50 项" in page for page in (few, many)] == [False, True]


async def test_a_clerk_sees_no_way_to_the_number(people: Door) -> None:
    people.sign_in(Role.UNIT_CLERK)

    assert "完整证件号" not in (await people.client.get(PAGE)).text


async def test_who_is_registered_comes_to_his_page_and_a_refusal_keeps_what_was_typed(people: Door) -> None:
    csrf = people.sign_in(Role.UNIT_CLERK)
    path, form = f"/units/{given.UNIT_ID}/persons", f"/units/{given.UNIT_ID}/persons/new"
    people.played.answers[path] = {"person_id": given.PERSON_ID}
    done = await people.client.post(form, data={"csrf": csrf} | TYPED, headers=OURS)
    people.played.refusals[path] = (409, "id_number_invalid")
    refused = await people.client.post(form, data={"csrf": csrf} | TYPED, headers=OURS)

    assert done.headers["location"] == f"{PAGE}?done=person_registered"
    assert (refused.status_code, f'value="{NUMBER}"' in refused.text, "<script>" in refused.text.replace("<script src", "")) == (
        409,
        True,
        False,
    )
