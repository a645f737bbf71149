"""`command`: one function, one transaction; a key makes a repeat harmless; a refusal leaves nothing and is judged anew."""

import asyncio
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest
from pydantic import BaseModel

from shared import db, outbox
from shared.db import By, Connection, Database, command
from shared.errors import Conflict, KeyReused, Unavailable
from tests.shared.given import Kit, Where, by, changed, until


class Raise(BaseModel):
    """Raise counters, in this order."""

    counters: tuple[int, ...] = (1,)
    most: int = 1_000


@dataclass(frozen=True)
class Raised:
    """What is answered: types that JSON knows nothing of."""

    id: UUID
    on: date
    values: tuple[int, ...]


@command
async def raise_counters(conn: Connection, by: By, what: Raise) -> Raised:
    values: list[int] = []
    for counter in what.counters:
        value: int = await conn.fetchval("UPDATE counters SET value = value + 1 WHERE id = $1 RETURNING value", counter)
        await conn.fetchval("SELECT pg_sleep(0.02)")
        values.append(value)
    await outbox.append(conn, by, changed(uuid4(), 1))
    if max(values) > what.most:
        raise Conflict
    return Raised(uuid4(), by.as_of.date(), tuple(values))


async def counters(kit: Kit) -> list[int]:
    return [row["value"] for row in await kit.database.pool.fetch("SELECT value FROM counters ORDER BY id")]


@pytest.mark.asyncio
async def test_the_same_key_gives_the_same_answer_and_one_effect(kit: Kit) -> None:
    mandate = by("key-1")
    first = await raise_counters(kit.database, mandate, Raise())
    again = await raise_counters(kit.database, mandate, Raise())

    assert first == again
    assert (await counters(kit), await kit.count("outbox")) == ([1, 0], 1)


@pytest.mark.asyncio
async def test_the_same_key_with_another_body_another_reason_or_another_document_is_refused(kit: Kit) -> None:
    mandate = by("key-1")
    await raise_counters(kit.database, mandate, Raise())

    for other, body in (
        (mandate, Raise(counters=(2,))),
        (replace(mandate, reason="因为"), Raise()),
        (replace(mandate, document_no="1号"), Raise()),
    ):
        with pytest.raises(KeyReused):
            await raise_counters(kit.database, other, body)

    assert await counters(kit) == [1, 0]


@pytest.mark.asyncio
async def test_a_refusal_leaves_nothing_and_is_judged_anew_under_the_same_key(kit: Kit) -> None:
    mandate, what = by("key-1"), Raise(most=1)
    await raise_counters(kit.database, by(), Raise())
    with pytest.raises(Conflict):
        await raise_counters(kit.database, mandate, what)
    left = (await counters(kit), await kit.count("outbox"), await kit.count("event_log"), await kit.count("accepted_commands"))

    await kit.database.pool.execute("UPDATE counters SET value = 0")
    answer = await raise_counters(kit.database, mandate, what)

    assert left == ([1, 0], 1, 1, 1)
    assert answer.values == (1,)


@pytest.mark.asyncio
async def test_a_repeat_gets_the_first_answer_though_it_would_be_refused_by_now(kit: Kit) -> None:
    mandate, what = by("key-1"), Raise(most=1)
    first = await raise_counters(kit.database, mandate, what)
    again = await raise_counters(kit.database, mandate, what)
    twins = await asyncio.gather(*(raise_counters(kit.database, by("key-2"), Raise(counters=(2,), most=1)) for _ in range(5)))

    assert first == again
    assert len(set(twins)) == 1
    assert (await counters(kit), await kit.count("outbox")) == ([1, 1], 2)


@pytest.mark.asyncio
async def test_two_twins_in_flight_have_one_effect_and_one_answer(kit: Kit) -> None:
    mandate = by("key-1")
    answers = await asyncio.gather(*(raise_counters(kit.database, mandate, Raise()) for _ in range(5)))

    assert len(set(answers)) == 1
    assert (await counters(kit), await kit.count("outbox")) == ([1, 0], 1)


@pytest.mark.asyncio
async def test_a_twin_of_a_command_that_is_refused_in_flight_has_its_own_chance(kit: Kit) -> None:
    mandate = by("key-1")
    async with kit.database.transaction() as conn:
        await conn.execute("INSERT INTO accepted_commands (key, command, body_hash, accepted_at) VALUES ('key-1', 'x', '', now())")
        twin = asyncio.ensure_future(raise_counters(kit.database, mandate, Raise()))
        await asyncio.sleep(0.2)
        await conn.execute("DELETE FROM accepted_commands WHERE key = 'key-1'")

    assert (await twin).values == (1,)


@pytest.mark.asyncio
async def test_deadlocks_are_retried_and_all_commands_are_accepted(kit: Kit) -> None:
    answers = await asyncio.gather(
        *(raise_counters(kit.database, by(), Raise(counters=order)) for order in ((1, 2), (2, 1)) * 3),
    )

    deadlocks: int = await kit.database.pool.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert len(answers) == 6
    assert await counters(kit) == [6, 6]
    assert deadlocks > 0, "the test must really have met a deadlock"


