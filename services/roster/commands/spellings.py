"""Names that were written before they were spelt (migration 1060), or by another hand, and who took over before 1150, get their keys: lists order by them and search with them."""

from services.roster.commands.unit_records import write_search
from shared.db import Database
from shared.spelling import spelt_name

_MANY = 1_000


async def write_missing_spellings(database: Database) -> int:
    """Spell what is not spelt; how many. Small transactions: who is stopped goes on where he was."""
    return await _persons(database) + await _units(database)


async def _persons(database: Database) -> int:
    done = last = 0
    while rows := await database.pool.fetch(
        "SELECT id, name FROM person_records WHERE name_key = '' AND id > $1 ORDER BY id LIMIT $2", last, _MANY
    ):
        spelt = [(row["id"], sounds.key, sounds.letters, sounds.initials) for row in rows for sounds in (spelt_name(row["name"]),)]
        await database.pool.executemany("UPDATE person_records SET name_key = $2, letters = $3, initials = $4 WHERE id = $1", spelt)
        done, last = done + len(rows), rows[-1]["id"]
    return done


async def _units(database: Database) -> int:
    rows = await database.pool.fetch(
        "SELECT id FROM units WHERE NOT EXISTS (SELECT FROM unit_search WHERE unit_id = units.id AND inherited IS NOT NULL) ORDER BY id"
    )
    unspelt = [row["id"] for row in rows]
    for first in range(0, len(unspelt), _MANY):
        async with database.transaction() as conn:
            await write_search(conn, unspelt[first : first + _MANY])
    return len(unspelt)
