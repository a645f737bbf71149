"""Units: registering them, and their leadership seats (领导职数)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.roster.commands.locks import hold_paths, take_unit
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.spans import ended
from services.roster.commands.unit_records import add_names, write_search, write_unit_records
from services.roster.models.loads import LoadedSeats
from services.roster.models.refusals import SeatsChangedLater, UnitCodeTaken, UsccInvalid
from services.roster.models.requests import RegisterUnit, SetSeats
from services.roster.models.units import LISTS, AboveRankUnproved, UnitRecord
from services.roster.queries.codes import categories_called, ensure_known_codes
from services.roster.queries.facts import ensure_known_category, frozen_by
from services.roster.queries.seats import LAST, label_of, taken_in
from services.roster.queries.unit_records import ensure_known_attributes, ensure_open, record_of
from services.roster.rules.posts import ensure_may_grow, ensure_not_frozen, ensure_seats_above_use
from shared import outbox
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.events.roster import SeatsChanged, SeatsState, UnitFrozen, UnitRegistered, UnitState
from shared.glossary import FreezeScope, OverQuotaCause
from shared.law.uscc import InvalidUscc, parse_uscc


@dataclass(frozen=True)
class New:
    """A unit to come into the register, and the document it rests on."""

    unit_id: UUID
    what: RegisterUnit
    document_no: str


@command
async def register_unit(conn: Connection, by: By, what: RegisterUnit) -> UUID:
    """Bring a unit into the register, below its parent; it inherits the freezes above it. Needs a document."""
    unit_id = uuid7()
    await registered(conn, by, [New(unit_id, what, document_of(by))])
    return unit_id


async def registered(conn: Connection, by: By, new: Sequence[New], reform_id: UUID | None = None) -> None:
    """Write units with all their attributes, parents first, and publish them. Raises UnitCodeTaken, and what their attributes break."""
    today = today_of(by, *(each.what.valid_from for each in new))
    for category in sorted({each.what.category for each in new}):
        await ensure_known_category(conn, category, today)
    await ensure_known_attributes(conn, [each.what.model_dump() for each in new], today)
    for each in new:
        ensure_above_rank_proved(each.what)
    records = await _first_records(conn, new)
    for parent_id in sorted({each.what.parent_id for each in new if each.what.parent_id and not each.what.baseline}):
        ensure_not_frozen(await frozen_by(conn, parent_id, FreezeScope.ORGANISATION))
    await _insert(conn, new, records)
    await write_unit_records(conn, [(record, each.what.valid_from) for each, record in zip(new, records, strict=True)], by.as_of, reform_id)
    await add_names(
        conn,
        [
            (each.unit_id, role, getattr(each.what, role), each.what.valid_from, each.document_no, by.as_of)
            for each in new
            for role in LISTS
        ],
    )
    await write_search(conn, [each.unit_id for each in new])
    called = await categories_called(conn)
    await outbox.append_all(conn, [_told(by, each, state_of(record, called), reform_id) for each, record in zip(new, records, strict=True)])
    await _inherit_freezes(conn, by, [each.unit_id for each in new])


def _told(by: By, new: New, state: dict[str, Any], reform_id: UUID | None) -> tuple[By, UnitRegistered]:
    what, document_no = new.what, new.document_no
    facts = state | {"code": what.code, "valid_from": what.valid_from, "baseline": what.baseline, "reform_id": reform_id}
    return replace(by, document_no=document_no), UnitRegistered(occurred_at=by.as_of, version=1, document_no=document_no, **facts)


def state_of(record: UnitRecord, called: Mapping[str, str]) -> dict[str, Any]:
    """What an event tells of a unit, its category as it is `called`; its code is not part of a record: it never changes."""
    told = {name: value for name, value in asdict(record).items() if name in UnitState.model_fields and name != "document_no"}
    return told | {"category_label": called.get(record.category, "")}


async def _first_records(conn: Connection, new: Sequence[New]) -> list[UnitRecord]:
    """Below a withheld unit nothing is public."""
    places: dict[UUID | None, tuple[tuple[UUID, ...], bool]] = {}
    records = []
    for each in new:
        what = each.what
        if what.parent_id not in places:
            places[what.parent_id] = await place_below(conn, what.parent_id)
        above, withheld = places[what.parent_id]
        kept = {field.name: getattr(what, field.name) for field in fields(UnitRecord) if field.name in RegisterUnit.model_fields}
        own = {"unit_id": each.unit_id, "path": (*above, each.unit_id), "uscc": checked_uscc(what.uscc), "document_no": each.document_no}
        record = UnitRecord(**kept | own | {"withheld": what.withheld or withheld})
        places[each.unit_id] = record.path, record.withheld
        records.append(record)
    return records


async def place_below(conn: Connection, parent_id: UUID | None) -> tuple[tuple[UUID, ...], bool]:
    """The path of a parent that stays where it is until the end, and whether it is withheld. Raises UnitUnknown, UnitClosedBefore."""
    if parent_id is None:
        return (), False
    await hold_paths(conn, parent_id)
    parent = await record_of(conn, parent_id)
    return parent.path, parent.withheld


async def _insert(conn: Connection, new: Sequence[New], records: Sequence[UnitRecord]) -> None:
    try:
        await conn.executemany(
            "INSERT INTO units (id, version, parent_id, path, name, code, uscc, category, withheld, valid, document_no)"
            " VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, daterange($9, NULL), $10)",
            [
                (
                    *(record.unit_id, record.parent_id, record.path, record.name, each.what.code, record.uscc, record.category),
                    *(record.withheld, each.what.valid_from, record.document_no),
                )
                for each, record in zip(new, records, strict=True)
            ],
        )
    except asyncpg.UniqueViolationError:
        raise UnitCodeTaken from None


def ensure_above_rank_proved(unit: RegisterUnit | UnitRecord) -> None:
    """单位领导高配 and the document that allows it stand together. Raises AboveRankUnproved."""
    if (unit.leaders_above_rank is None) != (unit.leaders_above_rank_no is None):
        raise AboveRankUnproved


def checked_uscc(text: str | None) -> str | None:
    """A doubtful code of another registrar is taken (early pilots are lawful); a wrong one of our own is not."""
    if text is None:
        return None
    try:
        return parse_uscc(text).code
    except InvalidUscc:
        raise UsccInvalid from None


async def _inherit_freezes(conn: Connection, by: By, unit_ids: Sequence[UUID]) -> None:
    orders = await conn.fetch(
        "SELECT units.id AS unit_id, freeze_orders.id, root_unit_id, scopes, freeze_orders.document_no FROM units"
        " JOIN freeze_orders ON root_unit_id = ANY(path) WHERE units.id = ANY($1) AND upper_inf(in_force) ORDER BY units.id, freeze_orders.id",
        list(unit_ids),
    )
    for order in orders:
        frozen = UnitFrozen(
            occurred_at=by.as_of,
            unit_id=order["unit_id"],
            version=await take_unit(conn, order["unit_id"]),
            document_no=order["document_no"],
            order_id=order["id"],
            root_unit_id=order["root_unit_id"],
            scopes=tuple(order["scopes"]),
        )
        await outbox.append(conn, by, frozen)


@command
async def set_seats(conn: Connection, by: By, what: SetSeats) -> None:
    """Set the approved leadership posts of one level, from a date on. Lowered below the leaders in post only with the office's recorded cause."""
    document_no = document_of(by)
    await ensure_known_level(conn, today_of(by, what.effective_on), what.unit_id, what.level, what.approved)
    version = await take_unit(conn, what.unit_id)
    await ensure_open(conn, what.unit_id)
    await ensure_seats_may_grow(conn, what)
    before = await seats_state(conn, what.unit_id, what.level)
    kept = what.over_seats_cause or await cause_that_stays(conn, before, what)
    await replace_seats(conn, by, what.model_copy(update={"over_seats_cause": kept}), document_no)
    ensure_seats_above_use(before.approved, await seats_state(conn, what.unit_id, what.level), what.over_seats_cause)
    changed = await seats_changed(conn, by, what.unit_id, version, what.level, what.effective_on, baseline=what.baseline)
    await outbox.append(conn, by, changed.model_copy(update={"over_seats_cause": kept}))


