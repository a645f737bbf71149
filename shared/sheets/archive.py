"""What may be inside an .xlsx: its directory is judged first, then every part is read once, before the parser sees it. Runs in the guarded child."""

import re
import stat
import struct
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.etree import ElementTree as ET

from shared.sheets.looks import Look, Looks, column
from shared.sheets.refusals import Unread

UNPACKED_BYTES = 600_000_000
RATIO = 400
SWOLLEN_FROM = 10_000_000
ENTRIES = 2_000
FORMULAS = 200_000
_PIECE = 4 * 2**20
_LONGEST_ROW = 16 * 2**20
_FORBIDDEN = (
    (re.compile(r"vbaproject\.bin$|^xl/macrosheets/|^xl/activex/|^xl/ctrlprops/|^xl/embeddings/|\.(exe|dll|js|vbs)$"), "macros"),
    (re.compile(r"^xl/externallinks/|^xl/connections\.xml$|^xl/querytables/|^xl/webextensions/"), "outside"),
)
_DANGEROUS = re.compile(
    rb"\|[^<]*!|\b(?:webservice|filterxml|dde|ddeauto|call|register(?:\.id)?|exec|hyperlink|rtd|importxml|importdata|image)\s*\(",
    re.IGNORECASE,
)
_ANY_FORMULA = re.compile(rb"<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>([^<]*)<)")
_PLACED_FORMULA = re.compile(
    rb"<(?:\w+:)?c\s(?:[^>]*?\s)?r=[\"']([A-Z]{1,3})([0-9]{1,7})[\"'][^>]*>\s*<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>([^<]*)<)"
)
_TRUTH = frozenset({b"TRUE()", b"FALSE()"})  # as LibreOffice writes a cell of this kind
_ERROR = re.compile(
    rb"<(?:\w+:)?c\s(?=[^>]*?\bt=[\"']e[\"'])(?:[^>]*?\s)?r=[\"']([A-Z]{1,3})([0-9]{1,7})[\"'][^>]*>"
    rb"(?:\s*<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>))?\s*<(?:\w+:)?v>(#[^<]{1,20})<"
)
_FROM_1904 = re.compile(rb"<(?:\w+:)?workbookPr\s[^>]*\bdate1904=[\"'](?:1|true)[\"']")
_VALUE = re.compile(rb"<(?:\w+:)?(?:v(?:\s[^>]*)?>[^<]|is[\s>])")
_MAIN = re.compile(r"^\{[^}]*\}")


@dataclass
class Contents:
    """What the parts tell, by sheet and row number: which columns (from 0) hold a formula, and which an error value: the parser gives those as nothing.
    `looks`: what is hidden or struck out in a sheet.
    """

    formulas: dict[str, dict[int, list[int]]] = field(default_factory=dict)
    errors: dict[str, dict[int, dict[int, str]]] = field(default_factory=dict)
    looks: dict[str, Look] = field(default_factory=dict)

    @property
    def plain(self) -> bool:
        """None of them in any sheet."""
        return not any(self.formulas.values()) and not any(self.errors.values()) and all(each.plain for each in self.looks.values())


def judge(file: BinaryIO) -> Contents:
    """Refuse what is no honest workbook. Raises Unread."""
    _few_entries(file)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _judge_directory(entries)
            return _judge_parts(archive, entries)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, struct.error, ET.ParseError, OSError):
        raise Unread("damaged") from None
    except RuntimeError:  # zipfile's word for an encrypted entry
        raise Unread("locked") from None


def _few_entries(file: BinaryIO) -> None:
    """The end record tells how many entries there are; a directory of millions is not read at all."""
    file.seek(0, 2)
    file.seek(max(0, file.tell() - 65_557))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + 22:
        raise Unread("damaged")
    entries, size = struct.unpack("<HI", tail[place + 10 : place + 16])
    if entries > ENTRIES or size > ENTRIES * 1_000:
        raise Unread("bomb")


