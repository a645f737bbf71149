"""Wiring of the other process: one consumer per generation of the read models, and the switch between them."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import asyncpg
import structlog

from services.reporting import commands, consumers, queries
from services.reporting.models import consumer_name
from services.reporting.settings import ReportingSettings
from shared import db, telemetry
from shared.clock import Clock
from shared.consumer import Subscription
from shared.db import Database
from shared.errors import Unavailable
from shared.exports.running import Office, serve_exports
from shared.exports.shelf import Shelf
from shared.listening import consume
from shared.process import run
from shared.watching import tell_disks, watch

GLANCE = 0.5
Role = tuple[int, int | None]
"""A generation, and the live one that it must not overtake while it is being built."""
Listen = Callable[[Role], "asyncio.Task[None]"]
_log = structlog.get_logger()


async def keep_generations(database: Database, listen: Listen, clock: Clock, topic_prefix: str) -> None:
    """Fill every generation that is live or being built, switch when they are equal, and delete what was replaced. For ever. The first that is asked for
    after an upgrade is asked for here.
    """
    listening: dict[Role, asyncio.Task[None]] = {}
    while True:
        try:
            await commands.read_anew(database, clock.now())
            wanted = await _wanted(database)
            for role in listening.keys() - wanted:
                listening.pop(role).cancel()
            for role in wanted - listening.keys():
                listening[role] = listen(role)
            if len(wanted) > 1 and await commands.switch(database, clock.now()):
                _log.info("a new generation of the read models is live")
                continue
            await commands.delete_retired(database, topic_prefix)
        except (Unavailable, asyncpg.PostgresError) as error:
            _log.warning("generations wait", error=type(error).__name__)
        await asyncio.sleep(GLANCE)


async def _wanted(database: Database) -> set[Role]:
    async with database.reading() as conn:
        rows = await conn.fetch("SELECT state, number FROM generations WHERE state IN ('building', 'live')")
    number = {row["state"]: int(row["number"]) for row in rows}
    return {(number["live"], None)} | ({(number["building"], number["live"])} if "building" in number else set())


async def main() -> None:
    """The loops of the process."""
    settings = ReportingSettings()
    telemetry.set_up("reporting-worker", settings.otlp)
    tell_disks(settings.folders)
    async with db.connect(settings.database_url, "reporting") as database, asyncio.TaskGroup() as group:

        def listen(role: Role) -> "asyncio.Task[None]":
            generation, behind = role
            subscription = Subscription(
                consumer_name(generation),
                consumers.TOPICS,
                consumers.handlers(generation),
                settings.topic_prefix,
                behind=None if behind is None else consumer_name(behind),
            )
            return group.create_task(consume(database, settings.database_url, settings.kafka, subscription))

        shelf, keep = Shelf(settings.exports("reporting"), None), timedelta(days=settings.export_days)
        clock = Clock(settings.clock_file)
        group.create_task(serve_exports(Office(database, settings.database_url, queries.EXPORTS, shelf, clock, keep, settings.mark)))
        group.create_task(watch(database, clock))
        await keep_generations(database, listen, clock, settings.topic_prefix)


if __name__ == "__main__":
    run(main())
