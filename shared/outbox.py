"""The outbox: what a command tells Kafka and Temporal is a row of its own transaction; the relay sends it afterwards.

The relay takes the oldest rows of its lanes, sends, and deletes after the answer. `FOR UPDATE SKIP LOCKED` would let two relays reorder one key.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Protocol
from uuid import UUID

import asyncpg
import structlog
from opentelemetry import propagate, trace
from pydantic import BaseModel

from shared import deeds, stirring
from shared.db import TROUBLE, By, Connection, Database, ensure_to_go_on, readable_json
from shared.events.envelope import Event, Headers, uuid7
from shared.lanes import Lanes, lock_connection

TEMPORAL = "temporal"
LANES = range(16)
BATCH = 500
SETTLE = 1.0
SOON = 0.05
BODY_LIMIT = 512 * 1024
WAITING_FOR_KAFKA, WAITING_FOR_TEMPORAL = (
    "SELECT id, destination, event_id, key, type, headers, body FROM outbox"
    f" WHERE lane = ANY($1::smallint[]) AND destination {which} 'temporal' AND key <> ALL($3::text[]) ORDER BY id LIMIT $2"
    for which in ("<>", "=")
)
"""$1: lanes. $2: how many at most. $3: keys that are passed over."""
_log = structlog.get_logger()
_tracer = trace.get_tracer("bianban")


async def append(conn: Connection, by: By, *events: Event) -> None:
    """Publish events with this transaction. The caller holds the lock of each aggregate, so ids of one aggregate commit in order."""
    await append_all(conn, [(by, event) for event in events])


async def append_all(conn: Connection, told: Iterable[tuple[By, Event]]) -> None:
    """The same, for events of several mandates."""
    stirring.tell()
    await conn.executemany(
        "WITH kept AS (INSERT INTO event_log (event_id, aggregate_type, aggregate_id, version, unit_id, type, occurred_at, actor, reason,"
        " document_no, case_id, headers, body)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, convert_from($13, 'UTF8')::jsonb))"
        " INSERT INTO outbox (lane, destination, event_id, key, type, headers, body)"
        " VALUES ((hashtextextended($14, 0) & 15)::smallint, $15, $1, $14, $6, $12, $13)",
        [_rows(by, event if event.case_id or not by.case_id else event.model_copy(update={"case_id": by.case_id})) for by, event in told],
    )


def _rows(by: By, event: Event) -> tuple[object, ...]:
    return (
        *(event.event_id, event.aggregate_type, event.aggregate_id, event.version, event.unit_id, event.type, event.occurred_at),
        *(by.actor, by.reason, by.document_no, event.case_id, _headers(event), _limited(event.type, event.body())),
        *(event.key, event.topic),
    )


async def start_workflow(conn: Connection, workflow: str, workflow_id: str, argument: BaseModel) -> None:
    """Have a workflow started once this transaction is committed. What was asked once is never asked again."""
    asked = await conn.fetchval("INSERT INTO workflow_starts (workflow_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING true", workflow_id)
    if asked:
        await _ask_temporal(conn, "start", workflow, workflow_id, uuid7(), argument)


async def update_workflow(conn: Connection, update: str, workflow_id: str, argument: BaseModel, update_id: UUID) -> None:
    """Have a workflow updated once this transaction is committed; the id makes a repeat harmless."""
    await _ask_temporal(conn, "update", update, workflow_id, update_id, argument)


async def _ask_temporal(conn: Connection, verb: str, name: str, workflow_id: str, request_id: UUID, argument: BaseModel) -> None:
    stirring.tell()
    kind = f"{verb}:{name}"
    await conn.execute(
        "INSERT INTO outbox (lane, destination, event_id, key, type, headers, body)"
        " VALUES ((hashtextextended($3, 0) & 15)::smallint, $1, $2, $3, $4, $5, $6)",
        TEMPORAL,
        request_id,
        workflow_id,
        kind,
        _trace_headers(),
        _limited(kind, argument.model_dump_json().encode()),
    )


def _limited(kind: str, body: bytes) -> bytes:
    if len(body) > BODY_LIMIT:
        raise ValueError(f"{kind}: {len(body)} bytes do not fit a message; pass ids, not documents")
    return body


def _headers(event: Event) -> Headers:
    if not trace.get_current_span().is_recording():
        return event.headers() | _trace_headers()
    with _tracer.start_as_current_span(deeds.of_event("发出", event.type), kind=trace.SpanKind.PRODUCER, attributes=_about(event)):
        return event.headers() | _trace_headers()


def _trace_headers() -> Headers:
    carrier: Headers = {}
    propagate.inject(carrier)
    return carrier


def _about(event: Event) -> dict[str, str]:
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.destination.name": event.topic,
        "messaging.message.id": str(event.event_id),
    }
    return attributes | {"unit.id": str(event.unit_id)} | ({"case.id": event.case_id} if event.case_id else {})


class Sender(Protocol):
    """One destination of the outbox. `send` returns the ids of the rows that have been answered for; the others stay and are sent again."""

    name: str

    async def ready(self, conn: Connection) -> bool:
        """Asked before rows are read: whether to send now."""
        ...

    def passed_over(self) -> Collection[str]:
        """Keys whose rows are left alone for the moment: what waits for one of them keeps no other waiting."""
        ...

    async def forget(self, conn: Connection, sent: Collection[int]) -> None:
        """Delete the rows that `send` has just answered for."""
        ...

    async def send(self, rows: Sequence[asyncpg.Record]) -> Collection[int]:
        """Send rows, oldest first; rows of one key never overtake each other."""
        ...


async def relay(database: Database, url: str, sender: Sender) -> None:
    """Send what waits for one destination, for ever. Several relays may run: each lane has one owner at a time."""
    while True:
        try:
            async with _lanes(database.service, url, sender.name) as (conn, lanes, stirred):
                while True:
                    await lanes.settle()
                    await _send_for_a_while(conn, lanes, sender, stirred, seconds=SETTLE)
        except TROUBLE as error:
            ensure_to_go_on()
            _log.warning("outbox relay lost its connection", destination=sender.name, error=type(error).__name__)
            await asyncio.sleep(0.3)


@asynccontextmanager
async def _lanes(service: str, url: str, destination: str) -> AsyncIterator[tuple[Connection, Lanes, asyncio.Event]]:
    """Locks, LISTEN and queue live on one connection that goes past any pooler: when it is lost, nothing is deleted any more that another may own.

    A delete that a crash of the server takes back sends a row again, which its reader knows already: it need not wait for the disk.
    """
    conn = await lock_connection(url, f"relay {destination}", synchronous_commit="off")
    stirred = asyncio.Event()
    stirred.set()
    conn.add_termination_listener(lambda *_: stirred.set())
    try:
        await readable_json(conn)
        await conn.add_listener(f"outbox_{service}", lambda *_: stirred.set())
        lanes = Lanes(conn, f"outbox:{service}:{destination}", LANES)
        await lanes.enter()
        yield conn, lanes, stirred
    finally:
        conn.terminate()


async def _send_for_a_while(conn: Connection, lanes: Lanes, sender: Sender, stirred: asyncio.Event, seconds: float) -> None:
    """Send whatever comes, until it is time to share the lanes out anew; under load too, and at the latest then what a lost NOTIFY left behind."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (left := until - loop.time()) > 0:
        stirred.clear()
        if again := await _send_some(conn, lanes, sender):
            with suppress(TimeoutError):  # not wait_for: in Python 3.11 it swallows a cancellation that comes as it is stirred
                async with asyncio.timeout(min(again, left)):
                    await stirred.wait()


async def _send_some(conn: Connection, lanes: Lanes, sender: Sender) -> float:
    """One batch. Answers after how many seconds to look again if nobody calls: at once when there may be more, soon when there was something.

    A service whose connections are all busy calls late, for its NOTIFY waits for one of them.
    """
    if not await sender.ready(conn):
        return SOON
    rows = await conn.fetch(
        WAITING_FOR_TEMPORAL if sender.name == TEMPORAL else WAITING_FOR_KAFKA,
        sorted(lanes.owned),
        BATCH,
        list(sender.passed_over()),
    )
    sent = await sender.send(rows) if rows else ()
    if sent:
        await sender.forget(conn, sent)
    if len(sent) == BATCH or 0 < len(sent) < len(rows):
        return 0.0
    return SOON if sent else SETTLE
