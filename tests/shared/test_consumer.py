"""The consumer: each event takes effect exactly once and in its key's order, whatever is killed; what cannot be handled is parked with its key."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared import consumer, dead_letters, inbox, listening
from shared.consumer import KILLS, Together
from shared.db import Connection
from shared.errors import Conflict, NotYetKnown
from shared.events.roster import QuotaChanged, SeatsChanged
from shared.inbox import GapSeen
from shared.listening import forget, position
from shared.outbox import append
from shared.replays import replay as replay_parked
from shared.unit_copies import UnitUnknown
from tests.shared.given import (
    HAND,
    NOW,
    SERVICE,
    TOPIC,
    Kit,
    Where,
    all_past,
    by,
    changed,
    keep_effect,
    kill,
    next_offset,
    partition_of,
    past,
    process,
    put,
    start,
    unit_in,
    until,
)
from tests.shared.processes import DEADLY


def refusing(unit_id: UUID, version: int = 1) -> "Broken":
    return Broken(unit_id, version)


class Broken:
    """A handler that cannot handle one event until it is mended."""

    def __init__(self, unit_id: UUID, version: int) -> None:
        self.unit_id, self.version, self.mended = unit_id, version, False

    async def __call__(self, conn: Connection, event: QuotaChanged) -> None:
        await keep_effect(conn, event)
        if (event.unit_id, event.version) == (self.unit_id, self.version) and not self.mended:
            raise Conflict


@pytest.mark.asyncio
async def test_an_event_that_stands_twice_in_one_batch_takes_effect_once(kit: Kit) -> None:
    unit = uuid4()
    events = [changed(unit, version) for version in (1, 2, 3)]
    await put(kit.kafka, *(event for event in events for _ in range(2)))

    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 6))

    assert await kit.effects(unit) == [1, 2, 3]


@pytest.mark.asyncio
async def test_the_inbox_alone_keeps_a_double_out_also_within_one_batch(kit: Kit) -> None:
    unit, double = uuid4(), uuid4()
    first, forged = changed(unit, 1, double), changed(unit, 2, double)
    await put(kit.kafka, changed(unit_in(partition_of(unit)), 1))
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 1))
        await put(kit.kafka, first, forged)
        await until(lambda: past(kit, unit, 3))

    assert await kit.effects(unit) == [1]


@pytest.mark.asyncio
async def test_the_inbox_alone_keeps_out_what_an_earlier_batch_has_handled(kit: Kit) -> None:
    unit, double = uuid4(), uuid4()
    async with kit.consuming(kit.subscription(keep_effect)):
        await put(kit.kafka, changed(unit, 1, double))
        await until(lambda: past(kit, unit, 1))
        await put(kit.kafka, changed(unit, 2, double))
        await until(lambda: past(kit, unit, 2))

    assert await kit.effects(unit) == [1]


@pytest.mark.asyncio
async def test_an_older_version_under_another_id_changes_nothing(kit: Kit) -> None:
    unit = uuid4()
    await put(kit.kafka, changed(unit, 1), changed(unit, 2), changed(unit, 1))

    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 3))

    assert (await kit.effects(unit), await kit.parked()) == ([1, 2], [])


@pytest.mark.asyncio
async def test_a_gap_parks_its_key_and_replay_heals_what_was_only_reordered(kit: Kit) -> None:
    unit = uuid4()
    other = unit_in(partition_of(unit))
    events = [changed(unit, version) for version in (1, 3, 2, 4)]
    await put(kit.kafka, *events, changed(other, 1))
    subscription = kit.subscription(keep_effect)

    async with kit.consuming(subscription):
        await until(lambda: past(kit, unit, 5))
    seen, parked = await kit.effects(unit), await kit.parked()
    replayed = await replay_parked(kit.database, subscription, str(unit))

    assert (seen, await kit.effects(other)) == ([1], [1])
    assert parked == ["GapSeen", *["waits behind an earlier dead letter of its key"] * 2]
    assert (replayed, await kit.effects(unit), await kit.parked()) == (3, [1, 2, 3, 4], [])


@pytest.mark.asyncio
async def test_a_version_that_is_lost_keeps_its_key_parked(kit: Kit) -> None:
    unit = uuid4()
    await put(kit.kafka, changed(unit, 1), changed(unit, 3))
    subscription = kit.subscription(keep_effect)
    async with kit.consuming(subscription):
        await until(lambda: past(kit, unit, 2))

    with pytest.raises(GapSeen):
        await replay_parked(kit.database, subscription, str(unit))

    assert (await kit.effects(unit), await kit.parked()) == ([1], ["GapSeen"])


@pytest.mark.asyncio
async def test_dropping_what_is_parked_lets_the_key_go_on(kit: Kit) -> None:
    unit = uuid4()
    await put(kit.kafka, changed(unit, 1), changed(unit, 2), changed(unit, 3))
    async with kit.consuming(kit.subscription(refusing(unit, 2))):
        await until(lambda: past(kit, unit, 3))
        dropped = await dead_letters.drop(kit.database, "kit", str(unit), HAND)
        await put(kit.kafka, changed(unit, 4))
        await until(lambda: past(kit, unit, 4))

    assert (dropped, await kit.effects(unit), await kit.parked()) == (2, [1, 4], [])


@pytest.mark.asyncio
async def test_an_invalid_event_is_parked_with_its_whole_key_others_go_on_and_replay_keeps_the_order(kit: Kit) -> None:
    unit = uuid4()
    other = unit_in(partition_of(unit))
    await put(kit.kafka, *(changed(each, version) for version in range(1, 6) for each in (unit, other)))
    handler = refusing(unit, 2)
    subscription = kit.subscription(handler)

    async with kit.consuming(subscription):
        await until(lambda: past(kit, unit, 10))
        seen, parked = await kit.effects(unit), await kit.parked()
        with pytest.raises(Conflict):
            await replay_parked(kit.database, subscription, str(unit))
        handler.mended = True
        await replay_parked(kit.database, subscription, str(unit))
        await put(kit.kafka, changed(unit, 6))
        await until(lambda: past(kit, unit, 11))

    assert (seen, parked[0], len(parked)) == ([1], "conflict", 4)
    assert await kit.effects(other) == [1, 2, 3, 4, 5]
    assert await kit.effects(unit) == [1, 2, 3, 4, 5, 6]


@pytest.mark.asyncio
async def test_a_replay_that_is_asked_for_is_done_by_the_consumer_itself(kit: Kit) -> None:
    unit = uuid4()
    await put(kit.kafka, changed(unit, 1), changed(unit, 2))
    handler = refusing(unit, 1)

    async with kit.consuming(kit.subscription(handler)):
        await until(lambda: past(kit, unit, 2))
        await dead_letters.ask_replay(kit.database, "kit", str(unit))
        await until(lambda: kit.database.pool.fetchval("SELECT count(*) = 0 FROM replays"))
        handler.mended = True
        await dead_letters.ask_replay(kit.database, "kit", str(unit))
        await until(lambda: kit.database.pool.fetchval("SELECT count(*) = 0 FROM dead_letters"))

    assert await kit.effects(unit) == [1, 2]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({"ce_type": "roster.nobody_knows.v9"}, None, "unknown type"),
        ({"ce_id": "not an id"}, None, "no event id"),
        ({"ce_sequence": "000000000009"}, None, "disagree"),
        ({}, b"{", "Unreadable"),
        ({}, b"[]", "Unreadable"),
        ({}, b'{"version": 0}', "ValidationError"),
        ({"ce_id": "a\0b"}, b"\0", "no event id"),
    ],
    ids=["unknown type", "no id", "headers against data", "broken json", "no object", "no such version", "what no table can keep"],
)
async def test_a_record_that_is_no_event_is_parked_and_its_reason_holds_none_of_its_data(
    kit: Kit, headers: dict[str, str], body: bytes | None, reason: str
) -> None:
    unit = uuid4()
    other = unit_in(partition_of(unit))
    await put(kit.kafka, changed(unit, 1), headers=headers, body=body)
    await put(kit.kafka, changed(other, 1))

    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 2))

    (error,) = await kit.parked()
    assert reason in error
    assert str(unit) not in error
    assert await kit.effects() == [1]


@pytest.mark.asyncio
async def test_an_event_that_nobody_here_handles_is_counted_and_not_read(kit: Kit) -> None:
    unit = uuid4()
    unhandled = SeatsChanged(occurred_at=NOW, unit_id=unit, version=1, level="head", approved=1, used=0)
    await put(kit.kafka, unhandled, body=b"{")
    await put(kit.kafka, changed(unit, 2))

    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 2))

    assert await kit.parked() == []
    assert await kit.effects(unit) == [2]


@pytest.mark.asyncio
async def test_position_inbox_and_effect_are_one_transaction_when_the_process_dies_between_them(kit: Kit) -> None:
    units = [uuid4() for _ in range(3)]
    await put(kit.kafka, *(changed(unit, version) for version in range(1, 21) for unit in units))

    async with process("mortal", kit.url, *kit.kafka) as mortal:
        await asyncio.wait_for(mortal.wait(), 60)
    between = sorted(await kit.effects())
    async with process("consumer", kit.url, *kit.kafka):
        await until(lambda: all_past(kit, units, 20))

    assert 13 not in between
    assert [await kit.effects(unit) for unit in units] == [list(range(1, 21))] * 3


@pytest.mark.asyncio
async def test_two_consumers_killed_under_load_leave_each_effect_once_and_in_order(kit: Kit) -> None:
    units = [uuid4() for _ in range(12)]
    arguments = ("consumer", kit.url, *kit.kafka)
    running = [await start(*arguments), await start(*arguments)]
    sending = asyncio.create_task(put(kit.kafka, *(changed(unit, version) for version in range(1, 31) for unit in units)))

    for victim in (0, 1, 0, 1):
        await asyncio.sleep(0.8)
        await kill(running[victim])
        running[victim] = await start(*arguments)
    await sending
    await until(lambda: all_past(kit, units, 30))
    await asyncio.gather(*(kill(each) for each in running))

    assert [await kit.effects(unit) for unit in units] == [list(range(1, 31))] * 12
    assert await kit.parked() == []


@pytest.mark.asyncio
async def test_an_event_that_kills_the_process_is_recognised_and_parked(kit: Kit) -> None:
    deadly = next(unit for unit in (UUID(DEADLY + uuid4().hex[8:]) for _ in iter(int, 1)) if partition_of(unit) == 0)
    other = unit_in(0)
    await put(kit.kafka, changed(other, 1), changed(deadly, 1), changed(other, 2), changed(deadly, 2))
    deaths = 0

    async with asyncio.timeout(300):
        while not await past(kit, other, 4):
            running = await start("deadly", kit.url, *kit.kafka)
            await until(lambda: ended_or_past(kit, running, other))  # noqa: B023  awaited within the turn
            deaths += running.returncode is not None
            await kill(running)

    assert deaths == KILLS + 1  # the first time it took its whole batch along
    assert await kit.effects() == [1, 2]
    assert await kit.parked() == ["the process died while handling it", "waits behind an earlier dead letter of its key"]


async def ended_or_past(kit: Kit, running: asyncio.subprocess.Process, unit: UUID) -> bool:
    return running.returncode is not None or await past(kit, unit, 4)


@pytest.mark.asyncio
async def test_too_large_a_share_of_dead_letters_stops_the_consumer_until_it_is_put_right(kit: Kit) -> None:
    units = [unit_in(0) for _ in range(dead_letters.SHARE_FLOOR + 5)]
    await put(kit.kafka, *(changed(unit, 1) for unit in units))

    async def refuse(_: Connection, __: QuotaChanged) -> None:
        raise Conflict

    async with kit.consuming(kit.subscription(refuse)):
        await until(lambda: parked_are(kit, dead_letters.SHARE_FLOOR))
        await asyncio.sleep(1)
        standing = len(await kit.parked())
        await kit.database.pool.execute("DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters LIMIT 10)")
        await until(lambda: past(kit, units[0], len(units)))

    assert standing == dead_letters.SHARE_FLOOR


async def parked_are(kit: Kit, number: int) -> bool:
    return len(await kit.parked()) >= number


class Waiting:
    """A handler that needs a fact which another event brings."""

    def __init__(self, needed: UUID) -> None:
        self.needed, self.tries = needed, 0

    async def __call__(self, conn: Connection, event: QuotaChanged) -> None:
        self.tries += 1
        known = await conn.fetchval("SELECT EXISTS (SELECT FROM effects WHERE unit_id = $1)", self.needed)
        if event.unit_id != self.needed and not known:
            raise NotYetKnown
        await keep_effect(conn, event)


@pytest.mark.asyncio
async def test_while_one_partition_waits_for_a_fact_the_others_go_on_and_bring_it(kit: Kit) -> None:
    waiting, bringing = unit_in(0), unit_in(1)
    handler = Waiting(bringing)
    await put(kit.kafka, changed(waiting, 1), changed(waiting, 2))

    async with kit.consuming(kit.subscription(handler)):
        await until(lambda: tried(handler, 2))
        await put(kit.kafka, changed(bringing, 1))
        await until(lambda: past(kit, waiting, 2))

    assert (await kit.effects(waiting), await kit.effects(bringing), await kit.parked()) == ([1, 2], [1], [])


async def tried(handler: Waiting, times: int) -> bool:
    return handler.tries >= times


@pytest.mark.asyncio
async def test_an_event_that_waits_in_one_process_after_the_other_has_killed_none_of_them(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, bringing = unit_in(0), unit_in(1)
    handler = Waiting(bringing)
    await put(kit.kafka, changed(waiting, 1))

    for number in range(KILLS + 2):
        monkeypatch.setattr(consumer, "PROCESS", f"process {number}")
        handler.tries = 0
        async with kit.consuming(kit.subscription(handler)):
            await until(lambda: tried_or_past(kit, handler, waiting))
    await put(kit.kafka, changed(bringing, 1))
    async with kit.consuming(kit.subscription(handler)):
        await until(lambda: past(kit, waiting, 1))

    assert (await kit.parked(), await kit.effects(waiting)) == ([], [1])


@pytest.mark.asyncio
async def test_an_event_that_may_not_be_parked_in_one_process_after_the_other_has_killed_none_of_them(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too much is parked already; when that is put right and the handler is mended, it is an event like any other."""
    unit = unit_in(0)
    handler, refused = refusing(unit), list[str]()
    await put(kit.kafka, changed(unit, 1))

    async def stands(_: object, name: str, __: float) -> None:
        refused.append(name)
        await asyncio.Event().wait()

    async def is_refused() -> bool:
        return bool(refused)

    with monkeypatch.context() as stopped:
        stopped.setattr(dead_letters, "ensure_below_limit", stands)
        for number in range(KILLS + 2):
            stopped.setattr(consumer, "PROCESS", f"process {number}")
            refused.clear()
            async with kit.consuming(kit.subscription(handler)):
                await until(is_refused)
    handler.mended = True
    async with kit.consuming(kit.subscription(handler)):
        await until(lambda: past(kit, unit, 1))

    assert (await kit.parked(), await kit.effects(unit)) == ([], [1])


