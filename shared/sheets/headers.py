"""Finding the header of a sheet that people made: below instructions, over two merged lines, with stars, spaces and remarks in its titles. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from shared.sheets.reading import Cell

_REMARK = re.compile(r"[（(\[【][^（()）\[\]【】]*[)）\]】]")
_PLAIN = re.compile(r"[\s*＊:：、·\u200b\ufeff]+")
_MARKS = re.compile("[①-⑳❶-❿★☆※▲△●]")
"""Of footnotes and of key items."""
_NONE: Mapping[str, str] = MappingProxyType({})
Ranges = Sequence[tuple[int, int, int, int]]
Line = tuple[int, list[str]]


@dataclass(frozen=True)
class Header:
    """Where the header ends (its last row number), and its columns: the known title to its position, and the titles nobody knows."""

    after: int
    columns: Mapping[str, int]
    unknown: Mapping[str, int]
    doubled: tuple[str, ...] = ()


def as_written(title: object) -> str:
    """A title with its remarks: full-width forms, spaces, stars and marks of footnotes are nothing."""
    return "" if title is None else _PLAIN.sub("", unicodedata.normalize("NFKC", _MARKS.sub("", str(title))))


def plain(title: object) -> str:
    """A title as it is compared: full-width forms, spaces, stars and remarks in brackets are nothing."""
    text = as_written(title)
    while (shorter := _REMARK.sub("", text)) not in {"", text}:
        text = shorter
    return text


def find(
    head: Sequence[tuple[int, Sequence[Cell]]], merged: Ranges, known: Mapping[str, str], own: Mapping[str, str] = _NONE
) -> Header | None:
    """The header among the first rows: the row with most of the known titles, or two or three rows together. `known`: a title as people write it to its own name.
    `own`: titles that go before them, remark and all; without a name where the column is nobody's.

    None where no row holds two of them (one, where only one is known).
    """
    exact = {as_written(written): name for written, name in own.items()}
    every = _in_plain(known, own) | exact
    names = {title: name for title, name in every.items() if name}
    rows = [(number, [full if (full := as_written(cell)) in exact else plain(cell) for cell in cells]) for number, cells in head]
    scored = [(len({names[title] for title in titles if title in names}), -place) for place, (_, titles) in enumerate(rows)]
    best, place = max(scored, default=(0, 0))
    if best < min(2, len(set(names.values()))):
        return None
    *upper, bottom = _lines(rows, -place, names)
    return _named(bottom, [_spread(each, merged) for each in upper], every)


def _in_plain(known: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A title of one's own without its remark stands only for what nobody knows."""
    return {plain(written): name for written, name in own.items() if name} | {
        plain(written): name for written, name in known.items() if written not in own
    }


def _lines(rows: Sequence[Line], best: int, names: Mapping[str, str]) -> Sequence[Line]:
    """One line, or two: the neighbour belongs to the header when it names columns that the best line does not, and is empty where that one does. Three,
    where what names them stands below a line of groups that is empty there as well.
    """
    taken = {place for place, title in enumerate(rows[best][1]) if title in names}
    for first, last in ((best, best + 1), (best - 1, best), (best, best + 2)):
        lines = rows[max(first, 0) : last + 1]
        if first < 0 or len(lines) <= last - first or lines[-1][0] - lines[0][0] != last - first:
            continue
        beyond = [titles for _, titles in lines if titles is not rows[best][1]]
        more = any(title in names and place not in taken for place, title in enumerate(beyond[-1]))
        if more and (first < best or not any(titles[place] for titles in beyond for place in taken if place < len(titles))):
            return lines
    return [rows[best]]


def _spread(row: Line, merged: Ranges) -> dict[int, str]:
    """The upper line by column; a merged title stands over all its columns."""
    number, titles = row
    spread = {place: title for place, title in enumerate(titles) if title}
    for top, left, bottom, right in merged:
        if top <= number - 1 <= bottom and left < len(titles) and titles[left]:
            spread |= dict.fromkeys(range(left, right + 1), titles[left])
    return spread


def _named(row: Line, above: Sequence[Mapping[int, str]], names: Mapping[str, str]) -> Header:
    number, titles = row
    columns: dict[str, int] = {}
    unknown: dict[str, int] = {}
    doubled: list[str] = []
    for place in range(max([len(titles), *(each + 1 for over in above for each in over)], default=0)):
        below = titles[place] if place < len(titles) else ""
        over = [title for each in reversed(above) if (title := each.get(place, ""))]
        written = next((each for each in (*(title + below for title in over), below, *over) if each in names), "")
        if not names.get(written):
            if title := next(filter(None, (written, below, *over)), ""):
                unknown.setdefault(title, place)
        elif names[written] in columns:
            doubled.append(names[written])
        else:
            columns[names[written]] = place
    return Header(number, columns, unknown, tuple(doubled))
