"""`imports`: an office's file from its upload to committed rows, and to its findings alone; floor: the same file read by calamine and its rows copied
into a table of texts. Measured on the running roster, over its door."""

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self
from uuid import uuid4

import asyncpg
import httpx
from python_calamine import CalamineWorkbook

from deploy.city import files
from deploy.city.city import City, city_of
from deploy.local.place import Place
from services.roster.models.fields import PERSONS
from services.roster.models.imports import RUNNING, ImportState
from shared.glossary import Role
from tests.bench.bench_stack import memory, token
from tests.bench.figures import Figure, at_most, medians, within

UNITS, MANY, WRITTEN, ROUNDS = 620, 139_000, 36_000, 2
"""Of 139 000 people some 100 000 are 在编 and stand in the roster's file; each round writes other 36 000 of them."""
_GLANCE = 0.1


async def measure(place: Place) -> list[Figure]:
    """Seconds for the checks of all rows, and for 36 000 of them written, in turn with their floors; MB by which the worker grew."""
    city = city_of(UNITS, MANY)
    with TemporaryDirectory() as folder:
        many, *written = _files(city, Path(folder))
        async with Door(place) as door:
            await door.found(Path(folder))
            await door.check("roster", written[0])  # the first child, the first plan
            before = memory(place)["roster-worker"]
            floor_many, checked = await medians(lambda: _floor(place, many), lambda: _timed(door.check("roster", many)), rounds=ROUNDS)
            grown = memory(place)["roster-worker"] - before
            bare, ours = iter(written), iter(written)
            floor_written, took = await medians(lambda: _floor(place, next(bare)), lambda: _timed(door.take(next(ours))), rounds=ROUNDS)
    rows = len(city.rows["roster"])
    return [
        Figure(f"imports: {rows} rows checked", checked, floor_many, "s", at_most(3)),
        Figure(f"imports: {WRITTEN} persons written", took, floor_written, "s", at_most(5)),
        Figure(f"imports: worker grown by {rows} rows", grown, 1, "MB", within(60, "MB")),
    ]


def _files(city: City, folder: Path) -> list[Path]:
    """The file of all rows, and for each round one of its own persons."""
    files.write(city, folder)
    many = (folder / "roster.xlsx").rename(folder / "many.xlsx")
    return [many, *(some(city, folder, start, WRITTEN) for start in range(0, ROUNDS * WRITTEN, WRITTEN))]


def some(city: City, folder: Path, start: int, count: int) -> Path:
    """The file of so many persons, from the one at `start` on."""
    every = city.rows["roster"]
    city.rows["roster"] = every[start : start + count]
    files.write(city, folder)
    city.rows["roster"] = every
    return (folder / "roster.xlsx").rename(folder / f"written-{start}.xlsx")


async def _timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _floor(place: Place, path: Path) -> float:
    """Reading the sheet and copying its rows, nothing else."""
    owner = await asyncpg.connect(place.database_url("bianban"))
    began = time.perf_counter()
    _, *rows = await asyncio.to_thread(lambda: [*CalamineWorkbook.from_path(str(path)).get_sheet_by_name(PERSONS.title).iter_rows()])
    width = len(PERSONS.fields)
    records = [[str(cell) for cell in row] + [""] * (width - len(row)) for row in rows]
    table = f"bare_{uuid4().hex[:8]}"
    await owner.execute(f"CREATE TABLE public.{table} ({', '.join(f'c{place} text' for place in range(width))})")
    await owner.copy_records_to_table(table, records=records, schema_name="public")
    took = time.perf_counter() - began
    await owner.execute(f"DROP TABLE public.{table}")
    await owner.close()
    return took


class Door:
    """The roster's door, for one officer."""

    def __init__(self, place: Place) -> None:
        bearer = {"Authorization": f"Bearer {token(place, Role.BUSINESS_OFFICER)}"}
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{place.port('roster')}", headers=bearer, timeout=120, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def found(self, folder: Path) -> None:
        """The units of a city and their posts; what is there already stays."""
        for kind in ("units", "quotas"):
            await self.write(await self.check(kind, folder / f"{kind}.xlsx"))

    async def check(self, kind: str, path: Path) -> str:
        answer = await self._http.post("/imports", files={"file": (path.name, path.read_bytes())}, data={"kind": kind}, headers=_key())
        answer.raise_for_status()
        return await self._at_rest(answer.json()["import_id"], ImportState.CHECKED)

    async def take(self, path: Path) -> str:
        return await self.write(await self.check("roster", path))

    async def write(self, import_id: str) -> str:
        answer = await self._http.post(f"/imports/{import_id}/apply", json={"accept_valid": True}, headers=_key())
        answer.raise_for_status()
        return await self._at_rest(import_id, ImportState.APPLIED)

    async def _at_rest(self, import_id: str, wanted: ImportState) -> str:
        while (view := (await self._http.get(f"/imports/{import_id}")).json())["state"] in RUNNING:  # noqa: ASYNC110  another process works
            await asyncio.sleep(_GLANCE)
        if view["state"] != wanted:
            raise RuntimeError(view["note"] or view["state"])
        return import_id


def _key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}
