"""PostgreSQL as the services use it: a pool, and `command`, which makes one function one transaction."""

import asyncio
import copy
import functools
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias, TypeVar

import asyncpg
import orjson
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_jsonable_python

from shared import deeds
from shared.errors import KeyReused, Unavailable
from shared.metrics import POOL, Series
from shared.traces import Doing

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
C = TypeVar("C", bound=BaseModel)
A = TypeVar("A")

RETRIES = 8
INTEGER, BIGINT = 2**31 - 1, 2**63 - 1
"""The largest numbers that columns of these types hold: what a door takes for one ends there."""
GATHER = 0.002
_AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that broke in the middle of its own protocol
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
UNRECORDABLE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What the tables do not take: repeating it helps only where a twin was in flight (a unique or exclusion constraint)."""
PASSING = (
    asyncpg.TransactionRollbackError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
)
"""A deadlock, a timeout, a full disk: nothing was done, and the same may succeed later. Never a dead letter, never a fault of the request."""
BEHIND = (asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError)
"""Tables older than the program that asks: passes with the migration, so an event waits for it. To who asks over HTTP it is a fault, which is told."""
TROUBLE = (Unavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Whatever the database may say to a loop that lives through it and looks again."""
_RETRYABLE = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.InternalServerError)
"""What may not come a second time. XX000 among it: who updates a row in the instant in which an update of it is undone (docs/decisions/0091)."""


@dataclass(frozen=True)
class Patience:
    """For how many seconds a process waits: for a connection, for a statement (then the server ends it), for any word of the server."""

    connection: float | None
    statement: int
    answer: float  # longer than `statement`: by our own clock the server would count as away, and what took too long be repeated as it is


WORKER = Patience(None, 30, 35.0)
DOOR = Patience(4.0, 7, 8.0)
"""Somebody waits for the answer: a server that is silent is away after eight seconds. What may take longer is a worker's."""


STUDY = 25
"""Seconds for what somebody waits for though it reads the whole of a province: the portal waits thirty."""


CLOSING = 3.0
"""Seconds that a process which ends leaves to the server: a silent one hears no good-bye."""


class _Hasty(asyncpg.Connection):
    """A statement that nobody waits for any more is not cancelled, which a silent server would not hear: the connection goes, and a server that
    lives sees that within a second (`client_connection_check_interval`) and ends the statement.
    """

    def _cancel_current_command(self, waiter: asyncio.Future[None], cancel_waiter: object = None) -> None:  # noqa: ARG002  asyncpg's own form
        waiter.set_result(None)
        self.terminate()


@dataclass(frozen=True)
class By:
    """On whose behalf a command runs, when, and why. `key` makes a repeat harmless; it comes from the caller."""

    actor: str
    as_of: datetime
    key: str
    reason: str = ""
    document_no: str | None = None
    case_id: str | None = None

    def part(self, name: str) -> "By":
        """The same mandate for one part of a larger request."""
        return replace(self, key=f"{self.key}/{name}")


