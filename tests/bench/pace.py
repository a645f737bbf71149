"""An open loop: work begins when it is due, whether or not earlier work is done, so that a slow system cannot hide by being asked less."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


async def paced(work: Callable[[int], Coroutine[Any, Any, None]], per_second: float, seconds: float) -> None:
    """Begin `work(0)`, `work(1)`, … at an even pace for so long, and wait until all of it is done."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(round(per_second * seconds)):
            await asyncio.sleep(began + number / per_second - loop.time())
            group.create_task(work(number))
