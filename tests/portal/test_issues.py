"""问题整改: what the pages show and ask for, that a refusal keeps what was typed, and how evidence is brought."""

import json
import re
from datetime import date
from typing import Any

import httpx
import pytest

from services.monitoring.models.issues import AskedExtension
from services.monitoring.models.tasks import Action
from services.portal.api.issues import DEEDS, FORMS
from shared.auth import PERMISSIONS
from shared.glossary import IssueState, Measure, Role, holiday_ground
from shared.law.deadline import Deadline
from shared.law.notices import load_calendar
from tests.portal import given_cases as given
from tests.portal.conftest import OURS, XSS, Door, pressed_by_enter
from tests.portal.given import PERSON, PERSON_ID, UNIT_ID

pytestmark = pytest.mark.asyncio
PAGE = f"/issues/{given.ISSUE_ID}"
PDF = b"%PDF-1.7\n"
OFFICERS = (
    Action.CONFIRM,
    Action.DISMISS,
    Action.SERVE,
    Action.ACCEPT,
    Action.RETURN,
    Action.PAUSE,
    Action.RESUME,
    Action.EXTEND,
    Action.DECLINE_EXTENSION,
)
ALL = (*OFFICERS, Action.PROPOSE_FREEZE, Action.RECORD_AGAIN, Action.SUBMIT_EVIDENCE, Action.RELEASE, Action.ASK_EXTENSION)
RULE = {"code": "M01", "title": "超编", "ground": "条例"}


def answers(door: Door, issue: dict[str, Any] | None = None) -> None:
    door.played.answers |= {PAGE: issue or given.issue(), "/lights/matrix": {"rules": [RULE], "items": []}}
    door.played.answers["/issues"] = {"items": [given.line().model_dump(mode="json")], "next": "more"}


async def send(door: Door, deed: str, typed: dict[str, str], *roles: Role, **more: Any) -> httpx.Response:
    csrf = door.sign_in(*roles or (Role.SUPERVISION_OFFICER,))
    return await door.client.post(f"{PAGE}/{deed}", data={"csrf": csrf, "request_key": "key-0001", **typed}, headers=OURS, **more)


def sent(door: Door, path: str) -> list[Any]:
    return [json.loads(body) for method, asked, body, _ in door.played.asked if (method, asked) == ("POST", path)]


@pytest.mark.parametrize("path", ["/issues", "/issues?state=all&late=true&rule=M01&level=red&q=x", PAGE])
async def test_every_page_is_drawn_and_nothing_planted_is_markup(door: Door, path: str) -> None:
    door.sign_in(*Role)
    answers(door, given.issue(IssueState.RECTIFYING, *ALL))
    page = await door.client.get(path)

    assert page.status_code == 200, page.text
    assert "第一小学" in page.text
    assert "<script>alert(1)" not in page.text
    assert "<img src=x" not in page.text


@pytest.mark.parametrize(("role", "led"), [(Role.SUPERVISION_OFFICER, True), (Role.UNIT_CLERK, False)])
async def test_what_a_first_load_left_is_not_said_to_be_lit_and_whoever_may_take_it_up_is_led_there(
    door: Door, role: Role, *, led: bool
) -> None:
    found = given.issue(
        IssueState.BASELINE, deadline=None, has_case=False, notice=None, signed_at=None, timeline=[], rungs=[], next_rung=None
    )
    answers(door, found)
    door.played.answers["/issues"] = {"items": [found], "next": None}
    door.sign_in(role)
    pages = [(await door.client.get(path)).text for path in (PAGE, "/issues?state=baseline")]

    assert ["纳入后红灯" in page for page in pages] == [True, True]
    assert not [page for page in pages if 'class="light light-red"' in page]
    assert (f'href="/units/{UNIT_ID}/supervision">' in pages[0].split('id="actions"')[1]) == led


