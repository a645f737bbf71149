"""What people may order in a rectification, and what comes of it: as values, without a server."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from shared.clock import at_hour
from shared.glossary import IssueState, Role, Rung
from shared.law.deadline import Deadline
from shared.law.notices import load_calendar
from workflows import rectification_orders as orders
from workflows.rectification_case import Case, LadderStep
from workflows.rectification_orders import Order, Refusal
from workflows.roster import Evidence

CALENDAR = load_calendar()
FRIDAY = date(2026, 9, 18)
NOW = at_hour(FRIDAY, 12)
TERM = Deadline.start(FRIDAY, 5, CALENDAR)
END = at_hour(date(2026, 9, 24), 17, 30)
LADDER = (
    LadderStep(rung=Rung.REMINDER, offset=-3),
    LadderStep(rung=Rung.OVERDUE, offset=0),
    LadderStep(rung=Rung.INTERVIEW, offset=10, once=True),
)
SERVED = Case(budget_days=5, ladder=LADDER, state=IssueState.RECTIFYING, signed_at=NOW, deadline=TERM, armed_at=NOW)
PAUSED = SERVED.then(deadline=TERM.paused(NOW, "officer-lu", "请示"))
RUNNING = {IssueState.RECTIFYING, IssueState.OVERDUE}


def by(role: Role = Role.SUPERVISION_OFFICER, actor: str = "officer-shen") -> Evidence:
    return Evidence(actor=actor, role=role, update_id="1", reason="请示")


EVERY: dict[type[Order], tuple[set[IssueState], Role, dict[str, Any]]] = {
    orders.Confirmation: ({IssueState.TO_VERIFY}, Role.SUPERVISION_OFFICER, {"title": "整改通知书", "demand": "限期整改"}),
    orders.Dismissal: ({IssueState.TO_VERIFY}, Role.SUPERVISION_OFFICER, {}),
    orders.Service: ({IssueState.NOTICE_SIGNED}, Role.SUPERVISION_OFFICER, {"served_on": FRIDAY, "calendar": CALENDAR}),
    orders.Submission: (RUNNING, Role.UNIT_CLERK, {"description": "已整改"}),
    orders.Acceptance: ({IssueState.EVIDENCE_SUBMITTED}, Role.SUPERVISION_OFFICER, {}),
    orders.Return: ({IssueState.EVIDENCE_SUBMITTED}, Role.SUPERVISION_OFFICER, {}),
    orders.Pause: (RUNNING, Role.SUPERVISION_OFFICER, {}),
    orders.Resumption: (RUNNING, Role.SUPERVISION_OFFICER, {}),
    orders.ExtensionOrder: (RUNNING, Role.SUPERVISION_OFFICER, {"days": 5}),
    orders.ExtensionRequest: (RUNNING, Role.UNIT_CLERK, {"days": 5}),
    orders.ExtensionRefusal: (RUNNING, Role.SUPERVISION_OFFICER, {}),
    orders.Recount: (RUNNING | {IssueState.EVIDENCE_SUBMITTED}, Role.SERVICE, {"calendar": CALENDAR.model_copy(update={"version": "neu"})}),
}
GIVEN = {orders.Resumption: PAUSED, orders.ExtensionRefusal: SERVED.then(longer_asked_by="clerk-zhu")}
"""What an order is about, where that is no term that merely runs."""


def refusal(order: Order, case: Case, now: datetime = NOW) -> str | None:
    try:
        order.check(case, now)
    except Refusal as refused:
        return refused.code
    return None


@pytest.mark.parametrize("kind", EVERY)
def test_each_order_has_its_role_and_its_states(kind: type[Order]) -> None:
    (states, role, body), case = EVERY[kind], GIVEN.get(kind, SERVED)
    codes = {state: refusal(kind(evidence=by(role), **body), case.then(state=state)) for state in IssueState}
    others = {each: refusal(kind(evidence=by(each), **body), case.then(state=min(states))) for each in Role if each is not role}

    assert codes == {state: None if state in states else "wrong_state" for state in IssueState}
    assert set(others.values()) == {"wrong_role"}


@pytest.mark.parametrize(
    ("served_on", "signed_on", "code"),
    [
        (FRIDAY, FRIDAY, None),
        (FRIDAY - timedelta(days=1), FRIDAY - timedelta(days=1), None),
        (FRIDAY, FRIDAY - timedelta(days=9), None),
        (FRIDAY + timedelta(days=1), FRIDAY, "served_out_of_time"),
        (FRIDAY - timedelta(days=2), FRIDAY - timedelta(days=1), "served_out_of_time"),
    ],
)
def test_a_notice_is_served_from_the_day_of_its_signature_on_and_not_tomorrow(served_on: date, signed_on: date, code: str | None) -> None:
    signed = SERVED.then(state=IssueState.NOTICE_SIGNED, signed_at=at_hour(signed_on, 9), deadline=None)
    service = orders.Service(evidence=by(), served_on=served_on, calendar=CALENDAR)

    assert refusal(service, signed) == code
    assert service.apply(signed, NOW).due_at == Deadline.start(served_on, 5, CALENDAR).due_at


def test_the_clock_stands_while_the_office_looks_and_a_pause_of_an_officer_outlasts_that() -> None:
    submission, back = orders.Submission(evidence=by(Role.UNIT_CLERK, "clerk"), description="已整改"), orders.Return(evidence=by())
    monday = at_hour(date(2026, 9, 21), 12)

    waiting = submission.apply(SERVED, NOW)
    returned = back.apply(waiting, monday)
    paused = orders.Pause(evidence=by()).apply(SERVED, NOW)
    still = back.apply(submission.apply(paused, NOW), monday)

    assert (waiting.due_at, waiting.waits_for_office, waiting.submitted_by) == (None, True, "clerk")
    assert (returned.state, returned.waits_for_office) == (IssueState.RECTIFYING, False)
    assert returned.due_at == at_hour(date(2026, 9, 28), 17, 30)  # of the 18th to the 20th one day would have counted
    assert (still.due_at, still.term.is_paused) == (None, True)
    assert refusal(orders.Pause(evidence=by()), still) == "already_paused"
    assert refusal(orders.Resumption(evidence=by()), returned) == "not_paused"
    assert orders.Resumption(evidence=by()).apply(still, monday).due_at == returned.due_at


def test_what_was_late_before_it_was_handed_in_is_late_when_it_comes_back() -> None:
    late = SERVED.then(state=IssueState.OVERDUE)
    waiting = orders.Submission(evidence=by(Role.UNIT_CLERK), description="已整改").apply(late, END + timedelta(seconds=1))

    assert orders.Return(evidence=by()).apply(waiting, END + timedelta(days=30)).state is IssueState.OVERDUE


def test_nobody_accepts_the_evidence_that_he_handed_in() -> None:
    waiting = SERVED.then(state=IssueState.EVIDENCE_SUBMITTED, submitted_by="officer-shen")

    assert refusal(orders.Acceptance(evidence=by()), waiting) == "own_case"
    assert refusal(orders.Acceptance(evidence=by(actor="officer-lu")), waiting) is None


@pytest.mark.parametrize(
    ("left", "code"), [(timedelta(0), "extension_too_short"), (timedelta(seconds=1), None)], ids=["ends this instant", "ends in a second"]
)
def test_an_extension_ends_ahead_and_arms_every_rung_but_the_one_that_comes_once(left: timedelta, code: str | None) -> None:
    late = SERVED.then(state=IssueState.OVERDUE, fired=(Rung.REMINDER, Rung.OVERDUE, Rung.INTERVIEW))
    longer = orders.ExtensionOrder(evidence=by(), days=2)
    extended = longer.apply(late, END)
    end = extended.due_at
    assert end is not None

    assert refusal(longer, late, end - left) == code
    assert (extended.state, extended.revision, extended.fired) == (IssueState.RECTIFYING, 2, (Rung.INTERVIEW,))
    assert refusal(longer, extended, END) == "no_more_extensions"
    assert refusal(longer, extended.then(extensions_allowed=2), END) is None


def test_an_extension_has_at_most_the_days_that_the_case_grants_whoever_asks_and_the_refusal_names_them() -> None:
    """A case from before they were pinned has thirty."""
    asking, granting = orders.ExtensionRequest(evidence=by(Role.UNIT_CLERK), days=13), orders.ExtensionOrder(evidence=by(), days=13)
    few = SERVED.then(extension_days=12)

    for order in (asking, granting):
        with pytest.raises(Refusal) as refused:
            order.check(few, NOW)
        assert (refused.value.code, refused.value.sentence) == (
            "extension_too_long",
            "每次延期不得超过 12 个工作日。请减少延长的天数。",
        )
        assert refusal(order, SERVED) is None
        assert refusal(order.model_copy(update={"days": 12}), few) is None
        assert [refusal(order.model_copy(update={"days": days}), SERVED) for days in (30, 31)] == [None, "extension_too_long"]


def test_an_extension_that_is_asked_for_is_decided_once_and_by_somebody_else() -> None:
    asking = orders.ExtensionRequest(evidence=by(Role.UNIT_CLERK, "clerk-zhu"), days=3)
    asked = asking.apply(SERVED, NOW)
    grant, decline = orders.ExtensionOrder(evidence=by(), days=2), orders.ExtensionRefusal(evidence=by())
    own = by(actor="clerk-zhu")

    assert (asked.due_at, asked.state, asked.revision) == (SERVED.due_at, SERVED.state, SERVED.revision)
    assert refusal(asking, asked) == "extension_asked"
    assert refusal(asking, SERVED.then(extensions_allowed=0)) == "no_more_extensions"
    assert [refusal(each.model_copy(update={"evidence": own}), asked) for each in (grant, decline)] == ["own_extension", "own_extension"]
    assert [refusal(each, asked) for each in (grant, decline)] == [None, None]
    for decided in (grant.apply(asked, NOW), decline.apply(asked, NOW)):
        assert refusal(decline, decided) == "extension_not_asked"
    assert decline.apply(asked, NOW) == SERVED


def test_a_rung_that_had_passed_when_the_term_was_armed_comes_in_the_next_working_morning() -> None:
    friday_evening = SERVED.then(deadline=Deadline.start(FRIDAY - timedelta(days=8), 5, CALENDAR), armed_at=at_hour(FRIDAY, 18))
    make_up_sunday = at_hour(date(2026, 9, 20), 9)

    assert friday_evening.next_rung() == (LADDER[0], make_up_sunday)
    assert friday_evening.after_rung(Rung.REMINDER).next_rung() == (LADDER[1], make_up_sunday)
    assert SERVED.next_rung() == (LADDER[0], TERM.rung_at(-3))
    assert SERVED.then(state=IssueState.EVIDENCE_SUBMITTED).next_rung() is None
    assert PAUSED.next_rung() is None


def test_the_end_of_a_term_makes_it_overdue_and_comes_again_only_where_the_end_was_moved_ahead() -> None:
    reminded, late = SERVED.after_rung(Rung.REMINDER), SERVED.after_rung(Rung.REMINDER).after_rung(Rung.OVERDUE)

    assert (reminded.state, late.state) == (IssueState.RECTIFYING, IssueState.OVERDUE)
    assert late.next_rung() == (LADDER[2], TERM.rung_at(10))
    assert late.then(state=IssueState.RECTIFYING).next_rung() == (LADDER[1], TERM.due_at)
    assert late.after_rung(Rung.INTERVIEW).next_rung() is None
    assert late.fired_for_good == ()


def test_a_term_is_counted_again_by_another_calendar_alone_and_what_waits_for_the_office_goes_on_waiting() -> None:
    recount: Callable[[str], Order] = lambda version: orders.Recount(  # noqa: E731
        evidence=by(Role.SERVICE), calendar=CALENDAR.model_copy(update={"version": version})
    )
    waiting = SERVED.then(state=IssueState.EVIDENCE_SUBMITTED)

    assert refusal(recount(CALENDAR.version), SERVED) == "calendar_known"
    assert recount("neu").apply(waiting, END).state is IssueState.EVIDENCE_SUBMITTED
    assert recount("neu").apply(SERVED, END).state is IssueState.OVERDUE
    assert recount("neu").apply(SERVED.then(state=IssueState.OVERDUE), NOW).state is IssueState.RECTIFYING
