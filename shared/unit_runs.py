"""An activity that goes over many units: one that fails for itself keeps no other waiting, and is not passed over in silence."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from shared.db import PASSING
from shared.errors import Unavailable
from shared.faults import kind

UNITS_FAILED = "units_failed"
TRIES = 5
_log = structlog.get_logger()


async def unit_by_unit(units: Sequence[UUID], do: Callable[[UUID], Awaitable[int]], give_up_at: int | None = None) -> int:
    """Do it for each unit, by their ids; the sum of the answers. Where some failed, ApplicationError `units_failed` names them at the end, final from
    that attempt on.

    What passes (the database is away, a deadlock) ends the run at once. The next attempt begins with what failed and goes on where this one was: a run
    that takes longer than an attempt may last comes to its end.
    """
    last, failed, total = _told_before()
    failed &= {str(each) for each in units}
    for unit_id in sorted(each for each in units if each > last or str(each) in failed):
        activity.heartbeat(str(last), sorted(failed), total)
        try:
            total += await do(unit_id)
            failed.discard(str(unit_id))
        except (Unavailable, *PASSING):
            raise
        except Exception as error:  # noqa: BLE001  whatever one unit causes is told at the end
            _log.error("a unit failed", unit_id=str(unit_id), activity=activity.info().activity_type, error=kind(error))
            failed.add(str(unit_id))
        last = max(last, unit_id)
    activity.heartbeat(str(last), sorted(failed), total)
    if failed:
        final = give_up_at is not None and activity.info().attempt >= give_up_at
        raise ApplicationError(UNITS_FAILED, sorted(failed), type=UNITS_FAILED, non_retryable=final)
    return total


def _told_before() -> tuple[UUID, set[str], int]:
    """The last unit of the attempt before, those that failed until then, and the sum: as its heartbeats told them, perhaps a little less than was done.
    An attempt of another build told a number.
    """
    told = activity.info().heartbeat_details
    return (UUID(told[0]), set(told[1]), told[2]) if len(told) > 1 else (UUID(int=0), set(), 0)
