"""How long ago each daily run was begun: one that nobody begins any more (paused, removed, behind one that hangs) fails nowhere."""

from datetime import UTC, datetime
from functools import partial

from temporalio.client import Client, ScheduleInfo
from temporalio.service import RPCError

from shared.metrics import SCHEDULE_AGE
from shared.temporal import ANSWER_WITHIN
from shared.watching import at_intervals
from workflows.schedules import SCHEDULES


async def tell_schedules(client: Client) -> None:
    """Ask Temporal once per interval, for ever."""
    await at_intervals(partial(look, client), lambda: SCHEDULE_AGE.set("schedules", ()))


async def look(client: Client) -> None:
    """Of a Schedule that is not there nothing is told, nor of any while Temporal does not answer."""
    found = list[tuple[dict[str, str], float]]()
    for schedule in SCHEDULES:
        try:
            described = await client.get_schedule_handle(schedule.id).describe(rpc_timeout=ANSWER_WITHIN)
        except RPCError:
            continue
        found.append(({"bianban.schedule": schedule.id}, _age(described.info)))
    SCHEDULE_AGE.set("schedules", found)


def _age(info: ScheduleInfo) -> float:
    """Seconds since the instant of the latest run that was begun; before the first, since the Schedule was made."""
    return (datetime.now(UTC) - max((each.scheduled_at for each in info.recent_actions), default=info.created_at)).total_seconds()
