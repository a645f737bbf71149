"""The written files of a city, read as anybody would read them: by sheet title and header."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from python_calamine import CalamineWorkbook

from services.roster.models.fields import SHEETS

Line: TypeAlias = dict[str, str]


@dataclass(frozen=True)
class Books:
    """Rows by the kind of their file, by Chinese header; empty cells are empty texts."""

    sheets: dict[str, list[Line]]
    answers: list[Line]
    history: dict[str, list[Line]]

    def __getitem__(self, kind: str) -> list[Line]:
        return self.sheets[kind]


def read(folder: Path) -> Books:
    """All files of today and of history, and the key."""
    sheets = {kind: _lines(folder / f"{kind}.xlsx", sheet.title) for kind, sheet in SHEETS.items()}
    with (folder / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        answers = list(csv.DictReader(file))
    history = {path.stem: _lines(path, SHEETS[path.stem.partition("-")[0]].title) for path in sorted(folder.glob("*-*.xlsx"))}
    return Books(sheets, answers, history | {"former": _lines(folder / "former.xlsx", SHEETS["roster"].title)})


def _lines(path: Path, title: str) -> list[Line]:
    header, *rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(title).to_python()
    return [{str(name): _text(cell) for name, cell in zip(header, row, strict=True)} for row in rows]


def _text(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float) else str(cell)
