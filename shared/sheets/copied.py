"""A true copy of a foreign workbook with what was found in it: one more column and coloured cells. Runs in the guarded child.

Only the sheets that were read and the list of styles are edited, as bytes and row by row; every other part stays as it was: instructions, choices, marks,
cell rules, formulas, widths. What is edited is well-formed XML afterwards, or the workbook is TooOdd.
"""

import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO
from xml.parsers import expat

from shared.sheets import archive, looks

FOUND = "核对结果"
COLUMNS, FORMATS = 16_384, 64_000  # as many as Excel takes
_PIECE, _LONGEST_ROW, _LONGEST_HEAD, _LONGEST_STYLES = 2**20, 16 * 2**20, 2**20, 16 * 2**20
_STYLES = "xl/styles.xml"
_WIDTH = 80
_FILL = {False: b"FFFFC7CE", True: b"FFFFEB9C"}
"""For an error and for a warning. Both colours of a fill of ours are this one: so it is told from a user's own when the file comes again."""
_COUNT = re.compile(rb"\scount=[\"']\d+[\"']")
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LIKE_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_TRUTH = frozenset({b"true", b"false"})
_FORMAT = re.compile(rb"\ss=[\"'](\d+)[\"']")
_PLACED = re.compile(rb"\sr=[\"']([A-Z]{1,3})(\d{1,7})[\"']")
_AREA = re.compile(rb"([A-Z]{1,3}\d{1,7})(?::([A-Z]{1,3})(\d{1,7}))?")


class TooOdd(Exception):  # noqa: N818  named as the fact it states
    """Something in a workbook is not as the usual programs write it: it is not edited."""


@dataclass(frozen=True)
class Notes:
    """For one sheet: at which column (from 0) and row number the title of our column stands; whether an earlier one is replaced; by row number the cells
    to colour (whether as a warning) and the sentence.
    """

    column: int
    header: int
    again: bool
    cells: Mapping[int, Mapping[int, bool]]
    sentences: Mapping[int, str]


def is_ours(title: object) -> bool:
    """Whether a cell above the rows is the title of a column that was added when the file came before."""
    written = str(title).strip()
    return written == FOUND or written.startswith(f"{FOUND}；")


