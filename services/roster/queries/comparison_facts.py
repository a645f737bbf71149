"""What a comparison stands on: the format's columns with the side that leads, and our rows as the list `provincial` gives them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from uuid import UUID

import asyncpg

from services.roster.models.facts import place_of
from services.roster.models.fields import SHEETS, Field, Kind, Sensitivity
from services.roster.models.fields import Sheet as Fields
from services.roster.models.imports import MappingFile
from services.roster.queries.codes import codes
from services.roster.queries.exports.columns import words
from services.roster.queries.exports.provincial import FOLDER, formats, sheet_of
from services.roster.queries.import_facts import readable
from services.roster.rules.comparisons import Compared, KnownHere, OurRow, OurUnit, Units, text_of
from services.roster.rules.imports.cells import Choices, folded
from services.roster.rules.imports.mapping import Translated, translated
from services.roster.rules.leads import Leads, LeadsWrong, SheetLeads, leads, own_leads
from services.roster.rules.national import National, NationalSheet, Words
from shared.auth import Who
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.exports.lists import Column, Eye, Sheet, Turn
from shared.glossary import Role

CHUNK = 2_000
UNIT_CODE = "unit_code"
_ROSTER = Who("system", frozenset({Role.SERVICE}))
_NEEDED: Mapping[str, frozenset[str]] = {
    "units": frozenset({"name"}),
    "quotas": frozenset({"unit", "kind", "funding", "posts"}),
    "seats": frozenset({"unit", "level", "approved"}),
    "roster": frozenset({"id_number", "name", "unit"}),
}


@cache
def settings() -> tuple[Leads, ...]:
    """Every version of who leads, the newest last."""
    found = (leads(path.read_text(encoding="utf-8")) for path in (FOLDER / "leads").glob("*.toml"))
    return tuple(sorted(found, key=lambda each: each.valid_from))


def latest_format() -> National:
    """The column map in use."""
    return formats()[-1]


def latest_leads() -> Leads:
    """The newest setting of who leads that the program brings."""
    return settings()[-1]


@dataclass(frozen=True)
class OwnLeads:
    """The office's setting of who leads, and its text."""

    setting: Leads
    text: str


def own_leads_of(file: Path | None) -> OwnLeads | None:
    """What an office's file says; none where it has none. Raises LeadsWrong."""
    if file is None:
        return None
    if not file.is_absolute():
        raise LeadsWrong(f"主导方设置文件 {file}（ROSTER_LEADS_FILE）须写绝对路径。")
    try:
        text = file.read_text(encoding="utf-8-sig")
        columns = {
            sheet.kind: {each.field for each in sheet.columns if each.field in SHEETS[sheet.kind].by_name}
            for sheet in latest_format().sheets
        }
        return OwnLeads(own_leads(text, columns, {each.version for each in settings()}), text)
    except LeadsWrong as wrong:
        raise LeadsWrong(f"主导方设置文件 {file} 有误：{wrong}。请改正后重新启动，或去掉 ROSTER_LEADS_FILE。") from None
    except (OSError, UnicodeDecodeError):
        raise LeadsWrong(f"不能读取主导方设置文件 {file}（ROSTER_LEADS_FILE）。请核对路径、权限和编码（UTF-8）。") from None


async def leads_of(conn: Connection, version: str) -> Leads:
    """The setting of this version, as the first comparison by it found it."""
    text = await conn.fetchval("SELECT setting FROM comparison_leads WHERE version = $1", version)
    return leads(text) if text else next(each for each in settings() if each.version == version)


@dataclass(frozen=True)
class Plan:
    """One sheet of the format: how theirs is read, how each field is compared, and the list that gives ours."""

    kind: str
    fields: Fields
    how: Translated
    compared: Mapping[str, Compared]
    leads: SheetLeads
    ours: Sheet


async def plans(conn: Connection, format_: National, setting: Leads, on: date) -> dict[str, Plan]:
    """By the title of the sheet."""
    written, choices = await words(conn), readable(await codes(conn, on))
    return {sheet.title: _plan(sheet, format_, setting, written, choices) for sheet in format_.sheets}


def _plan(sheet: NationalSheet, format_: National, setting: Leads, written: Words, choices: Mapping[str, Choices]) -> Plan:
    known, needed, side = SHEETS[sheet.kind].by_name, _NEEDED[sheet.kind], setting.sheets[sheet.kind]
    columns = [column for column in sheet.columns if column.field in known]
    fields = [replace(known[each.field], label=each.header, required=each.field in needed) for each in columns]
    fields += [Field(UNIT_CODE, each.header) for each in sheet.columns if each.field == UNIT_CODE]
    theirs = {each.field: _words(sheet, each.field, format_, written) for each in columns}
    as_read = Fields(sheet.kind, sheet.title, tuple(fields), ())
    back = {each.header: _back(theirs[each.field], known[each.field], written, choices) for each in columns if theirs[each.field]}
    return Plan(
        sheet.kind,
        as_read,
        translated(as_read, choices, MappingFile(codes={header: each for header, each in back.items() if each})),
        {each.field: Compared(known[each.field], side.of(each.field), each.field in side.blank, theirs[each.field]) for each in columns},
        side,
        sheet_of(sheet, format_),
    )


