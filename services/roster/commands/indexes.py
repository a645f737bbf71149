"""By which number a person is known: one blind index under every key of the ring, written by whoever registers or corrects him.

Two processes may have different rings for a moment; they meet on the keys they share. Once everything is under a key (`field_keys.needed_since`),
a process that does not have it is turned away, so an old ring never passes a number by.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from shared.db import Connection
from shared.errors import Unavailable


async def take_numbers(conn: Connection, people: Sequence[tuple[UUID, Mapping[int, bytes]]]) -> bool:
    """Write the indexes of these persons; False where somebody has one of the numbers: the caller refuses, and nothing stays.

    In the order of the keys and indexes, so that two who register the same numbers wait for each other and do not deadlock.
    """
    if not people:
        return True
    rows = sorted((key_id, index, person_id) for person_id, indexes in people for key_id, index in indexes.items())
    written = await conn.fetchrow(
        "WITH new AS (INSERT INTO person_indexes (key_id, id_index, person_id) SELECT * FROM unnest($1::smallint[], $2::bytea[], $3::uuid[])"
        "  ON CONFLICT DO NOTHING RETURNING true)"
        " SELECT (SELECT count(*) FROM new) AS rows,"
        "  EXISTS (SELECT FROM field_keys WHERE needed_since IS NOT NULL AND retired_at IS NULL AND id <> ALL($4)) AS ring_is_old",
        *([row[place] for row in rows] for place in range(3)),
        list(set.intersection(*(set(indexes) for _, indexes in people))),
    )
    if written is None or written["ring_is_old"]:
        raise Unavailable("field.keys")
    return bool(written["rows"] == len(rows))


async def change_number(conn: Connection, person_id: UUID, indexes: Mapping[int, bytes]) -> bool:
    """Another number for a person; False where somebody has it. The caller has locked the person."""
    await conn.execute("DELETE FROM person_indexes WHERE person_id = $1", person_id)
    return await take_numbers(conn, [(person_id, indexes)])
