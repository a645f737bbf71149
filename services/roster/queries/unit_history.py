"""What units were from when to when, and who took over from whom."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.roster.queries.units import LINKS, SuccessorView, links_of
from shared.db import Connection
from shared.pages import Cursors, Order, Paging, Parameters, chosen


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
