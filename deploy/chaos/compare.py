"""What the tables say against what was acknowledged. Each check answers with the cases that break a promise; none is what it should be."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import asyncpg

from deploy.chaos.ledger import Line
from deploy.chaos.register import compare_register
from services.reporting.models import consumer_name
from shared.db import Connection
from shared.temporal import update_id

Check = Callable[[Connection, list[Line]], Awaitable[list[str]]]
DECISIONS = {"decide", "withdraw", "resubmit", "release_document"}
ORDERS = {
    "confirmation": "confirm",
    "dismissal": "dismiss",
    "service": "serve",
    "evidence": "submit_evidence",
    "acceptance": "accept_evidence",
}
TELLING = ("roster", "approval")
"""Those whose commands' answers are what the caller is told; monitoring answers with the page of the issue."""
COMMANDING = (*TELLING, "monitoring")
CONSUMING = ("approval", "monitoring", "reporting", "identity")
PUBLISHERS = ("roster", "approval", "monitoring", "identity")


async def lost(owner: Connection, lines: list[Line]) -> list[str]:
    """Acknowledged, and not in the tables, or not as it was answered."""
    applied = await _applied(owner, lines)
    gone = [f"{line.kind} {line.key}" for line in lines if line.outcome == "acknowledged" and line.key not in applied]
    missing, _ = await compare_register(owner, lines)
    return gone + await _answered_otherwise(owner, lines) + missing


async def applied_though_refused(owner: Connection, lines: list[Line]) -> list[str]:
    """Refused, and yet in the tables: a repeat was judged as if it were new."""
    applied = await _applied(owner, lines)
    return [f"{line.kind} {line.key} {line.code}" for line in lines if line.outcome == "refused" and line.key in applied]


async def _applied(owner: Connection, lines: list[Line]) -> set[str]:
    """The keys whose effect is there: as a kept command, as a line of an application's timeline, or as an act of an issue's case."""
    kept: set[str] = set()
    for schema in COMMANDING:
        asked = {line.accepted_key: line.key for line in lines if line.service == schema}
        rows = await owner.fetch(f"SELECT key FROM {schema}.accepted_commands WHERE key = ANY($1)", [*asked])
        kept |= {asked[row["key"]] for row in rows}
    updates = {_update(line): line.key for line in lines if line.kind in DECISIONS}
    rows = await owner.fetch("SELECT update_id FROM approval.entries WHERE update_id = ANY($1)", [*updates])
    kept |= {updates[row["update_id"]] for row in rows}
    return kept | await _acts(owner, lines)


async def _acts(owner: Connection, lines: list[Line]) -> set[str]:
    """The keys of an issue's orders that stand in its journal as the act they asked for, in whatever round."""
    orders = {(_update(line), ORDERS[line.kind]): line.key for line in lines if line.kind in ORDERS}
    rows = await owner.fetch(
        "SELECT update_id, act FROM monitoring.issue_entries WHERE update_id = ANY($1)", [update for update, _ in orders]
    )
    return {orders[key] for row in rows if (key := (row["update_id"], row["act"])) in orders}


def _update(line: Line) -> str:
    return update_id(line.user, line.key)


async def _answered_otherwise(owner: Connection, lines: list[Line]) -> list[str]:
    """Commands whose kept answer is not the one that was given: a repeat was given an answer of its own."""
    found: list[str] = []
    for schema in TELLING:
        said = {line.accepted_key: line for line in lines if line.service == schema and line.outcome == "acknowledged"}
        rows = await owner.fetch(f"SELECT key, answer::text AS answer FROM {schema}.accepted_commands WHERE key = ANY($1)", [*said])
        found += [
            f"{said[row['key']].kind} {row['key']}: {said[row['key']].answer} instead of {row['answer']}"
            for row in rows
            if not tells(json.loads(row["answer"] or "null"), said[row["key"]].answer)
        ]
    return found


def tells(kept: Any, said: dict[str, Any]) -> bool:
    """Whether an answer tells what the command had found. What it found is an id, a few named values, or nothing."""
    if isinstance(kept, dict):
        return all(said.get(name) == value for name, value in kept.items())
    return kept in said.values() if kept is not None else not said


