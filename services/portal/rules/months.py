"""A year as twelve months of weeks: which days are worked, as the calendar that is applied says."""

from calendar import Calendar
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

_MONDAY_FIRST = Calendar()


@dataclass(frozen=True)
class Day:
    """`kind`: work, weekend, off (a holiday), make_up (a rest day that is worked)."""

    number: int
    kind: str


@dataclass(frozen=True)
class Month:
    """Weeks from Monday on; None outside of the month. `working`: how many of its days are worked."""

    number: int
    weeks: tuple[tuple[Day | None, ...], ...]
    working: int


def months(year: int, off: Collection[str], work: Collection[str]) -> list[Month]:
    """All twelve. `off` and `work`: days in ISO form that differ from Monday to Friday."""
    return [_month(year, number, frozenset(off), frozenset(work)) for number in range(1, 13)]


def _month(year: int, number: int, off: frozenset[str], work: frozenset[str]) -> Month:
    weeks = tuple(
        tuple(Day(day.day, _kind(day, off, work)) if day.month == number else None for day in week)
        for week in _MONDAY_FIRST.monthdatescalendar(year, number)
    )
    return Month(number, weeks, sum(day is not None and day.kind in {"work", "make_up"} for week in weeks for day in week))


def _kind(day: date, off: frozenset[str], work: frozenset[str]) -> str:
    if day.isoformat() in off:
        return "off"
    rest = day.weekday() >= 5
    return "make_up" if rest and day.isoformat() in work else "weekend" if rest else "work"
