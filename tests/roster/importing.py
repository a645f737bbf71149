"""Imports for the roster's tests: files made from the register's fields, brought in, checked and written as the activities do it."""

import asyncio
import io
import os
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import xlsxwriter

from services.roster.commands.brought import IMPORTED
from services.roster.commands.import_checks import check_import
from services.roster.commands.import_writes import apply_import
from services.roster.commands.imports import begin_applying, receive_import
from services.roster.models.fields import SHEETS
from services.roster.models.imports import BeginApplying, MappingFile, ReceiveImport
from services.roster.queries import imports as queries
from services.roster.queries.imports import ImportView
from shared.auth import Who
from shared.clock import Clock
from shared.db import Database
from shared.events.envelope import uuid7
from shared.glossary import Role
from shared.sheets.reading import MARK, OPEN_AT_ONCE
from shared.sheets.returned import annotated
from tests.imports.rows import USCC, person, unit
from tests.roster import given

Cells = Mapping[str, Any]
OFFICER = Who("tester", frozenset({Role.BUSINESS_OFFICER}))


def book(sheets: Mapping[str, Sequence[Cells]], mark: str = "") -> bytes:
    """A workbook: title to rows; numbers stay numbers, the rest is text. `mark`: as a template of ours says what it is."""
    target = io.BytesIO()
    made = xlsxwriter.Workbook(target, {"in_memory": True})
    for title, rows in sheets.items():
        sheet = made.add_worksheet(title)
        columns = list(dict.fromkeys(name for row in rows for name in row))
        sheet.write_row(0, 0, columns)
        for number, row in enumerate(rows, start=1):
            for place, name in enumerate(columns):
                if row.get(name) is not None:
                    write = sheet.write_number if isinstance(row[name], int | float) else sheet.write_string
                    write(number, place, row[name])
    if mark:
        made.add_worksheet(MARK).write(0, 0, mark)
        made.worksheets()[-1].very_hidden()
    made.close()
    return target.getvalue()


def with_posts(posts: Any = 3, **changes: Any) -> dict[str, Any]:
    """A row of a unit with its posts."""
    return unit(编制类型="事业编制", 经费形式="全额拨款", 编制数=posts) | changes


def coloured(content: bytes, sheet: int, colour: str) -> list[str]:
    """Which cells of a sheet (from 1) have a fill of this colour."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        styles = ET.fromstring(archive.read("xl/styles.xml"))  # noqa: S314  our own file
        cells = ET.fromstring(archive.read(f"xl/worksheets/sheet{sheet}.xml"))  # noqa: S314  our own file
    fills = [colour in ET.tostring(each, "unicode") for each in styles.find(f"{space}fills") or ()]
    formats = [fills[int(each.get("fillId", 0))] for each in styles.find(f"{space}cellXfs") or ()]
    return [str(each.get("r")) for each in cells.iter(f"{space}c") if formats[int(each.get("s", 0))]]


class Office:
    """Brings files to one roster."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        clock_file = folder / "clock"
        clock_file.write_text(str(int((given.NOW - datetime.now(UTC)) / timedelta(seconds=1))))
        self.clock = Clock(clock_file)

    async def bring(self, kind: str, content: bytes | Mapping[str, Sequence[Cells]] | Sequence[Cells], **more: Any) -> UUID:
        """Receive a file; it waits for its check."""
        if not isinstance(content, bytes):
            content = book(content if isinstance(content, Mapping) else {SHEETS[kind].title: content})
        import_id, data = uuid7(), content
        what = ReceiveImport(
            import_id=import_id,
            kind=kind,
            file_name=more.pop("name", "a.xlsx"),
            file_bytes=len(data),
            file_hash=given.CIPHER.mark(str(len(data))),
            mapping=MappingFile.model_validate(more.pop("mapping")) if "mapping" in more else None,
            keep_days=30,
            pieces=lambda: IMPORTED.sealed(given.CIPHER, import_id, memoryview(data)),
            **more,
        )
        return await receive_import(self.database, given.by(), what)

    async def check(self, kind: str, content: Any, **more: Any) -> ImportView:
        """Bring a file and have it checked."""
        import_id = await self.bring(kind, content, **more)
        await check_import(self.database, given.CIPHER, self.clock, import_id)
        return await self.view(import_id)

    async def write(self, kind: str, content: Any, *, accept_valid: bool = False, **more: Any) -> ImportView:
        """Bring, check and write."""
        return await self.apply(await self.check(kind, content, **more), accept_valid=accept_valid)

    async def apply(self, view: ImportView, *, accept_valid: bool = False) -> ImportView:
        """Write a checked file."""
        await begin_applying(self.database, given.by(None), BeginApplying(import_id=view.id, accept_valid=accept_valid))
        await apply_import(self.database, given.CIPHER, self.clock, view.id)
        return await self.view(view.id)

    async def view(self, import_id: UUID) -> ImportView:
        async with self.database.reading() as conn:
            return await queries.import_view(conn, import_id, OFFICER)

    async def said(self, view: ImportView) -> list[tuple[str, int, str, str]]:
        """Sheet, row, column, sentence."""
        async with self.database.reading() as conn:
            found = await queries.problems(conn, view.id, 0, 1_000)
        return [(each.sheet, each.row, each.column, each.sentence) for _, each in found]

    async def refused(self, view: ImportView) -> list[tuple[str, str]]:
        async with self.database.reading() as conn:
            return [(each.name, each.sentence) for each in await queries.refused_units(conn, view.id)]

    async def returned(self, view: ImportView) -> bytes:
        """The file with its findings."""
        place = await IMPORTED.opened(self.database, given.CIPHER, view.id)
        async with self.database.reading() as conn:
            marks = await queries.marks(conn, view.id)
        try:
            return await annotated(place, view.file_name, marks)
        finally:
            os.close(place)

    async def unit_id(self, name: str) -> UUID:
        unit_id: UUID = await self.database.pool.fetchval("SELECT id FROM units WHERE name = $1", name)
        return unit_id


async def two_units(office: Office) -> None:
    """甲单位 with a person to change, 乙单位 with one to stay."""
    units = [with_posts(内设机构="办公室"), with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1], 内设机构="办公室")]
    await office.write("roster", {"单位": units, "人员": [person(0, 学历="本科"), person(1, 单位="乙单位", 学历="本科")]})


class Opening:
    """Counts who has a file open at once: whoever comes stays until all who come are there, or held back."""

    def __init__(self) -> None:
        self.most = self._inside = 0
        self._full, self._go_on = asyncio.Event(), asyncio.Event()

    async def stay(self) -> None:
        self._inside += 1
        self.most = max(self.most, self._inside)
        if self._inside == OPEN_AT_ONCE:
            self._full.set()
        await self._go_on.wait()
        self._inside -= 1

    async def let_go(self) -> None:
        """Once so many are inside, and the others had time to come in as well, where nothing holds them."""
        await self._full.wait()
        await asyncio.sleep(0.5)
        self._go_on.set()
