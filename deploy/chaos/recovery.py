"""How long each part was gone, from the moment it was not ready any more until it was again, and how much of that its last start took, seen from outside
while the faults go on. A part may be gone for longer than its start takes: it dies again, or a disk stays full.

Ready is what the supervisor asks: an app and a server answer; a worker has reached its server, and may not have done its first work yet.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from deploy.local.place import Place
from deploy.local.stack import published
from deploy.local.state import GOOD, PartState, State

GLANCE, PATIENCE = 0.1, 120.0


class Recovered(NamedTuple):
    """Seconds from the loss, and seconds from the start of the process that is ready again."""

    gone: float
    started: float


@dataclass
class Watched:
    """One part: the birth of the process that was ready last, and when it was seen to be ready no more."""

    born: int | None = None
    lost: float | None = None


async def watch(place: Place, seen: dict[str, list[Recovered]]) -> None:
    """Collect, for ever, how each loss of ready ended, in which a part may have died more than once."""
    watched: dict[str, Watched] = defaultdict(Watched)
    while True:
        for part in published(place):
            if again := recovered(watched[part.name], part):
                seen.setdefault(part.name, []).append(again)
        await asyncio.sleep(GLANCE)


def recovered(watched: Watched, part: PartState) -> Recovered | None:
    """How long it took, when the part is ready again. A death and a start between two glances count from the start of the process."""
    if part.state is not State.READY:
        if watched.born is not None and watched.lost is None:
            watched.lost = part.since
        return None
    lost, again = watched.lost, watched.born not in (None, part.born)
    watched.born, watched.lost = part.born, None
    took = part.took or 0.0
    if lost is not None:
        return Recovered(round(part.since - lost, 2), took)
    return Recovered(took, took) if again else None


async def all_ready(place: Place) -> list[str]:
    """Wait until every part is ready; names those that are not when patience is over."""
    for _ in range(int(PATIENCE / GLANCE)):
        parts = published(place)
        if parts and all(part.state in GOOD for part in parts):
            return []
        await asyncio.sleep(GLANCE)
    return [f"{part.name}: {part.state} {part.last_error}" for part in published(place) if part.state not in GOOD]


def table(seen: dict[str, list[Recovered]]) -> dict[str, dict[str, float]]:
    """Per part the losses, and median and longest of both times."""
    figures: dict[str, dict[str, float]] = {}
    for name, values in sorted(seen.items()):
        gone, started = (sorted(times) for times in zip(*values, strict=True))
        middle = len(values) // 2
        figures[name] = {"losses": len(values), "median": gone[middle], "longest": gone[-1]}
        figures[name] |= {"start_median": started[middle], "start_longest": started[-1]}
    return figures
