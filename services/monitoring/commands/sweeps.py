"""Judging without an event: the daily sweep of what time alone breaks, and the release of a first load's findings."""

from services.monitoring.commands.cases import BEGUN, COLUMNS, issue_of, publish_issue, start_case
from services.monitoring.commands.issues import judge
from services.monitoring.commands.lights import lock_light, settle_light
from services.monitoring.models.facts import Occasion
from services.monitoring.models.requests import ReleaseBaseline, SweepUnit
from services.monitoring.queries.facts import facts_for_sweep, parameters_on
from shared.clock import business_day
from shared.db import By, Connection, command


@command
async def release_baseline(conn: Connection, by: By, what: ReleaseBaseline) -> int:
    """The office takes up what a first load left: its rows become issues to verify. Answers how many."""
    before = await lock_light(conn, what.unit_id)
    parameters = await parameters_on(conn, business_day(by.as_of))
    rows = await conn.fetch(f"UPDATE issues SET {BEGUN} WHERE unit_id = $1 AND state = 'baseline' RETURNING {COLUMNS}", what.unit_id)
    for row in sorted(rows, key=lambda row: row["id"]):
        issue = issue_of(row)
        await publish_issue(conn, by, issue)
        if issue.opens_case:
            await start_case(conn, issue, parameters, what.clock_offset)
    await settle_light(conn, by, what.unit_id, before)
    return len(rows)


@command
async def sweep_unit(conn: Connection, by: By, what: SweepUnit) -> str:
    """Judge one unit by the rules that time alone can break."""
    occasion = Occasion(what.unit_id, by.as_of, what.calendar, what.clock_offset)
    before = await lock_light(conn, what.unit_id)
    facts = await facts_for_sweep(conn, what.unit_id, occasion)
    await judge(conn, by, occasion, before, facts, await parameters_on(conn, facts.day))
    return "judged"
