"""`city`: the default demo city, 620 units and 36 000 persons with their history, from the files' first upload until every event is handled; floor: the same
files read by calamine and their rows copied into tables of texts. On a stack of its own: other paths bring units and people of the same numbers."""

import asyncio
import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from python_calamine import CalamineWorkbook

from deploy.city import files, loading
from deploy.city.city import PERSONS, SEED, UNITS, city_of
from deploy.demo.city import OFFICER, staff_of
from deploy.doors import doors_of
from deploy.identity import load_accounts, seed_administrators
from deploy.local.place import Place
from deploy.local.stack import running
from deploy.quiet import pulse_of
from shared import db
from shared.clock import Clock, business_day
from tests.bench.bench_stack import PLACE, scaled
from tests.bench.figures import Figure, within

LIMIT, PATIENCE = 60, 1_200.0
_OWN = Place(PLACE.home.with_name("city"), PLACE.offset + 150, "demo")


async def measure(_: Place) -> list[Figure]:
    """Seconds until the stack is at rest. What the files are made in does not count."""
    async with running(_OWN, []) as place:
        now = Clock(place.clock_file).now()
        with TemporaryDirectory() as folder:
            files.write(city_of(max(60, scaled(UNITS)), max(3_000, scaled(PERSONS)), SEED, business_day(now)), Path(folder))
            books = files.books(Path(folder))
        floor = await _floor(place, books)
        async with db.connect(place.database_url("identity"), "identity", size=2) as identity:
            await seed_administrators(identity, now)
            await load_accounts(identity, [account for account in staff_of([]) if not account.unit_codes], now)
        took = await _load(place, books)
    return [Figure(f"city: {UNITS} units, {PERSONS} persons and their history loaded, to rest", took, floor, "s", within(LIMIT, "s"))]


async def _load(place: Place, books: Mapping[str, bytes]) -> float:
    began = time.perf_counter()
    async with doors_of(place) as doors:
        await loading.load(doors, OFFICER, books, lambda _: None)
    async with pulse_of(place) as pulse:
        await pulse.drained(PATIENCE)
    return time.perf_counter() - began


async def _floor(place: Place, books: Mapping[str, bytes]) -> float:
    """Reading the sheets and copying their rows, nothing else."""
    owner = await asyncpg.connect(place.database_url("bianban"))
    began = time.perf_counter()
    for number, (name, book) in enumerate(books.items()):
        if name != files.REFORMS:
            header, *rows = await asyncio.to_thread(_cells, book)
            await owner.execute(f"CREATE TABLE public.bare_{number} ({', '.join(f'c{place} text' for place in range(len(header)))})")
            await owner.copy_records_to_table(f"bare_{number}", records=[[str(cell) for cell in row] for row in rows], schema_name="public")
    took = time.perf_counter() - began
    await owner.close()
    return took


def _cells(book: bytes) -> list[list[object]]:
    return [[*row] for row in CalamineWorkbook.from_filelike(BytesIO(book)).get_sheet_by_index(0).to_python()]
