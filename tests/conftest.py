"""Real servers for every test: one stack of its own per run, a fresh database, topics and task queues per test."""

import fcntl
import functools
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import asyncpg
import httpx._transports.default
import pytest
import pytest_asyncio
from hypothesis import settings
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import TimeSkipper
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped]

from deploy.bootstrap import create_topics
from deploy.local.place import NAMESPACE, PROJECT, Place
from deploy.local.process import PortTaken
from deploy.local.stack import refuse_taken, running, supervisor
from deploy.migrate import Superuser, migrate, open_to_services
from tests.left_behind import people_in

LOGS = PROJECT / ".local"
MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30  # noqa: S108  a folder that holds nothing but this user's


def home(slot: int) -> Path:
    """In memory where there is room: a database is 1 400 files, and a disk takes ten times as long to make and to forget them."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY / f"bianban-{os.getuid()}-test-{slot}" if roomy else LOGS / f"test-{slot}"


PLACES = [Place(home(slot), 1000 + 150 * slot, "test") for slot in range(8)]

ENDING = pytest.StashKey[int]()
STORIES = "tests/e2e/"
_FIRST = (
    STORIES,
    "tests/faults/test_chaos.py",
    "tests/faults/test_restore.py",
    "tests/deploy/test_supervisor.py",
    "tests/exports/test_running.py",
    "tests/shared/test_consumer.py",
    "tests/workflows/test_approval",
    "tests/fuzz/test_openapi.py",
    "tests/roster/test_keys.py",
    "tests/faults/test_frozen.py",
    "tests/roster/test_exports.py",
)
"""What takes half a minute and more, the longest first: begun last, it would keep one worker while the others are through."""

settings.register_profile("house", deadline=None, print_blob=True)  # a busy machine is no failure
settings.load_profile("house")
httpx._transports.default.create_ssl_context = functools.cache(httpx.create_ssl_context)  # type: ignore[attr-defined]  # one: else each client reads all the world's certificates


def free_place(places: Sequence[Place]) -> Place:
    """The first that is free. Runs side by side, and the workers of one run, find one each: who has it holds a lock until his process ends."""
    found = next((place for place in places if _mine(place) and _is_free(place)), None)
    assert found, f"all {len(places)} places for a stack of tests are taken: another run has to end first"
    return found


def _mine(place: Place) -> bool:
    try:
        lock = os.open(Path(tempfile.gettempdir(), f"bianban-test-ports-{place.offset}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # kept open, and so kept, until this process ends
    except OSError:
        return False
    return True


def _is_free(place: Place) -> bool:
    try:
        refuse_taken(place)
    except PortTaken:
        return False
    return supervisor(place) is None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first."""
    items.sort(key=lambda item: next((at for at, long in enumerate(_FIRST) if item.nodeid.startswith(long)), len(_FIRST)))


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Which worker runs what: the stories share one whole stack and so one worker; every other file goes to the worker that has time."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return STORIES if file.startswith(STORIES) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """With `-n`."""
    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack() -> AsyncIterator[Place]:
    """PostgreSQL (with a migrated template), Kafka and Temporal, fresh for this run; several runs find a place each.

    Last of all, what the tests of this worker left in it is searched for people; a hit is the error of the worker's last test.
    """
    free = free_place(PLACES)
    try:
        async with running(free, ["postgres", "bootstrap"]) as place:
            await _without_waiting_for_the_disk(place)
            await migrate(place, "template")
            yield place
        assert people_in(free.home) == {}
    finally:
        _keep_logs(free)


def _keep_logs(place: Place) -> None:
    """They stay on the disk; memory is given back."""
    if place.home.is_relative_to(MEMORY):
        kept = LOGS / place.home.name / "log"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(place.home / "log", kept)
        place.forget()


async def _without_waiting_for_the_disk(place: Place) -> None:
    """Thousands of databases are made and dropped here, and no test pulls the plug; those that kill servers (e2e, faults) have a stack that waits."""
    postgres = await asyncpg.connect(place.database_url("postgres", "postgres"))
    for setting in ("fsync", "full_page_writes"):
        await postgres.execute(f"ALTER SYSTEM SET {setting} = off")
    await postgres.execute("SELECT pg_reload_conf()")
    await postgres.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def superuser(stack: Place) -> AsyncIterator[Superuser]:
    """One connection for all tests of a worker: to open one takes a fifth of what it takes to make a database."""
    connection = await asyncpg.connect(stack.database_url("postgres", "postgres"))
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def database(stack: Place, superuser: Superuser) -> AsyncIterator[Callable[[str], str]]:
    """A fresh migrated database; call it with a role (a service, or `bianban`, the owner) for its address."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    await superuser.execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY file_copy OWNER bianban")
    await open_to_services(superuser, name)
    yield lambda role: stack.database_url(role, name)
    await superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def kafka(stack: Place) -> tuple[str, str]:
    """Bootstrap address and a topic prefix of this test's own, its topics made."""
    prefix = f"t{uuid.uuid4().hex[:8]}."
    await create_topics(stack.kafka, prefix)
    return stack.kafka, prefix


@pytest_asyncio.fixture
async def temporal(stack: Place) -> Client:
    """A client to the test namespace. Ids and task queues must be the test's own."""
    return await Client.connect(stack.temporal, namespace=NAMESPACE, data_converter=pydantic_data_converter)


@pytest.fixture
def time_skipper(temporal: Client) -> TimeSkipper:
    """Workflows started by its `client` skip their idle time; `fast_forward` moves the clock of one."""
    return TimeSkipper(temporal)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how the run ended."""
    session.config.stash[ENDING] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave before the interpreter's own exit, where Temporal's core may crash after all is done (sdk-python#300)."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(config.stash.get(ENDING, 1))
