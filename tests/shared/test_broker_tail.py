"""A broker that comes back without what it had acknowledged: it is told again, in order, and nobody's position hides anything."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import NotLeaderForPartitionError

from deploy.bootstrap import create_topics
from shared import broker_tail, dead_letters, kafka, outbox
from shared.broker import At, Broker, End
from shared.broker_tail import Led
from shared.db import Connection, readable_json
from shared.kafka import KafkaSender
from tests.shared.given import TOPIC, Kit, by, changed, keep_effect, put, taken, unit_in, until


async def lose_everything(where: tuple[str, str]) -> None:
    """The topic is as it was at first: empty."""
    admin = AIOKafkaAdminClient(bootstrap_servers=where[0])
    await admin.start()
    try:
        await admin.delete_topics([where[1] + TOPIC])
        await until(lambda: gone(admin, where[1] + TOPIC))
    finally:
        await admin.close()
    await create_topics(*where)


async def gone(admin: AIOKafkaAdminClient, topic: str) -> bool:
    return topic not in await admin.list_topics()


@pytest.mark.asyncio
@pytest.mark.parametrize("noticed", ["before anything is sent", "by an answer"])
async def test_what_the_broker_has_lost_is_told_again_in_order_and_read_from_any_position(
    kit: Kit, noticed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = [uuid4() for _ in range(3)]
    subscription = kit.subscription(keep_effect)
    sender = KafkaSender(*kit.kafka)

    async def written(*versions: int) -> None:
        async with kit.database.transaction() as conn:
            await outbox.append(conn, by(), *(changed(unit, version) for unit in units for version in versions))
        kit.database.wake()
        await until(lambda: empty(kit))

    async def empty(kit: Kit) -> bool:
        return await kit.count("outbox") == 0

    relay = asyncio.create_task(outbox.relay(kit.database, kit.url, sender))
    async with kit.consuming(subscription):
        await written(1)
        await written(2)
        doubles = [changed(unit, 2) for unit in units]  # so that what is told again comes to other offsets than before
        await put(kit.kafka, *doubles)
        await until(lambda: kit.handled(*doubles))
    await written(3)
    await lose_everything(kit.kafka)
    sender._answered = 0.0
    if noticed == "by an answer":
        monkeypatch.setattr(kafka, "SURE", 3600.0)
        sender._answered = time.monotonic()
    await written(*range(4, 12))  # more than was lost: the log is soon as long as it was
    async with kit.consuming(subscription):
        await until(lambda: all_taken(kit, units, replayed=noticed == "by an answer"))
    relay.cancel()
    await asyncio.wait([relay])

    assert [await kit.effects(unit) for unit in units] == [[*range(1, 12)]] * 3
    assert await kit.parked() == []


@pytest.mark.asyncio
async def test_an_answer_from_before_a_loss_that_another_relay_has_noticed_counts_for_nothing(kit: Kit) -> None:
    """The slow relay's event was read by everybody, and is lost; the quick relay cannot put back what it does not know."""
    unit, slow, quick = uuid4(), KafkaSender(*kit.kafka), KafkaSender(*kit.kafka)
    async with own(kit) as conn:
        await told(kit, unit, 1)
        await slow.forget(conn, await sent(slow, conn))
        await told(kit, unit, 2)
        answered = await sent(slow, conn)
        await lose_everything(kit.kafka)
        await until(lambda: quick.ready(conn))  # looks, puts 1 back, fills up
        await slow.forget(conn, answered)
        waiting = await conn.fetch("SELECT (headers ->> 'ce_sequence')::integer AS version FROM outbox ORDER BY id")
        assert [row["version"] for row in waiting] == [1, 2]
        await slow.forget(conn, await sent(slow, conn))
        assert await kit.count("outbox") == 0
    assert await taken(kit.kafka) == [(str(unit), 1), (str(unit), 2)]


