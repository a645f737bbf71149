"""What one change of units has done so far, and how it is told at the end: every event carries its rows as the whole change left them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.roster.commands.units import state_of
from services.roster.queries.codes import categories_called
from services.roster.queries.establishments import establishment
from services.roster.queries.unit_records import records_of
from shared import outbox
from shared.db import By, Connection
from shared.events.roster import RosterEvent, UnitChanged, UnitClosed, UnitFrozen, UnitUnfrozen

Row = tuple[str, str]


@dataclass(frozen=True)
class Told:
    """One event to come: its class, its unit, what it says, and the rows whose final state it carries."""

    event: type[RosterEvent]
    unit_id: UUID
    facts: Mapping[str, object]
    rows: Collection[Row] = ()


@dataclass
class Batch:
    """What one change of units has done so far. `frozen`: the orders over each unit before its path changed; `baseline`: part of a first load."""

    since: date
    reform_id: UUID | None = None
    baseline: bool = False
    changed: dict[UUID, set[str]] = field(default_factory=dict)
    closed: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    frozen: dict[UUID, set[UUID]] = field(default_factory=dict)
    seats: set[tuple[UUID, str]] = field(default_factory=set)


async def note_freezes(conn: Connection, batch: Batch, unit_id: UUID) -> None:
    """Remember which freezes reach a unit and those below it, before they move."""
    for each, orders in (await _orders_over(conn, unit_id)).items():
        batch.frozen.setdefault(each, orders)


async def _orders_over(conn: Connection, root_id: UUID) -> dict[UUID, set[UUID]]:
    """The freeze orders in force over a unit and over each one below it."""
    rows = await conn.fetch(
        "SELECT id, ARRAY(SELECT freeze_orders.id FROM freeze_orders WHERE root_unit_id = ANY(path) AND upper_inf(in_force)) AS orders"
        " FROM units WHERE path @> ARRAY[$1::uuid] AND upper_inf(valid)",
        root_id,
    )
    return {row["id"]: set(row["orders"]) for row in rows}


async def told_units(conn: Connection, batch: Batch) -> list[Told]:
    """What is to be told of the units themselves: changed, under other freezes, closed."""
    records, called = await records_of(conn, batch.changed), await categories_called(conn)
    codes = {row["id"]: row["code"] for row in await conn.fetch("SELECT id, code FROM units WHERE id = ANY($1)", list(batch.changed))}
    told = [
        Told(
            UnitChanged,
            unit_id,
            state_of(records[unit_id], called) | {"code": codes[unit_id], "effective_on": batch.since, "changed": tuple(sorted(names))},
        )
        for unit_id, names in sorted(batch.changed.items())
    ]
    told += await _told_freezes(conn, batch)
    return told + [
        Told(UnitClosed, unit_id, {"closed_on": batch.since, "successors": successors}) for unit_id, successors in batch.closed.items()
    ]


async def _told_freezes(conn: Connection, batch: Batch) -> list[Told]:
    told: list[Told] = []
    for unit_id, before in sorted(batch.frozen.items()):
        after = (await _orders_over(conn, unit_id)).get(unit_id, set())
        told += [await _told_freeze(conn, unit_id, order_id, begins=order_id in after) for order_id in sorted(before ^ after)]
    return told


async def _told_freeze(conn: Connection, unit_id: UUID, order_id: UUID, *, begins: bool) -> Told:
    order = await conn.fetchrow("SELECT root_unit_id, scopes, document_no FROM freeze_orders WHERE id = $1", order_id)
    assert order is not None  # noqa: S101  it has just been read
    facts = {"order_id": order_id, "root_unit_id": order["root_unit_id"], "document_no": order["document_no"]}
    return Told(UnitFrozen, unit_id, facts | {"scopes": tuple(order["scopes"])}) if begins else Told(UnitUnfrozen, unit_id, facts)


async def tell(conn: Connection, by: By, batch: Batch, told: Sequence[Told]) -> None:
    """Publish: one rising version per unit, every row as it stands at the end."""
    versions = {
        unit_id: await conn.fetchval("UPDATE units SET version = version + $2 WHERE id = $1 RETURNING version - $2", unit_id, events)
        for unit_id, events in sorted(Counter(each.unit_id for each in told).items())
    }
    wanted = {(each.unit_id, *row) for each in told for row in each.rows}
    rows = {key: await establishment(conn, *key) for key in sorted(wanted)}
    common = {"occurred_at": by.as_of, "document_no": by.document_no, "reform_id": batch.reform_id, "baseline": batch.baseline}
    events: list[RosterEvent] = []
    for each in told:
        versions[each.unit_id] += 1
        states = tuple(rows[each.unit_id, kind, funding] for kind, funding in each.rows)
        known = {"unit_id": each.unit_id, "version": versions[each.unit_id], "establishments": states}
        events.append(each.event.model_validate(common | dict(each.facts) | known))
    await outbox.append(conn, by, *events)
