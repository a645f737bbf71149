"""The tables of one test."""

from collections.abc import AsyncIterator, Callable

import pytest_asyncio

from shared.db import connect
from tests.monitoring.tables import Tables


@pytest_asyncio.fixture
async def tables(database: Callable[[str], str]) -> AsyncIterator[Tables]:
    async with connect(database("monitoring"), "monitoring") as made:
        yield Tables(made)
