"""A publisher, the tables and the worker of one test."""

from collections.abc import AsyncIterator, Callable

import pytest_asyncio
from aiokafka import AIOKafkaProducer

from deploy.local.place import Place
from shared import db
from shared.db import Database
from tests.reporting.given import Publisher, running_worker


@pytest_asyncio.fixture
async def publisher(kafka: tuple[str, str]) -> AsyncIterator[Publisher]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka[0])
    await producer.start()
    yield Publisher(producer, kafka[1])
    await producer.stop()


@pytest_asyncio.fixture
async def reporting(database: Callable[[str], str]) -> AsyncIterator[Database]:
    async with db.connect(database("reporting"), "reporting") as connected:
        yield connected


@pytest_asyncio.fixture
async def worker(stack: Place, database: Callable[[str], str], kafka: tuple[str, str]) -> AsyncIterator[None]:
    """The worker as it runs in the stack, on the test's own database and topics."""
    async with running_worker(stack, database("reporting"), kafka[1]):
        yield
