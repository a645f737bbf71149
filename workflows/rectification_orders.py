"""What people may order in a rectification, in which role and state. Pure: an order applied to a case gives the next case, or is refused."""

from datetime import date, datetime
from typing import ClassVar

from pydantic import Field, JsonValue

from shared.clock import business_day
from shared.glossary import IssueState, Role
from shared.law.deadline import Deadline
from shared.law.working_days import Calendar
from workflows.rectification_case import RUNNING, Act, Case, Message
from workflows.roster import Evidence

OFFICERS = frozenset({Role.SUPERVISION_OFFICER})
OFFICE_LOOKS = "待验收"
"""Why the clock stands while evidence is looked at."""

SENTENCES = {
    "wrong_state": "该问题当前所处的环节不能这样办理。请从问题列表重新打开，核对后再办。",
    "wrong_role": "您的岗位不能办理此环节。",
    "own_case": "整改材料由您提交，须由其他人员验收。",
    "served_out_of_time": "送达日期不能晚于今天，也不能早于通知书签发之日。",
    "already_paused": "整改期限已经中止。",
    "not_paused": "整改期限没有中止。",
    "no_more_extensions": "整改期限已按规定延长，不能再次延长。",
    "extension_asked": "延期申请已提出，待监督检查科决定，不能重复申请。",
    "extension_not_asked": "没有待决定的延期申请，可能已有人决定。请从问题列表重新打开核对。",
    "own_extension": "延期由您申请，须由其他人员决定。",
    "extension_too_long": "每次延期不得超过 {days} 个工作日。请减少延长的天数。",
    "extension_too_short": "延长后的期限已经过去。请多延长几个工作日，使期限在现在之后届满。",
    "calendar_known": "整改期限已按此节假日安排计算。",
}


class Refusal(Exception):  # noqa: N818  named as the fact it states
    """An order that the case does not allow; the code names the sentence, `facts` what stands in it."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code, self.sentence = code, SENTENCES[code].format_map(facts)


class Order(Message):
    """What a person decides about a case. `check` refuses, `apply` gives the next case; both are pure."""

    act: ClassVar[Act]
    states: ClassVar[frozenset[IssueState]]
    roles: ClassVar[frozenset[Role]] = OFFICERS

    evidence: Evidence

    def check(self, case: Case, now: datetime) -> None:  # noqa: ARG002  some orders look at the time
        """Raise Refusal for a wrong role, a wrong state or one's own case."""
        if self.evidence.role not in self.roles:
            raise Refusal("wrong_role")
        if case.state not in self.states:
            raise Refusal("wrong_state")

    def apply(self, case: Case, now: datetime) -> Case:
        """The case after this order at this business instant."""
        raise NotImplementedError

    def details(self, before: Case, after: Case) -> dict[str, JsonValue]:  # noqa: ARG002  some orders tell what they changed
        """What the journal keeps of it beside the evidence."""
        details: dict[str, JsonValue] = self.model_dump(mode="json", exclude={"evidence", "calendar"})
        return details


class Confirmation(Order):
    """The finding is confirmed, and the 整改通知书 is signed."""

    act = Act.CONFIRM
    states = frozenset({IssueState.TO_VERIFY})

    title: str
    demand: str
    budget_days: int | None = Field(None, ge=1)

    def apply(self, case: Case, now: datetime) -> Case:
        return case.then(state=IssueState.NOTICE_SIGNED, signed_at=now, budget_days=self.budget_days or case.budget_days)


class Dismissal(Order):
    """The finding does not hold (核实不成立)."""

    act = Act.DISMISS
    states = frozenset({IssueState.TO_VERIFY})

    def apply(self, case: Case, now: datetime) -> Case:  # noqa: ARG002
        return case.then(state=IssueState.DISMISSED)


class Service(Order):
    """The notice was served (送达): the term starts; the start day is not counted."""

    act = Act.SERVE
    states = frozenset({IssueState.NOTICE_SIGNED})

    served_on: date
    calendar: Calendar

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if self.served_on > business_day(now) or (case.signed_at and self.served_on < business_day(case.signed_at)):
            raise Refusal("served_out_of_time")

    def apply(self, case: Case, now: datetime) -> Case:
        deadline = Deadline.start(self.served_on, case.budget_days, self.calendar)
        return case.then(state=IssueState.RECTIFYING, deadline=deadline, armed_at=now)


class Submission(Order):
    """The unit hands in its evidence; while the office looks at it the clock stands still (waiting for another office, domain §12)."""

    act = Act.SUBMIT_EVIDENCE
    states = RUNNING
    roles = frozenset({Role.UNIT_CLERK})

    description: str
    attachments: tuple[str, ...] = ()

    def apply(self, case: Case, now: datetime) -> Case:
        after = case.then(state=IssueState.EVIDENCE_SUBMITTED, submitted_by=self.evidence.actor)
        if case.deadline is None or case.deadline.is_paused:
            return after
        return after.then(deadline=case.deadline.paused(now, self.evidence.actor, OFFICE_LOOKS), waits_for_office=True)


