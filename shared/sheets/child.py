"""The guarded child: opens one foreign file under hard limits of memory and time, and hands its cells over, line by line, as JSON.

A sheet of 1 KB can make the parser ask for 2³⁴ cells, which ends the process and cannot be caught; so it is never opened in ours. The child has no
secret, no network, no file of its own. It speaks first: the book, then each sheet's first rows; the reader answers which columns it wants.
"""

import codecs
import csv
import datetime as dt
import io
import json
import re
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import to_json

from shared.sheets import archive
from shared.sheets.looks import MONTH, Look
from shared.sheets.refusals import Unread

MEMORY = 2**30
SECONDS = 30
ROWS = 200_000
COLUMNS = 300
HEAD = 40
CHUNK, CHUNK_CHARACTERS = 250, 500_000
LONGEST_LINE = 2**20
LONGEST_CELL, LONGEST_TITLE = 32_767, 200  # as many as a cell of Excel holds
LONGEST_MATCH = 500
_OFFERED = 10
"""Sheets of other names that the reader is asked about."""
MATCHING_SECONDS, MATCHING_A_ROW = 10.0, 0.5
"""Of processor, for all matches in a sheet and for those in one row: patterns that mean something take a second for a county."""
Row = tuple[int, list[Any]]
Ranges = Sequence[tuple[tuple[int, int], tuple[int, int]]]
TOLD = re.compile(r"(?i:sep)=([^\w\s\"]|\t)\s*")
"""How Excel is told in the first line of a CSV what divides it."""
_DAY = re.compile(r"[0-9]{4}-([0-9]{2})-([0-9]{2})")
_QUOTED = re.compile(r'"[^"]*"')
_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04"
_OTHERS = (
    (b"%PDF", " PDF"),
    (b"\x89PNG", "图片"),
    (b"\xff\xd8\xff", "图片"),
    (b"GIF8", "图片"),
    (b"Rar!", "压缩包"),
    (b"7z\xbc\xaf", "压缩包"),
    (b"\x1f\x8b", "压缩包"),
    (b"MZ", "程序"),
    (b"\x7fELF", "程序"),
)


def main(asked: dict[str, Any]) -> None:
    """`asked`: `path`, `suffix`, `sheets` (titles wanted), `lone` (the title given to the only sheet of a book, or of a CSV), `mark` (a hidden sheet),
    `plain` (an earlier child has judged the archive, and found it plain).
    """
    limit_yourself()
    try:
        with Path(asked["path"]).open("rb") as file:
            kind = kind_of(file, asked["suffix"])
            if kind == "csv":
                _serve_csv(file, asked)
            else:
                _serve_book(file, asked)
        say(end=True)
    except Unread as refusal:
        say(refused=refusal.code, facts=refusal.facts)
    except MemoryError:
        say(refused="too_wide", facts={})


def limit_yourself(written_bytes: int = 0) -> None:
    """Memory, time, no core dump, and no file written beyond so many bytes."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (written_bytes, written_bytes))


def kind_of(file: BinaryIO, suffix: str) -> str:
    """`xlsx` or `csv`, by what is in it; its name must say the same. Raises Unread."""
    head = file.read(4096)
    if not head.strip():
        raise Unread("nothing")
    if suffix in {".xlsm", ".xlsb", ".xltm", ".xlam"}:
        raise Unread("macros")
    if head.startswith(_OLE):
        raise Unread("locked" if "EncryptedPackage".encode("utf-16-le") in head + file.read() else "old_format")
    found = next((words for magic, words in _OTHERS if head.startswith(magic)), None)
    if found:
        raise Unread("mislabelled", suffix=suffix or "（无扩展名）", found=found)
    if re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:html|!doctype|table|\?xml|meta|style)", head, re.IGNORECASE):
        raise Unread("web_page")
    kind = "xlsx" if head.startswith(_ZIP) else "csv"
    if suffix not in {".xlsx", ".csv", ".txt"}:
        raise Unread("suffix")
    if (suffix == ".xlsx") != (kind == "xlsx"):
        raise Unread("mislabelled", suffix=suffix, found=" Excel 工作簿" if kind == "xlsx" else "文本")
    return kind


def say(**words: Any) -> None:
    """One line to the reader."""
    sys.stdout.buffer.write(to_json(words) + b"\n")
    sys.stdout.buffer.flush()


def heard() -> dict[str, Any]:
    """The reader's next line."""
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)  # nobody listens any more
    answer: dict[str, Any] = json.loads(line)
    return answer


