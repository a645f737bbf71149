"""信息变更: registered with its proof, applied for in the same frame as the others, decided by whoever sees it in full for a reason."""

import json
import re
from typing import Any

import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door

pytestmark = pytest.mark.asyncio
CHANGE_ID, APPLICATION_ID = "01a210f8-5bc8-7567-b52b-9533203e1951", "01a210f8-5bc8-7567-b52b-9533203e1952"
FORM, CHANGE = f"/persons/{given.PERSON_ID}/key-changes/new", f"/changes/{CHANGE_ID}"
REGISTER, APPLY = f"/persons/{given.PERSON_ID}/key-changes", "/applications/new/change_application"
ITEMS = [
    {"field": "title", "label": "职务", "before": None, "after": f"副校长{XSS}", "secret": False},
    {"field": "id_number", "label": "公民身份号码", "before": None, "after": "330499***********9", "secret": True},
]
REGISTERED: dict[str, Any] = {
    "change_id": CHANGE_ID,
    "person_id": given.PERSON_ID,
    "unit_id": given.UNIT_ID,
    "since": "2026-09-01",
    "state": "open",
    "application_id": None,
    "registered_by": "zhou",
    "registered_at": "2026-09-18T01:00:00Z",
    "reason": f"任职{XSS}",
    "document_no": "任免〔2026〕1号",
    "items": ITEMS,
}
DETAIL: dict[str, Any] = {
    **dict.fromkeys(("kind", "funding", "held", "term", "deadline", "step", "step_label", "holder", "reason_code", "effective_on")),
    **dict.fromkeys(("from_unit_id", "reservation_id", "off_post_kind", "employment_form", "exception"), None),
    "id": APPLICATION_ID,
    "number": "编申〔2026〕1号",
    "type": "change_application",
    "title": "职务变更",
    "unit": "第一小学",
    "unit_id": given.UNIT_ID,
    "person_id": given.PERSON_ID,
    "change_id": CHANGE_ID,
    "posts": 1,
    "state": "in_review",
    "state_label": "审批中",
    "submitted_at": "2026-09-18T01:00:00Z",
    "reviews": 1,
    "revision": 1,
    "applicant": "zhou",
    "justification": "任职",
    "checks": [],
    "stages": [],
    "timeline": [],
    "documents": [],
    "blocked_by": [],
    "alongside": [],
    "actions": ["approve", "resubmit"],
}


@pytest.fixture
def desk(door: Door) -> Door:
    found = door.played.answers
    found |= {"/codes": given.CODES | {"return_reasons": []}, "/units": {"items": [given.LINE, given.LINE], "next": None}}
    found |= {f"/units/{given.UNIT_ID}": given.UNIT, f"/persons/{given.PERSON_ID}": given.PERSON, CHANGE: REGISTERED}
    found |= {
        f"POST {REGISTER}": {"change_id": CHANGE_ID},
        f"GET {REGISTER}": {"items": [REGISTERED]},
        f"/applications/{APPLICATION_ID}": DETAIL,
    }
    found |= {"POST /applications": {"application_id": APPLICATION_ID, "number": "1"}}
    found |= {"/persons": {"items": [given.PERSON], "next": None}, "/application-checks": []}
    return door


def sent(door: Door, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(body for method, asked, body, _ in door.played.asked if (method, asked) == ("POST", path)))
    return found


async def test_only_what_is_filled_in_or_emptied_is_registered_and_the_application_comes_next(desk: Door) -> None:
    csrf = desk.sign_in(Role.UNIT_CLERK)
    typed = {"csrf": csrf, "title": "副校长", "since": "2026-09-01", "document_no": "任免〔2026〕1号", "reason": "任职", "sex": ""}
    answer = await desk.client.post(FORM, data=typed | {"cleared": ["title", "leadership_level"]}, headers=OURS)

    assert answer.headers["location"] == f"{APPLY}?change={CHANGE_ID}"
    assert sent(desk, REGISTER) == {
        "title": "副校长",
        "since": "2026-09-01",
        "document_no": "任免〔2026〕1号",
        "reason": "任职",
        "leadership_level": None,
    }


