"""冻结: proposal, decision and release, what an order holds up, and that a refusal keeps what was typed."""

import json
import re
from typing import Any

import httpx
import pytest

from services.monitoring.models.tasks import Action
from shared.glossary import FreezeState, IssueState, Role
from tests.portal import given, given_cases
from tests.portal.conftest import OURS, XSS, Door, pressed_by_enter

pytestmark = pytest.mark.asyncio
PAGE = f"/freeze-orders/{given_cases.ORDER_ID}"
HELD_UP = {
    "id": given.PERSON_ID,
    "title": f"招聘{XSS}",
    "number": "用编1号",
    "unit": "第一小学",
    "state": "paused",
    "submitted_at": "2026-09-18T01:00:00Z",
}
PROPOSAL = {
    "unit_id": given.UNIT_ID,
    "issue_ids": given_cases.ISSUE_ID,
    "scopes": ["entry", "post_use"],
    "reason": "逾期未整改",
    "document_no": "督1号",
}


def answers(door: Door, order: dict[str, Any] | None = None) -> None:
    found = door.played.answers
    found |= {"/codes": given.CODES, f"/units/{given.UNIT_ID}": given.UNIT, PAGE: order or given_cases.order()}
    found |= {"/freeze-orders": {"id": given_cases.ORDER_ID, "items": [order or given_cases.order()], "next": "more"}}
    found |= {
        "/issues": {"items": [given_cases.line().model_dump(mode="json")], "next": None},
        "/applications": {"items": [HELD_UP], "next": None},
    }
    found[f"/issues/{given_cases.ISSUE_ID}"] = given_cases.issue()


async def send(door: Door, path: str, typed: dict[str, Any], role: Role) -> httpx.Response:
    csrf = door.sign_in(role)
    return await door.client.post(path, data={"csrf": csrf, "request_key": "key-0001", **typed}, headers=OURS)


def sent(door: Door, path: str) -> list[Any]:
    return [json.loads(body) for method, asked, body, _ in door.played.asked if (method, asked) == ("POST", path)]


@pytest.mark.parametrize(
    "path",
    [
        "/freeze-orders",
        "/freeze-orders/new",
        f"/freeze-orders/new?unit={given.UNIT_ID}",
        f"/freeze-orders/new?issue={given_cases.ISSUE_ID}",
        PAGE,
    ],
)
async def test_every_page_is_drawn_and_nothing_planted_is_markup(door: Door, path: str) -> None:
    door.sign_in(*Role)
    answers(door, given_cases.order(FreezeState.PROPOSED, Action.DECIDE, Action.RECORD_AGAIN))
    page = await door.client.get(path)

    assert page.status_code == 200, page.text
    assert "第一小学" in page.text
    assert "<script>alert(1)" not in page.text
    assert "<img src=x" not in page.text


@pytest.mark.parametrize("state", list(FreezeState))
async def test_an_order_is_drawn_in_every_state_with_what_it_holds_up(door: Door, state: FreezeState) -> None:
    door.sign_in(Role.UNIT_HEAD)
    none_yet = dict.fromkeys(("document_no", "decided_by", "decided_at", "release_document_no", "released_by", "released_at"))
    answers(door, given_cases.order(state, **(none_yet if state is FreezeState.PROPOSED else {})))
    page = await door.client.get(PAGE)

    assert page.status_code == 200, page.text
    assert "用编1号" in page.text
    assert ("GET", "/applications", [("blocked_by", given_cases.ORDER_ID), ("limit", "100")]) in door.played.queries
    assert not re.search(r"None|undefined", re.sub(r"<[^>]*>", "", page.text))


async def test_an_order_names_the_applications_that_ask_for_an_exception_to_it(door: Door) -> None:
    door.sign_in(Role.UNIT_HEAD)
    answers(door)
    page = (await door.client.get(PAGE)).text
    door.played.answers["/applications"] = {"items": [], "next": None}
    without = (await door.client.get(PAGE)).text

    assert ("GET", "/applications", [("excepted_from", given_cases.ORDER_ID), ("limit", "100")]) in door.played.queries
    assert page.count("用编1号") == 2
    assert ("按冻结例外办理的申请" in page, "按冻结例外办理的申请" in without) == (True, False)
    assert f'href="/exports/new?service=approval&amp;list=exceptions&amp;order={given_cases.ORDER_ID}"' in page


