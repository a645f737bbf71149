"""Cases: each issue's rectification as its workflow decides it, recorded entry by entry, and told to whoever waits for it."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import asyncpg

from services.monitoring.commands.freezes import propose_after_overdue
from services.monitoring.commands.lights import lock_light, settle_light
from services.monitoring.commands.notices import pin_notice
from services.monitoring.models.facts import Issue
from services.monitoring.queries.facts import parameters_on
from services.monitoring.queries.ladders import ladder_of
from services.monitoring.rules.facts import Parameters
from shared.clock import business_day
from shared.db import By, Connection, command
from shared.events.monitoring import IssueChanged, RungFired
from shared.glossary import IssueState, Light, Rung
from shared.outbox import append, start_workflow, update_workflow
from workflows import freeze, freeze_case
from workflows.rectification import RectificationStart, workflow_id
from workflows.rectification_case import OVER, Act, Case, Entry, Held

COLUMNS = "id, unit_id, rule, subject, level, state, round, version, present, must_vanish, opens_case, has_case, size, due_at"
ANEW = (
    "has_case = false, ladder = NULL, extensions_allowed = NULL, extension_days = NULL, number = NULL, title = NULL, demand = NULL, signed_by = NULL, signed_at = NULL, served_on = NULL,"
    " deadline = NULL, due_at = NULL, revision = 1, closed_at = NULL, closing_document_no = NULL"
)
"""How an issue stands when a round of it begins; what the earlier round left stays in its journal."""
BEGUN = "state = CASE WHEN opens_case THEN 'to_verify' ELSE 'warned' END"
"""As `rules.first_state` says of what stands in the row."""
ENGINE = "engine"


def issue_of(row: asyncpg.Record) -> Issue:
    """An issue from a row of `COLUMNS`."""
    return Issue(**{**row, "level": Light(row["level"]), "state": IssueState(row["state"])})


async def start_case(conn: Connection, issue: Issue, parameters: Parameters, clock_offset: timedelta | None) -> None:
    """Pin the budget and the ladder that hold now. What is absorbed by plan (yellow) has a longer budget and no ladder (domain §14.17)."""
    by_plan = issue.level is Light.YELLOW
    case = Case(
        budget_days=parameters[issue.rule, "plan_days" if by_plan else "budget_days"].value,
        ladder=await ladder_of(conn, issue.id, issue.level, parameters),
        extensions_allowed=parameters["*", "extensions"].value,
        extension_days=parameters["*", "extension_days"].value,
    )
    await conn.execute(
        "UPDATE issues SET has_case = true, budget_days = $2, ladder = $3, extensions_allowed = $4, extension_days = $5 WHERE id = $1",
        issue.id,
        case.budget_days,
        [step.model_dump(mode="json") for step in case.ladder],
        case.extensions_allowed,
        case.extension_days,
    )
    start = RectificationStart(issue_id=issue.id, unit_id=issue.unit_id, round=issue.round, case=case, clock_offset=clock_offset)
    await start_workflow(conn, "RectificationWorkflow", workflow_id(issue.id, issue.round), start)


async def publish_and_start(conn: Connection, by: By, issue: Issue, parameters: Parameters, clock_offset: timedelta | None) -> None:
    """Tell how the issue stands now, and start the case it opens, if it has none. The caller holds the unit's light."""
    await publish_issue(conn, by, issue)
    if issue.opens_case and not issue.has_case:
        await start_case(conn, issue, parameters, clock_offset)


async def publish_issue(conn: Connection, by: By, issue: Issue) -> None:
    """Tell how the issue stands now. The caller holds the unit's light."""
    await append(
        conn,
        by,
        IssueChanged(
            occurred_at=by.as_of,
            unit_id=issue.unit_id,
            version=await next_version(conn, issue.id),
            case_id=workflow_id(issue.id, issue.round),
            issue_id=issue.id,
            rule=issue.rule,
            level=issue.level,
            state=issue.state,
            due_at=issue.due_at,
            round=issue.round,
        ),
    )


async def next_version(conn: Connection, issue_id: UUID) -> int:
    """The version of the next event about an issue."""
    version: int = await conn.fetchval("UPDATE issues SET version = version + 1 WHERE id = $1 RETURNING version", issue_id)
    return version


@command
async def record_case_entry(conn: Connection, by: By, entry: Entry) -> int:
    """Write one entry of a case's journal with all that follows from it: state, rung, number, light, freeze orders. Answers its sequence."""
    unit_id = await conn.fetchval("SELECT unit_id FROM issues WHERE id = $1", entry.issue_id)
    before = await lock_light(conn, unit_id)
    issue = await _move(conn, entry)
    await _keep_entry(conn, by, entry)
    await publish_issue(conn, by, issue)
    if entry.act in _FOLLOWS:
        await _FOLLOWS[entry.act](conn, by, entry, issue)
    if entry.state in OVER:
        await _tell_freeze_orders(conn, by, issue)
    if entry.act is Act.ACCEPT_EVIDENCE and issue.must_vanish and issue.present:
        await _begin_next_round(conn, by, entry, issue)
    await settle_light(conn, by, unit_id, before)
    return entry.sequence


@command
async def mark_case_held(conn: Connection, by: By, held: Held) -> None:  # noqa: ARG001  every command has this form
    """Show that a line of the case's journal could not be recorded; recording it takes the mark away."""
    await conn.execute("UPDATE issues SET held = $3 WHERE id = $1 AND round = $2", held.issue_id, held.round, held.code)


