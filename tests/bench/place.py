"""`place`: the roster's command `place_person` with 8 writers; floor: the statements nobody can do without (`bare_placing.py`), the same writers.

Both run in this process on a database of their own, whose outbox no relay empties.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from deploy.local.place import Place
from deploy.migrate import migrate
from services.roster.commands.placements import place_person
from shared import db
from shared.db import Database
from tests.bench import county
from tests.bench.bare_placing import BarePlacing
from tests.bench.figures import Figure, at_least, medians

DATABASE = "bench"
WRITERS = 8
PLACEMENTS = 1200
WARM_UP = 80

Posting = tuple[UUID, UUID]
"""A person and the unit that takes him."""


async def measure(place: Place) -> list[Figure]:
    """Placements per second."""
    await migrate(place, DATABASE)
    url = place.database_url("roster", DATABASE)
    async with db.connect(url, "roster", WRITERS) as roster, BarePlacing(url, WRITERS) as bare:
        everywhere = await county.units(roster, county.UNITS)
        await _rate(partial(_place, roster), await _postings(roster, everywhere, WARM_UP))
        await bare.copy_an_event(roster)
        return [
            await _figure("place: 60 units", roster, bare, lambda: _every(everywhere)),
            await _figure("place: one hot unit", roster, bare, lambda: _fresh_unit(roster)),
        ]


async def _figure(path: str, roster: Database, bare: BarePlacing, chosen: Callable[[], Awaitable[list[UUID]]]) -> Figure:
    """A hot unit is a new one each time, so that it holds as many people whoever has his turn."""

    async def ours() -> float:
        return await _rate(partial(_place, roster), await _postings(roster, await chosen(), PLACEMENTS))

    async def floor() -> float:
        return await _rate(bare.place, await _postings(roster, await chosen(), PLACEMENTS))

    placed, floored = await medians(ours, floor)
    return Figure(path, placed, floored, "per s", at_least(0.6))


async def _every(units: list[UUID]) -> list[UUID]:
    return units


async def _fresh_unit(roster: Database) -> list[UUID]:
    return [await county.fresh_unit(roster)]


async def _postings(roster: Database, units: list[UUID], count: int) -> list[Posting]:
    people = await county.people(roster, units, count)
    return [(person, units[number % len(units)]) for number, person in enumerate(people)]


async def _place(roster: Database, _writer: int, posting: Posting) -> None:
    await place_person(roster, county.by(), county.placing(*posting))


async def _rate(place: Callable[[int, Posting], Awaitable[object]], postings: list[Posting]) -> float:
    waiting = iter(postings)

    async def write(writer: int) -> None:
        for posting in waiting:
            await place(writer, posting)

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for writer in range(WRITERS):
            group.create_task(write(writer))
    return len(postings) / (time.monotonic() - began)
