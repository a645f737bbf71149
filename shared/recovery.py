"""After a restore: the tables stand at one instant, the topics and the running workflows do not. Both are made anew from the tables, before anything runs.

Every event of the log goes out once more, in its order, into topics that are empty; readers know by id and version what they have handled. A case
that is open begins again where its journal left it. Both are rows of the outbox, in front of what waits there.
"""

from collections.abc import Collection

from pydantic import BaseModel

from shared.db import Connection
from shared.events.envelope import uuid7

LONGEST = 3600.0
BOOKKEEPING = ("sent", "topic_ends", "consumer_positions", "attempts", "dead_letters", "replays")
"""What speaks of offsets. A dead letter comes again with its topic, and is judged again."""
_TELL = """
    WITH log AS (
        SELECT event_id, type, headers, body, version, max(recorded_at) OVER (PARTITION BY aggregate_type, aggregate_id ORDER BY version) AS at
        FROM event_log
    ), gone AS (
        SELECT *, row_number() OVER (ORDER BY at DESC, version DESC, event_id DESC) AS before FROM log
        WHERE NOT EXISTS (SELECT FROM outbox WHERE outbox.event_id = log.event_id)
        AND ($2::text[] IS NULL OR headers ->> 'ce_partitionkey' = ANY($2))
    )
    INSERT INTO outbox (id, lane, destination, event_id, key, type, headers, body) OVERRIDING SYSTEM VALUE
    SELECT (SELECT least(0, min(id)) FROM outbox) - before, (hashtextextended(headers ->> 'ce_partitionkey', 0) & 15)::smallint, $1, event_id,
        headers ->> 'ce_partitionkey', type, headers, convert_to(body::text, 'UTF8') FROM gone
"""


async def tell_all_again(conn: Connection, topic: str) -> int:
    """Have every event of this service's log sent to its topic, which is empty, and read from its beginning; how many."""
    await conn.execute("SET LOCAL statement_timeout TO 0")
    for table in BOOKKEEPING:
        await conn.execute(f"DELETE FROM {table}", timeout=LONGEST)
    return await tell_again(conn, topic, None)


async def tell_again(conn: Connection, topic: str, keys: Collection[str] | None) -> int:
    """Every event of these keys (None: of all) goes out once more, in its order and in front of what waits; how many. In a transaction of the caller."""
    await conn.execute("SET LOCAL statement_timeout TO 0")
    done: str = await conn.execute(_TELL, topic, None if keys is None else list(keys), timeout=LONGEST)
    return int(done.rsplit(maxsplit=1)[-1])


async def begin_again(conn: Connection, workflow: str, workflow_id: str, argument: BaseModel) -> None:
    """Have a workflow that nobody knows any more started with this state, also where its first start still waits: it may have been sent before."""
    await conn.execute("DELETE FROM outbox WHERE destination = 'temporal' AND key = $1 AND type = $2", workflow_id, f"start:{workflow}")
    await conn.execute("INSERT INTO workflow_starts (workflow_id) VALUES ($1) ON CONFLICT DO NOTHING", workflow_id)
    await conn.execute(
        "INSERT INTO outbox (id, lane, destination, event_id, key, type, headers, body) OVERRIDING SYSTEM VALUE"
        " SELECT (SELECT least(0, min(id)) FROM outbox) - 1, (hashtextextended($2, 0) & 15)::smallint, 'temporal', $1, $2, $3, '{}', $4",
        uuid7(),
        workflow_id,
        f"start:{workflow}",
        argument.model_dump_json().encode(),
    )