class Database:
    """A pool of connections to one service's schema, another one for searches, and the wake-up of its outbox relay."""

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", searches: "asyncpg.Pool[asyncpg.Record]", service: str, patience: Patience = WORKER
    ) -> None:
        self.pool, self._searches, self.service, self._wait = pool, searches, service, patience.connection
        self._stirred = asyncio.Event()
        self._wall = ""

    def behind(self, wall: str) -> "Database":
        """The same, its reads narrowed by these SET LOCAL statements (row-level security). Commands are not: they judge by the whole."""
        walled = copy.copy(self)
        walled._wall = wall  # noqa: SLF001  its own
        return walled

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction. A database that is away is `Unavailable`: the caller may repeat."""
        try:
            async with self.pool.acquire(timeout=self._wait) as conn, conn.transaction():
                yield conn
        except _AWAY as error:
            if isinstance(error, ValueError):  # asyncpg could not encode a value: the database is there
                raise asyncpg.DataError("a value does not fit its column") from error
            raise _away() from error

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection for reads, on one snapshot."""
        try:
            async with self.pool.acquire(timeout=self._wait) as conn:
                await self._begin_reading(conn)
                try:
                    yield conn
                finally:
                    await conn.execute("ROLLBACK")
        except _AWAY as error:
            raise _away() from error

    async def _begin_reading(self, conn: Connection) -> None:
        """Whoever had the connection before may have given up between preparing a statement and running it: to the server that is a transaction still,
        of which asyncpg knows nothing. The refusal ends it.
        """
        begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {self._wall}"
        try:
            await conn.execute(begin)
        except asyncpg.ActiveSQLTransactionError:
            await conn.execute(begin)

    @asynccontextmanager
    async def searching(self) -> AsyncIterator[Connection]:
        """A connection that chooses among many rows: each statement is planned for the values it is asked with, since a rare name and a common one
        go other ways. There the wall would cost a second, so it does not stand: what is shown of people is read by the ids found, `glancing`.
        """
        try:
            async with self._searches.acquire(timeout=self._wait) as conn:
                yield conn
        except _AWAY as error:
            raise _away() from error

    @asynccontextmanager
    async def studying(self) -> AsyncIterator[Connection]:
        """The same for what reads the whole of a province: its statements are asked with `timeout=STUDY + 1`."""
        async with self.searching() as conn, conn.transaction(readonly=True):
            await conn.execute(f"SET LOCAL statement_timeout TO '{STUDY}s'")
            yield conn

    @asynccontextmanager
    async def glancing(self) -> AsyncIterator[Connection]:
        """A connection for a read of one statement, which is a snapshot of its own: BEGIN and COMMIT would be most of its cost."""
        if self._wall:
            async with self.reading() as conn:
                yield conn
            return
        try:
            async with self.pool.acquire(timeout=self._wait) as conn:
                yield conn
        except _AWAY as error:
            raise _away() from error

    async def ping(self) -> None:
        """For `/ready`: raises when the database does not answer."""
        async with self.glancing() as conn:
            await conn.execute("SELECT 1")

    def wake(self) -> None:
        """Tell the relay that rows wait. Called after commit only; many calls become one NOTIFY."""
        self._stirred.set()

    async def notify_relay(self) -> None:
        """Send the coalesced NOTIFYs. Inside the writing transactions NOTIFY would serialise their commits (docs/decisions/0003)."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            with suppress(*_AWAY, asyncpg.PostgresError):  # the relay's safety poll covers a lost wake-up
                async with self.pool.acquire(timeout=self._wait) as conn:
                    await conn.execute(f"NOTIFY outbox_{self.service}")
            await asyncio.sleep(GATHER)  # what is committed meanwhile shares the next one


def _away() -> Unavailable:
    ensure_to_go_on()
    return Unavailable("database")


def ensure_to_go_on() -> None:
    """Raises CancelledError in a task that was told to end: to it a lost connection means no more than that. The ROLLBACK that failed has taken the
    place of the word to end, and a loop would go on.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError


@asynccontextmanager
async def connect(url: str, service: str, size: int = 10, patience: Patience = WORKER) -> AsyncIterator[Database]:
    """Open the pool; close it at the end."""
    limits = {"statement_timeout": f"{patience.statement}s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"}
    limits |= {"application_name": service, "client_connection_check_interval": "1s"}
    pooled = functools.partial(
        asyncpg.create_pool,
        url,
        max_size=size,
        command_timeout=patience.answer,
        init=readable_json,
        reset=_as_it_is,
        connection_class=_Hasty,
    )
    pool = await pooled(min_size=1, server_settings=limits)
    searches = await pooled(min_size=0, server_settings=limits | {"plan_cache_mode": "force_custom_plan"})
    database = Database(pool, searches, service, patience)
    POOL.ask(service, lambda: _connections(pool, searches))
    notifier = asyncio.create_task(database.notify_relay())
    try:
        yield database
    finally:
        notifier.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await asyncio.gather(pool.close(), searches.close())


