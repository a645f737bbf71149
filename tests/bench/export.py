"""`export`: 100 000 rows of 12 columns out as an encrypted xlsx file; floor: the rust writer alone on rows that are ready. And what more rows cost in memory."""

import asyncio
import json
import sys
from functools import partial
from tempfile import TemporaryDirectory

from deploy.local.place import PROJECT, Place
from deploy.migrate import migrate
from tests.bench.figures import Figure, at_most, medians

ROWS = 100_000
DATABASE = "exports_alone"
"""One that the stack's own worker does not look into: it would take the job first, and does not know the list."""


async def measure(place: Place) -> list[Figure]:
    """Seconds, and peak memory in MB, each from a process of its own."""
    await migrate(place, DATABASE)
    ask = partial(written, place)
    floor, ours = await medians(partial(ask, "bare", ROWS, "seconds"), partial(ask, "export", ROWS, "seconds"))
    few, many = await medians(partial(ask, "export", ROWS, "memory"), partial(ask, "export", 4 * ROWS, "memory"))
    return [
        Figure("export: 100 000 rows", ours, floor, "s", at_most(2)),
        Figure("export: memory, 4 times the rows", many, few, "MB", at_most(1.1)),
    ]


async def written(place: Place, mode: str, rows: int, asked: str) -> float:
    """By a process of its own: `seconds`, or peak `memory` in MB."""
    with TemporaryDirectory(dir=place.home / "out") as folder:
        arguments = ("-m", "tests.bench.list_writer", mode, str(rows), place.database_url("roster", DATABASE), folder)
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, cwd=PROJECT)
        answer, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("the writer gave up, see above")
    return float(json.loads(answer)[asked])