async def test_who_waits_for_the_unit_is_told_so_beside_what_he_may_do_meanwhile(door: Door) -> None:
    """Must fail when the card begins with nothing."""
    answers(door, given.issue(IssueState.RECTIFYING, Action.PAUSE, Action.EXTEND, Action.PROPOSE_FREEZE))
    door.sign_in(Role.SUPERVISION_OFFICER)
    page = (await door.client.get(PAGE)).text
    answers(door, given.issue(IssueState.RECTIFYING, Action.EXTEND, Action.DECLINE_EXTENSION))
    deciding = (await door.client.get(PAGE)).text

    assert ("目前不需要您办理" in page, "目前不需要您办理" in deciding) == (True, False)
    assert "下一次提醒" not in page  # the ladder says what comes next


@pytest.mark.parametrize("known", [True, False])
async def test_an_issue_tells_of_when_its_figures_are_and_those_of_its_notice(door: Door, *, known: bool) -> None:
    """Nothing is told of those from before it was kept."""
    found = given.issue()
    answers(door, found if known else found | {"as_of": None, "notice": found["notice"] | {"as_of": None}})
    door.sign_in(Role.SUPERVISION_OFFICER)
    page = (await door.client.get(PAGE)).text

    assert [text in page for text in ("2026-09-25 09:00", "所列事实截至", "2026-09-23 10:00")] == [known] * 3


@pytest.mark.parametrize("state", list(IssueState))
async def test_an_issue_is_drawn_in_every_state_without_a_word_missing(door: Door, state: IssueState) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    early = state in {IssueState.BASELINE, IssueState.TO_VERIFY, IssueState.DISMISSED}
    bare: dict[str, Any] = (
        {"notice": None, "signed_at": None, "rungs": [], "next_rung": None, "timeline": [], "freezes": [], "files": []} if early else {}
    )
    answers(door, given.issue(state, deadline=None if early else given.PAUSED, has_case=state != IssueState.BASELINE, **bare))
    page = await door.client.get(PAGE)

    assert page.status_code == 200, page.text
    assert not re.search(r"None|undefined|\bnull\b", re.sub(r"<[^>]*>", "", page.text))
    assert page.text.count("<strong>规则查到</strong>") == 1, "the case begins with it, whatever followed"


async def test_a_case_that_is_opened_again_tells_what_was_found_again_where_its_round_begins(door: Door) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    shown = given.issue(IssueState.RECTIFYING)
    later = [each | {"round": 2, "label": f"{each['label']}（再）"} for each in shown["timeline"]]
    lines = []
    for timeline in (shown["timeline"], shown["timeline"] + later):
        answers(door, shown | {"round": 2, "timeline": timeline})
        lines.append(re.findall(r'timeline-head"><strong>(.*?)</strong>', (await door.client.get(PAGE)).text))

    labels = [each["label"] for each in shown["timeline"]]
    assert lines == [[*labels, "规则再次查到"], [*labels, "规则再次查到", *(f"{each}（再）" for each in labels)]]


async def test_open_issues_are_listed_first_those_due_soonest_unless_others_are_asked_for(door: Door) -> None:
    door.sign_in(Role.UNIT_CLERK)
    answers(door)
    for asked in ("", "?state=all", "?state=closed", "?late=true&unit=u&sort=-found&after=x"):
        await door.client.get(f"/issues{asked}", headers={"hx-request": "true"})

    lists = [dict(query) for _, path, query in door.played.queries if path == "/issues"]
    assert [(each.get("open"), each.get("state"), each["sort"]) for each in lists] == [
        ("true", None, "due"),
        (None, None, "due"),
        (None, "closed", "due"),
        ("true", None, "-found"),
    ]
    assert (lists[3]["late"], lists[3]["unit"], lists[3]["after"]) == ("true", "u", "x")


async def test_an_open_pause_is_hatched_and_what_is_left_stands_behind_it(door: Door) -> None:
    door.sign_in(Role.UNIT_CLERK)
    answers(door, given.issue(deadline=given.PAUSED))
    page = (await door.client.get(PAGE)).text

    (bar,) = re.findall(r'<svg class="bar".*?</svg>', page, re.DOTALL)
    assert bar.count('fill="url(#hatch)"') == 2
    assert (bar.count('class="bar-used"'), bar.count('class="bar-left"') - 1) == (3, 12)  # one is the hatch's own ground
    assert "至今 暂停计时" in bar
    assert "暂停计时</strong>（待验收）" in page
    assert "下一步：逾期" in page


