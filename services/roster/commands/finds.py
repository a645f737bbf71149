"""Writing down who asked for somebody of another unit, and whom he was given."""

from datetime import timedelta

from services.roster.models.finds import RecordFind
from services.roster.models.refusals import TooManyMisses
from services.roster.queries.finds import misses
from services.roster.rules.finds import MOST_MISSES
from shared.db import By, Connection, command

A_DAY = timedelta(days=1)


@command
async def record_find(conn: Connection, by: By, what: RecordFind) -> None:
    """Write the question down before it is answered. Whoever was wrong too often is answered no more. Raises TooManyMisses."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('find:' || $1))", by.actor)
    if await misses(conn, by.actor, by.as_of - A_DAY) >= MOST_MISSES:
        raise TooManyMisses(most=MOST_MISSES)
    await conn.execute(
        "INSERT INTO person_finds (unit_id, person_id, from_unit_id, actor, at) VALUES ($1, $2, $3, $4, $5)",
        what.unit_id,
        what.person_id,
        what.from_unit_id,
        by.actor,
        by.as_of,
    )
