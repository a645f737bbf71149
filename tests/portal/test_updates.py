"""信息维护: the unit changes what is no key item, from a day on; what was typed is never lost."""

import json
from typing import Any

import httpx
import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door

pytestmark = pytest.mark.asyncio
FORM, UPDATES = f"/persons/{given.PERSON_ID}/updates/new", f"/persons/{given.PERSON_ID}/updates"
CONTRACT = {"employment_form": "dispatch", "dispatch_company": f"某公司{XSS}", "contract_until": "2026-12-31"}
OUTSIDE = given.PERSON | {"political_status": "＊", "placement": given.POST | CONTRACT | {"population": "off_establishment"}}
TYPED = {"since": "2026-09-18", "reason": "续签一年", "contract_until": "2027-12-31", "school": "", "identity": ""}


@pytest.fixture
def desk(door: Door) -> Door:
    sets = given.CODES["sets"] | {"employment_forms": [{"code": "dispatch", "label": "劳务派遣"}]}
    path = f"/persons/{given.PERSON_ID}"
    empty: dict[str, Any] = {"items": [], "next": None}
    door.played.answers |= {"/codes": given.CODES | {"sets": sets}, path: OUTSIDE, f"POST {UPDATES}": httpx.Response(204)}
    door.played.answers |= {f"{path}/{name}": empty for name in ("history", "changes", "key-changes")}
    door.played.answers |= {f"/units/{given.UNIT_ID}": given.UNIT}
    return door


def sent(door: Door) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(body for method, asked, body, _ in door.played.asked if (method, asked) == ("POST", UPDATES)))
    return found


async def test_the_form_shows_what_stands_there_and_asks_for_a_contract_only_where_there_is_one(desk: Door) -> None:
    desk.sign_in(Role.UNIT_CLERK)
    with_contract = (await desk.client.get(FORM)).text
    desk.played.answers[f"/persons/{given.PERSON_ID}"] = given.PERSON
    without = (await desk.client.get(FORM)).text

    assert "现：2026-12-31" in with_contract
    assert "现：劳务派遣" in with_contract
    assert "现：已填写，不显示" in with_contract
    assert XSS not in with_contract
    assert ('name="contract_until"' in with_contract, 'name="contract_until"' in without) == (True, False)


async def test_studies_title_and_choice_are_kept_here_and_shown_in_words_and_what_the_insurance_says_only_shown(desk: Door) -> None:
    desk.sign_in(Role.UNIT_CLERK)
    sets = {
        "degrees": [{"code": "3", "label": "硕士"}],
        "professional_title_levels": [{"code": "title_middle", "label": "中级"}],
        "flexible_retirements": [{"code": "flexible_early", "label": "弹性提前"}],
    }
    known = {"in_service_degree": "3", "professional_title_level": "title_middle", "flexible_retirement": "flexible_early"}
    desk.played.answers["/codes"] = given.CODES | {"sets": given.CODES["sets"] | sets}
    desk.played.answers[f"/persons/{given.PERSON_ID}"] = given.PERSON | known | {"pension_status": "＊"}

    form, shown = [(await desk.client.get(path)).text for path in (FORM, f"/persons/{given.PERSON_ID}")]

    for name, words in zip(known, ("硕士", "中级", "弹性提前"), strict=True):
        assert f'name="{name}"' in form
        assert f"现：{words}" in form
        assert f"<dd>{words}</dd>" in shown
    assert "已有比对结果，不显示" in shown
    assert "pension" not in form


async def test_a_code_that_has_ended_is_named_and_not_offered(desk: Door) -> None:
    desk.sign_in(Role.UNIT_CLERK)
    own = {"set": "degrees", "code": "own-1", "label": "本地学位", "ended_on": "2026-09-01"}
    desk.played.answers["/codes"] = desk.played.answers["/codes"] | {"own": [own]}
    desk.played.answers[f"/persons/{given.PERSON_ID}"] = given.PERSON | {"degree": "own-1"}

    form, shown = [(await desk.client.get(path)).text for path in (FORM, f"/persons/{given.PERSON_ID}")]

    assert "现：本地学位" in form
    assert 'value="own-1"' not in form
    assert "本地学位" in shown


async def test_only_what_is_filled_in_or_emptied_is_sent_and_the_persons_page_says_so(desk: Door) -> None:
    csrf = desk.sign_in(Role.UNIT_CLERK)
    typed = TYPED | {"csrf": csrf, "cleared": ["dispatch_company", "employment_form"]}

    answer = await desk.client.post(FORM, data=typed, headers=OURS)
    shown = (await desk.client.get(answer.headers["location"])).text

    assert sent(desk) == {"since": "2026-09-18", "reason": "续签一年", "contract_until": "2027-12-31", "dispatch_company": None}
    assert "变更前后的内容见" in shown
    assert "合同到期" in shown


async def test_a_refusal_keeps_what_was_typed(desk: Door) -> None:
    csrf = desk.sign_in(Role.UNIT_CLERK)
    desk.played.refusals[f"POST {UPDATES}"] = (409, "contract_unknown")

    answer = await desk.client.post(FORM, data=TYPED | {"csrf": csrf, "cleared": ["dispatch_company"]}, headers=OURS)

    assert answer.status_code == 409
    assert "原因：&lt;script&gt;" in answer.text
    assert 'value="2027-12-31"' in answer.text
    assert "续签一年</textarea>" in answer.text
    assert 'value="dispatch_company" checked' in answer.text


async def test_who_may_not_maintain_persons_is_not_offered_it(desk: Door) -> None:
    desk.sign_in(Role.UNIT_HEAD)

    assert "updates/new" not in (await desk.client.get(f"/persons/{given.PERSON_ID}")).text
    assert (await desk.client.get(FORM)).status_code == 403
