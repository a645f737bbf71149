"""核定编制 by a page: the number of a row set, raised, cut or moved to another unit, on its document; what does not fit is said beside its field."""

import json

import httpx
import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door
from tests.portal.test_units import answers

pytestmark = pytest.mark.asyncio
UNIT = f"/units/{given.UNIT_ID}"
FORM, QUOTAS = f"{UNIT}/quotas/new", f"POST {UNIT}/quotas"
TYPED = {
    "change": "set",
    "kind": "SY",
    "funding": "full",
    "quota_posts": "42",
    "to_unit": "",
    "effective_on": "2026-03-01",
    "document_on": "2026-02-20",
    "document_no": f"编〔2026〕1号{XSS}",
    "over_quota_cause": "",
    "use_until": "",
    "reason": "增核两名",
}
SENT = {name: TYPED[name] for name in ("kind", "funding", "effective_on", "document_on", "document_no", "reason")} | {"posts": "42"}
TAKER = given.LINE | {"id": given.PARENT_ID, "name": "第二小学", "short_name": "二小", "code": "330500"}


@pytest.fixture
def desk(door: Door) -> Door:
    answers(door)
    causes = given.CODES["sets"] | {"over_quota_causes": [{"code": "policy", "label": "政策性超编"}]}
    door.played.answers |= {"/codes": given.CODES | {"sets": causes}, "/units": {"items": [given.LINE, TAKER], "next": None}}
    door.played.answers |= {f"{QUOTAS}{path}": httpx.Response(204) for path in ("", "/raise", "/cut", "/move")}
    return door


async def send(desk: Door, **typed: str) -> httpx.Response:
    csrf = desk.sign_in(Role.BUSINESS_OFFICER)
    return await desk.client.post(FORM, data=TYPED | {"csrf": csrf, "request_key": "key-0001"} | typed, headers=OURS)


def told(desk: Door, path: str) -> list[dict[str, str]]:
    return [json.loads(body) for method, asked, body, _ in desk.played.asked if f"{method} {asked}" == f"{QUOTAS}{path}"]


async def test_the_form_shows_the_rows_of_the_unit_and_offers_what_may_be_done(desk: Door) -> None:
    desk.sign_in(Role.BUSINESS_OFFICER)
    form = (await desk.client.get(FORM)).text

    assert '<td>事业编制</td><td>全额拨款</td><td class="num">40</td><td class="num">41</td>' in form
    assert [f'<option value="{each}"' in form for each in ("set", "raise", "cut", "move", "policy")] == [True] * 5


@pytest.mark.parametrize(
    ("change", "path", "more"),
    [("set", "", {"over_quota_cause": "policy"}), ("raise", "/raise", {"use_until": "2027-01-01"}), ("cut", "/cut", {})],
)
async def test_a_number_is_changed_and_the_page_of_the_unit_says_so(desk: Door, change: str, path: str, more: dict[str, str]) -> None:
    answer = await send(desk, change=change, **more)

    assert told(desk, path) == [SENT | more]
    assert answer.headers["location"] == f"{UNIT}?done=quota_changed"
    assert "编制已变动" in (await desk.client.get(answer.headers["location"])).text


@pytest.mark.parametrize("words", ["第二小学", "330500", "二小"])
async def test_posts_are_moved_to_the_unit_that_was_named(desk: Door, words: str) -> None:
    answer = await send(desk, change="move", to_unit=words)

    assert told(desk, "/move") == [SENT | {"to_unit_id": given.PARENT_ID}]
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"change": "move", "to_unit": "小学"}, "没有找到唯一的单位"),
        ({"change": "move"}, "没有找到唯一的单位"),
        ({"change": "cut", "to_unit": "第二小学"}, "只在划转时填写"),
        ({"change": "raise", "over_quota_cause": "policy"}, "只在核定和核减时填写"),
        ({"change": "move", "to_unit": "第二小学", "use_until": "2027-01-01"}, "只在核定和核增时填写"),
        ({"change": "../../x"}, "请选择办理事项"),
    ],
)
async def test_what_does_not_fit_is_said_beside_its_field_and_nothing_is_sent(desk: Door, typed: dict[str, str], said: str) -> None:
    answer = await send(desk, **typed)

    assert (answer.status_code, f"</svg>{said}" in answer.text, "增核两名" in answer.text) == (422, True, True)
    assert [each for each in desk.played.asked if each[0] == "POST" and "quotas" in each[1]] == []


async def test_a_refusal_keeps_what_was_typed(desk: Door) -> None:
    desk.played.refusals[QUOTAS] = (409, "quota_below_use")
    answer = await send(desk, over_quota_cause="policy")

    assert answer.status_code == 409
    assert ["增核两名" in answer.text, '<option value="policy" selected' in answer.text, 'value="2026-03-01"' in answer.text] == [True] * 3
    assert "<script>alert(1)" not in answer.text


async def test_only_who_keeps_the_roster_is_led_there_and_not_from_a_past_day(desk: Door) -> None:
    shown = []
    for role, path in (
        (Role.BUSINESS_OFFICER, UNIT),
        (Role.SUPERVISION_OFFICER, UNIT),
        (Role.BUSINESS_OFFICER, f"{UNIT}?as_of=2026-01-01"),
    ):
        desk.sign_in(role)
        shown.append(f'href="{FORM}"' in (await desk.client.get(path)).text)

    assert shown == [True, False, False]
