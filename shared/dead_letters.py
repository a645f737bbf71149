"""Dead letters: events a consumer could not handle, parked as rows with their whole key, so that the key's order holds when they are replayed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import asyncpg
import structlog

from shared import given_up
from shared.db import INTEGER, Connection, Database
from shared.errors import DomainError
from shared.events import CATALOGUE
from shared.events.envelope import Contradicted, Event, Glimpse, Headers, Unreadable, glimpse

SHARE_FLOOR = 50
ASKED_AGAIN = "ON CONFLICT (consumer, key) DO UPDATE SET asked_at = clock_timestamp(), process = NULL, started = 0"
_log = structlog.get_logger()


class Record(Protocol):
    """What is kept of a Kafka record."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes: ...
    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]: ...


@dataclass(frozen=True)
class DeadLetter:
    """One parked event, without its data."""

    id: int
    consumer: str
    key: str
    topic: str
    type: str
    error: str
    parked_at: datetime


@dataclass(frozen=True)
class Kept:
    """A record as far as it is kept."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def unparked(row: asyncpg.Record) -> Record:
    """The record as it came."""
    headers = tuple((name, value.encode()) for name, value in row["headers"].items())
    return Kept(row["topic"], row["partition"], row["at_offset"], row["key"].encode(), row["body"], headers)


def reason(error: BaseException) -> str:
    """Why an event could not be handled, without any of its data."""
    if isinstance(error, DomainError):
        return error.code
    return f"{Unreadable.__name__}: {error}" if isinstance(error, Unreadable) else type(error).__name__


def key_text(record: Record) -> str:
    """The record's key as text that PostgreSQL can keep."""
    return _text(record.key or b"")


def headers_text(record: Record) -> Headers:
    """The record's headers as text that PostgreSQL can keep."""
    return {name.replace("\0", "\ufffd"): _text(value) for name, value in record.headers if value is not None}


def _text(data: bytes) -> str:
    return data.decode(errors="replace").replace("\0", "\ufffd")


async def park(conn: Connection, consumer: str, record: Record, error: str) -> None:
    """Keep the record as it came."""
    await conn.execute(
        "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT DO NOTHING",
        consumer,
        key_text(record),
        record.topic,
        record.partition,
        record.offset,
        headers_text(record),
        record.value or b"",
        error,
    )


async def ensure_below_limit(database: Database, consumer: str, share: float) -> None:
    """Stop here, rather than empty a topic, when too large a share of the last hour's events was parked (a bad deploy). Waits until it is put right."""
    while True:
        row = await database.pool.fetchrow(
            "SELECT (SELECT count(*) FROM dead_letters WHERE consumer = $1 AND parked_at > now() - interval '1 hour') AS parked,"
            " (SELECT count(*) FROM inbox WHERE consumer = $1 AND at > now() - interval '1 hour') AS handled",
            consumer,
        )
        if row is None or row["parked"] < max(SHARE_FLOOR, share * (row["parked"] + row["handled"])):
            return
        _log.error("consumer stands still: too many dead letters", consumer=consumer, parked=row["parked"], handled=row["handled"])
        await asyncio.sleep(1)


async def listed(database: Database) -> list[DeadLetter]:
    """All that is parked, oldest first."""
    async with database.glancing() as conn:
        rows = await conn.fetch(
            "SELECT id, consumer, key, topic, headers ->> 'ce_type' AS type, error, parked_at FROM dead_letters ORDER BY id"
        )
    return [_letter(row) for row in rows]


@dataclass(frozen=True)
class Parked:
    """One parked event as it came; its headers and body may hold anything."""

    letter: DeadLetter
    partition: int
    offset: int
    headers: Headers
    body: bytes


async def of_key(database: Database, key: str) -> list[Parked]:
    """All that is parked for a key, in the order in which a replay handles it."""
    async with database.glancing() as conn:
        rows = await conn.fetch(
            "SELECT id, consumer, key, topic, headers ->> 'ce_type' AS type, error, parked_at, partition, at_offset, headers, body"
            " FROM dead_letters WHERE key = $1 ORDER BY consumer, topic, partition, at_offset",
            key,
        )
    return [Parked(_letter(row), row["partition"], row["at_offset"], row["headers"], row["body"]) for row in rows]


def _letter(row: asyncpg.Record) -> DeadLetter:
    fields = {name: row[name] for name in DeadLetter.__dataclass_fields__}
    return DeadLetter(**fields | {"type": row["type"] or "—"})


async def ask_replay(database: Database, consumer: str, key: str) -> None:
    """Have the consumer handle again all that is parked for a key. It is done within a second or two, wherever the consumer runs."""
    await ask_replays(database, [(consumer, key)])


async def ask_replays(database: Database, keys: Sequence[tuple[str, str]]) -> None:
    """The same for several, by consumer and key, each once; they are followed in this order, each for itself."""
    async with database.glancing() as conn:
        await conn.execute(
            f"INSERT INTO replays (consumer, key) SELECT * FROM unnest($1::text[], $2::text[]) {ASKED_AGAIN}",
            [consumer for consumer, _ in keys],
            [key for _, key in keys],
        )


async def drop(database: Database, consumer: str, key: str, hand: given_up.Hand) -> int:
    """Give up what is parked for a key: its events are never handled, and the next version of each aggregate is accepted. What has no place in a line
    (`_place`) is deleted and moves none. Who did it and why is kept.
    """
    async with database.transaction() as conn:
        rows = await conn.fetch(
            "WITH gone AS (DELETE FROM dead_letters WHERE consumer = $1 AND key = $2 RETURNING *)"
            " SELECT topic, partition, at_offset, headers, body, error, parked_at FROM gone ORDER BY topic, partition, at_offset",
            *(consumer, key),
        )
        await given_up.keep_letters(conn, hand, consumer, key, rows)
        for row in rows:
            if (place := _place(key, row)) is not None:
                await _skip(conn, consumer, place)
    return len(rows)


def _place(key: str, row: asyncpg.Record) -> Event | Glimpse | None:
    """Whose version a letter stands for. None for a stray, and where headers and data disagree: the true event of that version may still come."""
    headers: Headers = row["headers"]
    kind = CATALOGUE.types().get(headers.get("ce_type", ""))
    if headers.get("ce_partitionkey") != key or (kind is not None and not row["topic"].endswith(kind.topic)):
        return None
    try:
        place = _told(kind, headers, row["body"])
    except Unreadable:
        return None
    return place if 1 <= place.version <= INTEGER else None


def _told(kind: type[Event] | None, headers: Headers, body: bytes) -> Event | Glimpse:
    """The event, or what its headers alone tell where nobody can read it. Raises Unreadable."""
    try:
        return CATALOGUE.read(kind.topic if kind else "", headers, body)
    except Contradicted:
        raise
    except Unreadable:
        return glimpse(headers)


async def _skip(conn: Connection, consumer: str, place: Event | Glimpse) -> None:
    await conn.execute(
        "INSERT INTO aggregate_versions AS seen (consumer, aggregate_type, aggregate_id, version) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (consumer, aggregate_type, aggregate_id) DO UPDATE SET version = greatest(seen.version, excluded.version)",
        consumer,
        place.aggregate_type,
        str(place.aggregate_id),
        place.version,
    )
