"""Working days (工作日) by the State Council's yearly notice on holidays and make-up days (节假日安排的通知).

The list cannot be computed: a day beyond the published years is judged by weekday and fixed-date holidays, and what depends on it is
provisional. Counting follows 民法典 Art. 201 and 203 (行政许可法 Art. 82 by analogy): the start day is not counted, and a term ends at
the close of business of its last day.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from shared.clock import CHINA, business_day

CLOSE = time(17, 30)
_ONE_DAY = timedelta(days=1)
# 全国年节及纪念日放假办法 Art. 2 (2024-11-10): 元旦 1 day, 劳动节 2 days, 国庆节 3 days. The others follow the moon or the sun.
_FIXED_HOLIDAYS = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
_NEW_YEARS_REACH = (12, 28)
"""From here on the next year's notice may speak of December: the one for 2019 made Saturday 29 December 2018 a working day."""


class DayKind(StrEnum):
    """What a notice makes of one day."""

    OFF = "OFF"
    WORK = "WORK"


@dataclass(frozen=True)
class Term:
    """A counted term: its last day, the days passed over, and whether a later notice may still move it."""

    due_on: date
    skipped: tuple[date, ...]
    provisional: bool


class Calendar(BaseModel):
    """The exceptions to Monday–Friday, the years whose notice is published, and the version of this knowledge."""

    model_config = ConfigDict(frozen=True)

    version: str
    published: tuple[int, ...]
    off: tuple[date, ...]
    work: tuple[date, ...]

    @classmethod
    def of(cls, exceptions: Mapping[date, DayKind], published: Iterable[int]) -> "Calendar":
        """Build from one kind per day. The version is the last published year and a digest, so equal knowledge has one name."""
        years = tuple(sorted(set(published)))
        lines = "\n".join(f"{day} {exceptions[day]}" for day in sorted(exceptions))
        digest = hashlib.sha256(f"{years}\n{lines}".encode()).hexdigest()[:12]
        return cls(
            version=f"{years[-1] if years else 'none'}-{digest}",
            published=years,
            off=tuple(sorted(day for day, kind in exceptions.items() if kind is DayKind.OFF)),
            work=tuple(sorted(day for day, kind in exceptions.items() if kind is DayKind.WORK)),
        )

    def since(self, day: date) -> "Calendar":
        """The part that a count from this day needs, under the same version."""
        return Calendar(
            version=self.version,
            published=tuple(year for year in self.published if year >= day.year),
            off=tuple(off for off in self.off if off >= day),
            work=tuple(work for work in self.work if work >= day),
        )

    @cached_property
    def _off(self) -> frozenset[date]:
        return frozenset(self.off)

    @cached_property
    def _work(self) -> frozenset[date]:
        return frozenset(self.work)

    @property
    def horizon(self) -> date | None:
        """The last day of the last published year."""
        return date(self.published[-1], 12, 31) if self.published else None

    def knows(self, day: date) -> bool:
        """Whether the notice for this day's year is published; of the last days of December also the next, whose 元旦 may reach into them."""
        return day.year in self.published and ((day.month, day.day) < _NEW_YEARS_REACH or day.year + 1 in self.published)

    def is_working(self, day: date) -> bool:
        """A make-up day, or Monday to Friday outside a holiday block. For a day it does not know: a guess, marked by `knows`."""
        if day in self._work:
            return True
        if day in self._off or day.weekday() >= 5:
            return False
        return self.knows(day) or (day.month, day.day) not in _FIXED_HOLIDAYS

    def next_working_day(self, day: date) -> date:
        """The first working day after this one."""
        return next(self._working_days_after(day))

    def previous_working_day(self, day: date) -> date:
        """The last working day before this one."""
        earlier = day - _ONE_DAY
        while not self.is_working(earlier):
            earlier -= _ONE_DAY
        return earlier

    def add_working_days(self, start: date, days: int) -> Term:
        """The day on which a term of `days` ≥ 1 working days ends. Raises ValueError for fewer."""
        if days < 1:
            raise ValueError("a term has at least one working day")
        working = self._working_days_after(start)
        due = [next(working) for _ in range(days)][-1]
        passed = list(_days_between(start, due))
        skipped = tuple(day for day in passed if not self.is_working(day))
        return Term(due, skipped, provisional=not all(self.knows(day) for day in passed))

    def first_working_day_of_iso_week(self, day: date) -> date | None:
        """The first working day of the ISO week (Monday to Sunday) this day lies in; None when the whole week is off."""
        monday = day - timedelta(days=day.weekday())
        return next((each for each in _days_between(monday - _ONE_DAY, monday + timedelta(days=6)) if self.is_working(each)), None)

    def day_of_submission(self, at: datetime) -> date:
        """The day a submission counts as made: at night or on a rest day the next working day (办事时间 until 17:30, our parameter)."""
        day = business_day(at)
        if self.is_working(day) and at <= close_of(day):
            return day
        return self.next_working_day(day)

    def rest_day_moved(self, day: date) -> date:
        """The end of a calendar-day term: a rest day moves to the next working day (民法典 Art. 203)."""
        return day if self.is_working(day) else self.next_working_day(day)

    def _working_days_after(self, day: date) -> Iterator[date]:
        while True:
            day += _ONE_DAY
            if self.is_working(day):
                yield day


def close_of(day: date) -> datetime:
    """The close of business of a day (17:30 Asia/Shanghai)."""
    return datetime.combine(day, CLOSE, CHINA)


def _days_between(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=offset) for offset in range(1, (end - start).days + 1))
