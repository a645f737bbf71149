"""How a process lives. A worker: its loops run side by side until SIGTERM, and it ends only on an error nobody foresaw."""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import uvloop  # as uvicorn[standard] brings it

from shared.errors import CannotStart
from shared.faults import told

YOUNG = 100_000
"""Objects made before a collection: a block of a first load makes that many, and with 20 000 a tenth of its time went into walking them."""


def leave_no_core() -> None:
    """A crash writes no memory to a disk: keys, and what people typed, stand in it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(main: Coroutine[Any, Any, None]) -> NoReturn:
    """Run `main` until it ends or SIGTERM comes. Ends by `os._exit`: interpreter exit may crash after the Temporal SDK was used (sdk-python#300)."""
    leave_no_core()
    code = 0
    gc.collect()
    gc.freeze()  # what is there now stays: no later collection walks through it
    gc.set_threshold(YOUNG)
    try:
        uvloop.run(_until_told(main))
    except CannotStart as why:
        sys.stderr.write(f"{why}\n")
        code = 1
    except Exception as error:  # noqa: BLE001  the last word of the process: whatever it was, it is printed and the supervisor restarts
        sys.stderr.write(f"{told(error)}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def _until_told(main: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(main)
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def side_by_side(*loops: Coroutine[Any, Any, None]) -> None:
    """Run loops until the first unforeseen error."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(loop)