async def test_what_the_roster_says_of_a_field_stands_beside_it_and_nothing_typed_is_lost(desk: Door) -> None:
    csrf = desk.sign_in(Role.UNIT_CLERK)
    desk.played.refusals[f"POST {REGISTER}"] = (422, "malformed")
    desk.played.fields = [{"field": "birth_on", "reason": f"不是日期{XSS}"}]
    typed = {"csrf": csrf, "birth_on": "1980-02-31", "id_number": "330499198001010029", "reason": "登错", "cleared": ["title"]}
    answer = await desk.client.post(FORM, data=typed | {"document_no": XSS}, headers=OURS)

    assert answer.status_code == 422
    assert "不是日期&lt;script&gt;" in answer.text
    assert 'value="330499198001010029"' in answer.text
    assert 'value="title" checked' in answer.text
    assert "<script>alert(1)" not in answer.text
    assert "data-draft" not in answer.text  # a number is kept in no browser


async def test_what_is_wrong_is_listed_in_the_words_of_its_form(desk: Door) -> None:
    """A title is 职务 here and 标题 of an application."""
    csrf = desk.sign_in(Role.UNIT_CLERK)
    desk.played.fields = [{"field": name, "reason": "不合格式"} for name in ("name", "body.title", "birth_on")]
    desk.played.refusals |= dict.fromkeys((f"POST {REGISTER}", "/applications"), (422, "malformed"))
    change = await desk.client.post(FORM, data={"csrf": csrf, "name": "张三"}, headers=OURS)
    typed = {"csrf": csrf, "change_id": CHANGE_ID, "person_id": given.PERSON_ID, "unit_id": given.UNIT_ID, "do": "submit"}
    applied = await desk.client.post(APPLY, data=typed, headers=OURS)

    assert re.findall("<li>([^<]*)：不合格式", change.text) == ["姓名", "职务", "出生日期"]
    assert re.findall("<li>([^<]*)：不合格式", applied.text) == ["人员姓名", "标题", "出生日期"]


async def test_the_application_carries_the_registered_change_through_checks_and_submission(desk: Door) -> None:
    csrf = desk.sign_in(Role.UNIT_CLERK)
    form = await desk.client.get(f"{APPLY}?change={CHANGE_ID}")
    typed = {"csrf": csrf, "change_id": CHANGE_ID, "person_id": given.PERSON_ID, "unit_id": given.UNIT_ID, "title": "职务变更"}
    await desk.client.post(APPLY, data=typed | {"justification": "任职", "do": "check"}, headers=OURS)
    done = await desk.client.post(APPLY, data=typed | {"justification": "任职", "do": "submit"}, headers=OURS)

    assert "副校长&lt;script&gt;" in form.text
    assert f'name="change_id" value="{CHANGE_ID}"' in form.text
    assert "张三" in form.text
    assert done.headers["location"] == f"/applications/{APPLICATION_ID}?done=submitted"
    for path in ("/application-checks", "/applications"):
        body = sent(desk, path)
        assert (body["type"], body["change_id"], body["person_id"]) == ("change_application", CHANGE_ID, given.PERSON_ID)


async def test_what_was_written_with_its_full_stop_is_not_given_another(desk: Door) -> None:
    desk.played.answers[f"/changes/{CHANGE_ID}"] = desk.played.answers[f"/changes/{CHANGE_ID}"] | {"reason": "户籍更名。"}
    desk.sign_in(Role.UNIT_CLERK)

    assert "理由：户籍更名。2026" in (await desk.client.get(f"{APPLY}?change={CHANGE_ID}")).text


async def test_whoever_begins_with_the_type_chooses_a_person_first(desk: Door) -> None:
    csrf = desk.sign_in(Role.UNIT_CLERK)
    asked = {"csrf": csrf, "unit_id": given.UNIT_ID, "do": "next"}
    chosen = await desk.client.post(APPLY, data=asked | {"person_id": given.PERSON_ID}, headers=OURS)
    nobody = await desk.client.post(APPLY, data=asked, headers=OURS)

    assert chosen.headers["location"] == FORM
    assert (nobody.status_code, "请选择人员" in nobody.text) == (422, True)


