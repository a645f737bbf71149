"""A holiday notice was loaded: each case with a running term is told to count again."""

from datetime import date
from uuid import uuid5

from services.monitoring.commands.lights import lock_light
from services.monitoring.models.refusals import IssueUnknown
from shared.calendars import TellCase, known_calendar
from shared.db import By, Connection, command
from shared.glossary import Role
from shared.outbox import update_workflow
from workflows.rectification import RECOUNT, workflow_id
from workflows.rectification_orders import Recount
from workflows.roster import Evidence


@command
async def tell_calendar(conn: Connection, by: By, what: TellCase) -> None:
    """Have one case count by a calendar. The case records what became of its term; one that is over says no. Raises IssueUnknown."""
    unit_id = await conn.fetchval("SELECT unit_id FROM issues WHERE id = $1", what.case)
    known = await known_calendar(conn, what.number)
    if unit_id is None or known is None:
        raise IssueUnknown(issue=what.case)
    await lock_light(conn, unit_id)
    issue = await conn.fetchrow(
        "UPDATE issues SET calendar_version = $2 WHERE id = $1 RETURNING round, deadline ->> 'start_on' AS start_on",
        what.case,
        known.calendar.version,
    )
    if issue is None or issue["start_on"] is None:
        return
    case, version = workflow_id(what.case, issue["round"]), known.calendar.version
    evidence = Evidence(actor=by.actor, role=Role.SERVICE, update_id="", reason=f"节假日安排已更新，按日历版本 {version} 重新计算期限")
    order = Recount(evidence=evidence, calendar=known.calendar.since(date.fromisoformat(issue["start_on"])))
    await update_workflow(conn, RECOUNT, case, order, uuid5(what.case, f"{case}/calendar/{what.number}"))