TO_MEET: list[str] = []
"""The errors, by their SQLSTATE, that the server is still going to tell."""


@command
async def raise_past_errors(conn: Connection, by: By, what: Raise) -> int:  # noqa: ARG001  a command has its mandate
    value: int = await conn.fetchval("UPDATE counters SET value = value + 1 WHERE id = 1 RETURNING value")
    if TO_MEET:
        await conn.execute(f"DO $$ BEGIN RAISE EXCEPTION 'met' USING ERRCODE = '{TO_MEET.pop()}'; END $$")
    return value


@pytest.mark.asyncio
async def test_an_error_of_the_servers_own_is_tried_again_and_told_when_it_stays(kit: Kit) -> None:
    TO_MEET.extend(["XX000"] * 2)
    assert await raise_past_errors(kit.database, by(), Raise()) == 1

    TO_MEET.extend(["XX000"] * db.RETRIES)
    with pytest.raises(asyncpg.InternalServerError):
        await raise_past_errors(kit.database, by(), Raise())
    assert await counters(kit) == [1, 0]


@pytest.mark.asyncio
async def test_a_database_that_goes_away_is_unavailable_and_comes_back_by_itself(kit: Kit, database: Where) -> None:
    superuser = await asyncpg.connect(database("postgres"))
    working = asyncio.ensure_future(raise_counters(kit.database, by("key-1"), Raise(counters=(1,) * 20)))
    under_way = "usename = 'identity' AND datname = current_database() AND query LIKE 'SELECT pg_sleep%' AND state <> 'idle'"
    await until(lambda: superuser.fetchval(f"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {under_way})"))
    await superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'identity' AND datname = current_database()"
    )
    await superuser.close()

    with pytest.raises(Unavailable):
        await working
    assert (await raise_counters(kit.database, by("key-1"), Raise(counters=(1,) * 20))).values == tuple(range(1, 21))


@pytest.mark.asyncio
async def test_the_wake_up_survives_a_database_that_takes_nobody_for_a_while(kit: Kit, database: Where) -> None:
    superuser = await asyncpg.connect(database("postgres"))
    name: str = await superuser.fetchval("SELECT current_database()")
    await superuser.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    await superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'identity' AND datname = current_database()"
    )
    kit.database.wake()
    await asyncio.sleep(0.5)

    await superuser.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
    await superuser.close()
    assert await heard(kit.database, database("identity"))


async def heard(database: Database, url: str) -> bool:
    """Whether a commit still wakes a listener."""
    listener = await asyncpg.connect(url)
    woken = asyncio.Event()
    await listener.add_listener("outbox_identity", lambda *_: woken.set())
    database.wake()
    try:
        await asyncio.wait_for(woken.wait(), 10)
    except TimeoutError:
        return False
    finally:
        await listener.close()
    return True


@pytest.mark.asyncio
async def test_a_database_that_is_not_there_is_no_silent_success(database: Where) -> None:
    nowhere = database("identity").rsplit(":", 1)[0] + ":9/bianban"

    with pytest.raises(ConnectionRefusedError):
        async with db.connect(nowhere, "identity"):
            pytest.fail("connected to nothing")


@pytest.mark.asyncio
async def test_the_server_says_that_a_statement_takes_too_long_before_nobody_waits_for_it(kit: Kit) -> None:
    """Cancelled by the server, a batch is handled one by one; by our own clock the database would be away, and the batch come back as it was."""
    async with kit.database.pool.acquire() as conn:
        ours = cast("Any", conn)._config.command_timeout
        servers = await conn.fetchval("SELECT setting::integer / 1000 FROM pg_settings WHERE name = 'statement_timeout'")

    assert servers < ours


@pytest.mark.asyncio
async def test_at_a_door_a_lock_ends_before_its_statement_and_that_before_nobody_waits_for_it(database: Where) -> None:
    async with db.connect(database("identity"), "identity", patience=db.DOOR) as door, door.transaction() as conn:
        ours = cast("Any", conn)._config.command_timeout
        limits = await conn.fetch(
            "SELECT setting::integer / 1000 AS seconds FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout') ORDER BY 1"
        )

    assert [row["seconds"] for row in limits] + [ours] == [5, 7, 8]


@pytest.mark.asyncio
async def test_a_statement_that_was_prepared_and_never_run_keeps_nobody_else_from_reading(database: Where) -> None:
    """As when the request ends between the two: no SYNC was sent, and the server goes on with the same transaction."""
    async with db.connect(database("identity"), "identity", size=1) as one:
        with pytest.raises(asyncpg.DataError):  # prepared, then it does not fit
            await one.pool.fetchval("SELECT id FROM users WHERE version = $1::integer", "no number")

        async with one.reading() as conn:
            assert await conn.fetchval("SELECT current_setting('transaction_isolation')") == "repeatable read"
