"""What an import would change: row by row, each field as the roster had it when the file was checked, and as the file has it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel
from pydantic_core import from_json

from services.roster.models.fields import Field, Sensitivity, Sheet
from services.roster.models.imports import BEFORE, sealed_place
from services.roster.queries.exports.columns import words
from services.roster.queries.imports import SHEETS_READ
from services.roster.queries.persons import MASK
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.exports.lists import Words

_NOT_KEPT = "（核对时没有留存）"
"""Of a row that was checked by a release before this was kept."""
_DELETED = "（已按保存期限删除）"
CHANGED = """
    SELECT $1::uuid AS import_id, of.sheet, found.*, (of.turn << 32) + found.number AS place FROM unnest($4::text[]) WITH ORDINALITY AS of (sheet, turn)
    CROSS JOIN LATERAL (SELECT number, changed, sealed FROM import_rows
        WHERE import_id = $1 AND sheet = of.sheet AND verdict = 'changed' AND number > $2::bigint - (of.turn << 32) ORDER BY number LIMIT $3) AS found
    ORDER BY of.turn, found.number LIMIT $3
"""


class FieldChange(BaseModel):
    """One field in words; `before` none: the roster had nothing. Of a sensitive one only that there is something."""

    column: str
    before: str | None
    after: str


class ChangeView(BaseModel):
    """One row that would change something of the roster, whose it is (a name, and a unit as the file calls it), and what. Once the retention is over, which fields alone."""

    sheet: str
    row: int
    about: str
    changes: list[FieldChange]


async def changes(conn: Connection, cipher: FieldCipher, import_id: UUID, after: int, limit: int) -> list[tuple[int, ChangeView]]:
    """The rows that would change something, by sheet and row, each with its place: the sheet's turn and the row's number. A page reads its own rows."""
    rows = await conn.fetch(CHANGED, import_id, after, limit, list(SHEETS_READ))
    spoken = await words(conn) if rows else {}
    return [(row["place"], _view(cipher, row, spoken)) for row in rows]


def _view(cipher: FieldCipher, row: asyncpg.Record, spoken: Words) -> ChangeView:
    sheet = SHEETS_READ[row["sheet"]]
    if row["sealed"] is None:
        gone = [FieldChange(column=sheet.by_name[name].label, before=_DELETED, after=_DELETED) for name in row["changed"]]
        return ChangeView(sheet=sheet.title, row=row["number"], about=_DELETED, changes=gone)
    values = _opened(cipher, row)
    before = values.get(BEFORE) or dict.fromkeys(row["changed"], _NOT_KEPT)
    return ChangeView(
        sheet=sheet.title,
        row=row["number"],
        about=" · ".join(told for name in ("name", "unit") if (told := values.get(name))),
        changes=[_change(sheet, name, before, values, spoken) for name in row["changed"]],
    )


def _opened(cipher: FieldCipher, row: asyncpg.Record) -> dict[str, Any]:
    values: dict[str, Any] = from_json(cipher.unseal(row["sealed"], sealed_place(row["import_id"], row["sheet"], row["number"])))
    return values


def _change(sheet: Sheet, name: str, before: Mapping[str, Any], after: Mapping[str, Any], spoken: Words) -> FieldChange:
    field = sheet.by_name[name]
    return FieldChange(column=field.label, before=_said(field, before.get(name), spoken), after=_said(field, after[name], spoken) or "")


def _said(field: Field, value: Any, spoken: Words) -> str | None:
    text = field.said(value, spoken)
    return MASK if text is not None and field.sensitivity is Sensitivity.SENSITIVE else text