async def test_a_term_that_ended_with_no_working_day_since_is_over_and_neither_late_by_nothing_nor_running(door: Door) -> None:
    """The first day after its end, and every rest day that follows: so many working days are none."""
    ended = Deadline.start(date(2026, 9, 18), 5, load_calendar())
    door.sign_in(Role.UNIT_CLERK)
    answers(door, given.issue(IssueState.OVERDUE, deadline=ended))
    late = given.line(IssueState.OVERDUE, ended)
    door.played.answers["/issues"] = {"items": [late.model_dump(mode="json")], "next": None}
    page, listed = [re.sub(r"<[^>]*>", "", (await door.client.get(path)).text) for path in (PAGE, "/issues")]

    assert late.term is not None
    assert (late.term.remaining, late.term.overdue) == (0, 0)
    assert "已超期，应于 2026-09-24 17:30 前办结" in page
    assert "下一次提醒" not in page
    assert "已超期" in listed
    assert not [words for words in ("超期 0 天", "剩 0", "已超期 0") if words in page + listed]


async def test_each_form_is_offered_to_whom_the_service_offers_it_and_to_nobody_else(door: Door) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    offered = {}
    for action in (*ALL, None):
        answers(door, given.issue(IssueState.RECTIFYING, *([action] if action else [])))
        offered[action] = set(re.findall(rf'\baction="{PAGE}/([a-z-]+)"', (await door.client.get(PAGE)).text)) - {"correction"}

    assert offered[None] == set()
    assert offered[Action.PROPOSE_FREEZE] == set()
    assert set().union(*offered.values()) == FORMS.keys() - {"measures", "correction"}
    assert [len(each) for action, each in offered.items() if action not in {None, Action.PROPOSE_FREEZE}] == [1] * (len(ALL) - 1)


async def test_a_unit_asks_for_a_longer_term_and_the_officer_sees_what_it_would_come_to(door: Door) -> None:
    asked = {"days": 6, "reason": f"等仲裁{XSS}", "asked_by": "clerk-zhu", "asked_at": given.NOW, "due_at": given.NOW}
    answers(door, given.issue(IssueState.RECTIFYING, Action.EXTEND, Action.DECLINE_EXTENSION, asked_extension=AskedExtension(**asked)))
    done = await send(door, "extension-request", {"extension-request-days": "6", "extension-request-reason": "等仲裁"}, Role.UNIT_CLERK)
    door.sign_in(Role.SUPERVISION_OFFICER)
    page = (await door.client.get(PAGE)).text

    assert sent(door, f"{PAGE}/extension-request") == [{"days": 6, "reason": "等仲裁"}]
    assert "延期申请已提出" in (await door.client.get(done.headers["location"])).text
    assert "单位申请延长 6 个工作日" in page
    assert "如同意，期限延至 2026-09-25 10:00" in page
    assert re.search(r'name="extension-days"[^>]*value="6"', page)
    assert page.count(f'action="{PAGE}/extension"') == 1


@pytest.mark.parametrize("actions", [(Action.ASK_EXTENSION,), (Action.EXTEND,), (Action.EXTEND, Action.DECLINE_EXTENSION)])
async def test_the_form_of_an_extension_says_how_many_days_it_may_have(door: Door, actions: tuple[Action, ...]) -> None:
    answers(door, given.issue(IssueState.RECTIFYING, *actions, extension_days=17))
    door.sign_in(Role.UNIT_CLERK if actions == (Action.ASK_EXTENSION,) else Role.SUPERVISION_OFFICER)
    page = (await door.client.get(PAGE)).text

    assert "最多 17 个工作日" in page
    assert re.search(r'name="extension-(request-)?days"[^>]*max="17"', page)


