"""`lists`: a page of 50 of each list over HTTP; floor: the bare indexed query for the same rows behind a bare route (`bare_lists.py`).

In a county of 36 000 people; with BIANBAN_BENCH_PROVINCE set also in a province of 3 M, which takes ten minutes to fill.
"""

import asyncio
import json
import os
import sys
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial

import httpx
import psutil

from deploy.city.province import PERSONS_OF_A_PROVINCE, UNITS_OF_A_PROVINCE, fill_tables
from deploy.local.place import PROJECT, Place
from deploy.migrate import OWNER, migrate
from shared.clock import Clock
from shared.crypto import FieldCipher, RingFile
from shared.glossary import Role
from tests.bench.bench_stack import token
from tests.bench.figures import Figure, at_least, medians
from tests.bench.served import served

COUNTY, PROVINCE = (620, 36_000), (UNITS_OF_A_PROVINCE, PERSONS_OF_A_PROVINCE)
CONNECTIONS, SECONDS = 4, 2.0
OURS_OFFSET, FLOOR_OFFSET = 60, 61
PAGES = {
    "units": "/units?limit=50",
    "units by name": "/units?limit=50&q=%E6%95%99%E8%82%B2",
    "people": "/persons?limit=50",
    "people by age": "/persons?limit=50&sort=birth_on",
    "people of a unit": "/persons?limit=50&unit={unit}&below=false",
    "people of a subtree": "/persons?limit=50&unit={top}",
    "people by kind": "/persons?limit=50&kind=SY",
    "units as of a day": "/units?limit=50&as_of=2020-06-30",
    "people as of a day": "/persons?limit=50&as_of=2020-06-30",
    "posts": "/posts?limit=50",
    "posts of a subtree": "/posts?limit=50&unit={top}",
}
"""A page; the floor has a query of the same name."""


async def measure(place: Place) -> list[Figure]:
    """Requests per second, list by list."""
    scales = {"county": COUNTY} | ({"province": PROVINCE} if os.environ.get("BIANBAN_BENCH_PROVINCE") else {})
    return [figure for name, scale in scales.items() for figure in await _measured(place, name, *scale)]


async def _measured(place: Place, name: str, units: int, persons: int) -> list[Figure]:
    database = f"lists_{name}"
    await migrate(place, database)
    cipher, now = FieldCipher(RingFile(place.home / "secrets" / "field.keys")), Clock(place.clock_file).now()
    await fill_tables(place.database_url(OWNER, database), cipher, now, units, persons, lambda *_: None)
    ours, floor = (place.port("roster") + offset for offset in (OURS_OFFSET, FLOOR_OFFSET))
    figures = []
    async with AsyncExitStack() as beside:
        await beside.enter_async_context(_beside(place, "services.roster.app", ours, database))
        await beside.enter_async_context(_beside(place, "tests.bench.bare_lists", floor, database))
        found = await _asked(floor)
        for list_, path in PAGES.items():
            answered, bare = await medians(
                partial(_rate, place, ours, path.format_map(found)), partial(_rate, place, floor, f"/bare/{list_.replace(' ', '-')}")
            )
            figures.append(Figure(f"lists: {list_}, {name}", answered, bare, "per s", at_least(0.5)))
    return figures


def _beside(place: Place, module: str, port: int, database: str) -> AbstractAsyncContextManager[psutil.Process]:
    return served(place, module, port, place.variables("roster") | {"ROSTER_DATABASE_URL": place.database_url("roster", database)})


async def _asked(port: int) -> dict[str, str]:
    """A unit with a page of people, and a large subtree: those the floor asks for."""
    async with httpx.AsyncClient() as http:
        found: dict[str, str] = (await http.get(f"http://127.0.0.1:{port}/found")).json()
        return found


async def _rate(place: Place, port: int, path: str) -> float:
    bearer = token(place, Role.BUSINESS_OFFICER)
    asked = {"port": port, "paths": [path], "token": bearer, "connections": CONNECTIONS, "seconds": SECONDS}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.http_load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=PROJECT
    )
    answer, _ = await process.communicate(json.dumps(asked).encode())
    if process.returncode != 0:
        raise RuntimeError("the load generator gave up, see above")
    return float(answer)
