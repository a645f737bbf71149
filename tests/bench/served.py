"""A process of uvicorn beside those of the stack, for the length of a block."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import psutil

from deploy.local import probes
from deploy.local.part import Part
from deploy.local.place import Place
from deploy.local.process import spawn
from tests.bench.bench_stack import SERVED, seconds
from tests.bench.start import until_ready

PATIENCE = 180.0


@asynccontextmanager
async def served(
    place: Place, module: str, port: int, variables: Mapping[str, str], probed: str = "/openapi.json"
) -> AsyncIterator[psutil.Process]:
    """The application that `module` makes; ready once `probed` answers."""
    app = ("uvicorn", "--factory", f"{module}:create_app", "--host", "127.0.0.1", "--port", str(port), "--no-access-log")
    part = Part(module, (sys.executable, "-m", *app), variables, probe=probes.http(port, probed), ports=(port,), start_seconds=PATIENCE)
    process = await spawn(part, place.home / "log" / f"{module}.log")
    try:
        await until_ready(part, process.pid)
        yield psutil.Process(process.pid)
    finally:
        SERVED[module] += seconds(psutil.Process(process.pid))
        process.terminate()
        await process.wait()
