"""Replays: an ask stands until it was followed to its end, whatever happens in between, and nothing is left parked by the way."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared import dead_letters, inbox, replays
from shared.consumer import KILLS
from shared.db import Connection
from shared.errors import Conflict
from shared.events.roster import QuotaChanged
from shared.parked_words import WAITS
from tests.shared.given import Kit, changed, keep_effect, put, unit_in, until

DONE = "SELECT count(*) = 0 FROM replays"


class Refusing:
    """Keeps the effect of every event but those of one version: these raise what is left, then nothing more."""

    def __init__(self, version: int, *left: Exception) -> None:
        self.version, self.left = version, list(left)

    async def __call__(self, conn: Connection, event: QuotaChanged) -> None:
        await keep_effect(conn, event)
        if event.version == self.version and self.left:
            raise self.left.pop(0)


async def _parked(kit: Kit, first: int, last: int) -> UUID:
    """A unit whose events from the first of these versions to the last are parked."""
    unit = unit_in(0)
    await put(kit.kafka, *(changed(unit, version) for version in range(1, last + 1)))
    async with kit.consuming(
        kit.subscription(Refusing(first, *(Conflict() for _ in range(9))))
    ):  # in its batch, in halves of it, and alone
        await until(lambda: _positions(kit, last))
    assert len(await kit.parked()) == last - first + 1
    return unit


async def _positions(kit: Kit, wanted: int) -> bool:
    rows = await kit.database.pool.fetch("SELECT next_offset FROM consumer_positions WHERE consumer = 'kit'")
    return bool(sum(row["next_offset"] for row in rows) >= wanted)


@pytest.mark.asyncio
async def test_an_ask_that_a_dead_process_had_begun_is_followed_by_the_next(kit: Kit) -> None:
    unit = await _parked(kit, 1, 3)
    await kit.database.pool.execute("INSERT INTO replays (consumer, key, process, started) VALUES ('kit', $1, 'dead', 1)", str(unit))

    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: kit.database.pool.fetchval(DONE))

    assert (await kit.effects(unit), await kit.parked()) == ([1, 2, 3], [])


@pytest.mark.asyncio
async def test_an_ask_that_has_killed_several_processes_is_given_up(kit: Kit) -> None:
    unit = await _parked(kit, 1, 3)
    await kit.database.pool.execute(
        "INSERT INTO replays (consumer, key, process, started) VALUES ('kit', $1, 'dead', $2)", str(unit), KILLS
    )

    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: kit.database.pool.fetchval(DONE))

    assert (await kit.effects(unit), len(await kit.parked())) == ([], 3)


@pytest.mark.asyncio
async def test_a_store_that_cannot_now_only_puts_a_replay_off(kit: Kit) -> None:
    unit = await _parked(kit, 2, 4)
    handler = Refusing(2, asyncpg.DiskFullError("full"), asyncpg.DeadlockDetectedError("locked"), asyncpg.UndefinedColumnError("late"))
    await dead_letters.ask_replay(kit.database, "kit", str(unit))

    async with kit.consuming(kit.subscription(handler)):
        await until(lambda: kit.database.pool.fetchval(DONE))

    assert (await kit.effects(unit), await kit.parked(), handler.left) == ([1, 2, 3, 4], [], [])


@pytest.mark.asyncio
async def test_what_went_is_not_parked_any_more_and_the_rest_keeps_its_order(kit: Kit) -> None:
    unit = await _parked(kit, 1, 5)
    handler = Refusing(4, Conflict(), Conflict())

    with pytest.raises(Conflict):
        await replays.replay(kit.database, kit.subscription(handler), str(unit))
    kept = await kit.database.pool.fetch("SELECT headers ->> 'ce_sequence' AS version FROM dead_letters ORDER BY at_offset")

    assert (await kit.effects(unit), [int(row["version"]) for row in kept]) == ([1, 2, 3], [4, 5])


@pytest.mark.asyncio
async def test_many_events_that_came_in_disorder_go_in_their_order_some_at_a_time(kit: Kit) -> None:
    unit, many = unit_in(0), 3 * replays.AT_ONCE
    backwards = [1, *range(many, 1, -1)]
    await put(kit.kafka, *(changed(unit, version) for version in backwards))
    subscription = kit.subscription(keep_effect)
    async with kit.consuming(subscription):
        await until(lambda: _positions(kit, many))

    assert await replays.replay(kit.database, subscription, str(unit)) == many - 1
    assert (await kit.effects(unit), await kit.parked()) == ([*range(1, many + 1)], [])


@pytest.mark.asyncio
async def test_nothing_is_put_behind_a_key_whose_replay_is_just_ending(kit: Kit) -> None:
    unit = await _parked(kit, 1, 2)
    async with kit.database.transaction() as replaying:
        await replaying.execute("DELETE FROM dead_letters WHERE key = $1", str(unit))
        coming = asyncio.create_task(_sorted_out(kit, unit))
        await asyncio.sleep(0.3)
        waited = not coming.done()

    assert (waited, await coming) == (True, set())


@pytest.mark.asyncio
async def test_who_comes_while_a_key_is_replayed_waits_for_it(kit: Kit) -> None:
    unit = await _parked(kit, 1, 2)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(conn: Connection, event: QuotaChanged) -> None:
        begun.set()
        await go_on.wait()
        await keep_effect(conn, event)

    replaying = asyncio.create_task(replays.replay(kit.database, kit.subscription(slowly), str(unit)))
    await begun.wait()
    coming = asyncio.create_task(_sorted_out(kit, unit))
    await asyncio.sleep(0.3)
    waited = not coming.done()
    go_on.set()

    assert (waited, await replaying, await coming) == (True, 2, set())


@pytest.mark.asyncio
async def test_a_replay_that_has_to_wait_stands_in_nobody_elses_way(kit: Kit) -> None:
    unit = await _parked(kit, 1, 2)
    other = str(unit_in(1))
    handler = Refusing(1, *(asyncpg.DiskFullError("full") for _ in range(200)))
    for key in (str(unit), other):
        await dead_letters.ask_replay(kit.database, "kit", key)

    async with kit.consuming(kit.subscription(handler)):
        await until(lambda: kit.database.pool.fetchval("SELECT count(*) = 0 FROM replays WHERE key = $1", other))

    assert len(await kit.parked()) == 2


async def _sorted_out(kit: Kit, unit: UUID) -> set[str]:
    """The keys that a consumer would park the next event behind."""
    async with kit.database.transaction() as conn:
        parked, _ = await inbox.sort_out(conn, "kit", [(str(unit), uuid4())])
    return parked


@pytest.mark.asyncio
async def test_what_a_replay_fails_of_is_why_its_key_is_parked_from_then_on(kit: Kit) -> None:
    """Of a gap that was filled nobody should go on looking for what is missing."""
    unit = unit_in(0)
    await put(kit.kafka, changed(unit, 2), changed(unit, 3))
    handler = Refusing(1, *(Conflict() for _ in range(9)))
    async with kit.consuming(kit.subscription(handler)):
        await until(lambda: _positions(kit, 2))
        await put(kit.kafka, changed(unit, 1))
        await until(lambda: _positions(kit, 3))
        assert await kit.parked() == ["GapSeen", WAITS, WAITS]
        await dead_letters.ask_replay(kit.database, "kit", str(unit))
        await until(lambda: kit.database.pool.fetchval(DONE))

    assert await kit.parked() == [WAITS, WAITS, "conflict"]


@pytest.mark.asyncio
async def test_a_replay_in_vain_hides_nothing_of_what_the_driver_could_not_read(kit: Kit) -> None:
    """By these words its reader is led back to it."""
    unread = "Unreadable: the driver cannot read offsets 5 to 8 (CorruptRecordException)"
    await kit.database.pool.execute(
        "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error)"
        " VALUES ('kit', '', 't', 0, 8, '{}', '', $1), ('kit', '', 't', 0, 9, '{}', '', 'Unreadable: no event id')",
        unread,
    )
    await dead_letters.ask_replay(kit.database, "kit", "")
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: kit.database.pool.fetchval(DONE))

    assert await kit.parked() == [unread, "Unreadable: no event id"]


@pytest.mark.asyncio
async def test_a_replay_of_a_stray_with_a_version_beyond_all_measure_ends_no_process(kit: Kit) -> None:
    """Must fail when `int` is asked for it: Python reads no number of more than 4300 digits, and the loop would end with its process, at each start."""
    key = str(unit_in(0))
    await kit.database.pool.execute(
        "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error)"
        " VALUES ('kit', $1, 't', 0, 8, $2, '', 'Unreadable: ValueError')",
        *(key, {"ce_sequence": "9" * 5000}),
    )
    await dead_letters.ask_replay(kit.database, "kit", key)
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: kit.database.pool.fetchval(DONE))

    assert await kit.parked() == ["Unreadable: no event id"]
