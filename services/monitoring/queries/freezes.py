"""Reads about freeze orders."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import BaseModel, ConfigDict, Field

from services.monitoring.models.issues import Page
from services.monitoring.models.refusals import OrderUnknown
from services.monitoring.models.tasks import Action, Stage
from services.monitoring.models.words import ACTS, BY_LADDER, RULE_TITLES
from services.monitoring.rules import SETTLED
from services.monitoring.rules.stages import is_signed, order_stages
from services.monitoring.rules.tasks import order_actions, order_withheld
from shared.auth import OFFICE, Who
from shared.db import Connection
from shared.glossary import LABELS, FreezeScope, FreezeState, IssueState, Role
from shared.pages import Parameters, ordered
from shared.unit_copies import of_unit, scope, visible
from workflows.roster import FrozenPosts


class LinkedIssue(BaseModel):
    """An issue the order hangs on, as its round stands; `again_round`: it was struck off and came back, and how that stands."""

    issue_id: UUID
    round: int
    number: str | None
    title: str
    state: IssueState
    state_label: str
    accepted_at: datetime | None
    again_round: int | None = None
    again_label: str | None = None


class OrderEntry(BaseModel):
    """What happened to the order, by whom."""

    sequence: int
    act: str
    label: str
    state: FreezeState
    at: datetime
    actor: str
    role: str
    reason: str
    document_no: str | None


class OrderPage(BaseModel):
    """One freeze order with its issues and its journal, what the caller may do with it, and what he may not, and why (`withheld`)."""

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
    stages: tuple[Stage, ...]
    actions: tuple[Action, ...]
    withheld: dict[Action, str]


class Wanted(BaseModel):
    """A page of the orders, narrowed. `unit`: of it and, with `below`, of all below it; `after`: the id of the last of the page before."""

    model_config = ConfigDict(extra="forbid")

    unit: UUID | None = None
    below: bool = True
    state: FreezeState | None = None
    q: str = Field("", max_length=100, description="Part of a document number or a unit's name.")
    sort: str = "proposed"
    after: UUID | None = None
    limit: int = Field(50, ge=1, le=200)


SORTS: Mapping[str, Mapping[str, str]] = {"proposed": {"o.id": "uuid"}, "unit": {"u.name": "text", "o.id": "uuid"}}
_LINKED = (
    "SELECT l.issue_id, l.round, l.accepted_at, n.number, coalesce(n.title, i.title) AS title, i.rule, i.state, i.round AS present_round"
    " FROM freeze_order_issues l JOIN issues i ON i.id = l.issue_id"
    " LEFT JOIN notices n ON n.issue_id = l.issue_id AND n.round = l.round WHERE l.order_id = $1 ORDER BY l.issue_id"
)
"""A round that was confirmed ends by its acceptance alone."""
_ROWS = "FROM freeze_orders o JOIN unit_copies u ON u.id = o.unit_id"
UNSIGNED = f"('{FreezeState.PROPOSED}', '{FreezeState.DECLINED}')"
"""A proposal, and one that came to nothing: no order yet, and no order at all."""


def deliberates(who: Who | None) -> bool:
    """Whether the caller has a part in deciding freezes; whom an order will concern learns of it when it is signed (docs/decisions/0063)."""
    return who is None or not who.roles.isdisjoint(OFFICE | {Role.COMMISSION})


def told_to(who: Who | None) -> str:
    """The condition on orders `o` of units `u`: what the caller may know of."""
    return visible(who) if deliberates(who) else f"{visible(who)} AND o.state NOT IN {UNSIGNED}"


def _orders(who: Who) -> str:
    return f"SELECT o.*, u.name AS unit {_ROWS} WHERE {told_to(who)}"


async def freeze_orders(conn: Connection, who: Who, wanted: Wanted) -> Page:
    """Orders in the caller's scope, oldest first unless another order is asked for. Raises SortUnknown."""
    order, put = ordered(wanted.sort, SORTS), Parameters([scope(who)])
    behind = order.behind(put(wanted.after, "uuid"), f"{_ROWS} WHERE {told_to(who)}") if wanted.after else "true"
    asked = f"{_orders(who)} AND {narrowed(wanted, put)} AND {behind} ORDER BY {order.by} LIMIT {put(wanted.limit, 'int')}"
    rows = await conn.fetch(asked, *put)
    return Page(items=[await _page(conn, who, row) for row in rows], next=str(rows[-1]["id"]) if len(rows) == wanted.limit else None)


def narrowed(wanted: Wanted, put: Parameters) -> str:
    """The condition on orders `o` of units `u`."""
    asked = {
        of_unit(below=wanted.below): (wanted.unit, "uuid"),
        "o.state = {}": (wanted.state, "text"),
        "position(lower({}) IN lower(concat_ws(' ', o.document_no, u.name))) > 0": (wanted.q.strip(), "text"),
    }
    return put.narrowed(asked)


async def freeze_order(conn: Connection, who: Who, order_id: UUID) -> OrderPage:
    """One order. Raises OrderUnknown."""
    row = await conn.fetchrow(_orders(who) + " AND o.id = $2", scope(who), order_id)
    if row is None:
        raise OrderUnknown(order=order_id)
    return await _page(conn, who, row)


async def _page(conn: Connection, who: Who, row: asyncpg.Record) -> OrderPage:
    linked = await conn.fetch(_LINKED, row["id"])
    entries = await conn.fetch("SELECT * FROM freeze_entries WHERE order_id = $1 ORDER BY sequence", row["id"])
    state, own = FreezeState(row["state"]), row["proposed_by"] == who.name
    acts = [entry["act"] for entry in entries]
    times = {entry["act"]: entry["at"] for entry in entries} | {"propose": row["proposed_at"]}
    return OrderPage(
        **{**row, "reason": row["reason"] or BY_LADDER},
        state_label=LABELS[state],
        issues=[_linked(each) for each in linked],
        timeline=[OrderEntry(**entry, label=ACTS.get(entry["act"], entry["act"])) for entry in entries],
        stages=order_stages(state, acts, times | {"approve": row["decided_at"], "approve_release": row["released_at"]}),
        actions=order_actions(state, who.roles, own=own, held=row["held"] is not None, signed=is_signed(state, acts)),
        withheld=order_withheld(state, who.roles, own=own),
    )


def _linked(row: asyncpg.Record) -> LinkedIssue:
    state, over = IssueState(row["state"]), row["present_round"] > row["round"]
    again = {"again_round": row["present_round"], "again_label": LABELS[state]} if over and state not in SETTLED else {}
    stands = IssueState.CLOSED if over else state
    title = row["title"] or RULE_TITLES.get(row["rule"], row["rule"])
    return LinkedIssue(**{**row, "title": title, "state": stands, **again}, state_label=LABELS[stands])