def _connections(*pools: "asyncpg.Pool[asyncpg.Record]") -> Series:
    idle, all_of_them = sum(pool.get_idle_size() for pool in pools), sum(pool.get_size() for pool in pools)
    return [({"db.client.connection.state": "idle"}, idle), ({"db.client.connection.state": "used"}, all_of_them - idle)]


async def _as_it_is(_: Connection) -> None:
    """Nothing of ours changes a session, so going back to the pool needs no round trip; asyncpg itself ends a transaction that was left open."""


async def readable_json(conn: Connection) -> None:
    """Let a connection take and give JSON as Python values."""
    for name in ("json", "jsonb"):
        await conn.set_type_codec(name, encoder=json.dumps, decoder=orjson.loads, schema="pg_catalog")


async def retried(attempt: Callable[[], Awaitable[A]]) -> A:
    """Once more after what leaves nothing of an attempt and may not come again (a deadlock, a serialisation failure, PostgreSQL's own XX000), and again up to `RETRIES` times."""
    for left in reversed(range(RETRIES)):
        try:
            return await attempt()
        except _RETRYABLE:
            if not left:
                raise
            await asyncio.sleep(0.01 * (RETRIES - left))
    raise AssertionError("unreachable")


def command(run: Callable[[Connection, By, C], Awaitable[A]]) -> Callable[[Database, By, C], Awaitable[A]]:
    """Make `run(conn, by, what)` a command: `await place_person(database, by, PlacePerson(...))`.

    One transaction holds the effect, the events, the idempotency key and the answer. The same key again gives the same answer; with another
    body it is refused. A refusal leaves nothing behind and is judged anew when repeated. What may not come again (`retried`) is tried again.

    The key is written last, and its unique index lets one of several twins commit: a first run, which nearly all are, pays for one insert.
    A repeat runs into that index, or into what the first run did; either way its transaction is undone and the answer of the first counts.
    """
    answers: TypeAdapter[A] = TypeAdapter(run.__annotations__["return"])
    name = deeds.of_command(run.__name__)

    @functools.wraps(run)
    async def attempt(database: Database, by: By, what: C) -> A:
        async def once() -> A:
            with Doing(name, _case(by), command=run.__name__):
                return await _accepted(database, by, what)

        return await retried(once)

    async def _accepted(database: Database, by: By, what: C) -> A:
        said = json.dumps([run.__name__, what.model_dump_json(), by.reason, by.document_no])
        body_hash = hashlib.sha256(said.encode()).digest()
        try:
            async with database.transaction() as conn:
                answer = await run(conn, by, what)
                await _keep(conn, run.__name__, by, body_hash, to_jsonable_python(answer))
        except (Unavailable, *_RETRYABLE):
            raise
        except Exception:
            earlier = await _earlier(database, by.key, body_hash)
            if earlier is None:
                raise
            return answers.validate_python(earlier["answer"])
        database.wake()
        return answer

    return attempt


class _Repeated(Exception):  # noqa: N818  named as the fact it states
    """The key has been taken before."""


async def _keep(conn: Connection, name: str, by: By, body_hash: bytes, answer: object) -> None:
    """Take the key, with the answer that a repeat will get. A twin in flight is waited for by the unique index."""
    taken = await conn.fetchval(
        "INSERT INTO accepted_commands (key, command, body_hash, answer, accepted_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING RETURNING true",
        by.key,
        name,
        body_hash,
        answer,
        by.as_of,
    )
    if not taken:
        raise _Repeated


async def _earlier(database: Database, key: str, body_hash: bytes) -> asyncpg.Record | None:
    """The row of the command that took the key, if there is one."""
    async with database.transaction() as conn:
        earlier = await conn.fetchrow("SELECT body_hash, answer FROM accepted_commands WHERE key = $1", key)
    if earlier is not None and earlier["body_hash"] != body_hash:
        raise KeyReused
    return earlier


def _case(by: By) -> dict[str, str]:
    return {"case.id": by.case_id} if by.case_id else {}
