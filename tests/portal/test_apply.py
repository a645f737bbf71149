"""申请: the service's words beside the fields, checks as advice, a preview, and nothing typed lost."""

import html
import json
import re
from typing import Any

import httpx
import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door
from tests.portal.test_changes import APPLICATION_ID, DETAIL

pytestmark = pytest.mark.asyncio
RESERVATION = {"id": given.PERSON_ID, "kind": "SY", "funding": "full", "unspent": 1, "held": 0, "authorisation_no": "编核1号"}
RESERVATION |= {"expires_on": "2027-01-01"}
TYPED = {"unit_id": given.UNIT_ID, "row": "SY|full", "posts": "2", "title": XSS, "justification": f"退休补员{XSS}"}


@pytest.fixture
def clerk(door: Door) -> Door:
    found = door.played.answers
    found |= {"/codes": given.CODES, "/units": {"items": [given.LINE], "next": None}, f"/units/{given.UNIT_ID}": given.UNIT}
    found |= {f"/units/{given.UNIT_ID}/reservations": {"items": [RESERVATION]}, "/persons": {"items": [given.PERSON], "next": None}}
    found |= {f"/persons/{given.PERSON_ID}": given.PERSON, "/applications": {"application_id": given.UNIT_ID, "number": "1"}}
    found["/application-checks"] = [{"code": "post_available", "passed": False, "sentence": f"可用编制不足{XSS}", "clause": "条例"}]
    return door


async def post(door: Door, kind: str = "post_use_application", headers: dict[str, str] | None = None, **typed: str) -> Any:
    csrf = door.sign_in(Role.UNIT_CLERK)
    return await door.client.post(f"/applications/new/{kind}", data={"csrf": csrf} | TYPED | typed, headers=OURS | (headers or {}))


def sent(door: Door, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(body for method, asked, body, _ in door.played.asked if (method, asked) == ("POST", path)))
    return found


async def test_what_a_service_says_of_a_field_stands_beside_it_and_nothing_typed_is_lost(clerk: Door) -> None:
    clerk.played.refusals["/applications"] = (409, "application_incomplete")
    clerk.played.problems["/applications"] = {"facts": {"fields": "effective_on,posts"}}
    answer = await post(clerk, do="submit")

    assert answer.status_code == 409
    assert re.search(r'id="f-posts"[^>]*aria-invalid="true"', answer.text)
    assert "请填写此项" in answer.text
    assert "退休补员&lt;script&gt;" in answer.text
    assert "<script>alert(1)" not in answer.text


async def test_checks_are_advice_drawn_anew_beside_the_fields_as_they_are_filled(clerk: Door) -> None:
    part = await post(clerk, do="check", headers={"hx-request": "true"})
    whole = await post(clerk, do="check")

    assert "<html" not in part.text
    assert "核对：0 项符合，1 项不符合" in part.text
    assert "可用编制不足" in whole.text
    assert "<script>alert(1)" not in part.text + whole.text
    assert "title" not in sent(clerk, "/application-checks")


async def test_checks_that_cannot_be_made_say_which_field_is_wrong(clerk: Door) -> None:
    clerk.played.refusals["/application-checks"] = (422, "malformed")
    clerk.played.fields = [{"field": "posts", "reason": "不能小于 1"}]
    part = await post(clerk, do="check", headers={"hx-request": "true"})
    whole = await post(clerk, do="check")
    clerk.played.fields = None
    unfilled = await post(clerk, do="check", headers={"hx-request": "true"})

    assert "用编数：不能小于 1" in part.text
    assert "用编数：不能小于 1" in whole.text
    assert "填好编制、人员等内容后自动核对" not in part.text
    assert "填好编制、人员等内容后自动核对" in unfilled.text


async def test_a_preview_is_the_services_file_and_a_refused_one_the_form_again(clerk: Door) -> None:
    clerk.played.answers["/application-previews"] = httpx.Response(200, content=b"%PDF-1.7")
    shown = await post(clerk, do="preview")
    clerk.played.refusals["/application-previews"] = (404, "not_found")
    refused = await post(clerk, do="preview")

    assert (shown.headers["content-type"], shown.content) == ("application/pdf", b"%PDF-1.7")
    assert shown.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert (refused.status_code, "退休补员" in refused.text) == (404, True)


@pytest.mark.parametrize("kind", ["entry_application", "exit_application"])
async def test_an_entry_uses_the_posts_of_its_authorised_use_and_an_exit_leaves_the_persons_own(clerk: Door, kind: str) -> None:
    answer = await post(
        clerk,
        kind,
        row="",
        reservation_id=given.PERSON_ID,
        person_id=given.PERSON_ID,
        reason_code="x",
        effective_on="2026-09-18",
        do="submit",
    )

    body = sent(clerk, "/applications")
    assert answer.status_code == 303
    assert (body["type"], body["kind"], body["funding"], body["posts"]) == (kind, "SY", "full", 1)


@pytest.mark.parametrize(("kind", "says"), [("entry_application", True), ("transfer_application", True), ("exit_application", False)])
async def test_the_form_says_how_whoever_comes_takes_a_leadership_post(clerk: Door, kind: str, says: bool) -> None:
    form = await post(clerk, kind, do="look")

    assert ("担任领导职务的" in form.text and "凭任免文件登记" in form.text) is says


