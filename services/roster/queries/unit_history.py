"""What units were from when to when, who took over from whom, and what a reform did."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.roster.models.units import ReformUnknown, units_named
from services.roster.queries.units import LINKS, SuccessorView, links_of, seen
from shared.auth import Who
from shared.db import Connection
from shared.pages import Cursors, Order, Paging, Parameters, chosen
from shared.unit_copies import scope


class RecordView(BaseModel):
    """One stretch of a unit's history, as it is known now."""

    since: date
    until: date | None
    name: str
    short_name: str | None
    uscc: str | None
    parent_id: UUID | None
    path: list[UUID]
    category: str
    nature: str | None
    public_welfare: str | None
    unit_funding: str | None
    sector: str | None
    rank: str | None
    system: str | None
    duties: str | None
    leaders_above_rank: str | None
    leaders_above_rank_no: str | None
    withheld: bool
    document_no: str
    document_on: date | None
    reform_id: UUID | None
    recorded_from: datetime


class UnitHistory(BaseModel):
    """A page of stretches, and the links to other units; `next` is the page's cursor."""

    items: list[RecordView]
    next: str | None
    successors: list[SuccessorView]
    predecessors: list[SuccessorView]


class ReformView(BaseModel):
    """A reform as it was carried out; `units` are those it changed, closed, or took people from or to. Both hold only what the reader may see:
    a step, where he may see every unit that it names.
    """

    reform_id: UUID
    title: str
    effective_on: date
    document_no: str
    document_on: date
    steps: list[dict[str, Any]]
    units: list[UUID]


SORTS = {"since": {"lower(during)": "date", "id": "bigint"}}


async def unit_history(
    conn: Connection, cursors: Cursors, unit_id: UUID, order: Order, paging: Paging
) -> tuple[list[dict[str, Any]], str | None]:
    """What a unit that the caller may see was from when to when, as known now: a page of it."""
    put, fields = Parameters(), chosen(paging.fields, RecordView.model_fields)
    rows = await conn.fetch(
        f"SELECT *, lower(during) AS since, upper(during) AS until, lower(recorded) AS recorded_from, {order.keys} FROM unit_records"
        f" WHERE unit_id = {put(unit_id, 'uuid')} AND upper_inf(recorded) AND {order.after(cursors.read(paging.after), put)}"
        f" ORDER BY {order.by} LIMIT {paging.limit + 1}",
        *put,
    )
    return cursors.page(rows, order, paging.limit, fields)


async def links(conn: Connection, unit_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """From whom it came and who took over."""
    found = links_of(unit_id, await conn.fetch(LINKS, unit_id))
    return {side: [each.model_dump() for each in views] for side, views in found.items()}


async def reform(conn: Connection, reform_id: UUID, who: Who) -> ReformView:
    """One reform, with those units it changed that the caller may see. Raises ReformUnknown where there are none."""
    row = await conn.fetchrow(
        "SELECT id AS reform_id, title, effective_on, document_no, document_on, steps, ARRAY(SELECT DISTINCT unit_id FROM ("
        " SELECT unit_id FROM unit_records WHERE reform_id = $2 UNION SELECT unit_id FROM unit_successors WHERE reform_id = $2"
        " UNION SELECT unit_id FROM placements WHERE transfer_id = $2) AS touched JOIN units ON units.id = unit_id"
        f" WHERE {seen(who)}) AS units FROM reforms WHERE id = $2",
        scope(who),
        reform_id,
    )
    if row is None or not row["units"]:
        raise ReformUnknown(reform=reform_id)
    named = {unit_id for step in row["steps"] for unit_id in units_named(step)}
    known = {each["id"] for each in await conn.fetch(f"SELECT id FROM units WHERE id = ANY($2) AND {seen(who)}", scope(who), list(named))}
    return ReformView(**{**row, "steps": [step for step in row["steps"] if units_named(step) <= known]})
