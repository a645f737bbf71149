"""The kit of one test: tables, topics and the consumer over them."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.shared.given import Kit, Where, kit_of


@pytest_asyncio.fixture
async def kit(database: Where, kafka: tuple[str, str]) -> AsyncIterator[Kit]:
    async with kit_of(database, kafka) as made:
        yield made