async def test_a_returned_application_takes_the_change_that_was_registered_anew(desk: Door) -> None:
    csrf = desk.sign_in(Role.UNIT_CLERK)
    other = CHANGE_ID[:-1] + "9"
    desk.played.answers |= {f"POST {REGISTER}": {"change_id": other}, f"/changes/{other}": REGISTERED | {"change_id": other}}
    typed = {"csrf": csrf, "title": "校长", "document_no": "x", "reason": "任职", "application": APPLICATION_ID}
    answer = await desk.client.post(FORM, data=typed, headers=OURS)
    mended = await desk.client.get(answer.headers["location"])

    assert answer.headers["location"] == f"/applications/{APPLICATION_ID}/edit?change={other}"
    assert f'name="change_id" value="{other}"' in mended.text


async def test_a_field_that_a_user_does_not_type_and_that_is_nonsense_is_refused_and_breaks_nothing(desk: Door) -> None:
    csrf, page = desk.sign_in(Role.UNIT_CLERK, Role.UNIT_HEAD), f"/applications/{APPLICATION_ID}"
    desk.played.answers |= {page: DETAIL, f"POST {REGISTER}": {"change_id": CHANGE_ID}}
    desk.played.refusals[f"{page}/decisions"] = (422, "invalid_input")
    typed = {"csrf": csrf, "title": "校长", "document_no": "x", "reason": "任职"}
    onwards = await desk.client.post(FORM, data=typed | {"application": "abc"}, headers=OURS)
    decided = await desk.client.post(f"{page}/decisions", data={"csrf": csrf, "revision": "abc", "verdict": "approve"}, headers=OURS)

    assert (onwards.status_code, decided.status_code) == (404, 422)
    assert ("POST", REGISTER) not in [(method, path) for method, path, *_ in desk.played.asked]


async def test_a_decider_sees_before_and_after_and_the_number_in_full_for_a_reason_and_once(desk: Door) -> None:
    csrf = desk.sign_in(Role.BUSINESS_OFFICER)
    desk.played.answers[f"{CHANGE}/reveal"] = {"values": {"id_number": "330499198001010029"}}
    shown = await desk.client.get(f"/applications/{APPLICATION_ID}")
    revealed = await desk.client.post(
        f"/applications/{APPLICATION_ID}/change-values", data={"csrf": csrf, "reason": "与户籍证明核对"}, headers=OURS
    )

    desk.played.answers[f"/applications/{APPLICATION_ID}"] = DETAIL | {"change_id": None}
    of_another_type = await desk.client.post(f"/applications/{APPLICATION_ID}/change-values", data={"csrf": csrf}, headers=OURS)

    assert of_another_type.status_code == 404
    assert ("副校长" in shown.text, "330499198001010029" in shown.text) == (True, False)
    assert "330499198001010029" in revealed.text
    assert "<script>alert(1)" not in shown.text + revealed.text
    assert sent(desk, f"{CHANGE}/reveal") == {"reason": "与户籍证明核对"}


async def test_an_application_that_stands_still_for_a_line_is_recorded_again_from_its_page(desk: Door) -> None:
    csrf = desk.sign_in(Role.BUSINESS_OFFICER)
    path = f"/applications/{APPLICATION_ID}"
    desk.played.answers |= {path: DETAIL | {"held": "not_recordable", "actions": ["record_again"]}, f"POST {path}/recording": DETAIL}

    shown = await desk.client.get(path)
    done = await desk.client.post(f"{path}/recording", data={"csrf": csrf}, headers=OURS)

    assert f'action="{path}/recording"' in shown.text
    assert "案件停在原处" in shown.text
    assert (done.status_code, done.headers["location"]) == (303, f"{path}?done=recorded_again")
    assert sent(desk, f"{path}/recording") == {}


async def test_a_filed_application_offers_the_release_of_the_notice_that_revokes_its_own_and_else_says_whose_move_it_is(desk: Door) -> None:
    path, revoking = f"/applications/{APPLICATION_ID}", "01a210f8-5bc8-7567-b52b-9533203e1953"
    document: dict[str, Any] = {
        "id": revoking,
        "document_no": "编撤〔2026〕1号",
        "title": "撤销通知单",
        "state": "awaiting_release",
        "sha256": "0" * 64,
    }
    document |= dict.fromkeys(("released_by", "sealed_at"))
    document |= {"unused_nos": ["编核〔2026〕9号"]}
    filed = DETAIL | {"state": "filed", "holder": "seal_operator", "documents": [document]}
    pages = []
    for role, actions in ((Role.SEAL_OPERATOR, ["release"]), (Role.UNIT_CLERK, [])):
        desk.sign_in(role)
        desk.played.answers[path] = filed | {"actions": actions}
        pages.append((await desk.client.get(path)).text)

    form = f'action="{path}/documents/{revoking}/release"'
    assert [form in page for page in pages] == [True, False]
    assert "正由用印管理员办理" in pages[1]
    assert "原编 编核〔2026〕9号，未使用" in pages[1]
    assert "已办结，无需办理" not in "".join(pages)