async def cause_that_stays(conn: Connection, before: SeatsState, what: SetSeats) -> OverQuotaCause | None:
    """What the office recorded of leaders beyond the number, where the new one still lies below them; room uses a cause up."""
    if before.used <= max(before.approved, what.approved):
        return None
    known = "SELECT over_seats_cause FROM seats WHERE unit_id = $1 AND level = $2 AND upper_inf(during) AND upper_inf(recorded)"
    cause = await conn.fetchval(known, what.unit_id, what.level)
    return cause and OverQuotaCause(cause)


async def ensure_seats_may_grow(conn: Connection, what: SetSeats) -> None:
    """No freeze of 领导职数 stands in the way of more of them; what a first load finds was approved before."""
    if not what.baseline:
        now = await seats_state(conn, what.unit_id, what.level)
        ensure_may_grow(await frozen_by(conn, what.unit_id, FreezeScope.LEADERSHIP), what.approved, now.approved, now.used)


async def ensure_known_level(conn: Connection, on: date, unit_id: UUID, level: str, approved: int) -> None:
    """The level is in force (CodeUnknown); of one that has ended, what was approved may still be taken away."""
    held = "SELECT EXISTS (SELECT FROM seats WHERE unit_id = $1 AND level = $2)"
    if approved > 0 or not await conn.fetchval(held, unit_id, level):
        await ensure_known_codes(conn, on, {"level": level})


