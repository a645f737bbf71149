"""A deadline (期限): a budget of working days and a ledger of pauses and extensions, never a stored instant alone.

A working day is used up when it lies after the start day and the clock is running at the close of business (17:30); the term ends at the
close of the last day of the budget (民法典 Art. 201, 203). The value carries the calendar it counts with, so that anyone can recompute it
offline; it is immutable, and safe inside the workflow sandbox (no clock, no files, no time zone database).
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.clock import at_hour, business_day
from shared.law.working_days import Calendar, close_of

RUNG_HOUR = 9
_RULE = "起算日不计入；该日为工作日且 17:30 时计时未中止，计 1 个工作日；期限于最后一个计入日 17:30 届满（北京时间）。"

DayVerdict = Literal["counted", "rest_day", "paused"]


class AlreadyPaused(ValueError):  # noqa: N818  named as the fact it states
    """The clock stands still already."""


class NotPaused(ValueError):  # noqa: N818
    """The clock is running."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True)


class Pause(_Entry):
    """A time in which the clock stands still, from `since` to just before `until` (open when None). `by` is a user or order id."""

    since: AwareDatetime
    until: AwareDatetime | None = None
    by: str
    reason: str

    def covers(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


class Extension(_Entry):
    """Working days added to the budget, with the decision they rest on."""

    days: int = Field(ge=1)
    at: AwareDatetime
    by: str
    reason: str


class CountedDay(_Entry):
    """What became of one day after the start day."""

    day: date
    verdict: DayVerdict


class Certificate(_Entry):
    """Everything needed to recompute the deadline without this system, and the answer to compare with."""

    rule: str = _RULE
    start_on: date
    budget: int
    calendar: Calendar
    pauses: tuple[Pause, ...]
    extensions: tuple[Extension, ...]
    days: tuple[CountedDay, ...]
    due_at: AwareDatetime | None
    provisional: bool


class Deadline(_Entry):
    """Start day, budget in working days, calendar and ledger. Every change gives a new value."""

    start_on: date
    budget: int = Field(ge=1)
    calendar: Calendar
    pauses: tuple[Pause, ...] = ()
    extensions: tuple[Extension, ...] = ()

    @classmethod
    def start(cls, start_on: date, budget: int, calendar: Calendar) -> "Deadline":
        """A running deadline of `budget` working days; the start day is not counted. Keeps the part of the calendar it needs."""
        return cls(start_on=start_on, budget=budget, calendar=calendar.since(start_on))

    def paused(self, at: datetime, by: str, reason: str) -> "Deadline":
        """Stop the clock. Raises AlreadyPaused, or ValueError for an instant before the last entry."""
        if self.is_paused:
            raise AlreadyPaused("the clock stands still already")
        if self.pauses and self.pauses[-1].until is not None and at < self.pauses[-1].until:
            raise ValueError("a pause cannot begin before the last one ended")
        return self.model_copy(update={"pauses": (*self.pauses, Pause(since=at, by=by, reason=reason))})

    def resumed(self, at: datetime) -> "Deadline":
        """Start the clock again. Raises NotPaused, or ValueError for an instant before the pause."""
        if not self.is_paused:
            raise NotPaused("the clock is running")
        if at < self.pauses[-1].since:
            raise ValueError("a pause cannot end before it began")
        return self.model_copy(update={"pauses": (*self.pauses[:-1], self.pauses[-1].model_copy(update={"until": at}))})

    def extended(self, days: int, at: datetime, by: str, reason: str) -> "Deadline":
        """Add `days` ≥ 1 working days (延期)."""
        return self.model_copy(update={"extensions": (*self.extensions, Extension(days=days, at=at, by=by, reason=reason))})

    def counted_by(self, calendar: Calendar) -> "Deadline":
        """The same deadline under a newer calendar (a notice was published)."""
        return self.model_copy(update={"calendar": calendar.since(self.start_on)})

    @property
    def is_paused(self) -> bool:
        """Whether the last pause is still open."""
        return bool(self.pauses) and self.pauses[-1].until is None

    @property
    def total(self) -> int:
        """Budget and extensions, in working days."""
        return self.budget + sum(extension.days for extension in self.extensions)

    @property
    def due_on(self) -> date | None:
        """The last day of the term, or None while an open pause leaves it unknown."""
        return self._counted(self.total)

    @property
    def due_at(self) -> datetime | None:
        """The instant the term ends: the close of `due_on`."""
        return close_of(self.due_on) if self.due_on else None

    @property
    def provisional(self) -> bool:
        """Whether it rests on a day whose notice is not published, so that a later notice may move it."""
        last = self.due_on or business_day(self.pauses[-1].since)
        new_years = (date(year, 1, 1) for year in range((self.start_on + timedelta(days=1)).year, last.year + 1))
        return not all(map(self.calendar.knows, (*new_years, last)))

    def used(self, as_of: datetime) -> int:
        """Working days used up at this instant, those after the end of the term included."""
        return sum(1 for each in self._days_until(business_day(as_of)) if each.verdict == "counted" and close_of(each.day) <= as_of)

    def remaining(self, as_of: datetime) -> int:
        """Working days left at this instant; 0 once the term has ended."""
        return max(0, self.total - self.used(as_of))

    def has_ended(self, as_of: datetime) -> bool:
        """Whether the term is over; its last instant, 17:30 itself, is the end."""
        return self.due_at is not None and as_of >= self.due_at

    def rung_at(self, offset: int) -> datetime | None:
        """The instant of a rung: 0 is the end of the term, −k and +k are 09:00 of the k-th counted day before and after it.

        A rung before a short term began is the morning of its start day. None while an open pause leaves it unknown.
        """
        if offset == 0:
            return self.due_at
        day = self._counted(max(0, self.total + offset))
        return at_hour(day, RUNG_HOUR) if day else None

    def certificate(self) -> Certificate:
        """The exported reckoning; a paused one ends with the day the clock stopped."""
        last = self.due_on or business_day(self.pauses[-1].since)
        return Certificate(
            start_on=self.start_on,
            budget=self.budget,
            calendar=self.calendar,
            pauses=self.pauses,
            extensions=self.extensions,
            days=tuple(self._days_until(last)),
            due_at=self.due_at,
            provisional=self.provisional,
        )

    def _counted(self, number: int) -> date | None:
        """The day on which `number` days are used up (0: the start day)."""
        day = self.start_on
        for each in self._days() if number else ():
            day = each.day
            number -= each.verdict == "counted"
            if number == 0:
                break
        return day if number == 0 else None

    def _days_until(self, last: date) -> Iterator[CountedDay]:
        for offset in range(1, (last - self.start_on).days + 1):
            yield self._judge(self.start_on + timedelta(days=offset))

    def _days(self) -> Iterator[CountedDay]:
        """Day after day, for ever, or until an open pause has begun: nothing is counted from there on."""
        day = self.start_on + timedelta(days=1)
        while not (self.is_paused and self.pauses[-1].since <= close_of(day)):
            yield self._judge(day)
            day += timedelta(days=1)

    def _judge(self, day: date) -> CountedDay:
        if not self.calendar.is_working(day):
            return CountedDay(day=day, verdict="rest_day")
        paused = any(pause.covers(close_of(day)) for pause in self.pauses)
        return CountedDay(day=day, verdict="paused" if paused else "counted")
