"""Files that were made in LibreOffice go in: every problem of every row is named, and nothing of the template is lost by being saved there."""

import io
import os
import re
import zipfile
from collections.abc import Iterable
from datetime import date

import pytest

from services.roster.commands.import_sheets import wanted_of
from services.roster.models.fields import PERSONS, Kind
from services.roster.queries.imports import ImportView
from shared.sheets.reading import ensure_readable, held
from tests.roster import by_hand
from tests.roster.importing import Office

pytestmark = pytest.mark.asyncio
BOOK = by_hand.XLSX.read_bytes()
"""Made from the first version of the template."""
_SINCE_VERSION_2 = frozenset(
    {"full_time_degree", "in_service_education", "in_service_degree", "professional_title_level", "flexible_retirement", "exit_reason"}
)


async def unsaid(office: Office, view: ImportView, rows: Iterable[tuple[by_hand.Row, str, str]]) -> list[object]:
    """Rows of which something else is said than must be."""
    said = [(row, column, sentence) for sheet, row, column, sentence in await office.said(view) if sheet == "人员"]
    wrong: list[object] = []
    for row, wanted, piece in rows:
        mine = [(column, sentence) for number, column, sentence in said if number == row.number]
        if not (any(column == wanted and piece in sentence for column, sentence in mine) if piece else mine == []):
            wrong.append((row.what, mine))
    return wrong


async def test_every_problem_of_a_file_made_in_libreoffice_is_named(office: Office) -> None:
    view = await office.check("roster", BOOK)

    assert len(by_hand.ALL) >= 50
    assert await unsaid(office, view, ((row, row.column, row.said) for row in by_hand.ALL)) == []
    counted = view.sheets["roster"]
    assert (counted.added, counted.wrong, counted.left_out) == (len(by_hand.TAKEN), len(by_hand.REFUSED), len(by_hand.LEFT_OUT))
    elsewhere = [
        (sheet, row, sentence[:8])
        for sheet, row, _, sentence in await office.said(view)
        if row not in {each.number for each in by_hand.ALL}
    ]
    assert elsewhere == [
        *(("人员", by_hand.TITLE_ROW, said) for said in ("不认识的列未导入", "此列被隐藏，也已")),
        ("人员", by_hand.TOTAL_ROW, "“合计”写的是 "),
    ]
    assert "隐藏或筛选掉的 1 行也已读入：第 48 行" in view.note
    assert "“去年人员”没有读取" in view.note
    assert "文件由模板第 1 版填写，现行为第 2 版" in view.note


async def test_its_good_rows_are_written_as_they_were_meant(office: Office) -> None:
    view = await office.write("roster", BOOK, accept_valid=True)

    assert (await office.refused(view), view.written["persons"], view.written["quotas"]) == ([], len(by_hand.TAKEN), 2)
    people = await office.database.pool.fetch("SELECT name, title, professional_title, native_place, above_rank FROM person_records")
    assert {row["name"] for row in people} == by_hand.NAMES
    assert {row["title"] for row in people} | {row["professional_title"] for row in people} == {None}
    assert {row["native_place"] for row in people} == {None, "某省某县"}
    assert sum(bool(row["above_rank"]) for row in people) == 2
    started = [row["on"] for row in await office.database.pool.fetch('SELECT lower(during) AS "on" FROM placements')]
    assert started.count(date(2021, 3, 15)) == len(by_hand.DAYS)


async def test_the_csv_that_libreoffice_saved_in_gb18030_says_the_same(office: Office) -> None:
    content = by_hand.CSV.read_bytes()
    with pytest.raises(UnicodeDecodeError):
        content.decode()
    await office.write("roster", BOOK, accept_valid=True)

    view = await office.check("roster", content, name="人员.csv")

    rows = [(row, *(row.in_csv or (row.column, row.said))) for row in by_hand.ALL]
    assert await unsaid(office, view, rows) == []
    readable = sum(1 for row in by_hand.REFUSED if row.in_csv == ("", ""))
    counted = view.sheets["roster"]
    assert (counted.same, counted.added, counted.changed) == (sum(row.in_csv in {None, ("", "")} for row in by_hand.TAKEN), readable, 0)


async def test_an_error_value_pasted_as_a_value_is_named(office: Office) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(by_hand.XLSX) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry, re.sub(rb"<f [^>]*>1/0</f>", b"", content))

    said = await office.said(await office.check("roster", target.getvalue()))

    assert [(column, sentence[:7]) for _, row, column, sentence in said if row == 72] == [("职务", "是公式的错误值")]


async def test_version_and_choices_outlive_being_saved_in_libreoffice() -> None:
    place = held([BOOK])
    try:
        assert (await ensure_readable(place, "a.xlsx", wanted_of("roster", None))).mark == "bianban:roster:1"
    finally:
        os.close(place)
    with zipfile.ZipFile(by_hand.XLSX) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    choices = [found for sheet in sheets for found in re.findall(r"<formula1>代码表!\$[A-Z]+\$2:", sheet)]
    assert len(choices) == sum(each.kind in {Kind.CODE, Kind.FLAG} and each.name not in _SINCE_VERSION_2 for each in PERSONS.fields)
