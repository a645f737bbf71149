"""A unit's rows through time. A change from a day on closes what was recorded and records anew: what was before that day, and what is from it on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.roster.commands.spans import ended
from services.roster.models.units import UnitChangedLater, UnitRecord
from services.roster.queries.former_names import HEIRS, NAMES
from services.roster.queries.unit_records import record_of
from shared.db import By, Connection
from shared.spelling import grams, lines_of, spelt

_COLUMNS = ", ".join(field.name for field in fields(UnitRecord))
_CLOSED = ended("recorded", "$3")


async def write_unit_records(conn: Connection, records: Iterable[tuple[UnitRecord, date]], at: object, reform_id: UUID | None) -> None:
    """What units are from a day on, known from an instant on."""
    places = ", ".join(f"${number}" for number, _ in enumerate(fields(UnitRecord), start=4))
    await conn.executemany(
        f"INSERT INTO unit_records (during, recorded, reform_id, {_COLUMNS}) VALUES (daterange($1, NULL), tstzrange($2, NULL), $3, {places})",
        [(since, at, reform_id, *(getattr(record, field.name) for field in fields(record))) for record, since in records],
    )


async def change_record(
    conn: Connection, by: By, unit_id: UUID, since: date, changes: Mapping[str, Any], reform_id: UUID | None = None
) -> None:
    """From a day on the unit is what it was, but for `changes`. Raises UnitChangedLater."""
    at = await end_record(conn, by, unit_id, since)
    before = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM unit_records WHERE unit_id = $1 AND upper(recorded) = $2 AND upper_inf(during)", unit_id, at
    )
    assert before is not None  # noqa: S101  end_record has just closed it
    record = replace(UnitRecord(**{**before, "path": tuple(before["path"])}), **changes)
    await write_unit_records(conn, [(record, since)], at, reform_id)


async def end_record(conn: Connection, by: By, unit_id: UUID, since: date) -> object:
    """From a day on nothing is known of the unit; answers the instant. Raises UnitChangedLater where a later record stands."""
    began = await conn.fetchval(
        "SELECT lower(during) FROM unit_records WHERE unit_id = $1 AND upper_inf(during) AND upper_inf(recorded)", unit_id
    )
    if began is not None and began > since:
        raise UnitChangedLater(since=began)
    at: object = await conn.fetchval(
        f"UPDATE unit_records SET {_CLOSED} WHERE unit_id = $1 AND upper_inf(recorded) AND during && daterange($2, NULL)"
        " RETURNING upper(recorded)",
        unit_id,
        since,
        by.as_of,
    )
    await conn.execute(
        f"INSERT INTO unit_records (during, recorded, reform_id, {_COLUMNS})"
        f" SELECT daterange(lower(during), $2), tstzrange($3, NULL), reform_id, {_COLUMNS} FROM unit_records"
        " WHERE unit_id = $1 AND upper(recorded) = $3 AND upper_inf(during) AND lower(during) < $2",
        unit_id,
        since,
        at,
    )
    return at


async def write_names(conn: Connection, by: By, unit_id: UUID, role: str, names: Sequence[str], since: date, document_no: str) -> None:
    """From a day on the unit has just these second names, plates or internal units, in this order."""
    closed = await conn.fetch(
        f"UPDATE unit_names SET {_CLOSED} WHERE unit_id = $1 AND role = $4 AND upper_inf(recorded) AND during && daterange($2, NULL)"
        " RETURNING id, upper(recorded) AS at",
        unit_id,
        since,
        by.as_of,
        role,
    )
    await conn.execute(
        "INSERT INTO unit_names (unit_id, role, name, position, during, recorded, document_no)"
        " SELECT unit_id, role, name, position, daterange(lower(during), $2), tstzrange(upper(recorded), NULL), document_no FROM unit_names"
        " WHERE id = ANY($1) AND lower(during) < $2",
        [row["id"] for row in closed],
        since,
    )
    at = max([by.as_of, *(row["at"] for row in closed)])
    await add_names(conn, [(unit_id, role, names, since, document_no, at)])


Names = tuple[UUID, str, Sequence[str], date, str, object]
"""A unit's list of names: unit, role, names in their order, from which day, document, known from which instant."""


async def add_names(conn: Connection, lists: Iterable[Names]) -> None:
    """Lists of units that have none of that role from the day on."""
    rows = [
        (unit_id, role, name, place, since, at, document_no)
        for unit_id, role, names, since, document_no, at in lists
        for place, name in enumerate(names)
    ]
    if rows:
        await conn.executemany(
            "INSERT INTO unit_names (unit_id, role, name, position, during, recorded, document_no)"
            " VALUES ($1, $2, $3, $4, daterange($5, NULL), tstzrange($6, NULL), $7)",
            rows,
        )


