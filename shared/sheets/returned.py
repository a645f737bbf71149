"""The same file again, with what was found beside its rows and its cells coloured. A guarded child of its own reads and writes it.

Cells are text, never formulas; in a CSV what could run as one is quoted by an apostrophe.
"""

import asyncio
import csv
import io
import json
import math
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from shared.sheets import archive
from shared.sheets import child as reader
from shared.sheets.reading import guarded
from shared.sheets.refusals import Unread, unreadable

FOUND = "核对结果"
PATIENCE = 300.0
LARGEST = 500_000_000
Marks = Mapping[str, Sequence[Sequence[Any]]]
"""By a sheet's own name: row number, column position or none, sentence (empty: said before of that row), whether a warning."""
_WIDTH, _BESIDE = 16, 80
_RUNS = ("=", "+", "-", "@", "\t", "\r", "|")


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
    except (Unread, MemoryError):
        sys.stdout.write("refused")


def _write_book(file: Any, target: str, marks: Marks) -> None:
    errors = archive.judge(file).errors
    import python_calamine as calamine  # noqa: PLC0415  only under the limits
    import xlsxwriter  # noqa: PLC0415  as above

    file.seek(0)
    source = calamine.load_workbook(file)
    shared_memory = "/dev/shm"  # noqa: S108  half-written rows stay in memory, never on a disk
    made = xlsxwriter.Workbook(target, {"constant_memory": True, "tmpdir": shared_memory if Path(shared_memory).is_dir() else None})
    formats = {
        False: made.add_format({"bg_color": "#FFC7CE", "num_format": "@"}),
        True: made.add_format({"bg_color": "#FFEB9C", "num_format": "@"}),
        None: made.add_format({"num_format": "@"}),
    }
    for name, found in marks.items():
        sheet = source.get_sheet_by_name(name)
        rows = reader.rows_of(sheet, errors.get(name, {}))
        _write_sheet(made.add_worksheet(name[:31]), (sheet.end or (0, 0))[1] + 1, rows, found, formats)
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
        if number in sentences:
            target.write_string(number - 1, width, "；".join(sentences[number])[:32_000], formats[None])
        elif first and any(cell != "" for cell in row):
            target.write_string(number - 1, width, FOUND, formats[None])
        filled = sum(cell != "" for cell in row)
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
        for number, row in enumerate(_csv_rows(file), start=1):
            writer.writerow([*map(_harmless, row), FOUND if number == 1 else "；".join(sentences.get(number, ()))])


def _csv_rows(file: Any) -> Iterator[list[str]]:
    lines = list(reader.csv_lines(file))
    first = lines[0] if lines else ""
    return csv.reader(io.StringIO("".join(lines)), delimiter=max(",\t;", key=first.count))


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
    return f"'{cell}" if cell.startswith(_RUNS) and cell.strip("-") else cell


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
