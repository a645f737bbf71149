"""How long each part took from its start to ready, seen from outside while the faults go on."""

import asyncio
from collections import defaultdict

from deploy.local.place import Place
from deploy.local.stack import published
from deploy.local.state import GOOD, State

GLANCE = 0.1


async def watch(place: Place, seen: dict[str, list[float]]) -> None:
    """Collect the seconds of every start of every part, for ever."""
    before = {part.name: part.born for part in published(place)}
    while True:
        for part in published(place):
            if part.state is State.READY and part.took is not None and part.born != before.get(part.name):
                before[part.name] = part.born
                seen.setdefault(part.name, []).append(part.took)
        await asyncio.sleep(GLANCE)


async def all_ready(place: Place, patience: float = 120.0) -> list[str]:
    """Wait until every part is ready; names those that are not when patience is over."""
    for _ in range(int(patience / GLANCE)):
        parts = published(place)
        if parts and all(part.state in GOOD for part in parts):
            return []
        await asyncio.sleep(GLANCE)
    return [f"{part.name}: {part.state} {part.last_error}" for part in published(place) if part.state not in GOOD]


def table(seen: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Starts, median and longest per part."""
    figures: dict[str, dict[str, float]] = defaultdict(dict)
    for name, values in sorted(seen.items()):
        ordered = sorted(values)
        figures[name] = {"starts": len(ordered), "median": ordered[len(ordered) // 2], "longest": ordered[-1]}
    return dict(figures)