async def doubled(owner: Connection, lines: list[Line]) -> list[str]:
    """More effects than requests: placements, applications, decisions, acts."""
    _, untold = await compare_register(owner, lines)
    return untold + await _doubled_applications(owner, lines) + await _doubled_acts(owner, lines)


async def _doubled_applications(owner: Connection, lines: list[Line]) -> list[str]:
    sent: Counter[str] = Counter(line.about["unit"] for line in lines if line.kind == "submit" and line.outcome != "refused")
    rows = await owner.fetch(
        "SELECT unit_id::text AS unit, count(*) AS n FROM approval.applications WHERE unit_id = ANY($1::uuid[]) GROUP BY unit_id", [*sent]
    )
    found = [f"unit {row['unit']}: {row['n']} applications" for row in rows if row["n"] > sent[row["unit"]]]
    once = ("step_approved", "post_claimed", "effected", "document_rendered", "released_to_seal", "sealed", "filed_in_ledger", "withdrew")
    twice = await owner.fetch(
        "SELECT application_id, kind, step, revision_after, count(*) AS n FROM approval.entries WHERE kind = ANY($1)"
        " GROUP BY application_id, kind, step, revision_after HAVING count(*) > 1",
        [*once],
    )
    return found + [f"application {row['application_id']}: {row['kind']} {row['step']} {row['n']} times" for row in twice]


async def _doubled_acts(owner: Connection, _: list[Line]) -> list[str]:
    """One act more than once in a round, or one order carried out more than once in whatever rounds; a rung again where it had fired (no term is extended here)."""
    rows = await owner.fetch(
        "SELECT issue_id, act, count(*) AS n FROM monitoring.issue_entries WHERE act = ANY($1) GROUP BY issue_id, round, act HAVING count(*) > 1"
        " UNION ALL SELECT issue_id, act, count(*) FROM monitoring.issue_entries WHERE update_id <> ''"
        " GROUP BY issue_id, act, update_id HAVING count(*) > 1"
        " UNION ALL SELECT issue_id, details ->> 'rung', count(*) FROM monitoring.issue_entries WHERE act = 'fire_rung'"
        " GROUP BY issue_id, round, details ->> 'rung' HAVING count(*) > 1",
        ["confirm", "dismiss", "serve", "accept_evidence"],
    )
    return [f"issue {row['issue_id']}: {row['act']} {row['n']} times" for row in rows]


async def gaps(owner: Connection, _: list[Line]) -> list[str]:
    """Versions of an aggregate that are not 1, 2, 3 … in its publisher's own log."""
    found: list[str] = []
    for schema in PUBLISHERS:
        rows = await owner.fetch(
            f"SELECT aggregate_type, aggregate_id, max(version) AS top, count(*) AS n FROM {schema}.event_log"
            " GROUP BY aggregate_type, aggregate_id HAVING max(version) <> count(*) OR min(version) <> 1"
        )
        found += [f"{schema} {row['aggregate_type']} {row['aggregate_id']}: {row['n']} of {row['top']}" for row in rows]
    return found


async def behind(owner: Connection, _: list[Line]) -> list[str]:
    """Consumers that are away, and aggregates of which one has seen another version than the last."""
    last: dict[tuple[str, str, str], int] = {}
    for schema in PUBLISHERS:
        rows = await owner.fetch(
            f"SELECT aggregate_type, aggregate_id::text AS id, max(version) AS top FROM {schema}.event_log GROUP BY 1, 2"
        )
        last |= {(f"{schema}.events", row["aggregate_type"], row["id"]): row["top"] for row in rows}
    consumers, there = await _consumers(owner), await _connected(owner)
    found = [f"{consumer}: is away" for _, consumer, topics in consumers if consumer not in there or not topics]
    for schema, consumer, topics in consumers:
        rows = await owner.fetch(
            f"SELECT aggregate_type, aggregate_id AS id, version FROM {schema}.aggregate_versions WHERE consumer = $1",
            consumer,
        )
        seen = {(row["aggregate_type"], row["id"]): row["version"] for row in rows}
        wrong = [(kind, each, top) for (topic, kind, each), top in last.items() if topic in topics and seen.get((kind, each), 0) != top]
        found += [f"{consumer}: {kind} {each} {seen.get((kind, each), 0)} of {top}" for kind, each, top in wrong]
    return found