async def test_of_off_establishment_staff_an_entry_says_what_they_do_and_how_they_are_employed(clerk: Door) -> None:
    told: dict[str, Any] = {"off_post_kind": "counter_service", "employment_form": "dispatch"}
    plain = await post(clerk, "entry_application", do="look")
    clerk.played.answers[f"/units/{given.UNIT_ID}/reservations"] = {"items": [RESERVATION | {"kind": "BW"}]}
    form = await post(clerk, "entry_application", do="look")
    await post(clerk, "entry_application", row="", reservation_id=given.PERSON_ID, person_id=given.PERSON_ID, do="submit", **told)

    assert [all(f'name="{name}"' in page.text for name in told) for page in (plain, form)] == [False, True]
    assert told.items() <= sent(clerk, "/applications").items()


async def test_every_unit_of_the_applicant_may_be_chosen_as_the_giver_however_many_there_are(clerk: Door) -> None:
    """Must fail when only the first page of the list is asked for: whoever stands further down would be nobody's giver."""
    last = given.LINE | {"id": given.PARENT_ID, "name": "最后一页的学校"}
    pages = {"": {"items": [given.LINE], "next": "further"}, "further": {"items": [last], "next": None}}
    clerk.played.answers["/units"] = lambda query: pages[query.get("after", "")]
    form = await post(clerk, "transfer_application", do="look")

    giver = re.search(r'<select[^>]*name="from_unit_id".*?</select>', form.text, re.DOTALL)
    assert giver is not None
    assert "最后一页的学校" in giver[0]


FREEZE: dict[str, Any] = {
    "order_id": given.PARENT_ID,
    "root_unit_id": given.UNIT_ID,
    "scopes": ["post_use"],
    "since": "2026-09-01T01:00:00Z",
}
FREEZE |= {"document_no": f"编冻1号{XSS}"}
CLAIMED: dict[str, Any] = {
    "ground": "policy_placement",
    "document_no": f"安置1号{XSS}",
    "why": f"安置退役士兵{XSS}",
    "orders": [given.PARENT_ID],
}


async def test_an_exception_is_asked_of_a_frozen_unit_alone_and_goes_along_as_it_was_typed(clerk: Door) -> None:
    told = {name: CLAIMED[name] for name in ("ground", "document_no", "why")}
    typed: dict[str, Any] = {f"exception.{name}": value for name, value in told.items()}
    free = await post(clerk, do="look")
    clerk.played.answers[f"/units/{given.UNIT_ID}"] = given.UNIT | {"freezes": [FREEZE]}
    frozen, leaving = await post(clerk, do="look"), await post(clerk, "exit_application", do="look")
    await post(clerk, do="check", **typed)
    await post(clerk, do="submit", **typed)

    asked = ["申报冻结例外" in page.text for page in (free, frozen, leaving)]
    assert asked == [False, True, False]
    assert re.search(r'<option value="announced_examination">统一招考已公告', frozen.text)
    assert sent(clerk, "/application-checks")["exception"] == {name: told[name] for name in ("ground", "document_no")}
    assert sent(clerk, "/applications")["exception"] == told


async def test_an_exception_half_typed_is_not_checked_as_one(clerk: Door) -> None:
    typed: dict[str, Any] = {"exception.ground": "policy_placement", "exception.why": "安置"}
    await post(clerk, do="check", **typed)

    assert "exception" not in sent(clerk, "/application-checks")


@pytest.mark.parametrize(("missing", "word"), [("ground", "例外情形"), ("document_no", "依据文号"), ("why", "例外理由")])
async def test_the_check_says_what_an_exception_half_typed_still_lacks(clerk: Door, missing: str, word: str) -> None:
    """Must fail when it says 已被冻结 alone: whoever fills it in would think that his exception does not count."""
    stopped = {"code": "not_frozen", "passed": False, "sentence": "本单位此项业务已被冻结，暂不能办理。", "clause": "冻结"}
    typed: dict[str, Any] = {f"exception.{name}": CLAIMED[name] for name in ("ground", "document_no", "why") if name != missing}
    clerk.played.answers["/application-checks"] = [stopped]
    frozen = await post(clerk, do="check", **typed)
    clerk.played.answers["/application-checks"] = [stopped | {"passed": True}]
    free = await post(clerk, do="check", **typed)
    untold = await post(clerk, do="check")

    assert f"还缺{word}。" in frozen.text
    assert "暂不能办理" not in frozen.text
    assert "不需要申报冻结例外" in free.text
    assert "冻结例外" not in untold.text.partition('class="checks"')[2].partition("</ul>")[0]


async def test_what_is_missing_of_an_exception_stands_beside_it_and_what_was_typed_is_kept(clerk: Door) -> None:
    clerk.played.refusals["/applications"] = (422, "malformed")
    clerk.played.fields = [{"field": "exception.document_no", "reason": "必填，不能为空"}]
    typed: dict[str, Any] = {"exception.ground": "policy_placement", "exception.why": f"安置{XSS}"}
    missed = await post(clerk, do="submit", **typed)

    assert re.search(r'name="exception.document_no"[^>]*aria-invalid="true"', missed.text)
    assert '<option value="policy_placement" selected>' in missed.text
    assert "安置&lt;script&gt;" in missed.text
    assert "冻结例外：必填" in missed.text


