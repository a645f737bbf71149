"""`growth`: what each path loses when there is 2, 5 and 10 times as much of everything: units, people on posts, events, rows of a backlog. Ratio to 1×."""

import asyncio
from functools import partial
from uuid import UUID

import asyncpg

from deploy.local.place import Place
from services.roster.commands.placements import place_person
from shared import db
from shared.db import Database
from shared.glossary import Role
from tests.bench import backlog, county, read
from tests.bench import place as placing
from tests.bench.bench_stack import scaled, token
from tests.bench.figures import Figure, shown

SIZES = (1, 2, 5, 10)
PEOPLE, MEASURED, ROWS, WRITERS, PATIENCE = 2400, 400, 20_000, 8, 300.0
QUIET = """
    SELECT NOT EXISTS (SELECT FROM roster.outbox) AND NOT EXISTS (SELECT FROM roster.event_log
    WHERE NOT EXISTS (SELECT FROM monitoring.inbox WHERE inbox.event_id = event_log.event_id AND consumer = 'monitoring'))
"""
Sizes = dict[str, float]


async def measure(place: Place) -> list[Figure]:
    """Per second, after all that was added has settled."""
    figures: list[Figure] = []
    first: Sizes = {}
    async with db.connect(place.database_url("roster"), "roster", WRITERS) as roster:
        for before, size in zip((0, *SIZES), SIZES, strict=False):
            units = await county.units(roster, county.UNITS * size)
            await _rate(roster, units, scaled(PEOPLE) * (size - before))
            await _settled(place)
            rates = await _rates(place, roster, size)
            first = first or rates
            figures += [Figure(f"growth: {path} ×{size}", rate, first[path], "per s", shown()) for path, rate in rates.items()]
    return figures


async def _rates(place: Place, roster: Database, size: int) -> Sizes:
    units = await county.units(roster, county.UNITS * size)
    asked = partial(read._rate, token(place, Role.BUSINESS_OFFICER), place.port("roster"))
    return {
        "place": await _rate(roster, units, scaled(MEASURED)),
        "read one unit": await asked([f"/units/{unit}" for unit in units[:50]]),
        "read page of 50": await asked(["/units?limit=50"]),
        "backlog": await backlog.through(place, scaled(ROWS) * size),
    }


async def _rate(roster: Database, units: list[UUID], count: int) -> float:
    async def put(_: int, posting: placing.Posting) -> None:
        await place_person(roster, county.by(), county.placing(*posting))

    return await placing._rate(put, await placing._postings(roster, units, count))


async def _settled(place: Place) -> None:
    postgres = await asyncpg.connect(place.database_url("postgres"))
    try:
        async with asyncio.timeout(PATIENCE):
            while not await postgres.fetchval(QUIET):  # noqa: ASYNC110  other processes' work
                await asyncio.sleep(0.5)
        await postgres.execute("VACUUM ANALYZE")
    finally:
        await postgres.close()
