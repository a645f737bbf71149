"""The outbox: what a command tells Kafka and Temporal is a row of its own transaction; the relay sends it afterwards.

The relay takes the oldest rows of its lanes, sends, and deletes after the answer. `FOR UPDATE SKIP LOCKED` would let two relays reorder one key.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Protocol
from uuid import UUID

import asyncpg
import structlog
from opentelemetry import propagate, trace
from pydantic import BaseModel

from shared.db import By, Connection, Database
from shared.events.envelope import Event, Headers, uuid7
from shared.lanes import Lanes

TEMPORAL = "temporal"
LANES = range(16)
BATCH = 500
BODY_LIMIT = 512 * 1024
_log = structlog.get_logger()


async def append(conn: Connection, by: By, *events: Event) -> None:
    """Publish events with this transaction. The caller holds the lock of each aggregate, so ids of one aggregate commit in order."""
    told = [event if event.case_id or not by.case_id else event.model_copy(update={"case_id": by.case_id}) for event in events]
    headed = [(event, _headers(event)) for event in told]
    await _keep(conn, by, headed)
    await _queue(conn, *((event.topic, event.event_id, event.key, event.type, headers, event.body()) for event, headers in headed))


async def start_workflow(conn: Connection, workflow: str, workflow_id: str, argument: BaseModel) -> None:
    """Have a workflow started once this transaction is committed. What was asked once is never asked again."""
    asked = await conn.fetchval("INSERT INTO workflow_starts (workflow_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING true", workflow_id)
    if asked:
        await _ask_temporal(conn, "start", workflow, workflow_id, uuid7(), argument)


async def update_workflow(conn: Connection, update: str, workflow_id: str, argument: BaseModel, update_id: UUID) -> None:
    """Have a workflow updated once this transaction is committed; the id makes a repeat harmless."""
    await _ask_temporal(conn, "update", update, workflow_id, update_id, argument)


async def _ask_temporal(conn: Connection, verb: str, name: str, workflow_id: str, request_id: UUID, argument: BaseModel) -> None:
    await _queue(conn, (TEMPORAL, request_id, workflow_id, f"{verb}:{name}", _trace_headers(), argument.model_dump_json().encode()))


async def _keep(conn: Connection, by: By, headed: Sequence[tuple[Event, Headers]]) -> None:
    await conn.executemany(
        "INSERT INTO event_log (event_id, aggregate_type, aggregate_id, version, unit_id, type, occurred_at, actor, reason, document_no,"
        " case_id, headers, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        [
            (
                *(event.event_id, event.aggregate_type, event.aggregate_id, event.version, event.unit_id, event.type, event.occurred_at),
                *(by.actor, by.reason, by.document_no, event.case_id, headers, json.loads(event.body())),
            )
            for event, headers in headed
        ],
    )


async def _queue(conn: Connection, *rows: tuple[str, UUID, str, str, Headers, bytes]) -> None:
    """Rows are (destination, event id, key, type, headers, body); their order is the order of sending."""
    for _, _, _, kind, _, body in rows:
        if len(body) > BODY_LIMIT:
            raise ValueError(f"{kind}: {len(body)} bytes do not fit a message; pass ids, not documents")
    await conn.executemany(
        "INSERT INTO outbox (lane, destination, event_id, key, type, headers, body)"
        " VALUES ((hashtextextended($3, 0) & 15)::smallint, $1, $2, $3, $4, $5, $6)",
        rows,
    )


def _headers(event: Event) -> Headers:
    with trace.get_tracer("bianban").start_as_current_span(f"send {event.topic}", kind=trace.SpanKind.PRODUCER, attributes=_about(event)):
        return event.headers() | _trace_headers()


def _trace_headers() -> Headers:
    carrier: Headers = {}
    propagate.inject(carrier)
    return carrier


def _about(event: Event) -> dict[str, str]:
    attributes = {"messaging.system": "kafka", "messaging.destination.name": event.topic, "messaging.message.id": str(event.event_id)}
    return attributes | {"unit.id": str(event.unit_id)} | ({"case.id": event.case_id} if event.case_id else {})


class Sender(Protocol):
    """One destination of the outbox. `send` returns the ids of the rows that have been answered for; the others stay and are sent again."""

    name: str

    async def send(self, rows: Sequence[asyncpg.Record]) -> Collection[int]:
        """Send rows, oldest first; rows of one key never overtake each other."""
        ...


async def relay(database: Database, url: str, sender: Sender) -> None:
    """Send what waits for one destination, for ever. Several relays may run: each lane has one owner at a time."""
    while True:
        try:
            async with _lanes(database, url, sender.name) as (lanes, stirred):
                while True:
                    await _until(stirred, seconds=1.0)
                    await lanes.settle()
                    if await _send_waiting(database, lanes, sender, seconds=1.0):
                        stirred.set()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _log.warning("outbox relay lost its connection", destination=sender.name, error=type(error).__name__)
            await asyncio.sleep(0.3)


@asynccontextmanager
async def _lanes(database: Database, url: str, destination: str) -> AsyncIterator[tuple[Lanes, asyncio.Event]]:
    """Locks and LISTEN live on one connection that goes past any pooler; when it is lost, both are."""
    conn = await asyncpg.connect(url, server_settings={"application_name": f"relay {destination}"})
    stirred = asyncio.Event()
    stirred.set()
    conn.add_termination_listener(lambda *_: stirred.set())
    try:
        await conn.add_listener(f"outbox_{database.service}", lambda *_: stirred.set())
        lanes = Lanes(conn, f"outbox:{database.service}:{destination}", LANES)
        await lanes.enter()
        yield lanes, stirred
    finally:
        conn.terminate()


async def _until(stirred: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):  # the safety poll: a NOTIFY may be lost, a row may not
        await asyncio.wait_for(stirred.wait(), seconds)
    stirred.clear()


async def _send_waiting(database: Database, lanes: Lanes, sender: Sender, seconds: float) -> bool:
    """Send what waits, for a limited time: under load too, lanes are shared out anew and a lost lock is noticed. True when more waits."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while await _send_some(database, lanes, sender):
        if loop.time() > until:
            return True
    return False


async def _send_some(database: Database, lanes: Lanes, sender: Sender) -> bool:
    """One batch. True when there may be more to send at once."""
    rows = await database.pool.fetch(
        "SELECT id, destination, event_id, key, type, headers, body FROM outbox"
        " WHERE lane = ANY($1::smallint[]) AND (destination = 'temporal') = $2 ORDER BY id LIMIT $3",
        sorted(lanes.owned),
        sender.name == TEMPORAL,
        BATCH,
    )
    sent = await sender.send(rows) if rows else ()
    if sent:
        await database.pool.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", list(sent))
    return len(sent) == BATCH or 0 < len(sent) < len(rows)