async def test_what_a_freeze_pauses_leads_its_unit_to_the_form_where_an_exception_is_claimed(clerk: Door) -> None:
    plain = DETAIL | {"type": "post_use_application", "kind": "SY", "funding": "full", "change_id": None, "person_id": None}
    plain |= {"state": "paused", "step": "unit_head", "exception": None, "blocked_by": [given.PARENT_ID]}
    clerk.played.answers |= {f"/units/{given.UNIT_ID}": given.UNIT | {"freezes": [FREEZE]}, "/codes": given.CODES | {"return_reasons": []}}
    clerk.sign_in(Role.UNIT_CLERK)
    pages = []
    for actions in ([], ["withdraw"]):
        clerk.played.answers[f"/applications/{APPLICATION_ID}"] = plain | {"actions": actions}
        pages.append((await clerk.client.get(f"/applications/{APPLICATION_ID}")).text)
    form = (await clerk.client.get(f"/applications/{APPLICATION_ID}/edit")).text

    link = f'href="/applications/{APPLICATION_ID}/edit"'
    assert [link in page for page in pages] == [False, True]
    assert all(
        f'（<a href="/freeze-orders/{given.PARENT_ID}">编冻1号&lt;script&gt;' in page for page in (*pages, form.replace("：<a", "（<a"))
    )
    assert "<h1>申报冻结例外：用编申请</h1>" in form
    assert re.search(r'<details class="more wide" open><summary>.*申报冻结例外', form)


async def test_the_order_of_a_unit_above_is_named_and_not_led_to(clerk: Door) -> None:
    clerk.played.units, above = [given.UNIT_ID], FREEZE | {"root_unit_id": given.PARENT_ID}
    clerk.played.answers[f"/units/{given.UNIT_ID}"] = given.UNIT | {"freezes": [above]}
    form = (await post(clerk, do="look")).text

    assert "编冻1号&lt;script&gt;" in form
    assert "/freeze-orders/" not in form


async def test_who_decides_sees_the_exception_its_order_and_what_his_approval_means(clerk: Door) -> None:
    approval: dict[str, Any] = {
        "kind": "step_approved",
        "label": "审核通过",
        "at": "2026-09-18T01:00:00Z",
        "actor": "zhou",
        "role": "unit_head",
    }
    approval |= {"on_behalf_of": None, "step": None, "text": "", "reason_codes": [], "order_ids": [given.PARENT_ID]}
    plain = DETAIL | {"type": "post_use_application", "kind": "SY", "funding": "full", "change_id": None, "person_id": None}
    asked = plain | {"step": "business_review", "step_label": "业务科审核", "exception": CLAIMED, "timeline": [approval]}
    clerk.played.answers |= {f"/units/{given.UNIT_ID}": given.UNIT | {"freezes": [FREEZE]}, "/codes": given.CODES | {"return_reasons": []}}
    clerk.sign_in(Role.BUSINESS_OFFICER)
    pages = []
    for found in (plain, asked):
        clerk.played.answers[f"/applications/{APPLICATION_ID}"] = found
        pages.append((await clerk.client.get(f"/applications/{APPLICATION_ID}")).text)

    assert "例外" not in pages[0]
    assert re.search(rf'href="/freeze-orders/{given.PARENT_ID}">编冻1号&lt;script&gt;', pages[1])
    for words in ("政策性安置", "安置1号&lt;", "安置退役士兵&lt;", "通过即同意按例外办理", "按冻结例外办理"):
        assert words in pages[1]
    assert "<script>alert(1)" not in pages[1]


async def test_what_was_entered_says_from_which_day_it_holds(clerk: Door) -> None:
    lines = [LINE | {"kind": kind, "label": label} for kind, label in (("post_claimed", "占用编制"), ("effected", "落编完成"))]
    clerk.played.answers["/codes"] = given.CODES | {"return_reasons": []}
    clerk.sign_in(Role.UNIT_CLERK)
    said = []
    for day in ("2026-09-01", None):
        clerk.played.answers[f"/applications/{APPLICATION_ID}"] = DETAIL | WAITS | {"timeline": lines, "effective_on": day}
        page = (await clerk.client.get(f"/applications/{APPLICATION_ID}")).text
        said.append(["自 2026-09-01 起生效" in line for line in re.findall('<li class="timeline-item.*?</li>', page, re.DOTALL)])

    assert said == [[False, True], [False, False]]


LINE: dict[str, Any] = {"at": "2026-09-18T01:00:00Z", "actor": "engine", "role": "service", "on_behalf_of": None, "step": None}
LINE |= {"text": "", "order_ids": [], "reason_codes": []}
SENT_BACK: dict[str, Any] = {"kind": "sent_back", "reason_codes": ["no_ground"], "text": f"请补核定依据{XSS}"}
WAITS: dict[str, Any] = {"type": "post_use_application", "change_id": None, "person_id": None, "kind": "SY", "funding": "full"}


async def test_a_form_that_is_mended_says_why_it_came_back(clerk: Door) -> None:
    told = [SENT_BACK | {"text": "先前的"}, SENT_BACK]
    clerk.played.answers[f"/applications/{APPLICATION_ID}"] = DETAIL | WAITS | {"state": "returned", "timeline": told}
    clerk.played.answers["/codes"] = given.CODES | {"return_reasons": [{"code": "no_ground", "label": "缺少政策依据"}]}
    clerk.sign_in(Role.UNIT_CLERK)
    form = (await clerk.client.get(f"/applications/{APPLICATION_ID}/edit")).text

    assert "<li>缺少政策依据</li>" in form
    assert "请补核定依据&lt;script&gt;" in form
    assert "先前的" not in form


async def test_what_the_roster_refused_is_told_in_words_on_the_page_and_in_the_form(clerk: Door) -> None:
    refused: dict[str, Any] = {
        "kind": "refused_by_roster",
        "label": "核验未通过",
        "at": "2026-09-18T01:00:00Z",
        "actor": "engine",
        "role": "service",
    }
    refused |= {"on_behalf_of": None, "step": None, "text": "落编时核验未通过。", "order_ids": [], "reason_codes": ["dates_out_of_order"]}
    clerk.played.answers[f"/applications/{APPLICATION_ID}"] = DETAIL | WAITS | {"state": "returned", "timeline": [refused]}
    clerk.played.answers["/codes"] = given.CODES | {"return_reasons": []}
    clerk.sign_in(Role.UNIT_CLERK)
    pages = [(await clerk.client.get(f"/applications/{APPLICATION_ID}{each}")).text for each in ("", "/edit")]

    assert ["<li>日期先后不对</li>" in page for page in pages] == [True, True]
    assert not any("dates_out_of_order" in page for page in pages)


