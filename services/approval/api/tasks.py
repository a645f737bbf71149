"""Work lists (待办、待阅、我发起、已办)."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.approval.commands.readings import mark_read
from services.approval.models.tasks import Counts, Task
from services.approval.queries import applications, tasks
from services.approval.queries.tasks import Wanted
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.door import Db
from shared.law.working_days import close_of
from shared.pages import asked, described

router = APIRouter()
Reader = Annotated[Who, Depends(Permit("applications.read"))]


@dataclass(frozen=True)
class TaskPage:
    """A page of a work list; `next` is the cursor of the page after."""

    items: list[Task]
    next: str | None


@router.get("/tasks", openapi_extra=described(Wanted))
async def list_tasks(request: Request, who: Reader, database: Db, wanted: Annotated[Wanted, Depends(asked(Wanted))]) -> TaskPage:
    """The caller's own work list: nobody sees another's."""
    async with database.reading() as conn:
        found = await tasks.tasks(conn, who, wanted, request.app.state.clock.now(), request.app.state.cipher)
    return TaskPage(found[: wanted.limit], found[wanted.limit - 1].cursor if len(found) > wanted.limit else None)


@router.get("/tasks/counts")
async def count_tasks(request: Request, who: Reader, database: Db) -> Counts:
    """How many stand under each tab."""
    now = request.app.state.clock.now()
    soon = close_of(request.app.state.calendar().next_working_day(business_day(now)))
    async with database.reading() as conn:
        return await tasks.counts(conn, who, now, soon)


@router.post("/applications/{application_id}/reading", status_code=204)
async def read(request: Request, application_id: UUID, who: Reader, database: Db) -> Response:
    """The caller has seen it as it stands (待阅 → 已阅)."""
    async with database.reading() as conn:
        await applications.ensure_visible(conn, application_id, who)
    await mark_read(database, who.name, application_id, request.app.state.clock.now())
    return Response(status_code=204)