async def replace_seats(conn: Connection, by: By, what: SetSeats, document_no: str) -> None:
    """The number of one level holds from the effective date on; what was recorded before is closed, not overwritten. Raises SeatsChangedLater."""
    await conn.execute(
        "INSERT INTO seats (unit_id, level, approved, during, recorded, document_no, over_seats_cause)"
        " VALUES ($1, $2, $3, daterange($4, NULL), tstzrange($5, NULL), $6, $7)",
        what.unit_id,
        what.level,
        what.approved,
        what.effective_on,
        await _close_seats(conn, by, what) or by.as_of,
        document_no,
        what.over_seats_cause,
    )


async def _close_seats(conn: Connection, by: By, what: SetSeats) -> datetime | None:
    """Close what is recorded; up to the effective date it is recorded anew. Answers the instant, none when there was nothing."""
    last = await conn.fetchrow(
        "SELECT id, lower(during) AS since FROM seats WHERE unit_id = $1 AND level = $2 AND upper_inf(during) AND upper_inf(recorded)",
        what.unit_id,
        what.level,
    )
    if last is None:
        return None
    if what.effective_on < last["since"]:
        raise SeatsChangedLater(since=last["since"])
    at: datetime = await conn.fetchval(
        f"UPDATE seats SET {ended('recorded', '$2')} WHERE id = $1 RETURNING upper(recorded)",
        last["id"],
        by.as_of,
    )
    await conn.execute(
        "INSERT INTO seats (unit_id, level, approved, during, recorded, document_no, over_seats_cause)"
        " SELECT unit_id, level, approved, daterange(lower(during), $2), tstzrange($3, NULL), document_no, over_seats_cause FROM seats"
        " WHERE id = $1 AND lower(during) < $2",
        last["id"],
        what.effective_on,
        at,
    )
    return at


async def add_first_seats(conn: Connection, by: By, rows: Sequence[tuple[UUID, LoadedSeats]]) -> None:
    """The first leadership posts of units, each level on its document: nothing was recorded before."""
    await conn.executemany(
        "INSERT INTO seats (unit_id, level, approved, during, recorded, document_no)"
        " VALUES ($1, $2, $3, daterange($4, NULL), tstzrange($5, NULL), $6)",
        [(unit_id, row.level, row.approved, row.document_on, by.as_of, row.document_no) for unit_id, row in rows],
    )


async def seats_changed(
    conn: Connection, by: By, unit_id: UUID, version: int, level: str, since: date | None, *, baseline: bool
) -> SeatsChanged:
    """The event with the level's state after the change: seats approved, seats taken."""
    return SeatsChanged(
        occurred_at=by.as_of,
        unit_id=unit_id,
        version=version,
        document_no=by.document_no,
        baseline=baseline,
        effective_on=since,
        **(await seats_state(conn, unit_id, level)).model_dump(),
    )


async def seats_state(conn: Connection, unit_id: UUID, level: str) -> SeatsState:
    """One level now: seats approved, seats taken, and what it is called."""
    row = await conn.fetchrow(
        f"SELECT $2::text AS level, coalesce({label_of('$2')}, '') AS level_label,"
        " coalesce((SELECT approved FROM seats WHERE unit_id = $1 AND level = $2 AND upper_inf(during) AND upper_inf(recorded)), 0) AS approved,"
        f" (SELECT count(*) FROM ({taken_in('= $1', LAST)}) AS taken WHERE level = $2) AS used",
        unit_id,
        level,
    )
    return SeatsState.model_validate(dict(row or {}))
