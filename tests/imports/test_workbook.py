"""A foreign file is hostile until proven otherwise, and its rows keep the numbers the user sees."""

import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from deploy.imports import workbook
from deploy.imports.rows import COLUMNS, PERSONS, UNITS
from deploy.imports.workbook import Unreadable, read
from tests.imports import books


def test_rows_keep_their_numbers_below_instructions_and_over_empty_lines(tmp_path: Path) -> None:
    path = books.write(
        tmp_path / "a.xlsx", [books.unit(), dict.fromkeys(COLUMNS[UNITS]), books.unit()], [books.person()], above=["说明", "请勿改动表头"]
    )

    rows = read(path, COLUMNS)

    assert [row.number for row in rows[UNITS]] == [4, 6]
    assert rows[UNITS][0].cells["批准日期"] == "2020-03-01"
    assert rows[UNITS][0].cells["编制数"] == 2.0
    assert rows[PERSONS][0].cells["公民身份号码"] == books.NUMBERS[0]


def test_columns_may_stand_in_any_order_with_others_between(tmp_path: Path) -> None:
    shuffled = {"备注": "随意", **dict(reversed(books.unit().items()))}

    rows = read(books.write(tmp_path / "a.xlsx", [shuffled], [books.person()]), COLUMNS)

    assert rows[UNITS][0].cells["单位名称"] == "甲单位"


def test_a_sheet_of_a_few_kilobytes_that_asks_for_all_memory_is_refused(tmp_path: Path) -> None:
    path = books.write(tmp_path / "a.xlsx", [books.unit()], [books.person()])
    book = xlsxwriter.Workbook(str(path))
    for name in (UNITS, PERSONS):
        sheet = book.add_worksheet(name)
        sheet.write(0, 0, "单位名称")
        sheet.write(1_048_575, 16_383, "x")
    book.close()

    assert path.stat().st_size < 10_000
    with pytest.raises(Unreadable, match="范围过大"):
        read(path, COLUMNS)


def test_a_bomb_is_refused_by_its_directory_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 50_000_000)

    with pytest.raises(Unreadable, match="异常庞大"):
        read(path, COLUMNS)


def test_a_workbook_that_holds_nothing_but_blanks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", b"<workbook>" + b" " * 9_000_000)

    with pytest.raises(Unreadable):
        read(path, COLUMNS)


@pytest.mark.parametrize("content", [b"", b"\xd0\xcf\x11\xe0" + b"\0" * 2000, b"PK\x03\x04 broken", "单位名称,编制数".encode()])
def test_what_is_no_xlsx_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)

    with pytest.raises(Unreadable, match=r"另存为.*\.xlsx"):
        read(path, COLUMNS)


def test_a_file_is_found_from_the_folder_the_user_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    books.write(tmp_path / "a.xlsx", [books.unit()], [books.person()])
    monkeypatch.chdir(tmp_path)

    assert len(read(Path("a.xlsx"), COLUMNS)[UNITS]) == 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="没有找到文件"):
        read(tmp_path / "nothing.xlsx", COLUMNS)


def test_a_wrong_template_fails_loudly(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    book.add_worksheet("Sheet1").write(0, 0, "姓名")
    book.close()

    with pytest.raises(Unreadable, match="缺少工作表：单位、人员。文件中有：Sheet1"):
        read(tmp_path / "a.xlsx", COLUMNS)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    cells = books.person()
    del cells["退休类别"]

    with pytest.raises(Unreadable, match="缺少列：退休类别"):
        read(books.write(tmp_path / "a.xlsx", [books.unit()], [cells]), COLUMNS)


def test_a_sheet_with_too_many_rows_is_refused(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"), {"constant_memory": True})
    for name in (UNITS, PERSONS):
        sheet = book.add_worksheet(name)
        sheet.write(0, 0, "单位名称")
        sheet.write(200_001, 0, "x")
    book.close()

    with pytest.raises(Unreadable, match="范围过大"):
        read(tmp_path / "a.xlsx", COLUMNS)


def test_the_file_is_never_opened_in_our_own_process() -> None:
    assert "calamine" not in Path(workbook.__file__).read_text(encoding="utf-8")


def test_an_empty_template_is_no_import(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="没有数据行"):
        read(books.write(tmp_path / "a.xlsx", [], []), COLUMNS)
