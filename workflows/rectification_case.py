"""The pure part of a rectification (整改): where a case stands, its deadline with the ladder, and the entries of its journal.

Everything here is a value: no clock, no I/O; safe inside the workflow sandbox. `rectification_orders` says what people may do with it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from shared.clock import at_hour, business_day
from shared.glossary import IssueState, Rung
from shared.law.deadline import RUNG_HOUR, Deadline
from workflows.roster import Evidence

RUNNING = frozenset({IssueState.RECTIFYING, IssueState.OVERDUE})
OVER = frozenset({IssueState.CLOSED, IssueState.DISMISSED})


EXTENSION_DAYS = 30
"""The most working days of one extension, for a case from before it was pinned."""


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
    ASK_EXTENSION = "ask_extension"
    DECLINE_EXTENSION = "decline_extension"
    RECOUNT = "recount"
    FIRE_RUNG = "fire_rung"
    END_TERM = "end_term"


ABOUT_LONGER = (Act.ASK_EXTENSION, Act.DECLINE_EXTENSION, Act.EXTEND)
"""The last of these in a round tells whether a request for an extension is open."""


class Message(BaseModel):
    """A message between service and workflow; new fields are optional."""

    model_config = ConfigDict(frozen=True)


class LadderStep(Message):
    """A rung and its working days before (−) or after (+) the end of the term; 0 is the end itself. `once`: an extension does not arm it again."""

    rung: Rung
    offset: int
    once: bool = False


class Case(Message):
    """Where one round of an issue stands. `revision` counts the extensions: each arms the rungs again; a pause merely moves them."""

    budget_days: int = Field(ge=1)
    ladder: tuple[LadderStep, ...] = ()
    extensions_allowed: int = 1
    extension_days: int = Field(default=EXTENSION_DAYS, description="The most working days of one extension.")
    state: IssueState = IssueState.TO_VERIFY
    signed_at: AwareDatetime | None = None
    deadline: Deadline | None = None
    revision: int = 1
    armed_at: AwareDatetime | None = None
    fired: tuple[Rung, ...] = ()
    submitted_by: str | None = None
    longer_asked_by: str | None = Field(default=None, description="Who asked for an extension that nobody has decided.")
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
        for step in self.ladder if self.state in RUNNING and self.deadline else ():
            at = self.deadline.rung_at(step.offset) if self._is_ahead(step.rung) and self.deadline else None
            if at is not None:
                yield step, self._not_before_armed(at)

    def _is_ahead(self, rung: Rung) -> bool:
        """Not fired yet; or the end of a term that had ended before a newly loaded notice moved it: that rung does not fire again."""
        return rung not in self.fired or (rung is Rung.OVERDUE and self.state is IssueState.RECTIFYING)

    def _not_before_armed(self, at: datetime) -> datetime:
        """A rung whose time had passed when the term was armed fires in the next working morning, never at night or on a rest day."""
        if self.armed_at is None or self.deadline is None or at > self.armed_at:
            return at
        return at_hour(self.deadline.calendar.next_working_day(business_day(self.armed_at)), RUNG_HOUR)

    @property
    def fired_for_good(self) -> tuple[Rung, ...]:
        """What has fired and comes no second time."""
        return tuple(step.rung for step in self.ladder if step.once and step.rung in self.fired)

    def after_rung(self, rung: Rung) -> "Case":
        """The rung has come; it counts as fired once."""
        state = IssueState.OVERDUE if rung is Rung.OVERDUE else self.state
        return self.then(fired=tuple(dict.fromkeys((*self.fired, rung))), state=state)

    def with_clock_running(self, now: datetime) -> "Case":
        """Overdue or not, by the deadline at this instant."""
        ended = self.deadline is not None and self.deadline.has_ended(now)
        return self.then(state=IssueState.OVERDUE if ended else IssueState.RECTIFYING)


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


class Held(Message):
    """A line of the journal that the tables do not take; the code says why."""

    issue_id: UUID
    round: int
    sequence: int
    code: str
    at: AwareDatetime


class Answer(Message):
    """What a decider is told."""

    state: IssueState
    due_at: AwareDatetime | None = None
    sequence: int = 0
