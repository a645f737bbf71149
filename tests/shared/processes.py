"""Processes of the kit that tests kill: `relay URL KAFKA PREFIX`, `consumer URL KAFKA PREFIX`, and consumers that die of their own accord."""

import asyncio
import os
import signal
import sys

from shared import db
from shared.consumer import Handler, Subscription
from shared.db import Connection
from shared.events.roster import QuotaChanged
from shared.kafka import KafkaSender
from shared.listening import consume
from shared.outbox import relay
from tests.shared.given import SERVICE, TOPIC, keep_effect

DEADLY = "6" * 8
"""A unit whose id begins so kills the process that handles it, in `deadly`; in `mortal` the process dies of version 13 of any unit, once."""


async def relaying(url: str, kafka: str, prefix: str) -> None:
    async with db.connect(url, SERVICE) as database:
        await relay(database, url, KafkaSender(kafka, prefix))


async def consuming(url: str, kafka: str, prefix: str) -> None:
    await _consume(url, kafka, prefix, Handler(fold=keep_effect))


async def deadly(url: str, kafka: str, prefix: str) -> None:
    async def die(conn: Connection, event: QuotaChanged) -> None:
        await keep_effect(conn, event)
        if str(event.unit_id).startswith(DEADLY):
            os.kill(os.getpid(), signal.SIGKILL)

    await _consume(url, kafka, prefix, Handler(fold=die))


async def mortal(url: str, kafka: str, prefix: str) -> None:
    async def die(conn: Connection, event: QuotaChanged) -> None:
        await keep_effect(conn, event)
        if event.version == 13:
            os.kill(os.getpid(), signal.SIGKILL)

    await _consume(url, kafka, prefix, Handler(fold=die))


async def _consume(url: str, kafka: str, prefix: str, handler: Handler) -> None:
    async with db.connect(url, SERVICE) as database:
        await consume(database, url, kafka, Subscription("kit", (TOPIC,), {QuotaChanged: handler}, prefix))


if __name__ == "__main__":
    asyncio.run({"relay": relaying, "consumer": consuming, "deadly": deadly, "mortal": mortal}[sys.argv[1]](*sys.argv[2:]))