async def test_a_filed_notice_is_revoked_on_its_page_by_whom_the_service_offers_it_and_a_refusal_keeps_the_reason(desk: Door) -> None:
    path, filed = f"/applications/{APPLICATION_ID}", "01a210f8-5bc8-7567-b52b-9533203e1953"
    document: dict[str, Any] = {
        "id": filed,
        "document_no": f"编更〔2026〕1号{XSS}",
        "title": "信息变更通知单",
        "state": "filed",
        "sha256": "0" * 64,
    }
    document |= dict.fromkeys(("released_by", "sealed_at")) | {"unused_nos": []}
    deed, pages = f"{path}/documents/{filed}/revocation", []
    for actions in (["revoke"], []):
        csrf = desk.sign_in(Role.OFFICE_DIRECTOR)
        desk.played.answers[path] = DETAIL | {"state": "filed", "documents": [document], "actions": actions}
        pages.append((await desk.client.get(path)).text)
    desk.played.answers[path] |= {"actions": ["revoke"]}
    done = await desk.client.post(deed, data={"csrf": csrf, "reason": "核准依据有误"}, headers=OURS)
    desk.played.refusals[f"POST /documents/{filed}/revocation"] = (409, "already_revoked")
    refused = await desk.client.post(deed, data={"csrf": csrf, "reason": f"核准依据有误{XSS}"}, headers=OURS)

    desk.played.answers[path] |= {"actions": [], "documents": [document | {"state": "revoked"}]}
    after = (await desk.client.get(path)).text

    assert [f'action="{deed}"' in page for page in pages] == [True, False]
    assert "to-actions" not in pages[0]  # nothing waits for him
    assert ("文书已撤销，不再有效" in after, "已办结，无需办理" in after, "已办结，无需办理" in pages[1]) == (True, False, True)
    assert sent(desk, f"/documents/{filed}/revocation") == {"reason": "核准依据有误"}
    assert (done.status_code, done.headers["location"]) == (303, f"{path}?done=revoked")
    assert "已决定撤销" in (await desk.client.get(done.headers["location"])).text
    assert (refused.status_code, "核准依据有误&lt;script&gt;" in refused.text, "<script>alert(1)" in refused.text) == (409, True, False)


async def test_whose_own_case_waits_for_his_role_is_told_why_he_may_not_decide_it(desk: Door) -> None:
    path, why = f"/applications/{APPLICATION_ID}", "本件与您本人有关"
    desk.sign_in(Role.BUSINESS_OFFICER)
    desk.played.answers[path] = DETAIL | {"holder": "business_officer", "actions": [], "withheld": f"{why}{XSS}"}
    page = (await desk.client.get(path)).text

    assert why in page
    assert "目前不需要您办理" not in page
    assert "<script>alert(1)" not in page


async def test_files_are_laid_beside_an_application_by_whoever_may_take_it_back(desk: Door) -> None:
    path = f"/applications/{APPLICATION_ID}"
    desk.sign_in(Role.UNIT_CLERK)
    desk.played.answers |= {f"{path}/attachments": {"items": []}}
    pages = []
    for actions in (["urge", "withdraw"], []):
        desk.played.answers[path] = DETAIL | {"actions": actions}
        pages.append((await desk.client.get(path)).text)

    assert [f'action="{path}/attachments"' in page for page in pages] == [True, False]


async def test_a_change_that_somebody_registered_waits_on_the_persons_page_for_its_application(desk: Door) -> None:
    desk.sign_in(Role.UNIT_CLERK)
    answer = await desk.client.get(f"/persons/{given.PERSON_ID}")

    assert f'href="{APPLY}?change={CHANGE_ID}"' in answer.text
    assert f'href="{FORM}"' in answer.text


