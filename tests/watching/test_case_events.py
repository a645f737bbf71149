"""From a case to its events and traces over HTTP, and from a trace back; nobody without `traces.read` is told."""

import time
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio.client import Client

from deploy.local.place import Place
from shared import case_events, db
from shared.db import Database
from shared.glossary import Role
from tests.watching.given import asked_by

pytestmark = pytest.mark.asyncio
CASE = "rectification:1:1"


def trace_id(age: float) -> str:
    return f"{int(time.time() - age):08x}{uuid4().hex[:24]}"


@pytest_asyncio.fixture
async def roster(database: Callable[[str], str]) -> AsyncIterator[Database]:
    async with db.connect(database("roster"), "roster") as opened:
        yield opened


async def published(roster: Database, trace: str, case_id: str | None, version: int) -> None:
    await roster.pool.execute(
        "INSERT INTO event_log (event_id, aggregate_type, aggregate_id, version, unit_id, type, occurred_at, actor, reason, case_id, headers, body)"
        " VALUES ($1, 'unit', $1, $2, $1, 'roster.over_quota_recorded.v1', now(), 'supervisor', '', $3, $4, '{}')",
        uuid4(),
        version,
        case_id,
        {"traceparent": f"00-{trace}-{uuid4().hex[:16]}-01"},
    )


async def test_a_case_tells_its_events_in_order_with_their_traces(stack: Place, roster: Database) -> None:
    first, second = trace_id(30), trace_id(20)
    for version, trace in enumerate((first, second, second), 1):
        await published(roster, trace, CASE, version)
    await published(roster, trace_id(10), "approval:9", 4)

    async with asked_by(Role.SYSTEM_ADMIN, stack, case_events.router, database=roster, temporal=None) as client:
        told = (await client.get(f"/cases/{CASE}/trace")).json()

    assert [(event["version"], event["title"], event["trace_id"]) for event in told["events"]] == [
        (1, "超编已记录", first),
        (2, "超编已记录", second),
        (3, "超编已记录", second),
    ]
    assert (told["traces"], told["workflow"]) == ([first, second], None)
    assert not {"actor", "reason"} & set(told["events"][0])


async def test_a_trace_leads_back_to_its_cases(stack: Place, roster: Database) -> None:
    asked = trace_id(30)
    for version, (trace, case) in enumerate(((asked, CASE), (asked, None), (trace_id(30), "approval:9")), 1):
        await published(roster, trace, case, version)

    async with asked_by(Role.AUDIT_ADMIN, stack, case_events.router, database=roster, temporal=None) as client:
        told = (await client.get(f"/traces/{asked}")).json()
        foreign = await client.get(f"/traces/{'f' * 32}")
        wrong = await client.get("/traces/nothing")

    assert ([event["version"] for event in told["events"]], told["cases"]) == ([1, 2], [CASE])
    assert (foreign.status_code, foreign.json()["events"]) == (200, [])
    assert wrong.status_code == 422


async def test_who_decides_cases_is_not_told_their_traces(stack: Place, roster: Database) -> None:
    async with asked_by(Role.OFFICE_DIRECTOR, stack, case_events.router, database=roster, temporal=None) as client:
        assert (await client.get(f"/cases/{CASE}/trace")).status_code == 403


async def test_a_case_is_told_while_temporal_was_never_reached(stack: Place, roster: Database) -> None:
    await published(roster, trace_id(30), CASE, 1)

    async with asked_by(
        Role.SYSTEM_ADMIN, stack, case_events.router, database=roster, temporal=await Client.connect("127.0.0.1:1", lazy=True)
    ) as client:
        told = await client.get(f"/cases/{CASE}/trace")

    assert (told.status_code, told.json()["workflow"], len(told.json()["events"])) == (200, None, 1)