def _serve_book(file: BinaryIO, asked: dict[str, Any]) -> None:
    contents = archive.Contents() if asked["plain"] else archive.judge(file)
    import python_calamine as calamine  # noqa: PLC0415  only under the limits

    file.seek(0)
    try:
        book = calamine.load_workbook(file)
        visible = [each.name for each in book.sheets_metadata if each.visible == calamine.SheetVisibleEnum.Visible]
        hidden = [name for name in book.sheet_names if name not in visible and name != asked["mark"]]
        told = {"plain": contents.plain, "from_1904": archive.counts_from_1904(file)}
        empty = archive.empty_sheets(file)
        names, unseen = ([name for name in each if name not in empty] for each in (visible, hidden))
        say(book={"names": names, "hidden": unseen, "mark": _mark(book, asked["mark"])} | told)
        for name, title in chosen(visible, book.sheet_names, asked, empty, partial(_may_be, book, asked["lone"])):
            sheet = _sheet(book, name)
            rows = rows_of(sheet, contents.errors.get(name, {}))
            beside = _Beside(sheet.merged_cell_ranges or (), contents.formulas.get(name, {}), contents.looks.get(name, Look()))
            _serve_sheet(title, name, rows, beside)
    except (calamine.CalamineError, ValueError, KeyError, OverflowError):
        raise Unread("damaged") from None


def _sheet(book: Any, name: str) -> Any:
    """Raises Unread, where it is beyond measure."""
    sheet = book.get_sheet_by_name(name)
    last_row, last_column = sheet.end or (0, 0)
    if last_column >= COLUMNS:
        raise Unread("too_wide")
    if last_row >= ROWS:
        raise Unread("too_long", limit=ROWS)
    return sheet


def _may_be(book: Any, title: str, name: str) -> bool:
    """Whether the reader finds the columns of a title in the first rows of a sheet that is called otherwise."""
    sheet = _sheet(book, name)
    _say_head(title, name, islice(rows_of(sheet, {}), HEAD), _Beside(sheet.merged_cell_ranges or ()), offered=True)
    return bool(heard()["fits"])


def _mark(book: Any, name: str) -> str:
    """What a template of ours says about itself, in the first cell of a hidden sheet."""
    if name not in book.sheet_names:
        return ""
    sheet = book.get_sheet_by_name(name)
    first = next(sheet.iter_rows(), None)
    return str(first[0])[:100] if first else ""


def chosen(
    visible: list[str], names: list[str], asked: dict[str, Any], empty: frozenset[str], fits: Callable[[str], bool]
) -> list[tuple[str, str]]:
    """The sheets to read, with the titles wanted: by name, or the only one that may be meant, else the only one that fits; an empty one is not.
    Raises Unread.
    """
    wanted, lone = {title: title for title in asked["sheets"]} | asked.get("renamed", {}), asked["lone"]
    found = [(name, wanted[name.strip()]) for name in visible if name.strip() in wanted and name not in empty]
    for title in (title for _, title in found):
        if len(same := [name for name, other in found if other == title]) > 1:
            raise Unread("doubled", wanted=title, names="、".join(same[:20]))
    if any(title == lone for _, title in found):
        return found
    if any(wanted.get(name.strip()) == lone for name in names if name not in visible and name not in empty):
        raise Unread("hidden", wanted=lone)
    others = [name for name in visible if name not in empty and name.strip() not in {*wanted, *asked["ignored"]}]
    if empty.issuperset(set(names) - {asked["mark"]}):
        raise Unread("nothing")
    meant = others if len(others) == 1 and not found else [name for name in others[:_OFFERED] if fits(name)]
    if len(meant) != 1:
        raise _without(asked, [name for name in visible if wanted.get(name.strip()) == lone], others, names)
    return [*found, (meant[0], lone)]


def _without(asked: dict[str, Any], blank: Sequence[str], others: Sequence[str], names: Sequence[str]) -> Unread:
    """Why the sheet that must be there is not: it is `blank`, or none of the `others` is called so."""
    beside, there = "、".join(others[:20]), "、".join([name for name in names if name != asked["mark"]][:20])
    if blank:
        return Unread("blank_beside" if beside else "blank", wanted=asked["lone"], names=beside)
    return Unread("no_sheet", wanted=asked["lone"], names=there or "（无）")


def _in_head(ranges: Ranges) -> list[list[int]]:
    """Merged ranges among the first rows: top, left, bottom, right (from 0)."""
    return [[top, left, bottom, right] for (top, left), (bottom, right) in ranges if top < HEAD][:200]


