"""处置措施: what the office has done about an issue beyond its notice, recorded with its document. The case goes on as it did."""

from uuid import UUID

import asyncpg

from services.monitoring.commands.cases import next_version
from services.monitoring.models.refusals import IssueUnknown, MeasureCorrectedAlready, MeasureUnchanged, MeasureUnknown
from services.monitoring.models.requests import CorrectMeasure, Instead, RecordMeasure
from services.monitoring.rules.measures import ensure_fitting, recordable
from shared.clock import business_day
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.events.monitoring import MeasureCorrected, MeasureTaken
from shared.glossary import IssueState, Measure
from shared.outbox import append
from workflows.rectification import workflow_id
from workflows.rectification_case import Act


@command
async def record_measure(conn: Connection, by: By, what: RecordMeasure) -> UUID:
    """Keep an interview, a circular or a referral of the issue's present round, and tell of it. Answers its id. Raises what the rule raises."""
    row = await conn.fetchrow("SELECT unit_id, round, state, number, signed_at FROM issues WHERE id = $1 FOR NO KEY UPDATE", what.issue_id)
    if row is None:
        raise IssueUnknown(issue=what.issue_id)
    may = recordable(IssueState(row["state"]), numbered=row["number"] is not None)
    ensure_fitting(what, may, business_day(row["signed_at"]) if row["signed_at"] else None, business_day(by.as_of))
    measure_id = uuid7()
    await _insert(conn, by, measure_id, row["round"], what, str(by.document_no), by.reason)
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


@command
async def correct_measure(conn: Connection, by: By, what: CorrectMeasure) -> UUID | None:
    """Strike out a measure that was recorded wrongly, and record in its round what is right; answers the id of that. Raises MeasureUnknown,
    MeasureCorrectedAlready, MeasureUnchanged, what the rule raises.
    """
    unit_id = await conn.fetchval("SELECT unit_id FROM issues WHERE id = $1 FOR NO KEY UPDATE", what.issue_id)
    wrong = await _standing(conn, what)
    instead_id = await _instead(conn, by, wrong["round"], what.instead) if what.instead else None
    await conn.execute(
        "INSERT INTO measure_corrections (measure_id, instead_id, reason, corrected_by, corrected_at) VALUES ($1, $2, $3, $4, $5)",
        *(what.measure_id, instead_id, by.reason, by.actor, by.as_of),
    )
    told = MeasureCorrected(
        occurred_at=by.as_of,
        unit_id=unit_id,
        version=await next_version(conn, what.issue_id),
        case_id=workflow_id(what.issue_id, wrong["round"]),
        issue_id=what.issue_id,
        measure=wrong["measure"],
        taken_on=wrong["taken_on"],
        instead=what.instead.measure if what.instead else None,
        instead_on=what.instead.taken_on if what.instead else None,
    )
    await append(conn, by, told)
    return instead_id


async def _standing(conn: Connection, what: CorrectMeasure) -> asyncpg.Record:
    row = await conn.fetchrow(
        "SELECT m.*, c.measure_id IS NOT NULL AS corrected FROM measures m"
        " LEFT JOIN measure_corrections c ON c.measure_id = m.id WHERE m.id = $1 AND m.issue_id = $2",
        *(what.measure_id, what.issue_id),
    )
    if row is None:
        raise MeasureUnknown(measure=what.measure_id)
    if row["corrected"]:
        raise MeasureCorrectedAlready
    if what.instead and all(row[name] == said for name, said in what.instead.model_dump().items()):
        raise MeasureUnchanged
    return row


async def _instead(conn: Connection, by: By, round_no: int, right: Instead) -> UUID:
    """Whatever could be recorded in that round may be recorded for it now, however far the issue is."""
    signed_at = await conn.fetchval(
        "SELECT max(at) FROM issue_entries WHERE issue_id = $1 AND round = $2 AND act = $3", right.issue_id, round_no, Act.CONFIRM
    )
    ensure_fitting(right, tuple(Measure), business_day(signed_at) if signed_at else None, business_day(by.as_of))
    instead_id = uuid7()
    await _insert(conn, by, instead_id, round_no, right, right.document_no, right.summary)
    return instead_id


async def _insert(conn: Connection, by: By, measure_id: UUID, round_no: int, what: RecordMeasure, document_no: str, summary: str) -> None:
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
        document_no,
        summary,
        by.actor,
        by.as_of,
    )
