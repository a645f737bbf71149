"""The city as files: one workbook for each sheet of services/roster/models/fields.py, and the answer key."""

from collections.abc import Iterator
from pathlib import Path

from rustpy_xlsxwriter import FastExcel

from deploy.city import answers
from deploy.city.city import City
from deploy.city.plan import Cell, Cells
from services.roster.models.fields import SHEETS, Sheet

NOTE = "演示数据：城市、单位、人员、号码和文号均为虚构（区划代码 330499、330498 从未分配），不得与任何真实单位或个人对应。"


def write(city: City, folder: Path) -> None:
    """Write `units.xlsx`, …, `offestablishment.xlsx` and `answers.csv`. The same city, the same sheets byte by byte."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, sheet in SHEETS.items():
        book = FastExcel(str(folder / f"{kind}.xlsx")).format(bold_headers=True).freeze(row=1)
        book.sheet(sheet.title, _rows(sheet, city.rows[kind])).sheet("填写说明", [{"演示数据": NOTE}]).save()
    answers.write(folder / "answers.csv", city.answers)


def _rows(sheet: Sheet, rows: list[Cells]) -> Iterator[dict[str, Cell | None]]:
    columns = [(each.label, each.name) for each in sheet.fields]
    return ({label: cells.get(name) for label, name in columns} for cells in rows)


def books(folder: Path) -> dict[str, bytes]:
    """The files of a written city, by their kind."""
    return {kind: (folder / f"{kind}.xlsx").read_bytes() for kind in SHEETS}