@pytest.mark.asyncio
async def test_after_a_change_of_leader_nobodys_position_hides_what_comes_next(kit: Kit) -> None:
    """A reader had read what was never answered and is lost: its position lies behind an end that nobody finds too short."""
    unit, subscription, first, next_one = uuid4(), kit.subscription(keep_effect), KafkaSender(*kit.kafka), KafkaSender(*kit.kafka)
    async with own(kit) as conn:
        await told(kit, unit, 1)
        await first.forget(conn, await sent(first, conn))
        async with kit.consuming(subscription):
            await until(lambda: effects(kit, 1))
        await conn.execute("UPDATE consumer_positions SET next_offset = next_offset + 3")
        await conn.execute("UPDATE topic_ends SET epoch = epoch - 1")
        await told(kit, unit, 2)
        await next_one.forget(conn, await sent(next_one, conn))
        async with kit.consuming(subscription):
            await until(lambda: effects(kit, 2))
    assert await kit.parked() == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("seen", "margin"),
    [("over the same connection", False), ("over a new one", False), ("by the new one alone", True), ("after a death", True)],
)
async def test_whoever_leads_anew_without_having_died_has_forgotten_nothing(
    kit: Kit, seen: str, margin: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late controller fences a broker that lives: a margin of empty records in every log, each time, made a busy machine busier still."""
    sender, unit, looked, anew = KafkaSender(*kit.kafka), unit_in(0), Broker.ends, set[Broker]()

    async def ends(broker: Broker, asked: Collection[At]) -> dict[At, End]:
        told = await looked(broker, asked)
        return {at: end._replace(epoch=end.epoch + 1) for at, end in told.items()} if not anew or broker not in anew else told

    async with own(kit) as conn:
        await told(kit, unit, 1)
        await sender.forget(conn, await sent(sender, conn))
        before, sender._answered = cast("Broker", sender._broker), 0.0
        await until(lambda: sender.ready(conn))
        monkeypatch.setattr(Broker, "ends", ends)
        if seen != "over the same connection":
            await sender._doubt(NotLeaderForPartitionError())
        if seen == "by the new one alone":
            anew.add(before)
        if seen == "after a death":
            for each in before._nodes.values():
                each._writer.transport.abort()
        sender._answered = 0.0
        await until(lambda: sender.ready(conn))
        (led,) = await conn.fetch("SELECT next_offset, losses FROM topic_ends")
        await told(kit, unit, 2)
        await sender.forget(conn, await sent(sender, conn))

    assert tuple(led) == ((1 + broker_tail.MARGIN, 1) if margin else (1, 0))
    assert await taken(kit.kafka) == [(str(unit), 1), (str(unit), 2)]


@pytest.mark.asyncio
async def test_what_is_lost_and_not_kept_any_more_is_told_again_with_all_of_its_partition(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that drops a whole segment has lost what it had on its disk; which events those were, nobody kept (once in an hour of `bianban chaos`)."""
    sender, units = KafkaSender(*kit.kafka), [uuid4() for _ in range(12)]
    async with own(kit) as conn:
        for version in (1, 2, 3):
            for unit in units:
                await told(kit, unit, version)
            await sender.forget(conn, await sent(sender, conn))
        await conn.execute("DELETE FROM sent")
        partition = await conn.fetchval(
            "UPDATE topic_ends SET epoch = epoch - 1 WHERE partition = (SELECT max(partition) FROM topic_ends) RETURNING partition"
        )

        async def shortened(_: Broker, epochs: Mapping[At, int]) -> dict[At, int]:
            return dict.fromkeys(epochs, 1)

        monkeypatch.setattr(Broker, "ends_of", shortened)
        await until(lambda: KafkaSender(*kit.kafka).ready(conn))
        waiting = await conn.fetch("SELECT key, (headers ->> 'ce_sequence')::integer AS version FROM outbox ORDER BY id")

    there = [str(unit) for unit in units if partition_of(str(unit)) == partition]
    assert {key: [row["version"] for row in waiting if row["key"] == key] for key in {row["key"] for row in waiting}} == {
        key: [1, 2, 3] for key in there
    }


@pytest.mark.asyncio
async def test_empty_records_that_are_lost_are_no_loss(kit: Kit) -> None:
    unit, sender = uuid4(), KafkaSender(*kit.kafka)
    async with own(kit) as conn:
        await told(kit, unit, 1)
        await sender.forget(conn, await sent(sender, conn))
        await conn.execute("UPDATE topic_ends SET epoch = epoch - 1")
        await until(lambda: KafkaSender(*kit.kafka).ready(conn))  # fills it up
        await conn.execute("DELETE FROM sent WHERE event_ids <> ''")
        await conn.execute("UPDATE topic_ends SET next_offset = next_offset + 10")

        await until(lambda: KafkaSender(*kit.kafka).ready(conn))

    assert await kit.count("outbox") == 0


def partition_of(key: str) -> int:
    return kafka._partition_of(key, tuple(range(6)))


@pytest.mark.asyncio
async def test_what_a_leader_had_is_told_again_also_where_somebody_has_written_behind_what_is_left(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is as long as it was; that its old leader's part ends before is what the broker tells (in `bianban chaos` for real)."""
    unit, sender = uuid4(), KafkaSender(*kit.kafka)
    async with own(kit) as conn:
        for version in (1, 2, 3):
            await told(kit, unit, version)
            await sender.forget(conn, await sent(sender, conn))
        await conn.execute("UPDATE topic_ends SET epoch = epoch - 1")

        async def shortened(_: Broker, epochs: Mapping[At, int]) -> dict[At, int]:
            return dict.fromkeys(epochs, 1)

        monkeypatch.setattr(Broker, "ends_of", shortened)
        await until(lambda: KafkaSender(*kit.kafka).ready(conn))
        waiting = await conn.fetch("SELECT (headers ->> 'ce_sequence')::integer AS version FROM outbox ORDER BY id")
        assert [row["version"] for row in waiting] == [2, 3]


@pytest.mark.asyncio
async def test_a_log_tells_where_a_leaders_part_ends_and_nothing_of_leaders_to_come(kit: Kit) -> None:
    sender = KafkaSender(*kit.kafka)
    async with own(kit) as conn:
        for version in (1, 2):
            await told(kit, uuid4(), version)
            await sender.forget(conn, await sent(sender, conn))
    broker = await Broker.connect(kit.kafka[0])
    ends = await broker.ends(sender._led)

    assert await broker.ends_of({at: end.epoch for at, end in ends.items()}) == {at: end.offset for at, end in ends.items()}
    assert await broker.ends_of({at: end.epoch + 1 for at, end in ends.items()}) == {}
    await broker.close()


@pytest.mark.asyncio
async def test_nothing_is_sent_over_a_new_connection_before_it_was_looked_at(kit: Kit) -> None:
    sender = KafkaSender(*kit.kafka)
    async with own(kit) as conn:
        await told(kit, uuid4(), 1)
        assert await sender.ready(conn)
        assert sender._broker is not None
        for each in sender._broker._nodes.values():
            each._writer.transport.abort()
        rows = await conn.fetch(WAITING)
        assert [*await sender.send(rows)] == []
        assert [*await sender.send(rows)] == []
        assert await taken(kit.kafka) == []
        assert len(await sent(sender, conn)) == 1


@pytest.mark.asyncio
async def test_where_a_leader_has_moved_to_is_asked_at_once_also_while_the_others_answer(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A balance of leaders breaks no connection: under load the old one would be asked until the next look, a minute later."""
    stays, moves = unit_in(0), unit_in(1)
    sender = KafkaSender(*kit.kafka)
    async with own(kit) as conn:
        await told(kit, stays, 1)
        await sender.forget(conn, await sent(sender, conn))
        before = cast("Broker", sender._broker)
        answered = before.append
        monkeypatch.setattr(before, "append", lambda batches: answered({at: batches[at] for at in batches if at[1] == 0}))
        await told(kit, moves, 1)
        for version in (2, 3):
            await told(kit, stays, version)
            assert await sender.ready(conn)
            await sender.forget(conn, await sender.send(await conn.fetch(WAITING)))

    assert await kit.count("outbox") == 0


@pytest.mark.asyncio
async def test_what_is_on_the_disk_long_since_is_forgotten_also_under_a_load_without_a_pause(kit: Kit) -> None:
    sender = KafkaSender(*kit.kafka)
    async with own(kit) as conn:
        for version in (1, 2):
            await told(kit, uuid4(), version)
            await sender.forget(conn, await sent(sender, conn))
        await conn.execute("UPDATE sent SET at = at - interval '1 hour'")
        sender._answered, sender._trimmed = time.monotonic(), time.monotonic() - 61
        assert await sender.ready(conn)
        assert await kit.count("sent") == 0


WAITING = "SELECT id, destination, event_id, key, type, headers, body FROM outbox ORDER BY id"


@asynccontextmanager
async def own(kit: Kit) -> AsyncIterator[Connection]:
    """A relay's connection."""
    conn = await asyncpg.connect(kit.url)
    try:
        await readable_json(conn)
        yield conn
    finally:
        await conn.close()


async def told(kit: Kit, unit: UUID, version: int) -> None:
    async with kit.database.transaction() as conn:
        await outbox.append(conn, by(), changed(unit, version))


async def sent(sender: KafkaSender, conn: Connection) -> Collection[int]:
    """Send what waits; a topic that is a moment old may have no leader yet."""
    answered: Collection[int] = ()

    async def send() -> bool:
        nonlocal answered
        if await sender.ready(conn):
            answered = await sender.send(await conn.fetch(WAITING))
        return bool(answered)

    await until(send)
    return answered


@pytest.mark.asyncio
async def test_a_broker_that_does_not_answer_has_taken_nothing(kit: Kit) -> None:
    async with kit.database.transaction() as conn:
        await outbox.append(conn, by(), changed(uuid4(), 1))
        rows = await conn.fetch(WAITING)

    assert [*await KafkaSender("127.0.0.1:9").send(rows)] == []


async def all_taken(kit: Kit, units: list[UUID], *, replayed: bool) -> bool:
    """What landed before the loss was noticed may come to a reader too early: its key is parked, and a replay puts it right, in order."""
    for unit in units if replayed and await kit.count("dead_letters") else ():
        await dead_letters.ask_replay(kit.database, "kit", str(unit))
    return await effects(kit, 33)


async def effects(kit: Kit, number: int) -> bool:
    return len(await kit.effects()) == number


@pytest.mark.asyncio
async def test_a_look_that_took_too_long_leaves_no_transaction_open(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to the look's BEGIN comes when nobody waits for it any more."""
    put_back, held = broker_tail.put_back, asyncio.Event()

    async def answered_late(conn: Any, *what: Any) -> tuple[int, Led]:
        if not held.is_set():
            held.set()
            conn._transport.pause_reading()
            asyncio.get_running_loop().call_later(3, conn._transport.resume_reading)
        return await put_back(conn, *what)

    sender = KafkaSender(*kit.kafka)
    async with own(kit) as conn:
        await told(kit, uuid4(), 1)
        await sender.forget(conn, await sent(sender, conn))
    await kit.database.pool.execute("UPDATE topic_ends SET epoch = epoch - 1")
    await told(kit, uuid4(), 2)
    monkeypatch.setattr(broker_tail, "put_back", answered_late)
    monkeypatch.setattr(outbox, "lock_connection", lambda url, *_, **__: asyncpg.connect(url, command_timeout=2))
    relaying = asyncio.create_task(outbox.relay(kit.database, kit.url, KafkaSender(*kit.kafka)))
    await held.wait()
    await until(lambda: all_sent(kit))
    relaying.cancel()
    await asyncio.wait([relaying])


async def all_sent(kit: Kit) -> bool:
    return await kit.count("outbox") == 0


@pytest.mark.asyncio
async def test_who_is_told_to_end_as_the_last_connection_closes_ends() -> None:
    closed = asyncio.get_running_loop().create_future()
    node = cast("AIOKafkaConnection", SimpleNamespace(close=lambda: closed))
    dropping = asyncio.create_task(Broker(ClusterMetadata(), {0: node}).close())
    await asyncio.sleep(0.1)
    closed.set_result(None)
    await asyncio.sleep(0)
    dropping.cancel()
    await asyncio.wait([dropping])

    assert dropping.cancelled()
