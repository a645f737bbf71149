"""What the tables say against what was acknowledged. Each check answers with the cases that break a promise; none is what it should be."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from uuid import NAMESPACE_URL, uuid5

import asyncpg

from deploy.chaos.ledger import Line
from shared.db import Connection

Check = Callable[[Connection, list[Line]], Awaitable[list[str]]]
DECISIONS = {"decide", "withdraw", "resubmit", "release_document"}
ORDERS = {
    "confirmation": "confirm",
    "dismissal": "dismiss",
    "service": "serve",
    "evidence": "submit_evidence",
    "acceptance": "accept_evidence",
}
PUBLISHERS = ("roster", "approval", "monitoring", "identity")


async def lost(owner: Connection, lines: list[Line]) -> list[str]:
    """Acknowledged, and not in the tables."""
    applied = await _applied(owner, lines)
    return [f"{line.kind} {line.key}" for line in lines if line.outcome == "acknowledged" and line.key not in applied]


async def applied_though_refused(owner: Connection, lines: list[Line]) -> list[str]:
    """Refused, and yet in the tables: a repeat was judged as if it were new."""
    applied = await _applied(owner, lines)
    return [f"{line.kind} {line.key} {line.code}" for line in lines if line.outcome == "refused" and line.key in applied]


async def _applied(owner: Connection, lines: list[Line]) -> set[str]:
    """The keys whose effect is there: as a kept command, as a line of an application's timeline, or as an act of an issue's case."""
    kept: set[str] = set()
    for schema in ("roster", "approval"):
        asked = {line.accepted_key: line.key for line in lines if line.service == schema}
        rows = await owner.fetch(f"SELECT key FROM {schema}.accepted_commands WHERE key = ANY($1)", [*asked])
        kept |= {asked[row["key"]] for row in rows}
    updates = {str(uuid5(NAMESPACE_URL, line.accepted_key)): line.key for line in lines if line.kind in DECISIONS}
    rows = await owner.fetch("SELECT update_id FROM approval.entries WHERE update_id = ANY($1)", [*updates])
    kept |= {updates[row["update_id"]] for row in rows}
    return kept | await _acts(owner, lines)


async def _acts(owner: Connection, lines: list[Line]) -> set[str]:
    """Of an issue's orders there must be as many acts as were acknowledged of each kind."""
    rows = await owner.fetch("SELECT issue_id::text AS issue, act, count(*) AS n FROM monitoring.issue_entries GROUP BY issue_id, act")
    rows += await owner.fetch(
        "SELECT issue_id::text AS issue, 'release' AS act, count(*) AS n FROM monitoring.notice_seals GROUP BY issue_id"
    )
    left = Counter({(row["issue"], row["act"]): row["n"] for row in rows})
    kept: set[str] = set()
    for line in sorted(lines, key=lambda line: line.outcome):  # the acknowledged ones first
        act = line.about.get("issue"), ORDERS.get(line.kind, "release")
        if line.service == "monitoring" and left[act] > 0:
            left[act] -= 1
            kept.add(line.key)
    return kept


async def doubled(owner: Connection, lines: list[Line]) -> list[str]:
    """More effects than requests: placements, applications, decisions, acts, numbers, documents."""
    return [
        *await _doubled_placements(owner, lines),
        *await _doubled_applications(owner, lines),
        *await _doubled_acts(owner, lines),
    ]