@dataclass(frozen=True)
class _Beside:
    """What a sheet tells beside its values: its merged ranges, by row the columns with a formula, and its look."""

    merged: Ranges = ()
    formulas: Mapping[int, Sequence[int]] = field(default_factory=dict)
    look: Look = field(default_factory=Look)

    def as_shown(self, number: int, columns: Sequence[int], cells: list[Any]) -> None:
        """A day is what it shows, year and month or month and day: the rest is none that anybody typed. Of a month the first day alone is that."""
        if parts := self.look.parts.get(number):
            for place in [place for place, column in enumerate(columns) if column in parts]:
                if isinstance(cell := cells[place], str) and (day := _DAY.fullmatch(cell)):
                    of_month = cell[:7] if day[2] == "01" else cell
                    cells[place] = of_month if parts[columns[place]] == MONTH else f"{int(day[1])}月{int(day[2])}日"

    def of(self, number: int, columns: Sequence[int], cells: Sequence[Any]) -> list[Any]:
        """Of one row: the places of cells with a formula, whether it is hidden, and the places of what is struck out. Nothing, where there is none of it."""
        computed = [columns.index(place) for place in self.formulas.get(number, ()) if place in columns]
        out, hidden = self.look.struck.get(number, ()), number in self.look.rows
        struck = [place for place, column in enumerate(columns) if column in out and cells[place] is not None] if out else []
        return [computed, hidden, struck] if computed or hidden or struck else []


class _Spread:
    """What a merged cell says of the rows below its first: in `places` of all of them, in other columns of its first alone."""

    def __init__(self, ranges: Ranges, columns: Sequence[int], places: Sequence[int]) -> None:
        self._starts: dict[int, list[tuple[int, int]]] = {}
        self._held: dict[int, tuple[int, Any]] = {}
        self._places = frozenset(places)
        of_column = {column: place for place, column in reversed([*enumerate(columns)])}
        for (top, left), (bottom, _) in ranges:
            if bottom > top and left in of_column:
                self._starts.setdefault(top + 1, []).append((of_column[left], bottom + 1))

    def fill(self, number: int, cells: list[Any], computed: Sequence[int]) -> list[int]:
        """Row by row, in their order; the places that lie below the first row of a cell and are not told."""
        covered = []
        for place, (last, told) in self._held.items():
            if number <= last and cells[place] is None:
                if place in self._places:
                    cells[place] = told
                else:
                    covered.append(place)
        for place, last in self._starts.get(number, ()):
            if place not in computed:
                self._held[place] = last, cells[place]
        return covered


def rows_of(sheet: Any, errors: dict[int, dict[int, str]]) -> Iterator[Row]:
    """Rows numbered as the user sees them. The parser gives leading empty rows, leaves leading empty columns out, and error values empty."""
    left = [""] * (sheet.start or (0, 0))[1]
    for number, row in enumerate(sheet.iter_rows(), start=1):
        wrong = errors.get(number, {})
        yield number, [wrong.get(place, cell) for place, cell in enumerate([*left, *row])] if wrong else [*left, *row]


def _serve_csv(file: BinaryIO, asked: dict[str, Any]) -> None:
    file.seek(0)
    lines = iter(csv_lines(file))
    head = list(islice(lines, HEAD))
    _ensure_divided(head)
    reader = csv.reader(chain(head, lines), delimiter=delimiter_of(head), strict=True)
    say(book={"names": [], "hidden": [], "mark": "", "plain": True, "from_1904": False})
    _serve_sheet(asked["lone"], "", _numbered(reader), _Beside())


def delimiter_of(lines: Sequence[str]) -> str:
    """What divides the cells: what the file says itself, else what makes most of its rows alike. Not the first line alone tells it, a title may stand there."""
    if lines and (told := TOLD.fullmatch(lines[0])):
        return told[1]
    rows = _QUOTED.sub("", "".join(lines[:HEAD])).splitlines()
    return max(",\t;|", key=lambda mark: max(marks * many for marks, many in Counter(row.count(mark) for row in rows).items()))


def _ensure_divided(lines: Sequence[str]) -> None:
    """Full-width marks divide nothing: they stand in texts too, so nobody guesses. Raises Unread where nothing else is there to divide the rows."""
    rows = _QUOTED.sub("", "".join(lines)).splitlines()
    within = {mark: sum(mark in row for row in rows) for mark in ",\t;|，；｜、"}
    mark = max("，；｜、", key=within.__getitem__)
    if within[mark] > 1 and max(within[real] for real in ",\t;|") < 2 and not TOLD.fullmatch(lines[0]):
        raise Unread("full_width", mark=mark)


def csv_lines(file: BinaryIO) -> Iterator[str]:
    """Lines of text, in UTF-8 (with or without BOM), UTF-16 with BOM, or GB18030. Raises Unread; of Big5, too."""
    start = file.tell()
    encoding = next(each for each in ("utf-8-sig", "utf-16", "gb18030", None) if each is None or _fits(file, start, each))
    if encoding is None:
        raise Unread("encoding")
    if encoding == "gb18030" and _fits(file, start, "cp950") and _is_odd(file, start):
        raise Unread("big5")
    file.seek(start)
    text = _lines(file, encoding)
    for line in text:
        if len(line) >= LONGEST_LINE:
            raise Unread("too_wide")
        if "\0" in line:
            raise Unread("binary")
        yield line


