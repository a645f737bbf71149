"""A holiday notice that is loaded while cases run: the provisional term is counted again, and the case file says by which calendar."""

from collections.abc import AsyncIterator, Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from deploy.casefile.verify import last_day
from deploy.law import calendar_app
from deploy.local.place import Place
from shared.clock import at_hour
from tests.monitoring.events import Town
from tests.monitoring.house import OFFICER, House, eventually, house

pytestmark = pytest.mark.asyncio
FIXED = ("2027-05-01", "2027-05-02", "2027-05-03", "2027-10-01", "2027-10-02", "2027-10-03")
LATE_DECEMBER = date(2026, 12, 28)


@pytest_asyncio.fixture
async def monitoring(stack: Place, database: Callable[[str], str], kafka: tuple[str, str], tmp_path: Path) -> AsyncIterator[House]:
    async with house(stack, database, kafka, tmp_path) as made:
        yield made


def notice(folder: Path, *off: str, work: tuple[str, ...] = ()) -> Path:
    """A notice for 2027 with the fixed holidays, New Year's days as told, and make-up days."""
    days = [(day, "OFF") for day in (*off, *FIXED)] + [(day, "WORK") for day in work]
    file = folder / "notice.csv"
    file.write_text("date,kind\n" + "".join(f"{day},{kind}\n" for day, kind in days), encoding="utf-8")
    return file


def load(monitoring: House, file: Path) -> str:
    """As an operator does it; the version it answers with."""
    done = CliRunner().invoke(calendar_app, ["load", str(file), "--home", str(monitoring.calendar_folder.parent)])
    assert done.exit_code == 0, done.output
    return done.output.split()[-1]


async def served(monitoring: House, town: Town, on: date, budget_days: int) -> str:
    """A confirmed issue whose notice was served on a day."""
    await monitoring.move_to(at_hour(on, 10))
    await monitoring.publish(town.registered(), town.over_quota())
    page = await eventually(lambda: monitoring.get(OFFICER, "/issues"), lambda page: bool(page["items"]))
    issue = f"/issues/{page['items'][0]['id']}"
    body = {"title": "整改通知书", "demand": "限期清退", "budget_days": budget_days}
    await eventually(
        lambda: monitoring.post(OFFICER, f"{issue}/confirmation", key="confirm-0001", **body), lambda answer: answer.is_success
    )
    await monitoring.seal_notice(issue)
    answer = await monitoring.post(OFFICER, f"{issue}/service", served_on=on.isoformat())
    assert answer.is_success, answer.text
    return issue


async def counted_by(monitoring: House, issue: str, version: str) -> dict[str, Any]:
    return await eventually(lambda: monitoring.get(OFFICER, issue), lambda page: page["certificate"]["calendar"]["version"] == version)


def due_of(page: dict[str, Any]) -> date:
    return datetime.fromisoformat(page["certificate"]["due_at"]).date()


async def test_a_notice_loaded_while_a_case_runs_moves_its_provisional_deadline_and_its_rungs(monitoring: House, tmp_path: Path) -> None:
    """Domain trap: beyond the published calendar a deadline is provisional. Must fail when the calendar is read at the start only."""
    town = Town()
    issue = await served(monitoring, town, LATE_DECEMBER, budget_days=8)
    before = await monitoring.get(OFFICER, issue)

    version = load(monitoring, notice(tmp_path, "2027-01-01", "2027-01-04", "2027-01-05", work=("2027-01-09",)))
    after = await counted_by(monitoring, issue, version)
    await monitoring.move_to(at_hour(date(2027, 1, 11), 18))
    fired = await eventually(lambda: monitoring.get(OFFICER, issue), lambda page: len(page["rungs"]) == 3)

    assert (before["certificate"]["provisional"], due_of(before)) == (True, date(2027, 1, 8))
    assert (after["certificate"]["provisional"], due_of(after)) == (False, date(2027, 1, 11))
    assert last_day(after["certificate"]) == date(2027, 1, 11)
    told = after["timeline"][-1]
    assert (told["act"], told["actor"], told["role"]) == ("recount", "engine", "service")
    assert told["details"] == {
        "calendar_before": before["certificate"]["calendar"]["version"],
        "due_before": at_hour(date(2027, 1, 8), 17, 30).isoformat(),
        "calendar": version,
        "due_at": at_hour(date(2027, 1, 11), 17, 30).isoformat(),
    }
    assert version in told["reason"]
    assert [(rung["rung"], datetime.fromisoformat(rung["planned_at"])) for rung in fired["rungs"]] == [
        ("reminder", at_hour(date(2027, 1, 7), 9)),
        ("overdue", at_hour(date(2027, 1, 11), 17, 30)),
        ("freeze_proposal", at_hour(date(2027, 1, 11), 17, 30)),
    ]


async def test_a_notice_that_is_put_right_and_then_put_back_counts_again_each_time(monitoring: House, tmp_path: Path) -> None:
    """Must fail when a request to count again is named by the version instead of the number of the load."""
    issue = await served(monitoring, Town(), LATE_DECEMBER, budget_days=8)
    wrong = ("2027-01-01", "2027-01-04", "2027-01-05")

    for off in (wrong, ("2027-01-01",), wrong):
        version = load(monitoring, notice(tmp_path, *off))
        page = await counted_by(monitoring, issue, version)

    assert [entry["act"] for entry in page["timeline"]].count("recount") == 3
    assert due_of(page) == date(2027, 1, 12)
    assert await monitoring.database.fetchval("SELECT array_agg(number ORDER BY number) FROM calendars") == [1, 2, 3, 4]


async def test_a_notice_is_served_by_the_calendar_that_was_loaded_since_the_start(monitoring: House, tmp_path: Path) -> None:
    version = load(monitoring, notice(tmp_path, "2027-01-01", "2027-01-04"))

    issue = await served(monitoring, Town(), LATE_DECEMBER, budget_days=8)

    page = await monitoring.get(OFFICER, issue)
    assert (page["certificate"]["calendar"]["version"], page["certificate"]["provisional"]) == (version, False)
    assert "recount" not in [entry["act"] for entry in page["timeline"]]
