"""PostgreSQL's log by the names of its files: what is missing of it behind a backup."""

import re
from collections.abc import Iterable
from pathlib import Path

BITS = 24
"""A file holds 16 MB."""
_NAME = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(?:\.partial)?")


def missing(base: Iterable[str], archived: Iterable[str], reached: str | None = None) -> list[str]:
    """Names of the files that the archive should hold and does not: from the last one of a base on, to its own newest, or to a position it reached.

    Numbers go on over a change of the timeline, so that the timeline is left out of the account. A file with any other suffix is none:
    recovery does not find it.
    """
    timeline, last = max(_numbers(base))
    there = {number for _, number in _numbers(archived)}
    newest = max(there | {last, _holding(reached) if reached else last})
    return [_name(timeline, number) for number in range(last, newest + 1) if number not in there]


def behind(base: Iterable[str]) -> str:
    """The name of the file that follows on a base."""
    timeline, last = max(_numbers(base))
    return _name(timeline, last + 1)


def names(folder: Path) -> list[str]:
    """Of everything in a folder."""
    return [file.name for file in folder.iterdir()]


def _numbers(found: Iterable[str]) -> list[tuple[int, int]]:
    """Timeline and number of each file of the log; the second group of digits counts on when the third is at FF."""
    parts = [match.groups() for name in found if (match := _NAME.fullmatch(name))]
    return [(int(timeline, 16), (int(high, 16) << 8) + int(low, 16)) for timeline, high, low in parts]


def _holding(position: str) -> int:
    """The number of the file with the last byte before a position."""
    high, _, low = position.partition("/")
    return ((int(high, 16) << 32) + int(low, 16) - 1) >> BITS


def _name(timeline: int, number: int) -> str:
    return f"{timeline:08X}{number >> 8:08X}{number & 0xFF:08X}"
