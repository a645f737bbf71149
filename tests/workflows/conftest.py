"""The server of the approval tests, with a cache and without."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

import tests.workflows.approval_play as play


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[1000, 0], ids=["cached", "replayed"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[play.Stage]:
    async with play.server() as environment, play.Stage(environment).open(request.param) as stage:
        yield stage
