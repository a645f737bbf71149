"""What the broker has acknowledged and then lost: a node that dies before its pages are on the disk comes back with a shorter log.

Each answer is kept for a while: which events went where. The relay compares the ends of the logs with it whenever it has connected anew. Where one is
shorter, the lost events go back into the outbox, in front of all that waits; where it has lost more than is kept, all events of that partition do, from
the event log. Then, and where the log has another leader, it is filled up beyond its old end with empty records, so that no reader's position lies
behind something it has not read.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from shared.broker import At, End
from shared.db import Connection
from shared.recovery import LONGEST, tell_again

MARGIN = 2000
"""Readers may have seen so many records beyond the last answer that was kept: what several relays had in flight."""
KEPT = "15 minutes"
_ID = 16
_LANDED_ON_OTHERS = (
    "first_offset < (SELECT first_offset + records FROM sent WHERE topic = batch.topic AND partition = batch.partition"
    " AND first_offset < batch.first_offset + batch.records ORDER BY first_offset DESC LIMIT 1)"
)


class Led(NamedTuple):
    """A log as it was looked at: how far it reaches at least, the leader that said so, and how often something may have been lost before."""

    reaches: int
    epoch: int
    losses: int


@dataclass(frozen=True)
class Batch:
    """Events in the order in which one partition took them; the first has this offset. `led` is what was known when they were sent."""

    at: At
    led: Led
    first_offset: int
    event_ids: Sequence[UUID]


@dataclass(frozen=True)
class Kept:
    """Whether the answers were kept. If not, the batches that landed where others had been, which are lost."""

    kept: bool
    landed_on_others: Sequence[Batch] = ()


async def forget(conn: Connection, row_ids: Collection[int], batches: Sequence[Batch]) -> Kept:
    """Delete rows that were answered for, and keep where they went.

    Nothing is deleted when anybody has noticed a loss since these were sent (they may be among what is lost, and too late to be put back), nor when
    they landed where others had been. `topic_ends` decides under its row lock, which `put_back` holds, too.
    """
    told = (
        [batch.at[0] for batch in batches],
        [batch.at[1] for batch in batches],
        [batch.first_offset for batch in batches],
        [len(batch.event_ids) for batch in batches],
    )
    done: str = await conn.execute(
        "WITH batch AS (SELECT * FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::integer[], $6::bytea[], $7::integer[], $8::integer[])"
        " AS batch (topic, partition, first_offset, records, event_ids, epoch, losses)),"
        f" late AS (SELECT FROM batch WHERE {_LANDED_ON_OTHERS}),"
        " ended AS (INSERT INTO topic_ends AS known (topic, partition, next_offset, epoch, losses)"
        " SELECT topic, partition, first_offset + records, epoch, losses FROM batch WHERE NOT EXISTS (SELECT FROM late) ORDER BY topic, partition"
        " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = greatest(known.next_offset, excluded.next_offset)"
        " WHERE known.losses = excluded.losses RETURNING true),"
        " good AS (SELECT WHERE (SELECT count(*) FROM ended) = (SELECT count(*) FROM batch)),"
        " kept AS (INSERT INTO sent (topic, partition, first_offset, records, event_ids)"
        " SELECT topic, partition, first_offset, records, event_ids FROM batch WHERE EXISTS (SELECT FROM good))"
        " DELETE FROM outbox WHERE id = ANY($1::bigint[]) AND EXISTS (SELECT FROM good)",
        list(row_ids),
        *told,
        [b"".join(event_id.bytes for event_id in batch.event_ids) for batch in batches],
        [batch.led.epoch for batch in batches],
        [batch.led.losses for batch in batches],
    )
    if done != "DELETE 0":
        return Kept(kept=True)
    rows = await conn.fetch(
        "SELECT place FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::integer[]) WITH ORDINALITY"
        f" AS batch (topic, partition, first_offset, records, place) WHERE {_LANDED_ON_OTHERS}",
        *told,
    )
    return Kept(kept=False, landed_on_others=[batches[row["place"] - 1] for row in rows])


async def known(conn: Connection) -> dict[At, Led]:
    """Every partition that has answered."""
    rows = await conn.fetch("SELECT topic, partition, next_offset, epoch, losses FROM topic_ends")
    return {(row["topic"], row["partition"]): Led(row["next_offset"], row["epoch"], row["losses"]) for row in rows}


async def leads_on(conn: Connection, at: At, led: Led, epoch: int) -> Led:
    """The leader leads anew without having died (a controller that was late had fenced it): the log is as it was, and what is under way counts."""
    await conn.execute(
        "UPDATE topic_ends SET epoch = $4 WHERE topic = $1 AND partition = $2 AND epoch = $3 AND losses = $5",
        *at,
        led.epoch,
        epoch,
        led.losses,
    )
    return led._replace(epoch=epoch)


async def put_back(conn: Connection, at: At, end: End, kept: int, destination: str, is_its_key: Callable[[str], bool]) -> tuple[int, Led]:
    """Put what lay behind this offset back into the outbox, in its old order, before anything that waits there; how many events. `end`: of the log now.
    `is_its_key`: whether a key belongs to this partition.

    From now on the log has to reach a margin beyond what it ever held before anything is sent, and what is under way counts for nothing.
    """
    async with conn.transaction():
        await conn.execute("SET LOCAL synchronous_commit TO on")  # the log is filled up next, which hides the loss from whoever looks again
        await conn.execute("SELECT pg_advisory_xact_lock(hashtext('broker_tail'))")
        reached: int = await conn.fetchval("SELECT next_offset FROM topic_ends WHERE topic = $1 AND partition = $2 FOR UPDATE", *at)
        (row,) = await conn.fetch(
            "UPDATE topic_ends SET next_offset = greatest(next_offset, $3) + $5, epoch = $4, losses = losses + 1"
            " WHERE topic = $1 AND partition = $2 RETURNING next_offset, epoch, losses",
            *at,
            *end,
            MARGIN,
        )
        led = Led(*row.values())
        rows = await conn.fetch(
            "UPDATE sent SET event_ids = substr(event_ids, 1, ($3 - first_offset)::integer * 16 * ($3 > first_offset)::integer)"
            " FROM (SELECT ctid AS at, event_ids AS before FROM sent WHERE topic = $1 AND partition = $2"
            " AND first_offset + records > $3 AND event_ids <> '') AS behind WHERE sent.ctid = behind.at"
            " RETURNING first_offset, behind.before, length(event_ids) AS left",
            *at,
            kept,
        )
        lost: list[UUID] = [
            each for row in sorted(rows, key=lambda row: row["first_offset"]) for each in _ids(row["before"][row["left"] :])
        ]
        if kept < reached and not await conn.fetchval(_KNOWN_FROM, *at, kept):
            count = await tell_again(conn, destination, [key for key in await _keys(conn) if is_its_key(key)])
        else:
            count = len(lost)
            await conn.execute(_TELL, lost, destination)
        await conn.execute(_FILLED, *at, end.offset)
    return count, led


_KNOWN_FROM = "SELECT EXISTS (SELECT FROM sent WHERE topic = $1 AND partition = $2 AND first_offset <= $3)"
_TELL = (
    "INSERT INTO outbox (id, lane, destination, event_id, key, type, headers, body) OVERRIDING SYSTEM VALUE"
    " SELECT (SELECT least(0, min(id)) FROM outbox) - cardinality($1::uuid[]) + place - 1, (hashtextextended(headers ->> 'ce_partitionkey', 0) & 15)::smallint,"
    " $2, event_id, headers ->> 'ce_partitionkey', type, headers, convert_to(body::text, 'UTF8')"
    " FROM unnest($1::uuid[]) WITH ORDINALITY AS lost (event_id, place) JOIN event_log USING (event_id)"
)
_FILLED = "INSERT INTO sent (topic, partition, first_offset, records, event_ids) VALUES ($1, $2, $3, 0, '')"
"""What the log is filled up with from here on holds no event: when it is lost, nothing is."""


async def _keys(conn: Connection) -> list[str]:
    """Everybody this service has told of."""
    rows = await conn.fetch("SELECT DISTINCT headers ->> 'ce_partitionkey' AS key FROM event_log", timeout=LONGEST)
    return [row["key"] for row in rows]


async def trim(conn: Connection) -> None:
    """Delete what is old enough to be on the broker's disk: if it is lost all the same, all of its partition is told again."""
    await conn.execute(f"DELETE FROM sent WHERE at < clock_timestamp() - interval '{KEPT}'")


def _ids(packed: bytes) -> list[UUID]:
    return [UUID(bytes=packed[at : at + _ID]) for at in range(0, len(packed), _ID)]
