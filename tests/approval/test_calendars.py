"""A holiday notice that is loaded while applications are open: each is told once, and one submitted by an older calendar as well."""

import json
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.approval import consumers
from services.approval.commands.applications import submit_application
from services.approval.commands.calendars import tell_calendar
from services.approval.models.requests import SubmitApplication
from services.approval.queries.calendars import cases_behind
from shared.calendars import follow_calendar
from shared.clock import Clock
from shared.db import By, Database, connect
from shared.events.roster import UnitRegistered
from shared.glossary import ApplicationType
from shared.law.notices import Notices, load_calendar
from workflows import approval_messages as messages

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 9, 18, 1, 0, tzinfo=UTC)
UNIT = uuid.UUID(int=1)
OFF = ("2027-01-01", "2027-05-01", "2027-05-02", "2027-05-03", "2027-10-01", "2027-10-02", "2027-10-03")


@pytest_asyncio.fixture
async def db(database: Callable[[str], str]) -> AsyncIterator[Database]:
    unit = UnitRegistered(
        occurred_at=NOW,
        unit_id=UNIT,
        version=1,
        parent_id=None,
        path=(UNIT,),
        name="小学",
        code="S1",
        category="SY-E",
        valid_from=date(2020, 1, 1),
    )
    async with connect(database("approval"), "approval") as db:
        async with db.transaction() as conn:
            await consumers.handlers()[UnitRegistered](conn, unit)
        yield db


def load(folder: Path, *days: str) -> None:
    """As `bianban calendar load` does it: a whole file takes the place of another."""
    folder.mkdir(exist_ok=True)
    (folder / "new").write_text("date,kind\n" + "".join(f"{day},OFF\n" for day in days))
    (folder / "new").replace(folder / "2027.csv")


async def submit(db: Database) -> uuid.UUID:
    content = messages.Content(unit_id=UNIT, kind="SY", funding="full")
    what = SubmitApplication(type=ApplicationType.POST_USE, content=content, title="用编", justification="补员", calendar=load_calendar())
    return (await submit_application(db, By("clerk", NOW, str(uuid.uuid4())), what)).application_id


async def told(db: Database) -> list[tuple[str, str]]:
    rows = await db.pool.fetch("SELECT key, body FROM outbox WHERE type = 'update:recount' ORDER BY id")
    return [(row["key"], str(json.loads(row["body"])["calendar"]["version"])) for row in rows]


async def test_every_open_application_is_told_of_a_loaded_notice_once(db: Database, tmp_path: Path) -> None:
    """Must fail when the calendar is read at the start only, or when an application is told at every look."""
    folder = tmp_path / "calendar"
    notices, look = Notices(folder), _look(db)
    first = await submit(db)
    await look(notices)
    before = await told(db)

    load(folder, *OFF)
    for each in (notices, Notices(folder), notices):
        await look(each)
    late = await submit(db)
    await look(notices)

    version = notices.calendar().version
    assert before == []
    assert await told(db) == [(f"approval:{first}", version), (f"approval:{late}", version)]
    assert [row["version"] for row in await db.pool.fetch("SELECT version FROM calendars ORDER BY number")] == [
        load_calendar().version,
        version,
    ]


async def test_a_notice_that_cannot_be_read_leaves_the_calendar_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "calendar"
    load(folder, *OFF)
    notices = Notices(folder)
    before = notices.calendar()

    load(folder, "2027-01-01")

    assert notices.calendar() == before
    load(folder, *OFF, "2027-01-04")
    assert date(2027, 1, 4) in notices.calendar().off


def _look(db: Database) -> Callable[[Notices], Any]:
    return lambda notices: follow_calendar(db, Clock(None), notices, cases_behind, tell_calendar)
