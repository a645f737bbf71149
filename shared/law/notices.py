"""Reading holiday notices from CSV files: the published years in this package, and the overlays an office adds (`bianban calendar load`).

Columns: date, kind (OFF or WORK), holiday, source; a weekday column is checked where it stands. A notice for a year may also speak of the
last days of the year before. `Notices` is what a process keeps: it looks whether an office has loaded another one.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import structlog

from shared.law.working_days import Calendar, DayKind

COLUMNS = ("date", "weekday", "kind", "holiday", "source")
_PUBLISHED = Path(__file__).parent / "calendars"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_log = structlog.get_logger()


class InvalidNotice(ValueError):  # noqa: N818  named as the fact it states
    """A file that cannot be taken over; `problems` has one sentence per bad row."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("；".join(self.problems))


@dataclass(frozen=True)
class NoticeDay:
    """One row of a notice."""

    day: date
    kind: DayKind
    holiday: str
    source: str

    def as_row(self) -> tuple[str, ...]:
        return (self.day.isoformat(), _WEEKDAYS[self.day.weekday()], self.kind.value, self.holiday, self.source)


class Notices:
    """The calendar by the notices that an office keeps in one folder, read again whenever a file was added or replaced."""

    def __init__(self, folder: Path | None) -> None:
        """None: the published notices alone. Raises InvalidNotice."""
        self._folder = folder
        self._seen = self._look()
        self._calendar = load_calendar(notice_files(folder))

    def calendar(self) -> Calendar:
        """The calendar as the notices say now. One that cannot be read leaves it as it was, and is logged once."""
        seen = self._look()  # before reading: a change during it is seen the next time
        if seen != self._seen:
            self._seen = seen
            try:
                self._calendar = load_calendar(notice_files(self._folder))
            except (InvalidNotice, OSError, UnicodeDecodeError) as error:
                _log.error(
                    "a holiday notice cannot be read; the calendar stays as it was", version=self._calendar.version, error=str(error)
                )
        return self._calendar

    def _look(self) -> frozenset[tuple[str, int, int]]:
        """What each file is, without reading it: `calendar load` puts a new one in the place of the old."""
        found = ((path.name, path.stat()) for path in notice_files(self._folder))
        return frozenset((name, status.st_ino, status.st_mtime_ns) for name, status in found)


def notice_files(folder: Path | None) -> list[Path]:
    """The notices in a folder, oldest year first."""
    return sorted(folder.glob("*.csv")) if folder else []


def load_calendar(overlays: Iterable[Path] = ()) -> Calendar:
    """The published calendar with the overlays on it, later files over earlier ones. Raises InvalidNotice."""
    exceptions: dict[date, DayKind] = {}
    published: set[int] = set()
    for path in (*sorted(_PUBLISHED.glob("*.csv")), *overlays):
        days = read_notice(path.read_text(encoding="utf-8-sig"))
        exceptions.update({each.day: each.kind for each in days})
        published |= years_of(days)
    return Calendar.of(exceptions, published)


def years_of(days: Iterable[NoticeDay]) -> set[int]:
    """The years a notice is for: those it speaks of before December."""
    return {each.day.year for each in days if each.day.month < 12}


def read_notice(text: str) -> tuple[NoticeDay, ...]:
    """Check every row and the whole. Raises InvalidNotice with all that is wrong, each with its row number (the header is row 1)."""
    reader = csv.DictReader(io.StringIO(text))
    missing = {"date", "kind"} - set(reader.fieldnames or ())
    if missing:
        raise InvalidNotice([f"表头缺少列：{'、'.join(sorted(missing))}"])
    days: dict[date, NoticeDay] = {}
    problems: list[str] = []
    for number, row in enumerate(reader, start=2):
        try:
            _add(days, _parse(row))
        except ValueError as error:
            problems.append(f"第 {number} 行：{error}")
    problems += _gaps(days)
    if problems:
        raise InvalidNotice(problems)
    return tuple(days[day] for day in sorted(days))


def _parse(row: dict[str, str | None]) -> NoticeDay:
    day, kind = _date(row.get("date") or ""), (row.get("kind") or "").strip().upper()
    if kind not in DayKind.__members__:
        raise ValueError("kind 应为 OFF（放假）或 WORK（上班）")
    if kind == DayKind.WORK and day.weekday() < 5:
        raise ValueError(f"{day} 是周一至周五，本来就上班，不会是调休上班日")
    weekday = (row.get("weekday") or "").strip()
    if weekday and weekday != _WEEKDAYS[day.weekday()]:
        raise ValueError(f"{day} 的星期应为 {_WEEKDAYS[day.weekday()]}")
    return NoticeDay(day, DayKind(kind), (row.get("holiday") or "").strip(), (row.get("source") or "").strip())


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("日期应写作 YYYY-MM-DD") from None


def _add(days: dict[date, NoticeDay], new: NoticeDay) -> None:
    if new.day in days:
        raise ValueError(f"{new.day} 重复出现")
    days[new.day] = new


def _gaps(days: dict[date, NoticeDay]) -> list[str]:
    """A notice that leaves out a fixed-date holiday is not whole: taking it over would call guessed days published."""
    needed = [date(year, month, 1) for year in sorted(years_of(days.values())) for month in (1, 5, 10)]
    absent = [day for day in needed if day.weekday() < 5 and (day not in days or days[day].kind is not DayKind.OFF)]
    found = [f"{day.year} 年的安排不完整：{day} 应为放假日" for day in absent]
    return found or ([] if days else ["文件中没有任何日期"])
