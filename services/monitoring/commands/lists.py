"""Weekly lists (督办清单): a numbered immutable edition per unit and ISO week; released by an officer, sealed, acknowledged by the unit."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.monitoring.commands.cases import next_number
from services.monitoring.commands.lights import lock_light
from services.monitoring.models.refusals import ListAlreadyAcknowledged, ListAlreadyReleased, ListNotSealed, ListUnknown
from services.monitoring.models.requests import AcknowledgeList, IssueList, ReleaseList
from services.monitoring.queries.facts import parameters_on
from services.monitoring.queries.lists import audit_heads, lines_before, listed_issues
from services.monitoring.rules.lists import Line, lines
from shared.clock import business_day
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.events.monitoring import SupervisionListIssued
from shared.glossary import LineKind
from shared.outbox import append, start_workflow
from workflows.sealing_messages import Document, SealStart, workflow_id


def iso_week(day: date) -> str:
    """`2026-W39`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


@command
async def issue_list(conn: Connection, by: By, what: IssueList) -> UUID | None:
    """Issue a unit's edition of the week, once; None when there is nothing to list. Its figures are those of the moment it is made. One that comes late
    tells nothing that was found after its day, and comes not at all where a later one is out.
    """
    await lock_light(conn, what.unit_id)
    present: UUID | None = await conn.fetchval(
        "SELECT id FROM supervision_lists WHERE unit_id = $1 AND iso_week = $2", what.unit_id, what.iso_week
    )
    if present is not None:
        return present
    last_id, issued_at, before = await lines_before(conn, what.unit_id)
    if issued_at is not None and issued_at > what.nominal:
        return None
    found = [each for each in await listed_issues(conn, what.unit_id, last_id, issued_at) if each.found_on <= business_day(what.nominal)]
    edition = lines(found, before, what.made_at)
    return await _insert(conn, by, what, edition) if edition else None


async def _insert(conn: Connection, by: By, what: IssueList, edition: Sequence[Line]) -> UUID:
    series = (await parameters_on(conn, business_day(what.nominal)))["*", "list_series"].value
    number, list_id = await next_number(conn, series, what.nominal), uuid7()
    await conn.execute(
        "INSERT INTO supervision_lists (id, number, unit_id, iso_week, issued_at, made_at, audit_heads) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        list_id,
        number,
        what.unit_id,
        what.iso_week,
        what.nominal,
        what.made_at,
        await audit_heads(conn),
    )
    await _insert_lines(conn, list_id, edition)
    await append(conn, by, _issued(what, list_id, number, edition))
    return list_id


async def _insert_lines(conn: Connection, list_id: UUID, edition: Sequence[Line]) -> None:
    await conn.executemany(
        "INSERT INTO supervision_lines (list_id, line_no, issue_id, round, kind, rule, level, state, matter, document_no, measure, found_on,"
        " due_at, remaining) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        [
            (
                list_id,
                number,
                *line.issue.key,
                line.kind,
                line.issue.rule,
                line.issue.level,
                line.issue.state,
                line.issue.matter,
                line.issue.document_no,
                line.issue.measure,
                line.issue.found_on,
                line.issue.due_at,
                line.remaining,
            )
            for number, line in enumerate(edition, 1)
        ],
    )


def _issued(what: IssueList, list_id: UUID, number: str, edition: Sequence[Line]) -> SupervisionListIssued:
    count = Counter(line.kind for line in edition)
    return SupervisionListIssued(
        occurred_at=what.nominal,
        unit_id=what.unit_id,
        version=1,
        case_id=f"supervision:{what.iso_week}",
        list_id=list_id,
        number=number,
        iso_week=what.iso_week,
        new=count[LineKind.NEW],
        carried=count[LineKind.CARRIED],
        overdue=count[LineKind.OVERDUE],
        cleared=count[LineKind.CLEARED],
    )


@command
async def release_list(conn: Connection, by: By, what: ReleaseList) -> UUID:
    """用印登记: an officer releases the edition to be sealed; its sealing goes on in a workflow. Raises ListAlreadyReleased."""
    released = await conn.fetchval(
        "UPDATE supervision_lists SET released_by = $2, released_at = $3, release_reason = $4, released_kept_at = clock_timestamp()"
        " WHERE id = $1 AND released_at IS NULL RETURNING id",
        what.list_id,
        by.actor,
        by.as_of,
        by.reason,
    )
    if released is None:
        raise ListAlreadyReleased(list=what.list_id)
    start = SealStart(kind=Document.LIST, document_id=what.list_id, released_at=by.as_of, clock_offset=what.clock_offset)
    await start_workflow(conn, "SealWorkflow", workflow_id(Document.LIST, what.list_id), start)
    return what.list_id


@command
async def acknowledge_list(conn: Connection, by: By, what: AcknowledgeList) -> UUID:
    """The unit has received its sealed edition. Raises ListNotSealed, ListAlreadyAcknowledged."""
    row = await conn.fetchrow("SELECT sealed_at, acknowledged_at FROM supervision_lists WHERE id = $1 FOR UPDATE", what.list_id)
    if row is None:
        raise ListUnknown(list=what.list_id)
    if row["sealed_at"] is None:
        raise ListNotSealed(list=what.list_id)
    if row["acknowledged_at"] is not None:
        raise ListAlreadyAcknowledged(list=what.list_id)
    await conn.execute(
        "UPDATE supervision_lists SET acknowledged_by = $2, acknowledged_at = $3, acknowledged_kept_at = clock_timestamp() WHERE id = $1",
        what.list_id,
        by.actor,
        by.as_of,
    )
    return what.list_id
