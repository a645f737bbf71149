"""A holiday notice was loaded: each open application is told to count by it."""

from uuid import uuid5

from services.approval.models.refusals import ApplicationUnknown
from shared.calendars import TellCase, known_calendar
from shared.clock import business_day
from shared.db import By, Connection, command
from shared.outbox import update_workflow
from workflows.approval_messages import RECOUNT, Recount, workflow_id


@command
async def tell_calendar(conn: Connection, by: By, what: TellCase) -> None:  # noqa: ARG001  every command has it
    """Have one application count by a calendar. Its case records what became of the term that runs. Raises ApplicationUnknown."""
    known = await known_calendar(conn, what.number)
    if known is None:
        raise ApplicationUnknown(application=what.case)
    submitted_at = await conn.fetchval(
        "UPDATE applications SET calendar_version = $2 WHERE id = $1 RETURNING submitted_at", what.case, known.calendar.version
    )
    if submitted_at is None:
        raise ApplicationUnknown(application=what.case)
    change, case = Recount(calendar=known.calendar.since(business_day(submitted_at))), workflow_id(what.case)
    await update_workflow(conn, RECOUNT, case, change, uuid5(what.case, f"{case}/calendar/{what.number}"))
