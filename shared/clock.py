"""The business clock. The doors read it and hand `as_of` on; nothing else knows what time it is.

Outside production the stack may be moved: one small file holds the offset in whole seconds, and every process on the machine reads it,
so that no two of them ever disagree.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


class Clock:
    """Real time plus the offset of the stack (none in production)."""

    def __init__(self, offset_file: Path | None) -> None:
        self._offset_file = offset_file

    def offset(self) -> timedelta:
        """How far the stack's business time is from real time."""
        if self._offset_file is None or not self._offset_file.exists():
            return timedelta(0)
        return timedelta(seconds=int(self._offset_file.read_text() or 0))

    def now(self) -> datetime:
        """The business instant, UTC."""
        return datetime.now(UTC) + self.offset()


def business_day(at: datetime) -> date:
    """The calendar day in Asia/Shanghai that an instant belongs to."""
    return at.astimezone(CHINA).date()


def to_the_minute(at: datetime) -> str:
    """An instant as the clock in Asia/Shanghai shows it: 2026-11-16 09:00."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M}"


def at_hour(day: date, hour: int, minute: int = 0) -> datetime:
    """An hour of a calendar day in Asia/Shanghai."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHINA)
