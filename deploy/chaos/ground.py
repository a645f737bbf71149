"""Where chaos is let loose: a fresh stack of its own, small disks under its two stores, and a bad network in front of its three servers."""

import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.chaos.proxy import Detour
from deploy.cli import DEMO_DATE
from deploy.demo.city import fill
from deploy.doors import doors_of
from deploy.local.place import Place, WrongPlace
from deploy.local.process import PortTaken, refuse_taken_ports
from deploy.local.stack import refuse_taken, running, supervisor
from shared.auth import Who
from shared.clock import at_hour

OFFSET, DETOUR, SLOTS = 10_000, 400, 4
SERVERS = ("postgres", "kafka", "temporal")
DISKS = {"pg": "2g", "kafka": "1g"}


@dataclass(frozen=True)
class Ground:
    """The stack, the ways to its servers, the people who use it, and which stores stand on a disk that can be filled."""

    place: Place
    ways: dict[str, Detour]
    people: dict[str, Who]
    small_disks: frozenset[str]


def place_of_chaos(place: Place, slot: int = 0) -> Place:
    """Beside the stack the caller means, never that stack itself; with the small city of the tests. WrongPlace in production."""
    if place.environment == "production":
        raise WrongPlace("bianban chaos 会损坏数据，生产环境不能运行。")
    return Place(place.home / "chaos" / f"stack-{slot}", place.offset + OFFSET + 800 * slot, "test", DETOUR)


@asynccontextmanager
async def ground(place: Place) -> AsyncIterator[Ground]:
    """A running stack with the demo's city, at nine o'clock of the demo's first day."""
    os.environ["BIANBAN_REQUESTS_PER_MINUTE"] = "0"  # a few people bring the load of a county
    ways = {name: Detour(place.reached(name), place.port(name)) for name in SERVERS}
    _refuse_held(place)
    with _small_disks(place) as disks:
        for way in ways.values():
            await way.open()
        try:
            async with running(place, []):
                offset = at_hour(DEMO_DATE, 9) - datetime.now(UTC)
                place.clock_file.write_text(f"{round(offset / timedelta(seconds=1))}\n", encoding="utf-8")
                await fill(place, "demo")
                yield Ground(place, ways, await _people(place), disks)
        finally:
            for way in ways.values():
                await way.shut()


def free_place(base: Place) -> Place:
    """The first that nobody uses: several runs stand side by side. Raises PortTaken when there is none, with what each lacks."""
    held: list[str] = []
    for slot in range(SLOTS):
        place = place_of_chaos(base, slot)
        try:
            _refuse_held(place)
        except PortTaken as why:
            held.append(str(why))
        else:
            return place
    raise PortTaken("\n".join(held))


def _refuse_held(place: Place) -> None:
    """Raise PortTaken for one where a run is at work, or somebody has a port of its stack or of the ways to its servers."""
    if supervisor(place) is not None:
        raise PortTaken(f"{place.home} 中已有一套专用系统在运行。请等它结束，或设置 BIANBAN_PORT_OFFSET 和 BIANBAN_HOME 另起一套。")
    refuse_taken(place)
    refuse_taken_ports(place.reached(server) for server in SERVERS)


async def _people(place: Place) -> dict[str, Who]:
    async with doors_of(replace(place, detour=0)) as doors:
        return {name: await doors.who(name) for name in await doors.users()}


@contextmanager
def _small_disks(place: Place) -> Iterator[frozenset[str]]:
    """Mount a small file system of memory under each store, which takes root; without it none."""
    mounted: list[str] = []
    for name, size in DISKS.items():
        folder = place.home / name
        folder.mkdir(parents=True, exist_ok=True)
        while os.path.ismount(folder) and _quietly("umount", "--lazy", str(folder)):
            pass
        if os.geteuid() == 0 and _quietly("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "bianban-chaos", str(folder)):
            mounted.append(name)
    try:
        yield frozenset(mounted)
    finally:
        for name in mounted:
            _quietly("umount", "--lazy", str(place.home / name))


def resize_disk(folder: Path, size: str) -> bool:
    """Give a small disk another size; False when more than that is used."""
    return _quietly("mount", "-o", f"remount,size={size}", str(folder))


def _quietly(*words: str) -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    return False
