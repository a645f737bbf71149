"""Changing the key of the sealed fields while everything runs (`bianban keys`; docs/decisions/0050).

Small transactions, each of which leaves the tables readable: who is killed begins anew and finds what is done. A person is taken whole, under his
lock, and equal values stay equal byte for byte, since the record's history compares them.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from cryptography.exceptions import InvalidTag

from services.roster.commands.brought import COMPARED, IMPORTED
from services.roster.models.concerned import place_of_words
from services.roster.models.facts import place_of
from services.roster.models.imports import ImportState, sealed_place
from services.roster.queries.difference_values import place_in
from services.roster.queries.keys import SEALED, whole_files
from shared.crypto import FieldCipher, FieldKey
from shared.db import Connection, Database
from shared.exports.shelf import Shelf

PERSONS, ROWS, PIECES = 200, 500, 8
Tell = Callable[[int], None]
_BY_THEMSELVES = (
    ("person_requests", ("id",), ROWS),
    ("import_rows", ("import_id", "sheet", "number"), ROWS),
    ("import_files", ("import_id", "number"), PIECES),
    ("comparison_files", ("run_id", "number"), PIECES),
    ("comparison_differences", ("id",), ROWS),
)
_NOBODY = UUID(int=0)
_PLACES: Mapping[str, Callable[[asyncpg.Record, str], str]] = {
    "person_records": lambda row, column: place_of(row["person_id"], column),
    "person_changes": lambda row, _: place_of(row["person_id"], row["field"]),
    "person_requests": lambda row, _: place_of_words(row["id"]),
    "import_rows": lambda row, _: sealed_place(row["import_id"], row["sheet"], row["number"]),
    "import_files": lambda row, _: IMPORTED.place(row["import_id"], row["number"]),
    "comparison_files": lambda row, _: COMPARED.place(row["run_id"], row["number"]),
    "comparison_differences": lambda row, column: place_in(row["id"], column.removesuffix("_sealed")),
}


async def opens(conn: Connection, cipher: FieldCipher) -> bool:
    """Whether a ring opens what is sealed here: one value of each table."""
    for table, columns in SEALED.items():
        row = await conn.fetchrow(f"SELECT * FROM {table} WHERE coalesce({', '.join(columns)}) IS NOT NULL LIMIT 1")
        column = next((each for each in columns if row is not None and row[each] is not None), None)
        if row is not None and column is not None and not _opens(cipher, row[column], _PLACES[table](row, column)):
            return False
    return True


def _opens(cipher: FieldCipher, value: bytes, place: str) -> bool:
    with suppress(InvalidTag):
        cipher.unseal(value, place)
        return True
    return False


async def begin_key(database: Database, key: FieldKey, actor: str, at: datetime) -> None:
    """Write down that there is a new key, before it is in the ring: its id is never given to another."""
    await database.pool.execute(
        "INSERT INTO field_keys (id, suite, since, actor) VALUES ($1, $2, $3, $4)", key.id, key.suite.value, at, actor
    )


async def renew_all(database: Database, cipher: FieldCipher, shelves: Iterable[Shelf], tell: Tell) -> int:
    """Everything that nobody holds at the moment under the current key; how many values were under another. `tell` hears of persons done."""
    renewed = await _renew_persons(database, cipher, tell)
    for table, key, many in _BY_THEMSELVES:
        renewed += await _renew_table(database, cipher, table, key, many)
    await _forget_marks(database)
    for shelf in shelves:
        renewed += await asyncio.to_thread(_renew_shelf, cipher, shelf)
    return renewed


async def need_key(database: Database, key_id: int, at: datetime) -> None:
    """From now on nobody registers a number without an index under this key: whoever is about to is waited for."""
    while True:
        try:
            async with database.transaction() as conn:
                await conn.execute("SET LOCAL lock_timeout = '500ms'")  # who registers waits behind this lock
                await conn.execute("LOCK TABLE person_indexes IN SHARE MODE")
                await conn.execute("UPDATE field_keys SET needed_since = coalesce(needed_since, $2) WHERE id = $1", key_id, at)
                return
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(0.5)


async def complete_key(database: Database, key_id: int, at: datetime) -> None:
    """Everything is under it; the caller has counted."""
    await database.pool.execute("UPDATE field_keys SET complete_at = coalesce(complete_at, $2) WHERE id = $1", key_id, at)


async def retire_keys(database: Database, keys: Iterable[FieldKey], actor: str, at: datetime) -> None:
    """Nobody needs these keys any more; the caller has counted."""
    await database.pool.executemany(
        "INSERT INTO field_keys (id, suite, since, actor, retired_at) VALUES ($1, $2, $3, $4, $3)"
        " ON CONFLICT (id) DO UPDATE SET retired_at = coalesce(field_keys.retired_at, excluded.retired_at)",
        [(key.id, key.suite.value, at, actor) for key in keys],
    )


async def drop_indexes(database: Database, kept: Iterable[int]) -> None:
    """The indexes under keys that are gone, of persons and of numbers that wait for their case."""
    ids = list(kept)
    await database.pool.execute("DELETE FROM person_indexes WHERE key_id <> ALL($1)", ids)
    await database.pool.execute(
        "UPDATE pending_changes SET marks = (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(marks) WHERE key = ANY($1))"
        " WHERE EXISTS (SELECT FROM jsonb_object_keys(marks) AS key WHERE key <> ALL($1))",
        [str(key_id) for key_id in ids],
    )


async def _renew_persons(database: Database, cipher: FieldCipher, tell: Tell) -> int:
    after, done, renewed = _NOBODY, 0, 0
    while rows := await database.pool.fetch("SELECT id FROM persons WHERE id > $1 ORDER BY id LIMIT $2", after, PERSONS):
        async with database.transaction() as conn:
            renewed += await _renew_some(conn, cipher, [row["id"] for row in rows])
        after, done = rows[-1]["id"], done + len(rows)
        tell(done)
    return renewed


async def _renew_some(conn: Connection, cipher: FieldCipher, persons: list[UUID]) -> int:
    """Whoever of them has something under another key and is not being changed just now."""
    key_id = cipher.ring.current.id
    waiting = await conn.fetch(_WAITING, persons, bytes([key_id]), key_id, f"{key_id:02x}")
    locked = await conn.fetch(
        "SELECT id FROM persons WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED", [row["id"] for row in waiting]
    )
    mine = [row["id"] for row in locked]
    if not mine:
        return 0
    same: dict[bytes, bytes] = {}
    renewed = await _add_indexes(conn, cipher, mine)
    for table in ("person_records", "person_changes"):
        rows = await conn.fetch(f"SELECT * FROM {table} WHERE person_id = ANY($1)", mine)
        renewed += await _renew_rows(conn, cipher, table, ("id",), rows, same)
    return renewed + await _renew_pending(conn, cipher, mine)


async def _add_indexes(conn: Connection, cipher: FieldCipher, persons: list[UUID]) -> int:
    """The index under the current key of those who have none."""
    key = cipher.ring.current
    rows = await conn.fetch(
        "SELECT person_id, id_number FROM person_records WHERE person_id = ANY($1) AND upper_inf(during) AND upper_inf(recorded)"
        " AND NOT EXISTS (SELECT FROM person_indexes WHERE person_indexes.person_id = person_records.person_id AND key_id = $2)",
        persons,
        key.id,
    )
    numbers = [(row["person_id"], cipher.decrypt(row["id_number"], place_of(row["person_id"]))) for row in rows]
    await conn.executemany(
        "INSERT INTO person_indexes (key_id, id_index, person_id) VALUES ($1, $2, $3)",
        [(key.id, key.index(number), person_id) for person_id, number in numbers],
    )
    return len(numbers)


async def _renew_rows(
    conn: Connection, cipher: FieldCipher, table: str, key: tuple[str, ...], rows: Iterable[asyncpg.Record], same: dict[bytes, bytes]
) -> int:
    """Rows of one table; `same` holds what was renewed before, so that what was equal stays so."""
    columns, current, changed, renewed = SEALED[table], cipher.ring.current.id, [], 0
    for row in rows:
        old = [column for column in columns if row[column] is not None and row[column][0] != current]
        for column in old:
            if row[column] not in same:
                same[row[column]] = cipher.renewed(row[column], _PLACES[table](row, column))
        if old:
            changed.append((*(row[name] for name in key), *(same.get(row[column], row[column]) for column in columns)))
            renewed += len(old)
    where = " AND ".join(f"{name} = ${place}" for place, name in enumerate(key, 1))
    new = ", ".join(f"{column} = ${place}" for place, column in enumerate(columns, len(key) + 1))
    await conn.executemany(f"UPDATE {table} SET {new} WHERE {where}", changed)
    return renewed


async def _renew_pending(conn: Connection, cipher: FieldCipher, persons: list[UUID]) -> int:
    """Changes that wait for their case: the values, and the indexes of a new number."""
    current = cipher.ring.current
    rows = await conn.fetch(
        "SELECT id, person_id, sealed, marks FROM pending_changes WHERE person_id = ANY($1) ORDER BY id FOR UPDATE", persons
    )
    renewed = 0
    for row in rows:
        sealed = {name: None if value is None else bytes.fromhex(value) for name, value in row["sealed"].items()}
        new = {name: value and cipher.renewed(value, place_of(row["person_id"], name)) for name, value in sealed.items()}
        marks: dict[str, Any] = row["marks"]
        number = new.get("id_number")
        if number is not None:
            marks = marks | {str(current.id): current.index(cipher.decrypt(number, place_of(row["person_id"]))).hex()}
        if (new, marks) != (sealed, row["marks"]):
            hexed = {name: value and value.hex() for name, value in new.items()}
            await conn.execute("UPDATE pending_changes SET sealed = $2, marks = $3 WHERE id = $1", row["id"], hexed, marks)
            renewed += sum(new[name] != sealed[name] for name in new)
    return renewed


async def _renew_table(database: Database, cipher: FieldCipher, table: str, key: tuple[str, ...], many: int) -> int:
    """A table whose rows stand for themselves, in the order of its key."""
    names, columns, renewed = ", ".join(key), SEALED[table], 0
    old = f"({' OR '.join(f'substring({column} for 1) <> $1' for column in columns)})"
    beyond = f"({names}) > ({', '.join(f'${place}' for place in range(3, 3 + len(key)))})"
    last: tuple[object, ...] = ()
    while True:
        async with database.transaction() as conn:
            rows = await conn.fetch(
                f"SELECT {names}, {', '.join(columns)} FROM {table} WHERE {f'{old} AND {beyond}' if last else old} ORDER BY {names} LIMIT $2"
                " FOR UPDATE SKIP LOCKED",
                *(bytes([cipher.ring.current.id]), many, *last),
            )
            renewed += await _renew_rows(conn, cipher, table, key, rows, {})
        if not rows:
            return renewed
        last = tuple(rows[-1][name] for name in key)


async def _forget_marks(database: Database) -> None:
    """What the rows of a file found each other by is of no use once they are checked."""
    await database.pool.execute(
        "UPDATE import_rows SET mark = NULL WHERE mark IS NOT NULL AND import_id IN (SELECT id FROM imports WHERE state <> ALL($1))",
        [ImportState.RECEIVED, ImportState.CHECKING],
    )


def _renew_shelf(cipher: FieldCipher, shelf: Shelf) -> int:
    old = [name for name in whole_files(shelf) if shelf.keys(name) - {cipher.ring.current.id}]
    for name in old:
        shelf.renew(name)
    return len(old)


def _under_another(table: str) -> str:
    """The condition that something of a row is not under the key $2."""
    return " OR ".join(f"substring({column} for 1) <> $2" for column in SEALED[table])


_WAITING = f"""
    SELECT id FROM unnest($1::uuid[]) AS id
        WHERE NOT EXISTS (SELECT FROM person_indexes WHERE person_id = id AND key_id = $3)
    UNION SELECT person_id FROM person_records WHERE person_id = ANY($1) AND ({_under_another("person_records")})
    UNION SELECT person_id FROM person_changes WHERE person_id = ANY($1) AND ({_under_another("person_changes")})
    UNION SELECT person_id FROM pending_changes, jsonb_each_text(sealed) WHERE person_id = ANY($1) AND left(value, 2) <> $4
"""
"""Of persons $1, who has something under another key than $2 (a byte), $3 (a number), $4 (hex)."""