async def tried_or_past(kit: Kit, handler: Waiting, unit: UUID) -> bool:
    return handler.tries > 2 or await past(kit, unit, 1)


@pytest.mark.asyncio
@pytest.mark.parametrize("missing", [NotYetKnown, UnitUnknown], ids=["a fact", "a copied unit"])
async def test_a_fact_that_does_not_come_in_time_parks_the_event(kit: Kit, missing: type[Exception]) -> None:
    unit = uuid4()
    await put(kit.kafka, changed(unit, 1))
    tries: list[int] = []

    async def need(_: Connection, event: QuotaChanged) -> None:
        tries.append(event.version)
        raise missing

    async with kit.consuming(kit.subscription(need, waits=0.5)):
        await until(lambda: past(kit, unit, 1))

    assert len(await kit.parked()) == 1
    assert len(tries) > 2


@pytest.mark.asyncio
async def test_what_waits_for_a_fact_counts_as_handled_once_it_is(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    monkeypatch.setattr(listening, "CONSUMED", SimpleNamespace(add=lambda number, _: counted.append(number)))
    events = [changed(unit, version) for unit in [uuid4()] for version in (1, 2)]

    async def missing(*_: object) -> None:
        raise NotYetKnown

    await put(kit.kafka, *events)
    async with kit.consuming(kit.subscription(missing, waits=1.0)):
        await until(lambda: kit.handled(*events))
        await until(lambda: told(counted))

    assert sum(counted) == 2


async def told(counted: list[int]) -> bool:
    return sum(counted) >= 2


@pytest.mark.asyncio
async def test_a_lock_or_a_deadlock_is_tried_again_for_as_long_as_it_takes(kit: Kit) -> None:
    unit = uuid4()
    await put(kit.kafka, changed(unit, 1))
    troubles = [asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.QueryCanceledError, asyncpg.DiskFullError]

    async def stumble(conn: Connection, event: QuotaChanged) -> None:
        if troubles:
            raise troubles.pop()("try again")
        await keep_effect(conn, event)

    async with kit.consuming(kit.subscription(stumble, waits=0.0)):
        await until(lambda: past(kit, unit, 1))

    assert (await kit.effects(unit), await kit.parked(), troubles) == ([1], [], [])


@pytest.mark.asyncio
async def test_an_error_of_the_servers_own_is_parked_only_when_it_stays(kit: Kit) -> None:
    passing, staying = uuid4(), uuid4()
    await put(kit.kafka, changed(passing, 1), changed(staying, 1))
    tries = Counter[UUID]()

    async def stumble(conn: Connection, event: QuotaChanged) -> None:
        tries[event.unit_id] += 1
        if event.unit_id == staying or tries[passing] < 5:
            await conn.execute("DO $$ BEGIN RAISE EXCEPTION 'met' USING ERRCODE = 'XX000'; END $$")
        await keep_effect(conn, event)

    async with kit.consuming(kit.subscription(stumble, waits=0.0)):
        await until(lambda: past(kit, passing, 1))
        await until(kit.parked)

    assert (await kit.effects(passing), await kit.effects(staying), len(await kit.parked())) == ([1], [], 1)


@pytest.mark.asyncio
@pytest.mark.parametrize("change", ["ALTER TABLE effects ADD COLUMN late integer", "CREATE TABLE late (version integer)"])
async def test_an_event_that_came_before_its_migration_waits_for_it(kit: Kit, database: Where, change: str) -> None:
    unit, tries, query = uuid4(), [0], "SELECT late FROM effects" if "COLUMN" in change else "TABLE late"
    await put(kit.kafka, changed(unit, 1))

    async def of_tomorrow(conn: Connection, event: QuotaChanged) -> None:
        tries[0] += 1
        await conn.fetch(query)
        await keep_effect(conn, event)

    async with kit.consuming(kit.subscription(of_tomorrow, waits=0.0)):
        await until(lambda: asyncio.sleep(0, tries[0] > 3))
        before = await kit.parked()
        owner = await asyncpg.connect(database("bianban"), server_settings={"search_path": SERVICE})
        await owner.execute(f"SET ROLE bianban; {change}")
        await owner.close()
        await until(lambda: past(kit, unit, 1))

    assert (before, await kit.effects(unit), await kit.parked()) == ([], [1], [])


@pytest.mark.asyncio
async def test_a_consumer_is_forgotten_only_when_nobody_listens_under_its_name(kit: Kit) -> None:
    unit = uuid4()
    await put(kit.kafka, changed(unit, 1))
    answers: list[bool] = []

    async def ask() -> None:
        async with kit.database.transaction() as conn:
            answers.append(await forget(conn, "kit", kit.kafka[1]))

    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 1))
        await ask()
    await until(lambda: nobody(kit))
    await ask()

    assert answers == [False, True]
    assert (await kit.count("inbox"), await kit.count("consumer_positions"), await kit.count("aggregate_versions")) == (0, 0, 0)


