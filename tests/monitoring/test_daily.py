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
from tests.monitoring.events import Town
from tests.monitoring.tables import CALENDAR, MONDAY, Tables
from workflows.schedules import Due

pytestmark = pytest.mark.asyncio
DAY = date(2026, 9, 28)


async def failed(tables: Tables, activity: str, due: Due) -> list[str]:
    """The units that an activity could not do."""
    activities = MonitoringActivities(tables.database, Surroundings(load_calendar, lambda: timedelta(0)), sealing=None)  # type: ignore[arg-type]
    run: Any = getattr(activities, activity)
    with pytest.raises(ApplicationError) as error:
        await ActivityEnvironment().run(run, due)
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
    await issue_list(tables.database, taken, IssueList(unit_id=uuid4(), iso_week="2026-W39", nominal=nominal))

    named = await failed(tables, "issue_weekly_lists", Due(at=nominal))

    assert named == [str(broken)]
    listed = await tables.rows("SELECT unit_id FROM supervision_lists ORDER BY unit_id")
    assert [row["unit_id"] for row in listed] == others