async def _doubled_placements(owner: Connection, lines: list[Line]) -> list[str]:
    asked: Counter[str] = Counter()
    for line in lines:
        if line.kind in {"place", "transfer", "over_quota"} and line.outcome != "refused":
            asked[line.about["person"]] += 1
    rows = await owner.fetch(
        "SELECT person_id::text AS person, count(DISTINCT placement_id) AS n, count(*) FILTER (WHERE upper_inf(during)) AS open"
        " FROM roster.placements WHERE person_id = ANY($1::uuid[]) AND upper_inf(recorded) GROUP BY person_id",
        [*asked],
    )
    return [f"person {row['person']}: {row['n']} posts" for row in rows if row["n"] > asked[row["person"]] or row["open"] > 1]


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
    rows = await owner.fetch(
        "SELECT issue_id, round, act, count(*) AS n FROM monitoring.issue_entries WHERE act = ANY($1)"
        " GROUP BY issue_id, round, act HAVING count(*) > 1",
        ["confirm", "dismiss", "serve", "accept_evidence"],
    )
    rungs = await owner.fetch(
        "SELECT issue_id, round, rung AS act, count(*) AS n FROM monitoring.rungs GROUP BY issue_id, round, revision, rung HAVING count(*) > 1"
    )
    return [f"issue {row['issue_id']}: {row['act']} {row['n']} times" for row in [*rows, *rungs]]


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
    """Aggregates of which a consumer has seen another version than the last."""
    last: dict[tuple[str, str, str], int] = {}
    for schema in PUBLISHERS:
        rows = await owner.fetch(
            f"SELECT aggregate_type, aggregate_id::text AS id, max(version) AS top FROM {schema}.event_log GROUP BY 1, 2"
        )
        last |= {(f"{schema}.events", row["aggregate_type"], row["id"]): row["top"] for row in rows}
    found: list[str] = []
    for schema, consumer, topics in await _consumers(owner):
        rows = await owner.fetch(
            f"SELECT aggregate_type, aggregate_id AS id, version FROM {schema}.aggregate_versions WHERE consumer = $1",
            consumer,
        )
        seen = {(row["aggregate_type"], row["id"]): row["version"] for row in rows}
        wrong = [(kind, each, top) for (topic, kind, each), top in last.items() if topic in topics and seen.get((kind, each), 0) != top]
        found += [f"{consumer}: {kind} {each} {seen.get((kind, each), 0)} of {top}" for kind, each, top in wrong]
    return found


async def _consumers(owner: Connection) -> list[tuple[str, str, set[str]]]:
    """Schema, name and topics of every consumer that is connected now."""
    alive = {
        row["name"]
        for row in await owner.fetch(
            "SELECT DISTINCT substr(application_name, 10) AS name FROM pg_stat_activity WHERE application_name LIKE 'consumer %'"
        )
    }
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for schema in ("approval", "monitoring", "reporting", "identity"):
        for row in await owner.fetch(f"SELECT DISTINCT consumer, topic FROM {schema}.consumer_positions"):
            if row["consumer"] in alive:
                found[schema, row["consumer"]].add(row["topic"])
    return [(schema, consumer, topics) for (schema, consumer), topics in found.items()]


async def parked(owner: Connection, _: list[Line]) -> list[str]:
    """Dead letters."""
    found: list[asyncpg.Record] = []
    for schema in ("approval", "monitoring", "reporting", "identity"):
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
    """Rows of the roster that monitoring or reporting tells otherwise."""
    roster = _figures(await owner.fetch(_ROSTER_ROWS))
    columns = "unit_id::text AS unit, kind, funding, quota, headcount, reserved"
    live = "generation = (SELECT number FROM reporting.generations WHERE state = 'live')"
    told = {
        "monitoring": _figures(await owner.fetch(f"SELECT {columns} FROM monitoring.establishments")),
        "reporting": _figures(await owner.fetch(f"SELECT {columns} FROM reporting.establishments WHERE {live}")),
    }
    return [
        f"{who} {row}: {rows.get(row)} instead of {figures}"
        for who, rows in told.items()
        for row, figures in roster.items()
        if rows.get(row, (0, 0, 0)) != figures
    ]


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
        " SELECT lights.unit_id, lights.light, coalesce(worst.light, 'green') AS due, copy.light AS copy, told.light AS told FROM monitoring.lights"
        " LEFT JOIN worst USING (unit_id) LEFT JOIN monitoring.unit_copies AS copy ON copy.id = lights.unit_id"
        " LEFT JOIN reporting.units AS told ON told.id = lights.unit_id"
        " AND told.generation = (SELECT number FROM reporting.generations WHERE state = 'live')"
        " WHERE lights.light <> coalesce(worst.light, 'green') OR copy.light <> lights.light OR told.light <> lights.light"
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
