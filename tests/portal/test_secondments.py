"""借调 by a page: who is lent, to whom and until when; registered, extended and ended on a document; what does not fit is said beside its field."""

import json
from typing import Any

import httpx
import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door

pytestmark = pytest.mark.asyncio
LOAN_ID = "01a210f8-5bc8-7567-b52b-9533203e1961"
PERSON = f"/persons/{given.PERSON_ID}"
PAGE = f"{PERSON}/secondments"
TAKER = given.LINE | {"id": given.PARENT_ID, "name": "第二小学", "short_name": None, "code": "330500"}
LOAN: dict[str, Any] = {
    "secondment_id": LOAN_ID,
    "person_id": given.PERSON_ID,
    "lender_id": given.UNIT_ID,
    "borrower_id": None,
    "borrower": f"省教育厅{XSS}",
    "form": "seconded_out",
    "started_on": "2026-03-01",
    "until": "2026-08-31",
    "ended_on": None,
    "document_no": f"借〔2026〕1号{XSS}",
    "documents": [],
    "overdue": True,
}
GROUND = {"document_no": "借〔2026〕2号", "reason": "工作需要"}
NEW = GROUND | {"form": "seconded_out", "started_on": "2026-03-01", "until": "2026-08-31"}


@pytest.fixture
def desk(door: Door) -> Door:
    person = given.PERSON | {"placement": given.POST | {"placement_id": LOAN_ID}}
    empty: dict[str, Any] = {"items": [], "next": None}
    door.played.answers |= {"/codes": given.CODES, PERSON: person, PAGE: empty, "/units": {"items": [given.LINE, TAKER], "next": None}}
    door.played.answers |= {f"POST {PAGE}": {"secondment_id": LOAN_ID}, f"/units/{given.UNIT_ID}": given.UNIT}
    door.played.answers |= {f"POST /secondments/{LOAN_ID}/{deed}": httpx.Response(204) for deed in ("extension", "return")}
    return door


async def send(desk: Door, path: str, typed: dict[str, str]) -> httpx.Response:
    csrf = desk.sign_in(Role.BUSINESS_OFFICER)
    return await desk.client.post(path, data=typed | {"csrf": csrf, "request_key": "key-0001"}, headers=OURS)


def told(desk: Door, path: str) -> list[dict[str, str]]:
    return [json.loads(body) for method, asked, body, _ in desk.played.asked if (method, asked) == ("POST", path)]


async def shown(desk: Door, role: Role, *loans: dict[str, Any], asked: str = PAGE) -> list[bool]:
    """Whether the page offers to lend, to extend, to end."""
    desk.played.answers[PAGE] = {"items": list(loans), "next": None}
    desk.sign_in(role)
    page = (await desk.client.get(asked)).text
    assert page.count('id="f-reason"') <= 1
    assert "<script>alert(1)" not in page
    return [f'action="{path}"' in page for path in (PAGE, f"{PAGE}/{LOAN_ID}/extension", f"{PAGE}/{LOAN_ID}/return")]


async def test_who_is_lent_is_extended_or_ended_and_who_is_not_is_lent(desk: Door) -> None:
    assert await shown(desk, Role.BUSINESS_OFFICER) == [True, False, False]
    assert await shown(desk, Role.BUSINESS_OFFICER, LOAN) == [False, False, True]
    assert await shown(desk, Role.BUSINESS_OFFICER, LOAN, asked=f"{PAGE}?deed=extension") == [False, True, False]
    assert await shown(desk, Role.BUSINESS_OFFICER, LOAN | {"ended_on": "2026-09-01", "overdue": False}) == [True, False, False]
    assert await shown(desk, Role.UNIT_CLERK, LOAN) == [False, False, False]


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ({"borrower_unit": "第二小学"}, {"borrower_id": given.PARENT_ID}),
        ({"borrower_unit": "330500"}, {"borrower_id": given.PARENT_ID}),
        ({"borrower": "省教育厅"}, {"borrower": "省教育厅"}),
    ],
)
async def test_a_loan_is_registered_to_a_unit_of_the_register_or_another_one(
    desk: Door, typed: dict[str, str], sent: dict[str, str]
) -> None:
    answer = await send(desk, PAGE, NEW | typed)

    assert told(desk, PAGE) == [NEW | sent]
    assert "借调已登记" in (await desk.client.get(answer.headers["location"])).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "借入单位须填写一个"),
        ({"borrower_unit": "第二小学", "borrower": "省教育厅"}, "借入单位须填写一个"),
        ({"borrower_unit": "小学"}, "没有找到唯一的单位"),
    ],
)
async def test_a_borrower_that_is_not_told_is_said_beside_its_field_and_nothing_is_sent(
    desk: Door, typed: dict[str, str], said: str
) -> None:
    answer = await send(desk, PAGE, NEW | typed)

    assert (answer.status_code, said in answer.text, 'value="2026-08-31"' in answer.text) == (422, True, True)
    assert told(desk, PAGE) == []


@pytest.mark.parametrize(
    ("deed", "typed", "said"), [("extension", {"until": "2026-12-31"}, "借期已延长"), ("return", {"ended_on": "2026-09-01"}, "归还已登记")]
)
async def test_a_loan_is_extended_and_ended_and_a_refusal_keeps_what_was_typed(
    desk: Door, deed: str, typed: dict[str, str], said: str
) -> None:
    desk.played.answers[PAGE] = {"items": [LOAN], "next": None}
    answer = await send(desk, f"{PAGE}/{LOAN_ID}/{deed}", typed | GROUND)
    desk.played.refusals[f"POST /secondments/{LOAN_ID}/{deed}"] = (409, "secondment_term_too_long")
    refused = await send(desk, f"{PAGE}/{LOAN_ID}/{deed}", typed | GROUND)

    assert told(desk, f"/secondments/{LOAN_ID}/{deed}")[0] == typed | GROUND
    assert said in (await desk.client.get(answer.headers["location"])).text
    assert (refused.status_code, refused.text.count("工作需要")) == (409, 1)


async def test_all_documents_of_a_loan_are_told_with_what_each_did(desk: Door) -> None:
    documents = [
        {"deed": deed, "document_no": f"借〔2026〕{number}号{XSS}"} for number, deed in enumerate(("begun", "extended", "ended"), 1)
    ]
    await shown(desk, Role.UNIT_CLERK, LOAN | {"documents": documents})

    page = (await desk.client.get(PAGE)).text

    places = [page.index(f"{word}：借〔2026〕{number}号") for number, word in enumerate(("批准", "延期", "归还"), 1)]
    assert places == sorted(places)


async def test_the_page_of_a_person_leads_there(desk: Door) -> None:
    desk.played.answers |= {f"{PERSON}/{name}": {"items": [], "next": None} for name in ("history", "changes", "key-changes")}
    desk.sign_in(Role.BUSINESS_OFFICER)

    assert f'href="{PAGE}"' in (await desk.client.get(PERSON)).text
