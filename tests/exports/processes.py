"""A worker of exports that a test kills: `python -m tests.exports.processes URL FOLDER`. Its one list takes some seconds, and soon shows how far it is."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from shared import db
from shared.clock import Clock
from shared.exports import running
from shared.exports.lists import Column, ExportList, Sheet, Source, exports_of
from shared.exports.running import Office, serve_exports
from shared.exports.shelf import Shelf
from shared.sheets.writing import Form

SERVICE = "identity"
ROWS, CHUNK = 4_000, 500
NUMBERS = Sheet(
    "数",
    (Column("n", "数", "n", Form.NUMBER), Column("slept", "睡", "pg_sleep(0.001)::text")),
    lambda _, __: Source("FROM generate_series(1, $1::integer) AS n", "n", (ROWS,)),
)
EXPORTS = exports_of(ExportList("numbers", "数", "units.read", [NUMBERS]))


def office_of(database: db.Database, url: str, folder: Path) -> Office:
    return Office(database, url, EXPORTS, Shelf(folder, None), Clock(None), timedelta(days=1), "")


async def main(url: str, folder: str) -> None:
    running.CHUNK = CHUNK
    async with db.connect(url, SERVICE) as database:
        await serve_exports(office_of(database, url, Path(folder)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
