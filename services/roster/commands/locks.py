"""In which order commands lock: persons, then the paths of the units from the root down, then the units by id.

Freezing locks every unit it reaches: who takes a post locks its unit, then asks for freezes, and no post slips in between. What takes several
units, or makes one, holds their paths before: freezing takes its root FOR UPDATE. Writing to a unit raises its version and publishes one event
per version, so its outbox rows leave in commit order and without gaps.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from services.roster.models.refusals import PersonUnknown, UnitUnknown
from shared.db import Connection


async def take_person(conn: Connection, person_id: UUID) -> int:
    """Lock a person; the new version."""
    version: int | None = await conn.fetchval("UPDATE persons SET version = version + 1 WHERE id = $1 RETURNING version", person_id)
    if version is None:
        raise PersonUnknown(person=person_id)
    return version


async def lock_person(conn: Connection, person_id: UUID) -> None:
    """Lock a person who is judged, not changed."""
    if await conn.fetchval("SELECT true FROM persons WHERE id = $1 FOR NO KEY UPDATE", person_id) is None:
        raise PersonUnknown(person=person_id)


async def lock_unit(conn: Connection, unit_id: UUID) -> None:
    """Lock a unit that may stay as it is, so that no version is left without an event."""
    if await conn.fetchval("SELECT true FROM units WHERE id = $1 FOR NO KEY UPDATE", unit_id) is None:
        raise UnitUnknown(unit=unit_id)


async def take_unit(conn: Connection, unit_id: UUID) -> int:
    """Lock one unit; the version of its next event."""
    version: int | None = await conn.fetchval("UPDATE units SET version = version + 1 WHERE id = $1 RETURNING version", unit_id)
    if version is None:
        raise UnitUnknown(unit=unit_id)
    return version


async def take_person_and_unit(conn: Connection, person_id: UUID, unit_id: UUID) -> tuple[int, int]:
    """Lock a person, then one unit; the new version of each. The unit's row is found by way of the person's, so the order holds."""
    row = await conn.fetchrow(
        "WITH person AS (UPDATE persons SET version = version + 1 WHERE id = $1 RETURNING version)"
        " UPDATE units SET version = units.version + 1 FROM person WHERE units.id = $2 RETURNING person.version, units.version",
        person_id,
        unit_id,
    )
    if row is None:
        await lock_person(conn, person_id)
        raise UnitUnknown(unit=unit_id)
    return row[0], row[1]


async def take_units(conn: Connection, unit_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Lock several units in id order; the version of each one's next event."""
    return {unit_id: await take_unit(conn, unit_id) for unit_id in sorted(set(unit_ids))}


async def take_versions(conn: Connection, events: Mapping[UUID, int]) -> dict[UUID, int]:
    """The version of each unit before so many events of it. The caller holds the units."""
    rows = await conn.fetch(
        "UPDATE units SET version = version + events FROM unnest($1::uuid[], $2::integer[]) AS told (unit_id, events) WHERE id = unit_id"
        " RETURNING id, version - events AS before",
        list(events),
        list(events.values()),
    )
    return {row["id"]: row["before"] for row in rows}


async def hold_paths(conn: Connection, *unit_ids: UUID) -> None:
    """Keep freezes above (and on) these units from changing until the end. Before `take_units`, and before a unit is made below one."""
    await conn.execute(
        "SELECT FROM units WHERE id IN (SELECT unnest(path) FROM units WHERE id = ANY($1)) ORDER BY cardinality(path), id FOR KEY SHARE",
        list(unit_ids),
    )


async def lock_paths(conn: Connection, unit_ids: Iterable[UUID]) -> None:
    """Take whole units, as freezing does, from the root down: nothing is placed on them, registered or frozen below or above them meanwhile."""
    named = set(unit_ids)
    rows = await conn.fetch(
        "SELECT id FROM units WHERE id IN (SELECT unnest(path) FROM units WHERE id = ANY($1)) ORDER BY cardinality(path), id", list(named)
    )
    for row in rows:
        strength = "UPDATE" if row["id"] in named else "KEY SHARE"
        await conn.execute(f"SELECT FROM units WHERE id = $1 FOR {strength}", row["id"])
