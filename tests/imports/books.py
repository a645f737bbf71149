"""Workbooks for the import tests: invented units and people, every number with its right check digit unless a test spoils it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

from deploy.city.invented import Inventor
from deploy.imports.rows import COLUMNS, PERSONS, UNITS

BORN = date(1986, 3, 5)
TODAY = date(2026, 9, 18)
Cells = dict[str, Any]


def unit(**changes: Any) -> Cells:
    """One row of 单位."""
    cells: Cells = dict(
        zip(
            COLUMNS[UNITS],
            ("甲单位", USCC[0], "公益一类事业单位", None, "事业编制", "全额拨款", 2, "测编〔2020〕1号", date(2020, 3, 1)),
            strict=True,
        )
    )
    return cells | changes


def person(number: int = 0, **changes: Any) -> Cells:
    """One row of 人员; another person for each number."""
    values = (
        "甲单位",
        "事业编制",
        "全额拨款",
        f"测试{'甲乙丙丁戊己庚辛'[number]}",
        NUMBERS[number],
        "女",
        BORN,
        "专业技术人员",
        "专业技术岗位",
        "教师",
        "一级教师",
        None,
    )
    cells: Cells = dict(zip(COLUMNS[PERSONS], (*values, date(2015, 9, 1)), strict=True))
    return cells | changes


def write(path: Path, units: Sequence[Cells], persons: Sequence[Cells], above: Sequence[str] = ()) -> Path:
    """A workbook with both sheets; lines of instructions may stand above the header."""
    book = xlsxwriter.Workbook(str(path))
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for name, rows in ((UNITS, units), (PERSONS, persons)):
        sheet = book.add_worksheet(name)
        for number, line in enumerate(above):
            sheet.write_string(number, 0, line)
        columns = list(rows[0]) if rows else list(COLUMNS[name])
        sheet.write_row(len(above), 0, columns)
        for number, cells in enumerate(rows, start=len(above) + 1):
            for column, title in enumerate(columns):
                _write_cell(sheet, number, column, cells[title], day)
    book.close()
    return path


def _write_cell(sheet: Any, row: int, column: int, value: Any, day: Any) -> None:
    if isinstance(value, date):
        sheet.write_datetime(row, column, value, day)
    elif value is not None:
        sheet.write(row, column, value)


def _numbers() -> list[str]:
    inventor = Inventor(1)
    return [inventor.id_number(BORN, "F") for _ in range(8)]


NUMBERS = _numbers()
USCC = [Inventor(seed).uscc("12") for seed in range(4)]
