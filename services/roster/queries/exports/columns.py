"""From a field of the register to a column of a list, and what all lists of the roster stand on: scope, subtree, moment, code tables."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.roster.models.facts import place_of
from services.roster.models.fields import SHEETS, Field, Kind, Sensitivity
from services.roster.queries.establishments import Moment
from services.roster.queries.ledger import MATTERS
from services.roster.queries.persons import MASK
from services.roster.rules.national import STANDARD
from shared.auth import Who
from shared.crypto import masked_id_number
from shared.db import Connection
from shared.exports.lists import Column, Eye, Filters, Turn, coded, flagged, joined
from shared.pages import Day
from shared.sheets.writing import Cell, Form
from shared.unit_copies import scope, visible

OF_UNITS: dict[str, Any] = {"unit": UUID, "as_of": Day, "known_on": Day}
"""The filters of every list about units: a subtree, a day, and the day whose knowledge counts (a closed month is read as it was known then)."""
_FORMS = {Kind.DAY: Form.DAY, Kind.MONTH: Form.MONTH, Kind.NUMBER: Form.NUMBER}


def column(field: Field, sql: str) -> Column:
    """A field's column: its label, its type, its code set, and masked where it is sensitive."""
    sensitive = field.sensitivity is Sensitivity.SENSITIVE
    return Column(field.name, field.label, sql, _FORMS.get(field.kind, Form.TEXT), _turn(field, sensitive=sensitive), sensitive)


def _turn(field: Field, *, sensitive: bool) -> Callable[[Eye], Turn] | None:
    if sensitive:
        return _sealed(field)
    if field.kind is Kind.CODE:
        return coded(field.codes or "")
    return {Kind.FLAG: flagged, Kind.TEXTS: joined}.get(field.kind)


def _sealed(field: Field) -> Callable[[Eye], Turn]:
    """Opened where that was granted; else an ID number by its ends, and of the others only that there is something."""

    def turn(eye: Eye) -> Turn:
        if not eye.unmasked and field.kind is not Kind.ID_NUMBER:
            return lambda value, _: value and MASK
        opened = _opened(field, eye)
        if eye.unmasked:
            return opened
        return lambda value, row: value and masked_id_number(str(opened(value, row)))

    return turn


def _opened(field: Field, eye: Eye) -> Turn:
    if eye.cipher is None:
        raise RuntimeError("the roster's worker has no key of the fields")
    decrypt, words, is_day = eye.cipher.decrypt, eye.words.get(field.codes or "", {}), field.kind in {Kind.DAY, Kind.MONTH}

    def turn(value: bytes | None, row: asyncpg.Record) -> Cell:
        if value is None:
            return None
        text = decrypt(value, place_of(row["person_id"], field.name))
        return date.fromisoformat(text) if is_day else words.get(text, text)

    return turn


def moment_of(filters: Filters) -> Moment:
    """The day asked about, as known at the end of `known_on`; none: the latest state."""
    return Moment.of(filters.get("as_of"), filters.get("known_on"))


def of_units(who: Who, filters: Filters) -> Sequence[object]:
    """The parameters of UNITS_THEN."""
    moment = moment_of(filters)
    return scope(who), moment.on, moment.known, moment.end, filters.get("unit")


def units_then(who: Who) -> str:
    """FROM the units the caller may see ($1), as they were ($2 to $4), in a subtree of that day ($5): `units`, with `was` and its parent `above`."""
    return f"""
    FROM units JOIN unit_records AS was ON was.unit_id = units.id AND {then("was")} AND ($5::uuid IS NULL OR $5 = ANY(was.path))
        AND ($4::timestamptz IS NULL OR $4 IS NOT NULL) AND {visible(who, row="units", table="units")}
    LEFT JOIN unit_records AS above ON above.unit_id = was.parent_id AND {then("above")}
    """


def of_all_units(who: Who, filters: Filters) -> Sequence[object]:
    """The parameters of `units_ever`."""
    return scope(who), filters.get("unit")


def units_ever(who: Who) -> str:
    """FROM all units the caller may see ($1), in today's subtree ($2), also those that are no more: `units`, with `was` as they were last."""
    return f"""
    FROM units JOIN LATERAL (
        SELECT * FROM unit_records WHERE unit_id = units.id AND upper_inf(recorded) ORDER BY lower(during) DESC NULLS LAST LIMIT 1
    ) AS was ON ($2::uuid IS NULL OR $2 = ANY(units.path)) AND {visible(who, row="units", table="units")}
    """


def named(who: Who, unit: str) -> str:
    """Whether a unit that another one deals with is named to the caller: a withheld one only where he sees it ($1)."""
    return f"(NOT {unit}.withheld OR {visible(who, row=unit, table='units')})"


def then(table: str) -> str:
    """What held on the day $2, as known at $3."""
    return f"{table}.during @> coalesce($2::date, 'infinity') AND {table}.recorded @> coalesce($3::timestamptz, 'infinity')"


async def words(conn: Connection) -> dict[str, dict[str, str]]:
    """Every code by what it was called last, also where it is in force no more, and as the national standard writes it."""
    rows = await conn.fetch(
        "SELECT set, code, label FROM (SELECT set, code, label, valid FROM codes UNION ALL"
        f" SELECT '{STANDARD}' || set, code, coalesce(standard, code), valid FROM codes"
        " UNION ALL SELECT 'kinds', code, label, valid FROM establishment_kinds UNION ALL SELECT 'fundings', code, label, valid FROM fundings"
        " UNION ALL SELECT 'categories', code, label, valid FROM unit_categories"
        " UNION ALL SELECT 'entry_reasons', code, label, valid FROM entry_reasons"
        " UNION ALL SELECT 'exit_reasons', code, label, valid FROM exit_reasons) AS every ORDER BY valid"
    )
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["set"], {})[row["code"]] = row["label"]
    fields = {field.name: field.label for sheet in SHEETS.values() for field in sheet.fields}
    return found | {"matters": MATTERS, "sheets": {name: sheet.title for name, sheet in SHEETS.items()}, "fields": fields}