def _judge_directory(entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    lower = [name.lower() for name in names]
    if "xl/workbook.xml" not in lower:
        raise Unread("not_a_book")
    if len(set(lower)) < len(lower) or any(_is_odd(entry) for entry in entries):
        raise Unread("odd_names")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unread("locked")
    for pattern, code in _FORBIDDEN:
        if any(pattern.search(name) for name in lower):
            raise Unread(code)
    swollen = any(entry.file_size > SWOLLEN_FROM and entry.file_size > RATIO * max(entry.compress_size, 1) for entry in entries)
    if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > UNPACKED_BYTES or swollen:
        raise Unread("bomb")


def _is_odd(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename
    climbing = name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/")
    return climbing or name != entry.orig_filename or stat.S_ISLNK(entry.external_attr >> 16) or entry.compress_type not in {0, 8}


def _judge_parts(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> Contents:
    """The sheets last: what the styles and the texts say of their cells is read once these are judged."""
    contents, parts = Contents(), [entry for entry in entries if entry.filename.lower().endswith((".xml", ".rels", ".vml"))]
    sheets = [entry for entry in parts if entry.filename.lower().startswith("xl/worksheets/")]
    for entry in parts:
        if entry not in sheets:
            for piece in _pieces(archive, entry):
                _judge_piece(piece, entry.filename.lower())
    if sheets:
        _judge_sheets(archive, sheets, contents)
    return contents


def _judge_sheets(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], contents: Contents) -> None:
    names, looks = sheet_parts(archive), Looks(archive, contents.looks)
    for entry in entries:
        sheet = names.get(entry.filename.lower())
        for piece in _pieces(archive, entry):
            _judge_piece(piece, entry.filename.lower())
            if sheet is not None:
                _note(contents, looks, sheet, piece)


def _note(contents: Contents, looks: Looks, sheet: str, piece: bytes) -> None:
    if b"<f" in piece or b":f" in piece:
        _note_formulas(contents, sheet, piece)
    if b't="e"' in piece or (b"'" in piece and b"t='e'" in piece):
        _note_errors(contents, sheet, piece)
    looks.note(sheet, piece)


def _pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part in pieces that end between two rows. What the directory says of a size is not believed."""
    rest, read = b"", 0
    with archive.open(entry) as part:
        while piece := part.read(_PIECE):
            read += len(piece)
            if read > UNPACKED_BYTES:
                raise Unread("bomb")
            rest += piece
            cut = rest.rfind(b"<row") if len(rest) > _PIECE else -1
            if cut > 0:
                yield rest[:cut]
                rest = rest[cut:]
            elif len(rest) > _LONGEST_ROW:
                yield rest
                rest = rest[-1024:]
    yield rest


def _judge_piece(piece: bytes, name: str) -> None:
    head = b"" if name.startswith("customxml/") else piece[:200]  # nobody reads those
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or re.search(rb"encoding=[\"'](?!utf-8[\"'])", head, re.IGNORECASE):
        raise Unread("damaged")
    if b"!" in piece and (b"<!DOCTYPE" in piece or b"<!ENTITY" in piece):  # one byte is sought five times as quickly as a word
        raise Unread("entities")
    if name == "[content_types].xml" and re.search(rb"macroEnabled|vbaProject", piece, re.IGNORECASE):
        raise Unread("macros")
    if b"ddeLink" in piece:
        raise Unread("outside")


def sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The part of each sheet: its name inside the archive to its name for people."""
    parts = {name.lower(): name for name in archive.namelist()}
    rels = ET.fromstring(archive.read(parts["xl/_rels/workbook.xml.rels"]))  # noqa: S314  no document type is left in it
    targets = {each.get("Id"): each.get("Target", "") for each in rels}
    book = ET.fromstring(archive.read(parts["xl/workbook.xml"]))  # noqa: S314  as above
    found = {}
    for each in book.iter():
        if _MAIN.sub("", each.tag) == "sheet":
            target = next((targets.get(value, "") for key, value in each.attrib.items() if key.endswith("}id")), "")
            found[(target[1:] if target.startswith("/") else f"xl/{target}").lower()] = each.get("name", "")
    return found


def counts_from_1904(file: BinaryIO) -> bool:
    """Whether the numbers of days in a workbook are counted as the first ones for the Macintosh did. It was judged before."""
    with zipfile.ZipFile(file) as archive:
        name = next(each for each in archive.namelist() if each.lower() == "xl/workbook.xml")
        with archive.open(name) as part:
            return _FROM_1904.search(part.read(_PIECE)) is not None


def empty_sheets(file: BinaryIO) -> frozenset[str]:
    """The names of the sheets in which nothing stands. It was judged before."""
    with zipfile.ZipFile(file) as archive:
        parts = {entry.filename.lower(): entry for entry in archive.infolist()}
        sheets = [(parts[part], name) for part, name in sheet_parts(archive).items() if part in parts]
        return frozenset(name for entry, name in sheets if not any(map(_VALUE.search, _pieces(archive, entry))))


def _note_formulas(contents: Contents, sheet: str, piece: bytes) -> None:
    formulas = list(_ANY_FORMULA.finditer(piece))
    if not formulas:
        return
    if any(_DANGEROUS.search(found.group(1) or b"") for found in formulas):
        raise Unread("dangerous_formula", sheet=sheet)
    placed = _PLACED_FORMULA.findall(piece)
    rows = contents.formulas.setdefault(sheet, defaultdict(list))
    for letters, number, text in placed:
        if text not in _TRUTH:
            rows[int(number)].append(column(letters.decode()))
    if len(placed) < len(formulas) or sum(map(len, rows.values())) > FORMULAS:
        raise Unread("unplaced_formula", sheet=sheet)


def _note_errors(contents: Contents, sheet: str, piece: bytes) -> None:
    rows = contents.errors.setdefault(sheet, defaultdict(dict))
    for letters, number, error in _ERROR.findall(piece):
        rows[int(number)][column(letters.decode())] = error.decode()
        if len(rows) > FORMULAS:
            raise Unread("unplaced_formula", sheet=sheet)
