"""Spreadsheets we hand out to be filled in: instructions, headers with choices below them, and a mark by which they are recognised on return."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from shared.sheets.reading import MARK

_ROWS = 20_000
_INSTRUCTIONS, _CHOICES = "填写说明", "代码表"


@dataclass(frozen=True)
class Column:
    """One column: its header, whether it must be filled in, what is said of it, an example, and what may be chosen."""

    title: str
    required: bool = False
    hint: str = ""
    example: str = ""
    choices: Sequence[str] = ()


@dataclass(frozen=True)
class Form:
    """One sheet to be filled in, with its instructions."""

    title: str
    mark: str
    notes: Sequence[str]
    columns: Sequence[Column]


def form_of(form: Form) -> bytes:
    """The workbook. All cells are text, so that nothing loses digits; the example stands in the instructions, where it is not imported."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    bold = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True, "valign": "vcenter"})
    needed = book.add_format({"bold": True, "bg_color": "#F8CBAD", "border": 1, "text_wrap": True, "valign": "vcenter"})
    text = book.add_format({"num_format": "@"})
    instructions = book.add_worksheet(_INSTRUCTIONS)
    sheet = book.add_worksheet(form.title)
    ranges = _write_choices(book, form.columns)
    _write_instructions(instructions, form, bold)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    for each in (sheet, instructions):
        each.set_paper(9)  # A4
        each.set_landscape()
    instructions.fit_to_pages(1, 0)
    for place, column in enumerate(form.columns):
        sheet.set_column(place, place, max(12, 2 * len(column.title) + 4), text)
        sheet.write_string(0, place, f"{column.title}*" if column.required else column.title, needed if column.required else bold)
        if column.hint:
            sheet.write_comment(0, place, column.hint)
        if column.title in ranges:
            sheet.data_validation(1, place, _ROWS, place, {"validate": "list", "source": ranges[column.title], "error_type": "warning"})
    mark = book.add_worksheet(MARK)
    mark.write_string(0, 0, form.mark)
    mark.very_hidden()
    sheet.activate()
    book.close()
    return target.getvalue()


def _write_choices(book: Any, columns: Sequence[Column]) -> dict[str, str]:
    """The choices on a sheet of their own: a list inside a cell rule may not be longer than 255 characters."""
    sheet = book.add_worksheet(_CHOICES)
    ranges: dict[str, str] = {}
    for place, column in enumerate(each for each in columns if each.choices):
        for row, value in enumerate([column.title, *column.choices]):
            sheet.write_string(row, place, value)
        letter = xl_col_to_name(place, col_abs=True)
        ranges[column.title] = f"={_CHOICES}!{letter}$2:{letter}${len(column.choices) + 1}"
    return ranges


def _write_instructions(sheet: Any, form: Form, bold: Any) -> None:
    for number, line in enumerate(form.notes):
        sheet.write_string(number, 0, line)
    top = len(form.notes) + 1
    for place, title in enumerate(("列名", "必填", "说明", "示例")):
        sheet.write_string(top, place, title, bold)
    for number, column in enumerate(form.columns, start=top + 1):
        for place, cell in enumerate((column.title, "是" if column.required else "", column.hint, column.example)):
            sheet.write_string(number, place, cell)
    sheet.set_column(0, 0, 24)
    sheet.set_column(2, 3, 44)