async def _consumers(owner: Connection) -> list[tuple[str, str, set[str]]]:
    """Schema, name and topics of every consumer there must be: one that is away counts as one that has seen nothing."""
    number = await owner.fetchval("SELECT number FROM reporting.generations WHERE state = 'live'")
    found: list[tuple[str, str, set[str]]] = []
    for schema in CONSUMING:
        name = consumer_name(number) if schema == "reporting" else schema
        rows = await owner.fetch(f"SELECT DISTINCT topic FROM {schema}.consumer_positions WHERE consumer = $1", name)
        found.append((schema, name, {row["topic"] for row in rows}))
    return found


async def _connected(owner: Connection) -> set[str]:
    rows = await owner.fetch("SELECT substr(application_name, 10) AS name FROM pg_stat_activity WHERE application_name LIKE 'consumer %'")
    return {row["name"] for row in rows}


async def parked(owner: Connection, _: list[Line]) -> list[str]:
    """Dead letters."""
    found: list[asyncpg.Record] = []
    for schema in CONSUMING:
        found += await owner.fetch(f"SELECT consumer, key, error, topic, at_offset FROM {schema}.dead_letters ORDER BY id")
    return [f"{row['consumer']} {row['key']} {row['topic']}@{row['at_offset']}: {row['error']}" for row in found]


_ROSTER_ROWS = """
    SELECT unit_id::text AS unit, kind, funding, sum(quota)::int AS quota, sum(headcount)::int AS headcount, sum(reserved)::int AS reserved FROM (
        SELECT unit_id, kind, funding, posts AS quota, 0 AS headcount, 0 AS reserved FROM roster.quotas WHERE upper_inf(during) AND upper_inf(recorded)
        UNION ALL SELECT unit_id, kind, funding, 0, 1, 0 FROM roster.placements WHERE upper_inf(during) AND upper_inf(recorded)
        UNION ALL SELECT unit_id, kind, funding, 0, 0, posts FROM roster.reserved_ledger) AS parts
    GROUP BY unit_id, kind, funding
"""


async def copies(owner: Connection, _: list[Line]) -> list[str]:
    """Rows of the roster that monitoring or reporting tells otherwise, or tells of though there are none."""
    roster = _figures(await owner.fetch(_ROSTER_ROWS))
    columns = "unit_id::text AS unit, kind, funding, quota, headcount, reserved"
    live = "generation = (SELECT number FROM reporting.generations WHERE state = 'live')"
    told = {
        "monitoring": _figures(await owner.fetch(f"SELECT {columns} FROM monitoring.establishments")),
        "reporting": _figures(await owner.fetch(f"SELECT {columns} FROM reporting.establishments WHERE {live}")),
    }
    return [
        f"{who} {row}: {rows.get(row)} instead of {roster.get(row)}"
        for who, rows in told.items()
        for row in sorted(roster | rows)
        if rows.get(row, NONE) != roster.get(row, NONE)
    ]


NONE = (0, 0, 0)


def _figures(rows: Iterable[asyncpg.Record]) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    return {(row["unit"], row["kind"], row["funding"]): (row["quota"], row["headcount"], row["reserved"]) for row in rows}


