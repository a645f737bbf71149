"""A unit changes its name, its place in the tree or anything else of it, or is closed (撤销), from a day on. A reform does both in batches.

What is written here is told at the end by `tell`, so that every event carries its rows as the whole change left them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import asyncpg

from services.roster.commands.locks import lock_paths
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.unit_records import change_record, end_record, spread, write_names
from services.roster.commands.units import checked_uscc, place_below, replace_seats, state_of
from services.roster.models.refusals import DatesOutOfOrder, SameUnit, UnitCodeTaken
from services.roster.models.requests import SetSeats
from services.roster.models.units import (
    KEY_ITEMS,
    LISTS,
    ChangeUnit,
    CloseUnit,
    NothingChanged,
    ParentBelow,
    ParentWithheld,
    ReformInFlight,
    UnitChangedLater,
    UnitChanges,
    UnitNotEmpty,
    UnitRecord,
    UnitUnderFreeze,
)
from services.roster.queries.establishments import establishment, establishments
from services.roster.queries.facts import ensure_allowed_row, ensure_known_category, frozen_by
from services.roster.queries.unit_records import ensure_known_attributes, ensure_open, names_of, record_of, records_of
from services.roster.rules.posts import ensure_not_frozen
from shared import outbox
from shared.db import By, Connection, command
from shared.events.roster import RosterEvent, UnitChanged, UnitClosed, UnitFrozen, UnitUnfrozen
from shared.glossary import FreezeScope

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
    """What one change of units has done so far. `frozen`: the orders over each unit before its path changed."""

    since: date
    reform_id: UUID | None = None
    changed: dict[UUID, set[str]] = field(default_factory=dict)
    closed: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    frozen: dict[UUID, set[UUID]] = field(default_factory=dict)
    seats: set[tuple[UUID, str]] = field(default_factory=set)


@command
async def change_unit(conn: Connection, by: By, what: ChangeUnit) -> None:
    """Change a unit's attributes from a day on; its key items (★) need a document. Raises NothingChanged."""
    today_of(by, what.effective_on)
    named = [what.unit_id, what.parent_id] if what.parent_id else [what.unit_id]
    await lock_paths(conn, named)
    batch = Batch(what.effective_on)
    await changed(conn, by, batch, what.unit_id, what)
    await ensure_kinds_fit(conn, batch)
    await tell(conn, by, batch, await told_units(conn, batch))


@command
async def close_unit(conn: Connection, by: By, what: CloseUnit) -> None:
    """Close a unit that holds nothing any more. Needs a document."""
    document_of(by)
    today_of(by, what.effective_on)
    await lock_paths(conn, (what.unit_id, *what.successors))
    batch = Batch(what.effective_on)
    await closed(conn, by, batch, what.unit_id, what.successors, "closed")
    await tell(conn, by, batch, await told_units(conn, batch))


async def changed(conn: Connection, by: By, batch: Batch, unit_id: UUID, what: UnitChanges) -> None:
    """Write what differs from the present, and what follows from it below the unit."""
    now = await record_of(conn, unit_id)
    asked = await _differing(conn, now, what)
    if not asked:
        raise NothingChanged
    await _ensure_allowed(conn, by, unit_id, asked)
    changes = await _changes(conn, by, batch, now, what, asked)
    if "path" in changes:
        await _note_freezes(conn, batch, unit_id)
    await change_record(conn, by, unit_id, batch.since, changes, batch.reform_id)
    for role in asked & set(LISTS):
        await write_names(conn, by, unit_id, role, getattr(what, role), batch.since, by.document_no or now.document_no)
    await _write_head(conn, unit_id)
    batch.changed.setdefault(unit_id, set()).update(asked, {"path"} & set(changes))
    if "path" in changes or changes.get("withheld"):
        for below in await spread(conn, by, unit_id, batch.since, withheld=bool(changes.get("withheld")), reform_id=batch.reform_id):
            batch.changed.setdefault(below, set()).update({"path", "withheld"} & set(changes))


async def _differing(conn: Connection, now: UnitRecord, what: UnitChanges) -> set[str]:
    """The attributes that are given and are not so already."""
    given = what.model_fields_set - {"step", "unit_id", "effective_on", "document_on"}
    names = await names_of(conn, now.unit_id)
    present = {name: names[name] if name in LISTS else getattr(now, name) for name in given}
    wanted = {name: checked_uscc(what.uscc) if name == "uscc" else getattr(what, name) for name in given}
    return {name for name in given if present[name] != wanted[name]}


