"""Whole files as offices have them go the user's way: uploaded, checked, given back with their findings, written; and row by row the roster holds what they meant."""

import csv
import io
from typing import Any
from uuid import UUID, uuid4

import pytest
from python_calamine import CalamineWorkbook

from services.roster.commands.import_writes import apply_import
from services.roster.queries.indexes import known_by
from shared.sheets.copied import FOUND
from tests.imports.rows import NUMBERS, Cells
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.importing import Office
from tests.roster.test_imports_api import checked
from tests.roster.whole_files import ALL, UNITS, WholeFile

pytestmark = pytest.mark.asyncio
_HELD = """
    SELECT unit.name AS "单位", post.internal_unit AS "所在内设机构", person.name AS "姓名", CASE person.sex WHEN 'F' THEN '女' ELSE '男' END AS "性别",
        person.birth_on::text AS "出生日期", person.title AS "职务", lower(post.during)::text AS "入编时间"
    FROM placements post JOIN person_records person USING (person_id) JOIN unit_records unit USING (unit_id) WHERE person_id = $1
"""


async def held(office: Office) -> list[Cells]:
    """What the roster holds of everybody whose number a file may tell, in the order of the numbers."""
    async with office.database.reading() as conn:
        known = await known_by(conn, [given.CIPHER.indexes(number) for number in NUMBERS])
        return [dict(row) for place in sorted(known) for row in await conn.fetch(_HELD, known[place])]


def grid(content: bytes, file: WholeFile) -> list[list[str]]:
    """The cells of the sheet that is read, as text."""
    if not file.name.endswith(".xlsx"):
        text = content.decode("utf-16" if content[:2] == b"\xff\xfe" else "utf-8-sig" if content[:3] == b"\xef\xbb\xbf" else "gb18030")
        return list(csv.reader(io.StringIO(text), delimiter="," if FOUND in text else "\t"))
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [[str(cell) for cell in row] for row in book.get_sheet_by_name(book.sheet_names[-1]).iter_rows()]


@pytest.mark.parametrize("file", ALL, ids=[file.what for file in ALL])
async def test_a_whole_file_goes_in_as_it_was_meant_and_what_does_not_is_named(doors: Doors, office: Office, file: WholeFile) -> None:
    await office.write("units", UNITS)

    import_id = await checked(doors, office, content=file.content, name=file.name)
    view = (await doors.http.get(f"/imports/{import_id}", headers=doors.office)).json()
    problems = (await doors.http.get(f"/imports/{import_id}/problems", headers=doors.office)).json()["items"]
    copy = (await doors.http.get(f"/imports/{import_id}/result", headers=doors.office)).content
    body = {"accept_valid": view["errors"] > 0}
    answer = await doors.http.post(f"/imports/{import_id}/apply", json=body, headers=doors.office | {"idempotency-key": str(uuid4())})
    await apply_import(office.database, given.CIPHER, office.clock, UUID(import_id))
    again = await office.check("roster", copy, name=file.name)

    assert answer.status_code == 202, answer.text
    assert unsaid(file, [(each["row"], each["column"], each["sentence"]) for each in problems]) == []
    assert file.note in view["note"]
    assert await held(office) == [*file.taken.values()]
    assert (view["sheets"]["roster"]["added"], again.sheets["roster"].same, again.sheets["roster"].added) == (*[len(file.taken)] * 2, 0)
    assert [said for _, _, _, said in await office.said(again) if "不认识的列" in said] == [
        each["sentence"] for each in problems if "不认识的列" in each["sentence"]
    ]
    assert lost(grid(file.content, file), grid(copy, file)) == []
    assert [piece for row, _, piece in file.said if piece not in str(grid(copy, file)[row - 1])] == []


def unsaid(file: WholeFile, problems: list[tuple[int, str, str]]) -> list[Any]:
    """What must be said and is not; and what is said beyond, where all of it is known."""
    missing = [wanted for wanted in file.said if not any(fits(wanted, problem) for problem in problems)]
    return [*missing, *(problem for problem in problems if file.whole and not any(fits(wanted, problem) for wanted in file.said))]


def fits(wanted: tuple[int, str, str], problem: tuple[int, str, str]) -> bool:
    return wanted[:2] == problem[:2] and wanted[2] in problem[2]


def lost(before: list[list[str]], after: list[list[str]]) -> list[Any]:
    """Cells of a file that are others in its copy; a tab behind digits keeps them text."""
    pairs = [(row, [cell.rstrip("\t") for cell in other[: len(row)]]) for row, other in zip(before, after, strict=False)]
    return [pair for pair in pairs if pair[0] != pair[1]] + before[len(after) :]
