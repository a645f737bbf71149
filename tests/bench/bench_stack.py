"""The stack of the bench: the parts of `make up` on ports of its own, with commit timestamps, which the path `light` reads."""

import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import psutil

from deploy.local.place import PROJECT, Place
from deploy.local.stack import launch, published, running, stop, until_ready
from shared.auth import Tokens, Who
from shared.clock import Clock
from shared.glossary import Role

RESULT = PROJECT / ".local" / "bench" / "latest.json"
SCALE = float(os.environ.get("BENCH_SCALE") or 1)
"""A share of the size that counts, to see on a busy machine whether a path still runs: BENCH_SCALE=0.05."""
SERVED: defaultdict[str, float] = defaultdict(float)
"""Seconds of processor of the doors that a path served beside the stack (`served`), by module, once they have ended: until then they are the bench's."""
PLACE = Place(RESULT.parent / "stack", 5300, "demo")


@asynccontextmanager
async def whole_stack() -> AsyncIterator[Place]:
    """A fresh stack of every part, for the length of a block."""
    os.environ["BIANBAN_REQUESTS_PER_MINUTE"] = "0"  # a few callers ask for all
    async with running(PLACE, ["postgres"]) as place:
        postgres = await asyncpg.connect(place.database_url("postgres", "postgres"))
        await postgres.execute("ALTER SYSTEM SET track_commit_timestamp = on")
        await postgres.close()
        stop(place)
        launch(place, with_parent=True)
        await until_ready(place)
        yield place


def memory(place: Place) -> dict[str, int]:
    """MB of each process of the stack (its children included, shared pages divided among those who share them)."""
    return {part.name: part.memory() // 2**20 for part in published(place) if part.pid}


def processor(place: Place) -> dict[str, float]:
    """Seconds of processor of each part so far, of what was served beside the stack and has ended, and of this bench without them, each with its children:
    what is near the length of a measurement holds it up.
    """
    processes = {part.name: process for part in published(place) if (process := part.process())}
    parts, bench = {name: seconds(process) for name, process in processes.items()}, psutil.Process()
    below = {each.pid for each in bench.children(recursive=True)}
    told = sum(SERVED.values()) + sum(took for name, took in parts.items() if processes[name].pid in below)
    return parts | SERVED | {"bench": seconds(bench) - told}


def seconds(process: psutil.Process) -> float:
    """Of processor. Those of children that ended are the parent's; of a child that ends meanwhile nothing."""
    times = [process.cpu_times()]
    for child in process.children(recursive=True):
        with suppress(psutil.Error):
            times.append(child.cpu_times())
    return sum(sum(each[:4]) for each in times)


def token(place: Place, role: Role) -> str:
    """A token for the whole county in one role; nobody has two."""
    folder = place.home / "secrets"
    tokens = Tokens((folder / "token.pub").read_text(), (folder / "token.key").read_text())
    return tokens.issue(Who(f"bench-{role}", frozenset({role})), Clock(None).now())


def load() -> float:
    """How many processes wanted a core during the last minute: what the figures of a busy machine are worth."""
    return round(os.getloadavg()[0], 2)


def scaled(count: int) -> int:
    """The share of a size that is asked for."""
    return max(1, round(count * SCALE))
