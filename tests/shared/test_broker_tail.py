"""A broker that comes back without what it had acknowledged: it is told again, in order, and nobody's position hides anything."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient

from deploy.bootstrap import create_topics
from shared import dead_letters, kafka, outbox
from shared.kafka import KafkaSender
from tests.shared.given import TOPIC, Kit, Where, by, changed, keep_effect, kit_of, put, until


@pytest_asyncio.fixture
async def kit(database: Where, kafka: tuple[str, str]) -> AsyncIterator[Kit]:
    async with kit_of(database, kafka) as made:
        yield made


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
async def test_a_broker_that_does_not_answer_has_taken_nothing(kit: Kit) -> None:
    async with kit.database.transaction() as conn:
        await outbox.append(conn, by(), changed(uuid4(), 1))
        rows = await conn.fetch("SELECT id, destination, event_id, key, type, headers, body FROM outbox")

    assert [*await KafkaSender("127.0.0.1:9").send(rows)] == []


async def all_taken(kit: Kit, units: list[UUID], *, replayed: bool) -> bool:
    """What landed before the loss was noticed may come to a reader too early: its key is parked, and a replay puts it right, in order."""
    for unit in units if replayed and await kit.count("dead_letters") else ():
        await dead_letters.ask_replay(kit.database, "kit", str(unit))
    return await effects(kit, 33)


async def effects(kit: Kit, number: int) -> bool:
    return len(await kit.effects()) == number