TYPED = {
    "confirmation": {"title": "关于清退的通知", "demand": "清退 1 人", "budget_days": "12"},
    "dismissal": {"reason": "已批准"},
    "service": {"served_on": "2026-09-18"},
    "acceptance": {"document_no": "验1号", "reason": "属实"},
    "evidence-return": {"reason": "缺通知单"},
    "pause": {"reason": "等待仲裁"},
    "resume": {"reason": "仲裁已结"},
    "extension": {"days": "5", "reason": "情况复杂"},
    "extension-refusal": {"reason": "时间足够"},
    "measures": {
        "measure": "interview_held",
        "whom": "principal",
        "led_by": "commission_leader",
        "taken_on": "2026-09-20",
        "document_no": "约谈1号",
        "reason": "限期清退",
    },
    "recording": {},
}
OFFERS = dict(
    zip(
        ("confirmation", "dismissal", "service", "acceptance", "evidence-return", "pause", "resume", "extension", "extension-refusal"),
        OFFICERS,
        strict=True,
    )
)


@pytest.mark.parametrize("deed", DEEDS)
async def test_what_an_officer_fills_in_goes_to_the_service_under_the_forms_own_key(door: Door, deed: str) -> None:
    answers(door)
    done = await send(door, deed, {f"{deed}-{name}": value for name, value in TYPED[deed].items()})

    numbers = {name: int(value) for name, value in TYPED[deed].items() if name in {"budget_days", "days"}}
    assert (done.status_code, done.headers["location"]) == (303, f"{PAGE}?done={DEEDS[deed].done}")
    assert sent(door, f"{PAGE}/{deed}") == [TYPED[deed] | numbers]
    assert {headers["idempotency-key"] for _, path, _, headers in door.played.asked if path == f"{PAGE}/{deed}"} == {"key-0001"}
    assert "data-done" in (await door.client.get(done.headers["location"])).text


@pytest.mark.parametrize("deed", OFFERS)
async def test_a_refusal_keeps_every_word_and_opens_the_form_again(door: Door, deed: str) -> None:
    answers(door, given.issue(IssueState.RECTIFYING, OFFERS[deed]))
    door.played.refusals[f"{PAGE}/{deed}"] = (409, "own_case")
    page = await send(door, deed, {f"{deed}-{name}": value for name, value in TYPED[deed].items()})

    assert page.status_code == 409
    assert "原因：&lt;script&gt;" in page.text
    for name, value in TYPED[deed].items():
        assert re.search(rf'name="{deed}-{name}"[^>]*value="{value}"|name="{deed}-{name}"[^>]*>{value}</textarea>', page.text), name
    assert 'data-given="true"' in page.text
    folded = re.findall(rf'<details class="more[^>]*>(?=(?:(?!</details>).)*action="{PAGE}/{deed}")', page.text, re.DOTALL)
    assert (len(folded), all(" open" in each for each in folded)) == (deed not in {"confirmation", "service", "acceptance"}, True)


async def test_what_was_done_is_shown_to_everybody_and_recorded_by_whom_the_service_lets(door: Door) -> None:
    door.sign_in(Role.UNIT_CLERK)
    answers(door)
    shown = (await door.client.get(PAGE)).text
    assert re.search(r"<strong>实施约谈</strong> 单位主要负责人 <span[^>]*>编委领导约谈</span>", shown)
    assert "登记处置措施" not in shown
    answers(door, given.issue(IssueState.CLOSED, recordable=(Measure.REFERRAL,)))
    door.played.refusals[f"{PAGE}/measures"] = (409, "interviewer_unfit")
    page = await send(door, "measures", {f"measures-{name}": value for name, value in TYPED["measures"].items()})

    assert page.status_code == 409
    offered = page.text.split('name="measures-measure"')[1].split("</select>")[0]
    assert re.findall(r'<option value="(interview_held|circular_issued|lead_referred)"', offered) == ["lead_referred"]
    assert [re.search(rf'<option value="{each}" selected>', page.text) is None for each in ("principal", "commission_leader")] == [
        False
    ] * 2
    assert 'value="约谈1号"' in page.text
    assert '<details class="more" open><summary>' in page.text


