"""What of a topic somebody gave up by hand, or had read again: who, when and why, for ever and without its data. Letters that were dropped, records that
were passed over, and those that their reader was led back to.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from shared import masked
from shared.db import Connection, Database
from shared.events import CATALOGUE
from shared.events.envelope import Headers, uuid7, uuid7s
from shared.parked_words import unread

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_KEPT = (
    "INSERT INTO given_up (id, deed, consumer, topic, partition, at_offset, next_offset, key, event_id, type, error, parked_at, actor, reason)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
)


@dataclass(frozen=True)
class Hand:
    """Whose it was (a user of the host), and the reason."""

    actor: str
    reason: str


async def keep_letters(conn: Connection, hand: Hand, consumer: str, key: str, letters: Sequence[asyncpg.Record]) -> None:
    """Letters that are deleted in this transaction. A key or type that is none of ours may be anything, a name too: what is kept for ever has it not."""
    rows = [
        (
            *(number, "drop_letter", consumer, row["topic"], row["partition"], row["at_offset"], row["at_offset"] + 1, masked.key(key)),
            *(*_told(row["headers"]), row["error"], row["parked_at"], hand.actor, hand.reason),
        )
        for number, row in zip(uuid7s(len(letters)), letters, strict=True)
    ]
    await conn.executemany(_KEPT, rows)


def _told(headers: Headers) -> tuple[UUID | None, str | None]:
    """Id and type of the event, as far as its headers tell one."""
    told, kind = headers.get("ce_id", ""), headers.get("ce_type")
    return UUID(told) if _ID.fullmatch(told) else None, kind if kind in CATALOGUE.types() else None


async def pass_over(database: Database, hand: Hand, consumer: str, topic: str, partition: int, offset: int) -> int:
    """Lead a consumer forward to this offset; where it stood before. Nothing is done, nor kept, where it stands there or behind already."""
    place = (consumer, topic, partition)
    async with database.transaction() as conn:
        found = await conn.fetchval(
            "SELECT next_offset FROM consumer_positions WHERE consumer = $1 AND topic = $2 AND partition = $3 FOR UPDATE", *place
        )
        if (before := int(found or 0)) < offset:
            await conn.execute(
                "INSERT INTO consumer_positions AS known (consumer, topic, partition, next_offset) VALUES ($1, $2, $3, $4)"
                " ON CONFLICT (consumer, topic, partition) DO UPDATE SET next_offset = greatest(known.next_offset, excluded.next_offset)",
                *(*place, offset),
            )
            await conn.execute(_KEPT, uuid7(), "pass_over", *place, before, offset, *[None] * 5, hand.actor, hand.reason)
    return before


async def read_again(database: Database, hand: Hand, consumer: str, topic: str, partition: int, offset: int) -> range:
    """Have a consumer go back to what its driver could not read from this offset on, and kept as a letter; what that is. Empty where there is no such letter.

    It goes itself, between two batches (`listening`): who wrote its position here would have it written over by the batch that is under way.
    """
    place = (consumer, topic, partition)
    async with database.transaction() as conn:
        letters = await conn.fetch(
            "SELECT id, error, parked_at FROM dead_letters WHERE consumer = $1 AND topic = $2 AND partition = $3 FOR UPDATE", *place
        )
        for letter in letters:
            if (records := unread(letter["error"])) and records[0] == offset:
                await conn.execute("UPDATE dead_letters SET again_from = $2 WHERE id = $1", letter["id"], offset)
                told = (None, None, None, letter["error"], letter["parked_at"], hand.actor, hand.reason)
                await conn.execute(_KEPT, uuid7(), "read_again", *place, offset, records.stop, *told)
                return records
    return range(0)
