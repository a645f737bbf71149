"""Somebody of another unit who is named for a 调动 (docs/decisions/0061): whether unit, name and number agree, and what was found before."""

from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.roster.models.finds import Placed, Told
from services.roster.models.refusals import PersonUnknown
from services.roster.queries.persons import masked
from services.roster.queries.units import seen
from services.roster.rules.finds import agrees
from shared.auth import Who
from shared.clock import business_day
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.law.citizen_id import InvalidCitizenId, parse_citizen_id
from shared.unit_copies import scope


class FoundPerson(BaseModel):
    """Nothing but what was typed of him, as it stood then: the number masked, the unit under its name."""

    person_id: UUID
    name: str
    id_number: str
    from_unit_id: UUID
    from_unit: str


class FindView(BaseModel):
    """That somebody asked for a person of another unit; without a person: the three did not agree."""

    id: int
    unit_id: UUID
    person_id: UUID | None
    from_unit_id: UUID | None
    actor: str
    at: datetime


async def placed_as_told(conn: Connection, cipher: FieldCipher, who: Who, told: Told) -> Placed | None:
    """Whose number it is, if all three agree and he is in post there today. Of a withheld unit nobody outside is told (0021)."""
    try:
        marks = cipher.indexes(parse_citizen_id(told.id_number).number)
    except InvalidCitizenId:
        return None
    rows = await conn.fetch(_IN_POST.format(open=_open(who)), scope(who), list(marks), list(marks.values()), told.on)
    return next((each for each in map(_placed, rows) if agrees(told, each)), None)


async def found_before(conn: Connection, who: Who, unit_id: UUID, person_id: UUID, from_unit_id: UUID | None) -> asyncpg.Record | None:
    """The last time this person was found for this unit (there). `conn` stands behind the wall: a find is of the unit that it was made for."""
    return await conn.fetchrow(
        "SELECT person_finds.person_id, from_unit_id, units.name AS from_unit, at FROM person_finds JOIN units ON units.id = from_unit_id"
        f" WHERE unit_id = $2 AND person_id = $3 AND ($4::uuid IS NULL OR from_unit_id = $4) AND {_open(who)}"
        " ORDER BY person_finds.id DESC LIMIT 1",
        scope(who),
        unit_id,
        person_id,
        from_unit_id,
    )


async def found_person(whole: Connection, cipher: FieldCipher, found: asyncpg.Record | None) -> FoundPerson:
    """Name and number as they were when he was found, whatever they became since. `whole`: he is of another unit. Raises PersonUnknown."""
    row = found and await whole.fetchrow(_THEN, found["person_id"], business_day(found["at"]), found["at"])
    if not found or not row:
        raise PersonUnknown
    shown = masked(cipher, found["person_id"], "id_number", row["id_number"])
    return FoundPerson(**{**found, "name": row["name"], "id_number": shown})


async def misses(conn: Connection, actor: str, since: datetime) -> int:
    """How often he was wrong since then."""
    counted: int = await conn.fetchval("SELECT count(*) FROM person_finds WHERE actor = $1 AND person_id IS NULL AND at > $2", actor, since)
    return counted


async def finds(conn: Connection, actor: str | None, before: int | None, limit: int) -> list[FindView]:
    """Who asked for whom, newest first; by one user, or all. For those who audit."""
    rows = await conn.fetch(
        "SELECT id, unit_id, person_id, from_unit_id, actor, at FROM person_finds WHERE ($1::text IS NULL OR actor = $1)"
        " AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        actor,
        before,
        limit,
    )
    return [FindView(**row) for row in rows]


def _open(who: Who) -> str:
    return f"(NOT units.withheld OR {seen(who)})"


def _placed(row: asyncpg.Record) -> Placed:
    called = tuple(each for each in (row["code"], row["uscc"], row["unit"], row["short_name"]) if each)
    return Placed(person_id=row["person_id"], name=row["name"], unit_id=row["unit_id"], unit_called=called)


_IN_POST = """
    SELECT person.person_id, person.name, post.unit_id, units.code, was.uscc, was.name AS unit, was.short_name
    FROM unnest($2::smallint[], $3::bytea[]) AS asked (key_id, id_index) JOIN person_indexes AS known USING (key_id, id_index)
    JOIN person_records AS person ON person.person_id = known.person_id AND person.during @> $4::date AND upper_inf(person.recorded)
    JOIN placements AS post ON post.person_id = known.person_id AND post.during @> $4 AND upper_inf(post.recorded)
    JOIN units ON units.id = post.unit_id AND {open}
    JOIN unit_records AS was ON was.unit_id = units.id AND was.during @> $4 AND upper_inf(was.recorded)
"""
_THEN = "SELECT name, id_number FROM person_records WHERE person_id = $1 AND during @> $2::date AND recorded @> $3::timestamptz"
