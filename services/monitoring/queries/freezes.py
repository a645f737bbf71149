"""Reads about freeze orders."""

from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.monitoring.models.refusals import OrderUnknown
from services.monitoring.queries.issues import Page
from shared.auth import Who
from shared.db import Connection
from shared.glossary import LABELS, FreezeScope, FreezeState
from shared.unit_copies import scope, visible
from workflows.roster import FrozenPosts


class LinkedIssue(BaseModel):
    """An issue the order hangs on."""

    issue_id: UUID
    round: int
    accepted_at: datetime | None


class OrderEntry(BaseModel):
    """What happened to the order, by whom."""

    sequence: int
    act: str
    state: FreezeState
    at: datetime
    actor: str
    role: str
    reason: str
    document_no: str | None


class OrderPage(BaseModel):
    """One freeze order with its issues and its journal."""

    id: UUID
    unit_id: UUID
    unit: str
    scopes: list[FreezeScope]
    posts: list[FrozenPosts]
    state: FreezeState
    state_label: str
    held: str | None
    reason: str
    proposed_by: str
    proposed_at: datetime
    document_no: str | None
    decided_by: str | None
    decided_at: datetime | None
    release_document_no: str | None
    released_by: str | None
    released_at: datetime | None
    issues: list[LinkedIssue]
    timeline: list[OrderEntry]


def _orders(who: Who) -> str:
    return f"SELECT o.*, u.name AS unit FROM freeze_orders o JOIN unit_copies u ON u.id = o.unit_id WHERE {visible(who)}"


async def freeze_orders(
    conn: Connection, who: Who, unit_id: UUID | None, state: FreezeState | None, after: UUID | None, limit: int
) -> Page:
    """Orders in the caller's scope, oldest first."""
    rows = await conn.fetch(
        _orders(who)
        + " AND ($2::uuid IS NULL OR o.unit_id = $2) AND ($3::text IS NULL OR o.state = $3) AND ($4::uuid IS NULL OR o.id > $4)"
        " ORDER BY o.id LIMIT $5",
        scope(who),
        unit_id,
        state,
        after,
        limit,
    )
    return Page(items=[await _page(conn, row) for row in rows], next=str(rows[-1]["id"]) if len(rows) == limit else None)


async def freeze_order(conn: Connection, who: Who, order_id: UUID) -> OrderPage:
    """One order. Raises OrderUnknown."""
    row = await conn.fetchrow(_orders(who) + " AND o.id = $2", scope(who), order_id)
    if row is None:
        raise OrderUnknown(order=order_id)
    return await _page(conn, row)


async def _page(conn: Connection, row: asyncpg.Record) -> OrderPage:
    linked = await conn.fetch(
        "SELECT issue_id, round, accepted_at FROM freeze_order_issues WHERE order_id = $1 ORDER BY issue_id", row["id"]
    )
    entries = await conn.fetch("SELECT * FROM freeze_entries WHERE order_id = $1 ORDER BY sequence", row["id"])
    return OrderPage(
        **row,
        state_label=LABELS[FreezeState(row["state"])],
        issues=[LinkedIssue(**each) for each in linked],
        timeline=[OrderEntry(**entry) for entry in entries],
    )