async def test_what_is_under_way_again_is_shown_and_not_mended_to_no_end(clerk: Door) -> None:
    clerk.sign_in(Role.UNIT_CLERK)
    path = f"/applications/{APPLICATION_ID}"
    found = []
    for state, actions in (
        ("in_review", ["withdraw"]),
        ("filed", []),
        ("paused", []),
        ("paused", ["withdraw"]),
        ("returned", ["resubmit"]),
    ):
        clerk.played.answers[path] = DETAIL | WAITS | {"state": state, "actions": actions}
        answer = await clerk.client.get(f"{path}/edit")
        found.append((answer.status_code, answer.headers.get("location")))

    assert found == [*[(303, path)] * 3, *[(200, None)] * 2]


@pytest.mark.parametrize(
    ("closed_on", "state", "is_said"),
    [
        ("2025-12-22", "in_review", True),
        ("2025-12-22", "returned", True),
        ("2025-12-22", "filed", False),
        ("2099-12-22", "in_review", False),
    ],
)
async def test_an_application_of_a_unit_that_is_no_more_says_so_before_it_is_decided(
    clerk: Door, closed_on: str, state: str, is_said: bool
) -> None:
    """Else it is approved three times before the roster refuses it."""
    clerk.played.answers |= {
        f"/units/{given.UNIT_ID}": given.UNIT | {"closed_on": closed_on},
        "/codes": given.CODES | {"return_reasons": []},
        f"/applications/{APPLICATION_ID}": DETAIL | WAITS | {"state": state, "unit_id": given.UNIT_ID},
    }
    clerk.sign_in(Role.UNIT_CLERK)

    page = (await clerk.client.get(f"/applications/{APPLICATION_ID}")).text

    assert ("申请单位已于 2025-12-22 撤并" in page) is is_said


async def test_what_is_approved_for_a_day_to_come_says_that_it_waits_for_it(clerk: Door) -> None:
    clerk.played.answers["/codes"] = given.CODES | {"return_reasons": []}
    clerk.sign_in(Role.UNIT_CLERK)
    pages = []
    for day in ("2099-12-01", "2020-09-01"):
        actions = ["withdraw"] if day > "2090" else []
        waiting = DETAIL | WAITS | {"state": "effecting", "actions": actions, "effective_on": day}
        clerk.played.answers[f"/applications/{APPLICATION_ID}"] = waiting
        pages.append((await clerk.client.get(f"/applications/{APPLICATION_ID}")).text)

    assert ["2099-12-01 生效，到时自动落编" in page for page in pages] == [True, False]
    assert ["系统正在办理" in page for page in pages] == [False, True]
    assert ["撤回申请" in page for page in pages] == [True, False]
    assert not any("multipart/form-data" in page for page in pages), "what is approved takes no more files"


async def test_a_mended_form_holds_the_exception_that_was_claimed(clerk: Door) -> None:
    returned = DETAIL | {"type": "post_use_application", "change_id": None, "kind": "SY", "funding": "full", "exception": CLAIMED}
    clerk.played.answers[f"/applications/{APPLICATION_ID}"] = returned
    clerk.sign_in(Role.UNIT_CLERK)

    form = (await clerk.client.get(f"/applications/{APPLICATION_ID}/edit")).text

    assert '<option value="policy_placement" selected>' in form
    assert "安置退役士兵&lt;script&gt;" in form


async def test_a_form_with_a_file_outlives_a_session_that_ends_while_it_is_sent(clerk: Door) -> None:
    csrf = clerk.sign_in(Role.UNIT_CLERK)
    clerk.played.refusals["/applications"] = (401, "session_ended")
    file = {"file": ("a.pdf", b"%PDF-")}
    answer = await clerk.client.post(
        "/applications/new/post_use_application", data={"csrf": csrf, "do": "submit"} | TYPED, files=file, headers=OURS
    )

    assert answer.status_code == 401
    assert 'name="kept.do" value="submit"' in answer.text
    assert "选了文件的，所选的文件不能保留" in answer.text


async def test_a_form_that_is_mended_names_the_files_that_lie_there_already(clerk: Door) -> None:
    again = f"/applications/{APPLICATION_ID}"
    gone = FILE | {"name": "旧.pdf", "removed_at": "2026-09-19T01:00:00Z"}
    clerk.played.answers |= {again: DETAIL | WAITS | {"state": "returned"}, "/codes": given.CODES | {"return_reasons": []}}
    clerk.sign_in(Role.UNIT_CLERK)
    pages, answers = [], [{"items": [FILE, gone]}, {"items": list[Any]()}]
    for answer in (*answers, httpx.Response(503, json={"status": 503, "code": "unavailable"})):
        clerk.played.answers[f"{again}/attachments"] = answer
        pages.append((await clerk.client.get(f"{again}/edit")).text)

    led = re.findall(rf'href="{again}/attachments/({given.PERSON_ID})" download>.*?会议纪要&lt;b&gt;.pdf</a>', pages[0])
    assert (led, "旧.pdf <span" in pages[0], "12 KB · 第 1 次提交时" in pages[0]) == ([given.PERSON_ID], True, True)
    assert ["此前没有上传附件" in page for page in pages] == [False, True, False]
    assert ["此前上传的附件暂时取不到" in page for page in pages] == [False, False, True]


