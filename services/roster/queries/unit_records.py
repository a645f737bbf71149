"""What a unit is by the register, as decisions need it: today's record, the names that go with it, and who took over from whom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from uuid import UUID

import asyncpg

from services.roster.models.refusals import FundingUnknown, UnitUnknown
from services.roster.models.units import LISTS, UnitClosedBefore, UnitRecord
from services.roster.queries.codes import ensure_known_codes
from shared.db import Connection

_COLUMNS = ", ".join(f"unit_records.{field.name}" for field in fields(UnitRecord))


async def record_of(conn: Connection, unit_id: UUID) -> UnitRecord:
    """What the unit is now. Raises UnitUnknown; UnitClosedBefore where it is no more."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM unit_records WHERE unit_id = $1 AND upper_inf(during) AND upper_inf(recorded)", unit_id
    )
    if row is None:
        await ensure_open(conn, unit_id)
        raise UnitUnknown(unit=unit_id)
    return _record(row)


async def records_of(conn: Connection, unit_ids: Iterable[UUID]) -> dict[UUID, UnitRecord]:
    """What several units are now, or were at their end."""
    rows = await conn.fetch(
        f"SELECT DISTINCT ON (unit_id) {_COLUMNS} FROM unit_records WHERE unit_id = ANY($1) AND upper_inf(recorded)"
        " ORDER BY unit_id, lower(during) DESC",
        list(unit_ids),
    )
    return {row["unit_id"]: _record(row) for row in rows}


async def ensure_open(conn: Connection, unit_id: UUID) -> None:
    """The unit is there and has not been closed."""
    row = await conn.fetchrow("SELECT upper(valid) AS closed_on FROM units WHERE id = $1", unit_id)
    if row is None:
        raise UnitUnknown(unit=unit_id)
    if row["closed_on"] is not None:
        raise UnitClosedBefore(closed_on=row["closed_on"])


async def names_of(conn: Connection, unit_id: UUID) -> dict[str, tuple[str, ...]]:
    """Second names, plates and internal units, now."""
    rows = await conn.fetch(
        "SELECT role, array_agg(name ORDER BY position) AS names FROM unit_names WHERE unit_id = $1 AND upper_inf(during)"
        " AND upper_inf(recorded) GROUP BY role",
        unit_id,
    )
    return dict.fromkeys(LISTS, ()) | {row["role"]: tuple(row["names"]) for row in rows}


async def ensure_known_attributes(conn: Connection, given: Sequence[Mapping[str, object]], on: date) -> None:
    """Each attribute that is a code is in its table on this day (CodeUnknown, FundingUnknown)."""
    await ensure_known_codes(conn, on, *given)
    told = sorted({str(each["unit_funding"]) for each in given if each.get("unit_funding")})
    known = await conn.fetch("SELECT code FROM fundings WHERE code = ANY($1) AND valid @> $2::date", told, on) if told else []
    if unknown := set(told) - {row["code"] for row in known}:
        raise FundingUnknown(funding=min(unknown))


def _record(row: asyncpg.Record) -> UnitRecord:
    return UnitRecord(**{**row, "path": tuple(row["path"])})
