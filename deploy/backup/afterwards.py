"""What has to be made anew from the tables once they stand at the wanted instant: topics, running cases, daily runs that were missed."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from deploy.clock import daily_instants
from deploy.local.place import SERVICES, Place
from services.approval.commands.reopening import reopen_cases as of_approval
from services.monitoring.commands.reopening import reopen_cases as of_monitoring
from services.roster.commands.reopening import reopen_cases as of_roster
from shared import db
from shared.clock import Clock, business_day
from shared.db import Connection
from shared.recovery import begin_again, tell_all_again
from workflows.schedules import Nominal

_REOPENED = {"roster": of_roster, "approval": of_approval, "monitoring": of_monitoring}


class MadeAnew(NamedTuple):
    """How many events go out once more, and how many cases begin again."""

    events: int
    cases: int


async def make_anew(place: Place, stood_at: datetime) -> MadeAnew:
    """One transaction per service. `stood_at`: the real instant of the tables."""
    offset = None if place.environment == "production" else Clock(place.clock_file).offset()
    events = cases = 0
    for service in SERVICES:
        async with db.connect(place.database_url(service), service, size=1) as database, database.transaction() as conn:
            events += await tell_all_again(conn, f"{service}.events")
            if service in _REOPENED:
                cases += await _REOPENED[service](conn, offset)
            if service == "monitoring":
                await _make_up_for(conn, stood_at, offset or timedelta(0))
    return MadeAnew(events, cases)


async def _make_up_for(conn: Connection, stood_at: datetime, offset: timedelta) -> None:
    """A Schedule that is made anew knows of no run it has missed."""
    for at, schedule in daily_instants(stood_at + offset, datetime.now(UTC) + offset):
        await begin_again(conn, schedule.workflow, f"{schedule.id}:{business_day(at)}", Nominal(at=at))
