"""Generations of the read models: asked for, put in the live one's place at equal positions, and deleted when nobody fills them any more."""

import asyncio
from contextlib import suppress
from datetime import datetime

from services.reporting import queries
from services.reporting.models import (
    READ_MODELS,
    READING,
    Generation,
    GiveUpRebuild,
    NoRebuildRuns,
    RebuildRuns,
    StartRebuild,
    consumer_name,
)
from shared import listening
from shared.db import By, Connection, Database, command
from shared.recovery import LONGEST

NEAR = 1000
"""Records. Only when it is this close is the live consumer held still: for GLANCES × GLANCE seconds at most until both stand level, and then for as
long as all their rows are compared. What waits for the lock longer than its `lock_timeout` is tried again (`PASSING`).
"""
GLANCES, GLANCE = 40, 0.05
_NOTHING_READ = """
    UPDATE generations SET reading = $1
    WHERE state = 'live' AND reading < $1 AND NOT EXISTS (SELECT FROM units WHERE units.generation = generations.number)
"""


@command
async def start_rebuild(conn: Connection, by: By, _: StartRebuild) -> Generation:
    """Ask for a new generation; the worker fills it. Raises RebuildRuns."""
    number = await conn.fetchval(
        "INSERT INTO generations (state, asked_by, reason, asked_at, reading) VALUES ('building', $1, $2, $3, $4)"
        " ON CONFLICT (state) WHERE state = 'building' DO NOTHING RETURNING number",
        by.actor,
        by.reason,
        by.as_of,
        READING,
    )
    if number is None:
        raise RebuildRuns
    return await queries.generation(conn, number)


async def read_anew(database: Database, as_of: datetime) -> None:
    """Ask for a rebuild where the live generation was filled by an older reading of the events: it knows what is new of new ones only. Once for each
    reading, so that one that was given up is not asked for again.
    """
    async with database.transaction() as conn:
        await conn.execute(_NOTHING_READ, READING)
        if await conn.fetchval("SELECT true FROM generations WHERE reading >= $1 LIMIT 1", READING):
            return
    by = By(actor="bianban", as_of=as_of, key=f"reading:{READING}", reason="升级后自动重建")
    with suppress(RebuildRuns):  # asked for before the upgrade: this one follows it
        await start_rebuild(database, by, StartRebuild())


@command
async def give_up_rebuild(conn: Connection, by: By, _: GiveUpRebuild) -> int:  # noqa: ARG001  every command has this form
    """The number of the generation that is built no further: its rows go as those of a replaced one do. A comparison that runs has the row as long
    as it takes, and is waited for. Raises NoRebuildRuns.
    """
    await conn.execute("SET LOCAL lock_timeout TO 0; SET LOCAL statement_timeout TO 0")
    ended = "UPDATE generations SET state = 'retired' WHERE state = 'building' RETURNING number"
    number: int | None = await conn.fetchval(ended, timeout=LONGEST)
    if number is None:
        raise NoRebuildRuns
    return number


async def switch(database: Database, as_of: datetime) -> bool:
    """Put the generation that is being built in the live one's place, once both have read exactly the same. False: not yet, or none is built.

    The lock on its positions holds the live consumer still, since it advances them in the transaction of its effects; the other never
    overtakes it (`Subscription.behind`), and so comes to stand at the same positions.
    """
    async with database.transaction() as conn:
        await conn.execute("SET LOCAL statement_timeout TO 0")
        rows = await conn.fetch("SELECT state, number FROM generations WHERE state IN ('live', 'building') FOR UPDATE")
        number = {row["state"]: int(row["number"]) for row in rows}
        if "building" not in number or not await _brought_level(conn, number["live"], number["building"]):
            return False
        compared, differing = await _compare(conn, number["live"], number["building"])
        await conn.execute("UPDATE generations SET state = 'retired' WHERE number = $1", number["live"])
        await conn.execute(
            "UPDATE generations SET state = 'live', live_at = $2, rows_compared = $3, rows_differing = $4 WHERE number = $1",
            number["building"],
            as_of,
            compared,
            differing,
        )
    return True


async def delete_retired(database: Database, topic_prefix: str) -> None:
    """Delete the rows of retired generations whose consumers have ended everywhere."""
    async with database.transaction() as conn:
        await conn.execute("SET LOCAL statement_timeout TO 0")
        for row in await conn.fetch("SELECT number FROM generations WHERE state = 'retired' FOR UPDATE"):
            number = int(row["number"])
            if not await listening.forget(conn, consumer_name(number), topic_prefix):
                continue
            for table in READ_MODELS:
                await conn.execute(f"DELETE FROM {table} WHERE generation = $1", number, timeout=LONGEST)
            await conn.execute("UPDATE generations SET state = 'deleted' WHERE number = $1", number)


async def _brought_level(conn: Connection, live: int, building: int) -> bool:
    if await _lag(conn, live, building) > NEAR:
        return False
    await conn.fetch("SELECT FROM consumer_positions WHERE consumer = $1 ORDER BY topic, partition FOR UPDATE", consumer_name(live))
    for _ in range(GLANCES):
        if await _lag(conn, live, building) == 0:
            return True
        await asyncio.sleep(GLANCE)
    return False


async def _lag(conn: Connection, live: int, building: int) -> int:
    """How many records the one that is being built has still to read."""
    lag: int = await conn.fetchval(
        "SELECT coalesce(sum(a.next_offset - coalesce(b.next_offset, 0)), 0)::bigint FROM consumer_positions a"
        " LEFT JOIN consumer_positions b ON b.consumer = $2 AND b.topic = a.topic AND b.partition = a.partition WHERE a.consumer = $1",
        consumer_name(live),
        consumer_name(building),
    )
    return lag


async def _compare(conn: Connection, live: int, building: int) -> tuple[int, int]:
    """How many rows the new generation has, and how many of both have no equal in the other."""
    compared = differing = 0
    for table, key in READ_MODELS.items():
        row = await conn.fetchrow(
            "SELECT count(b.generation) AS compared, count(a.generation) + count(b.generation)"
            " - 2 * count(*) FILTER (WHERE to_jsonb(a) - 'generation' = to_jsonb(b) - 'generation') AS differing"
            f" FROM (SELECT * FROM {table} WHERE generation = $1) a"
            f" FULL JOIN (SELECT * FROM {table} WHERE generation = $2) b USING ({key})",
            live,
            building,
            timeout=LONGEST,
        )
        assert row is not None  # noqa: S101  an aggregate without GROUP BY always has a row
        compared, differing = compared + row["compared"], differing + row["differing"]
    return compared, differing
