"""Servers for workflows: one per test, and that of the approval tests, with a cache and without."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

import tests.workflows.approval_play as play
from tests.workflows.server import server


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[1000, 0], ids=["cached", "replayed"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[play.Stage]:
    async with server() as environment, play.Stage(environment).open(request.param) as stage:
        yield stage


@pytest_asyncio.fixture
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with server() as environment:
        yield environment
