"""Our own sheets out: typed cells, nothing that a spreadsheet would run, and nothing it would spoil."""

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime

import pytest
from python_calamine import CalamineWorkbook

from shared.sheets.child import LONGEST_CELL
from shared.sheets.writing import MEASURED, Column, Form, Page, Row, write_book, write_csv

COLUMNS = (
    Column("文字"),
    Column("日", Form.DAY),
    Column("月", Form.MONTH),
    Column("时", Form.INSTANT),
    Column("数", Form.NUMBER),
    Column("率", Form.SHARE),
)
FULL: Row = ("𠮷·甲", date(2020, 3, 4), date(2020, 3, 1), datetime(2020, 3, 4, 5, 6), -3, 0.875)  # noqa: DTZ001  a wall clock's time
NOTHING: Row = (None,) * 6


def book(rows: Iterable[Row], *more: Page) -> bytes:
    with tempfile.TemporaryFile() as file:
        write_book(file, [Page("甲", COLUMNS, "谁 何时", rows), *more])
        file.seek(0)
        return file.read()


def text(rows: Iterable[Row], columns: tuple[Column, ...] = COLUMNS) -> list[list[str]]:
    with tempfile.TemporaryFile() as file:
        write_csv(file, Page("甲", columns, "谁 何时", rows))
        file.seek(0)
        content = file.read()
    assert content.startswith("\ufeff".encode())
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_cell_comes_back_as_what_it_was() -> None:
    read = CalamineWorkbook.from_filelike(io.BytesIO(book([FULL, NOTHING, FULL]))).get_sheet_by_name("甲").to_python()

    assert read[0][0] == "谁 何时"
    assert read[1] == [column.label for column in COLUMNS]
    assert tuple(read[2]) == FULL
    assert read[3] == [""] * 6
    assert tuple(read[4]) == FULL


def test_header_and_mark_stay_in_sight_and_dates_look_like_dates() -> None:
    with zipfile.ZipFile(io.BytesIO(book([FULL], Page("乙", COLUMNS[:1], "谁", [("一",)])))) as parts:
        sheet, styles = parts.read("xl/worksheets/sheet1.xml").decode(), parts.read("xl/styles.xml").decode()

    assert 'ySplit="2"' in sheet
    assert all(form in styles for form in ("yyyy-mm-dd", "yyyy-mm", "yyyy-mm-dd hh:mm", "0.0%"))


def sheet_xml(page: Page) -> tuple[str, str]:
    """The first sheet, and what the book says of it."""
    with tempfile.TemporaryFile() as file:
        write_book(file, [page])
        with zipfile.ZipFile(file) as parts:
            return parts.read("xl/worksheets/sheet1.xml").decode(), parts.read("xl/workbook.xml").decode()


def test_a_column_is_as_wide_as_what_stands_in_it_and_no_text_makes_it_wider_than_that() -> None:
    columns = (Column("单位编码"), Column("单位名称"), Column("职责"), Column("是否"))
    sheet, _ = sheet_xml(Page("甲", columns, "谁", [("113304990236224271", "望汐市教育局", "职责" * 200, "是")]))

    widths = [float(each) for each in re.findall(r'<col [^>]*width="([0-9.]+)"', sheet)]

    assert [round(each) for each in widths] == [21, 15, 41, 11]
    assert '<ignoredError sqref="A3 B3 C3 D3" numberStoredAsText="1"/>' in sheet


@pytest.mark.parametrize(
    ("count", "way", "beside", "begins"), [(4, "portrait", 1, ""), (10, "landscape", 1, ""), (40, "landscape", 3, "甲!$B:$B,")]
)
def test_a_list_is_printed_readably_with_its_mark_and_header_on_each_numbered_sheet(count: int, way: str, beside: int, begins: str) -> None:
    columns = [Column(f"列列列列列列{number}") for number in range(count)]
    sheet, book = sheet_xml(Page("甲", columns, "谁", [("文字",) * count], key=1))

    setup = re.search(r"<pageSetup [^>]*>", sheet)
    wide = re.search(r'fitToWidth="(\d+)"', setup[0]) if setup else None
    assert setup
    assert (f'orientation="{way}"' in setup[0], 'paperSize="9"' in setup[0], 'fitToHeight="0"' in setup[0]) == (True,) * 3
    assert int(wide[1] if wide else 1) == beside
    assert f"{begins}甲!$1:$2<" in book
    assert "第 &amp;P 页，共 &amp;N 页" in sheet


def test_all_rows_are_written_that_were_looked_at_for_the_widths() -> None:
    rows: list[Row] = [(f"{number}",) for number in range(3 * MEASURED + 1)]
    with tempfile.TemporaryFile() as file:
        write_book(file, [Page("甲", (COLUMNS[0],), "谁", iter(rows))])
        file.seek(0)
        read = CalamineWorkbook.from_filelike(file).get_sheet_by_name("甲").to_python()

    assert [tuple(row) for row in read[2:]] == rows


@pytest.mark.parametrize("cell", ["=1+1", "+86", "-1+2", "@SUM(A1)", "\tx", "\rx", "＝1＋1", "=cmd|' /C calc'!A0"])
def test_nothing_is_a_formula(cell: str) -> None:
    columns = (COLUMNS[0],)
    with tempfile.TemporaryFile() as file:
        write_book(file, [Page("甲", columns, cell, [(cell,)])])
        with zipfile.ZipFile(file) as parts:
            sheet = parts.read("xl/worksheets/sheet1.xml")

    assert b"<f>" not in sheet
    assert [line[0][0] for line in text([(cell,)], columns)[2:]] == ["'"]


@pytest.mark.parametrize("digits", ["330499196501150013", "01", "007"])
def test_digits_that_a_spreadsheet_would_spoil_are_kept_as_text(digits: str) -> None:
    assert text([(digits,)], (COLUMNS[0],))[2] == [digits + "\t"]


def test_numbers_and_dates_in_csv_are_plain() -> None:
    assert text([FULL, NOTHING])[2:] == [["𠮷·甲", "2020-03-04", "2020-03", "2020-03-04 05:06", "-3", "0.875"], [""] * 6]


def test_what_the_rows_raise_is_raised_and_an_overlong_text_is_refused() -> None:
    def broken() -> Iterator[Row]:
        yield FULL
        raise KeyError("x")

    with pytest.raises(KeyError):
        book(broken())
    with pytest.raises(RuntimeError):
        book([("字" * (LONGEST_CELL + 1), *FULL[1:])])