FILE = {"id": given.PERSON_ID, "name": "会议纪要<b>.pdf", "size": 12_000, "revision": 1, "brought_at": "2026-09-18T01:00:00Z"}


async def test_files_that_a_form_drawn_again_has_lost_are_asked_for_again(clerk: Door) -> None:
    csrf = clerk.sign_in(Role.UNIT_CLERK)
    clerk.played.refusals["/applications"] = (409, "application_incomplete")
    words, path = "所选的附件没有保留", "/applications/new/post_use_application"
    typed = {"csrf": csrf, "request_key": "k", "do": "submit"} | TYPED
    chosen = await clerk.client.post(path, data=typed, files={"file": ("a.pdf", b"%PDF-")}, headers=OURS)
    none = await clerk.client.post(path, data=typed, files={"file": ("", b"")}, headers=OURS)
    returned = DETAIL | {"type": "exit_application", "change_id": None, "kind": "SY", "funding": "full"}
    again = f"/applications/{APPLICATION_ID}"
    clerk.played.answers |= {again: returned, f"{again}/attachments": {"items": []}}
    clerk.played.refusals[f"{again}/resubmission"] = (409, "application_incomplete")
    brought = await clerk.client.post(f"{again}/edit", data=typed, files={"file": ("a.pdf", b"%PDF-")}, headers=OURS)

    pages = (chosen, none, await clerk.client.get(path), brought)
    assert [(page.status_code, words in page.text) for page in pages] == [(409, True), (409, False), (200, False), (409, False)]


async def test_enter_in_a_line_of_the_form_neither_sends_it_nor_draws_it_again(clerk: Door) -> None:
    clerk.played.answers["/units"] = {"items": [given.LINE, given.LINE | {"id": given.PERSON_ID}], "next": None}
    clerk.sign_in(Role.UNIT_CLERK)
    page = (await clerk.client.get("/applications/new/post_use_application")).text

    buttons = re.findall(r'<button[^>]*type="submit"[^>]*>', page[page.index("data-draft=") :])
    assert "disabled" in buttons[0]
    assert [re.findall(r'value="(\w+)"', each) for each in buttons[1:3]] == [["look"], ["submit"]]


async def test_files_go_along_one_by_one_and_one_that_is_refused_is_told(clerk: Door) -> None:
    csrf = clerk.sign_in(Role.UNIT_CLERK)
    typed, files = (
        {"csrf": csrf, "request_key": "k", "do": "submit"} | TYPED,
        [("file", ("../a.pdf", b"%PDF-1")), ("file", ("b.pdf", b"%PDF-2"))],
    )
    path = f"/applications/{given.UNIT_ID}/attachments"
    whole = await clerk.client.post("/applications/new/post_use_application", data=typed, files=files, headers=OURS)
    clerk.played.refusals[path] = (409, "attachment_unfit")
    half = await clerk.client.post("/applications/new/post_use_application", data=typed, files=files, headers=OURS)

    brought = [(body, headers["idempotency-key"]) for _, asked, body, headers in clerk.played.asked if asked == path][:2]
    assert [key for _, key in brought] == ["k/0", "k/1"]
    assert b'filename="a.pdf"' in brought[0][0]
    assert (whole.headers["location"], half.headers["location"]) == (
        f"/applications/{given.UNIT_ID}?done=submitted",
        f"/applications/{given.UNIT_ID}?done=submitted_without_files",
    )


async def test_a_returned_application_is_mended_for_its_own_units_and_no_other_is_offered(clerk: Door) -> None:
    giver, other = given.PERSON_ID[:-1] + "7", given.PERSON_ID[:-1] + "8"
    units = [given.LINE, given.LINE | {"id": giver, "name": f"调出单位{XSS}"}, given.LINE | {"id": other, "name": "旁的单位"}]
    returned = DETAIL | {"type": "transfer_application", "change_id": None, "kind": "SY", "funding": "full", "from_unit_id": giver}
    path = f"/applications/{APPLICATION_ID}"
    clerk.played.answers |= {"/units": {"items": units, "next": None}, path: returned, f"{path}/resubmission": {}}
    csrf = clerk.sign_in(Role.UNIT_CLERK)

    form = await clerk.client.get(f"{path}/edit")
    typed = {"csrf": csrf, "revision": "1", "do": "submit"} | TYPED | {"unit_id": other, "from_unit_id": other}
    done = await clerk.client.post(f"{path}/edit", data=typed, headers=OURS)

    assert "旁的单位" not in form.text
    assert 'value="look"' not in form.text
    assert "调出单位&lt;script&gt;" in form.text
    body = sent(clerk, f"{path}/resubmission")
    assert (done.status_code, body["unit_id"], body["from_unit_id"]) == (303, given.UNIT_ID, giver)


async def test_whom_an_application_is_about_is_asked_for_and_asked_again_when_it_is_mended(clerk: Door) -> None:  # trap 36
    returned = DETAIL | {"type": "exit_application", "change_id": None, "kind": "SY", "funding": "full", "concerned": ["wang.li"]}
    path = f"/applications/{APPLICATION_ID}"
    clerk.played.answers |= {path: returned, f"{path}/resubmission": {}}

    csrf = clerk.sign_in(Role.UNIT_CLERK)
    form = await clerk.client.get(f"{path}/edit")
    typed = {"csrf": csrf, "do": "submit", "concerned": " wang.li、zhao.min，\nqian "} | TYPED
    await clerk.client.post("/applications/new/exit_application", data=typed, headers=OURS)
    await clerk.client.post(f"{path}/edit", data=typed | {"revision": "1"}, headers=OURS)

    assert re.search(r'name="concerned" [^>]*value="wang.li"', form.text)
    assert sent(clerk, "/applications")["concerned"] == sent(clerk, f"{path}/resubmission")["concerned"] == ["wang.li", "zhao.min", "qian"]