async def test_what_was_recorded_wrongly_is_struck_through_with_who_when_and_why(door: Door) -> None:
    struck = given.measure().model_copy(update={"corrected_by": "lu", "corrected_at": given.NOW, "corrected_why": f"措施选错{XSS}"})
    door.sign_in(Role.UNIT_CLERK)
    answers(door, given.issue(IssueState.RECTIFYING, measures=[struck]))
    his = (await door.client.get(PAGE)).text
    door.sign_in(Role.SUPERVISION_OFFICER)
    office = (await door.client.get(PAGE)).text

    assert re.search(r"已更正</span>[^：]*：措施选错&lt;script&gt;.*?</p><del><p><strong>实施约谈</strong>.*?</del></li>", his, re.DOTALL)
    assert ("更正登记</summary>" in his, "更正登记</summary>" in office) == (False, False)  # nothing that stands is left to correct


async def test_a_correction_is_sent_with_what_is_right_or_without_and_a_refusal_keeps_it(door: Door) -> None:
    measure_id = str(given.measure().id)
    answers(door, given.issue(IssueState.CLOSED))
    path, typed = f"{PAGE}/measures/{measure_id}/correction", {"correction-measure_id": measure_id, "correction-reason": "措施选错"}
    right = {"measure": "circular_issued", "taken_on": "2026-09-20", "document_no": "通报1号", "summary": "印发通报"}
    filled = typed | {f"correction-{name}": value for name, value in right.items()}
    done = [await send(door, "correction", each) for each in (typed, filled)]
    door.played.refusals[path] = (422, "malformed")
    door.played.fields = [{"field": "instead.document_no", "reason": "须填写"}]
    page = await send(door, "correction", filled)

    assert [each.headers["location"] for each in done] == [f"{PAGE}?done=measure_corrected"] * 2
    assert sent(door, path)[:2] == [{"reason": "措施选错", "instead": None}, {"reason": "措施选错", "instead": right}]
    assert (page.status_code, "文号：须填写" in page.text) == (422, True)
    for words in (f'<option value="{measure_id}" selected>', '<option value="circular_issued" selected>', 'value="通报1号"'):
        assert words in page.text
    assert re.search(r"印发通报</textarea>", page.text)


async def test_the_correction_of_a_measure_begins_with_what_was_recorded(door: Door) -> None:
    """Must fail when it begins empty: whoever mends one field has to type all the others again."""
    door.sign_in(Role.SUPERVISION_OFFICER)
    wrong = given.measure()
    answers(door, given.issue(IssueState.CLOSED, measures=[wrong]))
    plain = (await door.client.get(PAGE)).text
    page = (await door.client.get(PAGE, params={"wrong": str(wrong.id)})).text

    assert f'href="{PAGE}?wrong={wrong.id}#measures"' in plain
    form = page.partition("更正登记</summary>")[2].partition("</form>")[0]
    for said in (f'<option value="{wrong.id}" selected>', f'<option value="{wrong.measure}" selected>', f'value="{wrong.taken_on}"'):
        assert said in form
        assert said not in plain.partition("更正登记</summary>")[2].partition("</form>")[0]
    assert " open>" in page.partition("更正登记</summary>")[0].rpartition("<details")[2]


async def test_the_form_begins_with_the_measure_that_the_ladder_has_come_to(door: Door) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    answers(door, given.issue(IssueState.OVERDUE, recordable=tuple(Measure), due_measures=(Measure.CIRCULAR,)))
    page = (await door.client.get(PAGE)).text

    assert '<option value="circular_issued" selected>' in page
    assert "按督办阶梯应印发通报，办理后由监督检查科登记。" in page


async def test_a_field_that_the_service_does_not_take_is_named_in_chinese_and_marked(door: Door) -> None:
    answers(door, given.issue(IssueState.RECTIFYING, Action.EXTEND))
    door.played.refusals[f"{PAGE}/extension"] = (422, "malformed")
    door.played.fields = [{"field": "days", "reason": "须为整数"}]
    page = await send(door, "extension", {"extension-days": "五", "extension-reason": "x"})

    assert page.status_code == 422
    assert "延长天数：须为整数" in page.text
    assert re.search(r'name="extension-days"[^>]*value="五"[^>]*aria-invalid="true"', page.text)


