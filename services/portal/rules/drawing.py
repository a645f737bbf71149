"""Geometry of what the server draws as SVG: a deadline in working days, and a chain of steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BOX, GAP, HEIGHT = 124.0, 28.0, 56.0
_STILL_PAUSED, _LATER = {"day": "至今", "verdict": "paused"}, {"day": "", "verdict": "counted"}


@dataclass(frozen=True)
class Cell:
    """One day of a deadline bar, in hundredths of its width. `kind`: used, left, or paused."""

    x: float
    width: float
    kind: str
    day: str


@dataclass(frozen=True)
class Box:
    """One step of a chain and where it stands."""

    x: float
    stage: Mapping[str, Any]


@dataclass(frozen=True)
class Drawing:
    """All boxes, and how wide the whole is."""

    boxes: tuple[Box, ...]
    width: float
    height: float = HEIGHT


def bar(days: Sequence[Mapping[str, str]], used: int, total: int = 0) -> tuple[Cell, ...]:
    """The days of a certificate that count or were paused: rest days are no part of a term and are left out.

    A certificate ends where an open pause began: what is left of the `total` stands behind it.
    """
    shown = [each for each in days if each["verdict"] != "rest_day"]
    missing = total - sum(each["verdict"] == "counted" for each in shown)
    shown += [_STILL_PAUSED] * (missing > 0) + [_LATER] * missing
    if not shown:
        return ()
    width = 100 / len(shown)
    cells, counted = [], 0
    for place, each in enumerate(shown):
        kind = "paused"
        if each["verdict"] == "counted":
            counted += 1
            kind = "used" if counted <= used else "left"
        cells.append(Cell(round(place * width, 3), round(width, 3), kind, each["day"]))
    return tuple(cells)


def share(part: int, whole: int) -> float:
    """How much of a bar is filled, in hundredths."""
    return 0.0 if whole <= 0 else round(max(0.0, min(1.0, part / whole)) * 100, 1)


def chain(stages: Sequence[Mapping[str, Any]]) -> Drawing:
    """Steps from left to right."""
    boxes = tuple(Box(place * (BOX + GAP), stage) for place, stage in enumerate(stages))
    return Drawing(boxes, max(BOX, len(stages) * (BOX + GAP) - GAP))
