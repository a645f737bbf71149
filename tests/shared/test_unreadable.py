"""What the driver cannot read: it is parked as what it is and stops nobody, and nothing is passed over whose end nobody tells."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import CorruptRecordException
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.util import calc_crc32c_py

from shared import dead_letters, given_up, listening
from shared.broker import Broker, new_batch, packed
from tests.shared.given import (
    HAND,
    TOPIC,
    Kit,
    changed,
    keep_effect,
    put,
    unit_in,
    until,
)


@pytest.mark.asyncio
async def test_a_record_that_the_driver_cannot_read_is_parked_and_stops_nobody(kit: Kit) -> None:
    here, beside = unit_in(0), unit_in(1)
    first, behind, other = changed(here, 1), changed(here, 2), changed(beside, 1)
    await put(kit.kafka, first)
    await put_unreadable(kit, 0)
    await put(kit.kafka, behind, other)
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: kit.handled(first, behind, other))

    assert sorted(await kit.effects(here)) == [1, 2]
    assert await kit.parked() == ["Unreadable: the driver cannot read offsets 1 to 1 (UnicodeDecodeError)"]


@pytest.mark.asyncio
async def test_it_is_looked_for_as_long_as_kafka_takes_to_answer(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not there within a fifth of a second was taken for nothing, again and again."""
    send = AIOKafkaClient.send

    async def late(client: AIOKafkaClient, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0.3)
        return await send(client, *args, **kwargs)

    first, behind = changed(unit_in(0), 1), changed(unit_in(0), 1)
    await put(kit.kafka, first)
    await put_unreadable(kit, 0)
    await put(kit.kafka, behind)
    monkeypatch.setattr(AIOKafkaClient, "send", late)
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: kit.handled(first, behind))

    assert await kit.parked() == ["Unreadable: the driver cannot read offsets 1 to 1 (UnicodeDecodeError)"]


Spoiling = Callable[[Callable[[bytearray], None], int], None]


def spoil(batch: bytearray, where: int) -> None:
    batch[where] ^= 1


def spoil_codec(batch: bytearray) -> None:
    """Packed as no driver knows; the checksum is right."""
    batch[22] |= 7
    batch[17:21] = calc_crc32c_py(batch[21:]).to_bytes(4, "big")


SPOILS = {"CorruptRecordException": lambda batch: spoil(batch, -1), "UnsupportedCodecError": spoil_codec}


@pytest.fixture
def spoiling(monkeypatch: pytest.MonkeyPatch) -> Spoiling:
    """What a disk or the way does to the batch that begins at offset 1 of partition 0, so many times at most."""
    send = AIOKafkaClient.send

    def begin(spoil_batch: Callable[[bytearray], None], times: int) -> None:
        left = [times]

        async def spoiled(client: AIOKafkaClient, node: int, request: Any, **more: Any) -> Any:
            answer = await send(client, node, request, **more)
            if isinstance(request, FetchRequest):
                left[0] = min(left[0], request._max_bytes)  # after a look at its head alone it is whole again
                answer.topics = [(topic, [_spoiled(part) for part in parts]) for topic, parts in answer.topics]
            return answer

        def _spoiled(part: tuple[Any, ...]) -> tuple[Any, ...]:
            *about, data = part
            at = start_of(data, 1)
            if part[0] == 0 and at is not None and left[0]:
                left[0] -= 1
                length = 12 + int.from_bytes(data[at + 8 : at + 12], "big")
                batch = bytearray(data[at : at + length])
                spoil_batch(batch)
                data = data[:at] + bytes(batch) + data[at + length :]
            return *about, data

        monkeypatch.setattr(AIOKafkaClient, "send", spoiled)

    return begin


def start_of(data: bytes, offset: int) -> int | None:
    """Where the batch with this first offset stands in an answer."""
    at = 0
    while at + 12 <= len(data):
        if int.from_bytes(data[at : at + 8], "big") == offset:
            return at
        at += 12 + int.from_bytes(data[at + 8 : at + 12], "big")
    return None


@pytest.mark.asyncio
@pytest.mark.parametrize("error", SPOILS)
async def test_a_batch_that_nobody_can_read_is_parked_as_a_whole_and_stops_nobody(kit: Kit, error: str, spoiling: Spoiling) -> None:
    here, beside = unit_in(0), unit_in(1)
    first, lost, behind, other = changed(here, 1), [changed(unit_in(0), 1) for _ in range(3)], changed(here, 2), changed(beside, 1)
    await put(kit.kafka, first)
    await put(kit.kafka, *lost)
    await put(kit.kafka, behind, other)
    spoiling(SPOILS[error], 1000)
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: kit.handled(first, behind, other))

    assert sorted(await kit.effects(here)) == [1, 2]
    assert await kit.parked() == [f"Unreadable: the driver cannot read offsets 1 to 3 ({error})"]