async def test_who_may_not_accept_is_told_why_in_words(door: Door) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    answers(
        door, given.issue(IssueState.EVIDENCE_SUBMITTED, Action.RETURN, withheld={Action.ACCEPT: "整改材料由您提交，须由其他人员验收。"})
    )

    assert "整改材料由您提交，须由其他人员验收。" in (await door.client.get(PAGE)).text


async def test_evidence_is_brought_and_then_handed_in_with_what_lay_ready(door: Door) -> None:
    answers(door, given.issue(IssueState.RECTIFYING, Action.SUBMIT_EVIDENCE))
    door.played.answers[f"{PAGE}/evidence-files"] = {"id": "new-file"}
    typed = {"evidence-description": "已出编", "evidence-attachments": given.FILE_ID}
    done = await send(door, "evidence", typed, Role.UNIT_CLERK, files={"file": ("../甲.pdf", PDF)})

    (brought,) = [body for _, path, body, _ in door.played.asked if path == f"{PAGE}/evidence-files"]
    assert done.headers["location"] == f"{PAGE}?done=evidence_submitted"
    assert PDF in brought
    assert 'filename="甲.pdf"'.encode() in brought
    assert sent(door, f"{PAGE}/evidence") == [{"description": "已出编", "attachments": [given.FILE_ID, "new-file"]}]


async def test_evidence_without_a_file_is_handed_in_as_it_is(door: Door) -> None:
    answers(door, given.issue(IssueState.RECTIFYING, Action.SUBMIT_EVIDENCE))
    done = await send(door, "evidence", {"evidence-description": "已出编", "evidence-document_no": "报1号"}, Role.UNIT_CLERK)

    assert done.status_code == 303
    assert sent(door, f"{PAGE}/evidence") == [{"description": "已出编", "document_no": "报1号", "attachments": []}]


@pytest.mark.parametrize("code", ["evidence_file_too_large", "evidence_file_mislabelled"])
async def test_a_file_that_is_refused_is_named_and_costs_no_word_and_nothing_is_handed_in(door: Door, code: str) -> None:
    ready = given.issue(IssueState.RECTIFYING, Action.SUBMIT_EVIDENCE, files=[given.brought(handed_in=False)])
    answers(door, ready)
    door.played.refusals[f"{PAGE}/evidence-files"] = (409, code)
    typed = {"evidence-description": "已出编，附通知单", "evidence-document_no": "报1号", "evidence-attachments": given.FILE_ID}
    page = await send(door, "evidence", typed, Role.UNIT_CLERK, files={"file": ("<b>合影.pdf", b"MZ")})

    assert page.status_code == 409
    assert "“&lt;b&gt;合影.pdf”：" in page.text
    assert "整改情况和其他附件已保留" in page.text
    assert ">已出编，附通知单</textarea>" in page.text
    assert 'value="报1号"' in page.text
    assert re.search(rf'value="{given.FILE_ID}" checked', page.text)
    assert sent(door, f"{PAGE}/evidence") == []


async def test_a_file_that_is_kept_already_goes_along_when_what_met_a_service_that_is_away_goes_on(door: Door) -> None:
    answers(door, given.issue(IssueState.RECTIFYING, Action.SUBMIT_EVIDENCE))
    door.played.answers[f"{PAGE}/evidence-files"] = {"id": "new-file"}
    door.played.refusals[f"{PAGE}/evidence"] = (503, "unavailable")
    typed = {"evidence-description": "已出编", "evidence-attachments": given.FILE_ID}
    away = await send(door, "evidence", typed, Role.UNIT_CLERK, files={"file": ("甲.pdf", PDF)})
    door.played.refusals.clear()
    form = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', away.text.partition("<main")[2])
    again = {name: [value for each, value in form if each == name] for name, _ in form}
    done = await door.client.post(f"{PAGE}/evidence", data=again, headers=OURS)

    assert (away.status_code, "所选的文件不能保留" in away.text) == (503, False)
    assert done.headers["location"] == f"{PAGE}?done=evidence_submitted"
    assert sent(door, f"{PAGE}/evidence")[1] == {"description": "已出编", "attachments": [given.FILE_ID, "new-file"]}


