"""The light of a unit (亮灯): its row is the lock of everything about the unit's issues, and every colour it had is kept with its reasons."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.monitoring import rules
from services.monitoring.models.facts import CONSUMER
from services.monitoring.models.requests import MarkUnverified
from services.monitoring.queries.settled import UNSETTLED
from shared.db import By, Connection, command
from shared.events.monitoring import LightChanged
from shared.glossary import IssueState, Light
from shared.outbox import append
from workflows.rectification import workflow_id


@dataclass(frozen=True)
class _Open:
    id: UUID
    level: Light
    state: IssueState
    round: int
    reason: dict[str, Any]


async def lock_light(conn: Connection, unit_id: UUID) -> Light:
    """Take the unit's light. First of all, before anything about its issues is read."""
    return (await lock_lights(conn, [unit_id]))[unit_id]


async def lock_lights(conn: Connection, unit_ids: Collection[UUID]) -> dict[UUID, Light]:
    """Take the lights of several units, in one order, so that nobody who does the same waits for us in a circle."""
    rows = await conn.fetch(
        "INSERT INTO lights AS held (unit_id) SELECT unnest($1::uuid[]) ON CONFLICT (unit_id) DO UPDATE SET light = held.light"
        " RETURNING unit_id, light",
        sorted(set(unit_ids)),
    )
    return {row["unit_id"]: Light(row["light"]) for row in rows}


async def settle_light(conn: Connection, by: By, unit_id: UUID, before: Light, cause_event_id: UUID | None = None) -> None:
    """Turn the light to the worst open issue, if that is another colour. The caller holds the light. No colour ends before it began."""
    issues = await _open_issues(conn, unit_id)
    light = rules.light_for(issues, unverified=await _has_dead_letters(conn, unit_id))
    if light is before:
        return
    version, at = await _turn(conn, unit_id, light, by.as_of)
    await conn.execute("UPDATE unit_copies SET light = $2 WHERE id = $1", unit_id, light)
    await _keep_change(conn, unit_id, light, before, [issue.reason for issue in issues], cause_event_id, at)
    await append(
        conn,
        by,
        LightChanged(
            occurred_at=at,
            unit_id=unit_id,
            version=version,
            light=light,
            before=before,
            issue_ids=tuple(issue.id for issue in issues),
            cause_event_id=cause_event_id,
            case_id=next((workflow_id(issue.id, issue.round) for issue in issues if issue.level is light), by.case_id),
        ),
    )


async def _turn(conn: Connection, unit_id: UUID, light: Light, at: datetime) -> tuple[int, datetime]:
    """The version of the light and since when it shows: an event that came late turns it no earlier than the one before."""
    (row,) = await conn.fetch(
        "UPDATE lights SET light = $2, version = version + 1, changed_at = greatest($3, changed_at) WHERE unit_id = $1"
        " RETURNING version, changed_at",
        unit_id,
        light,
        at,
    )
    return row["version"], row["changed_at"]


async def _open_issues(conn: Connection, unit_id: UUID) -> list[_Open]:
    rows: list[asyncpg.Record] = await conn.fetch(
        "SELECT id, rule, rule_version, subject, level, state, round, inputs, threshold, event_id FROM issues"
        f" WHERE unit_id = $1 AND {UNSETTLED} ORDER BY id",
        unit_id,
    )
    return [_Open(row["id"], Light(row["level"]), IssueState(row["state"]), row["round"], _reason(row)) for row in rows]


def _reason(row: asyncpg.Record) -> dict[str, Any]:
    told = ("rule", "rule_version", "subject", "level", "inputs", "threshold")
    return {name: row[name] for name in told} | {"issue_id": str(row["id"]), "event_id": str(row["event_id"]) if row["event_id"] else None}


async def _has_dead_letters(conn: Connection, unit_id: UUID) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM dead_letters WHERE consumer = $1 AND key = $2)", CONSUMER, str(unit_id)))


async def _keep_change(
    conn: Connection, unit_id: UUID, light: Light, before: Light, reasons: list[dict[str, Any]], cause: UUID | None, at: datetime
) -> None:
    await conn.execute("UPDATE light_changes SET until = $2 WHERE unit_id = $1 AND until IS NULL", unit_id, at)
    await conn.execute(
        "INSERT INTO light_changes (unit_id, light, before, reasons, cause_event_id, since) VALUES ($1, $2, $3, $4, $5, $6)",
        unit_id,
        light,
        before,
        reasons,
        cause,
        at,
    )


@command
async def mark_unverified(conn: Connection, by: By, what: MarkUnverified) -> str:
    """Turn the light to 数据待核 when events of the unit were parked, and back when they were replayed."""
    before = await lock_light(conn, what.unit_id)
    await settle_light(conn, by, what.unit_id, before)
    return "settled"
