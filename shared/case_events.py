"""From a case to its workflow, its events and their traces, and from a trace back: `GET /cases/{case_id}/trace`, `GET /traces/{trace_id}`.

Each service tells of its own events; `bianban trace` puts them together. Ids only.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel
from temporalio.client import Client
from temporalio.service import RPCError

from shared import deeds
from shared.auth import Permit, Who
from shared.db import Connection
from shared.door import Db
from shared.temporal import ALL_WITHIN, ANSWER_WITHIN
from shared.traces import LASTS, begun_at

LIMIT = 500
MARGIN = timedelta(minutes=1)
router = APIRouter(tags=["traces"])
Reader = Annotated[Who, Depends(Permit("traces.read", "public"))]
TraceId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


class Told(BaseModel):
    """One event as it was published."""

    event_id: UUID
    type: str
    title: str
    unit_id: UUID
    aggregate: str
    version: int
    case_id: str | None
    occurred_at: datetime
    recorded_at: datetime
    trace_id: str | None


class Run(BaseModel):
    """The workflow run behind a case."""

    workflow_id: str
    run_id: str
    type: str
    title: str
    state: str
    started_at: datetime
    closed_at: datetime | None


class CaseTrace(BaseModel):
    """What one service knows of a case; `traces` are those of its events, the oldest first."""

    case_id: str
    workflow: Run | None
    events: list[Told]
    traces: list[str]


class TraceEvents(BaseModel):
    """What one service published in a trace, and the cases it belongs to."""

    trace_id: str
    events: list[Told]
    cases: list[str]


@router.get("/cases/{case_id}/trace")
async def case_trace(case_id: str, request: Request, database: Db, _: Reader) -> CaseTrace:
    """The latest events of a case, the run of its workflow where this service talks to Temporal, and the traces they came with."""
    async with database.reading() as conn:
        events = await _events(conn, "case_id = $1", case_id)
    traces = dict.fromkeys(each.trace_id for each in events if each.trace_id)
    return CaseTrace(case_id=case_id, workflow=await _run(request, case_id), events=events, traces=list(traces))


@router.get("/traces/{trace_id}")
async def trace_events(trace_id: TraceId, database: Db, _: Reader) -> TraceEvents:
    """The events of a trace. An id that is not ours tells no time: nothing is found by it."""
    begun = datetime.fromtimestamp(begun_at(int(trace_id, 16)), UTC)
    within = (begun - MARGIN, begun + timedelta(seconds=LASTS) + MARGIN)
    async with database.reading() as conn:
        condition = "recorded_at BETWEEN $2 AND $3 AND headers ->> 'traceparent' LIKE '00-' || $1 || '-%'"
        events = await _events(conn, condition, trace_id, *within)
    cases = dict.fromkeys(each.case_id for each in events if each.case_id)
    return TraceEvents(trace_id=trace_id, events=events, cases=list(cases))


async def _events(conn: Connection, condition: str, *values: object) -> list[Told]:
    rows: Sequence[asyncpg.Record] = await conn.fetch(
        "SELECT event_id, type, unit_id, aggregate_type || '/' || aggregate_id AS aggregate, version, case_id, occurred_at, recorded_at,"
        f" split_part(headers ->> 'traceparent', '-', 2) AS trace_id FROM event_log WHERE {condition} ORDER BY recorded_at DESC LIMIT {LIMIT}",
        *values,
    )
    return [
        Told(**(dict(row) | {"title": deeds.EVENTS.get(row["type"], row["type"]), "trace_id": row["trace_id"] or None}))
        for row in reversed(rows)
    ]


async def _run(request: Request, workflow_id: str) -> Run | None:
    """None also while Temporal is away: the events are told all the same."""
    client: Client | None = getattr(request.app.state, "temporal", None)
    if client is None:
        return None
    try:
        async with asyncio.timeout(ALL_WITHIN):
            found: Any = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=ANSWER_WITHIN)
    except (RPCError, RuntimeError, TimeoutError):  # RuntimeError: a lazy client that has never reached the server
        return None
    return Run(
        workflow_id=found.id,
        run_id=found.run_id,
        type=found.workflow_type,
        title=deeds.WORKFLOWS.get(found.workflow_type, found.workflow_type),
        state=found.status.name.lower() if found.status else "unknown",
        started_at=found.start_time,
        closed_at=found.close_time,
    )