async def test_files_brought_ahead_keep_what_is_written_and_hand_nothing_in(door: Door) -> None:
    answers(door, given.issue(IssueState.RECTIFYING, Action.SUBMIT_EVIDENCE, files=[given.brought(handed_in=False)]))
    door.played.answers[f"{PAGE}/evidence-files"] = {"id": given.FILE_ID}
    page = await send(door, "evidence-files", {"evidence-description": "写到一半"}, Role.UNIT_CLERK, files={"file": ("甲.pdf", PDF)})

    assert (page.status_code, sent(door, f"{PAGE}/evidence")) == (200, [])
    assert ('name="evidence-document_no"' in page.text, pressed_by_enter(page.text)) == (True, [])
    assert ">写到一半</textarea>" in page.text
    assert re.search(rf'value="{given.FILE_ID}" checked', page.text)


async def test_to_bring_a_file_and_choose_none_is_told_and_costs_no_word(door: Door) -> None:
    answers(door, given.issue(IssueState.RECTIFYING, Action.SUBMIT_EVIDENCE))
    page = await send(door, "evidence-files", {"evidence-description": "写到一半"}, Role.UNIT_CLERK)

    assert page.status_code == 422
    assert "没有选择文件" in page.text
    assert ">写到一半</textarea>" in page.text
    assert [path for _, path, _, _ in door.played.asked if path.endswith("/evidence-files")] == []


async def test_evidence_that_came_back_says_why_where_it_is_mended_until_it_is_handed_in_again(door: Door) -> None:
    door.sign_in(Role.UNIT_CLERK)
    pages = []
    for acts in ((), ("submit_evidence", "return_evidence"), ("submit_evidence", "return_evidence", "submit_evidence")):
        shown = given.issue(IssueState.RECTIFYING, Action.SUBMIT_EVIDENCE)
        told = shown["timeline"][0] | {"details": {"description": "已整改"}, "reason": f"缺出编文件{XSS}"}
        answers(door, shown | {"timeline": [told | {"act": each} for each in acts]})
        pages.append((await door.client.get(PAGE)).text.partition('id="actions"')[2].partition("</section>")[0])

    assert ["整改材料已退回" in page for page in pages] == [False, True, False]
    assert "缺出编文件&lt;script&gt;" in pages[1]


async def test_a_file_of_any_size_goes_to_the_service_which_says_what_is_too_much(door: Door) -> None:
    answers(door, given.issue(IssueState.RECTIFYING, Action.SUBMIT_EVIDENCE))
    door.played.refusals[f"{PAGE}/evidence-files"] = (409, "evidence_file_too_large")
    huge = {"file": ("甲.pdf", b"0" * (21 * 2**20))}
    page = await send(door, "evidence", {"evidence-description": "已出编"}, Role.UNIT_CLERK, files=huge)

    assert page.status_code == 409
    assert ">已出编</textarea>" in page.text


async def test_files_are_passed_on_as_the_service_names_them_and_run_nowhere(door: Door) -> None:
    door.sign_in(Role.UNIT_CLERK)
    door.played.files[f"{PAGE}/evidence-files/{given.FILE_ID}"] = (PDF, "application/pdf", "attachment; filename*=UTF-8''%E7%94%B2.pdf")
    door.played.files[f"{PAGE}/notice"] = (PDF, "application/pdf", 'inline; filename="x.pdf"')
    evidence, notice = [await door.client.get(path) for path in door.played.files]

    assert (evidence.content, evidence.headers["content-disposition"]) == (PDF, "attachment; filename*=UTF-8''%E7%94%B2.pdf")
    assert notice.headers["content-disposition"] == 'inline; filename="x.pdf"'
    for answer in (evidence, notice):
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")


