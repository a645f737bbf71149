"""The same file again, with what was found beside its rows and its cells coloured. A guarded child of its own reads and writes it.

A workbook comes back as a true copy. One that is too odd for that is written anew from its values: text, never formulas. In a CSV what could run as a
formula is quoted by an apostrophe, and digits that a spreadsheet would spoil are kept from it.
"""

import asyncio
import csv
import io
import json
import math
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from shared.sheets import archive, copied
from shared.sheets import child as reader
from shared.sheets.copied import FOUND, is_ours
from shared.sheets.reading import guarded
from shared.sheets.refusals import Unread, unreadable
from shared.sheets.writing import as_csv

PATIENCE = 300.0
LARGEST = 500_000_000
Marks = Mapping[str, Sequence[Sequence[Any]]]
"""By a sheet's own name: row number, column position or none, sentence (empty: said before of that row), whether a warning."""
_WIDTH, _BESIDE = 16, 80
_NOTE = "填写说明"
"""A sheet that is not read when the file comes again."""
_NO_COPY = (
    "原文件的内部结构特殊，核对结果无法直接加在原文件中。本文件只含读取过的工作表及其数值，没有原文件的公式、下拉选项、格式和其他工作表。"
    "请对照“核对结果”列在原文件中改正后重新上传；如原文件中没有公式，也可以直接改正本文件后上传。"
)
_QUOTED = re.compile('="[^"]*"')


async def annotated(place: int, name: str, marks: Marks) -> bytes:
    """The file held at `place` (a descriptor) with its findings, in the format it came in. Raises Unreadable."""
    target = os.memfd_create("returned")
    asked = {"path": f"/proc/self/fd/{place}", "target": f"/proc/self/fd/{target}", "suffix": Path(name).suffix.lower()}
    process = await guarded("shared.sheets.returned", asked, place, target)
    try:
        said, _ = await asyncio.wait_for(process.communicate(json.dumps(marks).encode()), PATIENCE)
        if process.returncode != 0 or said:
            raise unreadable("damaged")
        with os.fdopen(os.dup(target), "rb") as file:
            file.seek(0)
            return file.read()
    except TimeoutError:
        raise unreadable("too_slow") from None
    finally:
        os.close(target)
        with suppress(ProcessLookupError):
            process.kill()


def main(asked: Mapping[str, Any]) -> None:
    """The child: marks come on its input."""
    marks = json.load(sys.stdin)
    reader.limit_yourself(LARGEST)
    try:
        with Path(asked["path"]).open("rb") as file:
            if reader.kind_of(file, asked["suffix"]) == "csv":
                _write_csv(file, asked["target"], marks)
            else:
                _write_book(file, asked["target"], marks)
    except (Unread, MemoryError, csv.Error):
        sys.stdout.write("refused")


def _write_book(file: Any, target: str, marks: Marks) -> None:
    errors = archive.judge(file).errors
    import python_calamine as calamine  # noqa: PLC0415  only under the limits

    file.seek(0)
    source = calamine.load_workbook(file)
    try:
        copied.write(file, target, {name: _notes(source.get_sheet_by_name(name), found) for name, found in marks.items()})
    except copied.TooOdd:
        _write_anew(source, target, marks, errors)


def _notes(sheet: Any, found: Sequence[Sequence[Any]]) -> copied.Notes:
    """Our column stands where an earlier one stands, else right of all cells and of what is merged in the header."""
    cells, sentences = _by_row(found)
    head = [(number, [str(cell).strip() for cell in row]) for number, row in islice(reader.rows_of(sheet, {}), reader.HEAD)]
    ours = [(number, place) for number, row in head for place, cell in enumerate(row) if is_ours(cell)]
    header, column = ours[0] if ours else (_header(head), (sheet.end or (0, 0))[1] + 1)
    if not ours:
        merged = sheet.merged_cell_ranges or []
        column = max([column, *(right + 1 for (top, _), (bottom, right) in merged if top < header <= bottom + 1)])
    by_row: dict[int, dict[int, bool]] = defaultdict(dict)
    for (row, place), warning in cells.items():
        by_row[row][place] = warning
    return copied.Notes(column, header, bool(ours), by_row, {row: "；".join(said) for row, said in sentences.items()})


def _header(head: Sequence[tuple[int, Sequence[str]]]) -> int:
    """The first row with more than one cell (a title is one cell), else the first with any."""
    filled = [(sum(map(bool, row)), number) for number, row in head]
    return next((number for many, number in filled if many > 1), next((number for many, number in filled if many), 1))