async def _ensure_allowed(conn: Connection, by: By, unit_id: UUID, asked: set[str]) -> None:
    if asked & KEY_ITEMS:
        document_of(by)
        ensure_not_frozen(await frozen_by(conn, unit_id, FreezeScope.ORGANISATION))


async def _changes(conn: Connection, by: By, batch: Batch, now: UnitRecord, what: UnitChanges, asked: set[str]) -> dict[str, object]:
    """The new values of the record's columns. A change without a document rests on the document before it."""
    today = today_of(by)
    wanted = {name: getattr(what, name) for name in asked - set(LISTS)}
    if "uscc" in asked:
        wanted["uscc"] = checked_uscc(what.uscc)
    if "category" in asked:
        await ensure_known_category(conn, str(what.category), today)
    await ensure_known_attributes(conn, wanted, today)
    parent_id = what.parent_id if "parent_id" in asked else now.parent_id
    above, withheld = await place_below(conn, parent_id)
    if withheld and "withheld" in asked and not what.withheld:
        raise ParentWithheld
    if "parent_id" in asked:
        await _ensure_may_stand_below(conn, now.unit_id, parent_id, above, batch.since)
        wanted |= {"path": (*above, now.unit_id), "withheld": withheld or wanted.get("withheld", now.withheld)}
    if by.document_no:
        wanted |= {"document_no": by.document_no, "document_on": what.document_on}
    return wanted


async def _ensure_may_stand_below(conn: Connection, unit_id: UUID, parent_id: UUID | None, above: Sequence[UUID], since: date) -> None:
    """No circle; and the parent's own place has been the same from that day on, so that the tree of every day is one tree."""
    if unit_id in above:
        raise ParentBelow
    later = await conn.fetchval(
        "SELECT coalesce(max(upper(during)) FILTER (WHERE path <> $2), CASE WHEN min(lower(during)) > $3 THEN min(lower(during)) END)"
        " FROM unit_records WHERE unit_id = $1 AND upper_inf(recorded) AND during && daterange($3, NULL)",
        parent_id,
        list(above),
        since,
    )
    if later is not None:
        raise UnitChangedLater(since=later)


async def _write_head(conn: Connection, unit_id: UUID) -> None:
    try:
        await conn.execute(
            "UPDATE units SET name = now.name, uscc = now.uscc, category = now.category, parent_id = now.parent_id, path = now.path,"
            " withheld = now.withheld, document_no = now.document_no FROM unit_records now"
            " WHERE units.id = $1 AND now.unit_id = $1 AND upper_inf(now.during) AND upper_inf(now.recorded)",
            unit_id,
        )
    except asyncpg.UniqueViolationError:
        raise UnitCodeTaken from None


async def closed(conn: Connection, by: By, batch: Batch, unit_id: UUID, successors: Sequence[UUID], kind: str) -> None:
    """End the unit on the day; what it was stays readable. Raises UnitNotEmpty, ReformInFlight, UnitUnderFreeze."""
    await record_of(conn, unit_id)
    await ensure_nothing_in_flight(conn, unit_id)
    await _ensure_empty(conn, unit_id)
    ensure_not_frozen(await frozen_by(conn, unit_id, FreezeScope.ORGANISATION))
    await _end_seats(conn, by, batch, unit_id)
    for role, names in (await names_of(conn, unit_id)).items():
        if names:
            await write_names(conn, by, unit_id, role, (), batch.since, document_of(by))
    ended = await conn.fetchval(
        "UPDATE units SET valid = daterange(lower(valid), $2) WHERE id = $1 AND lower(valid) < $2 RETURNING true", unit_id, batch.since
    )
    if not ended:
        raise DatesOutOfOrder
    await end_record(conn, by, unit_id, batch.since)
    await _write_successors(conn, by, batch, unit_id, successors, kind)
    batch.changed.pop(unit_id, None)
    batch.closed[unit_id] = tuple(successors)


