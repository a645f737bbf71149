"""处置措施: what the office has done about an issue beyond its notice, recorded with its document. The case goes on as it did."""

from uuid import UUID

from services.monitoring.commands.cases import next_version
from services.monitoring.models.refusals import IssueUnknown
from services.monitoring.models.requests import RecordMeasure
from services.monitoring.rules.measures import ensure_fitting, recordable
from shared.clock import business_day
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.events.monitoring import MeasureTaken
from shared.glossary import IssueState
from shared.outbox import append
from workflows.rectification import workflow_id


@command
async def record_measure(conn: Connection, by: By, what: RecordMeasure) -> UUID:
    """Keep an interview, a circular or a referral of the issue's present round, and tell of it. Answers its id. Raises what the rule raises."""
    row = await conn.fetchrow("SELECT unit_id, round, state, number, signed_at FROM issues WHERE id = $1 FOR NO KEY UPDATE", what.issue_id)
    if row is None:
        raise IssueUnknown(issue=what.issue_id)
    may = recordable(IssueState(row["state"]), numbered=row["number"] is not None)
    ensure_fitting(what, may, business_day(row["signed_at"]) if row["signed_at"] else None, business_day(by.as_of))
    measure_id = uuid7()
    await _insert(conn, by, measure_id, row["round"], what)
    told = MeasureTaken(
        occurred_at=by.as_of,
        unit_id=row["unit_id"],
        version=await next_version(conn, what.issue_id),
        case_id=workflow_id(what.issue_id, row["round"]),
        issue_id=what.issue_id,
        measure=what.measure,
        taken_on=what.taken_on,
    )
    await append(conn, by, told)
    return measure_id


async def _insert(conn: Connection, by: By, measure_id: UUID, round_no: int, what: RecordMeasure) -> None:
    await conn.execute(
        "INSERT INTO measures (id, issue_id, round, measure, taken_on, whom, led_by, document_no, summary, recorded_by, recorded_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        measure_id,
        what.issue_id,
        round_no,
        what.measure,
        what.taken_on,
        what.whom,
        what.led_by,
        by.document_no,
        by.reason,
        by.actor,
        by.as_of,
    )
