"""核定领导职数 by a page: a number from a day on, on its document; fewer than the leaders in post only with a cause, in the words of 职数."""

import json

import httpx
import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door
from tests.portal.test_units import answers

pytestmark = pytest.mark.asyncio
UNIT = f"/units/{given.UNIT_ID}"
FORM, SEATS = f"{UNIT}/seats/new", f"POST {UNIT}/seats"
LEVELS = [{"code": "unit_head", "label": "单位正职"}, {"code": "unit_deputy", "label": "单位副职"}]
HELD = [{"level": "counsellor", "level_label": "旧层次", "approved": 3, "used": 2, "vacant": 1, "over": 0}]
TYPED = {
    "level": "unit_head",
    "approved": "2",
    "effective_on": "2026-03-01",
    "over_seats_cause": "",
    "document_no": f"编〔2026〕1号{XSS}",
    "reason": "增核一名",
}


@pytest.fixture
def desk(door: Door) -> Door:
    answers(door)
    sets = given.CODES["sets"] | {"leadership_levels": LEVELS}
    door.played.answers |= {"/codes": given.CODES | {"sets": sets}, UNIT: given.UNIT | {"seats": HELD}, SEATS: httpx.Response(204)}
    return door


async def send(desk: Door, **typed: str) -> httpx.Response:
    csrf = desk.sign_in(Role.BUSINESS_OFFICER)
    return await desk.client.post(FORM, data=TYPED | {"csrf": csrf, "request_key": "key-0001"} | typed, headers=OURS)


async def test_the_form_shows_the_seats_and_their_use_and_offers_what_the_unit_still_has(desk: Door) -> None:
    desk.sign_in(Role.BUSINESS_OFFICER)
    form = (await desk.client.get(FORM)).text

    assert '<td>旧层次</td><td class="num">3</td><td class="num">2</td><td class="num">1</td>' in form
    assert ['<option value="counsellor">旧层次' in form, '<option value="unit_head">单位正职' in form] == [True, True]
    assert '<option value="policy">政策性超职数' in form


async def test_the_number_is_set_and_the_page_of_the_unit_says_so(desk: Door) -> None:
    answer = await send(desk)
    (body,) = [json.loads(body) for method, asked, body, _ in desk.played.asked if f"{method} {asked}" == SEATS]

    assert body == {name: value for name, value in TYPED.items() if value}
    assert answer.headers["location"] == f"{UNIT}?done=seats_set"
    assert "领导职数已核定" in (await desk.client.get(answer.headers["location"])).text


async def test_a_refusal_keeps_what_was_typed(desk: Door) -> None:
    desk.played.refusals[SEATS] = (409, "seats_below_use")
    answer = await send(desk, over_seats_cause="policy")

    assert answer.status_code == 409
    assert ["增核一名" in answer.text, '<option value="policy" selected' in answer.text, 'value="2026-03-01"' in answer.text] == [True] * 3
    assert "<script>alert(1)" not in answer.text


async def test_only_who_keeps_the_roster_is_led_there_and_not_from_a_past_day(desk: Door) -> None:
    shown = {}
    for role, path in (
        (Role.BUSINESS_OFFICER, UNIT),
        (Role.SUPERVISION_OFFICER, UNIT),
        (Role.BUSINESS_OFFICER, f"{UNIT}?as_of=2026-01-01"),
    ):
        desk.sign_in(role)
        shown[role, path] = f'href="{FORM}"' in (await desk.client.get(path)).text

    assert list(shown.values()) == [True, False, False]
