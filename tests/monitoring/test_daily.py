"""What runs over all units: one that fails for itself keeps no other from being judged, or from its list."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from services.monitoring.activities import MonitoringActivities
from services.monitoring.commands.lists import issue_list
from services.monitoring.commands.sweeps import sweep_unit
from services.monitoring.models.facts import Surroundings
from services.monitoring.models.requests import IssueList, SweepUnit
from shared.clock import at_hour
from shared.db import By
from shared.events.roster import RetirementFact
from shared.law.notices import load_calendar
from shared.unit_runs import UNITS_FAILED
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CALENDAR, MONDAY, Tables
from workflows.schedules import Due

pytestmark = pytest.mark.asyncio
DAY = date(2026, 9, 28)


async def done(tables: Tables, activity: str, due: Due) -> int:
    """For how many units an activity was done."""
    activities = MonitoringActivities(tables.database, Surroundings(load_calendar, lambda: timedelta(0), lambda: NOW), sealing=None)  # type: ignore[arg-type]
    run: Any = getattr(activities, activity)
    count: int = await ActivityEnvironment().run(run, due)
    return count


async def failed(tables: Tables, activity: str, due: Due) -> list[str]:
    """The units that an activity could not do."""
    with pytest.raises(ApplicationError) as error:
        await done(tables, activity, due)
    assert (error.value.type, error.value.non_retryable) == (UNITS_FAILED, False)
    return list(error.value.details[0])


async def towns(tables: Tables) -> list[UUID]:
    """Three units with somebody who should have retired, the first one first."""
    made = [Town(quota=50) for _ in range(3)]
    for town in made:
        await tables.see(town.registered(), town.placed(person=uuid4(), retirement=RetirementFact(category="M60", month="2026-08")))
    return sorted(town.unit_id for town in made)


async def test_a_unit_that_fails_for_itself_is_named_and_the_others_are_judged(tables: Tables) -> None:
    broken, *others = await towns(tables)
    taken = By("engine", at_hour(DAY, 1), f"sweep:{DAY}:{broken}")
    await sweep_unit(tables.database, taken, SweepUnit(unit_id=uuid4(), on=DAY, calendar=CALENDAR))

    named = await failed(tables, "sweep", Due(at=at_hour(DAY, 1)))

    assert named == [str(broken)]
    red = await tables.rows("SELECT unit_id FROM lights WHERE light = 'red' ORDER BY unit_id")
    assert [row["unit_id"] for row in red] == others


async def test_a_unit_whose_list_fails_is_named_and_the_others_have_theirs(tables: Tables) -> None:
    nominal = at_hour(date(2026, 9, 21), 9)
    broken, *others = await towns(tables)
    for unit_id in (broken, *others):
        await sweep_unit(tables.database, By("engine", MONDAY, f"early:{unit_id}"), SweepUnit(unit_id=unit_id, on=DAY, calendar=CALENDAR))
    taken = By("engine", nominal, f"supervision:{nominal.isoformat()}:{broken}")
    await issue_list(tables.database, taken, IssueList(unit_id=uuid4(), iso_week="2026-W39", nominal=nominal, made_at=nominal))

    named = await failed(tables, "issue_weekly_lists", Due(at=nominal))

    assert named == [str(broken)]
    listed = await tables.rows("SELECT unit_id FROM supervision_lists ORDER BY unit_id")
    assert [row["unit_id"] for row in listed] == others


async def test_a_unit_with_parked_events_is_judged_by_the_first_sweep_after_their_replay(tables: Tables) -> None:
    parked, *others = await towns(tables)
    await tables.database.pool.execute(
        "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error) VALUES ('monitoring', $1, 't', 0, 0, '{}', '', 'x')",
        str(parked),
    )
    before = await done(tables, "sweep", Due(at=at_hour(DAY, 1)))
    red = await tables.rows("SELECT unit_id FROM lights WHERE light = 'red' ORDER BY unit_id")
    await tables.database.pool.execute("DELETE FROM dead_letters")

    after = await done(tables, "sweep", Due(at=at_hour(DAY + timedelta(days=1), 1)))

    assert (before, after) == (2, 3)
    assert [row["unit_id"] for row in red] == others
    assert {row["light"] for row in await tables.rows("SELECT light FROM lights")} == {"red"}
