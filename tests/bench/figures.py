"""What is measured: ours and a floor from the same run, their ratio, the aim. A figure without its floor says nothing about the machine it came from."""

import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Aim:
    """What a figure is held against: the ratio, or our own value where the aim is absolute."""

    text: str
    met_by: Callable[["Figure"], bool]


@dataclass(frozen=True)
class Figure:
    """One line of the table, in `unit`."""

    path: str
    ours: float
    floor: float
    unit: str
    aim: Aim

    @property
    def ratio(self) -> float:
        """Ours over the floor."""
        return self.ours / self.floor

    @property
    def met(self) -> bool:
        """Whether the aim is reached."""
        return self.aim.met_by(self)


def at_most(times: float) -> Aim:
    """Ours may take so many times the floor."""
    return Aim(f"≤ {times:g}×", lambda figure: figure.ratio <= times)


def at_least(share: float) -> Aim:
    """Ours must reach this share of the floor."""
    return Aim(f"≥ {share:.0%}", lambda figure: figure.ratio >= share)


def within(limit: float, unit: str) -> Aim:
    """Ours must stay below a value of its own, whatever the floor."""
    return Aim(f"≤ {limit:g} {unit}", lambda figure: figure.ours <= limit)


def shown() -> Aim:
    """No aim: the figure stands for itself."""
    return Aim("—", lambda _: True)


async def in_turn(*measurements: Callable[[], Awaitable[T]], rounds: int = 3) -> list[list[T]]:
    """Each measurement's results. They take turns, so that a busy moment of the machine meets all of them; every second round runs backwards."""
    results: list[list[T]] = [[] for _ in measurements]
    turns = list(zip(measurements, results, strict=True))
    for _ in range(rounds):
        for measure, result in turns:
            result.append(await measure())
        turns.reverse()
    return results


async def medians(*measurements: Callable[[], Awaitable[float]], rounds: int = 3) -> list[float]:
    """The median of each measurement, taken in turn."""
    return [statistics.median(results) for results in await in_turn(*measurements, rounds=rounds)]


def percentile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
