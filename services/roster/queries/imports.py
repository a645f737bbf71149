"""Imports as they are shown: their state, what was found, what would change. Nothing here holds a name or a number of the file."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.roster.models.fields import SHEETS, UNITS
from services.roster.models.imports import LEFT, STATES, UNITS_WITH_POSTS, ImportState, ImportUnknown, UnitOfFileUnknown
from services.roster.queries.import_facts import known_units
from services.roster.queries.units import seen
from services.roster.rules.imports.book import Words
from services.roster.rules.imports.sheets import judge_book
from shared.auth import Who
from shared.db import Connection
from shared.unit_copies import scope

PROBLEMS = """
    WITH last AS (SELECT array_position($4::text[], sheet) AS turn, row, id FROM import_problems WHERE import_id = $1 AND id = $2)
    SELECT of.sheet, found.* FROM unnest($4::text[]) WITH ORDINALITY AS of (sheet, turn) LEFT JOIN last ON true
    CROSS JOIN LATERAL (SELECT row, id, field, sentence, warning, at_writing FROM import_problems WHERE import_id = $1 AND sheet = of.sheet
        AND (row, id) > (CASE of.turn WHEN last.turn THEN last.row ELSE -1 END, CASE of.turn WHEN last.turn THEN last.id ELSE 0 END)
        ORDER BY row, id LIMIT $3) AS found
    WHERE $2 = 0 OR of.turn >= last.turn ORDER BY of.turn, found.row, found.id LIMIT $3
"""
SHEETS_READ = {UNITS.kind: UNITS, UNITS_WITH_POSTS.kind: UNITS_WITH_POSTS} | SHEETS
_SEEN = "($1::uuid[] IS NULL OR actor = $2)"
"""Who sees the whole county sees all imports; who sees a part, his own."""


class SheetCount(BaseModel):
    """The rows of one sheet by what becomes of them."""

    title: str
    added: int
    changed: int
    same: int
    wrong: int
    left_out: int


class ImportView(BaseModel):
    """One import. `step` rises with whatever changes here; `note` says why a file is not read, or from which template it is;
    `left` says how what a cancelled writing left unwritten comes in (empty: nothing was left so).
    """

    id: UUID
    kind: str
    title: str
    state: str
    state_label: str
    step: int
    file_name: str
    file_bytes: int
    actor: str
    received_at: datetime
    checked_at: datetime | None
    ended_at: datetime | None
    keep_until: datetime
    rows_read: int
    units_done: int
    units_total: int
    errors: int
    warnings: int
    note: str
    accept_valid: bool
    document_no: str | None
    sheets: dict[str, SheetCount]
    written: dict[str, int]
    left: str


class ProblemView(BaseModel):
    """One finding, as people read it: `sheet` and `column` by their Chinese names. `at_writing`: a loan that was refused when the file was written."""

    sheet: str
    row: int
    column: str
    sentence: str
    warning: bool
    at_writing: bool


class RefusedUnit(BaseModel):
    """A unit that could not be written, and why."""

    name: str
    sentence: str


async def import_view(conn: Connection, import_id: UUID, who: Who) -> ImportView:
    """One import. Raises ImportUnknown."""
    row = await conn.fetchrow(f"SELECT * FROM imports WHERE {_SEEN} AND id = $3", scope(who), who.name, import_id)
    if row is None:
        raise ImportUnknown
    return _view(row)


async def imports(conn: Connection, who: Who, before: UUID | None, limit: int) -> list[ImportView]:
    """The latest first; ids rise with time."""
    rows = await conn.fetch(
        f"SELECT * FROM imports WHERE {_SEEN} AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
        scope(who),
        who.name,
        before,
        limit,
    )
    return [_view(row) for row in rows]


async def code_of_unit(conn: Connection, called: str, who: Who) -> str:
    """The code of the caller's unit that a file as a whole is of, by all that a row may call it. Raises UnitOfFileUnknown."""
    mine = {row["code"] for row in await conn.fetch(f"SELECT code FROM units WHERE upper_inf(valid) AND {seen(who)}", scope(who))}
    known = {code: unit for code, unit in (await known_units(conn, who.units)).items() if code in mine}
    units = judge_book([], known, Words({}, {}, {}, {}, {}))
    code = units.code_of(called)
    if code is None:
        several = units.of_several(called)
        by = "编码或统一社会信用代码" if several else "现用全称、编码或统一社会信用代码"
        raise UnitOfFileUnknown(unit=called[:40], found="有几个" if several else "没有", by=by)
    return code