async def test_an_application_offers_the_reasons_that_are_its_own_and_tells_at_its_field_which_is_not(clerk: Door) -> None:
    told = [("talent", "人才引进", True), ("transfer", "调动", True), ("first_load", "期初建账", False)]
    reasons = [{"code": code, "label": label, "applied_for": fit} for code, label, fit in told]
    clerk.played.answers["/codes"] = given.CODES | {
        "entry_reasons": reasons,
        "exit_reasons": [reasons[0], reasons[1] | {"applied_for": False}],
    }
    clerk.sign_in(Role.UNIT_CLERK)
    forms = [(await clerk.client.get(f"/applications/new/{kind}_application")).text for kind in ("entry", "exit")]
    clerk.played.refusals["/applications"] = (409, "cause_unfit")
    drawn = await post(clerk, "exit_application", do="submit", reason_code="transfer")

    assert all("人才引进" in form and "期初建账" not in form for form in forms)
    assert ["调动（从本市以外调入）" in form for form in forms] == [True, False]
    assert re.search(r'name="reason_code"[^>]*aria-invalid="true"', drawn.text)


async def test_a_form_that_was_sent_before_with_other_content_says_so_and_speaks_of_no_request_number(clerk: Door) -> None:
    clerk.played.refusals["/applications"] = (409, "key_reused")
    clerk.played.problems["/applications"] = {"title": "请求编号重复", "detail": "请换一个请求编号重新提交。"}
    answer = await post(clerk, do="submit")

    assert answer.status_code == 409
    assert "先前的内容已受理" in answer.text
    assert "请求编号" not in answer.text


async def test_a_form_that_does_not_say_what_to_do_is_drawn_again(clerk: Door) -> None:
    answer = await post(clerk)

    assert answer.status_code == 200
    assert not [path for _, path, _, _ in clerk.played.asked if path == "/applications"]


FURTHER: dict[str, Any] = given.PERSON | {"person_id": given.PERSON_ID[:-1] + "9", "name": f"第二百零一人{XSS}"}
"""Somebody after the two hundred that a form lists."""
OF_UNIT = {"exit_application": "unit", "transfer_application": "from_unit"}


def beyond(clerk: Door, **more: Any) -> str:
    path = f"/persons/{FURTHER['person_id']}"
    clerk.played.answers |= {path: FURTHER | more, "/persons": {"items": [given.PERSON], "next": "more"}}
    return path


@pytest.mark.parametrize("kind", OF_UNIT)
async def test_somebody_after_the_listed_is_chosen_from_his_page_and_stays_chosen(clerk: Door, kind: str) -> None:
    path = beyond(clerk)
    csrf = clerk.sign_in(Role.UNIT_CLERK)
    person = await clerk.client.get(path)
    link = html.unescape(next(each for each in re.findall(r'href="([^"]+)"', person.text) if kind in each))
    form = await clerk.client.get(link)
    typed = {"csrf": csrf, "do": "look", "person_id": FURTHER["person_id"], "unit_id": given.UNIT_ID, "from_unit_id": given.UNIT_ID}
    again = await clerk.client.post(link, data=TYPED | typed, headers=OURS)

    assert link.startswith(f"/applications/new/{kind}?{OF_UNIT[kind]}={given.UNIT_ID}")
    for page in (form, again):
        assert f'<option value="{FURTHER["person_id"]}" selected>第二百零一人&lt;script&gt;' in page.text
        assert f'action="{html.escape(link)}"' in page.text
        assert f'data-draft="apply-{kind}-{FURTHER["person_id"]}"' in page.text  # the draft of another person is not restored over it
        assert "只列出前 200 人；其他人员请从人员页面办理。" in page.text
        assert "<script>alert(1)" not in page.text


@pytest.mark.parametrize("post", [None, given.POST | {"unit_id": given.PARENT_ID}])
async def test_who_holds_no_post_of_the_unit_or_may_not_be_seen_is_not_offered(clerk: Door, post: Any) -> None:
    path = beyond(clerk, placement=post)
    clerk.sign_in(Role.UNIT_CLERK)
    link = f"/applications/new/exit_application?unit={given.UNIT_ID}&person={FURTHER['person_id']}"
    of_another = await clerk.client.get(link)
    clerk.played.refusals[path] = (404, "person_unknown")
    hidden = await clerk.client.get(link)

    assert [page.status_code for page in (of_another, hidden)] == [200, 200]
    assert "第二百零一人" not in of_another.text + hidden.text


async def test_who_holds_no_post_goes_on_to_an_entry_from_his_page(clerk: Door) -> None:
    path = beyond(clerk, placement=None)
    clerk.sign_in(Role.UNIT_CLERK)
    person = await clerk.client.get(path)
    link = f"/applications/new/entry_application?person={FURTHER['person_id']}"
    form = await clerk.client.get(link)

    assert f'href="{link}"' in person.text
    assert f'<option value="{FURTHER["person_id"]}" selected>' in form.text


