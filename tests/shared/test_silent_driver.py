"""The driver under the consumer: one that has fallen silent is made anew, and none keeps a consumer from its end."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from opentelemetry.metrics import CallbackOptions

from shared import listening, metrics, watching
from tests.shared.given import (
    TOPIC,
    Kit,
    changed,
    keep_effect,
    past,
    put,
    unit_in,
    until,
)


@pytest.mark.asyncio
async def test_a_consumer_that_has_ended_tells_no_lag_any_more(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild that is given up far behind would be lagging for ever."""
    monkeypatch.setattr(metrics, "collected", lambda: True)
    monkeypatch.setattr(watching, "EVERY", 0.1)
    async with kit.consuming(kit.subscription(keep_effect)):
        await until(lags)

    assert not await lags()


async def lags() -> bool:
    return any((each.attributes or {})["group"] == "kit" for each in metrics.LAG._tell(CallbackOptions()))


@pytest.mark.asyncio
@pytest.mark.parametrize("silent", ["fetches no more", "has moved"])
async def test_a_driver_that_has_fallen_silent_is_made_anew(kit: Kit, silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fetches inside it has ended, or the addresses it knows answer no more (ports that nobody listens at)."""
    unit, made = unit_in(0), list[AIOKafkaConsumer]()

    class Watched(AIOKafkaConsumer):  # type: ignore[misc]  # the driver has no types
        def __init__(self, **settings: object) -> None:
            super().__init__(**settings)
            made.append(self)

    monkeypatch.setattr(listening, "AIOKafkaConsumer", Watched)
    monkeypatch.setattr(listening, "SILENCE", 1.0)
    async with kit.consuming(kit.subscription(keep_effect)):
        await put(kit.kafka, changed(unit, 1))
        await until(lambda: past(kit, unit, 1))
        asked = {*made[0]._fetcher._pending_tasks}
        if silent == "fetches no more":
            made[0]._fetcher._fetch_task.cancel()
        else:
            lose_the_way(made[0]._client)
        await asyncio.gather(*asked, return_exceptions=True)  # what it had asked for already is answered
        await put(kit.kafka, changed(unit, 2))
        await until(lambda: past(kit, unit, 2))

    assert await kit.effects(unit) == [1, 2]
    assert len(made) > 1


def lose_the_way(client: AIOKafkaClient) -> None:
    client.cluster._bootstrap_brokers = client.cluster._brokers = {
        number: node._replace(port=9) for number, node in client.cluster._brokers.items()
    }
    for conn in [*client._conns.values()]:
        conn.close()


@pytest.mark.asyncio
async def test_a_driver_that_cannot_end_well_lets_go_of_its_connections_all_the_same(kit: Kit) -> None:
    """As while the broker is down: the driver's fetcher awaits what it has cancelled (its `close` is replaced here; the broker is the other tests', too)."""
    async with listening._listening(kit.url, kit.kafka[0], kit.subscription(keep_effect)) as (_, driver):
        await driver.end_offsets([TopicPartition(kit.kafka[1] + TOPIC, 0)])
        connections, close = [*driver._client._conns.values()], driver._fetcher.close

        async def cancelled() -> None:
            await close()
            raise asyncio.CancelledError

        driver._fetcher.close = cancelled

    assert connections
    assert not any(each.connected() for each in connections)


@pytest.mark.asyncio
async def test_a_consumer_that_is_told_to_end_ends_also_while_its_driver_does_not(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker would outlive its SIGTERM."""
    unit, stopped = unit_in(0), listening._stopped
    await put(kit.kafka, changed(unit, 1))

    async def slowly(driver: AIOKafkaConsumer) -> None:
        await stopped(driver)
        await asyncio.sleep(7)

    monkeypatch.setattr(listening, "_stopped", slowly)
    running = asyncio.create_task(listening._listen(kit.database, kit.url, kit.kafka[0], kit.subscription(keep_effect)))
    await until(lambda: past(kit, unit, 1))
    running.cancel()
    await asyncio.wait([running], timeout=12)
    ended = running.cancelled()
    running.cancel()
    await asyncio.wait([running], timeout=12)

    assert ended
