"""更正 by pages: what was recorded wrongly of a person or of one of his posts is put right on a document; what was typed is never lost."""

import json
from typing import Any

import httpx
import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door

pytestmark = pytest.mark.asyncio
PLACEMENT_ID = "01a210f8-5bc8-7567-b52b-9533203e1961"
PAGE = f"/persons/{given.PERSON_ID}"
OF_PERSON, OF_POST = f"{PAGE}/corrections/new", f"{PAGE}/corrections/{PLACEMENT_ID}"
CORRECT, CORRECT_POST = f"{PAGE}/corrections", f"/placements/{PLACEMENT_ID}/corrections"
KNOWN = (
    given.POST
    | {"seat_level": "unit_head"}
    | {"placement_id": PLACEMENT_ID, "recorded_from": "2020-09-01T01:00:00Z", "recorded_until": None}
)
BEFORE = KNOWN | {"started_on": "2020-08-01", "recorded_until": "2020-09-02T01:00:00Z"}
WHY = {"document_no": f"户证〔2026〕1号{XSS}", "reason": f"户口簿所载{XSS}"}


@pytest.fixture
def desk(door: Door) -> Door:
    empty: dict[str, Any] = {"items": [], "next": None}
    sets = given.CODES["sets"] | {"sexes": [{"code": "M", "label": "男"}], "retirement_categories": [{"code": "M60", "label": "男 60"}]}
    door.played.answers |= {"/codes": given.CODES | {"sets": sets}, PAGE: given.PERSON, f"/units/{given.UNIT_ID}": given.UNIT}
    door.played.answers |= {f"{PAGE}/{name}": empty for name in ("changes", "key-changes")}
    door.played.answers |= {f"{PAGE}/history": {"items": [BEFORE, KNOWN], "next": None}}
    door.played.answers |= {f"POST {path}": httpx.Response(204) for path in (CORRECT, CORRECT_POST)}
    return door


async def send(desk: Door, path: str, **typed: Any) -> httpx.Response:
    csrf = desk.sign_in(Role.BUSINESS_OFFICER)
    return await desk.client.post(path, data=WHY | {"csrf": csrf, "request_key": "key-0001"} | typed, headers=OURS)


def sent(desk: Door, path: str) -> list[Any]:
    return [json.loads(body) for method, asked, body, _ in desk.played.asked if (method, asked) == ("POST", path)]


@pytest.mark.parametrize("path", [OF_PERSON, OF_POST])
async def test_the_form_shows_what_stands_there_and_nothing_planted_is_markup(desk: Door, path: str) -> None:
    desk.sign_in(Role.BUSINESS_OFFICER)
    page = await desk.client.get(path)

    assert page.status_code == 200, page.text
    assert ("现：男" in page.text, "现：2020-09-01" in page.text) == (path == OF_PERSON, path == OF_POST)
    assert "<script>alert(1)" not in page.text
    assert "<img src=x" not in page.text


async def test_the_cause_of_a_surplus_is_asked_for_where_one_is_recorded(desk: Door) -> None:
    desk.sign_in(Role.BUSINESS_OFFICER)
    without = (await desk.client.get(OF_POST)).text
    desk.played.answers[f"{PAGE}/history"] = {"items": [KNOWN | {"over_quota_cause": "history"}], "next": None}
    form = (await desk.client.get(OF_POST)).text
    await send(desk, OF_POST, over_quota_cause="policy")

    assert ['name="over_quota_cause"' in page for page in (without, form)] == [False, True]
    assert sent(desk, CORRECT_POST) == [WHY | {"over_quota_cause": "policy"}]


async def test_only_what_is_filled_in_or_emptied_of_a_person_is_sent_and_his_page_says_so(desk: Door) -> None:
    typed = {"name": "张叁", "birth_on": "1980-02-01", "school": "", "since": "", "cleared": ["title", "sex", "nonsense"]}
    answer = await send(desk, OF_PERSON, **typed)
    shown = (await desk.client.get(answer.headers["location"])).text

    assert sent(desk, CORRECT) == [WHY | {"name": "张叁", "birth_on": "1980-02-01", "title": None}]
    assert "已更正" in shown
    assert f'href="{OF_PERSON}"' in shown
    assert shown.count(f'href="{OF_POST}"') == 1


async def test_a_post_is_corrected_from_its_page_and_asked_for_its_end_and_contract_only_where_it_has_them(desk: Door) -> None:
    desk.sign_in(Role.BUSINESS_OFFICER)
    held = (await desk.client.get(OF_POST)).text
    over = KNOWN | {"ended_on": "2026-01-31", "employment_form": "dispatch"}
    desk.played.answers[f"{PAGE}/history"] = {"items": [over], "next": None}
    left = (await desk.client.get(OF_POST)).text
    typed = {"kind": "SY", "funding": "full", "exit_reason": "retirement", "cleared": ["seat_level", "kind", "authorised_on"]}
    answer = await send(desk, OF_POST, started_on="2020-10-01", ended_on="2026-02-28", since="2020-01-01", name="张叁", **typed)

    assert ['name="ended_on"' in page for page in (held, left)] == [False, True]
    assert ['name="exit_reason"' in page for page in (held, left)] == [False, True]
    assert 'value="seat_level"' in held
    assert 'value="started_on"' not in held
    assert ['name="contract_until"' in page for page in (held, left)] == [False, True]
    assert sent(desk, CORRECT_POST) == [
        WHY
        | {"kind": "SY", "funding": "full", "started_on": "2020-10-01", "ended_on": "2026-02-28", "exit_reason": "retirement"}
        | {"seat_level": None}
    ]
    assert answer.headers["location"] == f"{PAGE}?done=corrected"


@pytest.mark.parametrize(("path", "service"), [(OF_PERSON, CORRECT), (OF_POST, CORRECT_POST)])
async def test_a_refusal_keeps_what_was_typed(desk: Door, path: str, service: str) -> None:
    desk.played.refusals[f"POST {service}"] = (409, "change_needs_case")
    answer = await send(desk, path, title="副校长", started_on="2020-10-01", cleared=["school"])

    assert answer.status_code == 409
    assert "原因：&lt;script&gt;" in answer.text
    assert "户口簿所载" in answer.text
    assert ('value="副校长"' if path == OF_PERSON else 'value="2020-10-01"') in answer.text


async def test_a_post_that_is_not_his_is_not_there_and_who_may_not_correct_is_not_offered_it(desk: Door) -> None:
    desk.sign_in(Role.BUSINESS_OFFICER)
    strange = await desk.client.get(f"{PAGE}/corrections/{given.UNIT_ID}")
    desk.sign_in(Role.UNIT_CLERK)
    shown = (await desk.client.get(PAGE)).text

    assert strange.status_code == 404
    assert "/corrections/" not in shown
    assert (await desk.client.get(OF_PERSON)).status_code == 403
