"""`read`: one unit, and a page of 50 units, from the roster's HTTP door; floor: hello and one row (`hello.py`). 16 connections, requests per second."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import asyncpg

from deploy.local import probes
from deploy.local.part import Part
from deploy.local.place import PROJECT, Place
from deploy.local.process import spawn
from shared.glossary import Role
from tests.bench import county
from tests.bench.bench_stack import token
from tests.bench.figures import Figure, at_least, medians
from tests.bench.start import until_ready

CONNECTIONS = 16
SECONDS = 4.0
FLOOR_OFFSET = 50


async def measure(place: Place) -> list[Figure]:
    """Requests per second; the generator is a process of its own."""
    await county.ensure(place)
    roster = await asyncpg.connect(place.database_url("roster"))
    units = [str(row["id"]) for row in await roster.fetch("SELECT id FROM units ORDER BY id LIMIT 50")]
    await roster.close()
    bearer = token(place, Role.BUSINESS_OFFICER)
    async with _hello(place) as port:
        ask = partial(_rate, bearer)
        floor, unit, page = await medians(
            partial(ask, port, [f"/hello/{unit}" for unit in units]),
            partial(ask, place.port("roster"), [f"/units/{unit}" for unit in units]),
            partial(ask, place.port("roster"), ["/units?limit=50"]),
        )
    return [
        Figure("read: one unit", unit, floor, "per s", at_least(0.5)),
        Figure("read: page of 50", page, floor, "per s", at_least(0.5)),
    ]


@asynccontextmanager
async def _hello(place: Place) -> AsyncIterator[int]:
    port = place.port("roster") + FLOOR_OFFSET
    app = ("uvicorn", "--factory", "tests.bench.hello:create_app", "--host", "127.0.0.1", "--port", str(port), "--no-access-log")
    path = "/openapi.json"
    variables = place.variables("roster") | {"ROSTER_DATABASE_URL": place.database_url("roster")}
    part = Part("hello", (sys.executable, "-m", *app), variables, probe=probes.http(port, path), ports=(port,))
    process = await spawn(part, place.home / "log" / "hello.log")
    try:
        await until_ready(part, process.pid)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def _rate(bearer: str, port: int, paths: list[str]) -> float:
    asked = {"port": port, "paths": paths, "token": bearer, "connections": CONNECTIONS, "seconds": SECONDS}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.http_load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=PROJECT
    )
    answer, _ = await process.communicate(json.dumps(asked).encode())
    if process.returncode != 0:
        raise RuntimeError("the load generator gave up, see above")
    return float(answer)
