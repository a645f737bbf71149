"""The guarded child: opens one spreadsheet under hard limits of memory and time, and prints its rows as JSON.

A sheet of 1 KB can make the parser ask for 2³⁴ cells, which ends the process and cannot be caught; so it is never opened in ours.
"""

import datetime as dt
import json
import resource
import sys
from typing import Any

MEMORY = 2**30
SECONDS = 20
ROWS = 200_000
COLUMNS = 200


def main(path: str, sheets: list[str]) -> int:
    """Print `{"names": […], "sheets": {name: [[row number, [cell, …]], …]}}`; empty rows are left out. 2: a sheet is too large, 3: unreadable."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    import python_calamine  # noqa: PLC0415  only under the limits

    try:
        book = python_calamine.load_workbook(path)
        found = {name: _rows(book.get_sheet_by_name(name)) for name in book.sheet_names if name.strip() in sheets}
    except (python_calamine.CalamineError, OSError, ValueError):
        return 3
    if any(rows is None for rows in found.values()):
        return 2
    json.dump({"names": book.sheet_names, "sheets": {name.strip(): rows for name, rows in found.items()}}, sys.stdout)
    return 0


def _rows(sheet: Any) -> list[tuple[int, list[object]]] | None:
    """The rows that hold something, with their number in the sheet; None when there are too many."""
    if sheet.total_height > ROWS or sheet.total_width > COLUMNS:
        return None
    return [
        (number, [_cell(cell) for cell in row]) for number, row in enumerate(sheet.iter_rows(), start=1) if any(cell != "" for cell in row)
    ]


def _cell(value: object) -> object:
    """Text, number, truth value, or a date as ISO text; a time of day at midnight is dropped."""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        return str(value)
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