def _lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    wrapper = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        while line := wrapper.readline(LONGEST_LINE):
            yield line
    finally:
        wrapper.detach()


def _fits(file: BinaryIO, start: int, encoding: str) -> bool:
    file.seek(start)
    if encoding == "utf-16" and file.read(2) not in {b"\xff\xfe", b"\xfe\xff"}:
        return False
    file.seek(start)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while piece := file.read(2**20):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_odd(file: BinaryIO, start: int) -> bool:
    """What is written in Big5 can be read as GB18030 as well: many of its characters are such then as few names have."""
    file.seek(start)
    text = [each for each in file.read(2**16).decode("gb18030", "ignore") if ord(each) > 127]
    return 10 * sum(not each.encode("gb2312", "ignore") for each in text) > len(text)


def _numbered(reader: Iterable[list[str]]) -> Iterator[Row]:
    """Raises Unread; where a quote is not closed, as of the row that it stands in: it would take in those below."""
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            if number > ROWS:
                raise Unread("too_long", limit=ROWS)
            yield number, row
    except csv.Error:
        raise Unread("quotes", row=number + 1) from None


def _serve_sheet(title: str, name: str, rows: Iterator[Row], beside: _Beside) -> None:
    head = list(islice(rows, HEAD))
    _say_head(title, name, head, beside)
    answer = heard()
    if "after" not in answer:
        return
    columns, hidden = answer["columns"], _Hidden(answer.get("derive", ()))
    widest, spread = max(columns, default=0) + 1, _Spread(beside.merged, columns, answer["spread"])
    chunk: list[list[Any]] = []
    characters = 0
    for number, row in chain(head, rows):
        if len(row) > COLUMNS and any(row[COLUMNS:]):
            raise Unread("too_wide")
        if number <= answer["after"]:
            continue
        padded = row if len(row) >= widest else [*row, *([None] * (widest - len(row)))]
        cells = [cell[:LONGEST_CELL] or None if (cell := padded[place]).__class__ is str else value(cell) for place in columns]
        beside.as_shown(number, columns, cells)
        cells += hidden.within(padded)
        if any(cell is not None for cell in cells):
            told = beside.of(number, columns, cells)
            covered = spread.fill(number, cells, told[0] if told else ())
            chunk.append([number, cells, *((told or [(), False, ()]) + [covered] if covered else told)])
            characters += sum(map(len, [cell for cell in cells if cell.__class__ is str]))
        if len(chunk) == CHUNK or characters > CHUNK_CHARACTERS:
            say(rows=chunk)
            chunk, characters = [], 0
    say(rows=chunk, last=True)


def _say_head(title: str, name: str, head: Iterable[Row], beside: _Beside, **more: bool) -> None:
    titles = [(number, [_short(value(cell)) for cell in row[:COLUMNS]]) for number, row in head]
    filled = [each for each in titles if any(cell is not None for cell in each[1])]
    say(sheet=title, name=name, head=filled, merged=_in_head(beside.merged), hidden=sorted(beside.look.columns), **more)


def value(cell: Any) -> Any:
    """Text, number, truth value, or a date as ISO text; a time of day at midnight is dropped. None for nothing."""
    if isinstance(cell, str):
        return cell[:LONGEST_CELL] or None
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ")
    if isinstance(cell, dt.date | dt.time | dt.timedelta):
        return str(cell)
    return cell


def _short(cell: Any) -> Any:
    return cell[:LONGEST_TITLE] if isinstance(cell, str) else cell


class _Hidden:
    """Values hidden in other columns' texts: the group `value` of a pattern. A pattern that goes astray is stopped by a timer, which the matcher heeds."""

    def __init__(self, derive: Sequence[tuple[int, str]]) -> None:
        self._patterns, self._left = [(place, re.compile(pattern)) for place, pattern in derive], MATCHING_SECONDS
        signal.signal(signal.SIGVTALRM, _stop_matching)

    def within(self, row: Sequence[Any]) -> list[str | None]:
        """What each of the patterns finds in a row. Raises Unread."""
        if not self._patterns:
            return []
        began = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, max(min(self._left, MATCHING_A_ROW), 0.001))
        found = [_derived(value(row[place]) if place < len(row) else None, pattern) for place, pattern in self._patterns]
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self._left -= time.process_time() - began
        return found


def _stop_matching(*_: object) -> None:
    raise Unread("pattern")


def _derived(cell: Any, pattern: re.Pattern[str]) -> str | None:
    found = pattern.search(str(cell)[:LONGEST_MATCH]) if cell is not None else None
    return (found.groupdict().get("value") or "").strip() or None if found else None


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