def _write_anew(source: Any, target: str, marks: Marks, errors: Mapping[str, Mapping[int, dict[int, str]]]) -> None:
    """From the values, with a note that this is no true copy."""
    import xlsxwriter  # noqa: PLC0415  only under the limits

    shared_memory = "/dev/shm"  # noqa: S108  half-written rows stay in memory, never on a disk
    made = xlsxwriter.Workbook(target, {"constant_memory": True, "tmpdir": shared_memory if Path(shared_memory).is_dir() else None})
    formats = {
        False: made.add_format({"bg_color": "#FFC7CE", "num_format": "@"}),
        True: made.add_format({"bg_color": "#FFEB9C", "num_format": "@"}),
        None: made.add_format({"num_format": "@"}),
    }
    for name, found in marks.items():
        sheet = source.get_sheet_by_name(name)
        rows = reader.rows_of(sheet, dict(errors.get(name, {})))
        _write_sheet(made.add_worksheet(name[:31]), (sheet.end or (0, 0))[1] + 1, rows, found, formats)
    if _NOTE not in marks:
        made.add_worksheet(_NOTE).write_string(0, 0, _NO_COPY)
    made.close()


def _write_sheet(
    target: Any, width: int, rows: Iterator[reader.Row], found: Sequence[Sequence[Any]], formats: Mapping[bool | None, Any]
) -> None:
    cells, sentences = _by_row(found)
    target.set_column(0, max(0, width - 1), _WIDTH)
    target.set_column(width, width, _BESIDE)
    first, headed = True, False
    for number, row in rows:
        for place, cell in enumerate(row):
            if (value := reader.value(cell)) is not None or (number, place) in cells:
                _write_cell(target, number - 1, place, value, formats[cells.get((number, place))])
        filled = sum(cell != "" for cell in row)
        if said := [*([FOUND] if first and filled else ()), *sentences.get(number, ())]:
            target.write_string(number - 1, width, "；".join(said)[:32_000], formats[None])
        first = first and not filled
        if filled > 1 and not headed:  # a title is one cell
            headed = True
            target.freeze_panes(number, 0)


def _write_csv(file: Any, target: str, marks: Marks) -> None:
    [(_, found)] = marks.items() if marks else [("", [])]
    _, sentences = _by_row(found)
    file.seek(0)
    with Path(target).open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        for number, row in enumerate(_alike_long(list(_csv_rows(file))), start=1):
            writer.writerow([*map(_harmless, row), "；".join([*([FOUND] if number == 1 else ()), *sentences.get(number, ())])])


def _csv_rows(file: Any) -> Iterator[list[str]]:
    lines = list(reader.csv_lines(file))
    delimiter = reader.delimiter_of(lines)
    if lines and reader.TOLD.fullmatch(lines[0]):  # the copy is divided by commas
        lines[0] = "\n"
    return csv.reader(io.StringIO("".join(lines)), delimiter=delimiter, strict=True)


def _alike_long(rows: Sequence[list[str]]) -> Iterator[list[str]]:
    """Each with as many cells, so that our column is one, and without that of an earlier time."""
    longest = max(map(len, rows), default=0)
    ours = next((place for place, title in enumerate(rows[0]) if is_ours(title)), longest) if rows else longest
    for row in rows:
        full = row + [""] * (longest - len(row))
        yield full[:ours] + full[ours + 1 :]


def _by_row(found: Sequence[Sequence[Any]]) -> tuple[dict[tuple[int, int], bool], dict[int, list[str]]]:
    """Cells to colour (an error wins over a warning), and the sentences of each row."""
    cells: dict[tuple[int, int], bool] = {}
    sentences: dict[int, list[str]] = defaultdict(list)
    for row, place, sentence, warning in found:
        if sentence:
            sentences[row].append(sentence)
        if place is not None:
            cells[row, place] = cells.get((row, place), True) and warning
    return cells, sentences


def _write_cell(target: Any, row: int, place: int, value: Any, style: Any) -> None:
    """A number stays a number, so that what is doubtful about it stays doubtful; all else is text."""
    if isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value):
        target.write_number(row, place, value, style)
    else:
        target.write_string(row, place, "" if value is None else str(value), style)


def _harmless(cell: str) -> str:
    """A text in quotes behind = is that text, and as such it was kept from being a number."""
    if _QUOTED.fullmatch(cell) or not cell.strip("-－"):
        return cell
    return f"'{cell}" if cell.startswith("|") else str(as_csv(cell))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
