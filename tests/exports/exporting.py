"""A service's exports under test: its worker's loop beside its door, and the files read back as their users' programs read them."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from python_calamine import CalamineWorkbook

from shared.exports import running
from shared.exports.running import Office, serve_exports


@asynccontextmanager
async def working(office: Office) -> AsyncIterator[None]:
    """The loop of a worker, in this process; it looks for what was asked more often than one in a stack."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(running, "GLANCE", 0.03)
        task = asyncio.create_task(serve_exports(office))
        try:
            yield
        finally:
            await _ended(task)


async def _ended(task: asyncio.Task[None]) -> None:
    while not task.done():  # Python 3.11 forgets that it was told to end where its query was answered in that moment (cpython#86296)
        task.cancel()
        await asyncio.wait([task], timeout=1)


@dataclass(frozen=True)
class Taken:
    """A file as it was handed out."""

    content: bytes
    name: str

    def sheets(self) -> dict[str, list[list[Any]]]:
        book = CalamineWorkbook.from_filelike(io.BytesIO(self.content))
        return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}

    @property
    def rows(self) -> list[list[Any]]:
        """The only sheet: its mark, its header, its rows."""
        (rows,) = self.sheets().values()
        return rows

    @property
    def mark(self) -> str:
        return str(self.rows[0][0])

    def records(self, sheet: str = "") -> list[dict[str, Any]]:
        rows = self.sheets()[sheet] if sheet else self.rows
        return [dict(zip(rows[1], row, strict=True)) for row in rows[2:]]

    def lines(self) -> list[list[str]]:
        """As CSV."""
        return list(csv.reader(io.StringIO(self.content.decode("utf-8-sig"))))


async def asked(http: httpx.AsyncClient, headers: dict[str, str], name: str, **more: Any) -> dict[str, Any]:
    """Ask for a list: the answer of the door, whatever it is."""
    answer = await http.post("/exports", json={"list": name} | more, headers=headers)
    found: dict[str, Any] = answer.json()
    return found


async def ended(http: httpx.AsyncClient, headers: dict[str, str], export_id: str) -> dict[str, Any]:
    """Wait until it rests."""
    async with asyncio.timeout(60):
        while True:
            view: dict[str, Any] = (await http.get(f"/exports/{export_id}", headers=headers)).json()
            if view["state"] not in {"export_waiting", "export_running"}:
                return view
            await asyncio.sleep(0.05)


async def taken(http: httpx.AsyncClient, headers: dict[str, str], name: str, **more: Any) -> Taken:
    """Ask, wait, take."""
    view = await asked(http, headers, name, **more)
    assert view.get("state") == "export_waiting", view
    view = await ended(http, headers, view["id"])
    assert view["state"] == "export_done", view
    answer = await http.get(f"/exports/{view['id']}/file", headers=headers)
    assert answer.status_code == 200, answer.text
    return Taken(answer.content, answer.headers["content-disposition"])
