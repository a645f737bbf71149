"""What monitoring's parts hand to each other."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from shared.glossary import IssueState, Light
from shared.law.working_days import Calendar

CONSUMER = "monitoring"


@dataclass(frozen=True)
class Surroundings:
    """What the doors know and commands are handed: the holiday calendar, how far business time is moved (None: time is real), and that time."""

    calendar_now: Callable[[], Calendar]
    clock_offset: Callable[[], timedelta | None]
    now: Callable[[], datetime]

    @property
    def calendar(self) -> Calendar:
        """The holiday calendar as it is known at this moment."""
        return self.calendar_now()


@dataclass(frozen=True)
class Occasion:
    """Why a unit is judged: an event, a sweep (no event) or a decision. `baseline`: part of a first load, rules run dry.

    `today`: the business day on which an event is judged, which may have come late.
    `placed`: whom the event put on a post.
    """

    unit_id: UUID
    at: datetime
    calendar: Calendar
    clock_offset: timedelta | None
    event_id: UUID | None = None
    baseline: bool = False
    today: date | None = None
    placed: UUID | None = None


@dataclass(frozen=True)
class Issue:
    """An issue as commands handle it."""

    id: UUID
    unit_id: UUID
    rule: str
    subject: str
    level: Light
    state: IssueState
    round: int
    version: int
    present: bool
    must_vanish: bool
    opens_case: bool
    has_case: bool
    size: int
    due_at: datetime | None