async def _move(conn: Connection, entry: Entry) -> Issue:
    rows = await conn.fetch(
        "UPDATE issues SET state = $2, due_at = $3, revision = $4, deadline = $5, closed_at = $6, closing_document_no = $7,"
        " calendar_version = $8, held = NULL"
        f" WHERE id = $1 RETURNING {COLUMNS}",
        entry.issue_id,
        entry.state,
        entry.due_at,
        entry.revision,
        entry.deadline.model_dump(mode="json") if entry.deadline else None,
        entry.at if entry.state in OVER else None,
        entry.evidence.document_no if entry.evidence and entry.state in OVER else None,
        entry.deadline.calendar.version if entry.deadline else None,
    )
    return issue_of(rows[0])


async def _keep_entry(conn: Connection, by: By, entry: Entry) -> None:
    await conn.execute(
        "INSERT INTO issue_entries (issue_id, round, sequence, act, state, at, actor, role, reason, document_no, details,"
        " update_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        entry.issue_id,
        entry.round,
        entry.sequence,
        entry.act,
        entry.state,
        entry.at,
        by.actor,
        entry.evidence.role if entry.evidence else ENGINE,
        by.reason,
        by.document_no,
        entry.details | ({"rung": entry.rung.value} if entry.rung else {}),
        entry.evidence.update_id if entry.evidence else "",
    )


async def _sign_notice(conn: Connection, by: By, entry: Entry, issue: Issue) -> None:
    series = (await parameters_on(conn, business_day(by.as_of)))["*", "notice_series"].value
    number = await next_number(conn, series, by.as_of)
    await conn.execute(
        "UPDATE issues SET number = $2, title = $3, demand = $4, signed_by = $5, signed_at = $6 WHERE id = $1",
        issue.id,
        number,
        entry.details["title"],
        entry.details["demand"],
        by.actor,
        by.as_of,
    )
    await pin_notice(conn, entry, issue, number)


async def _keep_service(conn: Connection, by: By, entry: Entry, issue: Issue) -> None:  # noqa: ARG001  all that follows has one form
    await conn.execute("UPDATE issues SET served_on = $2::text::date WHERE id = $1", issue.id, entry.details["served_on"])


async def _keep_rung(conn: Connection, by: By, entry: Entry, issue: Issue) -> None:
    if entry.rung is None or entry.planned_at is None:
        return
    await conn.execute(
        "INSERT INTO rungs (issue_id, round, revision, rung, planned_at, fired_at) VALUES ($1, $2, $3, $4, $5, $6)",
        issue.id,
        entry.round,
        entry.revision,
        entry.rung,
        entry.planned_at,
        entry.at,
    )
    await append(
        conn,
        by,
        RungFired(
            occurred_at=entry.at,
            unit_id=issue.unit_id,
            version=await next_version(conn, issue.id),
            case_id=workflow_id(issue.id, issue.round),
            issue_id=issue.id,
            rung=entry.rung,
        ),
    )
    if entry.rung is Rung.FREEZE_PROPOSAL:
        await propose_after_overdue(conn, by, issue, entry.clock_offset)


async def _tell_freeze_orders(conn: Connection, by: By, issue: Issue) -> None:
    """The issue is struck off: each freeze order that hangs on it learns of it, the workflow of the order decides what follows."""
    rows = await conn.fetch(
        "UPDATE freeze_order_issues SET accepted_at = $2 WHERE issue_id = $1 AND accepted_at IS NULL RETURNING order_id", issue.id, by.as_of
    )
    for order_id in sorted(row["order_id"] for row in rows):
        told = freeze_case.IssueAccepted(issue_id=issue.id)
        update_id = uuid5(order_id, workflow_id(issue.id, issue.round))
        await update_workflow(conn, freeze.ISSUE_ACCEPTED, freeze_case.workflow_id(order_id), told, update_id)


async def _begin_next_round(conn: Connection, by: By, entry: Entry, issue: Issue) -> None:
    """It came back between its acceptance and this record of it: the figures of what came back stand in the issue already."""
    await put_aside(conn, issue.id)
    rows = await conn.fetch(
        f"UPDATE issues SET {ANEW}, {BEGUN}, round = round + 1, event_id = NULL, found_at = $2 WHERE id = $1 RETURNING {COLUMNS}",
        issue.id,
        by.as_of,
    )
    await publish_and_start(conn, by, issue_of(rows[0]), await parameters_on(conn, business_day(by.as_of)), entry.clock_offset)


async def put_aside(conn: Connection, issue_id: UUID) -> None:
    """Keep how a round with a case ended, before the next one begins."""
    await conn.execute(
        "INSERT INTO past_rounds (issue_id, round, level, state, inputs, number, demand, found_at, due_at, closed_at)"
        " SELECT id, round, level, state, inputs, number, demand, found_at, due_at, closed_at FROM issues"
        " WHERE id = $1 AND has_case AND state IN ('closed', 'dismissed') AND closed_at IS NOT NULL",
        issue_id,
    )


async def next_number(conn: Connection, series: str, at: datetime) -> str:
    """The next number of a series in its year, without gaps: 系列〔年〕号. Taken last, because every writer of the series waits for it."""
    year = business_day(at).year
    number = await conn.fetchval(
        "INSERT INTO numbers AS n (series, year, last) VALUES ($1, $2, 1) ON CONFLICT (series, year) DO UPDATE SET last = n.last + 1 RETURNING last",
        series,
        year,
    )
    return f"{series}〔{year}〕{number}号"


_Follows = Callable[[Connection, By, Entry, Issue], Awaitable[None]]
_FOLLOWS: dict[Act, _Follows] = {Act.CONFIRM: _sign_notice, Act.SERVE: _keep_service, Act.FIRE_RUNG: _keep_rung}
