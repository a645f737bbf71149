"""`growth`: what each path loses when there is 2, 5 and 10 times as much of everything: units, people on posts, events, cases, rows of a backlog, of a file
that comes in and of one that goes out. Ratio to 1×.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import asyncpg

from deploy.city.city import City, city_of
from deploy.local.place import Place
from deploy.migrate import migrate
from services.roster.commands.placements import place_person
from services.roster.models.facts import place_of
from shared import db
from shared.crypto import FieldCipher, RingFile
from shared.db import Database
from shared.glossary import Role
from tests.bench import approval, backlog, county, export, imports, light, read
from tests.bench import place as placing
from tests.bench.bench_stack import scaled, token
from tests.bench.figures import Figure, percentile, shown

SIZES = (1, 2, 5, 10)
PEOPLE, MEASURED, ROWS, WRITERS, PATIENCE = 2400, 400, 20_000, 8, 300.0
LIGHT_SECONDS, CASES, BROUGHT, TAKEN = 8, 20, 1200, 10_000
NUMBER = "330499199001010000"
QUIET = """
    SELECT NOT EXISTS (SELECT FROM roster.outbox) AND NOT EXISTS (SELECT FROM roster.event_log
    WHERE NOT EXISTS (SELECT FROM monitoring.inbox WHERE inbox.event_id = event_log.event_id AND consumer = 'monitoring'))
"""
Sizes = dict[str, float]


@dataclass(frozen=True)
class Bench:
    """What is measured at each size. `city`: its persons from `imports.WRITTEN` rounds on are nobody else's; `folder` holds its files."""

    place: Place
    roster: Database
    city: City
    folder: Path


async def measure(place: Place) -> list[Figure]:
    """After all that was added has settled: per second, and of `light` milliseconds."""
    figures: list[Figure] = []
    first: Sizes = {}
    async with _bench(place) as bench:
        for before, size in zip((0, *SIZES), SIZES, strict=False):
            units = await county.units(bench.roster, county.UNITS * size)
            await _rate(bench.roster, units, scaled(PEOPLE) * (size - before))
            await _settled(place)
            found = await _roster(bench, units) | await _light(place, len(units)) | await _others(bench, units, before, size)
            first = first or found
            figures += [Figure(f"growth: {path} ×{size}", each, first[path], _unit(path), shown()) for path, each in found.items()]
    return figures


def _unit(path: str) -> str:
    return "ms" if path.startswith("light") else "per s"


@asynccontextmanager
async def _bench(place: Place) -> AsyncIterator[Bench]:
    await migrate(place, export.DATABASE)
    with TemporaryDirectory() as folder:
        async with db.connect(place.database_url("roster"), "roster", WRITERS) as roster:
            city = city_of(imports.UNITS, imports.MANY)
            city.rows["seats"], city.rows["offestablishment"] = [], []  # they are not brought, and to write them takes long
            yield Bench(place, roster, city, Path(folder))


async def _roster(bench: Bench, units: list[UUID]) -> Sizes:
    placed = await _rate(bench.roster, units, scaled(MEASURED))
    await _sealed(bench.place)
    asked = partial(read._rate, token(bench.place, Role.BUSINESS_OFFICER), bench.place.port("roster"))
    return {
        "place": placed,
        "read one unit": await asked([f"/units/{unit}" for unit in units[:50]]),
        "read page of 50": await asked(["/units?limit=50"]),
        "lists: people": await asked(["/persons?limit=50"]),
        "lists: people of a unit": await asked([f"/persons?limit=50&unit={unit}&below=false" for unit in units[:50]]),
        "lists: posts": await asked(["/posts?limit=50"]),
    }


async def _sealed(place: Place) -> None:
    """People who were made in bulk have no number; a list of people opens each."""
    cipher = FieldCipher(RingFile(place.home / "secrets" / "field.keys"))
    postgres = await asyncpg.connect(place.database_url("postgres"))
    try:
        people = [row["person_id"] for row in await postgres.fetch("SELECT person_id FROM roster.person_records WHERE id_number = ''")]
        sealed = cipher.encrypt_all([(NUMBER, place_of(person)) for person in people])
        await postgres.execute(
            "UPDATE roster.person_records p SET id_number = new.number FROM unnest($1::uuid[], $2::bytea[]) AS new (id, number)"
            " WHERE p.person_id = new.id AND p.id_number = ''",
            *(people, sealed),
        )
    finally:
        await postgres.close()


async def _light(place: Place, units: int) -> Sizes:
    await _settled(place)
    postgres = await asyncpg.connect(place.database_url("postgres"))
    try:
        took = await light.latencies(place, postgres, LIGHT_SECONDS, units)
    finally:
        await postgres.close()
    return {"light p50": percentile(took, 0.5), "light p99": percentile(took, 0.99)}


async def _others(bench: Bench, units: list[UUID], before: int, size: int) -> Sizes:
    """What has a size of its own: cases that stay, and rows of a file, of a list, of a backlog."""
    async with approval.Applications.opened(bench.place, units) as cases:
        decided = await approval._rate(cases.run_through, scaled(CASES) * (size - before))
    taken = scaled(TAKEN) * size
    return {
        "approval": decided,
        "export": taken / await export.written(bench.place, "export", taken, "seconds"),
        "backlog": await backlog.through(bench.place, scaled(ROWS) * size),
        "imports": await _imported(bench, scaled(BROUGHT) * before, scaled(BROUGHT) * size),
    }


async def _imported(bench: Bench, start: int, count: int) -> float:
    """Rows per second, from the upload to the last one committed."""
    file = await asyncio.to_thread(imports.some, bench.city, bench.folder, imports.ROUNDS * imports.WRITTEN + 2 * start, count)
    async with imports.Door(bench.place) as door:
        if not start:
            await door.found(bench.folder)
        began = time.perf_counter()
        await door.take(file)
    return count / (time.perf_counter() - began)


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