async def test_a_decision_that_is_refused_keeps_in_whose_stead_it_was_and_its_draft_is_of_this_step_alone(desk: Door) -> None:
    desk.played.acts_for = [{"name": "qian", "real_name": f"钱{XSS}"}]
    page, step = f"/applications/{APPLICATION_ID}", DETAIL | {"revision": 2, "step": "head", "step_label": "负责人", "holder": "unit_head"}
    desk.played.answers[page] = step
    csrf = desk.sign_in(Role.UNIT_HEAD)
    asked = await desk.client.get(page)
    desk.played.refusals[f"{page}/decisions"] = (409, "proxy_unknown")
    typed = {"csrf": csrf, "revision": "2", "step": "head", "verdict": "approve", "opinion": "写过的意见", "on_behalf_of": "qian"}
    refused = await desk.client.post(f"{page}/decisions", data=typed, headers=OURS)

    for answer in (asked, refused):
        assert f'data-draft="decision-{APPLICATION_ID}-2-head"' in answer.text
        assert f'data-draft-drop="{page}"' in answer.text
        assert "<script>alert(1)" not in answer.text
    assert '<option value="qian">' in asked.text
    assert (refused.status_code, '<option value="qian" selected>' in refused.text) == (409, True)
    assert "写过的意见" in refused.text
    assert ['data-given="true"' in answer.text for answer in (asked, refused)] == [False, True]


async def test_a_return_is_a_form_of_its_own_so_that_enter_on_a_reason_approves_nothing(desk: Door) -> None:
    page, step = f"/applications/{APPLICATION_ID}", DETAIL | {"step": "head", "step_label": "负责人", "actions": ["approve", "return"]}
    desk.played.answers |= {page: step, f"{page}/decisions": {}}
    csrf = desk.sign_in(Role.UNIT_HEAD)
    shown = (await desk.client.get(page)).text
    typed = {"csrf": csrf, "revision": "1", "step": "head", "verdict": "return", "explanation": f"缺会议纪要{XSS}", "reason_codes": "a"}
    await desk.client.post(f"{page}/decisions", data=typed, headers=OURS)
    desk.played.refusals[f"{page}/decisions"] = (409, "stale_version")
    refused = (await desk.client.post(f"{page}/decisions", data=typed, headers=OURS)).text

    forms = re.findall(rf'<form[^>]*action="{page}/decisions".*?</form>', shown, re.DOTALL)
    assert [re.findall(r'name="verdict" value="(\w+)"', form) for form in forms] == [["approve"], ["return"]]
    assert ["同意。" in form for form in forms] == [True, False]
    assert sent(desk, f"{page}/decisions")["opinion"] == f"缺会议纪要{XSS}"
    assert "同意。</textarea>" in refused
    assert "缺会议纪要&lt;script&gt;" in refused


@pytest.mark.parametrize(("verdict", "words"), [("approve", "已通过。"), ("return", "已退回申请单位。")])
async def test_what_was_decided_is_said_afterwards(desk: Door, verdict: str, words: str) -> None:
    path = f"/applications/{APPLICATION_ID}"
    desk.played.answers |= {path: DETAIL, f"{path}/decisions": {}}
    csrf = desk.sign_in(Role.UNIT_HEAD)
    typed = {"csrf": csrf, "revision": "1", "step": "head", "verdict": verdict}
    done = await desk.client.post(f"{path}/decisions", data=typed, headers=OURS)
    told = await desk.client.get(done.headers["location"])

    assert re.search(rf'class="flash" role="status" data-done>.*{words}', told.text)


async def test_what_else_is_under_way_about_the_person_stands_among_the_checks(desk: Door) -> None:
    desk.sign_in(Role.BUSINESS_OFFICER)
    path, other = f"/applications/{APPLICATION_ID}", "018f0000-0000-7000-8000-0000000000aa"
    assert "另有申请在办" not in (await desk.client.get(path)).text
    beside = {"id": other, "number": "编申〔2026〕9号", "type": "exit_application", "unit": "第一小学", "state": "in_review"}
    desk.played.answers[path] = DETAIL | {"alongside": [beside]}

    told = (await desk.client.get(path)).text

    assert f'该人员另有申请在办：<a class="nowrap" href="/applications/{other}">编申〔2026〕9号</a>（第一小学，出编申请，审核中）' in told
