"""What is read from a service's tables to be told as figures: one statement per interval, and only while somebody collects them."""

import asyncio
import shutil
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import structlog
from aiokafka.errors import KafkaError

from shared import metrics
from shared.clock import Clock
from shared.db import TROUBLE, Database
from shared.metrics import Gauge

EVERY = 15.0
_LANES = """
    waiting AS (
        SELECT lane, CASE destination WHEN 'temporal' THEN 'temporal' ELSE 'kafka' END AS destination, count(*) AS depth,
            extract(epoch FROM clock_timestamp() - min(created_at)) AS age
        FROM outbox GROUP BY 1, 2
    ),
    lanes AS (
        SELECT jsonb_build_object('bianban.service', current_schema(), 'bianban.outbox.destination', d, 'bianban.outbox.lane', l::text) AS labels,
            coalesce(depth, 0)::float8 AS depth, coalesce(age, 0)::float8 AS age
        FROM unnest(ARRAY['kafka', 'temporal']) AS d CROSS JOIN generate_series(0, 15) AS l
        LEFT JOIN waiting w ON w.destination = d AND w.lane = l
    ),
    letters AS (
        SELECT jsonb_build_object('bianban.service', current_schema(), 'messaging.consumer.group.name', consumer) AS labels,
            count(d.id)::float8 AS letters, count(DISTINCT d.key)::float8 AS keys
        FROM (SELECT consumer FROM consumer_positions UNION SELECT consumer FROM dead_letters) c LEFT JOIN dead_letters d USING (consumer)
        GROUP BY consumer
    )
"""
_FIGURES = """
    SELECT 'bianban.outbox.depth' AS figure, labels, depth AS value FROM lanes
    UNION ALL SELECT 'bianban.outbox.age', labels, age FROM lanes
    UNION ALL SELECT 'bianban.dead_letters.count', labels, letters FROM letters
    UNION ALL SELECT 'bianban.dead_letters.keys', labels, keys FROM letters
    UNION ALL SELECT 'bianban.exports.begun_again', jsonb_build_object('bianban.service', current_schema()), count(*)::float8
        FROM exports WHERE attempt > 2 AND (ended_at IS NULL OR ended_at > (SELECT at - interval '1 day' FROM now))
"""
_GAUGES: dict[str, Gauge] = {
    "bianban.outbox.depth": metrics.OUTBOX_DEPTH,
    "bianban.outbox.age": metrics.OUTBOX_AGE,
    "bianban.dead_letters.count": metrics.DEAD_LETTERS,
    "bianban.dead_letters.keys": metrics.DEAD_KEYS,
    "bianban.exports.begun_again": metrics.EXPORTS_BEGUN_AGAIN,
    "bianban.deadlines.open": metrics.OPEN_DEADLINES,
    "bianban.deadlines.overdue": metrics.OVERDUE_DEADLINES,
    "bianban.deadlines.unnoticed": metrics.UNNOTICED_DEADLINES,
    "bianban.cases.held": metrics.HELD_CASES,
    "bianban.seals.waiting": metrics.SEALS_WAITING,
    "bianban.seals.age": metrics.SEALS_AGE,
}
_log = structlog.get_logger()


async def watch(database: Database, clock: Clock, own: str = "") -> None:
    """Read the figures of one service's tables, for ever. `own` is what this service adds: `UNION ALL SELECT figure, labels, value …`, $1 = business now."""

    async def look() -> None:
        await read(database, clock, own)

    def forget() -> None:
        for gauge in _GAUGES.values():
            gauge.set(database.service, ())

    await at_intervals(look, forget)


async def read(database: Database, clock: Clock, own: str = "") -> None:
    """Read them once. Raises when the database is away."""
    rows = await database.pool.fetch(f"WITH now AS (SELECT $1::timestamptz AS at), {_LANES} {_FIGURES} {own}", clock.now())
    found = defaultdict(list)
    for row in rows:
        found[row["figure"]].append((row["labels"], row["value"]))
    for name, gauge in _GAUGES.items():
        gauge.set(database.service, found[name])


def tell_disks(folders: Iterable[Path]) -> None:
    """How full the disks are that these folders lie on; one that holds several is told once."""
    mounts = {_mount(folder.resolve()) for folder in folders}
    metrics.DISKS.ask(
        "disks", lambda: [({"host.name": socket.gethostname(), "system.filesystem.mountpoint": str(each)}, _used(each)) for each in mounts]
    )


def _mount(folder: Path) -> Path:
    return folder if folder.is_mount() else _mount(folder.parent)


def _used(mount: Path) -> float:
    """What only root may still write to is no room."""
    disk = shutil.disk_usage(mount)
    return 1 - disk.free / disk.total


async def at_intervals(look: Callable[[], Awaitable[None]], forget: Callable[[], object]) -> None:
    """Look once per interval while figures are collected. What cannot be read is not told: an old figure would lie."""
    while metrics.collected():
        try:
            await look()
        except (*TROUBLE, KafkaError) as error:
            forget()
            _log.info("figures could not be read", error=type(error).__name__)
        await asyncio.sleep(EVERY)
