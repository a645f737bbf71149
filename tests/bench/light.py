"""`light`: from the commit of a roster command to the commit of monitoring's judgement of it, at 200 commands per second; floor: aiokafka alone.

Both instants are PostgreSQL's own (`track_commit_timestamp`): of the row in the roster's event log and of the row in monitoring's inbox.
"""

import asyncio
import json
import statistics
import sys
from functools import partial

import asyncpg

from deploy.local.place import PROJECT, Place
from tests.bench import bare_kafka, county
from tests.bench.figures import Aim, Figure, at_most, in_turn, percentile, within

PER_SECOND = 200
SECONDS = 15
FLOOR_SECONDS = 8
WARM_UP = 2
PATIENCE = 30.0
CONSUMER = "monitoring"
WAITING = """
    SELECT count(*) FROM roster.event_log WHERE recorded_at > $1
    AND NOT EXISTS (SELECT FROM monitoring.inbox WHERE inbox.event_id = event_log.event_id AND consumer = $2)
"""
LATENCIES = """
    SELECT 1000 * extract(epoch FROM pg_xact_commit_timestamp(inbox.xmin) - pg_xact_commit_timestamp(event_log.xmin))::float8 AS took
    FROM roster.event_log JOIN monitoring.inbox USING (event_id)
    WHERE consumer = $2 AND recorded_at > make_interval(secs => $3) + (SELECT min(recorded_at) FROM roster.event_log WHERE recorded_at > $1)
"""


async def measure(place: Place) -> list[Figure]:
    """Milliseconds. A lost event is an error here, not a slow one."""
    await county.ensure(place)
    postgres = await asyncpg.connect(place.database_url("postgres"))
    try:
        ours, floors = await in_turn(
            partial(latencies, place, postgres, SECONDS, county.UNITS),
            partial(bare_kafka.latencies, place.kafka, PER_SECOND, FLOOR_SECONDS),
        )
    finally:
        await postgres.close()

    def figure(name: str, share: float, aim: Aim) -> Figure:
        took, floor = (statistics.median(percentile(values, share) for values in rounds) for rounds in (ours, floors))
        return Figure(f"light: {name}", took, floor, "ms", aim)

    return [figure("p50", 0.5, at_most(5)), figure("p99", 0.99, within(60, "ms"))]


async def latencies(place: Place, postgres: "asyncpg.Connection[asyncpg.Record]", seconds: int, units: int) -> list[float]:
    """Milliseconds of each command of so many seconds over so many units, after a warm-up."""
    began = await postgres.fetchval("SELECT clock_timestamp()")
    asked = {"url": place.database_url("roster"), "per_second": PER_SECOND, "seconds": WARM_UP + seconds, "units": units}
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.roster_writer", stdin=asyncio.subprocess.PIPE, cwd=PROJECT
    )
    await writer.communicate(json.dumps(asked).encode())
    if writer.returncode != 0:
        raise RuntimeError("the writer gave up, see above")
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while waiting := await postgres.fetchval(WAITING, began, CONSUMER):
        if asyncio.get_running_loop().time() > deadline:
            raise RuntimeError(f"{waiting} events were not judged within {PATIENCE:.0f} s")
        await asyncio.sleep(0.5)
    return [row["took"] for row in await postgres.fetch(LATENCIES, began, CONSUMER, float(WARM_UP))]
