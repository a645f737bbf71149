"""A forked process reads our own modules only, and ends with its nursery whenever that ends."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local import nursery, secret_files, stack
from deploy.local.part import Part
from deploy.local.parts import parts
from deploy.local.place import PROJECT, Place
from deploy.local.state import State
from deploy.local.supervisor import Supervisor

READ = """
import importlib, json, sys
import deploy.local.read_before
known = {name.partition(".")[0] for name in sys.modules}
for module in sys.argv[1:]:
    importlib.import_module(module)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} - known - sys.stdlib_module_names)))
"""
OURS = {"services", "shared", "workflows"}


def modules(place: Place) -> list[str]:
    """The programs of the forked parts; those of uvicorn name theirs as an argument."""
    words = [word for part in parts(place) if part.forked for word in part.argv]
    return sorted({word.partition(":")[0] for word in words if word.partition(".")[0] in OURS})


def test_what_is_foreign_has_been_read_before(tmp_path: Path) -> None:
    """Must fail when a process reads a package that is not in the list: each of a dozen would read it for itself at every start."""
    place = Place(tmp_path, 1900, "demo")
    place.make_folders()
    secret_files.make(place.secrets)
    read = modules(place)

    foreign = (
        set(json.loads(subprocess.run([sys.executable, "-c", READ, *read], cwd=PROJECT, capture_output=True, check=True).stdout)) - OURS
    )

    assert len(read) > 8
    assert foreign == set()


@pytest.fixture
def origin() -> Iterator[psutil.Process]:
    """The nursery of this process, still reading."""
    before = psutil.Process().children()
    nursery.open_nursery()
    (made,) = [child for child in psutil.Process().children() if child not in before and "forkserver" in " ".join(child.cmdline())]
    yield made
    with contextlib.suppress(psutil.NoSuchProcess):
        made.kill()


class Slow(str):
    """A word that takes a while to arrive in the fork."""

    __slots__ = ()

    def __reduce__(self) -> tuple[object, ...]:
        return time.sleep, (2,)


@pytest.mark.asyncio
async def test_a_fork_whose_nursery_ended_before_it_was_bound_ends_before_it_begins(tmp_path: Path, origin: psutil.Process) -> None:
    log = tmp_path / "zen.log"
    child = await nursery.fork(Part("zen", (sys.executable, "-m", "this", Slow()), dict(os.environ), forked=True), log)
    forked = psutil.Process(child.pid)

    origin.kill()

    await asyncio.to_thread(psutil.wait_procs, [forked], 20)
    assert not forked.is_running()
    assert not log.exists()


@pytest.mark.asyncio
async def test_a_part_is_started_again_when_the_nursery_ends_while_it_is_on_its_way(tmp_path: Path, origin: psutil.Process) -> None:
    place = Place(tmp_path, 0, "test")
    place.make_folders()
    zen = Supervisor(place, [Part("zen", (sys.executable, "-m", "this"), dict(os.environ), forked=True, job=True)]).keepers["zen"]
    zen.begin()
    await stack.pause()

    origin.kill()

    async with asyncio.timeout(240):
        await zen.good.wait()
    assert (zen.seen.state, zen.seen.restarts) == (State.DONE, 1)
    await zen.stop()