async def nobody(kit: Kit) -> bool:
    left: int = await kit.database.pool.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'consumer kit' AND datname = current_database()"
    )
    return left == 0


@pytest.mark.asyncio
async def test_a_consumer_that_stays_behind_another_never_overtakes_it_and_comes_level_with_it(kit: Kit) -> None:
    unit = uuid4()
    front = kit.subscription(keep_effect)
    behind = replace(front, name="behind", behind="kit", handlers={})
    where = (kit.kafka[1] + TOPIC, partition_of(unit))
    await put(kit.kafka, *(changed(unit, version) for version in range(1, 6)))
    async with kit.consuming(front):
        await until(lambda: past(kit, unit, 5))
    await put(kit.kafka, *(changed(unit, version) for version in range(6, 11)))

    async def level(offset: int) -> bool:
        return await position(kit.database, "behind", *where) >= offset

    async with kit.consuming(behind):
        await until(lambda: level(5))
        await asyncio.sleep(1)
        waiting = await position(kit.database, "behind", *where)
        async with kit.consuming(front):
            await until(lambda: level(10))

    assert waiting == 5


@pytest.mark.asyncio
async def test_the_first_batch_after_a_start_is_one_transaction_and_leaves_no_mark(kit: Kit) -> None:
    unit = uuid4()
    await put(kit.kafka, *(changed(unit, version) for version in range(1, 21)))

    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 20))

    assert await transactions(kit) < 5
    assert await kit.count("attempts") == 0