async def ensure_nothing_in_flight(conn: Connection, unit_id: UUID) -> None:
    """An application that holds or has claimed a post of the unit is decided first (docs/decisions); a freeze is released first."""
    row = await conn.fetchrow(
        "SELECT (SELECT count(*) FROM holds JOIN reservations ON reservations.id = reservation_id WHERE unit_id = $1) AS holds,"
        " (SELECT count(*) FROM claims WHERE unit_id = $1 AND state = 'claimed') AS claims,"
        " EXISTS (SELECT FROM freeze_orders WHERE root_unit_id = $1 AND upper_inf(in_force)) AS frozen",
        unit_id,
    )
    assert row is not None  # noqa: S101  a SELECT without FROM has one row
    if row["holds"] or row["claims"]:
        raise ReformInFlight(unit=unit_id, holds=row["holds"], claims=row["claims"])
    if row["frozen"]:
        raise UnitUnderFreeze(unit=unit_id)


async def _ensure_empty(conn: Connection, unit_id: UUID) -> None:
    rows = await establishments(conn, unit_id)
    people, posts, reserved = (sum(getattr(row, name) for row in rows) for name in ("headcount", "quota", "reserved"))
    left = await conn.fetchrow(
        "SELECT (SELECT count(*) FROM units WHERE parent_id = $1 AND upper_inf(valid)) AS below,"
        " (SELECT count(*) FROM secondments WHERE borrower_id = $1 AND upper_inf(during) AND upper_inf(recorded)) AS borrowed",
        unit_id,
    )
    assert left is not None  # noqa: S101  a SELECT without FROM has one row
    if people or posts or reserved or any(left.values()):
        raise UnitNotEmpty(unit=unit_id, people=people, posts=posts, reserved=reserved, **left)


async def _end_seats(conn: Connection, by: By, batch: Batch, unit_id: UUID) -> None:
    for row in await conn.fetch(
        "SELECT level FROM seats WHERE unit_id = $1 AND approved > 0 AND upper_inf(during) AND upper_inf(recorded) ORDER BY level", unit_id
    ):
        none = SetSeats(unit_id=unit_id, level=row["level"], approved=0, effective_on=batch.since)
        await replace_seats(conn, by, none, document_of(by))
        batch.seats.add((unit_id, row["level"]))


async def _write_successors(conn: Connection, by: By, batch: Batch, unit_id: UUID, successors: Iterable[UUID], kind: str) -> None:
    for successor_id in successors:
        await write_successor(conn, by, batch, unit_id, successor_id, kind)


async def write_successor(conn: Connection, by: By, batch: Batch, unit_id: UUID, successor_id: UUID, kind: str) -> None:
    """Who took over from whom. A unit that was split and is then closed keeps the first link."""
    if successor_id == unit_id:
        raise SameUnit
    await ensure_open(conn, successor_id)
    await conn.execute(
        "INSERT INTO unit_successors (unit_id, successor_id, effective_on, kind, reform_id, document_no, recorded_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        unit_id,
        successor_id,
        batch.since,
        kind,
        batch.reform_id,
        document_of(by),
        by.as_of,
    )


async def ensure_kinds_fit(conn: Connection, batch: Batch) -> None:
    """A unit of another category holds only kinds that this category may hold (KindNotAllowed). Judged at the end of the whole change."""
    for unit_id in [unit_id for unit_id, names in batch.changed.items() if "category" in names]:
        for row in await establishments(conn, unit_id):
            if row.quota or row.headcount:
                await ensure_allowed_row(conn, unit_id, row.kind, row.funding, batch.since)


async def _note_freezes(conn: Connection, batch: Batch, unit_id: UUID) -> None:
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
    records = await records_of(conn, batch.changed)
    codes = {row["id"]: row["code"] for row in await conn.fetch("SELECT id, code FROM units WHERE id = ANY($1)", list(batch.changed))}
    told = [
        Told(
            UnitChanged,
            unit_id,
            state_of(records[unit_id]) | {"code": codes[unit_id], "effective_on": batch.since, "changed": tuple(sorted(names))},
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
    common = {"occurred_at": by.as_of, "document_no": by.document_no, "reform_id": batch.reform_id}
    events: list[RosterEvent] = []
    for each in told:
        versions[each.unit_id] += 1
        states = tuple(rows[each.unit_id, kind, funding] for kind, funding in each.rows)
        known = {"unit_id": each.unit_id, "version": versions[each.unit_id], "establishments": states}
        events.append(each.event.model_validate(common | dict(each.facts) | known))
    await outbox.append(conn, by, *events)