async def lights(owner: Connection, _: list[Line]) -> list[str]:
    """Lights that disagree with the roster (somebody recorded beyond quota for a violation, where a row has more people than posts) or with each other."""
    surplus = {row: headcount - quota for row, (quota, headcount, _) in _figures(await owner.fetch(_ROSTER_ROWS)).items()}
    violations = await owner.fetch(
        "SELECT unit_id::text AS unit, kind, funding, count(*) AS n FROM roster.placements"
        " WHERE upper_inf(during) AND upper_inf(recorded) AND over_quota_cause = 'violation' GROUP BY 1, 2, 3"
    )
    should = {(row["unit"], f"{row['kind']}/{row['funding']}/violation") for row in violations if surplus[tuple(row.values())[:3]] > 0}
    found = await owner.fetch(
        "SELECT unit_id::text AS unit, subject FROM monitoring.issues WHERE rule = 'M01' AND present AND level = 'red'"
    )
    present = {(row["unit"], row["subject"]) for row in found}
    wrong = await owner.fetch(
        "WITH worst AS (SELECT unit_id, CASE WHEN bool_or(level = 'red') THEN 'red' ELSE 'yellow' END AS light FROM monitoring.issues"
        " WHERE state NOT IN ('baseline', 'closed', 'dismissed') GROUP BY unit_id)"
        " SELECT units.id AS unit_id, lights.light, coalesce(worst.light, 'green') AS due, copy.light AS copy, told.light AS told"
        " FROM roster.units LEFT JOIN monitoring.lights ON lights.unit_id = units.id LEFT JOIN worst ON worst.unit_id = units.id"
        " LEFT JOIN monitoring.unit_copies AS copy ON copy.id = units.id LEFT JOIN reporting.units AS told ON told.id = units.id"
        " AND told.generation = (SELECT number FROM reporting.generations WHERE state = 'live')"
        " WHERE copy.light IS DISTINCT FROM coalesce(worst.light, 'green') OR told.light IS DISTINCT FROM copy.light"
        " OR coalesce(lights.light, 'green') <> coalesce(worst.light, 'green')"
        " OR lights.light IS NULL AND EXISTS (SELECT FROM monitoring.establishments WHERE unit_id = units.id)"
    )
    return [
        *(f"{unit} {subject}: the roster has it, no issue says so" for unit, subject in should - present),
        *(f"{unit} {subject}: an issue says so, the roster has it not" for unit, subject in present - should),
        *(f"{row['unit_id']}: {row['light']}, due {row['due']}, copies {row['copy']} and {row['told']}" for row in wrong),
    ]


async def reservations(owner: Connection, _: list[Line]) -> list[str]:
    """Posts that are held for nobody: a ledger that is not its reservations and open claims, or a claim or hold of a case that is over."""
    sums = await owner.fetch(
        "SELECT unit_id, kind, funding, sum(ledger) AS ledger, sum(kept) AS kept FROM ("
        " SELECT unit_id, kind, funding, posts AS ledger, 0 AS kept FROM roster.reserved_ledger"
        " UNION ALL SELECT unit_id, kind, funding, 0, unspent FROM roster.reservations"
        " UNION ALL SELECT unit_id, kind, funding, 0, posts FROM roster.claims WHERE state = 'claimed' AND application_type <> 'exit_application'"
        ") AS sides GROUP BY unit_id, kind, funding HAVING sum(ledger) <> sum(kept)"
    )
    leaked = await owner.fetch(
        "SELECT application_id, state FROM ("
        " SELECT application_id FROM roster.claims WHERE state = 'claimed' UNION SELECT application_id FROM roster.holds) AS kept"
        " LEFT JOIN approval.applications ON applications.id = application_id WHERE state IS NULL OR state IN ('withdrawn', 'filed', 'returned')"
    )
    over = await owner.fetch(
        f"SELECT * FROM ({_ROSTER_ROWS}) AS rows WHERE reserved < 0 OR (reserved > 0 AND headcount + reserved > quota)"
    )
    return [
        *(f"{row['unit_id']} {row['kind']}: ledger {row['ledger']}, kept {row['kept']}" for row in sums),
        *(f"application {row['application_id']} ({row['state']}) still holds a post" for row in leaked),
        *(f"{row['unit']} {row['kind']}: {row['headcount']} + {row['reserved']} of {row['quota']}" for row in over),
    ]


CHECKS: dict[str, Check] = {
    "lost": lost,
    "applied_though_refused": applied_though_refused,
    "doubled": doubled,
    "gaps_in_versions": gaps,
    "consumers_behind": behind,
    "dead_letters": parked,
    "copies_that_differ": copies,
    "lights_that_disagree": lights,
    "leaked_reservations": reservations,
}
