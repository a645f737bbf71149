"""Reforms as they were carried out: one with its steps, and their list, the latest first. Each is shown to whom a unit is that it touched."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.roster.models.units import InternalUnitLeft, ReformUnknown, units_named
from services.roster.queries.units import roots_of, seen
from shared.auth import Who
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.pages import Cursors, Order, Paging, Parameters, chosen, question
from shared.unit_copies import scope


class ReformLine(BaseModel):
    """A reform in the list."""

    reform_id: UUID
    title: str
    effective_on: date
    document_no: str
    document_on: date
    actor: str
    recorded_at: datetime


class ReformView(ReformLine):
    """A reform as it was carried out; `units` are those it changed, closed, or took posts or people from or to. All of it holds only what the reader
    may see: a step, where he may see every unit that it names. `names`: what the units were called the day before; one that it made, that day.
    `internal_units_left`: who came to sit in no internal unit by it, as it was written then.
    """

    steps: list[dict[str, Any]]
    units: list[UUID]
    names: dict[UUID, str]
    internal_units_left: list[InternalUnitLeft]


class ReformFilter(BaseModel):
    """By what reforms are chosen. `q`: part of the title or of the document's number."""

    q: str | None = Field(None, max_length=100)


SORTS = {
    "effective_on": {"reforms.effective_on": "date", "reforms.recorded_at": "timestamptz", "reforms.id": "uuid"},
    "recorded_at": {"reforms.recorded_at": "timestamptz", "reforms.id": "uuid"},
}
_TOUCHED = """
    SELECT unit_id FROM unit_records WHERE reform_id = reforms.id UNION SELECT unit_id FROM unit_successors WHERE reform_id = reforms.id
    UNION SELECT unit_id FROM placements WHERE transfer_id = reforms.id
    UNION SELECT (step ->> key)::uuid FROM jsonb_array_elements(reforms.steps) AS step, unnest(ARRAY['unit_id', 'into_unit_id', 'to_unit_id']) AS key
"""
_NAMES = """
    SELECT id, (SELECT name FROM unit_records AS was WHERE unit_id = units.id AND upper_inf(recorded)
        ORDER BY during && daterange($3::date - 1, $3::date, '[]') DESC, lower(during) LIMIT 1) AS name
    FROM units WHERE id = ANY($2)
"""


async def reform(conn: Connection, reform_id: UUID, who: Who) -> ReformView:
    """One reform, with those units it touched that the caller may see. Raises ReformUnknown where there are none."""
    row = await conn.fetchrow(
        f"SELECT id AS reform_id, title, effective_on, document_no, document_on, actor, recorded_at, steps, internal_units_left,"
        f" ARRAY(SELECT unit_id FROM ({_TOUCHED})"
        f" AS touched JOIN units ON units.id = unit_id WHERE {seen(who)} ORDER BY unit_id) AS units FROM reforms WHERE id = $2",
        scope(who),
        reform_id,
    )
    if row is None or not row["units"]:
        raise ReformUnknown(reform=reform_id)
    named = {unit_id for step in row["steps"] for unit_id in units_named(step)} | set(row["units"])
    found = await conn.fetch(f"{_NAMES} AND {seen(who)}", scope(who), list(named), row["effective_on"])
    names = {each["id"]: each["name"] for each in found}
    left = [InternalUnitLeft(**each) for each in row["internal_units_left"]]
    shown = {
        "steps": [step for step in row["steps"] if units_named(step) <= names.keys()],
        "internal_units_left": [each for each in left if {each.unit_id, each.to_unit_id} <= names.keys()],
    }
    return ReformView(**{**row, **shown, "names": names})


@dataclass(frozen=True)
class ReformPages:
    """Pages of the list."""

    who: Who
    wanted: ReformFilter
    order: Order

    async def page(self, conn: Connection, cipher: FieldCipher, paging: Paging) -> tuple[list[dict[str, Any]], str | None]:
        """One page, and the cursor of the next one."""
        fields = chosen(paging.fields, ReformLine.model_fields)
        cursors, put = Cursors(cipher, question("reforms", self.order, self.wanted.q)), Parameters()
        where = " AND ".join([shown_to(self.who, self.wanted.q, put), self.order.after(cursors.read(paging.after), put)])
        rows = await conn.fetch(
            f"SELECT *, id AS reform_id, {self.order.keys} FROM reforms WHERE {where} ORDER BY {self.order.by} LIMIT {paging.limit + 1}",
            *put,
        )
        return cursors.page(rows, self.order, paging.limit, fields)


def shown_to(who: Who, sought: str | None, put: Parameters) -> str:
    """The condition on `reforms` that they touched a unit which the caller may see, and are called so."""
    touched = f"EXISTS (SELECT FROM ({_TOUCHED}) AS touched JOIN units ON units.id = unit_id WHERE {seen(who, roots_of(who, put))})"
    if not sought:
        return touched
    return f"{touched} AND position(lower({put(sought, 'text')}) IN lower(reforms.title || ' ' || reforms.document_no)) > 0"