def write(file: BinaryIO, target: str, notes: Mapping[str, Notes]) -> None:
    """The copy, by the names of the sheets. Raises TooOdd; then what stands in `target` is nothing."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as source, zipfile.ZipFile(target, "w") as made:
            _copy(source, made, notes)
    except (KeyError, ValueError, IndexError, struct.error, zlib.error, EOFError, zipfile.BadZipFile, expat.ExpatError) as odd:
        raise TooOdd from odd


def _copy(source: zipfile.ZipFile, made: zipfile.ZipFile, notes: Mapping[str, Notes]) -> None:
    parts = {part: notes[name] for part, name in archive.sheet_parts(source).items() if name in notes}
    entries = {entry.filename.lower(): entry for entry in source.infolist()}
    if len(parts) != len(notes) or not parts.keys() | {_STYLES} <= entries.keys():
        raise TooOdd
    styles = Styles(_read(source, entries[_STYLES]))
    for name, entry in entries.items():
        if name in parts:
            with source.open(entry) as part:
                _write(made, entry, Sheet(iter(lambda part=part: part.read(_PIECE), b""), parts[name], styles).edited())  # type: ignore[misc]
        elif name != _STYLES:
            with source.open(entry) as part, made.open(_same(entry), "w") as out:
                shutil.copyfileobj(part, out, _PIECE)
    _write(made, entries[_STYLES], iter([styles.written()]))  # last: the formats are known when the cells are


def _read(source: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with source.open(entry) as part:
        content = part.read(_LONGEST_STYLES + 1)
    if len(content) > _LONGEST_STYLES:
        raise TooOdd
    return content


def _same(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
    same = zipfile.ZipInfo(entry.filename, entry.date_time)
    same.compress_type, same.external_attr, same.create_system = entry.compress_type, entry.external_attr, entry.create_system
    return same


def _write(made: zipfile.ZipFile, entry: zipfile.ZipInfo, pieces: Iterator[bytes]) -> None:
    """An edited part. Raises ExpatError where it is not well-formed."""
    parser = expat.ParserCreate()
    with made.open(_same(entry), "w") as out:
        for piece in pieces:
            parser.Parse(piece, False)
            out.write(piece)
        parser.Parse(b"", True)


class Styles:
    """The formats of a workbook's cells. A coloured one is a cell's own with another fill: it keeps how a number, a day or a text is shown."""

    def __init__(self, xml: bytes) -> None:
        root = re.search(rb"<((?:[\w.-]+:)?)styleSheet[\s>]", xml)
        if root is None or b"<!" in xml:
            raise TooOdd
        self._prefix = root[1]
        self._fills, fills = self._list(xml, b"fills", b"fill")
        self._formats, self._own = self._list(xml, b"cellXfs", b"xf")
        self._xml, self._known, self._made = xml, len(self._own), dict[tuple[int, bool | None], int]()
        self._new_fills: list[bytes] = []
        self._by_kind: dict[bool | None, int] = {None: 0}
        for kind, colour in _FILL.items():
            ours = [place for place, fill in enumerate(fills) if fill.count(b'rgb="' + colour + b'"') == len(_FILL)]
            self._by_kind[kind] = ours[0] if ours else len(fills) + len(self._new_fills)
            if not ours:
                self._new_fills.append(self._fill(colour))
        self.again = len(self._new_fills) < len(_FILL)
        fills_of_ours = {self._by_kind[False], self._by_kind[True]}
        self._ours = {place for place, xf in enumerate(self._own) if _number(xf.partition(b">")[0], b"fillId") in fills_of_ours}
        self._text: int | None = None

    def coloured(self, own: int, kind: bool | None) -> int:
        """The number of the format `own` with this fill (none: without)."""
        if (own, kind) not in self._made:
            if not 0 <= own < self._known:
                raise TooOdd
            tag, closed, rest = self._own[own].partition(b">")
            tag = _with(_with(tag, b"fillId", self._by_kind[kind]), b"applyFill", 1)
            self._made[own, kind] = self._add(tag + closed + rest)
        return self._made[own, kind]

    def text(self) -> int:
        """The number of a plain format for text."""
        if self._text is None:
            self._text = self._add(
                b'<%sxf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>' % self._prefix
            )
        return self._text

    def ours(self, own: int) -> bool:
        """Whether a cell of this format was coloured by us."""
        return own in self._ours

    def pattern(self) -> re.Pattern[bytes]:
        """Finds a cell that was coloured by us."""
        return re.compile(rb"\ss=[\"'](?:%s)[\"']" % (b"|".join(b"%d" % each for each in sorted(self._ours)) or rb"(?!)"))

    def written(self) -> bytes:
        """The part with the new fills and formats."""
        changes = sorted([(self._fills, b"fills", self._new_fills), (self._formats, b"cellXfs", self._own[self._known :])])
        pieces, before = [], 0
        for (start, end, count), name, new in changes:
            opening = _COUNT.sub(b"", self._xml[start : self._xml.index(b">", start)])
            pieces += [self._xml[before:start], opening, b' count="%d"' % (count + len(new))]
            closing = end - len(b"</%s%s>" % (self._prefix, name))
            pieces += [self._xml[self._xml.index(b">", start) : closing], *new, self._xml[closing:end]]
            before = end
        return b"".join([*pieces, self._xml[before:]])

    def _list(self, xml: bytes, name: bytes, each: bytes) -> tuple[tuple[int, int, int], list[bytes]]:
        """Where a list starts and ends, how many it holds, and what."""
        p = self._prefix
        found = re.findall(rb"<%s%s[\s>]" % (p, name), xml)
        whole = re.search(rb"<%s%s(?:\s[^>]*)?(?<!/)>(.*?)</%s%s>" % (p, name, p, name), xml, re.DOTALL)
        if len(found) != 1 or whole is None:
            raise TooOdd
        held = re.findall(rb"<%s%s(?=[\s/>])(?:[^>]*/>|[^>]*>.*?</%s%s>)" % (p, each, p, each), whole[1], re.DOTALL)
        return (whole.start(), whole.end(), len(held)), held

    def _fill(self, colour: bytes) -> bytes:
        fill = b'<~fill><~patternFill patternType="solid"><~fgColor rgb="%s"/><~bgColor rgb="%s"/></~patternFill></~fill>' % (
            colour,
            colour,
        )
        return fill.replace(b"~", self._prefix)

    def _add(self, xf: bytes) -> int:
        if len(self._own) >= FORMATS:
            raise TooOdd
        self._own.append(xf)
        return len(self._own) - 1


@dataclass
class Cell:
    """One `c`: its column, its opening tag without the end, and what it holds with the end."""

    column: int
    tag: bytes
    rest: bytes


class Sheet:
    """One sheet's part, edited while it is read: what stands above the rows, each row, what stands below."""

    def __init__(self, pieces: Iterator[bytes], notes: Notes, styles: Styles) -> None:
        if notes.column >= COLUMNS:
            raise TooOdd
        self._pieces, self._notes, self._styles = pieces, notes, styles
        self._letters = letters(notes.column)
        self._waiting = sorted({*notes.sentences, *notes.cells, notes.header} - {0}, reverse=True)
        self._earlier = styles.pattern() if notes.again or styles.again else None
        self._columns: list[tuple[int, int, bytes]] = []
        self._prefix = b""

    def edited(self) -> Iterator[bytes]:
        """The part. Raises TooOdd."""
        head, rest = self._parted()
        yield self._head(head)
        number = 0
        for row in self._rows(rest):
            if not row.lstrip().startswith(b"<%srow" % self._prefix):
                yield b"".join([*self._missing(2**20 + 1), row])
                break
            tag = row[: row.index(b">")]
            given = _number(tag, b"r", number + 1)
            if given <= number:
                raise TooOdd
            number = given
            yield b"".join([*self._missing(number), self._row(row, number)])
        yield from self._pieces

    def _parted(self) -> tuple[bytes, bytes]:
        """All above the rows, and what is read of those."""
        head = b""
        while len(head) <= _LONGEST_HEAD + _PIECE:
            head += (piece := next(self._pieces, b""))
            root = re.search(rb"<((?:[\w.-]+:)?)worksheet[\s>]", head)
            start = re.search(rb"<%ssheetData(?:\s[^>]*)?>" % root[1], head) if root else None
            if root and start and b"<!" not in head[: start.start()] and not start[0].endswith(b"/>"):
                self._prefix = root[1]
                return head[: start.end()], head[start.end() :]
            if start or not piece:
                break
        raise TooOdd

    def _rows(self, buffer: bytes) -> Iterator[bytes]:
        """Each row with the space before it, and last what is read of all below them."""
        place, opening, closing = 0, b"<%srow" % self._prefix, b"</%srow>" % self._prefix
        ending = b"</%ssheetData" % self._prefix
        while True:
            start = buffer.find(b"<", place)
            if start >= 0 and buffer.startswith(ending, start):
                yield buffer[place:]
                return
            end = _end_of(buffer, start, closing)
            if end < 0:
                if len(buffer) - place > _LONGEST_ROW or not (more := next(self._pieces, b"")):
                    raise TooOdd
                buffer, place = buffer[place:] + more, 0
                continue
            if not buffer.startswith(opening, start) or buffer.find(b"<!", start, end) >= 0 or buffer.find(opening, start + 1, end) >= 0:
                raise TooOdd
            yield buffer[place:end]
            place = end

    def _missing(self, until: int) -> Iterator[bytes]:
        """Rows that are not in the part, and of which something is said all the same."""
        while self._waiting and self._waiting[-1] < until:
            number = self._waiting.pop()
            yield self._row(b'<%srow r="%d"/>' % (self._prefix, number), number)
        if self._waiting and self._waiting[-1] == until:
            self._waiting.pop()

    def _row(self, row: bytes, number: int) -> bytes:
        notes = self._notes
        if number not in notes.sentences and number not in notes.cells and number != notes.header and not self._marked(row, number):
            return row
        tag, _, body = row.partition(b">")
        closing = b"</%srow>" % self._prefix
        tag, body = (tag[:-1], b"") if tag.endswith(b"/") else (tag, body.removesuffix(closing))
        cells, below = self._cells(body, number)
        placed = {cell.column: cell for cell in cells}
        self._colour(placed, tag, number)
        self._say(placed, number)
        tag = re.sub(rb"\sspans=[\"'][^\"']*[\"']", b"", tag)
        inside = b"".join(placed[column].tag + placed[column].rest for column in sorted(placed))
        return b"%s>%s%s%s" % (tag, inside, below, closing)

    def _marked(self, row: bytes, number: int) -> bool:
        """Whether something of an earlier return may stand in this row."""
        if self._earlier is None:
            return False
        ours = b"%s%d" % (self._letters, number)
        return ours in row or self._earlier.search(row) is not None

    def _cells(self, body: bytes, number: int) -> tuple[list[Cell], bytes]:
        """The cells of a row, and what stands below them."""
        opened, closing = re.compile(rb"\s*(<%sc(?=[\s/>])[^>]*)>" % self._prefix), b"</%sc>" % self._prefix
        cells, place, column = list[Cell](), 0, -1
        while found := opened.match(body, place):
            place, tag, rest = found.end(), found[1], b"/>"
            if tag.endswith(b"/"):
                tag = tag[:-1]
            else:
                place = body.index(closing, place) + len(closing)
                rest = body[found.end() - 1 : place]
            at = _PLACED.search(tag)
            before, column = column, looks.column(at[1].decode()) if at else column + 1
            if column <= before or (at and int(at[2]) != number):
                raise TooOdd
            cells.append(Cell(column, tag if at else tag + b' r="%s%d"' % (letters(column), number), rest))
        if b"<%sc " % self._prefix in body[place:]:
            raise TooOdd
        return cells, body[place:]

    def _colour(self, placed: dict[int, Cell], row: bytes, number: int) -> None:
        found = self._notes.cells.get(number, {})
        for column in found.keys() - placed.keys():
            own = _number(row, b"s") if _number(row, b"customFormat") else self._column_format(column)
            placed[column] = Cell(column, b'<%sc r="%s%d" s="%d"' % (self._prefix, letters(column), number, own), b"/>")
        for column in found if not self._styles.again else list(placed):
            cell = placed[column]
            own = int(format_[1]) if (format_ := _FORMAT.search(cell.tag)) else 0
            if column in found:
                cell.tag = _with(cell.tag, b"s", self._styles.coloured(own, found[column]))
            elif self._styles.ours(own):
                cell.tag = _with(cell.tag, b"s", self._styles.coloured(own, None))

    def _say(self, placed: dict[int, Cell], number: int) -> None:
        notes, there = self._notes, placed.get(self._notes.column)
        said = notes.sentences.get(number, "")
        if number == notes.header:
            said = f"{FOUND}；{said}" if said else FOUND
        if not said and not (there and notes.again and number > notes.header):
            return
        if there and b"<%sf" % self._prefix in there.rest:
            raise TooOdd
        placed.pop(notes.column, None)
        if said:
            tag = b'<~c r="%s%d" s="%d" t="inlineStr"' % (self._letters, number, self._styles.text())
            rest = b'><~is><~t xml:space="preserve">\0</~t></~is></~c>'.replace(b"~", self._prefix).replace(b"\0", as_xml(said))
            placed[notes.column] = Cell(notes.column, tag.replace(b"~", self._prefix), rest)

    def _column_format(self, column: int) -> int:
        return next((_number(tag, b"style") for first, last, tag in self._columns if first <= column + 1 <= last), 0)

    def _head(self, head: bytes) -> bytes:
        """Its dimension and the columns' widths take ours in; the header stays in sight."""
        p = self._prefix
        head = re.sub(rb"(<%sdimension\s(?:[^>]*\s)?ref=[\"'])([^\"']*)" % p, lambda found: found[1] + self._area(found[2]), head, count=1)
        cols = re.search(rb"<%scols>(.*?)</%scols>|<%ssheetData" % (p, p, p), head, re.DOTALL)
        if cols is None or (cols[1] is None and b"<%scols" % p in head):
            raise TooOdd
        for col in re.finditer(rb"(<%scol\s[^>]*?)/?>" % p, cols[1] or b""):
            self._columns.append((_number(col[1], b"min"), _number(col[1], b"max"), col[1]))
        if not self._notes.again:
            widths = b"<%scols>%s</%scols>" % (p, self._widths(), p)
            end = cols.end() if cols[1] is not None else cols.start()
            head = head[: cols.start()] + widths + head[end:]
        return self._frozen(head)

    def _area(self, area: bytes) -> bytes:
        found = _AREA.fullmatch(area)
        if found is None:
            return area
        first, right, bottom = (
            found[1],
            found[2] or found[1].rstrip(b"0123456789"),
            found[3] or found[1].lstrip(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        )
        widest = max(looks.column(right.decode()), self._notes.column)
        return b"%s:%s%s" % (first, letters(widest), bottom)

    def _widths(self) -> bytes:
        """The columns with ours among them: a range that holds it is parted."""
        ours, widths = self._notes.column + 1, list[tuple[int, bytes]]()
        for first, last, tag in self._columns:
            for start, end in ((first, min(last, ours - 1)), (max(first, ours + 1), last)):
                if start <= end:
                    widths.append((start, _with(_with(tag, b"min", start), b"max", end) + b"/>"))
        widths.append((ours, b'<%scol min="%d" max="%d" width="%d" customWidth="1"/>' % (self._prefix, ours, ours, _WIDTH)))
        if any(last >= first for (_, last, _), (first, _, _) in pairwise(self._columns)):
            raise TooOdd
        return b"".join(width for _, width in sorted(widths))

    def _frozen(self, head: bytes) -> bytes:
        p, row = self._prefix, self._notes.header
        pane = b'<~pane ySplit="%d" topLeftCell="A%d" activePane="bottomLeft" state="frozen"/><~selection pane="bottomLeft"/>' % (
            row,
            row + 1,
        )
        view = re.search(rb"<%ssheetView(?=[\s/>])[^>]*>" % p, head)
        if view is None or b"<%spane" % p in head or b"view=" in view[0].lower().replace(b"workbookview", b""):
            return head
        tag, pane = re.sub(rb"\stopLeftCell=[\"'][^\"']*[\"']", b"", view[0]), pane.replace(b"~", p)
        opened = tag[:-2] + b">" + pane + b"</%ssheetView>" % p if tag.endswith(b"/>") else tag + pane
        return head[: view.start()] + opened + head[view.end() :]


def as_xml(text: str) -> bytes:
    """A text as it stands in a cell: what XML does not know is left out, what Excel would take for an escape is kept from it."""
    text = _LIKE_ESCAPED.sub("_x005F_", _NOT_XML.sub("", text))[:32_000]
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode()


def letters(column: int) -> bytes:
    """The name of a column (from 0): A, Z, AA."""
    name, rest = b"", column + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        name = bytes([65 + letter]) + name
    return name


def _end_of(buffer: bytes, start: int, closing: bytes) -> int:
    """Where the element that starts there ends; -1: not in what is read."""
    tag = buffer.find(b">", start) if start >= 0 else -1
    if tag < 0 or buffer[tag - 1 : tag] == b"/":
        return tag + 1 if tag >= 0 else -1
    end = buffer.find(closing, tag)
    return end + len(closing) if end >= 0 else -1


def _number(tag: bytes, name: bytes, otherwise: int = 0) -> int:
    """An attribute of an opening tag."""
    found = re.search(rb"\s%s=[\"']([^\"']*)[\"']" % name, tag)
    if found is None:
        return otherwise
    return int(found[1]) if found[1] not in _TRUTH else found[1] == b"true"


def _with(tag: bytes, name: bytes, value: int) -> bytes:
    """An opening tag (without its end) with this attribute."""
    tag, ended = (tag[:-1], b"/") if tag.endswith(b"/") else (tag, b"")
    tag = re.sub(rb"\s%s=[\"'][^\"']*[\"']" % name, b"", tag)
    return tag + b' %s="%d"' % (name, value) + ended
