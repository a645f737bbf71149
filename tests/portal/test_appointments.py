"""任免 by pages: a seat is taken or left from a day on, on a document; what was typed is never lost."""

import json
from typing import Any

import httpx
import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door

pytestmark = pytest.mark.asyncio
PLACEMENT_ID = "01a210f8-5bc8-7567-b52b-9533203e1961"
PAGE, SEAT = f"/persons/{given.PERSON_ID}", f"/placements/{PLACEMENT_ID}/seat"
FORM = f"{PAGE}/seat"
LEVELS = [{"code": "unit_head", "label": "单位正职"}, {"code": "unit_deputy", "label": "单位副职"}]
SEATS = [{"level": "unit_deputy", "level_label": "单位副职", "approved": 3, "used": 2, "vacant": 1, "over": 0}]
TYPED = {
    "seat_level": "unit_head",
    "since": "2026-03-01",
    "document_no": f"任〔2026〕1号{XSS}",
    "reason": "任局长",
}


@pytest.fixture
def desk(door: Door) -> Door:
    empty: dict[str, Any] = {"items": [], "next": None}
    person = given.PERSON | {"placement": given.POST | {"placement_id": PLACEMENT_ID, "seat_level": "unit_deputy"}}
    sets = given.CODES["sets"] | {"leadership_levels": LEVELS}
    door.played.answers |= {"/codes": given.CODES | {"sets": sets}, PAGE: person, f"POST {SEAT}": httpx.Response(204)}
    door.played.answers |= {f"{PAGE}/{name}": empty for name in ("history", "changes", "key-changes")}
    door.played.answers |= {f"/units/{given.UNIT_ID}": given.UNIT | {"seats": SEATS}}
    return door


async def send(desk: Door, **typed: str) -> httpx.Response:
    csrf = desk.sign_in(Role.BUSINESS_OFFICER)
    return await desk.client.post(f"{FORM}/{PLACEMENT_ID}", data=TYPED | {"csrf": csrf, "request_key": "key-0001"} | typed, headers=OURS)


async def test_the_form_shows_the_seat_he_has_and_how_full_each_level_is(desk: Door) -> None:
    desk.sign_in(Role.BUSINESS_OFFICER)
    form, person = [(await desk.client.get(path)).text for path in (FORM, PAGE)]

    assert "现占用：单位副职" in form
    assert '<td class="num">3</td><td class="num">2</td><td class="num">1</td>' in form
    assert f'href="{FORM}"' in person
    assert "单位副职" in person


@pytest.mark.parametrize(("chosen", "level"), [("unit_head", "unit_head"), ("none", None)])
async def test_a_seat_is_taken_or_left_and_the_page_of_the_person_says_so(desk: Door, chosen: str, level: str | None) -> None:
    answer = await send(desk, seat_level=chosen)
    (body,) = [json.loads(body) for method, asked, body, _ in desk.played.asked if (method, asked) == ("POST", SEAT)]

    assert body == {name: TYPED[name] for name in ("since", "document_no", "reason")} | {"seat_level": level}
    assert "任免已登记" in (await desk.client.get(answer.headers["location"])).text


async def test_who_was_appointed_beyond_the_number_is_put_on_record_by_the_supervision_office(desk: Door) -> None:
    over = f"/placements/{PLACEMENT_ID}/over-seat"
    desk.played.answers[f"POST {over}"] = httpx.Response(204)
    csrf = desk.sign_in(Role.SUPERVISION_OFFICER)
    form, person = [(await desk.client.get(path)).text for path in (f"{PAGE}/over-seat", PAGE)]
    typed = TYPED | {"csrf": csrf, "request_key": "key-0001"}
    answer = await desk.client.post(f"{PAGE}/over-seat/{PLACEMENT_ID}", data=typed, headers=OURS)
    (body,) = [json.loads(body) for method, asked, body, _ in desk.played.asked if (method, asked) == ("POST", over)]

    assert f'href="{PAGE}/over-seat"' in person
    assert f'href="{FORM}"' not in person
    assert ("如实记录超职数" in form, "不占用职数" in form) == (True, False)
    assert body == {name: TYPED[name] for name in ("seat_level", "since", "document_no", "reason")}
    assert "已如实记录" in (await desk.client.get(answer.headers["location"])).text


async def test_a_refusal_keeps_what_was_typed(desk: Door) -> None:
    desk.played.refusals[f"POST {SEAT}"] = (409, "seat_unchanged")
    answer = await send(desk)

    assert answer.status_code == 409
    assert "任局长" in answer.text
    assert '<option value="unit_head" selected' in answer.text
    assert "<script>alert(1)" not in answer.text
