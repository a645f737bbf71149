"""Issues as the rules find them: opened, refreshed, reopened, gone. Runs inside the transaction of the event, the sweep or the decision."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from services.monitoring import rules
from services.monitoring.commands.cases import COLUMNS, issue_of, publish_issue, start_case
from services.monitoring.commands.lights import lock_light, settle_light
from services.monitoring.models.facts import Issue, Occasion
from services.monitoring.queries.facts import facts_of, parameters_on
from services.monitoring.rules.facts import Facts, Finding, Judgement, Parameters, Remark
from shared.db import By, Connection
from shared.events.envelope import uuid7
from shared.glossary import IssueState, Light


async def judge_change(conn: Connection, by: By, occasion: Occasion, rows: Collection[tuple[str, str]], person_id: UUID | None) -> None:
    """Judge the rows and the person that an event touched. The light is held before the facts are read, so no other writer moves them."""
    before = await lock_light(conn, occasion.unit_id)
    facts = await facts_of(conn, occasion, rows, person_id)
    await judge(conn, by, occasion, before, facts, await parameters_on(conn, facts.day))


async def judge(conn: Connection, by: By, occasion: Occasion, before: Light, facts: Facts, parameters: Parameters) -> None:
    """Run the rules on the facts, keep what they say, turn the light, which the caller holds."""
    judgements = rules.judge(facts, parameters)
    known = await _known(conn, occasion.unit_id, judgements)
    for code, judgement in judgements:
        found = {finding.subject: finding for finding in judgement.findings}
        for subject, finding in found.items():
            await _keep_finding(conn, by, occasion, finding, known.get((code, subject)), parameters)
        for issue in (issue for (rule, subject), issue in known.items() if rule == code and subject not in found):
            await _gone(conn, by, issue)
    await _keep_remarks(conn, occasion, judgements)
    if known or any(judgement.findings for _, judgement in judgements):
        await settle_light(conn, by, occasion.unit_id, before, occasion.event_id)


async def _known(conn: Connection, unit_id: UUID, judgements: Sequence[tuple[str, Judgement]]) -> dict[tuple[str, str], Issue]:
    looked_at = [(code, subject) for code, judgement in judgements for subject in judgement.looked_at]
    rows = await conn.fetch(
        f"SELECT {COLUMNS} FROM issues WHERE unit_id = $1 AND (rule, subject) IN (SELECT * FROM unnest($2::text[], $3::text[]))",
        unit_id,
        [code for code, _ in looked_at],
        [subject for _, subject in looked_at],
    )
    return {(row["rule"], row["subject"]): issue_of(row) for row in rows}


async def _keep_finding(
    conn: Connection, by: By, occasion: Occasion, finding: Finding, issue: Issue | None, parameters: Parameters
) -> None:
    if issue is None:
        issue = await _insert(conn, occasion, finding)
        if not occasion.baseline:
            await _publish_and_start(conn, by, issue, parameters, occasion.clock_offset)
    elif issue.state in rules.SETTLED and _opens_again(issue, finding, occasion):
        issue = await _reopen(conn, occasion, finding, issue)
        await _publish_and_start(conn, by, issue, parameters, occasion.clock_offset)
    else:
        await _refresh(conn, by, occasion, finding, issue, parameters)


def _opens_again(issue: Issue, finding: Finding, occasion: Occasion) -> bool:
    """A settled issue comes back when it had gone in between, or was struck off in the moment it came back; a baseline one when it gets worse."""
    if occasion.baseline:
        return False
    if issue.state is IssueState.BASELINE:
        return occasion.event_id is not None and finding.size > issue.size
    return not issue.present or (issue.state is IssueState.CLOSED and issue.must_vanish)


async def _insert(conn: Connection, occasion: Occasion, finding: Finding) -> Issue:
    rows = await conn.fetch(
        "INSERT INTO issues (id, unit_id, rule, rule_version, subject, level, state, must_vanish, opens_case, size, inputs, threshold,"
        f" event_id, found_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING {COLUMNS}",
        uuid7(),
        occasion.unit_id,
        finding.rule,
        finding.rule_version,
        finding.subject,
        finding.level,
        IssueState.BASELINE if occasion.baseline else IssueState.TO_VERIFY,
        finding.must_vanish,
        finding.opens_case,
        finding.size,
        dict(finding.inputs),
        dict(finding.threshold),
        occasion.event_id,
        occasion.at,
    )
    return issue_of(rows[0])


async def _reopen(conn: Connection, occasion: Occasion, finding: Finding, issue: Issue) -> Issue:
    """Another round of the same issue (a baseline one begins its first); what the earlier round left stays in its journal."""
    rows = await conn.fetch(
        "UPDATE issues SET state = 'to_verify', round = $2, level = $3, rule_version = $4, size = $5, inputs = $6, threshold = $7, event_id = $8,"
        " found_at = $9, opens_case = $10, present = true, has_case = false, number = NULL, title = NULL, demand = NULL, signed_by = NULL, signed_at = NULL,"
        " served_on = NULL, deadline = NULL, due_at = NULL, revision = 1, closed_at = NULL, closing_document_no = NULL"
        f" WHERE id = $1 RETURNING {COLUMNS}",
        issue.id,
        issue.round if issue.state is IssueState.BASELINE else issue.round + 1,
        finding.level,
        finding.rule_version,
        finding.size,
        dict(finding.inputs),
        dict(finding.threshold),
        occasion.event_id,
        occasion.at,
        finding.opens_case,
    )
    return issue_of(rows[0])


async def _refresh(conn: Connection, by: By, occasion: Occasion, finding: Finding, issue: Issue, parameters: Parameters) -> None:
    """The same finding again: keep the latest figures. A warning that became a problem starts its case; a case keeps its level."""
    level = issue.level if issue.has_case else finding.level
    await conn.execute(
        "UPDATE issues SET present = true, size = $2, inputs = $3, threshold = $4, level = $5, opens_case = $6 WHERE id = $1",
        issue.id,
        finding.size,
        dict(finding.inputs),
        dict(finding.threshold),
        level,
        finding.opens_case,
    )
    if issue.state not in rules.SETTLED and (level is not issue.level or (finding.opens_case and not issue.has_case)):
        issue = replace(issue, level=level, opens_case=finding.opens_case)
        await _publish_and_start(conn, by, issue, parameters, occasion.clock_offset)


async def _publish_and_start(conn: Connection, by: By, issue: Issue, parameters: Parameters, clock_offset: timedelta | None) -> None:
    await publish_issue(conn, by, issue)
    if issue.opens_case and not issue.has_case:
        await start_case(conn, issue, parameters, clock_offset)


async def _gone(conn: Connection, by: By, issue: Issue) -> None:
    """The rule does not find it any more. A case waits for its acceptance; a warning or a baseline row ends by itself."""
    if not issue.present:
        return
    ends = not issue.has_case and issue.state not in {IssueState.CLOSED, IssueState.DISMISSED}
    await conn.execute(
        "UPDATE issues SET present = false, state = CASE WHEN $2 THEN 'closed' ELSE state END,"
        " closed_at = CASE WHEN $2 THEN $3 ELSE closed_at END WHERE id = $1",
        issue.id,
        ends,
        by.as_of,
    )
    if ends and issue.state is not IssueState.BASELINE:
        await publish_issue(conn, by, replace(issue, state=IssueState.CLOSED))


async def _keep_remarks(conn: Connection, occasion: Occasion, judgements: Sequence[tuple[str, Judgement]]) -> None:
    kept = {(code, remark.subject): remark for code, judgement in judgements for remark in judgement.remarks}
    gone = [(code, subject) for code, judgement in judgements for subject in judgement.looked_at if (code, subject) not in kept]
    await conn.execute(
        "DELETE FROM remarks WHERE unit_id = $1 AND (rule, subject) IN (SELECT * FROM unnest($2::text[], $3::text[]))",
        occasion.unit_id,
        [code for code, _ in gone],
        [subject for _, subject in gone],
    )
    for remark in kept.values():
        await _keep_remark(conn, occasion, remark)


async def _keep_remark(conn: Connection, occasion: Occasion, remark: Remark) -> None:
    await conn.execute(
        "INSERT INTO remarks (unit_id, rule, subject, code, inputs, since) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (unit_id, rule, subject) DO UPDATE SET code = excluded.code, inputs = excluded.inputs",
        occasion.unit_id,
        remark.rule,
        remark.subject,
        remark.code,
        dict(remark.inputs),
        occasion.at,
    )
