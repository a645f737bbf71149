"""`start`: a stack that is set up, from `bianban up` until `bianban status` is green; floor: its three servers together, then one service alone."""

import asyncio
import time

from deploy.local import stack
from deploy.local.part import Part
from deploy.local.parts import parts
from deploy.local.place import Place
from deploy.local.process import spawn
from deploy.local.supervisor import PROBE_PAUSE
from tests.bench.figures import Figure, at_most, medians

SERVERS = ("postgres", "kafka", "temporal")
SERVICE = "roster-app"


async def measure(place: Place) -> list[Figure]:
    """Seconds until ready; every start follows a complete stop."""
    service = next(part for part in parts(place) if part.name == SERVICE)

    async def floor() -> float:
        took = await _started(place, SERVERS)
        return took + await _alone(place, service)

    ours, floored = await medians(lambda: _started(place, ()), floor)
    await _started(place, ())
    return [Figure("start", ours, floored, "s", at_most(2))]


async def _started(place: Place, names: tuple[str, ...]) -> float:
    stack.stop(place)
    began = time.monotonic()
    stack.launch(place, names, with_parent=True)
    await stack.until_ready(place)
    return time.monotonic() - began


async def _alone(place: Place, part: Part) -> float:
    began = time.monotonic()
    process = await spawn(part, place.home / "log" / f"{part.name}.log")
    try:
        await until_ready(part, process.pid)
        return time.monotonic() - began
    finally:
        process.terminate()
        await process.wait()


async def until_ready(part: Part, pid: int) -> None:
    """Wait for one part that no supervisor keeps, with the supervisor's own probe and pause."""
    assert part.probe is not None
    deadline = time.monotonic() + part.start_seconds
    while True:
        try:
            return await part.probe(pid)
        except Exception:  # a driver may raise anything while its server starts
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(PROBE_PAUSE)
