"""Work lists (待办、我发起、已办): issues, freeze orders and editions, each with the reason why it is the caller's."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends

from services.monitoring.api.asked import Asking
from services.monitoring.models.tasks import Counts, Task
from services.monitoring.queries import tasks
from services.monitoring.queries.exports import EXPORTS
from services.monitoring.queries.tasks import Wanted
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.law.working_days import close_of
from shared.pages import asked as asked_for
from shared.pages import described

router = APIRouter(tags=["tasks"])
Reader = Annotated[Who, Depends(Permit("lights.read"))]


@dataclass(frozen=True)
class TaskPage:
    """A page of a work list; `next` is the cursor of the page after."""

    items: list[Task]
    next: str | None


@router.get("/tasks", openapi_extra=described(Wanted))
async def get_tasks(asked: Asking, who: Reader, wanted: Annotated[Wanted, Depends(asked_for(Wanted))]) -> TaskPage:
    """The caller's own work list: nobody sees another's."""
    async with asked.database.reading() as conn:
        found = await tasks.tasks(conn, who, wanted, asked.clock.now(), asked.cipher)
        await EXPORTS.ensure_known(conn, "work", wanted.__dict__, found)
    return TaskPage(found[: wanted.limit], found[wanted.limit - 1].cursor if len(found) > wanted.limit else None)


@router.get("/tasks/counts")
async def get_counts(asked: Asking, who: Reader) -> Counts:
    """How many stand under each tab."""
    now = asked.clock.now()
    soon = close_of(asked.surroundings.calendar.next_working_day(business_day(now)))
    async with asked.database.reading() as conn:
        return await tasks.counts(conn, who, now, soon)
