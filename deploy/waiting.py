"""What somebody who typed a command sees while a service works on what was asked: nothing at first, then a line that tells how far it is."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from rich.console import Console
from rich.progress import Progress, TaskID

from deploy.doors import Answer

OPENED_AFTER = 2.0
_GLANCE = 0.3


async def at_rest(
    look: Callable[[], Awaitable[Answer]], under_way: Collection[str], console: Console, far: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Look until it is in no state of `under_way`; what it is then. `far`: how far it is, as `Progress.update` is told."""
    began, bar, task = time.monotonic(), Progress(console=console, transient=True), TaskID(0)
    try:
        while (found := (await look()).body)["state"] in under_way:
            if not bar.live.is_started and time.monotonic() - began > OPENED_AFTER:
                bar.start()
                task = bar.add_task("", total=None)
            if bar.live.is_started:
                bar.update(task, **far(found))
            await asyncio.sleep(_GLANCE)
    finally:
        if bar.live.is_started:
            bar.stop()
    there: dict[str, Any] = found
    return there
