"""Finding the header of a sheet that people made: below instructions, over two merged lines, with stars, spaces and remarks in its titles. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from shared.sheets.reading import Cell

_REMARK = re.compile(r"[（(\[【][^（()）\[\]【】]*[)）\]】]")
_PLAIN = re.compile(r"[\s*＊:：、·\u200b\ufeff]+")
_NONE: Mapping[str, str] = MappingProxyType({})
Ranges = Sequence[tuple[int, int, int, int]]


@dataclass(frozen=True)
class Header:
    """Where the header ends (its last row number), and its columns: the known title to its position, and the titles nobody knows."""

    after: int
    columns: Mapping[str, int]
    unknown: Mapping[str, int]
    doubled: tuple[str, ...] = ()


def as_written(title: object) -> str:
    """A title with its remarks: full-width forms, spaces and stars are nothing."""
    return "" if title is None else _PLAIN.sub("", unicodedata.normalize("NFKC", str(title)))


def plain(title: object) -> str:
    """A title as it is compared: full-width forms, spaces, stars and remarks in brackets are nothing."""
    text = as_written(title)
    while (shorter := _REMARK.sub("", text)) not in {"", text}:
        text = shorter
    return text


def find(
    head: Sequence[tuple[int, Sequence[Cell]]], merged: Ranges, known: Mapping[str, str], own: Mapping[str, str] = _NONE
) -> Header | None:
    """The header among the first rows: the row with most of the known titles, or two rows together. `known`: a title as people write it to its own name.
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
    top, bottom = _lines(rows, -place, names)
    above = _spread(rows[top], merged) if top != bottom else {}
    return _named(rows[bottom], above, every)


def _in_plain(known: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A title of one's own without its remark stands only for what nobody knows."""
    return {plain(written): name for written, name in own.items() if name} | {
        plain(written): name for written, name in known.items() if written not in own
    }


def _lines(rows: Sequence[tuple[int, list[str]]], best: int, names: Mapping[str, str]) -> tuple[int, int]:
    """One line, or two: the neighbour belongs to the header when it names columns that the best line does not, and is empty where that one does."""
    number, titles = rows[best]
    taken = {place for place, title in enumerate(titles) if title in names}
    for other in (best + 1, best - 1):
        if 0 <= other < len(rows) and abs(rows[other][0] - number) == 1:
            neighbour = rows[other][1]
            more = [place for place, title in enumerate(neighbour) if title in names and place not in taken]
            if more and (other < best or not any(neighbour[place] for place in taken if place < len(neighbour))):
                return min(best, other), max(best, other)
    return best, best


def _spread(row: tuple[int, list[str]], merged: Ranges) -> dict[int, str]:
    """The upper line by column; a merged title stands over all its columns."""
    number, titles = row
    spread = {place: title for place, title in enumerate(titles) if title}
    for top, left, bottom, right in merged:
        if top <= number - 1 <= bottom and left < len(titles) and titles[left]:
            spread |= dict.fromkeys(range(left, right + 1), titles[left])
    return spread


def _named(row: tuple[int, list[str]], above: Mapping[int, str], names: Mapping[str, str]) -> Header:
    number, titles = row
    columns: dict[str, int] = {}
    unknown: dict[str, int] = {}
    doubled: list[str] = []
    for place in range(max([len(titles), *(each + 1 for each in above)], default=0)):
        below = titles[place] if place < len(titles) else ""
        over = above.get(place, "")
        written = next((each for each in (over + below, below, over) if each in names), "")
        if not names.get(written):
            if title := written or below or over:
                unknown.setdefault(title, place)
        elif names[written] in columns:
            doubled.append(names[written])
        else:
            columns[names[written]] = place
    return Header(number, columns, unknown, tuple(doubled))
