"""Python processes that start without reading the libraries again: they are forked from one process that has read them.

Twelve processes of the product import the same packages, about a second of processor time each; on two cores that is most of a start.
Only foreign packages are read beforehand (`read_before.py`), never our own, so a restarted part always runs the code of now. Nothing is
connected before the fork: drivers and Temporal's core begin their work in the child.
"""

import asyncio
import ctypes
import multiprocessing
import os
import runpy
import signal
import sys
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

from deploy.local.part import Part
from deploy.local.process import NURSERY, end_group, end_with_parent
from deploy.local.state import birth

PACKAGES = "deploy.local.read_before"
_PR_SET_NAME = 15
_context = multiprocessing.get_context("forkserver")


def open_nursery() -> None:
    """Begin to read the packages, at once and beside everything else."""
    _context.set_forkserver_preload([PACKAGES])
    forkserver.ensure_running()


async def fork(part: Part, log: Path) -> "Child":
    """Start a part whose program is `python -m MODULE …`."""
    process = _context.Process(target=_become, args=(part.name, part.argv[2:], dict(part.variables), log, part.stop_signal))
    await asyncio.to_thread(process.start)
    return Child(process)


def _become(name: str, argv: tuple[str, ...], variables: dict[str, str], log: Path, death: signal.Signals) -> None:
    """Turn the fork into the part: a session, an environment and a log of its own."""
    os.setsid()
    end_with_parent(death, int(os.environ[NURSERY]))()
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15])
    os.environ.clear()
    os.environ.update(variables)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    sys.argv = list(argv)
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)


class Child:
    """A forked process, with as much of the face of asyncio's subprocess as a keeper needs."""

    def __init__(self, process: BaseProcess) -> None:
        self.pid = process.pid or 0
        self.returncode: int | None = None
        self._process, self._born = process, birth(self.pid)
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(process.sentinel, self._end)

    def _end(self) -> None:
        """Its sign of life is gone: it has ended, or the nursery has, and nobody would hear of it any more."""
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self.returncode = self._process.exitcode
        if birth(self.pid) == self._born:
            end_group(self.pid, signal.SIGKILL)
        self._ended.set()

    async def wait(self) -> int:
        """The exit code, negative for a signal, once the process has ended."""
        await self._ended.wait()
        return self.returncode or 0

    def send_signal(self, how: signal.Signals) -> None:
        """Signal the process; one that has ended hears nothing."""
        if self.returncode is None:
            os.kill(self.pid, how)