async def test_an_application_that_begins_at_a_unit_is_of_that_unit_also_where_it_stands_after_those_listed(clerk: Door) -> None:
    clerk.played.answers["/units"] = {"items": [given.LINE | {"id": given.PARENT_ID}], "next": "more"}
    clerk.played.answers["approval/codes"] = {"application_types": [{"code": "post_use_application", "label": "用编申请"}]}
    clerk.played.units = [given.PARENT_ID]
    csrf = clerk.sign_in(Role.UNIT_CLERK)
    types = await clerk.client.get(f"/applications/new?unit={given.UNIT_ID}")
    link = f"/applications/new/post_use_application?unit={given.UNIT_ID}"
    form = await clerk.client.get(link)
    again = await clerk.client.post(link, data=TYPED | {"csrf": csrf, "do": "look", "unit_id": given.UNIT_ID}, headers=OURS)

    assert f'href="{link}"' in types.text
    for page in (form, again):
        assert f'<option value="{given.UNIT_ID}" selected>' in page.text
        assert f'action="{link}"' in page.text
        assert f'data-draft="apply-post_use_application-{given.UNIT_ID}"' in page.text  # the draft of another unit is not restored over it


async def test_what_is_a_digit_and_no_number_is_left_to_the_service_to_refuse(clerk: Door) -> None:
    answer = await post(clerk, do="submit", posts="²")

    assert (answer.status_code, sent(clerk, "/applications")["posts"]) == (303, "²")


@pytest.mark.parametrize("others", [True, False])
async def test_a_transfer_is_offered_between_two_units_and_where_there_is_one_alone_it_is_told(clerk: Door, others: bool) -> None:
    other = given.LINE | {"id": given.PARENT_ID, "name": f"调入单位{XSS}"}
    clerk.played.answers |= {"/units": {"items": [given.LINE, other] if others else [given.LINE], "next": None}}
    clerk.played.answers[f"/units/{given.PARENT_ID}"] = given.UNIT | {"id": given.PARENT_ID}
    clerk.played.units = [given.UNIT_ID]
    clerk.sign_in(Role.UNIT_CLERK)
    path = f"/applications/new/transfer_application?from_unit={given.UNIT_ID}&person={given.PERSON_ID}"
    page = (await clerk.client.get(path)).text
    taker, giver = (re.search(rf'<select[^>]*name="{name}".*?</select>', page, re.DOTALL)[0] for name in ("unit_id", "from_unit_id"))  # type: ignore[index]

    assert f'<option value="{given.PARENT_ID if others else given.UNIT_ID}" selected>' in taker
    assert re.findall(r'value="([^"]+)"', giver) == ([given.UNIT_ID] if others else [])
    assert ("您的管辖范围内没有其他单位" in page) is not others


ELSEWHERE = given.PERSON_ID[:-1] + "7"
"""A unit that the clerk does not see."""
NAMED = f"/units/{given.UNIT_ID}/found-persons/{given.PERSON_ID}"
FOUND = {"person_id": given.PERSON_ID, "name": f"李四{XSS}", "id_number": "330499***********4"}
FOUND |= {"from_unit_id": ELSEWHERE, "from_unit": f"第二小学{XSS}"}
SOUGHT: dict[str, Any] = {"from_unit": "第二小学", "name": "李四", "id_number": "330499198003052234"}


@pytest.fixture
def alone(clerk: Door) -> Door:
    """The clerk of one unit; whom he names is of another one."""
    clerk.played.units = [given.UNIT_ID]
    clerk.played.refusals |= dict.fromkeys((f"/units/{ELSEWHERE}", "/persons", f"/persons/{given.PERSON_ID}"), (404, "unknown"))
    clerk.played.answers |= {"/person-finds": FOUND, NAMED: FOUND}
    clerk.played.answers["/application-previews"] = httpx.Response(200, content=b"%PDF-1.7")
    return clerk


async def test_a_clerk_of_one_unit_names_somebody_of_another_and_applies_for_his_transfer(alone: Door) -> None:
    kind = "transfer_application"
    chosen: dict[str, Any] = {"from_unit_id": ELSEWHERE, "person_id": given.PERSON_ID}
    empty = await post(alone, kind, do="look")
    found = await post(alone, kind, do="find", **SOUGHT)
    checked = await post(alone, kind, do="check", effective_on="2026-09-18", **chosen)
    shown = await post(alone, kind, do="preview", effective_on="2026-09-18", **chosen)
    done = await post(alone, kind, do="submit", effective_on="2026-09-18", **chosen)

    assert sent(alone, "/person-finds") == SOUGHT | {"unit_id": given.UNIT_ID}
    assert f'value="{given.PERSON_ID}"' not in empty.text
    for page in (found, checked):
        assert f'<option value="{ELSEWHERE}" selected>第二小学&lt;script&gt;' in page.text
        assert f'<option value="{given.PERSON_ID}" selected>李四&lt;script&gt;' in page.text
        assert "330499***********4" in page.text
        assert 'data-given="true"' in page.text, "no draft is restored over it"
    assert "退休补员&lt;script&gt;" in found.text
    assert shown.content == b"%PDF-1.7"
    assert done.status_code == 303
    for path in ("/application-checks", "/application-previews", "/applications"):
        body = sent(alone, path)
        assert chosen.items() <= body.items()
        assert SOUGHT.keys().isdisjoint(body), "what was typed goes no further"
    assert not any(SOUGHT["id_number"] in str(query) + path for _, path, query in alone.played.queries)
    assert SOUGHT["id_number"] not in found.text + checked.text