async def test_an_order_without_approval_says_so_and_shows_the_rest(door: Door) -> None:
    door.sign_in(Role.UNIT_HEAD)
    answers(door)
    door.played.refusals["/applications"] = (503, "unavailable")
    page = (await door.client.get(PAGE)).text

    assert "暂停的申请暂时取不到" in page
    assert "逾期未整改" in page


async def test_a_proposal_begins_with_the_issue_it_comes_from_and_offers_no_issue_that_is_not_confirmed(door: Door) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    answers(door)
    begun = (await door.client.get(f"/freeze-orders/new?issue={given_cases.ISSUE_ID}")).text
    door.played.answers["/issues"] = {"items": [given_cases.line(IssueState.TO_VERIFY).model_dump(mode="json")], "next": None}
    none = (await door.client.get(f"/freeze-orders/new?unit={given.UNIT_ID}")).text

    assert re.search(rf'name="issue_ids" value="{given_cases.ISSUE_ID}" checked', begun)
    assert "没有可以据以冻结的问题" in none
    of_unit = {"unit": given.UNIT_ID, "below": "false", "level": "red", "open": "true", "limit": "200"}
    assert [dict(query) for _, path, query in door.played.queries if path == "/issues"] == [of_unit] * 2


async def test_a_proposal_goes_to_the_service_with_scopes_and_numbers(door: Door) -> None:
    answers(door)
    done = await send(door, "/freeze-orders/new", PROPOSAL | {"posts-SY|full": "2", "posts-XZ|state": ""}, Role.SUPERVISION_OFFICER)

    assert done.headers["location"] == f"{PAGE}?done=freeze_proposed"
    assert sent(door, "/freeze-orders") == [
        {
            "unit_id": given.UNIT_ID,
            "issue_ids": [given_cases.ISSUE_ID],
            "scopes": ["entry", "post_use"],
            "posts": [{"kind": "SY", "funding": "full", "posts": 2}],
            "reason": "逾期未整改",
            "document_no": "督1号",
        }
    ]


async def test_a_proposal_for_no_unit_finds_nothing_and_is_not_sent(door: Door) -> None:
    answers(door)
    door.played.refusals["/freeze-orders"] = (422, "malformed")
    page = await send(door, "/freeze-orders/new", PROPOSAL | {"unit_id": "../x"}, Role.SUPERVISION_OFFICER)

    assert (page.status_code, sent(door, "/freeze-orders")) == (404, [])


async def test_a_refused_proposal_keeps_everything(door: Door) -> None:
    answers(door)
    door.played.refusals["/freeze-orders"] = (409, "already_freezing")
    page = await send(door, "/freeze-orders/new", PROPOSAL | {"posts-SY|full": "2"}, Role.SUPERVISION_OFFICER)

    assert page.status_code == 409
    assert "原因：" in page.text
    assert ">逾期未整改</textarea>" in page.text
    for kept in (
        f'name="issue_ids" value="{given_cases.ISSUE_ID}" checked',
        'value="entry" checked',
        'value="post_use" checked',
        'value="督1号"',
    ):
        assert kept in page.text
    assert 'name="posts-SY|full" value="2"' in page.text
    assert 'value="leadership" checked' not in page.text


@pytest.mark.parametrize(
    ("path", "action", "state"),
    [("decision", Action.DECIDE, FreezeState.PROPOSED), ("release-decision", Action.DECIDE_RELEASE, FreezeState.RELEASE_PROPOSED)],
)
@pytest.mark.parametrize("verdict", ["approve", "decline"])
async def test_a_decision_is_sent_as_it_was_made_and_a_refusal_keeps_its_words(
    door: Door, path: str, action: Action, state: FreezeState, verdict: str
) -> None:
    answers(door, given_cases.order(state, action))
    door.sign_in(Role.OFFICE_DIRECTOR)
    page = (await door.client.get(PAGE)).text
    typed = {"verdict": verdict, "document_no": "冻2号", "reason": "情况属实"}
    done = await send(door, f"{PAGE}/{path}", typed, Role.OFFICE_DIRECTOR)
    door.played.refusals[f"{PAGE}/{path}"] = (409, "own_case")
    refused = await send(door, f"{PAGE}/{path}", typed, Role.OFFICE_DIRECTOR)

    assert sent(door, f"{PAGE}/{path}")[0] == {"approve": verdict == "approve", "document_no": "冻2号", "reason": "情况属实"}
    assert ('name="document_no"' in page, pressed_by_enter(page)) == (True, [])
    assert done.status_code == 303
    assert "data-done" in (await door.client.get(done.headers["location"])).text
    assert refused.status_code == 409
    assert "原因：" in refused.text
    assert ">情况属实</textarea>" in refused.text
    assert 'value="冻2号"' in refused.text


