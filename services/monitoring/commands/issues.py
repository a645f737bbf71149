"""Issues as the rules find them: opened, refreshed, reopened, gone. Runs inside the transaction of the event, the sweep or the decision."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.monitoring import rules
from services.monitoring.commands.cases import ANEW, COLUMNS, issue_of, publish_and_start, publish_issue, put_aside
from services.monitoring.commands.lights import lock_lights, settle_light
from services.monitoring.models.facts import Issue, Occasion
from services.monitoring.queries.baseline import stock_of_reforms
from services.monitoring.queries.facts import Touched, facts_of
from services.monitoring.rules.facts import Facts, Finding, Judgement, Parameters
from shared.db import By, Connection
from shared.events.envelope import uuid7
from shared.glossary import IssueState, Light


@dataclass(frozen=True)
class Judged:
    """What the rules say of a unit, and what was known of the subjects they looked at, by (rule, subject)."""

    occasion: Occasion
    before: Light
    parameters: Parameters
    judgements: Sequence[tuple[str, Judgement]]
    issues: dict[tuple[str, str], Issue] = field(default_factory=dict)
    remarks: set[tuple[str, str]] = field(default_factory=set)


async def judge_changes(conn: Connection, touched: Sequence[Touched]) -> list[Judged]:
    """Judge what events touched, each of another unit. The lights are held before the facts are read, so no other writer moves them."""
    lights = await lock_lights(conn, [each.occasion.unit_id for each in touched])
    judged = [
        _judged(each.occasion, lights[each.occasion.unit_id], facts, parameters)
        for each, (facts, parameters) in zip(touched, await facts_of(conn, touched), strict=True)
    ]
    await _learn_what_is_known(conn, judged)
    return judged


async def judge(conn: Connection, by: By, occasion: Occasion, before: Light, facts: Facts, parameters: Parameters) -> None:
    """Run the rules on the facts, keep what they say, turn the light, which the caller holds."""
    judged = _judged(occasion, before, facts, parameters)
    await _learn_what_is_known(conn, [judged])
    await keep_judged(conn, by, judged)


def _judged(occasion: Occasion, before: Light, facts: Facts, parameters: Parameters) -> Judged:
    return Judged(occasion, before, parameters, rules.judge(facts, parameters, occasion.today))


async def _learn_what_is_known(conn: Connection, judged: Sequence[Judged]) -> None:
    unit = {each.occasion.unit_id: each for each in judged}
    looked_at = [
        (unit_id, code, subject) for unit_id, each in unit.items() for code, judgement in each.judgements for subject in judgement.looked_at
    ]
    rows = await conn.fetch(
        f"SELECT {COLUMNS}, remarks.code AS remark FROM unnest($1::uuid[], $2::text[], $3::text[]) AS looked_at (unit_id, rule, subject)"
        " LEFT JOIN issues USING (unit_id, rule, subject) LEFT JOIN remarks USING (unit_id, rule, subject)"
        " WHERE issues.id IS NOT NULL OR remarks.code IS NOT NULL",
        [unit_id for unit_id, _, _ in looked_at],
        [code for _, code, _ in looked_at],
        [subject for _, _, subject in looked_at],
    )
    for row in rows:
        known, key = unit[row["unit_id"]], (row["rule"], row["subject"])
        if row["id"]:
            known.issues[key] = _known(**row)
        if row["remark"]:
            known.remarks.add(key)


def _known(*, remark: str | None, level: str, state: str, **row: Any) -> Issue:  # noqa: ARG001  a remark is no part of an issue
    return Issue(**row, level=Light(level), state=IssueState(state))


async def keep_judged(conn: Connection, by: By, judged: Judged) -> None:
    """Keep what the rules say, and turn the light, which the caller holds."""
    stock = await stock_of_reforms(conn, judged.occasion.unit_id, _untold(judged))
    for code, judgement in judged.judgements:
        found = {finding.subject: finding for finding in judgement.findings}
        for subject, finding in found.items():
            occasion = replace(judged.occasion, baseline=True) if (code, subject) in stock else judged.occasion
            await _keep_finding(conn, by, occasion, finding, judged.issues.get((code, subject)), judged.parameters)
        for issue in (issue for (rule, subject), issue in judged.issues.items() if rule == code and subject not in found):
            await _gone(conn, by, issue)
    await _keep_remarks(conn, judged)
    if judged.issues or any(judgement.findings for _, judgement in judged.judgements):
        await settle_light(conn, by, judged.occasion.unit_id, judged.before, judged.occasion.event_id)


def _untold(judged: Judged) -> list[Finding]:
    """What is found anew, or was 期初存量 until now."""
    found = [(judged.issues.get((code, each.subject)), each) for code, judgement in judged.judgements for each in judgement.findings]
    return [finding for issue, finding in found if issue is None or not issue.present or issue.state is IssueState.BASELINE]


async def _keep_finding(
    conn: Connection, by: By, occasion: Occasion, finding: Finding, issue: Issue | None, parameters: Parameters
) -> None:
    if issue is None:
        issue = await _insert(conn, occasion, finding)
        if not occasion.baseline:
            await publish_and_start(conn, by, issue, parameters, occasion.clock_offset)
    elif issue.state in rules.SETTLED and _opens_again(issue, finding, occasion):
        issue = await _reopen(conn, occasion, finding, issue)
        if not occasion.baseline:
            await publish_and_start(conn, by, issue, parameters, occasion.clock_offset)
    else:
        await _refresh(conn, by, occasion, finding, issue, parameters)


def _opens_again(issue: Issue, finding: Finding, occasion: Occasion) -> bool:
    """A settled issue comes back when it had gone in between, or was struck off in the moment it came back; one that nobody mended, when it gets worse.

    What was wrong with one post of a person says nothing of his next. 期初存量 comes back as such, with him it is about.
    """
    if occasion.baseline:
        return not issue.present and issue.subject == str(occasion.placed)
    if occasion.placed is not None and issue.subject == str(occasion.placed):
        return True
    if issue.state is IssueState.CLOSED:
        return not issue.present or issue.must_vanish
    return not issue.present or _got_worse(issue, finding, occasion)


def _got_worse(issue: Issue, finding: Finding, occasion: Occasion) -> bool:
    """Something happened that the issue did not hold yet. What grows with time alone is the same as before, whoever looks at it when."""
    return occasion.event_id is not None and finding.rule not in rules.TIME_ALONE and finding.size > issue.size


def _first_state(occasion: Occasion, finding: Finding) -> IssueState:
    return IssueState.BASELINE if occasion.baseline else rules.first_state(opens_case=finding.opens_case)


async def _insert(conn: Connection, occasion: Occasion, finding: Finding) -> Issue:
    rows = await conn.fetch(
        "INSERT INTO issues (id, unit_id, rule, rule_version, subject, level, state, must_vanish, opens_case, size, inputs, threshold,"
        f" event_id, found_at, as_of) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14) RETURNING {COLUMNS}",
        uuid7(),
        occasion.unit_id,
        finding.rule,
        finding.rule_version,
        finding.subject,
        finding.level,
        _first_state(occasion, finding),
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
    await put_aside(conn, issue.id)
    rows = await conn.fetch(
        f"UPDATE issues SET {ANEW}, round = $2, level = $3, rule_version = $4, size = $5, inputs = $6, threshold = $7, event_id = $8,"
        f" found_at = $9, as_of = $9, opens_case = $10, state = $11, present = true WHERE id = $1 RETURNING {COLUMNS}",
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
        _first_state(occasion, finding),
    )
    return issue_of(rows[0])


async def _refresh(conn: Connection, by: By, occasion: Occasion, finding: Finding, issue: Issue, parameters: Parameters) -> None:
    """The same finding again: keep the latest figures. A warning that became a problem starts its case; a case keeps its level."""
    keeps = issue.has_case or issue.state in rules.SETTLED
    level = issue.level if issue.has_case else finding.level
    state = issue.state if keeps else rules.first_state(opens_case=finding.opens_case)
    await conn.execute(
        "UPDATE issues SET present = true, size = $2, inputs = $3, threshold = $4, level = $5, opens_case = $6, state = $7, as_of = $8 WHERE id = $1",
        issue.id,
        finding.size,
        dict(finding.inputs),
        dict(finding.threshold),
        level,
        finding.opens_case,
        state,
        occasion.at,
    )
    changed = (level, state) != (issue.level, issue.state) or (finding.opens_case and not issue.has_case)
    if issue.state not in rules.SETTLED and changed:
        issue = replace(issue, level=level, opens_case=finding.opens_case, state=state)
        await publish_and_start(conn, by, issue, parameters, occasion.clock_offset)


async def _gone(conn: Connection, by: By, issue: Issue) -> None:
    """The rule does not find it any more. A case waits for its acceptance; a warning or a baseline row ends by itself."""
    if not issue.present:
        return
    ends = not issue.has_case and issue.state not in {IssueState.CLOSED, IssueState.DISMISSED}
    await conn.execute(
        "UPDATE issues SET present = false, state = CASE WHEN $2 THEN 'closed' ELSE state END,"
        " closed_at = CASE WHEN $2 THEN greatest($3, found_at) ELSE closed_at END WHERE id = $1",
        issue.id,
        ends,
        by.as_of,
    )
    if ends and issue.state is not IssueState.BASELINE:
        await publish_issue(conn, by, replace(issue, state=IssueState.CLOSED))


async def _keep_remarks(conn: Connection, judged: Judged) -> None:
    kept = {(code, remark.subject): remark for code, judgement in judged.judgements for remark in judgement.remarks}
    gone = sorted(judged.remarks - kept.keys())
    if gone:
        await conn.execute(
            "DELETE FROM remarks WHERE unit_id = $1 AND (rule, subject) IN (SELECT * FROM unnest($2::text[], $3::text[]))",
            judged.occasion.unit_id,
            [code for code, _ in gone],
            [subject for _, subject in gone],
        )
    if kept:
        await conn.execute(
            "INSERT INTO remarks (unit_id, rule, subject, code, inputs, since)"
            " SELECT $1, rule, subject, code, inputs, $2 FROM unnest($3::text[], $4::text[], $5::text[], $6::jsonb[]) AS new (rule, subject, code, inputs)"
            " ON CONFLICT (unit_id, rule, subject) DO UPDATE SET code = excluded.code, inputs = excluded.inputs",
            judged.occasion.unit_id,
            judged.occasion.at,
            [remark.rule for remark in kept.values()],
            [remark.subject for remark in kept.values()],
            [remark.code for remark in kept.values()],
            [dict(remark.inputs) for remark in kept.values()],
        )
