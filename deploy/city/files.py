"""The city as files: one workbook for each sheet of services/roster/models/fields.py, those of its history, and the answer key.

History: `units-2016.xlsx` and `quotas-2016.xlsx`, … (only what was otherwise at the end of that year), `reforms.csv` (what units were called and which
were merged), `former.xlsx` (who has left: the sheet of people, with 出编时间, 出编原因 and 出编文号).
"""

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from rustpy_xlsxwriter import FastExcel

from deploy.city import answers
from deploy.city.city import City
from deploy.city.history import History, Reform
from deploy.city.plan import Cell, Cells
from services.roster.models.fields import PERSONS, QUOTAS, SHEETS, UNITS, Sheet

FORMER, REFORMS = "former", "reforms"
_OF_REFORM = {
    "uscc": "统一社会信用代码",
    "former": "原单位名称",
    "name": "现单位名称",
    "short_name": "现单位简称",
    "on": "生效日期",
    "document_no": "批准文号",
    "into": "并入单位",
}

NOTE = "演示数据：城市、单位、人员、号码和文号均为虚构（区划代码 330499、330498 从未分配），不得与任何真实单位或个人对应。"


def write(city: City, folder: Path) -> None:
    """Write `units.xlsx`, …, `offestablishment.xlsx`, the files of history and `answers.csv`. The same city, the same sheets byte by byte."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, sheet in SHEETS.items():
        _write(folder / f"{kind}.xlsx", sheet, city.rows[kind])
    _write_history(city.history, folder)
    answers.write(folder / "answers.csv", city.answers)


def _write_history(history: History, folder: Path) -> None:
    for year, rows in sorted(history.quotas.items()):
        _write(folder / f"quotas-{year}.xlsx", QUOTAS, rows)
    if history.people:
        _write(folder / f"{FORMER}.xlsx", PERSONS, history.people)
    if history.reforms:
        _write(folder / f"units-{min(history.quotas, default=history.reforms[0].on.year - 1)}.xlsx", UNITS, history.units)
        with (folder / f"{REFORMS}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([_OF_REFORM.values(), *([getattr(each, name) for name in _OF_REFORM] for each in history.reforms)])


def reforms_of(book: bytes) -> list[Reform]:
    """The lines of a written `reforms.csv`."""
    names = {label: name for name, label in _OF_REFORM.items()}
    lines = ({names[label]: cell for label, cell in line.items()} for line in csv.DictReader(book.decode("utf-8-sig").splitlines()))
    return [Reform(**{**line, "on": date.fromisoformat(line["on"])}) for line in lines]  # type: ignore[arg-type]  # the day is one, the rest are texts


def _write(path: Path, sheet: Sheet, rows: list[Cells]) -> None:
    book = FastExcel(str(path)).format(bold_headers=True).freeze(row=1)
    book.sheet(sheet.title, _rows(sheet, rows)).sheet("填写说明", [{"演示数据": NOTE}]).save()


def _rows(sheet: Sheet, rows: list[Cells]) -> Iterator[dict[str, Cell | None]]:
    columns = [(each.label, each.name) for each in sheet.fields]
    return ({label: cells.get(name) for label, name in columns} for cells in rows)


def books(folder: Path) -> dict[str, bytes]:
    """The files of a written city, by their names without ending: those of today by their kind, those of history where they are."""
    history = {
        path.stem: path.read_bytes()
        for path in (*folder.glob("*-*.xlsx"), folder / f"{FORMER}.xlsx", folder / f"{REFORMS}.csv")
        if path.exists()
    }
    return {kind: (folder / f"{kind}.xlsx").read_bytes() for kind in SHEETS} | history
