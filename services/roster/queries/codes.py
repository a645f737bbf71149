"""The code tables as data."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from pydantic import BaseModel

from services.roster.models.facts import RowWords
from services.roster.models.fields import FROM_INSURANCE, OFF_ESTABLISHMENT, PERSONS, SEATS, UNITS
from services.roster.models.refusals import CodeUnknown
from services.roster.rules.posts import OF_OTHER_MATTERS
from shared.db import Connection

_OWN_TABLES = {"kinds", "fundings", "categories", "entry_reasons", "exit_reasons"}
_FIELDS = {
    field.name: field
    for sheet in (UNITS, SEATS, PERSONS, OFF_ESTABLISHMENT)
    for field in sheet.fields
    if field.codes is not None and field.codes not in _OWN_TABLES
}
"""The fields that hold a code of the table `codes`; a name means the same set on every sheet."""

Labels = Mapping[str, Mapping[str, str]]


class Code(BaseModel):
    """One code in force on the day asked about. `aliases`: words of older registers; `standard`: the national standard's code where ours is another."""

    code: str
    label: str
    document_no: str
    aliases: list[str] = []
    standard: str | None = None


class Kind(Code):
    """`counted`: whether the kind is 编制 in law; `apart`: 单列, not added to the unit's number. `population`: 机关事业 (public), 编外 (off_establishment), 国资 (state_enterprise)."""

    counted: bool
    apart: bool
    population: str


class Reason(Code):
    """Why somebody came or left. `applied_for`: whether a unit may name it in an 入编 or 出编: 调动 within the county is one case, 划转 a reform."""

    applied_for: bool


class AddedCode(BaseModel):
    """A code that the office added itself: from which day, on which document, by whom and when; the same of its end (none: it has none)."""

    set: str
    code: str
    label: str
    aliases: list[str]
    since: date
    document_no: str
    reason: str
    added_by: str
    added_at: datetime
    ended_on: date | None = None
    ended_document_no: str | None = None
    ended_reason: str | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None


class Codes(BaseModel):
    """Everything a form must choose from. `sets`: all further sets, by the name of `Field.codes`, each in its form's order. `own`: what the
    office added, also what has ended since.
    """

    categories: list[Code]
    kinds: list[Kind]
    fundings: list[Code]
    entry_reasons: list[Reason]
    exit_reasons: list[Reason]
    allowed_kinds: dict[str, list[str]]
    sets: dict[str, list[Code]]
    own: list[AddedCode] = []

    @property
    def ended(self) -> list[AddedCode]:
        """Of the office's own, those that are in force no more."""
        there = {(name, each.code) for name, table in self.sets.items() for each in table}
        return [each for each in self.own if (each.set, each.code) not in there]

    def of(self, name: str) -> list[Code]:
        """The set of this name, whichever table holds it. Raises KeyError."""
        own: list[Code] | None = getattr(self, name, None)
        return self.sets[name] if own is None else own


async def codes(conn: Connection, on: date) -> Codes:
    """The codes in force on a day."""
    allowed = await conn.fetch(
        "SELECT category, array_agg(kind ORDER BY kind) AS kinds FROM allowed_kinds WHERE valid @> $1::date GROUP BY category", on
    )
    return Codes(
        categories=await _table(conn, "unit_categories", on),
        kinds=[Kind(**row) for row in await conn.fetch("SELECT * FROM establishment_kinds WHERE valid @> $1::date ORDER BY code", on)],
        fundings=await _table(conn, "fundings", on),
        entry_reasons=_reasons("entry_reasons", await _table(conn, "entry_reasons", on)),
        exit_reasons=_reasons("exit_reasons", await _table(conn, "exit_reasons", on)),
        allowed_kinds={row["category"]: row["kinds"] for row in allowed},
        sets=await _sets(conn, on),
        own=[AddedCode(**row) for row in await conn.fetch(_OWN, on)],
    )