async def test_the_unsealed_notice_is_offered_to_the_office_alone_however_far_anybody_sees(door: Door) -> None:
    answers(door, given.issue(IssueState.NOTICE_SIGNED, notice=given.seal_of("awaiting_release")))
    offered = {}
    for role, units in (
        (Role.COMMISSION, None),
        (Role.OBSERVER, None),
        (Role.UNIT_CLERK, [UNIT_ID]),
        (Role.BUSINESS_OFFICER, [UNIT_ID]),
    ):
        door.sign_in(role)
        door.played.units = units
        offered[role] = f'href="{PAGE}/notice"' in (await door.client.get(PAGE)).text

    assert offered == {Role.COMMISSION: False, Role.OBSERVER: False, Role.UNIT_CLERK: False, Role.BUSINESS_OFFICER: True}


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/notice", f"{PAGE}/evidence-files/{given.FILE_ID}", f"/freeze-orders/{given.ORDER_ID}"])
async def test_what_lies_outside_ones_units_is_not_found(door: Door, path: str) -> None:
    door.sign_in(Role.UNIT_CLERK)
    door.played.refusals[path] = (404, "issue_unknown")

    assert (await door.client.get(path)).status_code == 404


async def test_a_deed_that_there_is_not_is_not_found_and_nothing_is_sent(door: Door) -> None:
    answers(door)
    page = await send(door, "closing", {})

    assert (page.status_code, sent(door, f"{PAGE}/closing")) == (404, [])


async def test_a_pause_that_the_acceptance_ended_does_not_go_on(door: Door) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    pages = []
    for state in (IssueState.EVIDENCE_SUBMITTED, IssueState.CLOSED):
        over = {"term": None} if state is IssueState.CLOSED else {}
        answers(door, given.issue(state, deadline=given.PAUSED) | over)
        pages.append((await door.client.get(f"/issues/{given.ISSUE_ID}")).text)

    assert [word in page for page in pages for word in (" 至 今：待验收", " 至 办结：待验收")] == [True, False, False, True]


@pytest.mark.parametrize(
    ("deed", "permission"), [("evidence", "issues.submit_evidence"), ("notice-release", "documents.release"), ("service", "issues.verify")]
)
async def test_each_deed_is_closed_to_other_roles(door: Door, deed: str, permission: str) -> None:
    answers(door)
    outsiders = sorted(set(Role) - PERMISSIONS[permission])
    page = await send(door, deed, {}, *outsiders)

    assert (page.status_code, sent(door, f"{PAGE}/{deed}")) == (403, [])


async def test_the_ground_of_days_off_is_told_in_words_with_its_version_beside(door: Door) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    answers(door)
    page = (await door.client.get(PAGE)).text

    assert "国务院办公厅关于 2026 年部分节假日安排的通知" in page
    assert holiday_ground([]) not in page
    assert given.SERVED.calendar.version in page


@pytest.mark.parametrize(
    ("narrowed", "exported"),
    [
        ("", "&amp;state=open&amp;sort=due"),
        ("?state=closed&rule=M01&late=true&q=3", "&amp;q=3&amp;state=closed&amp;rule=M01&amp;late=true&amp;sort=due"),
    ],
)
async def test_the_way_to_the_file_is_narrowed_as_the_list_is(door: Door, narrowed: str, exported: str) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    answers(door)
    page = (await door.client.get(f"/issues{narrowed}")).text

    assert f'href="/exports/new?service=monitoring&amp;list=issues{exported}" data-by=' in page


@pytest.mark.parametrize(("status", "words"), [(404, "不在您的管辖范围内"), (503, "暂时取不到")])
async def test_whoever_went_to_another_unit_is_not_called_away_for_the_moment(door: Door, status: int, words: str) -> None:
    door.sign_in(Role.UNIT_CLERK)
    found = given.issue(IssueState.RECTIFYING)
    person = "01a210f8-5bc8-7567-b52b-9533203e1990"
    answers(door, found | {"inputs": found["inputs"] | {"person_id": person}})
    door.played.refusals[f"/persons/{person}"] = (status, "unknown")

    assert f"<dt>涉及人员</dt><dd>{words}</dd>" in (await door.client.get(PAGE)).text


async def test_whoever_a_problem_is_about_is_led_to(door: Door) -> None:
    door.sign_in(Role.UNIT_CLERK)
    found = given.issue(IssueState.RECTIFYING)
    answers(door, found | {"inputs": found["inputs"] | {"person_id": PERSON_ID}})
    door.played.answers[f"/persons/{PERSON_ID}"] = PERSON

    assert f'<dd><a href="/persons/{PERSON_ID}">' in (await door.client.get(PAGE)).text