async def test_whoever_is_not_found_so_is_told_beside_what_was_typed(alone: Door) -> None:
    alone.played.refusals["/person-finds"] = (409, "person_not_agreed")
    refused = await post(alone, "transfer_application", do="find", **SOUGHT)
    alone.played.refusals["/person-finds"] = (422, "invalid")
    alone.played.fields = [{"field": "id_number", "reason": "请填写完整号码。"}]
    short = await post(alone, "transfer_application", do="find", **SOUGHT | {"id_number": "3304"})

    assert refused.status_code == 409
    for name, typed in SOUGHT.items():
        assert re.search(rf'<input[^>]* name="{name}"[^>]* value="{typed}"', refused.text)
    assert '<details class="wide more" open>' in refused.text
    assert re.search(r'name="id_number"[^>]*aria-invalid="true"[^>]*data-unkept', short.text), "and it goes into no draft"


async def test_what_was_found_for_another_unit_is_not_chosen_in_this_one(alone: Door) -> None:
    alone.played.refusals[NAMED] = (404, "person_unknown")
    page = await post(alone, "transfer_application", do="look", from_unit_id=ELSEWHERE, person_id=given.PERSON_ID)

    assert page.status_code == 200
    assert ELSEWHERE not in page.text
    assert f'value="{given.PERSON_ID}"' not in page.text


async def test_the_page_of_such_an_application_shows_whom_he_named_and_lets_it_be_mended(alone: Door) -> None:
    transfer = DETAIL | {"type": "transfer_application", "change_id": None, "kind": "SY", "funding": "full", "from_unit_id": ELSEWHERE}
    path = f"/applications/{APPLICATION_ID}"
    alone.played.answers |= {path: transfer, "/codes": given.CODES | {"return_reasons": []}, f"{path}/resubmission": {}}
    csrf = alone.sign_in(Role.UNIT_CLERK)
    page = await alone.client.get(path)
    form = await alone.client.get(f"{path}/edit")
    again = {"csrf": csrf, "from_unit_id": ELSEWHERE, "person_id": given.PERSON_ID, "revision": "1"}
    found = await alone.client.post(f"{path}/edit", data=TYPED | again | SOUGHT | {"do": "find"}, headers=OURS)
    done = await alone.client.post(f"{path}/edit", data=TYPED | again | {"do": "submit"}, headers=OURS)

    for shown in (page, form, found):
        assert "第二小学&lt;script&gt;" in shown.text
        assert "李四&lt;script&gt;" in shown.text
        assert "<script>alert(1)" not in shown.text
    assert "不在您的管辖范围内" not in page.text
    assert ("GET", NAMED, [("from_unit_id", ELSEWHERE)]) in alone.played.queries
    body = sent(alone, f"{path}/resubmission")
    assert (done.status_code, body["from_unit_id"], body["person_id"]) == (303, ELSEWHERE, given.PERSON_ID)


async def test_somebody_of_another_unit_of_that_name_is_not_chosen_in_a_mended_form_without_a_word(alone: Door) -> None:
    transfer = DETAIL | {"type": "transfer_application", "change_id": None, "kind": "SY", "funding": "full", "from_unit_id": ELSEWHERE}
    path, namesake = f"/applications/{APPLICATION_ID}", ELSEWHERE[:-1] + "8"
    alone.played.answers |= {path: transfer, "/codes": given.CODES | {"return_reasons": []}}
    alone.played.answers["/person-finds"] = FOUND | {"from_unit_id": namesake, "person_id": namesake}
    again = {"csrf": alone.sign_in(Role.UNIT_CLERK), "revision": "1", "do": "find"}
    found = await alone.client.post(f"{path}/edit", data=TYPED | again | SOUGHT, headers=OURS)

    assert (found.status_code, "在另一个同名单位" in found.text) == (409, True)
    assert namesake not in found.text


@pytest.mark.parametrize(("held", "words"), [("not_taken_back", "占用的编制尚未退回"), ("not_recordable", "办理记录未能写入")])
async def test_why_a_case_stands_still_is_said_on_its_page(clerk: Door, held: str, words: str) -> None:
    exiting = DETAIL | {"type": "exit_application", "change_id": None, "kind": "SY", "funding": "full", "held": held}
    clerk.played.answers |= {f"/applications/{APPLICATION_ID}": exiting, "/codes": given.CODES | {"return_reasons": []}}
    clerk.sign_in(Role.UNIT_CLERK)

    assert words in (await clerk.client.get(f"/applications/{APPLICATION_ID}")).text


@pytest.mark.parametrize(("status", "words"), [(404, "不在您的管辖范围内"), (503, "暂时取不到")])
async def test_what_is_beyond_ones_units_is_not_called_away(clerk: Door, status: int, words: str) -> None:
    giver = given.PERSON_ID[:-1] + "7"
    transfer = DETAIL | {"type": "transfer_application", "change_id": None, "kind": "SY", "funding": "full", "from_unit_id": giver}
    paths = (f"/units/{given.UNIT_ID}", f"/units/{giver}", f"/persons/{given.PERSON_ID}", NAMED)
    clerk.played.answers |= {f"/applications/{APPLICATION_ID}": transfer, "/codes": given.CODES | {"return_reasons": []}}
    clerk.played.refusals |= dict.fromkeys(paths, (status, "unknown"))
    clerk.sign_in(Role.UNIT_CLERK)
    page = (await clerk.client.get(f"/applications/{APPLICATION_ID}")).text

    assert page.count(words) == 3


async def test_a_login_name_that_is_nobodys_is_told_beside_its_field_with_all_that_was_typed(clerk: Door) -> None:
    clerk.played.refusals["/applications"] = (409, "concerned_unknown")
    answer = await post(clerk, do="submit", concerned="wang.lii")

    assert answer.status_code == 409
    assert re.search(r'name="concerned" [^>]*value="wang.lii"[^>]*aria-invalid="true"', answer.text)
