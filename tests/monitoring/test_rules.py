"""The rules of monitoring, pure: what they find, what they only remark, and what the light makes of it."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.monitoring import rules
from services.monitoring.models.facts import Issue
from services.monitoring.models.parameters import PARAMETER_FORMS
from services.monitoring.models.tasks import Action
from services.monitoring.models.words import GONE_WHEN, consequences_of, details_of, matter_of, remark_of
from services.monitoring.rules import ParameterRow, freeze_scopes, over_seats, overdue_exit, overstaffing, placed_before_authorised
from services.monitoring.rules.facts import EstablishmentFact, Facts, Parameter, PlacementFact, SeatFact
from services.monitoring.rules.ladder import AT_ONCE, ladder
from services.monitoring.rules.lists import Listed, lines
from services.monitoring.rules.tasks import (
    Standing,
    issue_actions,
    issue_withheld,
    list_actions,
    list_standing,
    order_actions,
    order_withheld,
)
from shared.clock import at_hour
from shared.glossary import FreezeState, IssueState, Light, LineKind, OverQuotaCause, Role, Rung, holiday_ground
from shared.law.deadline import Deadline
from shared.law.notices import load_calendar
from shared.parameter_words import NAMES, reads
from workflows.rectification_case import LadderStep

CALENDAR = load_calendar()
TODAY = date(2026, 9, 18)
PARAMETERS = {("M09", "grace_days"): Parameter(15, 1)}
V, P, H = OverQuotaCause.VIOLATION, OverQuotaCause.POLICY, OverQuotaCause.HISTORY


def row(
    quota: int, headcount: int, kind: str = "career", *, counted: bool = True, causes: dict[OverQuotaCause, int] | None = None
) -> EstablishmentFact:
    return EstablishmentFact(kind, "full", counted, quota, headcount, over_quota=causes or {})


def person(**facts: object) -> PlacementFact:
    usual = {"kind": "career", "funding": "full", "counted": True, "started_on": date(2026, 9, 1), "ended_on": None, "authorised_on": None}
    return PlacementFact(**{"person_id": uuid4(), "category": "M60", "month": "2040-01", **usual, **facts})  # type: ignore[arg-type]  # facts by name


def facts(*rows: EstablishmentFact, placements: tuple[PlacementFact, ...] = (), day: date = TODAY) -> Facts:
    return Facts(day, CALENDAR, rows, placements)


def test_trap_1_three_vacancies_of_one_kind_do_not_offset_one_surplus_of_another() -> None:
    judged = overstaffing.check(facts(row(10, 7, "career"), row(5, 6, "administrative", causes={V: 1})), {})

    assert [(finding.subject, finding.size) for finding in judged.findings] == [("administrative/full/violation", 1)]


@pytest.mark.parametrize(("labels", "said"), [(("事业编制", "全额拨款"), "事业编制（全额拨款）"), (("", ""), "career（full）")])
def test_what_is_said_names_kind_and_funding_and_falls_back_to_their_codes(labels: tuple[str, str], said: str) -> None:
    names: dict[str, Any] = {"kind_label": labels[0], "funding_label": labels[1]}
    surplus = replace(row(10, 12, causes={V: 1}), **names)
    late = person(month="2026-06", started_on=date(2026, 9, 1), authorised_on=date(2026, 9, 10), **names)

    judged = [judgement for _, judgement in rules.judge(facts(surplus, placements=(late,)), PARAMETERS)]

    sentences = [matter_of(finding.rule, finding.inputs) for each in judged for finding in each.findings]
    sentences += [remark_of(remark.code, remark.inputs) for each in judged for remark in each.remarks]
    assert len(sentences) == 4
    assert [sentence for sentence in sentences if not sentence.startswith(said)] == []


def test_what_a_finding_rests_on_is_told_by_name_and_names_nobody() -> None:
    (surplus,) = overstaffing.check(facts(row(10, 12, causes={V: 1})), {}).findings
    late = person(month="2026-06", started_on=date(2026, 9, 1), authorised_on=date(2026, 9, 10))
    judged = [finding for _, each in rules.judge(facts(placements=(late,)), PARAMETERS) for finding in each.findings]

    told = {each.name: each.value for each in details_of(surplus.inputs, surplus.threshold)}
    assert told == {
        "编制": "career（full）", "核定编制": "10", "实有人数": "12", "超出核定": "2", "其中本项": "1", "超编原因": "违规超编", "允许超出": "0",
    }  # fmt: skip
    others = [[each.name for each in details_of(finding.inputs, finding.threshold)] for finding in judged]
    assert others == [
        ["编制", "入编日期", "核准用编日期", "允许早于核准（日）"],
        ["编制", "应退休月份", "宽限（工作日）", "宽限截止", "参数版本", "放假安排依据"],
    ]
    grounds = [each.value for finding in judged for each in details_of(finding.inputs, finding.threshold) if each.name == "放假安排依据"]
    assert [ground.partition("（")[0] for ground in grounds] == [holiday_ground([CALENDAR.published[-1]])]
    assert str(late.person_id) not in str([details_of(finding.inputs, finding.threshold) for finding in judged])
    assert {code for code, _ in rules.RULES} == set(GONE_WHEN)


def test_trap_2_a_kind_that_is_no_establishment_has_no_surplus() -> None:
    judged = overstaffing.check(facts(row(0, 9, "off_establishment", counted=False, causes={V: 9})), {})

    assert (judged.findings, judged.remarks) == ((), ())


def test_leaders_beyond_the_number_of_one_level_are_found_and_no_other_level_makes_up_for_them() -> None:
    levels = (SeatFact("unit_deputy", 2, 3, "单位副职"), SeatFact("unit_head", 1, 1), SeatFact("internal_head", 4, 0))

    judged = over_seats.check(replace(facts(), seats=levels), {})

    (found,) = judged.findings
    assert (found.subject, found.level, found.size, found.opens_case) == ("unit_deputy", Light.RED, 1, True)
    assert matter_of("M02", found.inputs) == "单位副职核定领导职数 2 名，实配 3 名，超职数配备 1 名。"
    told = {each.name: each.value for each in details_of(found.inputs, found.threshold)}
    assert told == {"职务层次": "单位副职", "核定职数": "2", "实配": "3", "超职数": "1", "允许超出": "0"}
    assert judged.looked_at == {"unit_deputy", "unit_head", "internal_head"}


def test_a_notice_tells_of_the_freeze_that_the_parameters_propose_and_of_no_other() -> None:
    rows = {("freeze", "scopes"): Parameter(["post_use", "entry"], 1), ("M02", "scopes"): Parameter(["leadership", "organisation"], 2)}

    told = [consequences_of(freeze_scopes(rows, rule), Light.RED) for rule in ("M01", "M02")]

    assert ["可暂停办理你单位用编、入编事项" in told[0], "可暂停办理你单位领导职数、机构编制调整事项" in told[1]] == [True, True]
    assert consequences_of(freeze_scopes(rows, "M02"), Light.YELLOW) == ""


@pytest.mark.parametrize("name", ["decide_automatically", "release_automatically", "notice_series", "list_series"])
def test_a_document_number_or_a_series_of_blanks_is_none(name: str) -> None:
    """Must fail when blanks count as a number: the policy would sign with it, the roster not take it, and a release be told that never was."""
    assert PARAMETER_FORMS[name].value_of(" 编办规 ") == "编办规"
    for blank in ("", "  ", "\u3000"):
        with pytest.raises(ValidationError):
            PARAMETER_FORMS[name].value_of(blank)


TEXTS = ["编办规", "5", "x", "true", "post_use"]
RIGHT: dict[str, list[Any]] = {
    "budget_days": [1, 250],
    "plan_days": [1, 250],
    "grace_days": [1, 250],
    "extension_days": [1, 250],
    "extensions": [0, 1],
    "repeat_months": [0, 1],
    "notice_series": TEXTS,
    "list_series": TEXTS,
    "notice_sealed": [True, False],
    "decide_automatically": [*TEXTS, None],
    "release_automatically": [*TEXTS, None],
    "scopes": [["post_use"], ["entry", "post_use"]],
    "ladder": [[], [{"rung": "overdue", "offset": 0}]],
}
ANYTHING: list[Any] = [
    *(None, True, False, -1, 0, 1, 250, 251, 10**30, 1.0, 1.5, float("nan"), float("inf")),
    *("", "  ", "5", "x", "true", "编办规", "x" * 10_000, "\ud800"),
    *([], [None], [[]], ["post_use"], ["entry", "post_use"], ["post_use", "post_use"], ["colour"], [1], "post_use"),
    *({}, {"post_use": 1}, [{}], {"rung": "overdue", "offset": 0}, [{"rung": "overdue", "offset": 0}]),
    *([{"rung": "overdue", "offset": "0"}], [{"rung": "overdue"}], [{"rung": "overdue", "offset": 0, "more": 1}]),
    [{"rung": "overdue", "offset": 0}] * 51,
]


@pytest.mark.parametrize("name", PARAMETER_FORMS)
def test_a_value_of_another_kind_is_refused_whatever_json_it_is(name: str) -> None:
    taken = []
    for value in ANYTHING:
        with suppress(ValidationError):
            taken.append(PARAMETER_FORMS[name].value_of(value))

    assert json.dumps(taken) == json.dumps([value for value in ANYTHING if json.dumps(value) in map(json.dumps, RIGHT[name])])
    assert all(reads(name, value) for value in taken if value != [])
    assert name in NAMES


def test_trap_17_the_same_surplus_is_red_by_violation_yellow_by_policy_and_no_issue_by_history() -> None:
    found = {cause: overstaffing.check(facts(row(10, 11, causes={cause: 1})), {}) for cause in OverQuotaCause}

    assert [finding.level for finding in found[V].findings] == [Light.RED]
    assert [finding.level for finding in found[P].findings] == [Light.YELLOW]
    assert found[H].findings == ()
    assert [remark.code for remark in found[H].remarks] == ["unclassified"]


def test_trap_18_vacancies_turn_nothing_red_and_a_full_row_is_a_state() -> None:
    empty, full = overstaffing.check(facts(row(40, 0)), {}), overstaffing.check(facts(row(40, 40)), {})

    assert (empty.findings, empty.remarks) == ((), ())
    assert (full.findings, [remark.code for remark in full.remarks]) == ((), ["full"])
    assert overstaffing.check(facts(row(0, 0)), {}).remarks == ()  # where there are no posts nothing is full


def test_what_a_cut_left_over_has_the_cause_of_the_cut_after_what_is_recorded_of_persons() -> None:
    cut = replace(row(10, 14, causes={V: 1, H: 1}), over_quota_cause=P)

    judged = overstaffing.check(facts(cut), {})

    assert [(finding.level, finding.size) for finding in judged.findings] == [(Light.RED, 1), (Light.YELLOW, 2)]
    assert [(remark.code, remark.inputs["people"]) for remark in judged.remarks] == [("unclassified", 1)]


@given(quota=st.integers(0, 60), headcount=st.integers(0, 60), causes=st.dictionaries(st.sampled_from(OverQuotaCause), st.integers(0, 5)))
def test_findings_and_remarks_of_a_row_add_up_to_its_surplus(quota: int, headcount: int, causes: dict[OverQuotaCause, int]) -> None:
    judged = overstaffing.check(facts(row(quota, headcount, causes=causes)), {})

    explained = sum(finding.size for finding in judged.findings)
    unclassified = sum(remark.inputs["people"] for remark in judged.remarks if remark.code == "unclassified")
    assert explained + unclassified == max(0, headcount - quota)
    assert {finding.subject for finding in judged.findings} | {remark.subject for remark in judged.remarks} <= judged.looked_at


@pytest.mark.parametrize(
    ("started_on", "authorised_on", "found"),
    [
        (date(2026, 8, 31), date(2026, 9, 1), True),
        (date(2026, 9, 1), date(2026, 9, 1), False),
        (date(2026, 8, 31), None, False),
    ],
    ids=["a day early", "the same day", "no authorisation known"],
)
def test_m07_finds_a_start_before_the_authorisation(started_on: date, authorised_on: date | None, *, found: bool) -> None:
    placed = person(started_on=started_on, authorised_on=authorised_on)

    assert bool(placed_before_authorised.check(facts(placements=(placed,)), {}).findings) is found


@pytest.mark.parametrize(
    ("day", "level"),
    [
        (date(2026, 8, 31), None),
        (date(2026, 9, 1), Light.YELLOW),
        (date(2026, 9, 20), Light.YELLOW),
        (date(2026, 9, 21), Light.RED),
    ],
    ids=["last day of the month", "the month has passed", "15th working day, a make-up Sunday", "one day more"],
)
def test_m09_counts_working_days_from_the_last_day_of_the_statutory_month(day: date, level: Light | None) -> None:
    judged = overdue_exit.check(facts(placements=(person(month="2026-08"),), day=day), PARAMETERS)

    assert [finding.level for finding in judged.findings] == ([level] if level else [])


@pytest.mark.parametrize(
    ("category", "month"), [("unknown", None), ("unknown", "2020-01"), ("special", None), ("special", "2020-01"), ("M60", None)]
)
def test_m09_with_a_month_that_cannot_be_told_is_missing_data_and_no_accusation(category: str, month: str | None) -> None:
    judged = overdue_exit.check(facts(placements=(person(category=category, month=month),)), PARAMETERS)

    assert judged.findings == ()
    assert [remark.code for remark in judged.remarks] == ["data_missing"]


def test_m09_lets_go_of_a_person_on_the_day_of_exit() -> None:
    leaving = person(month="2020-01", ended_on=TODAY)
    before = facts(placements=(leaving,), day=TODAY - timedelta(days=1))

    assert overdue_exit.check(facts(placements=(leaving,)), PARAMETERS).findings == ()
    assert len(overdue_exit.check(before, PARAMETERS).findings) == 1


def test_who_holds_no_post_of_the_establishment_is_none_of_m07_and_m09() -> None:
    outside = person(counted=False, month="2020-01", authorised_on=date(2026, 9, 2))

    for rule in (overdue_exit, placed_before_authorised):
        judged = rule.check(facts(placements=(outside,)), PARAMETERS)
        assert (judged.findings, judged.remarks, judged.looked_at) == ((), (), {str(outside.person_id)})


def test_a_wrong_order_in_the_past_cannot_vanish_and_an_exit_that_is_late_is_worse_than_one_that_is_due() -> None:
    early = person(authorised_on=date(2026, 9, 2))
    (found,) = placed_before_authorised.check(facts(placements=(early,)), {}).findings
    due, late = (overdue_exit.check(facts(placements=(person(month=month),)), PARAMETERS).findings[0] for month in ("2026-08", "2026-07"))

    assert (found.must_vanish, due.must_vanish, late.must_vanish) == (False, True, True)
    assert (due.opens_case, late.opens_case, due.size < late.size) == (False, True, True)


@given(st.dates(date(2026, 1, 1), date(2026, 12, 1)), st.integers(0, 40))
def test_m09_never_gets_better_by_waiting(last: date, later: int) -> None:
    order = [None, Light.YELLOW, Light.RED]
    placed = (person(month=f"{last:%Y-%m}"),)

    levels = [overdue_exit.check(facts(placements=placed, day=day), PARAMETERS).findings for day in (last, last + timedelta(days=later))]

    before, after = (order.index(found[0].level if found else None) for found in levels)
    assert before <= after


def issue(level: Light, state: IssueState) -> Issue:
    told = {"round": 1, "version": 1, "present": True, "must_vanish": True, "opens_case": True, "has_case": True, "size": 1, "due_at": None}
    return Issue(uuid4(), uuid4(), "M01", "s", level, state, **told)  # type: ignore[arg-type]  # facts by name


@given(st.lists(st.tuples(st.sampled_from([Light.YELLOW, Light.RED]), st.sampled_from(IssueState))))
def test_the_light_is_the_worst_open_issue_and_settled_ones_colour_nothing(pairs: list[tuple[Light, IssueState]]) -> None:
    issues = [issue(level, state) for level, state in pairs]
    settled = {IssueState.BASELINE, IssueState.CLOSED, IssueState.DISMISSED}
    levels = {level for level, state in pairs if state not in settled}

    light = rules.light_for(issues)

    assert light is (Light.RED if Light.RED in levels else Light.YELLOW if levels else Light.GREEN)


def test_parked_events_are_never_green_and_never_soften_a_red() -> None:
    red = [issue(Light.RED, IssueState.RECTIFYING)]

    assert rules.light_for([], unverified=True) is Light.UNVERIFIED
    assert rules.light_for(red, unverified=True) is Light.RED


def test_the_version_in_effect_on_a_day_holds() -> None:
    days = {1: date(2025, 1, 1), 2: date(2026, 10, 1), 3: date(2026, 1, 1)}
    rows = [ParameterRow("M09", "grace_days", version, version * 10, day) for version, day in days.items()]

    held = [rules.in_force(rows, day)["M09", "grace_days"].value for day in (date(2025, 6, 1), TODAY, date(2026, 10, 1))]

    assert held == [10, 30, 20]


def listed(number: int, state: IssueState, deadline: Deadline | None = None) -> Listed:
    return Listed(UUID(int=number), 1, "M01", Light.RED, state, "超编 1 名", None, None, TODAY, None, deadline)


def test_a_list_tells_new_carried_overdue_and_cleared_apart() -> None:
    monday = at_hour(date(2026, 10, 12), 9)
    ended, running = (Deadline.start(TODAY, days, CALENDAR) for days in (5, 30))
    open_before = {(UUID(int=number), 1) for number in (1, 3)}
    issues = [
        listed(1, IssueState.RECTIFYING, running),
        listed(2, IssueState.TO_VERIFY),
        listed(3, IssueState.CLOSED),
        listed(4, IssueState.RECTIFYING, ended),
        listed(5, IssueState.BASELINE),
    ]

    edition = {line.issue.issue_id.int: (line.kind, line.remaining) for line in lines(issues, open_before, monday)}

    assert edition == {
        1: (LineKind.CARRIED, running.remaining(monday)),
        2: (LineKind.NEW, None),
        3: (LineKind.CLEARED, None),
        4: (LineKind.OVERDUE, 0),
    }


def test_the_lines_of_a_list_begin_with_what_is_overdue_and_within_a_kind_with_what_was_found_first() -> None:
    monday = at_hour(date(2026, 10, 12), 9)
    ended = Deadline.start(TODAY, 5, CALENDAR)
    late = listed(1, IssueState.OVERDUE)
    newest, older = listed(2, IssueState.TO_VERIFY), replace(listed(3, IssueState.TO_VERIFY), found_on=TODAY - timedelta(days=1))
    same_day, carried, cleared = listed(4, IssueState.TO_VERIFY), listed(5, IssueState.RECTIFYING), listed(6, IssueState.CLOSED, ended)
    at_the_end = replace(listed(7, IssueState.RECTIFYING, ended), found_on=TODAY + timedelta(days=1))
    assert ended.due_at
    around_the_end = [lines([at_the_end], (), ended.due_at - left)[0].kind for left in (timedelta(microseconds=1), timedelta(0))]

    edition = lines([cleared, carried, same_day, newest, older, at_the_end, late], {carried.key}, monday)

    assert [line.issue.issue_id.int for line in edition] == [1, 7, 3, 2, 4, 5, 6]
    assert [line.kind for line in edition] == [*[LineKind.OVERDUE] * 2, *[LineKind.NEW] * 3, LineKind.CARRIED, LineKind.CLEARED]
    assert edition[-1].remaining is None
    assert around_the_end == [LineKind.NEW, LineKind.OVERDUE]


def test_on_facts_of_a_day_that_is_over_nothing_is_said_of_what_time_alone_has_changed_since() -> None:
    young, turned, worse, late = (person(month=month) for month in ("2040-01", "2026-08", "2026-07", "2020-01"))
    then = facts(row(10, 12, causes={V: 2}), placements=(young, turned, worse, late), day=date(2026, 8, 10))

    said = dict(rules.judge(then, PARAMETERS, TODAY))
    live = dict(rules.judge(then, PARAMETERS))

    assert said["M09"].looked_at == {str(young.person_id), str(late.person_id)}
    assert [finding.subject for finding in said["M09"].findings] == [str(late.person_id)]
    assert [finding.subject for finding in live["M09"].findings] == [str(worse.person_id), str(late.person_id)]
    assert {code: judgement for code, judgement in said.items() if code != "M09"} == {code: live[code] for code in said if code != "M09"}
    assert rules.judge(then, PARAMETERS, date(2026, 7, 1)) == list(live.items())  # of a day to come everything is said


def test_the_second_time_brings_the_interview_at_once_and_a_plan_has_no_ladder() -> None:
    steps = [LadderStep(rung=rung, offset=offset) for rung, offset in ((Rung.OVERDUE, 0), (Rung.INTERVIEW, 10), (Rung.CIRCULAR, 20))]

    assert ladder(steps, Light.RED, again=False) == tuple(steps)
    assert ladder(steps, Light.YELLOW, again=True) == ()
    assert ladder(steps, Light.RED, again=True) == (steps[0], LadderStep(rung=Rung.INTERVIEW, offset=AT_ONCE, once=True), steps[2])


def test_a_problem_waits_to_be_verified_and_of_a_warning_there_is_nothing_to_verify() -> None:
    assert [rules.first_state(opens_case=each) for each in (True, False)] == [IssueState.TO_VERIFY, IssueState.WARNED]


def standing(state: IssueState, **facts: object) -> Standing:
    usual = dict.fromkeys(("released", "sealed", "paused", "still_found", "own_evidence", "freezing", "held"), False)
    return Standing(**{"state": state, "level": Light.RED, "extendable": True, **usual, **facts})  # type: ignore[arg-type]  # facts by name


@pytest.mark.parametrize(
    ("state", "facts", "officer"),
    [
        (IssueState.TO_VERIFY, {}, "confirm dismiss"),
        (IssueState.NOTICE_SIGNED, {}, "propose_freeze"),
        (IssueState.NOTICE_SIGNED, {"sealed": True}, "serve propose_freeze"),
        (IssueState.NOTICE_SIGNED, {"level": Light.YELLOW}, ""),
        (IssueState.RECTIFYING, {"sealed": True}, "pause extend propose_freeze"),
        (IssueState.RECTIFYING, {"paused": True}, "resume extend propose_freeze"),
        (IssueState.OVERDUE, {"extendable": False, "freezing": True}, "pause"),
        (IssueState.EVIDENCE_SUBMITTED, {}, "accept return propose_freeze"),
        (IssueState.EVIDENCE_SUBMITTED, {"own_evidence": True, "paused": True}, "return propose_freeze"),
        (IssueState.EVIDENCE_SUBMITTED, {"still_found": True}, "return propose_freeze"),
        *((state, {"sealed": True}, "") for state in (IssueState.BASELINE, IssueState.WARNED, IssueState.DISMISSED, IssueState.CLOSED)),
        (IssueState.CLOSED, {"held": True}, "record_again"),
    ],
)
def test_what_an_officer_may_do_follows_from_how_the_issue_stands(state: IssueState, facts: dict[str, object], officer: str) -> None:
    now = standing(state, **facts)

    assert [action.value for action in issue_actions(now, [Role.SUPERVISION_OFFICER])] == officer.split()
    assert issue_actions(now, [Role.OFFICE_DIRECTOR, Role.UNIT_HEAD]) == ()


def test_a_unit_hands_in_evidence_while_its_term_runs_and_a_notice_is_released_to_be_sealed_once() -> None:
    running, confirmed = [IssueState.RECTIFYING, IssueState.OVERDUE], [IssueState.NOTICE_SIGNED, IssueState.EVIDENCE_SUBMITTED]

    handed = [state for state in IssueState if Action.SUBMIT_EVIDENCE in issue_actions(standing(state), [Role.UNIT_CLERK])]
    released = [state for state in IssueState if issue_actions(standing(state), [Role.SEAL_OPERATOR]) == (Action.RELEASE,)]

    assert (handed, set(released)) == (running, {*running, *confirmed})
    assert issue_actions(standing(IssueState.NOTICE_SIGNED, released=True), [Role.SEAL_OPERATOR]) == ()


def test_a_director_decides_a_freeze_that_he_did_not_propose_and_its_release_whoever_proposed_it() -> None:
    director, officer = [Role.OFFICE_DIRECTOR], [Role.SUPERVISION_OFFICER]
    others = {state: order_actions(state, director, own=False, held=True, signed=False) for state in FreezeState}
    own = {state: order_actions(state, director, own=True, held=False, signed=False) for state in FreezeState}
    signed = [order_actions(state, director, own=False, held=False, signed=True) for state in FreezeState]

    assert others == own | {FreezeState.PROPOSED: (Action.DECIDE,)}
    assert {state: actions for state, actions in own.items() if actions} == {
        FreezeState.IN_FORCE: (Action.RELEASE_EARLY,),
        FreezeState.RELEASE_PROPOSED: (Action.DECIDE_RELEASE,),
    }
    assert set(signed) == {()}, "what is signed is on its way into the ledger, and not decided again"
    for state in FreezeState:
        told = [order_actions(state, officer, own=False, held=held, signed=held) for held in (True, False)]
        assert told == [(Action.RECORD_AGAIN,), ()]


def test_who_would_act_next_and_may_not_is_told_why() -> None:
    officer, submitted = [Role.SUPERVISION_OFFICER], IssueState.EVIDENCE_SUBMITTED
    others = {state.value: standing(state, sealed=True, own_evidence=True, still_found=True) for state in set(IssueState) - {submitted}}
    asked = others | {
        "unsealed": standing(IssueState.NOTICE_SIGNED),
        "own": standing(submitted, own_evidence=True, still_found=True),
        "found": standing(submitted, still_found=True),
        "gone": standing(submitted),
    }

    told = {name: issue_withheld(now, officer) for name, now in asked.items()}
    decided = {(state, own): order_withheld(state, [Role.OFFICE_DIRECTOR], own=own) for state in FreezeState for own in (True, False)}

    assert {name: list(why) for name, why in told.items() if why} == {
        "unsealed": [Action.SERVE], "own": [Action.ACCEPT], "found": [Action.ACCEPT],
    }  # fmt: skip
    assert told["own"] != told["found"]
    assert [issue_withheld(now, [Role.UNIT_CLERK]) for now in asked.values()] == [{}] * len(asked)
    assert {each: list(why) for each, why in decided.items() if why} == {(FreezeState.PROPOSED, True): [Action.DECIDE]}
    assert order_withheld(FreezeState.PROPOSED, officer, own=True) == {}


def test_an_edition_waits_for_its_release_then_for_its_seal_then_for_the_unit() -> None:
    ways = [(False, False, False), (True, False, False), (True, True, False), (True, True, True)]

    assert [list_standing(released=released, sealed=sealed, acknowledged=acknowledged) for released, sealed, acknowledged in ways] == [
        *("awaiting_release", "awaiting_seal", "awaiting_acknowledgement", "acknowledged")
    ]


def test_an_edition_is_released_by_the_seal_operator_and_acknowledged_by_the_unit() -> None:
    may = {
        (role, way): list_actions(way, [role])
        for role in Role
        for way in ("awaiting_release", "awaiting_seal", "awaiting_acknowledgement", "acknowledged")
    }

    assert {each: actions for each, actions in may.items() if actions} == {
        (Role.SEAL_OPERATOR, "awaiting_release"): (Action.RELEASE,),
        (Role.UNIT_CLERK, "awaiting_acknowledgement"): (Action.ACKNOWLEDGE,),
        (Role.UNIT_HEAD, "awaiting_acknowledgement"): (Action.ACKNOWLEDGE,),
    }
