"""Who gives letters up, when and why is kept for ever, without what was in them."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from shared import db, dead_letters, given_up
from shared.db import Database
from shared.given_up import Hand
from tests.shared.given import HAND, SERVICE, Where

pytestmark = pytest.mark.asyncio
NAME, NUMBER, KIND = "欧阳娜娜", "330499199001011234", "roster.over_quota_recorded.v1"


@pytest_asyncio.fixture
async def tables(database: Where) -> AsyncIterator[Database]:
    async with db.connect(database(SERVICE), SERVICE) as opened:
        yield opened


async def park(tables: Database, key: str, offset: int, headers: dict[str, str]) -> None:
    await tables.pool.execute(
        "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error)"
        " VALUES ('kit', $1, 'roster.events', 3, $2, $3, convert_to($4, 'UTF8'), 'KeyError')",
        *(key, offset, headers, f'{{"name": "{NAME}"}}'),
    )


async def test_each_letter_that_is_dropped_leaves_who_when_and_why(tables: Database) -> None:
    unit, event_id = str(uuid4()), uuid4()
    await park(tables, unit, 8, {})
    await park(tables, unit, 7, {"ce_id": str(event_id), "ce_type": KIND})
    parked_at = await tables.pool.fetchval("SELECT parked_at FROM dead_letters WHERE at_offset = 7")

    dropped = await dead_letters.drop(tables, "kit", unit, HAND)

    first, second = await tables.pool.fetch("SELECT *, kept_at > parked_at AS since FROM given_up ORDER BY id")
    assert (dropped, await tables.pool.fetchval("SELECT count(*) FROM dead_letters")) == (2, 0)
    assert [first[name] for name in ("deed", "consumer", "topic", "partition", "at_offset", "key", "event_id", "type", "error")] == [
        *("drop_letter", "kit", "roster.events", 3, 7, unit, event_id, KIND, "KeyError")
    ]
    assert (first["parked_at"], first["actor"], first["reason"], first["since"]) == (parked_at, HAND.actor, HAND.reason, True)
    assert (second["at_offset"], second["event_id"], second["type"]) == (8, None, None)


async def test_what_is_kept_of_a_stranger_has_no_name_in_it(tables: Database) -> None:
    await park(tables, NAME, 7, {"ce_id": NUMBER, "ce_type": NAME})

    await dead_letters.drop(tables, "kit", NAME, HAND)

    kept = await tables.pool.fetchval("SELECT given_up::text FROM given_up")
    assert not [word for word in (NAME, NUMBER) if word in kept]


async def test_a_letter_stays_where_nothing_can_be_kept_of_its_end(tables: Database) -> None:
    unit = str(uuid4())
    await park(tables, unit, 7, {})

    with pytest.raises(asyncpg.CheckViolationError):
        await dead_letters.drop(tables, "kit", unit, Hand("root", ""))

    assert await tables.pool.fetchval("SELECT count(*) FROM dead_letters") == 1


async def test_a_consumer_is_never_led_back(tables: Database) -> None:
    await tables.pool.execute("INSERT INTO consumer_positions VALUES ('kit', 'roster.events', 0, 5)")

    stood = [await given_up.pass_over(tables, HAND, "kit", "roster.events", 0, offset) for offset in (4, 5)]

    assert stood == [5, 5]
    assert await tables.pool.fetchval("SELECT next_offset FROM consumer_positions") == 5
    assert await tables.pool.fetchval("SELECT count(*) FROM given_up") == 0