async def problems(conn: Connection, import_id: UUID, after: int, limit: int) -> list[tuple[int, ProblemView]]:
    """What was found, by sheet and row, each with its id, which the next page begins after. A page reads its own rows."""
    rows = await conn.fetch(PROBLEMS, import_id, after, limit, list(SHEETS_READ))
    return [(row["id"], _problem(row)) for row in rows]


async def refused_units(conn: Connection, import_id: UUID) -> list[RefusedUnit]:
    """Units that could not be written."""
    rows = await conn.fetch(
        "SELECT name, sentence FROM import_units WHERE import_id = $1 AND state = 'refused' ORDER BY position", import_id
    )
    return [RefusedUnit(**row) for row in rows]


async def marks(conn: Connection, import_id: UUID) -> dict[str, list[Any]]:
    """For the file's copy: by the sheet's own name in the file, row, column position (none: the row), sentence and whether a warning."""
    columns = await conn.fetchval("SELECT columns FROM imports WHERE id = $1", import_id)
    found: dict[str, list[Any]] = {each["name"]: [] for each in sorted(columns.values(), key=lambda each: each["position"])}
    rows = await conn.fetch("SELECT sheet, row, field, sentence, warning FROM import_problems WHERE import_id = $1 ORDER BY id", import_id)
    for row in rows:
        place = columns.get(row["sheet"])
        if place is not None:
            label = label_of(row["sheet"], row["field"])
            told = f"{'提示' if row['warning'] else '错误'}·{label}：{row['sentence']}" if label else f"提示：{row['sentence']}"
            found[place["name"]].append([row["row"], place["places"].get(row["field"]), told, row["warning"]])
    for row in await conn.fetch(
        "SELECT sheet, number, changed FROM import_rows WHERE import_id = $1 AND verdict = 'changed' ORDER BY number", import_id
    ):
        place = columns.get(row["sheet"])
        if place is not None and row["changed"]:
            told = f"变更·{'、'.join(label_of(row['sheet'], name) for name in row['changed'])}：系统中的将改为此处所填"
            for name in row["changed"]:
                found[place["name"]].append([row["number"], place["places"].get(name), told, True])
                told = ""
    return found


def label_of(sheet: str, name: str) -> str:
    """The column's header for people."""
    field = SHEETS_READ[sheet].by_name.get(name)
    return field.label if field else ""


def _problem(row: asyncpg.Record) -> ProblemView:
    title = SHEETS_READ[row["sheet"]].title if row["sheet"] in SHEETS_READ else UNITS.title
    column = label_of(row["sheet"], row["field"])
    told = {name: row[name] for name in ("row", "sentence", "warning", "at_writing")}
    return ProblemView(sheet=title, column=column, **told)


def _view(row: asyncpg.Record) -> ImportView:
    counts: dict[str, dict[str, int]] = row["counts"]
    sheets = {kind: SheetCount(title=SHEETS_READ[kind].title, **verdicts) for kind, verdicts in counts.items()}
    state = ImportState(row["state"])
    told = {"title": SHEETS[row["kind"]].title, "state_label": STATES[state], "sheets": sheets}
    left = LEFT.format(**row) if state == ImportState.CANCELLED and row["written"] else ""
    return ImportView(**{**row, **told, "left": left})