_OWN = (
    "SELECT set, code, label, aliases, since, own.document_no, own.reason, own.actor AS added_by, own.at AS added_at, ended_on,"
    " ended.document_no AS ended_document_no, ended.reason AS ended_reason, ended.actor AS ended_by, ended.at AS ended_at"
    " FROM code_additions AS own LEFT JOIN code_endings AS ended USING (set, code) WHERE since <= $1::date ORDER BY set, code"
)


async def labels(conn: Connection, on: date) -> Labels:
    """What the codes of a person's fields are called, by field; the office's own also after their end."""
    known = await codes(conn, on)
    fields = (*OFF_ESTABLISHMENT.fields, *PERSONS.fields, *FROM_INSURANCE)
    return {
        field.name: {own.code: own.label for own in known.own if own.set == field.codes}
        | {each.code: each.label for each in known.of(field.codes)}
        for field in fields
        if field.codes
    }


def _reasons(table: str, known: list[Code]) -> list[Reason]:
    return [Reason(**each.model_dump(), applied_for=each.code not in OF_OTHER_MATTERS[table]) for each in known]


async def _table(conn: Connection, table: str, on: date) -> list[Code]:
    return [
        Code(**row) for row in await conn.fetch(f"SELECT code, label, document_no FROM {table} WHERE valid @> $1::date ORDER BY code", on)
    ]


async def _sets(conn: Connection, on: date) -> dict[str, list[Code]]:
    rows = await conn.fetch(
        "SELECT set, code, label, aliases, standard, document_no FROM codes WHERE valid @> $1::date ORDER BY set, position", on
    )
    sets: dict[str, list[Code]] = {}
    for row in rows:
        sets.setdefault(row["set"], []).append(Code(**row))
    return sets


async def row_words(conn: Connection) -> RowWords:
    """Every category, kind and funding by what it was called last."""
    rows = await conn.fetch(
        "SELECT field, code, label FROM (SELECT 'category' AS field, code, label, valid FROM unit_categories"
        " UNION ALL SELECT 'kind', code, label, valid FROM establishment_kinds"
        " UNION ALL SELECT 'funding', code, label, valid FROM fundings) AS every ORDER BY valid"
    )
    return RowWords({(row["field"], row["code"]): row["label"] for row in rows})


async def categories_called(conn: Connection) -> dict[str, str]:
    """Every category by what it was called last."""
    rows = await conn.fetch("SELECT code, label FROM unit_categories ORDER BY valid")
    return {row["code"]: row["label"] for row in rows}


async def ensure_known_codes(conn: Connection, on: date, *given: Mapping[str, object]) -> None:
    """Every code of these fields is in its set on this day (CodeUnknown)."""
    unknown = await unknown_codes(conn, on, given)
    if unknown:
        raise CodeUnknown(field=unknown[0][1])


async def unknown_codes(conn: Connection, on: date, given: Iterable[Mapping[str, object]]) -> list[tuple[int, str]]:
    """Which of these hold a code that is not in force on this day: their place in the list, and the field's label."""
    rows = list(given)
    told = {name: {row[name] for row in rows if name in row} - {None} for name in _FIELDS}
    held = {(_FIELDS[name].codes, str(value)) for name, values in told.items() for value in values}
    if not held:
        return []
    missing = await conn.fetch(
        "SELECT asked.set, asked.code FROM unnest($1::text[], $2::text[]) AS asked (set, code) WHERE NOT EXISTS"
        " (SELECT FROM codes WHERE codes.set = asked.set AND codes.code = asked.code AND valid @> $3::date)",
        [name for name, _ in held],
        [code for _, code in held],
        on,
    )
    unknown = {(row["set"], row["code"]) for row in missing}
    return [
        (place, _FIELDS[name].label)
        for place, row in enumerate(rows if unknown else ())
        for name, value in row.items()
        if name in _FIELDS and (_FIELDS[name].codes, str(value)) in unknown
    ]
