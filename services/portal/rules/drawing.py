"""Geometry of what the server draws as SVG: a deadline in working days, and a chain of steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BOX, GAP, HEIGHT = 124.0, 28.0, 56.0


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


def bar(days: Sequence[Mapping[str, str]], used: int) -> tuple[Cell, ...]:
    """The days of a certificate that count or were paused: rest days are no part of a term and are left out."""
    shown = [each for each in days if each["verdict"] != "rest_day"]
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