async def test_by_decision_of_the_commission_a_freeze_in_force_is_released_early(door: Door) -> None:
    answers(door, given_cases.order(FreezeState.IN_FORCE, Action.RELEASE_EARLY))
    door.sign_in(Role.OFFICE_DIRECTOR)
    page = (await door.client.get(PAGE)).text
    typed = {"verdict": "early", "document_no": "海编7号", "reason": "编委会议决定"}
    done = await send(door, f"{PAGE}/release-decision", typed, Role.OFFICE_DIRECTOR)

    assert 'value="early"' in page
    assert "去办理" not in page
    assert 'value="approve"' not in page
    assert sent(door, f"{PAGE}/release-decision") == [{"approve": True, "early": True, "document_no": "海编7号", "reason": "编委会议决定"}]
    assert done.headers["location"] == f"{PAGE}?done=unfreeze_signed"


async def test_who_proposed_it_is_told_that_another_decides(door: Door) -> None:
    door.sign_in(Role.OFFICE_DIRECTOR)
    answers(door, given_cases.order(withheld={Action.DECIDE: "冻结建议由您提出，须由其他人员决定。"}))
    page = (await door.client.get(PAGE)).text

    assert "须由其他人员决定" in page
    assert f'action="{PAGE}/decision"' not in page


async def test_unit_and_order_lead_to_each_other_where_one_may_see_both(door: Door) -> None:
    door.played.units = [given.UNIT_ID]
    door.sign_in(Role.UNIT_CLERK)
    answers(door)
    own = {
        "order_id": given_cases.ORDER_ID,
        "root_unit_id": given.UNIT_ID,
        "scopes": ["entry"],
        "since": "2026-09-18T01:00:00Z",
        "document_no": "冻1号",
    }
    above = own | {"order_id": given.PERSON_ID, "root_unit_id": given.PARENT_ID}
    door.played.answers |= {
        f"/units/{given.PARENT_ID}": given.LINE,
        f"/units/{given.UNIT_ID}": given.UNIT | {"freezes": [own, above]},
        f"/units/{given.UNIT_ID}/light": given.LIGHT,
    }
    door.played.answers |= {
        f"/units/{given.UNIT_ID}/working-here": given.HERE,
        f"/units/{given.UNIT_ID}/populations": {"off_establishment": {"headcount": 0}},
    }
    unit, order = [(await door.client.get(path)).text for path in (f"/units/{given.UNIT_ID}", PAGE)]

    assert f'href="{PAGE}"' in unit
    assert f'href="/freeze-orders/{given.PERSON_ID}"' not in unit
    assert f'href="/units/{given.UNIT_ID}"' in order


async def test_a_unit_whose_problem_is_not_put_right_is_not_told_that_nothing_is_asked_of_it(door: Door) -> None:
    pages = []
    for role, state in (
        (Role.UNIT_CLERK, IssueState.OVERDUE),
        (Role.UNIT_CLERK, IssueState.EVIDENCE_SUBMITTED),
        (Role.SUPERVISION_OFFICER, IssueState.OVERDUE),
    ):
        order = given_cases.order(FreezeState.IN_FORCE)
        answers(door, order | {"issues": [each | {"state": state} for each in order["issues"]]})
        door.sign_in(role)
        pages.append((await door.client.get(PAGE)).text)

    assert ["按要求整改并提交材料" in page for page in pages] == [True, False, False]
    assert ["目前不需要您办理" in page for page in pages] == [False, True, True]
