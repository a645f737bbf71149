"""The copy of a unit that other services keep from events: one definition. Copies advise; the owner decides.

The table `unit_copies` stands in the kit's migration, so each service has its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from shared.auth import OFFICE, Who
from shared.consumer import Handler, Handlers
from shared.db import Connection
from shared.errors import Conflict, NotFound
from shared.events.monitoring import LightChanged
from shared.events.roster import UnitChanged, UnitClosed, UnitFrozen, UnitRegistered, UnitState, UnitUnfrozen
from shared.glossary import Light, Role


@dataclass(frozen=True)
class UnitCopy:
    """What is known of a unit here. `path` is root first, the unit itself last."""

    id: UUID
    parent_id: UUID | None
    path: tuple[UUID, ...]
    name: str
    code: str
    category: str
    light: Light
    freezes: tuple[UUID, ...]
    withheld: bool
    closed_on: date | None


class UnitUnknown(NotFound):
    """No such unit here, or not for this caller."""

    code = "unit_unknown"
    sentence = "没有找到该单位，或者它不在您的管辖范围内。"


class UnitEnded(Conflict):
    """撤并; the roster refuses with the same code."""

    code = "unit_closed"
    sentence = "该单位已于 {closed_on} 撤销或并入其他单位。请由承接其职责的单位另行办理。"


def unit_handlers() -> Handlers:
    """What keeps the copies; a service merges it into its own `handlers()`."""
    return {
        UnitRegistered: Handler(fold=fold_unit),
        UnitChanged: Handler(fold=fold_unit),
        UnitClosed: Handler(fold=fold_closed),
        UnitFrozen: Handler(fold=fold_frozen),
        UnitUnfrozen: Handler(fold=fold_unfrozen),
        LightChanged: Handler(fold=fold_light),
    }


async def fold_unit(conn: Connection, event: UnitState) -> None:
    """A unit came into being, or is another now."""
    await conn.execute(
        "INSERT INTO unit_copies (id, parent_id, path, name, code, category, withheld) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (id) DO UPDATE SET parent_id = excluded.parent_id, path = excluded.path, name = excluded.name,"
        " code = excluded.code, category = excluded.category, withheld = excluded.withheld",
        event.unit_id,
        event.parent_id,
        list(event.path),
        event.name,
        event.code,
        event.category,
        event.withheld,
    )


async def fold_closed(conn: Connection, event: UnitClosed) -> None:
    """A unit is no more; what stands of it here stays readable under its last name."""
    await conn.execute("UPDATE unit_copies SET closed_on = $2 WHERE id = $1", event.unit_id, event.closed_on)


async def fold_frozen(conn: Connection, event: UnitFrozen) -> None:
    """A freeze order is in force."""
    await conn.execute(
        "UPDATE unit_copies SET freezes = array_append(array_remove(freezes, $2), $2) WHERE id = $1", event.unit_id, event.order_id
    )


async def fold_unfrozen(conn: Connection, event: UnitUnfrozen) -> None:
    """A freeze order ended."""
    await conn.execute("UPDATE unit_copies SET freezes = array_remove(freezes, $2) WHERE id = $1", event.unit_id, event.order_id)


async def fold_light(conn: Connection, event: LightChanged) -> None:
    """The light turned. It may be known before the unit is: the row is completed by the registration."""
    await conn.execute(
        "INSERT INTO unit_copies (id, path, name, code, category, light) VALUES ($1, '{}', '—', '—', '—', $2)"
        " ON CONFLICT (id) DO UPDATE SET light = excluded.light",
        event.unit_id,
        event.light,
    )


async def unit_copy(conn: Connection, unit_id: UUID, who: Who | None = None) -> UnitCopy:
    """One unit; with `who`, only if it lies in his scope (the answer for the others is the same as for none)."""
    row = await conn.fetchrow(f"SELECT u.* FROM unit_copies u WHERE {visible(who)} AND u.id = $2", scope(who), unit_id)
    if row is None:
        raise UnitUnknown(unit=unit_id)
    return _copy(row)


async def unit_copies(conn: Connection, unit_ids: Sequence[UUID]) -> dict[UUID, UnitCopy]:
    """Several units by id."""
    rows = await conn.fetch("SELECT * FROM unit_copies WHERE id = ANY($1)", list(unit_ids))
    return {row["id"]: _copy(row) for row in rows}


def scope(who: Who | None) -> list[UUID] | None:
    """The caller's row scope as the query parameter $1 of `visible`."""
    return None if who is None or who.units is None else list(who.units)


def visible(who: Who | None, row: str = "u", table: str = "unit_copies", roots: str = "$1") -> str:
    """The SQL condition that keeps a caller to the units he may see. `row`: a unit's alias; `table`: where units stand; `roots`: `scope(who)`.

    A unit 不计入公开汇总 is seen by the office, where it is marked, and by those whose own scope begins on it or below it; every list, total and
    export of anybody else leaves it out.
    """
    inside = f"({roots}::uuid[] IS NULL OR {row}.path && {roots})"
    if who is None or sees_withheld(who):
        return inside
    own = f"ARRAY(SELECT root.id FROM {table} root WHERE root.id = ANY({roots}) AND root.withheld)"
    return f"{inside} AND (NOT {row}.withheld OR {row}.path && {own})"


def of_unit(*, below: bool) -> str:
    """The SQL condition that keeps to the unit `{}` of the rows' units `u`: it alone or, with `below`, it and all below it."""
    return "{} = ANY(u.path)" if below else "{} = u.id"


def sees_withheld(who: Who) -> bool:
    """The office, and the services that act for it."""
    return not who.roles.isdisjoint(OFFICE | {Role.SERVICE})


def _copy(row: asyncpg.Record) -> UnitCopy:
    return UnitCopy(
        id=row["id"],
        parent_id=row["parent_id"],
        path=tuple(row["path"]),
        name=row["name"],
        code=row["code"],
        category=row["category"],
        light=Light(row["light"]),
        freezes=tuple(row["freezes"]),
        withheld=row["withheld"],
        closed_on=row["closed_on"],
    )
