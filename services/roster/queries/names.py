"""What those who audit are told instead of ids: units by name, people by surname and unit. Nothing else of either."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel

from services.roster.queries.units import seen
from shared.auth import Who
from shared.db import Connection
from shared.spelling import sought_grams, written_plainly
from shared.unit_copies import scope


class UnitName(BaseModel):
    """A unit under its present or its last name."""

    id: UUID
    name: str


class PersonName(BaseModel):
    """A person: the surname, the rest masked, and the unit he belongs to."""

    name: str
    unit: str


class Names(BaseModel):
    """By id. What the caller may not see is left out, and so is whoever was erased."""

    units: dict[UUID, str]
    persons: dict[UUID, PersonName]


async def names_of(conn: Connection, who: Who, unit_ids: Sequence[UUID], person_ids: Sequence[UUID]) -> Names:
    """Of many at once."""
    units = await conn.fetch(f"SELECT id, name FROM units WHERE id = ANY($2) AND {seen(who)}", scope(who), unit_ids)
    persons = await conn.fetch(_PERSONS.format(seen=seen(who)), scope(who), person_ids)
    return Names(
        units={row["id"]: row["name"] for row in units},
        persons={row["id"]: PersonName(name=f"{row['surname']}＊＊", unit=row["unit"]) for row in persons},
    )


async def units_called(conn: Connection, who: Who, words: str, limit: int) -> list[UnitName]:
    """Units by a part of any name they have or had, closed ones too, the shortest names first."""
    sought = written_plainly(words)
    rows = await conn.fetch(_CALLED.format(seen=seen(who)), scope(who), sought_grams(sought), sought, limit)
    return [UnitName(**row) for row in rows]


_PERSONS = """
    SELECT persons.id, left(person_records.name, 1) AS surname, units.name AS unit
    FROM persons JOIN units ON units.id = persons.unit_id JOIN person_records ON person_records.person_id = persons.id
    WHERE persons.id = ANY($2) AND upper_inf(person_records.during) AND upper_inf(person_records.recorded) AND {seen}
"""
_CALLED = """
    SELECT units.id, units.name FROM unit_search AS search JOIN units ON units.id = search.unit_id
    WHERE search.grams @> $2::text[] AND position($3 IN search.written) > 0 AND {seen} ORDER BY length(units.name), units.name LIMIT $4
"""
