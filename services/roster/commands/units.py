"""Units: registering them, and their leadership seats (领导职数)."""

from uuid import UUID

from services.roster.commands.locks import hold_paths, take_unit
from services.roster.commands.mandate import document_of, today_of
from services.roster.models.refusals import UnitCodeTaken, UnitUnknown, UsccInvalid
from services.roster.models.requests import RegisterUnit, SetSeats
from services.roster.queries.facts import ensure_known_category
from shared import outbox
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.events.roster import SeatsChanged, UnitFrozen, UnitRegistered
from shared.law.uscc import InvalidUscc, parse_uscc


@command
async def register_unit(conn: Connection, by: By, what: RegisterUnit) -> UUID:
    """Bring a unit into the register, below its parent; it inherits the freezes above it. Needs a document."""
    document_no, today = document_of(by), today_of(by, what.valid_from)
    await ensure_known_category(conn, what.category, today)
    unit_id = uuid7()
    path = [*await _path_of(conn, what.parent_id), unit_id]
    if not await _insert(conn, what, unit_id, path, document_no):
        raise UnitCodeTaken
    registered = UnitRegistered(
        occurred_at=by.as_of,
        unit_id=unit_id,
        version=1,
        document_no=document_no,
        baseline=what.baseline,
        parent_id=what.parent_id,
        path=tuple(path),
        name=what.name,
        code=what.code,
        category=what.category,
        valid_from=what.valid_from,
    )
    await outbox.append(conn, by, registered)
    await _inherit_freezes(conn, by, unit_id)
    return unit_id


async def _path_of(conn: Connection, parent_id: UUID | None) -> list[UUID]:
    if parent_id is None:
        return []
    await hold_paths(conn, parent_id)
    path: list[UUID] | None = await conn.fetchval("SELECT path FROM units WHERE id = $1", parent_id)
    if path is None:
        raise UnitUnknown(unit=parent_id)
    return path


async def _insert(conn: Connection, what: RegisterUnit, unit_id: UUID, path: list[UUID], document_no: str) -> bool:
    inserted = await conn.fetchval(
        "INSERT INTO units (id, version, parent_id, path, name, code, uscc, category, valid, document_no)"
        " VALUES ($1, 1, $2, $3, $4, $5, $6, $7, daterange($8, NULL), $9) ON CONFLICT DO NOTHING RETURNING true",
        unit_id,
        what.parent_id,
        path,
        what.name,
        what.code,
        _checked_uscc(what.uscc),
        what.category,
        what.valid_from,
        document_no,
    )
    return bool(inserted)


def _checked_uscc(text: str | None) -> str | None:
    """A doubtful code of another registrar is taken (early pilots are lawful); a wrong one of our own is not."""
    if text is None:
        return None
    try:
        return parse_uscc(text).code
    except InvalidUscc:
        raise UsccInvalid from None


async def _inherit_freezes(conn: Connection, by: By, unit_id: UUID) -> None:
    orders = await conn.fetch(
        "SELECT freeze_orders.id, root_unit_id, scopes, freeze_orders.document_no FROM units JOIN freeze_orders ON root_unit_id = ANY(path)"
        " WHERE units.id = $1 AND upper_inf(in_force) ORDER BY freeze_orders.id",
        unit_id,
    )
    for order in orders:
        frozen = UnitFrozen(
            occurred_at=by.as_of,
            unit_id=unit_id,
            version=await take_unit(conn, unit_id),
            document_no=order["document_no"],
            order_id=order["id"],
            root_unit_id=order["root_unit_id"],
            scopes=tuple(order["scopes"]),
        )
        await outbox.append(conn, by, frozen)


@command
async def set_seats(conn: Connection, by: By, what: SetSeats) -> None:
    """Set the approved leadership posts of one level, from a date on. Needs a document."""
    document_no = document_of(by)
    today_of(by, what.effective_on)
    version = await take_unit(conn, what.unit_id)
    await _replace_seats(conn, by, what, document_no)
    await outbox.append(conn, by, await seats_changed(conn, by, what.unit_id, version, what.level, baseline=what.baseline))


async def _replace_seats(conn: Connection, by: By, what: SetSeats, document_no: str) -> None:
    closed = await conn.fetchrow(
        "UPDATE seats SET recorded = tstzrange(lower(recorded), greatest($3, lower(recorded) + interval '1 microsecond'))"
        " WHERE unit_id = $1 AND level = $2 AND upper_inf(during) AND upper_inf(recorded) RETURNING id, upper(recorded) AS at",
        what.unit_id,
        what.level,
        by.as_of,
    )
    at = closed["at"] if closed else by.as_of
    if closed:
        await conn.execute(
            "INSERT INTO seats (unit_id, level, approved, during, recorded, document_no)"
            " SELECT unit_id, level, approved, daterange(lower(during), $2), tstzrange($3, NULL), document_no FROM seats"
            " WHERE id = $1 AND lower(during) < $2",
            closed["id"],
            what.effective_on,
            at,
        )
    await conn.execute(
        "INSERT INTO seats (unit_id, level, approved, during, recorded, document_no)"
        " VALUES ($1, $2, $3, daterange($4, NULL), tstzrange($5, NULL), $6)",
        what.unit_id,
        what.level,
        what.approved,
        what.effective_on,
        at,
        document_no,
    )


async def seats_changed(conn: Connection, by: By, unit_id: UUID, version: int, level: str, *, baseline: bool) -> SeatsChanged:
    """The event with the level's state after the change: seats approved, seats taken."""
    row = await conn.fetchrow(
        "SELECT coalesce((SELECT approved FROM seats WHERE unit_id = $1 AND level = $2 AND upper_inf(during) AND upper_inf(recorded)), 0)"
        " AS approved, (SELECT count(*) FROM placements WHERE unit_id = $1 AND seat_level = $2 AND upper_inf(during) AND upper_inf(recorded))"
        " AS used",
        unit_id,
        level,
    )
    assert row is not None  # noqa: S101  a SELECT without FROM has one row
    return SeatsChanged(
        occurred_at=by.as_of,
        unit_id=unit_id,
        version=version,
        document_no=by.document_no,
        baseline=baseline,
        level=level,
        approved=row["approved"],
        used=row["used"],
    )
