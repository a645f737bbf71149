"""登记超编事实: by the supervision officer alone; what is refused keeps what was typed."""

import json

import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door
from tests.portal.test_units import answers

pytestmark = pytest.mark.asyncio
PAGE, ROSTER = f"/units/{given.UNIT_ID}/over-quota", f"/units/{given.UNIT_ID}/over-quota"
TYPED = {"person_id": given.PERSON_ID, "row": "SY|full", "started_on": "2026-01-01", "cause": "violation"}
TYPED |= {"reason": f"检查发现{XSS}", "document_no": "望编督〔2026〕1号"}


@pytest.fixture
def inspected(door: Door) -> Door:
    door.played.answers |= {
        "/codes": given.CODES,
        f"/units/{given.UNIT_ID}": given.UNIT,
        "/persons": {"items": [given.PERSON], "next": None},
    }
    door.played.answers[f"POST {ROSTER}"] = {"placement_id": given.PERSON_ID}
    return door


async def test_what_an_inspection_found_is_put_on_record(inspected: Door) -> None:
    csrf = inspected.sign_in(Role.SUPERVISION_OFFICER)
    form = await inspected.client.get(f"{PAGE}?person={given.PERSON_ID}")
    done = await inspected.client.post(PAGE, data={"csrf": csrf} | TYPED, headers=OURS)

    sent = next(json.loads(body) for method, path, body, _ in inspected.played.asked if (method, path) == ("POST", ROSTER))
    assert f'value="{given.PERSON_ID}" selected' in form.text
    assert sent == {name: TYPED[name] for name in TYPED if name != "row"} | {"kind": "SY", "funding": "full"}
    assert done.headers["location"] == f"/units/{given.UNIT_ID}/supervision?done=over_quota_recorded"


async def test_who_has_left_his_post_is_offered_to_whom_asks_for_him(inspected: Door) -> None:
    csrf = inspected.sign_in(Role.SUPERVISION_OFFICER)
    inspected.played.refusals[f"POST {ROSTER}"] = (409, "person_already_placed")
    pages = [(await inspected.client.get(f"{PAGE}{more}")).text for more in ("", "?left=true")]
    await inspected.client.post(PAGE, data={"csrf": csrf, "left": "true"} | TYPED, headers=OURS)

    asked = [dict(query)["on_roster"] for _, path, query in inspected.played.queries if path == "/persons"]
    assert asked == ["never", "off", "off"]
    assert [f'href="{PAGE}?left=true"' in page for page in pages] == [True, False]


async def test_a_refusal_is_told_on_the_form_with_all_that_was_typed(inspected: Door) -> None:
    csrf = inspected.sign_in(Role.SUPERVISION_OFFICER)
    inspected.played.refusals[f"POST {ROSTER}"] = (409, "person_already_placed")
    refused = await inspected.client.post(PAGE, data={"csrf": csrf} | TYPED, headers=OURS)

    assert refused.status_code == 409
    assert ("检查发现" in refused.text, 'value="2026-01-01"' in refused.text, 'value="SY|full" selected' in refused.text) == (
        True,
        True,
        True,
    )
    assert "<script>alert(1)" not in refused.text


async def test_only_the_supervision_officer_is_led_there(door: Door) -> None:
    answers(door)
    shown = {}
    for role in (Role.SUPERVISION_OFFICER, Role.BUSINESS_OFFICER):
        door.sign_in(role)
        shown[role] = (await door.client.get(f"/units/{given.UNIT_ID}/supervision")).text

    assert f'href="{PAGE}"' in shown[Role.SUPERVISION_OFFICER]
    assert f'href="{PAGE}"' not in shown[Role.BUSINESS_OFFICER]
