"""How days, instants and numbers are written: one form everywhere."""

from datetime import date, datetime
from typing import Any

from shared.clock import CHINA
from shared.glossary import LABELS

NOTHING = "—"


def label(code: str | None) -> str:
    """What a code of the glossary is called."""
    return NOTHING if code is None else LABELS.get(code, code)  # type: ignore[call-overload]  # a StrEnum is its text


def day(value: date | str | None) -> str:
    """2026-11-25, in Beijing."""
    if value is None or value == "":
        return NOTHING
    if (isinstance(value, str) and len(value) > 10) or isinstance(value, datetime):
        return f"{_instant(value).astimezone(CHINA):%Y-%m-%d}"
    return str(value)


def moment(value: datetime | str | None) -> str:
    """2026-11-25 09:30, in Beijing."""
    return NOTHING if not value else f"{_instant(value).astimezone(CHINA):%Y-%m-%d %H:%M}"


def instant(value: float) -> str:
    """2026-11-25 09:30:07.123, in Beijing, of seconds since 1970: for those who look at single steps."""
    return f"{datetime.fromtimestamp(value, CHINA):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def number(value: Any) -> str:
    """1,234; a ratio is written by `percent`."""
    return NOTHING if value is None else f"{value:,}"


def percent(value: float | None) -> str:
    """98.7%."""
    return NOTHING if value is None else f"{value * 100:.1f}%"


def _instant(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
