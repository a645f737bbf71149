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
