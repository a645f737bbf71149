"""Identity's door, on a database of the test's own."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from deploy.local.place import Place
from tests.identity.doors import Door, hash_quickly, opened


@pytest.fixture
def environment(stack: Place, database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Place:
    """What the process reads; tests put more into it."""
    for name, value in (stack.variables("identity") | {"IDENTITY_DATABASE_URL": database("identity")}).items():
        monkeypatch.setenv(name, value)
    hash_quickly(monkeypatch)
    return stack


@pytest_asyncio.fixture
async def door(environment: Place) -> AsyncIterator[Door]:
    async with opened(environment) as made:
        yield made
