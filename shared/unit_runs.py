"""An activity that goes over many units: one that fails for itself keeps no other waiting, and is not passed over in silence."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from shared.db import PASSING
from shared.errors import Unavailable
from shared.faults import kind

A = TypeVar("A")
UNITS_FAILED = "units_failed"
TRIES = 5
_log = structlog.get_logger()


async def unit_by_unit(units: Sequence[UUID], do: Callable[[UUID], Awaitable[A]], give_up_at: int | None = None) -> list[A]:
    """Do it for each unit; the answers. Where some failed, ApplicationError `units_failed` names them at the end, final from that attempt on.

    What passes (the database is away, a deadlock) ends the run at once, to be tried again as a whole.
    """
    answers: list[A] = []
    failed: list[str] = []
    for number, unit_id in enumerate(units):
        activity.heartbeat(number)
        try:
            answers.append(await do(unit_id))
        except (Unavailable, *PASSING):
            raise
        except Exception as error:  # noqa: BLE001  whatever one unit causes is told at the end
            _log.error("a unit failed", unit_id=str(unit_id), activity=activity.info().activity_type, error=kind(error))
            failed.append(str(unit_id))
    if failed:
        final = give_up_at is not None and activity.info().attempt >= give_up_at
        raise ApplicationError(UNITS_FAILED, failed, type=UNITS_FAILED, non_retryable=final)
    return answers
