"""Business time is moved through every instant at which something is due, and the whole stack comes to rest at each."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from deploy.clock import Stop, advance
from deploy.local.place import Place
from deploy.quiet import pulse_of
from shared.clock import Clock, at_hour, business_day
from workflows.schedules import SCHEDULES

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_each_daily_workflow_runs_once_at_its_hour_in_order_and_time_never_goes_back(whole: Place) -> None:
    clock = Clock(whole.clock_file)
    day = business_day(clock.now()) + timedelta(days=2)
    stops: list[Stop] = []
    await advance(whole, at_hour(day - timedelta(days=1), 0, 30))

    await advance(whole, at_hour(day, 12), stops.append)

    daily = [stop.at for stop in stops if any(name.startswith(("sweep:", "supervision:")) for name in stop.due)]
    assert daily == [at_hour(each, hour) for each in (day - timedelta(days=1), day) for hour in (1, 9)]
    assert [stop.at for stop in stops] == sorted(stop.at for stop in stops)
    assert clock.now() >= at_hour(day, 12)
    assert {await _status(whole, f"{schedule.id}:{day}") for schedule in SCHEDULES} == {WorkflowExecutionStatus.COMPLETED}


async def test_going_to_the_past_moves_nothing(whole: Place) -> None:
    offset = Clock(whole.clock_file).offset()

    await advance(whole, Clock(whole.clock_file).now() - timedelta(days=3))

    assert Clock(whole.clock_file).offset() == offset


async def _status(place: Place, workflow_id: str) -> WorkflowExecutionStatus | None:
    async with pulse_of(place) as pulse:
        return (await pulse.client.get_workflow_handle(workflow_id).describe()).status
