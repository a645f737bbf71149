"""冻结 and 解冻: decided by a person elsewhere, put into force here, at one instant for a unit and all below it. One event per affected unit."""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import asyncpg

from services.roster.commands.locks import take_units
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.spans import ended
from services.roster.models.refusals import OrderEnded, OrderKnown, OrderUnknown, UnitUnknown
from services.roster.models.requests import FreezeUnit, UnfreezeUnit
from services.roster.queries.establishments import establishment
from services.roster.queries.facts import ensure_known_rows
from shared import outbox
from shared.db import By, Connection, command
from shared.events.roster import EstablishmentState, UnitFrozen, UnitUnfrozen


@command
async def freeze_unit(conn: Connection, by: By, what: FreezeUnit) -> None:
    """Put a signed order into force. What was claimed before it stands; whoever claims after it is refused."""
    document_no = document_of(by)
    await ensure_known_rows(conn, {(each.kind, each.funding) for each in what.posts}, today_of(by))
    affected = await _lock_subtree(conn, what.unit_id)
    taken = await conn.fetchval(
        "INSERT INTO freeze_orders (id, root_unit_id, scopes, in_force, document_no) VALUES ($1, $2, $3, tstzrange($4, NULL), $5)"
        " ON CONFLICT DO NOTHING RETURNING true",
        what.order_id,
        what.unit_id,
        list(what.scopes),
        by.as_of,
        document_no,
    )
    if not taken:
        raise OrderKnown
    await conn.executemany(
        "INSERT INTO frozen_posts (order_id, unit_id, kind, funding, posts) VALUES ($1, $2, $3, $4, $5)",
        [(what.order_id, what.unit_id, each.kind, each.funding, each.posts) for each in what.posts],
    )
    await _tell(conn, by, what, affected, partial(UnitFrozen, scopes=what.scopes))


@command
async def unfreeze_unit(conn: Connection, by: By, what: UnfreezeUnit) -> None:
    """End an order, on a signed release. Other orders on the same units go on."""
    document_no = document_of(by)
    affected = await _lock_subtree(conn, what.unit_id)
    order = await conn.fetchrow(
        "SELECT upper_inf(in_force) AS in_force FROM freeze_orders WHERE id = $1 AND root_unit_id = $2", what.order_id, what.unit_id
    )
    if order is None:
        raise OrderUnknown
    if not order["in_force"]:
        raise OrderEnded
    await conn.execute(
        f"UPDATE freeze_orders SET {ended('in_force', '$2')}, release_document_no = $3 WHERE id = $1",
        what.order_id,
        by.as_of,
        document_no,
    )
    await _tell(conn, by, what, affected, UnitUnfrozen)


async def _lock_subtree(conn: Connection, root_id: UUID) -> list[UUID]:
    """Lock the root FOR UPDATE, below the paths' FOR KEY SHARE, so that no claim and no new unit slips in; all units it reaches."""
    path: Sequence[UUID] | None = await conn.fetchval("SELECT path FROM units WHERE id = $1", root_id)
    if path is None:
        raise UnitUnknown(unit=root_id)
    await conn.execute("SELECT FROM units WHERE id = ANY($1) ORDER BY cardinality(path), id FOR KEY SHARE", list(path[:-1]))
    await conn.execute("SELECT FROM units WHERE id = $1 FOR UPDATE", root_id)
    rows: list[asyncpg.Record] = await conn.fetch("SELECT id FROM units WHERE path @> ARRAY[$1::uuid]", root_id)
    return [row["id"] for row in rows]


async def _tell(
    conn: Connection, by: By, what: FreezeUnit | UnfreezeUnit, affected: Sequence[UUID], event: Callable[..., UnitFrozen | UnitUnfrozen]
) -> None:
    """One event for each unit that the order reaches."""
    rows = await _frozen_rows(conn, what.order_id)
    for unit_id, version in (await take_units(conn, affected)).items():
        told = event(
            occurred_at=by.as_of,
            unit_id=unit_id,
            version=version,
            establishments=rows if unit_id == what.unit_id else (),
            document_no=by.document_no,
            order_id=what.order_id,
            root_unit_id=what.unit_id,
        )
        await outbox.append(conn, by, told)


async def _frozen_rows(conn: Connection, order_id: UUID) -> tuple[EstablishmentState, ...]:
    """The rows whose posts the order names by number, as they stand."""
    rows = await conn.fetch("SELECT unit_id, kind, funding FROM frozen_posts WHERE order_id = $1 ORDER BY kind, funding", order_id)
    return tuple([await establishment(conn, row["unit_id"], row["kind"], row["funding"]) for row in rows])
