"""The pure part of a rectification (整改): what may be ordered in which state, the deadline with its ladder, and the journal's entries.

Everything here is a value: an order applied to a case gives the next case. No clock, no I/O; safe inside the workflow sandbox.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from shared.clock import at_hour, business_day
from shared.glossary import IssueState, Role, Rung
from shared.law.deadline import RUNG_HOUR, Deadline
from shared.law.working_days import Calendar
from workflows.roster import Evidence

OFFICERS = frozenset({Role.SUPERVISION_OFFICER})
_RUNNING = frozenset({IssueState.RECTIFYING, IssueState.OVERDUE})
OVER = frozenset({IssueState.CLOSED, IssueState.DISMISSED})

SENTENCES = {
    "wrong_state": "该问题当前所处的环节不能这样办理。请刷新后再试。",
    "wrong_role": "您的岗位不能办理此环节。",
    "own_case": "整改材料由您提交，须由其他人员验收。",
    "served_out_of_time": "送达日期不能晚于今天，也不能早于通知书签发之日。",
    "already_paused": "整改期限已经中止。",
    "not_paused": "整改期限没有中止。",
    "no_more_extensions": "整改期限已按规定延长，不能再次延长。",
}


class Refusal(Exception):  # noqa: N818  named as the fact it states
    """An order that the case does not allow; the code names the sentence."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code, self.sentence = code, SENTENCES[code]


class Act(StrEnum):
    """What happened to a case."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    SERVE = "serve"
    SUBMIT_EVIDENCE = "submit_evidence"
    ACCEPT_EVIDENCE = "accept_evidence"
    RETURN_EVIDENCE = "return_evidence"
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"
    FIRE_RUNG = "fire_rung"


class Message(BaseModel):
    """A message between service and workflow; new fields are optional."""

    model_config = ConfigDict(frozen=True)


class LadderStep(Message):
    """A rung and its working days before (−) or after (+) the end of the term; 0 is the end itself."""

    rung: Rung
    offset: int


class Case(Message):
    """Where one round of an issue stands. `revision` counts the extensions: each arms the rungs again; a pause merely moves them."""

    budget_days: int = Field(ge=1)
    ladder: tuple[LadderStep, ...] = ()
    extensions_allowed: int = 1
    state: IssueState = IssueState.TO_VERIFY
    signed_at: AwareDatetime | None = None
    deadline: Deadline | None = None
    revision: int = 1
    armed_at: AwareDatetime | None = None
    fired: tuple[Rung, ...] = ()
    submitted_by: str | None = None
    waits_for_office: bool = Field(default=False, description="The clock stands still because evidence waits for its acceptance.")

    def then(self, **changes: object) -> "Case":
        """The case after a change."""
        return self.model_copy(update=changes)

    @property
    def term(self) -> Deadline:
        """The running term. Raises ValueError before service."""
        if self.deadline is None:
            raise ValueError("the notice is not served")
        return self.deadline

    @property
    def due_at(self) -> datetime | None:
        """The end of the term, None before service and while a pause leaves it open."""
        return self.deadline.due_at if self.deadline else None

    def next_rung(self) -> tuple[LadderStep, datetime] | None:
        """The rung to fire next and its instant; at one instant the ladder's own order holds."""
        return min(self._rungs(), key=lambda rung: rung[1], default=None)

    def _rungs(self) -> Iterator[tuple[LadderStep, datetime]]:
        for step in self.ladder if self.state in _RUNNING and self.deadline else ():
            at = self.deadline.rung_at(step.offset) if step.rung not in self.fired and self.deadline else None
            if at is not None:
                yield step, self._not_before_armed(at)

    def _not_before_armed(self, at: datetime) -> datetime:
        """A rung whose time had passed when the term was armed fires in the next working morning, never at night or on a rest day."""
        if self.armed_at is None or self.deadline is None or at > self.armed_at:
            return at
        return at_hour(self.deadline.calendar.next_working_day(business_day(self.armed_at)), RUNG_HOUR)

    def after_rung(self, rung: Rung) -> "Case":
        """The rung has fired."""
        state = IssueState.OVERDUE if rung is Rung.OVERDUE else self.state
        return self.then(fired=(*self.fired, rung), state=state)

    def with_clock_running(self, now: datetime) -> "Case":
        """Overdue or not, by the deadline at this instant."""
        ended = self.deadline is not None and self.deadline.has_ended(now)
        return self.then(state=IssueState.OVERDUE if ended else IssueState.RECTIFYING)


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
    states = _RUNNING
    roles = frozenset({Role.UNIT_CLERK})

    description: str
    attachments: tuple[str, ...] = ()

    def apply(self, case: Case, now: datetime) -> Case:
        after = case.then(state=IssueState.EVIDENCE_SUBMITTED, submitted_by=self.evidence.actor)
        if case.deadline is None or case.deadline.is_paused:
            return after
        return after.then(deadline=case.deadline.paused(now, self.evidence.actor, "待验收"), waits_for_office=True)


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
    states = _RUNNING

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if case.deadline and case.deadline.is_paused:
            raise Refusal("already_paused")

    def apply(self, case: Case, now: datetime) -> Case:
        return case.then(deadline=case.term.paused(now, self.evidence.actor, self.evidence.reason))


class Resumption(Order):
    """The clock runs again."""

    act = Act.RESUME
    states = _RUNNING

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if case.deadline is None or not case.deadline.is_paused:
            raise Refusal("not_paused")

    def apply(self, case: Case, now: datetime) -> Case:
        return case.then(deadline=case.term.resumed(now)).with_clock_running(now)


class ExtensionOrder(Order):
    """The term is extended by working days (延期); the rungs are armed again."""

    act = Act.EXTEND
    states = _RUNNING

    days: int = Field(ge=1)

    def check(self, case: Case, now: datetime) -> None:
        super().check(case, now)
        if case.deadline and len(case.deadline.extensions) >= case.extensions_allowed:
            raise Refusal("no_more_extensions")

    def apply(self, case: Case, now: datetime) -> Case:
        longer = case.term.extended(self.days, now, self.evidence.actor, self.evidence.reason)
        return case.then(deadline=longer, revision=case.revision + 1, armed_at=now, fired=()).with_clock_running(now)


class Entry(Message):
    """One line of the journal, as it is recorded: what happened, by whom, and where the case stands after it."""

    issue_id: UUID
    round: int
    sequence: int
    act: Act
    at: AwareDatetime
    state: IssueState
    revision: int
    deadline: Deadline | None = None
    due_at: AwareDatetime | None = None
    rung: Rung | None = None
    planned_at: AwareDatetime | None = None
    evidence: Evidence | None = None
    details: dict[str, JsonValue] = Field(default_factory=dict)
    clock_offset: timedelta | None = None


class Answer(Message):
    """What a decider is told."""

    state: IssueState
    due_at: AwareDatetime | None = None
    sequence: int = 0
