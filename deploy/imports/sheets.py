"""Spreadsheets we hand out: the empty template, and the user's rows again with what was found beside them. Cells are text, never formulas."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import xlsxwriter

from deploy.imports.rows import COLUMNS, PERSONS, UNITS, Codes, Problem
from deploy.imports.workbook import Row

_ROWS = 5_000
_HELP = (
    "填写说明",
    "1. 工作表“单位”：每个单位的每一种编制类型和经费形式占一行；同一单位的名称、代码、类别、主管部门各行一致。",
    "2. 主管部门填单位名称，可以是本表中的单位，也可以是系统中已有的单位；没有的留空。",
    "3. 工作表“人员”：每人一行；单位名称与工作表“单位”一致；编制类型和经费形式须是该单位已核定的。",
    "4. 公民身份号码、统一社会信用代码按文本填写。出生日期与公民身份号码不同的，填档案认定的日期，以该日期为准。",
    "5. 日期写作 2026-09-18。退休类别可留空；填写时用：男60、女55、女50、特殊（县处级或高级职称女性）。",
    "6. 填好后核对：bianban import roster 本文件.xlsx；核对不写入数据。",
)


def write_template(path: Path, codes: Codes) -> None:
    """An empty workbook with instructions, headers and choices."""
    book = xlsxwriter.Workbook(str(path))
    bold, text = book.add_format({"bold": True, "bg_color": "#DDEBF7"}), book.add_format({"num_format": "@"})
    notes = book.add_worksheet("填写说明")
    notes.set_column(0, 0, 110)
    for number, line in enumerate(_HELP):
        notes.write_string(number, 0, line)
    choices: dict[str, Iterable[str]] = {
        "单位类别": codes.categories,
        "编制类型": codes.kinds,
        "经费形式": codes.fundings,
        "人员身份": codes.identities,
        "岗位类别": codes.post_categories,
        "退休类别": codes.retirement_categories,
        "性别": ("男", "女"),
    }
    lists = _write_lists(book, choices)
    for name in (UNITS, PERSONS):
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for column, title in enumerate(COLUMNS[name]):
            sheet.set_column(column, column, 20, text)
            sheet.write_string(0, column, title, bold)
            if title in lists:
                sheet.data_validation(1, column, _ROWS, column, {"validate": "list", "source": lists[title]})
    notes.activate()
    book.close()


def _write_lists(book: Any, choices: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The choices on a sheet of their own (a list inside a cell rule may not be longer than 255 characters)."""
    sheet = book.add_worksheet("代码表")
    ranges: dict[str, str] = {}
    for column, (title, labels) in enumerate(choices.items()):
        values = [title, *labels]
        for row, value in enumerate(values):
            sheet.write_string(row, column, value)
        letter = chr(ord("A") + column)
        ranges[title] = f"=代码表!${letter}$2:${letter}${len(values)}"
    return ranges


def write_report(path: Path, rows: Mapping[str, list[Row]], problems: Iterable[Problem]) -> None:
    """The same columns with one more: what was found in the row."""
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for problem in problems:
        found[problem.sheet, problem.row].append(f"{'提示' if problem.warning else '错误'}·{problem.column}：{problem.sentence}")
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    text, red = book.add_format({"num_format": "@"}), book.add_format({"font_color": "#C00000", "text_wrap": True})
    for name in (UNITS, PERSONS):
        sheet = book.add_worksheet(name)
        sheet.set_column(0, len(COLUMNS[name]) - 1, 18, text)
        sheet.set_column(len(COLUMNS[name]), len(COLUMNS[name]), 80)
        for column, title in enumerate((*COLUMNS[name], "核对结果")):
            sheet.write_string(0, column, title)
        for number, row in enumerate(rows[name], start=1):
            for column, title in enumerate(COLUMNS[name]):
                cell = row.cells[title]
                sheet.write_string(number, column, "" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell), text)
            sheet.write_string(number, len(COLUMNS[name]), "；".join(found[name, row.number]), red)
    book.close()
