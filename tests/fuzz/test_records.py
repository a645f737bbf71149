"""Anything at all in a topic: the consumer goes on with the other keys, what is broken is parked with a reason, and nobody's name is told."""

import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from deploy import dead_letters as command
from shared import dead_letters, masked
from shared.listening import position
from shared.replays import replay
from tests.shared.given import HAND, NOW, TOPIC, Kit, Where, changed, keep_effect, kit_of, partition_of, put, unit_in, until

BROKEN = 120
CHECKSUM, CHECKED = 17, 21
"""Where the checksum of a batch stands, and where what it is made of begins."""
NAME, NUMBER = "张测试", "330499198603051236"
Sent = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]


@pytest_asyncio.fixture
async def kit(database: Where, kafka: tuple[str, str]) -> AsyncIterator[Kit]:
    async with kit_of(database, kafka) as made:
        yield made


def spoilt(chance: random.Random) -> Sent:
    """An event with something broken, or nothing of an event at all."""
    event = changed(uuid4(), 1)
    fields = json.loads(event.body())
    headers, key, noise = event.headers(), event.key.encode(), chance.randbytes(chance.randint(0, 200))
    planted = json.dumps(fields | {"effective_on": NAME, "unit_id": NUMBER}).encode()
    broken: list[Sent] = [
        (key, noise, _told(headers)),
        (key, planted, _told(headers)),
        (key, event.body(), _told(headers | {"ce_type": "roster.quota_changed.v2"})),
        (key, event.body(), _told(headers | {"ce_type": "approval.application_moved.v1"})),
        (key, event.body(), _told(headers | {"ce_id": NUMBER})),
        (key, event.body(), [(NAME, noise), *_told(headers)[2:]]),
        (str(uuid4()).encode(), event.body(), _told(headers)),
        (noise or b"?", event.body(), _told(headers)),
        (key, b'{"x":' * 50_000, _told(headers)),
        (key, json.dumps(fields | {"colour": NAME * 40_000, "version": NAME}).encode(), _told(headers)),
        (key, None, _told(headers)),
        (None, noise or b"?", []),
        (noise or b"?", noise, [(chance.choice(["ce_id", "ce_type", "\0"]), noise)]),
    ]
    return chance.choice(broken)


def _told(headers: dict[str, str]) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in headers.items()]


async def send(kafka: tuple[str, str], partition: int, *records: Sent) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka[0])
    await producer.start()
    try:
        for key, value, headers in records:
            await producer.send_and_wait(kafka[1] + TOPIC, value, key=key, headers=headers, partition=partition)
    finally:
        await producer.stop()


async def past(kit: Kit, unit: UUID, offset: int) -> bool:
    return await position(kit.database, "kit", kit.kafka[1] + TOPIC, partition_of(unit)) >= offset


