"""`open`: 10 000 rectifications that run; what each costs the server and the worker, and when their next rung, due for all at one instant, is recorded.

The workflow is ours, in a worker with our settings; the tables are not there (`_record` counts). A namespace of its own.
"""

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psutil
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from deploy.bootstrap import prepare_namespace
from deploy.local.place import PROJECT, Place
from deploy.local.stack import published
from shared.glossary import IssueState, Rung
from shared.law.deadline import Deadline
from shared.law.notices import Notices
from shared.temporal import WORKFLOWS, connect
from tests.bench.bench_stack import scaled
from tests.bench.figures import Figure, percentile, shown, within
from workflows.rectification import RECORD_ENTRY, TASK_QUEUE, RectificationStart, RectificationWorkflow, workflow_id
from workflows.rectification_case import Case, Entry, LadderStep

CASES, AT_ONCE, CACHED = 10_000, 40, 1000
STARTED_PER_SECOND, BEFORE, AFTER = 60, 30.0, 600.0
NAMESPACE = "bench-open"
MINUTE = 60.0


async def measure(place: Place) -> list[Figure]:
    """KB per case; seconds from the instant until all are recorded."""
    await prepare_namespace(place.temporal, NAMESPACE)
    key, cases = secrets.token_bytes(32), scaled(CASES)
    client = await connect(place.temporal, NAMESPACE, key)
    late: list[float] = []
    async with _worker(place, key) as worker, Worker(client, task_queue=TASK_QUEUE, activities=[_recorder(late)]):
        await _start(client, min(cases, 200), timedelta(days=1))  # what the first ones cost, all share
        server = next(part for part in published(place) if part.name == "temporal")
        before, worker_before = server.memory(), _memory(worker)
        lead = timedelta(seconds=BEFORE + cases / STARTED_PER_SECOND)
        due = time.monotonic() + lead.total_seconds()
        await _start(client, cases, lead)
        if time.monotonic() > due - BEFORE / 2:
            raise RuntimeError("the cases were not open in time; this machine starts fewer than 60 a second")
        await asyncio.sleep(BEFORE / 3)
        server_kb, worker_kb = (server.memory() - before) / 1024 / cases, (_memory(worker) - worker_before) / 1024 / min(cases, CACHED)
        await asyncio.wait_for(_all(late, cases), due - time.monotonic() + AFTER)
    return [
        Figure("open: server per case", server_kb, 1, "KB", shown()),
        Figure("open: worker per cached case", worker_kb, 1, "KB", shown()),
        Figure("open: half of the rungs recorded", percentile(late, 0.5), 1, "s", shown()),
        Figure("open: all rungs recorded", max(late), 1, "s", within(MINUTE, "s")),
    ]


async def _start(client: Client, count: int, lead: timedelta) -> None:
    """Open cases whose term ends after `lead`; business time is moved so that it does."""
    deadline = Deadline.start(datetime.now(UTC).date(), 5, Notices(None).calendar())
    assert deadline.due_at
    offset = deadline.due_at - datetime.now(UTC) - lead
    case = Case(budget_days=5, ladder=(LadderStep(rung=Rung.OVERDUE, offset=0),), state=IssueState.RECTIFYING, deadline=deadline)
    waiting = iter(range(count))

    async def open_cases() -> None:
        for _ in waiting:
            start = RectificationStart(issue_id=uuid4(), unit_id=uuid4(), case=case, clock_offset=offset)
            await client.start_workflow(RectificationWorkflow.run, start, id=workflow_id(start.issue_id, 1), task_queue=WORKFLOWS)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(open_cases())


def _recorder(late: list[float]) -> Any:
    @activity.defn(name=RECORD_ENTRY)
    async def record(entry: Entry) -> None:
        """Seconds between the instant that was planned and this one."""
        assert entry.planned_at
        assert entry.clock_offset is not None
        late.append((datetime.now(UTC) + entry.clock_offset - entry.planned_at).total_seconds())

    return record


async def _all(late: list[float], count: int) -> None:
    while len(late) < count:  # noqa: ASYNC110  the recorder has nobody to tell
        await asyncio.sleep(0.2)


@asynccontextmanager
async def _worker(place: Place, key: bytes) -> AsyncIterator[psutil.Process]:
    environment = place.variables() | {"BENCH_KEY": key.hex()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.open_worker", place.temporal, NAMESPACE), cwd=PROJECT, env=environment
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


def _memory(process: psutil.Process) -> int:
    return int(process.memory_full_info().pss)
