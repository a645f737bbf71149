"""A server of a stack of our own is frozen: it takes connections and says nothing. The doors answer in time, and all goes on by itself."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

import asyncpg
import httpx
import pytest
import pytest_asyncio

from deploy.chaos.faults import signal_part
from deploy.local import stack
from deploy.local.place import Place
from deploy.migrate import migrate
from tests.conftest import PLACES, free_place
from tests.fuzz.ground import made
from tests.shared.given import until
from tests.shared.test_neighbours_away import QUOTA, doors, unavailable

SOON, READY_SOON = 10.0, 5.0
"""What is promised is eight seconds and three; the rest is for a busy machine."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own() -> AsyncIterator[Place]:
    """PostgreSQL and Temporal of this file alone."""
    async with stack.running(free_place(PLACES), ["postgres", "temporal"]) as place:
        await migrate(place)
        yield place


@contextmanager
def frozen(place: Place, name: str) -> Iterator[None]:
    """The server and all its processes hold still for the length of the block."""
    part = next(each for each in stack.published(place) if each.name == name)
    signal_part(part, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_part(part, signal.SIGCONT)


async def timed(asked: Awaitable[httpx.Response]) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    return await asked, time.monotonic() - began


@pytest.mark.asyncio(loop_scope="module")
async def test_while_postgresql_is_frozen_every_request_is_answered_in_time_and_all_goes_on_by_itself(
    own: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    county = await made(own, "roster", own.database_url, monkeypatch)
    path = f"/units/{county['unit_id'][0]}/quotas"
    async with doors(own, "roster", own.database_url("roster"), monkeypatch) as http:
        warm = await asyncio.gather(*(http.get("/units") for _ in range(12)))
        with frozen(own, "postgres"):
            ready = asyncio.ensure_future(timed(http.get("/ready")))
            asked = [http.post(path, json=QUOTA), *(http.get("/units") for _ in range(30))]
            away = await asyncio.gather(*(timed(each) for each in asked))
            late = [await timed(http.get("/units")), await timed(http.post(path, json=QUOTA))]
            waiting, readied = await ready
        began = time.monotonic()
        await until(lambda: served(http))
        back = time.monotonic() - began
        again = [await http.post(path, json=QUOTA) for _ in range(2)]
        ready_again = await http.get("/ready")
    superuser = await asyncpg.connect(own.database_url("postgres", "bianban"))
    quotas = await superuser.fetchval("SELECT count(*) FROM roster.accepted_commands WHERE key LIKE 'somebody:%'")
    told = await superuser.fetchval("SELECT count(*) FROM roster.event_log WHERE actor = 'somebody'")
    await superuser.close()

    assert all(answer.is_success for answer in warm)
    assert [answer.status_code for answer, _ in away + late if not unavailable(answer)] == []
    assert max(seconds for _, seconds in away + late) < SOON
    assert (waiting.status_code, readied < READY_SOON) == (503, True), readied
    assert back < SOON
    assert [answer.text for answer in again if not answer.is_success] == []
    assert again[0].content == again[1].content
    assert (quotas, told, ready_again.status_code) == (1, 1, 200)


DECIDED = {"title": "整改通知书", "demand": "限期整改"}


@pytest.mark.asyncio(loop_scope="module")
async def test_while_temporal_is_frozen_a_decision_is_answered_in_time_whether_it_was_ever_reached_or_not(
    own: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(own, "second")
    await made(own, "monitoring", partial(own.database_url, database="second"), monkeypatch)
    async with doors(own, "monitoring", own.database_url("monitoring", "second"), monkeypatch, temporal=own.temporal) as http:
        issue = (await http.get("/issues")).json()["items"][0]
        decide = partial(http.post, f"/issues/{issue['id']}/confirmation", json=DECIDED)
        with frozen(own, "temporal"):
            never_reached = await asyncio.gather(*(timed(decide()) for _ in range(3)))
        await until(lambda: reached(decide))
        with frozen(own, "temporal"):
            away = await asyncio.gather(*(timed(decide()) for _ in range(3)))
            read = await timed(http.get("/issues"))

    assert [answer.status_code for answer, _ in never_reached + away if not unavailable(answer)] == []
    assert max(seconds for _, seconds in [*never_reached, *away, read]) < SOON
    assert read[0].json()["items"][0] == issue


async def reached(decide: Callable[[], Awaitable[httpx.Response]]) -> bool:
    """Temporal says that no such workflow runs; where it says nothing, that takes five seconds and more."""
    return (await timed(decide()))[1] < 4


async def served(http: httpx.AsyncClient) -> bool:
    return (await http.get("/units")).is_success
