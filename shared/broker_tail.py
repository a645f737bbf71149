"""What the broker has acknowledged and then lost: a node that dies before its pages are on the disk comes back with a shorter log.

Each answer is kept for a while: which events went where. The relay compares the ends of the logs with it after any doubt. Where one is shorter, the
lost events go back into the outbox, in front of all that waits, and the log is filled up beyond its old end with empty records, so that no
reader's position lies behind something it has not read.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.db import Connection

MARGIN = 2000
"""Readers may have seen so many records beyond the last answer that was kept: what several relays had in flight."""
KEPT = "15 minutes"
_ID = 16
_LANDED_ON_OTHERS = (
    "first_offset < (SELECT first_offset + records FROM sent WHERE topic = batch.topic AND partition = batch.partition"
    " AND first_offset < batch.first_offset + batch.records ORDER BY first_offset DESC LIMIT 1)"
)


@dataclass(frozen=True)
class Batch:
    """Events in the order in which one partition took them; the first has this offset."""

    topic: str
    partition: int
    first_offset: int
    event_ids: Sequence[UUID]


async def forget(conn: Connection, row_ids: Collection[int], batches: Sequence[Batch]) -> list[Batch]:
    """Delete rows that were answered for, and keep where they went. Nothing is done when batches landed where others had been, which are lost: those."""
    told = (
        [batch.topic for batch in batches],
        [batch.partition for batch in batches],
        [batch.first_offset for batch in batches],
        [len(batch.event_ids) for batch in batches],
    )
    done: str = await conn.execute(
        "WITH batch AS (SELECT * FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::integer[], $6::bytea[])"
        " AS batch (topic, partition, first_offset, records, event_ids)),"
        f" late AS (SELECT FROM batch WHERE {_LANDED_ON_OTHERS}),"
        " kept AS (INSERT INTO sent (topic, partition, first_offset, records, event_ids) SELECT * FROM batch WHERE NOT EXISTS (SELECT FROM late)),"
        " ended AS (INSERT INTO topic_ends AS known (topic, partition, next_offset)"
        " SELECT topic, partition, first_offset + records FROM batch WHERE NOT EXISTS (SELECT FROM late) ORDER BY topic, partition"
        " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = greatest(known.next_offset, excluded.next_offset))"
        " DELETE FROM outbox WHERE id = ANY($1::bigint[]) AND NOT EXISTS (SELECT FROM late)",
        list(row_ids),
        *told,
        [b"".join(event_id.bytes for event_id in batch.event_ids) for batch in batches],
    )
    if done != "DELETE 0":
        return []
    rows = await conn.fetch(
        "SELECT place FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::integer[]) WITH ORDINALITY"
        f" AS batch (topic, partition, first_offset, records, place) WHERE {_LANDED_ON_OTHERS}",
        *told,
    )
    return [batches[row["place"] - 1] for row in rows]


async def known_ends(conn: Connection) -> dict[tuple[str, int], int]:
    """The next offset of every partition that has answered."""
    rows = await conn.fetch("SELECT topic, partition, next_offset FROM topic_ends")
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def put_back(conn: Connection, topic: str, partition: int, end: int, destination: str) -> int:
    """Put what lay behind this end back into the outbox, in its old order, before anything that waits there; how many events.

    From now on the log has to reach a margin beyond what it ever held before anything is sent.
    """
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(hashtext('broker_tail'))")
        rows = await conn.fetch(
            "UPDATE sent SET event_ids = substr(event_ids, 1, ($3 - first_offset)::integer * 16 * ($3 > first_offset)::integer)"
            " FROM (SELECT ctid AS at, event_ids AS before FROM sent WHERE topic = $1 AND partition = $2"
            " AND first_offset + records > $3 AND event_ids <> '') AS behind WHERE sent.ctid = behind.at"
            " RETURNING first_offset, behind.before, length(event_ids) AS left",
            topic,
            partition,
            end,
        )
        lost = [each for row in sorted(rows, key=lambda row: row["first_offset"]) for each in _ids(row["before"][row["left"] :])]
        await conn.execute(
            "INSERT INTO outbox (id, lane, destination, event_id, key, type, headers, body) OVERRIDING SYSTEM VALUE"
            " SELECT (SELECT least(0, min(id)) FROM outbox) - cardinality($1::uuid[]) + place - 1, (hashtextextended(headers ->> 'ce_partitionkey', 0) & 15)::smallint,"
            " $2, event_id, headers ->> 'ce_partitionkey', type, headers, convert_to(body::text, 'UTF8')"
            " FROM unnest($1::uuid[]) WITH ORDINALITY AS lost (event_id, place) JOIN event_log USING (event_id)",
            lost,
            destination,
        )
        await conn.execute(
            "UPDATE topic_ends SET next_offset = next_offset + $3 WHERE topic = $1 AND partition = $2", topic, partition, MARGIN
        )
    return len(lost)


async def trim(conn: Connection) -> None:
    """Delete what is old enough to be on the broker's disk."""
    await conn.execute(f"DELETE FROM sent WHERE at < clock_timestamp() - interval '{KEPT}'")


def _ids(packed: bytes) -> list[UUID]:
    return [UUID(bytes=packed[at : at + _ID]) for at in range(0, len(packed), _ID)]
