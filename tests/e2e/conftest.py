"""The whole stack with the demo city, for the stories: every process of the product, started as `bianban up` starts them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest_asyncio

from deploy.cli import DEMO_DATE
from deploy.demo.city import fill
from deploy.local.place import PROJECT, Place
from deploy.local.stack import running
from shared.clock import at_hour
from tests.conftest import free_place

PLACES = [Place(PROJECT / ".local" / f"test-whole-{slot}", 5000 + 150 * slot, "test") for slot in range(4)]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def whole() -> AsyncIterator[Place]:
    """A fresh stack whose business time starts on the demo's first day; several runs find a place each."""
    free = free_place(PLACES)
    async with running(free, []) as place:
        offset = at_hour(DEMO_DATE, 9) - datetime.now(UTC)
        place.clock_file.write_text(f"{round(offset / timedelta(seconds=1))}\n", encoding="utf-8")
        await fill(place, "demo")
        yield place