@pytest.mark.asyncio
async def test_whatever_stands_in_a_topic_other_keys_go_on_and_all_that_is_broken_is_parked_without_a_name(
    kit: Kit, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, good = random.Random(1), unit_in(0)
    subscription = replace(kit.subscription(keep_effect), share_limit=2.0)
    async with kit.consuming(subscription):
        for version in range(1, 7):
            await send(kit.kafka, 0, *(spoilt(chance) for _ in range(BROKEN // 6)))
            await put(kit.kafka, changed(good, version))
        await until(lambda: past(kit, good, BROKEN + 6))

    reasons = await kit.parked()
    assert await kit.effects() == [1, 2, 3, 4, 5, 6]
    assert len(reasons) == BROKEN
    assert all(reasons)
    said = "\n".join(reasons) + caplog.text + "".join(capsys.readouterr())
    assert NAME not in said
    assert NUMBER not in said


@pytest.mark.asyncio
async def test_an_event_under_another_key_is_parked_and_stays_refused_until_it_is_dropped(kit: Kit) -> None:
    unit, stranger = unit_in(0), unit_in(0)
    event = changed(unit, 1)
    subscription = kit.subscription(keep_effect)
    await send(kit.kafka, 0, (str(stranger).encode(), event.body(), _told(event.headers())))
    async with kit.consuming(subscription):
        await until(lambda: past(kit, unit, 1))

    assert await kit.parked() == ["Unreadable: the record's key is another"]
    with pytest.raises(Exception, match="key is another"):
        await replay(kit.database, subscription, str(stranger))
    assert await dead_letters.drop(kit.database, "kit", str(stranger), HAND) == 1
    async with kit.consuming(subscription):
        await put(kit.kafka, changed(unit, 1))
        await until(lambda: past(kit, unit, 2))
    assert await kit.effects(unit) == [1]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "broken",
    [
        {"ce_sequence": "000000000003"},
        {"ce_sequence": f"{2**31:012d}"},
        {"ce_type": "approval.application_moved.v1", "ce_sequence": "000000000003"},
    ],
)
async def test_what_is_dropped_counts_only_where_its_place_is_told_by_the_event_itself(kit: Kit, broken: dict[str, str]) -> None:
    unit = unit_in(0)
    await put(kit.kafka, changed(unit, 1), headers=broken)
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 1))
        dropped = await dead_letters.drop(kit.database, "kit", str(unit), HAND)
        await put(kit.kafka, changed(unit, 1), changed(unit, 2), changed(unit, 3))
        await until(lambda: past(kit, unit, 4))

    assert (dropped, await kit.effects(unit), await kit.parked()) == (1, [1, 2, 3], [])


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"nothing that reads"),
        ({"ce_type": "roster.not_known_yet.v1"}, b"{}"),
    ],
)
async def test_an_event_of_the_key_that_nobody_could_read_is_passed_over_when_it_is_dropped(
    kit: Kit, headers: dict[str, str], body: bytes
) -> None:
    unit = unit_in(0)
    await put(kit.kafka, changed(unit, 1), headers=headers, body=body)
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 1))
        dropped = await dead_letters.drop(kit.database, "kit", str(unit), HAND)
        await put(kit.kafka, changed(unit, 2))
        await until(lambda: past(kit, unit, 2))

    assert (dropped, await kit.effects(unit), await kit.parked()) == (1, [2], [])


@pytest.mark.asyncio
async def test_what_is_parked_for_a_key_is_shown_in_order_and_hides_names_and_numbers(kit: Kit) -> None:
    unit = unit_in(0)
    fields = json.loads(changed(unit, 1).body()) | {"effective_on": NAME, "id_number": NUMBER, NAME: int(NUMBER), "who": "zhangsan"}
    await put(kit.kafka, changed(unit, 1), body=json.dumps(fields).encode())
    await put(kit.kafka, changed(unit, 2), changed(unit, 3))
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lambda: past(kit, unit, 3))

    parked = await dead_letters.of_key(kit.database, str(unit))
    shown = [command._shown(each) for each in parked]

    assert [each.headers["ce_sequence"][-1] for each in parked] == ["1", "2", "3"]
    assert all(str(unit) in each and "roster.quota_changed.v1" in each for each in shown)
    assert str(NOW.date()) in shown[1]
    assert not [hidden for hidden in (NAME, NUMBER, "zhangsan") if hidden in "\n".join(shown)]


def test_a_record_of_a_stranger_shows_its_ids_alone() -> None:
    unit = str(uuid4())

    assert masked.event_type(NAME) == "（未知类型）"
    assert masked.body("nobody.knows.v1", json.dumps({"unit_id": unit, "who": "zhangsan"}).encode()) == {
        "（7 字）": unit,
        "（3 字）": "（8 字）",
    }
    assert masked.body("", b"\xff") == "（不是 JSON，1 字节）"
    assert masked.headers({"ce_subject": f"unit/{unit}", "ce_time": NAME, NAME: NAME}) == {
        "ce_subject": f"unit/{unit}",
        "ce_time": "（3 字）",
    }
