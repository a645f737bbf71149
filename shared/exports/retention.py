"""How long what people brought is kept: some days after its case closed. What goes is recorded case by case, and told as an event; then the bytes go.

What lies on a shelf and belongs to nothing (a process died between file and row, or between record and removal) goes after a week.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from pydantic import BaseModel, ConfigDict, Field

from shared.clock import Clock
from shared.db import TROUBLE, By, Connection, Database
from shared.exports.shelf import Shelf

ENGINE = "engine"
LOOK_AGAIN = 3600.0
STRAY = 7 * 86400.0
_log = structlog.get_logger()


class EndKeeping(BaseModel):
    """The files of one case go, if it was closed before an instant."""

    model_config = ConfigDict(frozen=True)

    case: UUID
    kept_days: int
    closed_before: datetime = Field(exclude=True)


@dataclass(frozen=True)
class Keeping:
    """What a service knows of its files. `due`: cases closed before an instant that still have some; `end`: records that they go, and answers where
    they lie; `live`: the names of those that stay.
    """

    database: Database
    clock: Clock
    shelf: Shelf
    days: int
    due: Callable[[Connection, datetime], Awaitable[Sequence[UUID]]]
    end: Callable[[Database, By, EndKeeping], Awaitable[list[str]]]
    live: Callable[[Connection], Awaitable[Collection[str]]]


async def keep_in_time(keeping: Keeping) -> None:
    """For ever, once an hour."""
    while True:
        with suppress(*TROUBLE):  # it looks again in an hour
            await sweep(keeping)
        await asyncio.sleep(LOOK_AGAIN)


async def sweep(keeping: Keeping) -> None:
    """One look."""
    now = keeping.clock.now()
    before = now - timedelta(days=keeping.days)
    async with keeping.database.reading() as conn:
        cases = await keeping.due(conn, before)
    for case in cases:
        by = By(ENGINE, now, f"{ENGINE}:keeping:{case}:{keeping.days}:{now.isoformat()}", f"保存期满（办结后 {keeping.days} 天）")
        for name in await keeping.end(keeping.database, by, EndKeeping(case=case, kept_days=keeping.days, closed_before=before)):
            await asyncio.to_thread(keeping.shelf.forget, name)
    await _clear_strays(keeping)


async def _clear_strays(keeping: Keeping) -> None:
    old = await asyncio.to_thread(
        _older_than, keeping.shelf, time.time() - STRAY
    )  # looked at before the rows: what comes meanwhile is young
    async with keeping.database.reading() as conn:
        stays = set(await keeping.live(conn)) if old else set()
    strays = [name for name in old if name not in stays]
    for name in strays:
        await asyncio.to_thread(keeping.shelf.forget, name)
    if strays:
        _log.info("stray files removed", count=len(strays))


def _older_than(shelf: Shelf, instant: float) -> list[str]:
    names = []
    for name in shelf.names():
        with suppress(FileNotFoundError):
            names += [name] if (shelf.folder / name).stat().st_mtime < instant else []
    return names
