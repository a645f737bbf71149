"""How long each part was gone, from the moment it was not ready any more until it was again, seen from outside while the faults go on.

Ready is what the supervisor asks: an app and a server answer; a worker has reached its server, and may not have done its first work yet.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from deploy.local.place import Place
from deploy.local.stack import published
from deploy.local.state import GOOD, PartState, State

GLANCE, PATIENCE = 0.1, 120.0


@dataclass
class Watched:
    """One part: the birth of the process that was ready last, and when it was seen to be ready no more."""

    born: int | None = None
    lost: float | None = None


async def watch(place: Place, seen: dict[str, list[float]]) -> None:
    """Collect, for ever, the seconds from each loss of ready to the next, in which a part may have died more than once."""
    watched: dict[str, Watched] = defaultdict(Watched)
    while True:
        for part in published(place):
            took = recovered(watched[part.name], part)
            if took is not None:
                seen.setdefault(part.name, []).append(took)
        await asyncio.sleep(GLANCE)


def recovered(watched: Watched, part: PartState) -> float | None:
    """How long the part was not ready, when it is again. A death and a start between two glances count from the start of the process."""
    if part.state is not State.READY:
        if watched.born is not None and watched.lost is None:
            watched.lost = part.since
        return None
    lost, again = watched.lost, watched.born not in (None, part.born)
    watched.born, watched.lost = part.born, None
    if lost is not None:
        return round(part.since - lost, 2)
    return part.took if again else None


async def all_ready(place: Place) -> list[str]:
    """Wait until every part is ready; names those that are not when patience is over."""
    for _ in range(int(PATIENCE / GLANCE)):
        parts = published(place)
        if parts and all(part.state in GOOD for part in parts):
            return []
        await asyncio.sleep(GLANCE)
    return [f"{part.name}: {part.state} {part.last_error}" for part in published(place) if part.state not in GOOD]


def table(seen: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Losses, median and longest per part."""
    figures: dict[str, dict[str, float]] = defaultdict(dict)
    for name, values in sorted(seen.items()):
        ordered = sorted(values)
        figures[name] = {"losses": len(ordered), "median": ordered[len(ordered) // 2], "longest": ordered[-1]}
    return dict(figures)