def _words(sheet: NationalSheet, name: str, format_: National, written: Words) -> Mapping[str, str]:
    """What each code of a field is written as there; nothing for a field without codes."""
    column = next(each for each in sheet.columns if each.field == name)
    of_set = sheet.set_of(column)
    return {} if of_set is None else sheet.words_of(column, format_, written) or written.get(of_set, {})


def _back(theirs: Mapping[str, str], field: Field, written: Words, choices: Mapping[str, Choices]) -> dict[str, str]:
    """Their word to our label, for codes that are in force, and those of the office that have ended."""
    labels, known = written.get(field.codes or "", {}), choices[field.codes or ""].codes
    return {word: labels[code] for code, word in theirs.items() if code in labels and folded(labels[code]) in known}


async def all_units(conn: Connection, root_id: UUID | None) -> Units:
    """Every unit that is not closed; `inside`: in the subtree."""
    rows = await conn.fetch(
        "SELECT units.id, units.code, was.name, was.short_name, was.uscc, ($1::uuid IS NULL OR $1 = ANY(was.path)) AS inside"
        " FROM units JOIN unit_records was ON was.unit_id = units.id AND upper_inf(was.during) AND upper_inf(was.recorded)",
        root_id,
    )
    return Units(
        OurUnit(
            row["id"],
            row["name"],
            tuple(code for code in (row["uscc"], row["code"]) if code),
            tuple(name for name in (row["name"], row["short_name"]) if name),
            row["inside"],
        )
        for row in rows
    )


async def kept_only_here(conn: Connection) -> frozenset[str]:
    """The kinds of 编外 and 国资, which are not handed up."""
    rows = await conn.fetch("SELECT code FROM establishment_kinds WHERE population <> 'public' AND upper_inf(valid)")
    return frozenset(row["code"] for row in rows)


async def our_rows(conn: Connection, cipher: FieldCipher, plan: Plan, root_id: UUID | None) -> AsyncIterator[list[OurRow]]:
    """Ours, chunk by chunk, from the very list that is handed up; the connection is in a transaction."""
    source = plan.ours.source(_ROSTER, {} if root_id is None else {"unit": root_id})
    persons = plan.kind == "roster"
    columns = [column for column in plan.ours.columns if column.name in plan.compared and column.name != "id_number"]
    turns = _turns(columns, plan, Eye(await words(conn), cipher, unmasked=True))
    more = ", person.person_id AS whom" if persons else ""
    select = ", ".join([f"{column.sql} AS {column.name}" for column in columns] + ([plan.ours.always] if plan.ours.always else []))
    cursor = await conn.cursor(f"SELECT units.id AS held_by, {select}{more} {source.rows}", *source.parameters)
    while rows := await cursor.fetch(CHUNK):
        yield [_row(row, columns, turns, persons=persons) for row in rows]


def _turns(columns: Sequence[Column], plan: Plan, eye: Eye) -> list[Callable[[asyncpg.Record], str | None]]:
    return [_turn(column, plan.compared[column.name].of, eye) for column in columns]


def _turn(column: Column, field: Field, eye: Eye) -> Callable[[asyncpg.Record], str | None]:
    """A column's value as text: codes as codes, sensitive ones opened, figures as the list computes them."""
    name, cipher = column.name, eye.cipher
    if field.sensitivity is Sensitivity.SENSITIVE:
        assert cipher is not None  # noqa: S101  made with one
        return lambda row: None if row[name] is None else cipher.decrypt(row[name], place_of(row["whom"], name))
    if field.kind is Kind.NUMBER and column.turn is not None:
        figure: Turn = column.turn(eye)
        return lambda row: text_of(figure(row[name], row))
    return lambda row: text_of(row[name])


def _row(
    row: asyncpg.Record, columns: Sequence[Column], turns: Sequence[Callable[[asyncpg.Record], str | None]], *, persons: bool
) -> OurRow:
    values = {column.name: turn(row) for column, turn in zip(columns, turns, strict=True)}
    return OurRow(row["held_by"], values, row["whom"] if persons else None)


async def known_here(conn: Connection, persons: Sequence[UUID]) -> dict[UUID, KnownHere]:
    """Where these persons belong, and whether they hold a post that the registers share."""
    rows = await conn.fetch(
        "SELECT persons.id, coalesce(post.unit_id, persons.unit_id) AS unit_id, post.unit_id IS NOT NULL AS in_post"
        " FROM persons LEFT JOIN LATERAL (SELECT placements.unit_id FROM placements JOIN establishment_kinds ON code = kind"
        "  AND upper_inf(valid) AND population = 'public' WHERE placements.person_id = persons.id AND upper_inf(during)"
        "  AND upper_inf(recorded) LIMIT 1) post ON true WHERE persons.id = ANY($1)",
        persons,
    )
    return {row["id"]: KnownHere(row["unit_id"], row["in_post"]) for row in rows}
