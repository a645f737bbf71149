"""A foreign spreadsheet as named rows. It is hostile until proven otherwise: the zip directory is judged first, a guarded child reads the rest."""

import json
import signal
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FILE_BYTES = 60_000_000
UNPACKED_BYTES = 600_000_000
RATIO = 400
ENTRIES = 2_000
HEADER_WITHIN = 20
_PATIENCE = 60.0
_TOO_LARGE = "工作表的范围过大（可能有一个单元格落在很远的行或列）。请把有内容的行列复制到新表后再导入。"
_EXHAUSTED = (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGABRT)


class Unreadable(Exception):  # noqa: N818  named as the fact it states
    """The file cannot be used as a whole; the sentence says why and what to do."""


@dataclass(frozen=True)
class Row:
    """One row of a sheet, by column name. Cells are text (trimmed), numbers or None."""

    sheet: str
    number: int
    cells: dict[str, str | float | None]


def read(path: Path, sheets: Mapping[str, Sequence[str]]) -> dict[str, list[Row]]:
    """The rows of the named sheets, each with the columns it must have. Raises Unreadable."""
    _judge_directory(path)
    book = _read_apart(path, list(sheets))
    missing = [name for name in sheets if name not in book["sheets"]]
    if missing:
        raise Unreadable(
            f"缺少工作表：{'、'.join(missing)}。文件中有：{'、'.join(book['names']) or '（无）'}。请使用模板：bianban template roster 文件.xlsx"
        )
    named = {name: _named(name, book["sheets"][name], columns) for name, columns in sheets.items()}
    if not any(named.values()):
        raise Unreadable(f"工作表“{'”和“'.join(sheets)}”中都没有数据行。请填写后再导入。")
    return named


def _judge_directory(path: Path) -> None:
    """Refuse what is no xlsx, or a bomb by its own directory, before anything is unpacked."""
    if not path.is_file():
        raise Unreadable(f"没有找到文件 {path}。请核对路径。")
    if path.stat().st_size > FILE_BYTES:
        raise Unreadable(f"文件超过 {FILE_BYTES // 1_000_000} MB。请分成几个文件导入。")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise Unreadable(
            "不是 .xlsx 文件（旧版 .xls、加密或损坏的文件也不行）。请在 Excel 或 WPS 中另存为“Excel 工作簿 (*.xlsx)”，不设密码。"
        ) from None
    if "xl/workbook.xml" not in {entry.filename for entry in entries}:
        raise Unreadable("文件中没有工作簿。请在 Excel 或 WPS 中另存为“Excel 工作簿 (*.xlsx)”。")
    unpacked = sum(entry.file_size for entry in entries)
    swollen = any(entry.file_size > RATIO * max(entry.compress_size, 1) and entry.file_size > 10_000_000 for entry in entries)
    if len(entries) > ENTRIES or unpacked > UNPACKED_BYTES or swollen:
        raise Unreadable("文件解压后异常庞大，已拒绝打开。请把内容复制到新的工作簿后再导入。")


def _read_apart(path: Path, sheets: list[str]) -> dict[str, dict[str, list[tuple[int, list[str | float | bool]]]]]:
    try:
        child = subprocess.run(
            [sys.executable, "-m", "deploy.imports.reader", str(path.resolve()), *sheets],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable("读取文件用时过长，已停止。请把内容复制到新的工作簿后再导入。") from None
    if child.returncode == 2 or child.returncode in _EXHAUSTED or b"MemoryError" in child.stderr:
        raise Unreadable(_TOO_LARGE)
    if child.returncode != 0:
        raise Unreadable("文件内容无法识别，可能已损坏。请在 Excel 或 WPS 中打开后另存为新的 .xlsx 文件。")
    answer: dict[str, dict[str, list[tuple[int, list[str | float | bool]]]]] = json.loads(child.stdout)
    return answer


def _named(sheet: str, rows: list[tuple[int, list[str | float | bool]]], columns: Sequence[str]) -> list[Row]:
    """Find the header (instructions may stand above it) and name the cells below."""
    headers = [[str(cell).strip().rstrip("*＊").strip() for cell in cells] for _, cells in rows[:HEADER_WITHIN]]
    position = next((place for place, titles in enumerate(headers) if columns[0] in titles and columns[1] in titles), None)
    if position is None:
        raise Unreadable(f"工作表“{sheet}”的前 {HEADER_WITHIN} 行中没有找到表头。应有的列：{'、'.join(columns)}")
    header = headers[position]
    absent = [column for column in columns if column not in header]
    doubled = [column for column in columns if header.count(column) > 1]
    if absent or doubled:
        raise Unreadable(
            f"工作表“{sheet}”的表头{'缺少列：' + '、'.join(absent) if absent else '有重复的列：' + '、'.join(doubled)}。请对照模板补正。"
        )
    places = {column: header.index(column) for column in columns}
    return [
        Row(sheet, number, {column: _value(cells[place]) for column, place in places.items()}) for number, cells in rows[position + 1 :]
    ]


def _value(cell: str | float | bool) -> str | float | None:
    if isinstance(cell, str):
        return cell.strip() or None
    return "是" if cell is True else "否" if cell is False else cell
