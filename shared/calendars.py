"""The holiday calendar a service counts with. A notice that an office loads while cases run reaches them within a second, once.

Each calendar taken over is a row with a number, kept for ever; whoever owns cases asks which of them count by another one, and has those told.
A calendar that comes back (a wrong notice was replaced by the right one) is a new row: the number, not the version, makes a request unique.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import UUID

import structlog
from pydantic import BaseModel, ConfigDict

from shared.clock import Clock
from shared.db import TROUBLE, By, Connection, Database, command
from shared.law.notices import Notices
from shared.law.working_days import Calendar

ENGINE = "engine"
LOOK_AGAIN = 1.0
_log = structlog.get_logger()


class KnownCalendar(BaseModel):
    """A calendar as the service took it over; the first is number 1."""

    model_config = ConfigDict(frozen=True)

    number: int
    calendar: Calendar


class TellCase(BaseModel):
    """Have one case count by the calendar of this number."""

    model_config = ConfigDict(frozen=True)

    case: UUID
    number: int


CasesBehind = Callable[[Connection, str], Awaitable[Sequence[UUID]]]
"""The open cases that count by another version than this one; some of them, where there are many."""
TellOne = Callable[[Database, By, TellCase], Awaitable[None]]


async def known_calendar(conn: Connection, number: int | None = None) -> KnownCalendar | None:
    """The calendar of a number, or the one that holds now; none before the first was taken over."""
    row = await conn.fetchrow(
        "SELECT number, calendar FROM calendars WHERE $1::integer IS NULL OR number = $1 ORDER BY number DESC LIMIT 1", number
    )
    return KnownCalendar(**row) if row else None


@command
async def take_calendar(conn: Connection, by: By, what: KnownCalendar) -> None:
    """Count by this calendar from now on. Of several processes that saw the same notice the first takes it over."""
    await conn.execute(
        "INSERT INTO calendars (number, version, calendar, taken_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        what.number,
        what.calendar.version,
        what.calendar.model_dump(mode="json"),
        by.as_of,
    )


async def watch_calendar(database: Database, clock: Clock, notices: Notices, behind: CasesBehind, tell: TellOne) -> None:
    """Take over what is loaded, and have every case that counts by something else told. For ever, once a second."""
    while True:
        with suppress(*TROUBLE):  # it looks again in a second
            await follow_calendar(database, clock, notices, behind, tell)
        await asyncio.sleep(LOOK_AGAIN)


async def follow_calendar(database: Database, clock: Clock, notices: Notices, behind: CasesBehind, tell: TellOne) -> None:
    """One look. The row is read before the files, so a process with an old look at the files never takes a calendar back."""
    async with database.reading() as conn:
        known = await known_calendar(conn)
    found = notices.calendar()
    if known is None or known.calendar.version != found.version:
        known = KnownCalendar(number=known.number + 1 if known else 1, calendar=found)
        await take_calendar(database, By(ENGINE, clock.now(), f"calendar:{known.number}:{found.version}"), known)
        _log.info("another holiday calendar holds", version=found.version, number=known.number)
    async with database.reading() as conn:
        cases = await behind(conn, found.version)
    for case in cases:
        by = By(ENGINE, clock.now(), f"calendar:{known.number}:{case}")
        await tell(database, by, TellCase(case=case, number=known.number))
