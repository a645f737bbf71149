"""A process of `stream.py`: `relay` or `consumer`, with our code as the services wire it. Reads one JSON object: `{url, kafka, prefix}`."""

import json
import sys
from collections.abc import Sequence

from shared import db
from shared.consumer import Handler, Handlers, Subscription, Together
from shared.db import Connection
from shared.events.roster import QuotaChanged
from shared.kafka import KafkaSender
from shared.listening import consume
from shared.outbox import relay
from shared.process import run
from tests.bench.stream import CONSUMER, SERVICE, TOPIC


async def _keep(conn: Connection, events: Sequence[QuotaChanged]) -> None:
    """The effect of an event: one row."""
    await conn.execute(
        "INSERT INTO effects (unit_id, version) SELECT * FROM unnest($1::uuid[], $2::integer[])",
        [event.unit_id for event in events],
        [event.version for event in events],
    )


async def _main(part: str, url: str, kafka: str, prefix: str) -> None:
    async with db.connect(url, SERVICE) as database:
        if part == "relay":
            await relay(database, url, KafkaSender(kafka, prefix))
        else:
            handlers: Handlers = {QuotaChanged: Handler(fold=Together(_keep))}
            await consume(database, url, kafka, Subscription(CONSUMER, (TOPIC,), handlers, prefix, gathers=0.0))


if __name__ == "__main__":
    run(_main(sys.argv[1], **json.load(sys.stdin)))