@pytest.mark.asyncio
async def test_one_event_that_fails_costs_its_neighbours_a_few_transactions_and_not_one_each(kit: Kit) -> None:
    unit = uuid4()
    neighbour = unit_in(partition_of(unit))
    events = [changed(neighbour, version) for version in range(1, 257)]
    await put(kit.kafka, *events[:100], changed(unit, 2), *events[100:], changed(unit, 3))

    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 258))

    assert (await kit.effects(neighbour), await kit.effects(unit)) == ([*range(1, 257)], [])
    assert await kit.parked() == ["GapSeen", "waits behind an earlier dead letter of its key"]
    assert await transactions(kit) < 40
    assert await kit.count("attempts") == 0


async def transactions(kit: Kit) -> int:
    number: int = await kit.database.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM inbox")
    return number


@pytest.mark.asyncio
async def test_a_read_model_gathers_what_comes_meanwhile(kit: Kit) -> None:
    unit = uuid4()

    async with kit.consuming(replace(kit.subscription(keep_effect), gathers=2.0)):
        for version in range(1, 9):
            await put(kit.kafka, changed(unit, version))
        await until(lambda: past(kit, unit, 8))

    assert await transactions(kit) < 5


@pytest.mark.asyncio
async def test_what_goes_together_sees_one_event_of_each_key_at_a_time_and_each_key_in_its_order(kit: Kit) -> None:
    one, other = unit_in(0), unit_in(0)
    turns: list[list[tuple[UUID, int]]] = []

    async def remember(_: Connection, events: Sequence[QuotaChanged]) -> None:
        turns.append([(event.unit_id, event.version) for event in events])

    await put(kit.kafka, changed(one, 1), changed(one, 2), changed(other, 1), changed(one, 3), changed(other, 2))
    async with kit.consuming(kit.subscription(Together(remember))):
        await until(lambda: past(kit, one, 5))

    assert turns == [[(one, 1), (other, 1)], [(one, 2), (other, 2)], [(one, 3)]]


