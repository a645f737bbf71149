"""A service's database, asked by a command that a person types."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import asyncpg

from deploy.local.place import Place, Service, WrongPlace
from shared import db
from shared.db import Database

ANSWER_WITHIN = 10.0
_AWAY = "数据库没有应答。请先运行 bianban up。"
_REFUSES = "数据库没有接受连接（{}）。刚启动的请稍候再试；否则请查看 bianban status 和 bianban logs postgres。"
Answer = TypeVar("Answer")


@asynccontextmanager
async def reached(place: Place, service: str, size: int = 2) -> AsyncIterator[Database]:
    """A service's database, as its own login. Raises WrongPlace when it is away, silent or not ready yet."""
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                database = await stack.enter_async_context(db.connect(place.database_url(service), service, size=size))
        except TimeoutError:
            raise WrongPlace(f"数据库在 {ANSWER_WITHIN:.0f} 秒内没有应答。请用 bianban status 查看。") from None
        except OSError:
            raise WrongPlace(_AWAY) from None
        except asyncpg.PostgresError as refused:
            raise WrongPlace(_REFUSES.format(type(refused).__name__)) from None
        yield database


@asynccontextmanager
async def logged_in(address: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """One connection, of the superuser or of the tables' owner, closed whatever happens. Raises what asyncpg does."""
    conn = await asyncpg.connect(address)
    try:
        yield conn
    finally:
        await conn.close()


def ask(service: Service | str, work: Callable[[Database], Awaitable[Answer]]) -> Answer:
    """What `work` answers, as the service's own login. Raises WrongPlace when the database is away."""
    place = Place.from_environment()

    async def run() -> Answer:
        async with reached(place, service) as database:
            return await work(database)

    try:
        return asyncio.run(run())
    except OSError:
        raise WrongPlace(_AWAY) from None
