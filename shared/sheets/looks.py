"""How a workbook looks where that means something: rows and columns that nobody sees, what is struck out, days that show a part of themselves. The parser tells none of it.

A clerk filters out, or strikes out, who has left; the cells are there all the same. Runs in the guarded child.
"""

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from xml.etree import ElementTree as ET

_LAST_COLUMN = 300
_UNSEEN_ROW = re.compile(
    rb"<(?:\w+:)?row\s(?=[^>]*?\b(?:hidden=[\"'](?:1|true)[\"']|ht=[\"']0(?:\.0*)?[\"']))[^>]*>(?:\s*<(?:\w+:)?c\s[^>]*>)?"
)
_ROW_NUMBER = re.compile(rb"\sr=[\"'][A-Z]{0,3}([0-9]{1,7})[\"']")
_UNSEEN_COLUMNS = re.compile(
    rb"<(?:\w+:)?col\s(?=[^>]*?\b(?:hidden=[\"'](?:1|true)[\"']|width=[\"']0(?:\.0*)?[\"']))"
    rb"(?=[^>]*?\bmin=[\"']([0-9]{1,5})[\"'])[^>]*?\bmax=[\"']([0-9]{1,5})[\"']"
)
_CELL = re.compile(
    rb"<(?:\w+:)?c\s(?=[^>]*?\br=[\"']([A-Z]{1,3})([0-9]{1,7})[\"'])(?=(?:[^>]*?\bs=[\"']([0-9]{1,6})[\"'])?)(?=([^>]*?\bt=[\"']s[\"'])?)"
    rb"[^>]*>(?:\s*<(?:\w+:)?v>([0-9]{1,9})<)?"
)
MONTH, DAY_OF_YEAR = "month", "day_of_year"
_OF_ALL = dict.fromkeys(("17", "27", "36", "50", "52", "57"), MONTH) | dict.fromkeys(
    ("16", "28", "29", "51", "53", "54", "58"), DAY_OF_YEAR
)
"""The formats that every spreadsheet has, and that show year and month, or month and day."""
_WORDS_IN_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|[\\_*].|;.*')
_STRIKE = re.compile(rb"<(?:\w+:)?strike[\s/>]")
_MAIN = re.compile(r"^\{[^}]*\}")


@dataclass
class Look:
    """Of one sheet: rows (as the user numbers them) and columns (from 0) that are hidden, and by row the columns of what is struck out, and of a day that
    shows year and month, or month and day: who types 2015-9 or 9-1 has the first of September of some year kept, and never sees it.
    """

    rows: set[int] = field(default_factory=set)
    columns: set[int] = field(default_factory=set)
    struck: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[int, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def plain(self) -> bool:
        """All is seen, as it is, and stands."""
        return not (self.rows or self.columns or self.struck or self.parts)


class Looks:
    """Notes the look of each sheet, by its name. What the styles and the texts of the book say of cells is read first."""

    def __init__(self, archive: zipfile.ZipFile, noted: dict[str, Look]) -> None:
        self._noted = noted
        parts = {name.lower(): name for name in archive.namelist()}
        styles = archive.read(parts["xl/styles.xml"]) if "xl/styles.xml" in parts else b"<styles/>"
        self._struck, self._parts = _styles(ET.fromstring(styles))  # noqa: S314  no document type is left in it
        texts = parts.get("xl/sharedstrings.xml", "")
        self._texts = frozenset(_struck_texts(archive, texts) if texts and _strikes(archive, texts) else ())

    def note(self, sheet: str, piece: bytes) -> None:
        """A piece of a sheet."""
        look = self._noted.setdefault(sheet, Look())
        if b"hidden=" in piece or b'ht="0' in piece:
            look.rows |= {int(at[1]) for row in _UNSEEN_ROW.findall(piece) if (at := _ROW_NUMBER.search(row))}
        if b"hidden=" in piece or b'width="0' in piece:
            for first, last in _UNSEEN_COLUMNS.findall(piece):
                look.columns |= {*range(int(first) - 1, min(int(last), _LAST_COLUMN))}
        if self._struck or self._texts or self._parts:
            for letters, number, style, is_text, value in _CELL.findall(piece):
                if (style or b"0") in self._struck or (is_text and value in self._texts):
                    look.struck[int(number)].append(column(letters.decode()))
                if value and not is_text and style in self._parts:
                    look.parts[int(number)][column(letters.decode())] = self._parts[style]


def column(letters: str) -> int:
    """The position of a column, from 0: A is 0, AA is 26."""
    position = 0
    for letter in letters:
        position = position * 26 + ord(letter) - 64
    return position - 1


def _strikes(archive: zipfile.ZipFile, part: str) -> bool:
    """Whether anything at all is struck out in it: in most books nothing is."""
    rest = b""
    with archive.open(part) as file:
        while piece := file.read(2**20):
            if _STRIKE.search(rest + piece):
                return True
            rest = piece[-32:]
    return False


def _styles(root: ET.Element) -> tuple[frozenset[bytes], dict[bytes, str]]:
    """The styles of cells whose font is struck out, and those that show a part of a day."""
    parts = {_name(each): each for each in root}
    fonts = {str(number) for number, font in enumerate(parts.get("fonts", ())) if any(map(_is_strike, font))}
    shown = _OF_ALL | {str(each.get("numFmtId")): _part(each.get("formatCode", "")) for each in parts.get("numFmts", ())}
    styles = [(b"%d" % number, style) for number, style in enumerate(parts.get("cellXfs", ()))]
    of_days = {number: shown.get(str(style.get("numFmtId")), "") for number, style in styles}
    return frozenset(number for number, style in styles if style.get("fontId") in fonts), {
        number: part for number, part in of_days.items() if part
    }


def _part(code: str) -> str:
    """What a format shows of a day, if not all; e is the year, too, where the system is Chinese."""
    plain = _WORDS_IN_FORMAT.sub("", code).lower()
    year, month, day, time = (any(letter in plain for letter in letters) for letters in ("ye", "m", "d", "hs"))
    return {(True, False): MONTH, (False, True): DAY_OF_YEAR}.get((year, day), "") if month and not time else ""


def _struck_texts(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The shared texts of which a part, or all, is struck out."""
    numbers = count()
    with archive.open(part) as file:
        for _, text in ET.iterparse(file):  # noqa: S314  as above
            if _name(text) == "si":
                number = next(numbers)
                if any(map(_is_strike, text.iter())):
                    yield b"%d" % number
                text.clear()


def _is_strike(element: ET.Element) -> bool:
    return _name(element) == "strike" and element.get("val", "1") not in {"0", "false"}


def _name(element: ET.Element) -> str:
    return _MAIN.sub("", element.tag)
