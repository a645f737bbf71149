"""Workers that die, several at once, and a change of mind: a file is whole or it is not there, and each export is written by one worker at a time."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from deploy.chaos.proxy import Detour
from deploy.local.place import PROJECT
from shared import db
from shared.db import Database
from shared.events.envelope import uuid7
from shared.exports import running
from shared.exports.commands import ask_export, cancel_export
from shared.exports.models import MOST_IN_AN_HOUR, MOST_UNDER_WAY, AskExport, OfExport, TooManyInAnHour, TooManyUnderWay
from tests.exports.exporting import working
from tests.exports.processes import CHUNK, ROWS, SERVICE, office_of
from tests.shared.given import by, until

pytestmark = pytest.mark.asyncio


@dataclass
class Bench:
    """Exports without a door, and processes that write them."""

    database: Database
    url: str
    folder: Path

    async def ask(self) -> UUID:
        what = AskExport(export_id=uuid7(), list="numbers", format="csv", filters={}, fields=(), unmasked=False, roles=(), scope=None)
        return await ask_export(self.database, by(), what)

    async def row(self, export_id: UUID) -> Any:
        return await self.database.pool.fetchrow("SELECT * FROM exports WHERE id = $1", export_id)

    async def until(self, export_id: UUID, wanted: Callable[[Any], bool]) -> Any:
        async def reached() -> bool:
            return wanted(await self.row(export_id))

        await until(reached)
        return await self.row(export_id)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[asyncio.subprocess.Process]:
        arguments = ("-m", "tests.exports.processes", self.url, str(self.folder))
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=PROJECT)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def files(self) -> list[str]:
        return sorted(each.name for each in self.folder.iterdir()) if self.folder.exists() else []

    def lines(self) -> list[str]:
        (name,) = self.files()
        return (self.folder / name).read_text("utf-8-sig").splitlines()


@pytest_asyncio.fixture
async def bench(database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(running, "CHUNK", CHUNK)
    async with db.connect(database(SERVICE), SERVICE) as connected:
        yield Bench(connected, database(SERVICE), tmp_path / "shelf")


async def test_an_export_whose_worker_is_killed_is_begun_again_and_never_half_there(bench: Bench) -> None:
    export_id = await bench.ask()
    async with bench.worker() as first:
        await bench.until(export_id, lambda row: row["rows_done"] > 0)
        first.kill()
        await first.wait()
    left = bench.files()

    async with bench.worker():
        row = await bench.until(export_id, lambda row: row["state"] == "export_done")

    assert left == []
    assert (row["attempt"], row["rows_done"], row["rows_total"]) == (2, ROWS, ROWS)
    assert [line.split(",")[0] for line in bench.lines()[2:]] == [str(number) for number in range(1, ROWS + 1)]


async def test_several_workers_write_each_export_once(bench: Bench) -> None:
    ids = [await bench.ask() for _ in range(4)]
    async with bench.worker(), bench.worker(), bench.worker():
        rows = [await bench.until(export_id, lambda row: row["state"] == "export_done") for export_id in ids]

    assert [row["attempt"] for row in rows] == [1] * 4
    assert bench.files() == sorted(row["file"] for row in rows)


async def test_who_changes_his_mind_in_the_middle_gets_nothing(bench: Bench) -> None:
    export_id = await bench.ask()
    async with bench.worker():
        await bench.until(export_id, lambda row: row["rows_done"] > 0)
        await cancel_export(bench.database, by(), OfExport(export_id=export_id))
        row = await bench.until(export_id, lambda row: row["state"] != "export_running")

    assert (row["state"], row["file"]) == ("export_cancelled", None)
    assert row["rows_done"] < ROWS
    assert bench.files() == []
    await cancel_export(bench.database, by(), OfExport(export_id=export_id))  # twice is once


async def test_nobody_keeps_the_workers_to_himself(bench: Bench) -> None:
    for _ in range(MOST_UNDER_WAY):
        await bench.ask()

    with pytest.raises(TooManyUnderWay):
        await bench.ask()


async def test_nor_by_asking_for_many_at_once(bench: Bench) -> None:
    """Must fail when their asker is not locked before they are counted."""
    for _ in range(MOST_UNDER_WAY - 1):
        await bench.ask()

    found = await asyncio.gather(*(bench.ask() for _ in range(8)), return_exceptions=True)

    assert [type(each) for each in found if not isinstance(each, UUID)] == [TooManyUnderWay] * 7


async def test_in_an_hour_one_asks_for_so_many_lists_and_another_for_his_own(bench: Bench) -> None:
    what = [
        AskExport(export_id=uuid7(), list="numbers", format="csv", filters={}, fields=(), unmasked=False, roles=(), scope=None)
        for _ in range(MOST_IN_AN_HOUR + 2)
    ]
    mandate = by()
    for each in what[:MOST_IN_AN_HOUR]:
        await ask_export(bench.database, replace(by(), as_of=mandate.as_of), each)
        await bench.database.pool.execute("UPDATE exports SET state = 'export_done'")

    with pytest.raises(TooManyInAnHour):
        await ask_export(bench.database, replace(by(), as_of=mandate.as_of + timedelta(minutes=59)), what[-2])
    await ask_export(bench.database, replace(by(), as_of=mandate.as_of, actor="somebody-else"), what[-2])
    await ask_export(bench.database, replace(by(), as_of=mandate.as_of + timedelta(minutes=61)), what[-1])


async def test_an_export_that_kills_its_worker_again_and_again_is_given_up(bench: Bench) -> None:
    export_id = await bench.ask()
    await bench.database.pool.execute("UPDATE exports SET attempt = 5, state = 'export_running' WHERE id = $1", export_id)
    async with bench.worker():
        row = await bench.until(export_id, lambda row: row["state"] != "export_running")

    assert row["state"] == "export_failed"
    assert "5 次" in row["note"]


async def test_a_server_that_falls_silent_keeps_neither_its_worker_nor_its_export(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PATIENCE", 5.0)
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    real = urlsplit(bench.url).port
    assert real
    way = Detour(port, real)
    await way.open()
    office = office_of(bench.database, bench.url, bench.folder)
    first = await bench.ask()
    taking = asyncio.create_task(running.take_export(replace(office, url=bench.url.replace(f":{real}/", f":{port}/")), first))
    try:
        await bench.until(first, lambda row: row["rows_done"] > 0)
        way.hush()
        with pytest.raises((OSError, asyncpg.InterfaceError)):
            await asyncio.wait_for(asyncio.shield(taking), 60)
        left = taking.done()
        async with working(office):
            rows = [await bench.until(each, lambda row: row["state"] == "export_done") for each in (await bench.ask(), first)]
    finally:
        await way.shut()

    assert (left, [row["attempt"] for row in rows]) == (True, [1, 2])


async def test_a_worker_that_is_told_to_end_in_the_middle_of_an_export_ends(bench: Bench) -> None:
    export_id = await bench.ask()
    serving = asyncio.create_task(running.serve_exports(office_of(bench.database, bench.url, bench.folder)))
    await bench.until(export_id, lambda row: row["rows_done"] > 0)
    serving.cancel()
    await asyncio.wait([serving], timeout=10)

    assert serving.cancelled()
