"""Who is known by an ID number, whichever key its blind index was made with."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from shared.db import Connection

ASKED = """
    SELECT DISTINCT place, person_id FROM unnest($1::integer[], $2::smallint[], $3::bytea[]) AS asked (place, key_id, id_index)
    JOIN person_indexes USING (key_id, id_index)
"""
"""Of numbers asked about (`asked_of`): the place of each that is known, and whose it is."""


def asked_of(numbers: Sequence[Mapping[int, bytes]]) -> tuple[list[int], list[int], list[bytes]]:
    """The parameters of `ASKED`: each number by its blind indexes, by key id."""
    rows = [(place, key_id, index) for place, indexes in enumerate(numbers) for key_id, index in indexes.items()]
    return [place for place, _, _ in rows], [key_id for _, key_id, _ in rows], [index for _, _, index in rows]


async def other_of(conn: Connection, number: Mapping[int, bytes], person_id: UUID) -> UUID | None:
    """Who has a number beside this person, who may have written some of its indexes before he met him."""
    found: UUID | None = await conn.fetchval(
        f"SELECT person_id FROM ({ASKED}) AS known WHERE person_id <> $4", *asked_of([number]), person_id
    )
    return found


async def known_by(conn: Connection, numbers: Sequence[Mapping[int, bytes]]) -> dict[int, UUID]:
    """Person by place in the sequence; a place whose number nobody has is missing."""
    return {row["place"]: row["person_id"] for row in await conn.fetch(ASKED, *asked_of(numbers))}