async def write_search(conn: Connection, unit_ids: Sequence[UUID]) -> None:
    """By what units are found: every name they ever had, how that is spelt, and their codes; and the same of those they took over from."""
    rows = await conn.fetch(
        f"{HEIRS} SELECT id, units.name, ARRAY[code, uscc] || ARRAY(SELECT called.name FROM ({NAMES.format(unit='units.id')}) AS called) AS names,"
        f" ARRAY({_OF_TAKEN} AND NOT taken.withheld) AS inherited, ARRAY({_OF_TAKEN} AND taken.withheld) AS inherited_withheld"
        " FROM units WHERE id = ANY($1)",
        list(unit_ids),
    )
    await conn.executemany(
        f"INSERT INTO unit_search (unit_id, {', '.join(FOUND_BY)}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (unit_id) DO UPDATE"
        f" SET {', '.join(f'{name} = excluded.{name}' for name in FOUND_BY)}",
        [(row["id"], *found_by(row["name"], row["names"], row["inherited"], row["inherited_withheld"])) for row in rows],
    )


_OF_TAKEN = f"""
    SELECT called.name FROM taken JOIN units AS gone ON gone.id = taken.unit_id CROSS JOIN LATERAL
        ({NAMES.format(unit="gone.id")} UNION ALL SELECT gone.code, NULL UNION ALL SELECT gone.uscc, NULL) AS called WHERE heir = units.id
"""
FOUND_BY = ("name_key", "written", "inherited", "inherited_withheld", "grams")
"""What `found_by` tells, as columns of `unit_search`."""


async def write_search_of_heirs(conn: Connection, unit_id: UUID) -> None:
    """Who took over from a unit that is no more, and from whoever did, is found by its names from now on."""
    rows = await conn.fetch(
        "WITH RECURSIVE heirs AS (SELECT successor_id AS id FROM unit_successors WHERE unit_id = $1"
        " UNION SELECT successor_id FROM unit_successors JOIN heirs ON unit_id = heirs.id) SELECT id FROM heirs",
        unit_id,
    )
    await write_search(conn, [row["id"] for row in rows])


def found_by(
    name: str, names: Iterable[str | None], inherited: Iterable[str | None] = (), withheld: Iterable[str | None] = ()
) -> tuple[str, str, str, str, list[str]]:
    """By what the unit of a name stands in order, by which lines it is found, by which of those it took over from (open ones, withheld ones), and the
    pieces of all.
    """
    lines = [lines_of(each for each in called if each) for called in (names, inherited, withheld)]
    own, others, hidden = ("\n".join(each) for each in lines)
    return spelt(name).key, own, others, hidden, sorted(set().union(*(grams(line) for each in lines for line in each)))


async def spread(conn: Connection, by: By, unit_id: UUID, since: date, *, withheld: bool, reform_id: UUID | None) -> list[UUID]:
    """The units below follow in their place in the tree, and are withheld with what they stand below; answers which ones changed."""
    path = (await record_of(conn, unit_id)).path
    rows: list[asyncpg.Record] = await conn.fetch(
        "WITH below AS (SELECT id FROM units WHERE path @> ARRAY[$1::uuid] AND id <> $1 AND upper_inf(valid)),"
        f" closed AS (UPDATE unit_records SET {_CLOSED} WHERE unit_id IN (SELECT id FROM below) AND path @> ARRAY[$1::uuid]"
        "  AND upper_inf(recorded) AND during && daterange($2, NULL)"
        "  AND (path[:array_position(path, $1)] <> $4::uuid[] OR $5 AND NOT withheld) RETURNING id)"
        " SELECT id FROM closed ORDER BY id",
        unit_id,
        since,
        by.as_of,
        list(path),
        withheld,
    )
    closed = [row["id"] for row in rows]
    await _record_below(conn, closed, unit_id, since, path, withheld=withheld, reform_id=reform_id)
    changed: list[asyncpg.Record] = await conn.fetch(
        "UPDATE units SET path = now.path, withheld = now.withheld FROM unit_records now WHERE now.unit_id = units.id AND upper_inf(now.during)"
        " AND upper_inf(now.recorded) AND units.id IN (SELECT unit_id FROM unit_records WHERE id = ANY($1)) RETURNING units.id",
        closed,
    )
    return [row["id"] for row in changed]


async def _record_below(
    conn: Connection, closed: list[int], unit_id: UUID, since: date, path: tuple[UUID, ...], *, withheld: bool, reform_id: UUID | None
) -> None:
    same = _COLUMNS.replace("path, ", "").replace("withheld, ", "")
    await conn.execute(
        f"INSERT INTO unit_records (during, recorded, reform_id, {_COLUMNS})"
        f" SELECT daterange(lower(during), $2), tstzrange(upper(recorded), NULL), reform_id, {_COLUMNS} FROM unit_records"
        " WHERE id = ANY($1) AND lower(during) < $2",
        closed,
        since,
    )
    await conn.execute(
        f"INSERT INTO unit_records (during, recorded, reform_id, path, withheld, {same})"
        " SELECT during * daterange($2, NULL), tstzrange(upper(recorded), NULL), $6,"
        f" $4::uuid[] || path[array_position(path, $3) + 1:], withheld OR $5, {same} FROM unit_records WHERE id = ANY($1)",
        closed,
        since,
        unit_id,
        list(path),
        withheld,
        reform_id,
    )
