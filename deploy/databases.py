"""A service's database, asked by a command that a person types."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from deploy.local.place import Place, Service, WrongPlace
from shared import db
from shared.db import Database

Answer = TypeVar("Answer")


def ask(service: Service | str, work: Callable[[Database], Awaitable[Answer]]) -> Answer:
    """What `work` answers, as the service's own login. Raises WrongPlace when the database is away."""
    place = Place.from_environment()

    async def run() -> Answer:
        async with db.connect(place.database_url(service), service, size=2) as database:
            return await work(database)

    try:
        return asyncio.run(run())
    except OSError:
        raise WrongPlace("数据库没有应答。请先运行 bianban up。") from None