@pytest.mark.asyncio
async def test_the_relay_is_woken_when_there_is_something_to_send_and_left_alone_otherwise(kit: Kit) -> None:
    telling, silent = unit_in(0), unit_in(0)
    woken: list[str] = []

    async def tell(conn: Connection, event: QuotaChanged) -> None:
        await keep_effect(conn, event)
        if event.unit_id == telling:
            await append(conn, by(), changed(uuid4(), 1))

    listener = await asyncpg.connect(kit.url)
    await listener.add_listener(f"outbox_{SERVICE}", lambda *_: woken.append("woken"))
    async with kit.consuming(kit.subscription(tell)):
        await put(kit.kafka, changed(silent, 1))
        await until(lambda: past(kit, silent, 1))
        await listener.fetchval("SELECT 1")
        left_alone = not woken
        await put(kit.kafka, changed(telling, 1))
        await until(lambda: asyncio.sleep(0, bool(woken)))
    await listener.close()

    assert left_alone


@pytest.mark.asyncio
async def test_a_consumer_forgets_the_ids_of_old_events_step_by_step_and_no_others(kit: Kit) -> None:
    unit = uuid4()
    old = "INSERT INTO inbox (consumer, event_id, at) SELECT $1, gen_random_uuid(), now() - interval '31 days' FROM generate_series(1, $2)"
    await kit.database.pool.execute(old, "kit", 2 * inbox.STEP + 10)
    await kit.database.pool.execute(old, "another", 3)
    await put(kit.kafka, changed(unit, 1))

    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 1))
        await until(lambda: kit.database.pool.fetchval("SELECT count(*) = 1 FROM inbox WHERE consumer = 'kit'"))

    assert await kit.count("inbox") == 4


