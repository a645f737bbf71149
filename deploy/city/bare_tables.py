"""Empty tables that are filled in one go: without their indexes, which cost less built at the end than kept row by row.

What was taken away is kept in a table until it is back: who is killed meanwhile leaves it for the next one to put back.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg

_KEPT = "public.taken_away"
_CONSTRAINTS = """
    SELECT conrelid::regclass::text AS of, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
    WHERE contype IN ('f', 'x') AND conrelid = ANY($1::text[]::regclass[]) ORDER BY contype DESC, conname
"""
"""Exclusions first, then foreign keys."""
_INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
    WHERE indrelid = ANY($1::text[]::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY indrelid, indexrelid
"""


@asynccontextmanager
async def without_indexes(conn: asyncpg.Connection, schema: str, tables: Iterable[str]) -> AsyncIterator[None]:
    """For the length of a block these tables have their keys and nothing else; behind it, whatever happened in it, all they had, and statistics."""
    names = [f"{schema}.{table}" for table in tables]
    await put_back(conn)
    async with conn.transaction():
        await _take_away(conn, names)
    try:
        yield
    finally:
        await put_back(conn)
        await conn.execute(f"VACUUM ANALYZE {', '.join(names)}")


async def put_back(conn: asyncpg.Connection) -> None:
    """What is still missing, all or nothing."""
    if await conn.fetchval("SELECT to_regclass($1) IS NULL", _KEPT):
        return
    await conn.execute("SET maintenance_work_mem = '1GB'")
    async with conn.transaction():
        for row in await conn.fetch(f"SELECT statement FROM {_KEPT} ORDER BY place"):
            await conn.execute(row["statement"])
        await conn.execute(f"DROP TABLE {_KEPT}")


async def _take_away(conn: asyncpg.Connection, names: list[str]) -> None:
    """In one transaction with the note of it."""
    constraints, indexes = await conn.fetch(_CONSTRAINTS, names), await conn.fetch(_INDEXES, names)
    statements = [each["definition"] for each in indexes]
    statements += [f"ALTER TABLE {each['of']} ADD CONSTRAINT {each['name']} {each['definition']}" for each in constraints]
    await conn.execute(f"CREATE TABLE {_KEPT} (place integer PRIMARY KEY, statement text NOT NULL)")
    await conn.executemany(f"INSERT INTO {_KEPT} VALUES ($1, $2)", list(enumerate(statements)))
    for each in constraints:
        await conn.execute(f"ALTER TABLE {each['of']} DROP CONSTRAINT {each['name']}")
    for each in indexes:
        await conn.execute(f"DROP INDEX {each['name']}")
