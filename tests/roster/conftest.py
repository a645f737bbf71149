"""The roster's own database for every test."""

from collections.abc import AsyncIterator, Callable

import pytest_asyncio

from shared import db
from shared.db import Database


@pytest_asyncio.fixture
async def roster_db(database: Callable[[str], str]) -> AsyncIterator[Database]:
    """A fresh, migrated roster, as its own login sees it."""
    async with db.connect(database("roster"), "roster", size=20) as connected:
        yield connected
