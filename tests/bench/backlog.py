"""`backlog`: 200 000 outbox rows → Kafka → effect, one relay and one consumer, against the slower of `send_batch` and inbox rows alone.

`relay`: an outbox emptied by 1, 2 and 4 relays. `workers`: a topic worked off by 1 and 2 consumers. All with processes of their own; events per second.
"""

import time
from functools import partial

from deploy.local.place import Place
from tests.bench import bare_stream
from tests.bench.bench_stack import scaled
from tests.bench.figures import Figure, at_least, medians, shown
from tests.bench.stream import Part, Stream

ROWS, SOME_ROWS, FLOOR_ROWS = 200_000, 60_000, 60_000


async def measure(place: Place) -> list[Figure]:
    """One run of ours between the floors."""
    before = await _floor(place)
    ours = await through(place, scaled(ROWS))
    return [Figure("backlog", ours, (before + await _floor(place)) / 2, "per s", at_least(0.3))]


async def measure_relays(place: Place) -> list[Figure]:
    """The same outbox with so many relays."""
    *rates, floor = await medians(
        *[partial(emptied, place, scaled(SOME_ROWS), relays) for relays in (1, 2, 4)],
        partial(bare_stream.sending, place, scaled(FLOOR_ROWS)),
        rounds=1,
    )
    return [Figure(f"relay: {relays}", rate, floor, "per s", shown()) for relays, rate in zip((1, 2, 4), rates, strict=True)]


async def measure_workers(place: Place) -> list[Figure]:
    """The same topic with so many consumers."""
    *rates, floor = await medians(
        *[partial(_worked_off, place, scaled(SOME_ROWS), workers) for workers in (1, 2)],
        partial(bare_stream.inbox, place, scaled(FLOOR_ROWS)),
        rounds=1,
    )
    return [Figure(f"workers: {workers}", rate, floor, "per s", shown()) for workers, rate in zip((1, 2), rates, strict=True)]


async def _floor(place: Place) -> float:
    return min(await medians(*[partial(each, place, scaled(FLOOR_ROWS)) for each in (bare_stream.sending, bare_stream.inbox)], rounds=1))


async def through(place: Place, count: int) -> float:
    """From the commit of the rows to the last effect; each event has exactly one, or the figure is worth nothing."""
    async with Stream.fresh(place) as stream, stream.running("relay", "consumer"):
        await stream.fill(count)
        began = time.monotonic()
        await stream.handled(count)
        took = time.monotonic() - began
        if (found := await stream.effects()) != count:
            raise RuntimeError(f"{found} effects of {count} events")
    return count / took


async def emptied(place: Place, count: int, relays: int) -> float:
    """From the commit of the rows to an empty outbox."""
    async with Stream.fresh(place) as stream, stream.running(*_times("relay", relays)):
        await stream.fill(count)
        began = time.monotonic()
        await stream.sent()
        return count / (time.monotonic() - began)


async def _worked_off(place: Place, count: int, workers: int) -> float:
    """From the first effect to the last."""
    async with Stream.fresh(place) as stream:
        async with stream.running("relay"):
            await stream.fill(count)
            await stream.sent()
        async with stream.running(*_times("consumer", workers)):
            await stream.handled(count)
        return count / await stream.seconds_of_effects()


def _times(part: Part, number: int) -> list[Part]:
    return [part] * number