class Acceptance(Order):
    """The evidence is accepted (验收): the issue is struck off (销号)."""

    act = Act.ACCEPT_EVIDENCE
    states = frozenset({IssueState.EVIDENCE_SUBMITTED})

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if self.evidence.actor == case.submitted_by:
            raise Refusal("own_case")

    def apply(self, case: Case, now: datetime) -> Case:  # noqa: ARG002
        return case.then(state=IssueState.CLOSED)


class Return(Order):
    """The evidence does not suffice; the clock runs again."""

    act = Act.RETURN_EVIDENCE
    states = frozenset({IssueState.EVIDENCE_SUBMITTED})

    def apply(self, case: Case, now: datetime) -> Case:
        if case.waits_for_office and case.deadline:
            case = case.then(deadline=case.deadline.resumed(now), waits_for_office=False)
        return case.with_clock_running(now)


class Pause(Order):
    """The clock is stopped by an officer, with a reason."""

    act = Act.PAUSE
    states = RUNNING

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if case.deadline and case.deadline.is_paused:
            raise Refusal("already_paused")

    def apply(self, case: Case, now: datetime) -> Case:
        return case.then(deadline=case.term.paused(now, self.evidence.actor, self.evidence.reason))


class Resumption(Order):
    """The clock runs again."""

    act = Act.RESUME
    states = RUNNING

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if case.deadline is None or not case.deadline.is_paused:
            raise Refusal("not_paused")

    def apply(self, case: Case, now: datetime) -> Case:
        return case.then(deadline=case.term.resumed(now)).with_clock_running(now)


class _Longer(Order):
    """What is said of a longer term: how many working days, to an end that lies ahead."""

    states = RUNNING

    days: int = Field(ge=1)

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if case.deadline and len(case.deadline.extensions) >= case.extensions_allowed:
            raise Refusal("no_more_extensions")
        if self.days > case.extension_days:
            raise Refusal("extension_too_long", days=case.extension_days)
        if self._longer(case, now).has_ended(now):
            raise Refusal("extension_too_short")

    def _longer(self, case: Case, now: datetime) -> Deadline:
        return case.term.extended(self.days, now, self.evidence.actor, self.evidence.reason)


class ExtensionRequest(_Longer):
    """The unit asks for an extension (申请延期); the term runs on until it is decided."""

    act = Act.ASK_EXTENSION
    roles = frozenset({Role.UNIT_CLERK})

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if case.longer_asked_by is not None:
            raise Refusal("extension_asked")

    def apply(self, case: Case, now: datetime) -> Case:  # noqa: ARG002
        return case.then(longer_asked_by=self.evidence.actor)


class ExtensionRefusal(Order):
    """The unit's request is declined (不予延期): the term stays as it is."""

    act = Act.DECLINE_EXTENSION
    states = RUNNING

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if case.longer_asked_by is None:
            raise Refusal("extension_not_asked")
        if case.longer_asked_by == self.evidence.actor:
            raise Refusal("own_extension")

    def apply(self, case: Case, now: datetime) -> Case:  # noqa: ARG002
        return case.then(longer_asked_by=None)


class ExtensionOrder(_Longer):
    """The term is extended (延期), as the unit asked or without its asking; the rungs are armed again. Nobody grants what he asked for."""

    act = Act.EXTEND

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if case.longer_asked_by == self.evidence.actor:
            raise Refusal("own_extension")

    def apply(self, case: Case, now: datetime) -> Case:
        armed = {"revision": case.revision + 1, "armed_at": now, "fired": case.fired_for_good, "longer_asked_by": None}
        return case.then(deadline=self._longer(case, now), **armed).with_clock_running(now)


class Recount(Order):
    """A holiday notice was loaded: the term is counted again by the calendar that holds now; what has fired stays fired."""

    act = Act.RECOUNT
    states = RUNNING | {IssueState.EVIDENCE_SUBMITTED}
    roles = frozenset({Role.SERVICE})

    calendar: Calendar

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if case.term.calendar.version == self.calendar.version:
            raise Refusal("calendar_known")

    def apply(self, case: Case, now: datetime) -> Case:
        counted = case.then(deadline=case.term.counted_by(self.calendar), armed_at=now)
        return counted.with_clock_running(now) if counted.state in RUNNING else counted

    def details(self, before: Case, after: Case) -> dict[str, JsonValue]:
        """The reckoning before and after: an end is none while a pause leaves it open."""
        return {
            "calendar_before": before.term.calendar.version,
            "due_before": before.due_at.isoformat() if before.due_at else None,
            "calendar": after.term.calendar.version,
            "due_at": after.due_at.isoformat() if after.due_at else None,
        }
