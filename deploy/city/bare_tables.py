"""Empty tables that are filled in one go: without their indexes, which cost less built at the end than kept row by row."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg

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
    constraints, indexes = await conn.fetch(_CONSTRAINTS, names), await conn.fetch(_INDEXES, names)
    async with conn.transaction():
        for each in constraints:
            await conn.execute(f"ALTER TABLE {each['of']} DROP CONSTRAINT {each['name']}")
        for each in indexes:
            await conn.execute(f"DROP INDEX {each['name']}")
    try:
        yield
    finally:
        await conn.execute("SET maintenance_work_mem = '1GB'")
        async with conn.transaction():
            for each in indexes:
                await conn.execute(each["definition"])
            for each in constraints:
                await conn.execute(f"ALTER TABLE {each['of']} ADD CONSTRAINT {each['name']} {each['definition']}")
        await conn.execute(f"VACUUM ANALYZE {', '.join(names)}")
