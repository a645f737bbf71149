"""Our own sheets out, row by row: xlsx with typed columns, or CSV. Nothing that is written is ever taken for a formula.

rustpy-xlsxwriter takes 100 000 rows in the time in which xlsxwriter takes 15 000, and streams; it is young, so it is used here only. Forms with
drop-downs and merged cells are not lists: they are xlsxwriter's. Writing is bound to the processor: call it from a thread.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import chain
from typing import BinaryIO, TypeAlias

from rustpy_xlsxwriter import Format, write_worksheets

Cell: TypeAlias = str | int | float | date | datetime | None
Row: TypeAlias = Sequence[Cell]

BOOK_ROWS = 1_048_576 - 2
"""How many rows a sheet of an xlsx file holds below its mark and its header."""


class Form(StrEnum):
    """What a column holds. MONTH: a day of which the month counts; INSTANT: a wall-clock time without a zone; SHARE: a ratio, shown in per cent."""

    TEXT = "text"
    DAY = "day"
    MONTH = "month"
    INSTANT = "instant"
    NUMBER = "number"
    SHARE = "share"


@dataclass(frozen=True)
class Column:
    """One column; `label` is its header and unique on its page."""

    label: str
    form: Form = Form.TEXT


@dataclass(frozen=True)
class Page:
    """One sheet. `mark` stands above the header: what this is, who took it, when."""

    title: str
    columns: Sequence[Column]
    mark: str
    rows: Iterable[Row]


def write_book(file: BinaryIO, pages: Sequence[Page]) -> None:
    """An xlsx workbook. `file` is a real file (it may be one without a name); memory does not grow with the rows.

    What `rows` raises is raised. RuntimeError for a text longer than a cell of Excel holds.
    """
    titles = [page.title for page in pages]
    write_worksheets(
        [(page.title, _records(page)) for page in pages],
        f"/proc/self/fd/{file.fileno()}",
        freeze_panes={title: {"row": 2, "col": 0} for title in titles},
        header_row=dict.fromkeys(titles, 1),
        autofilter=dict.fromkeys(titles, True),
        merge_ranges={page.title: [(0, 0, 0, max(1, len(page.columns) - 1), page.mark, _mark())] for page in pages},
        header_format=dict.fromkeys(titles, _header()),
        column_formats={page.title: {each.label: _format(each.form) for each in page.columns if each.form in _FORMATS} for page in pages},
        column_widths={page.title: {each.label: _width(each) for each in page.columns} for page in pages},
        row_heights={title: {0: 30.0} for title in titles},
    )


def write_csv(file: BinaryIO, page: Page) -> None:
    """UTF-8 with a byte order mark, by which Excel and WPS know it. What they would take for a formula or for a number is kept from it."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    out = csv.writer(text)
    out.writerow([as_csv(page.mark)])
    out.writerow([as_csv(column.label) for column in page.columns])
    turns = [_IN_CSV[column.form] for column in page.columns]
    out.writerows([turn(cell) for turn, cell in zip(turns, row, strict=True)] for row in page.rows)
    text.detach()


def as_csv(cell: Cell) -> Cell:
    """A text as it may stand in a CSV file: `'` before what begins like a formula, a tab behind digits that would be read as a number."""
    if not isinstance(cell, str) or not cell:
        return cell
    if cell[0] in _FORMULA:
        return "'" + cell
    return cell + "\t" if _DIGITS.fullmatch(cell) else cell


_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
"""The full-width ones count as formulas where the system's language is Chinese or Japanese."""
_DIGITS = re.compile(r"0\d+|\d{12,}|\d+[Ee]\d+")
_FORMATS = {Form.DAY: "yyyy-mm-dd", Form.MONTH: "yyyy-mm", Form.INSTANT: "yyyy-mm-dd hh:mm", Form.NUMBER: "0", Form.SHARE: "0.0%"}
_IN_CSV: dict[Form, Callable[[Cell], Cell]] = dict.fromkeys(Form, as_csv) | {
    Form.MONTH: lambda cell: f"{cell:%Y-%m}" if isinstance(cell, date) else as_csv(cell),
    Form.INSTANT: lambda cell: f"{cell:%Y-%m-%d %H:%M}" if isinstance(cell, datetime) else as_csv(cell),
}


def _records(page: Page) -> Iterator[dict[str, Cell]]:
    """As the writer takes them. It reads the headers from the first row, so an empty list has one row of empty cells."""
    labels = [column.label for column in page.columns]
    rows = iter(page.rows)
    first = next(rows, [None] * len(labels))
    return (dict(zip(labels, row, strict=True)) for row in chain([first], rows))


def _mark() -> Format:
    return Format().set_font_color("#808080").set_align("left").set_align("vcenter").set_text_wrap()


def _header() -> Format:
    return Format().set_bold().set_background_color("#E8EEF4").set_border_bottom("thin").set_align("center")


def _format(form: Form) -> Format:
    return Format().set_num_format(_FORMATS[form])


def _width(column: Column) -> float:
    """Chinese characters are two wide."""
    return max(2.0 * len(column.label) + 4, {Form.DAY: 12.0, Form.INSTANT: 17.0, Form.TEXT: 14.0}.get(column.form, 10.0))
