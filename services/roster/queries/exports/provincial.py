"""The register in the national-format columns: a workbook for the upper level's 实名制 system, one list for each version of the format."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from services.roster.queries.exports.columns import OF_UNITS
from services.roster.queries.exports.persons import ALWAYS, PERSON_COLUMNS, persons_source
from services.roster.queries.exports.units import (
    QUOTA_COLUMNS,
    SEAT_COLUMNS,
    UNIT_COLUMNS,
    quotas_source,
    seats_source,
    units_source,
)
from services.roster.rules.national import National, NationalColumn, NationalSheet, national
from shared.auth import Who
from shared.exports.lists import Column, ExportList, Eye, Filters, Sheet, Source, Turn

FOLDER = Path(__file__).parents[2] / "national"


@cache
def formats() -> tuple[National, ...]:
    """Every version, the newest last."""
    return tuple(sorted((national(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.toml")), key=lambda each: each.valid_from))


_SHARED = (
    "was.category NOT IN (SELECT category FROM allowed_kinds JOIN establishment_kinds AS known ON known.code = kind"
    " GROUP BY category HAVING bool_and(known.population <> 'public'))"
)
"""Units that may hold 编制 at all: a group of 国资 may not."""
_PUBLIC_KINDS = "row.kind IN (SELECT code FROM establishment_kinds WHERE population = 'public' AND valid @> coalesce($2::date, 'infinity'))"


def _narrowed(source: Source, condition: str) -> Source:
    return replace(source, rows=source.rows + condition)


def _public(who: Who, filters: Filters) -> Source:
    """Who is in post in organs and institutions: 国资 and 编外 are in no national register, 报备员额 are (机关事业, though not counted as 编制)."""
    return persons_source(who, {**filters, "population": "public"})


def _public_units(who: Who, filters: Filters) -> Source:
    """Organs and institutions."""
    return _narrowed(units_source(who, filters), f" AND {_SHARED}")


def _public_quotas(who: Who, filters: Filters) -> Source:
    """The posts of the people of `_public`: no ceilings of 编外 and 国资, but those of 报备员额."""
    return _narrowed(quotas_source(who, filters), f" AND {_PUBLIC_KINDS}")


def _public_seats(who: Who, filters: Filters) -> Source:
    """领导职数 of organs and institutions."""
    return _narrowed(seats_source(who, filters), f" AND {_SHARED}")


_OURS: dict[str, tuple[tuple[Column, ...], Any, str]] = {
    "units": (UNIT_COLUMNS, _public_units, ""),
    "quotas": (QUOTA_COLUMNS, _public_quotas, ""),
    "seats": (SEAT_COLUMNS, _public_seats, ""),
    "roster": (PERSON_COLUMNS, _public, ALWAYS),
}


def sheet_of(sheet: NationalSheet, format_: National) -> Sheet:
    """A sheet of the format with our rows."""
    columns, source, always = _OURS[sheet.kind]
    ours = {column.name: column for column in columns}
    return Sheet(sheet.title, [_column(ours[column.field], sheet, column, format_) for column in sheet.columns], source, always)


def _column(ours: Column, sheet: NationalSheet, column: NationalColumn, format_: National) -> Column:
    """Our column under their header; a code in their words, by lending our own turn their code table."""
    turn = ours.turn

    def theirs(eye: Eye) -> Turn:
        assert turn is not None  # noqa: S101  a field with a code has one
        written = sheet.words_of(column, format_, eye.words)
        return turn(eye if written is None else replace(eye, words={**eye.words, str(sheet.set_of(column)): written}))

    return replace(ours, label=column.header, turn=turn and theirs)


def _list(name: str, format_: National) -> ExportList:
    title = f"实名制信息（国家格式 {format_.version} 版）"
    return ExportList(name, title, "persons.read", [sheet_of(sheet, format_) for sheet in format_.sheets], OF_UNITS)


PROVINCIAL_LISTS = (
    _list("provincial", formats()[-1]),
    *(_list(f"provincial-{each.version}", each) for each in formats()[:-1]),
)
