"""Our own sheets out, row by row: xlsx with typed columns, or CSV. Nothing that is written is ever taken for a formula.

rustpy-xlsxwriter takes 100 000 rows in the time in which xlsxwriter takes 15 000, and streams; it is young, so it is used here only. Forms with
drop-downs and merged cells are not lists: they are xlsxwriter's. Writing is bound to the processor: call it from a thread.
"""

import csv
import io
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import chain, islice
from typing import BinaryIO, TypeAlias

from rustpy_xlsxwriter import Format, write_worksheets

Cell: TypeAlias = str | int | float | date | datetime | None
Row: TypeAlias = Sequence[Cell]

MEASURED = 200
"""Rows by whose texts a column gets its width."""
WIDEST, UPRIGHT, READABLE = 40.0, 100.0, 240.0
"""Characters: of a column, of A4 upright at full size, and of A4 lying where letters are still 6 points high."""
_A4 = 9
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
    """One sheet. `mark` stands above the header: what this is, who took it, when. `key`: the column that names a row; where the others do not fit beside
    it on one sheet of paper, it begins each.
    """

    title: str
    columns: Sequence[Column]
    mark: str
    rows: Iterable[Row]
    key: int = 0


def write_book(file: BinaryIO, pages: Sequence[Page]) -> None:
    """An xlsx workbook. `file` is a real file (it may be one without a name); memory does not grow with the rows.

    A column is as wide as its header and the first rows need. On paper the mark and the header stand on each sheet, and each has its number.

    What `rows` raises is raised. RuntimeError for a text longer than a cell of Excel holds.
    """
    pages, widths = _measured(pages)
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
        column_widths={**widths},
        row_heights={title: {0: 30.0} for title in titles},
        page_setup={page.title: _paper(sum(widths[page.title].values()), page.key) for page in pages},
        ignore_errors={page.title: [each.label for each in page.columns if each.form is Form.TEXT] for page in pages},
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
_LEAST = {Form.DAY: 12.0, Form.INSTANT: 17.0}
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


def _measured(pages: Sequence[Page]) -> tuple[list[Page], dict[str, dict[str, float]]]:
    """The pages again, and how wide each column of each is, in characters of a Latin letter's width."""
    again, widths = [], {}
    for page in pages:
        rows = iter(page.rows)
        first = list(islice(rows, MEASURED))
        again.append(replace(page, rows=chain(first, rows)))
        cells = [*zip(*first, strict=True)] or [()] * len(page.columns)
        widths[page.title] = {each.label: _width(each, below) for each, below in zip(page.columns, cells, strict=True)}
    return again, widths


def _width(column: Column, cells: Iterable[Cell]) -> float:
    """Room for the mark of the filter beside the header; no text makes its column wider than a quarter of a screen."""
    texts = max((_wide(cell) for cell in cells if isinstance(cell, str)), default=0)
    return max(_wide(column.label) + 4.0, min(texts + 2.0, WIDEST), _LEAST.get(column.form, 10.0))


def _wide(text: str) -> int:
    """Chinese characters are two wide."""
    return sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in text)


def _paper(width: float, key: int) -> dict[str, object]:
    """A4: upright while it fits at its size, else lying, on as many sheets side by side as it takes to be read."""
    beside = max(1, math.ceil(width / READABLE))
    return {
        "paper_size": _A4,
        "landscape": width > UPRIGHT,
        "fit_to_pages": (beside, 0),
        "repeat_rows": (0, 1),
        "footer": "&C第 &P 页，共 &N 页",
        "margins": {"left": 0.4, "right": 0.4},
        "print_gridlines": True,
    } | ({"repeat_columns": key} if beside > 1 else {})