@pytest.mark.asyncio
async def test_what_could_not_be_read_is_read_again_by_a_consumer_that_works_on_and_that_is_kept(kit: Kit, spoiling: Spoiling) -> None:
    """As once a replica that has the batch whole leads its partition."""
    here = unit_in(0)
    first, *lost, behind = (changed(here, version) for version in (1, 2, 3, 4))
    await put(kit.kafka, first)
    await put(kit.kafka, *lost)
    spoiling(SPOILS["CorruptRecordException"], 1000)
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: kit.database.pool.fetchval("SELECT count(*) > 0 FROM dead_letters"))
        await put(kit.kafka, behind)
        await until(lambda: kit.database.pool.fetchval("SELECT max(next_offset) = 4 FROM consumer_positions"))
        spoiling(SPOILS["CorruptRecordException"], 0)
        records = await given_up.read_again(kit.database, HAND, "kit", kit.kafka[1] + TOPIC, 0, 1)
        await until(lambda: kit.database.pool.fetchval("SELECT count(*) = 3 FROM dead_letters"))
        await dead_letters.ask_replay(kit.database, "kit", str(here))
        await until(lambda: kit.database.pool.fetchval("SELECT count(*) = 0 FROM dead_letters"))

    kept = await kit.database.pool.fetch("SELECT deed, consumer, partition, at_offset, next_offset, actor, reason FROM given_up")
    assert (records, await kit.effects(here), await kit.parked()) == (range(1, 3), [1, 2, 3, 4], [])
    assert [tuple(row) for row in kept] == [("read_again", "kit", 0, 1, 3, HAND.actor, HAND.reason)]


@pytest.mark.asyncio
async def test_a_checksum_that_was_wrong_on_the_way_alone_parks_nothing(kit: Kit, spoiling: Spoiling) -> None:
    first, second = changed(unit_in(0), 1), changed(unit_in(0), 1)
    await put(kit.kafka, first)
    await put(kit.kafka, second)
    spoiling(SPOILS["CorruptRecordException"], 2)
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: kit.handled(first, second))

    assert (await kit.effects(), await kit.parked()) == ([1, 1], [])


@pytest.mark.asyncio
async def test_where_a_broken_batch_does_not_even_tell_its_end_nothing_is_passed_over(kit: Kit, spoiling: Spoiling) -> None:
    broken, other = [changed(unit_in(0), 1) for _ in range(2)], changed(unit_in(1), 1)
    await put(kit.kafka, broken[0])
    await put(kit.kafka, broken[1], other)
    spoiling(lambda batch: spoil(batch, 23), 1000)
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: kit.handled(*broken, other))

    assert (await kit.effects(), await kit.parked()) == ([1, 1, 1], [])


@pytest.mark.asyncio
async def test_a_consumer_that_stands_before_such_a_batch_goes_on_where_it_is_led_and_that_is_kept(
    kit: Kit, spoiling: Spoiling, monkeypatch: pytest.MonkeyPatch
) -> None:
    stood = asyncio.Event()

    async def endless(*_: object) -> int:
        stood.set()
        raise CorruptRecordException

    told: list[dict[str, str]] = []
    monkeypatch.setattr(listening, "RECONNECTS", SimpleNamespace(add=lambda _, labels: told.append(labels)))
    monkeypatch.setattr(listening, "_past", endless)
    first, lost, behind = (changed(unit_in(0), 1) for _ in range(3))
    for event in (first, lost, behind):
        await put(kit.kafka, event)
    spoiling(SPOILS["CorruptRecordException"], 1000)
    async with kit.consuming(kit.subscription(keep_effect)):
        await asyncio.wait_for(stood.wait(), 60)
        before = await given_up.pass_over(kit.database, HAND, "kit", kit.kafka[1] + TOPIC, 0, 2)
        await until(lambda: kit.handled(first, behind))

    kept = await kit.database.pool.fetch("SELECT deed, consumer, partition, at_offset, next_offset, actor, reason FROM given_up")
    assert (before, await kit.effects(), await kit.parked()) == (1, [1, 1], [])
    assert {"messaging.consumer.group.name": "kit"} in told  # a reader that stands is heard of, however few events wait
    assert [tuple(row) for row in kept] == [("pass_over", "kit", 0, 1, 2, HAND.actor, HAND.reason)]


@pytest.mark.asyncio
@pytest.mark.parametrize("answered", [b"", bytes(26), bytes(27)], ids=["nothing", "half a head", "the head of another"])
async def test_a_batch_whose_end_nobody_tells_is_not_passed_over(answered: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when its leader has moved meanwhile."""
    told: list[tuple[str, int, int]] = []
    log = SimpleNamespace(error=lambda _, topic, partition, offset: told.append((topic, partition, offset)))
    monkeypatch.setattr(listening, "_log", log)

    async def send(_: int, __: FetchRequest) -> SimpleNamespace:
        return SimpleNamespace(topics=[(TOPIC, [(0, 6, -1, -1, None, answered)])])

    client = SimpleNamespace(send=send, cluster=SimpleNamespace(leader_for_partition=lambda _: 1))
    with pytest.raises(CorruptRecordException):
        await listening._past(cast("AIOKafkaConsumer", SimpleNamespace(_client=client)), TopicPartition(TOPIC, 0), 5, 9)
    assert told == [(TOPIC, 0, 5)]


async def put_unreadable(kit: Kit, partition: int) -> None:
    """A header's name that is no UTF-8; any program that may write may write it."""
    batch = new_batch()
    batch.append(timestamp=None, key=b"k", value=b"{}", headers=[("~~", b"")])
    spoiled = bytearray(packed(batch).replace(b"~~", b"\xff\xfe"))
    spoiled[17:21] = calc_crc32c_py(spoiled[21:]).to_bytes(4, "big")
    broker = await Broker.connect(kit.kafka[0])
    await broker.append({(kit.kafka[1] + TOPIC, partition): bytes(spoiled)})
    await broker.close()