@pytest.mark.asyncio
async def test_a_position_never_goes_back(kit: Kit) -> None:
    unit = uuid4()
    await put(kit.kafka, changed(unit, 1))
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 1))
        await kit.database.pool.execute("UPDATE consumer_positions SET next_offset = 50")
        await put(kit.kafka, changed(unit, 2))
        await until(lambda: all_past(kit, [unit], 2))

    assert await next_offset(kit, unit) == 50


@pytest.mark.asyncio
async def test_a_log_that_has_lost_its_end_is_not_read_again_from_its_beginning(kit: Kit) -> None:
    """All of a parked key's history would be parked, and so would what was dropped."""
    unit = unit_in(0)
    other = unit_in(0)
    await put(kit.kafka, changed(unit, 1), changed(unit, 2), changed(unit, 3))
    subscription = kit.subscription(refusing(unit, 3))
    async with kit.consuming(subscription):
        await until(lambda: past(kit, unit, 3))
    await kit.database.pool.execute("UPDATE consumer_positions SET next_offset = 5")

    async with kit.consuming(subscription):
        await asyncio.sleep(3)
        assert await kit.parked() == ["conflict"]
        await put(kit.kafka, *(changed(unit_in(0), 1) for _ in range(2)), changed(other, 1))
        await until(lambda: past(kit, other, 6))

    assert (await kit.parked(), await kit.effects(other)) == (["conflict"], [1])
