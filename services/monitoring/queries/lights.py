"""Reads about lights: which colour, why, since when, and what makes it better."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.monitoring.models.facts import CONSUMER
from services.monitoring.models.issues import Detail, Page
from services.monitoring.models.words import (
    BETTER_BY,
    BETTER_BY_ITSELF,
    GONE_WHEN,
    REMARK_TITLES,
    RULE_TITLES,
    details_of,
    matter_of,
    remark_of,
)
from services.monitoring.queries.settled import UNSETTLED
from shared.auth import Who
from shared.db import Connection, Database
from shared.glossary import LABELS, IssueState, Light
from shared.unit_copies import scope, unit_copy, visible


class LightLine(BaseModel):
    """A unit's light in a list."""

    unit_id: UUID
    unit: str
    light: Light
    label: str
    since: datetime | None
    open_issues: int


class Why(BaseModel):
    """One open issue that colours the light, and what would settle it."""

    issue_id: UUID
    rule: str
    title: str
    matter: str
    rule_version: str
    level: Light
    state: IssueState
    inputs: dict[str, Any]
    threshold: dict[str, Any]
    details: list[Detail]
    event_id: UUID | None
    found_at: datetime
    present: bool
    due_at: datetime | None
    state_label: str
    gone_when: str
    better_by: str


class Known(BaseModel):
    """Something known that is no issue: a full row, a surplus to classify, missing data."""

    rule: str
    code: str
    title: str
    matter: str
    inputs: dict[str, Any]
    since: datetime


class Change(BaseModel):
    """A colour the light had; each reason tells its `matter` in one sentence."""

    light: Light
    before: Light
    reasons: list[dict[str, Any]]
    cause_event_id: UUID | None
    since: datetime
    until: datetime | None


class LightPage(BaseModel):
    """The light of one unit. `baseline`: what its first load brought and nobody has taken up yet; it colours nothing. `closed_on`: since when the unit is
    no more; it has a light only while something is open on it.
    """

    unit_id: UUID
    unit: str
    closed_on: date | None
    light: Light
    label: str
    since: datetime | None
    why: list[Why]
    remarks: list[Known]
    baseline: int
    parked_events: int
    history: list[Change]


async def lights(
    conn: Connection, who: Who, color: Light | None, after: UUID | None, limit: int, named: Sequence[UUID] | None = None
) -> Page:
    """The units in the caller's scope with their lights; one that is no more only while something is open on it."""
    rows = await conn.fetch(
        "SELECT u.id AS unit_id, u.name AS unit, coalesce(l.light, 'green') AS light, l.changed_at AS since, (SELECT count(*) FROM issues i"
        f" WHERE i.unit_id = u.id AND i.{UNSETTLED}) AS open_issues"
        f" FROM unit_copies u LEFT JOIN lights l ON l.unit_id = u.id WHERE {visible(who)} AND (u.closed_on IS NULL OR l.light <> 'green')"
        " AND ($2::text IS NULL OR coalesce(l.light, 'green') = $2) AND ($3::uuid IS NULL OR u.id > $3)"
        " AND ($5::uuid[] IS NULL OR u.id = ANY ($5)) ORDER BY u.id LIMIT $4",
        scope(who),
        color,
        after,
        limit,
        named,
    )
    items = [LightLine(**row, label=LABELS[Light(row["light"])]) for row in rows]
    return Page(items=items, next=str(rows[-1]["unit_id"]) if len(rows) == limit else None)


async def light(conn: Connection, who: Who, unit_id: UUID) -> LightPage:
    """One unit's light: the reasons, the remarks that colour nothing, and every earlier colour."""
    unit = await unit_copy(conn, unit_id, who)
    row = await conn.fetchrow("SELECT light, changed_at FROM lights WHERE unit_id = $1", unit_id)
    colour = Light(row["light"]) if row else Light.GREEN
    why = await conn.fetch(
        "SELECT id AS issue_id, rule, rule_version, title, level, state, inputs, threshold, event_id, found_at, present, due_at, has_case FROM issues"
        f" WHERE unit_id = $1 AND {UNSETTLED} ORDER BY level, id",
        unit_id,
    )
    remarks = await conn.fetch("SELECT rule, code, inputs, since FROM remarks WHERE unit_id = $1 ORDER BY rule, subject", unit_id)
    changes = await conn.fetch("SELECT * FROM light_changes WHERE unit_id = $1 ORDER BY id DESC LIMIT 200", unit_id)
    return LightPage(
        unit_id=unit_id,
        unit=unit.name,
        closed_on=unit.closed_on,
        light=colour,
        label=LABELS[colour],
        since=row["changed_at"] if row else None,
        why=[_why(each) for each in why],
        remarks=[Known(**each, title=REMARK_TITLES[each["code"]], matter=remark_of(each["code"], each["inputs"])) for each in remarks],
        baseline=await conn.fetchval("SELECT count(*) FROM issues WHERE unit_id = $1 AND state = 'baseline'", unit_id),
        parked_events=await conn.fetchval("SELECT count(*) FROM dead_letters WHERE consumer = $1 AND key = $2", CONSUMER, str(unit_id)),
        history=[_change(each) for each in changes],
    )


def _why(row: asyncpg.Record) -> Why:
    state, rule = IssueState(row["state"]), row["rule"]
    return Why(
        **{**row, "title": row["title"] or RULE_TITLES.get(rule, rule)},
        matter=matter_of(rule, row["inputs"]),
        details=details_of(row["inputs"], row["threshold"]),
        state_label=LABELS[state],
        gone_when=GONE_WHEN[rule] if row["present"] else "",
        better_by=BETTER_BY[state] if row["has_case"] else BETTER_BY_ITSELF,
    )


def _change(row: asyncpg.Record) -> Change:
    reasons = [reason | {"matter": matter_of(reason["rule"], reason["inputs"])} for reason in row["reasons"]]
    return Change(**{**row, "reasons": reasons})


async def units_to_verify(database: Database) -> list[UUID]:
    """Units whose light does not tell yet that events of theirs are parked, or that none are any more."""
    rows = await database.pool.fetch(
        "SELECT u.id FROM unit_copies u LEFT JOIN lights l ON l.unit_id = u.id WHERE coalesce(l.light, 'green') NOT IN ('red', 'unverified')"
        " AND u.id::text IN (SELECT key FROM dead_letters WHERE consumer = $1)"
        " UNION SELECT unit_id FROM lights WHERE light = 'unverified' AND unit_id::text NOT IN (SELECT key FROM dead_letters WHERE consumer = $1)",
        CONSUMER,
    )
    return [row["id"] for row in rows]
