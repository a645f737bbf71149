"""`approval`: applications to use a post, from submission through three human steps until the notice awaits its release, ten at a time, by HTTP.

Floor: a bare workflow with as many updates and activities on the same server (`bare_temporal.py`).
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from uuid import UUID, uuid4

import asyncpg
import httpx
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from deploy.local.place import PROJECT, Place
from shared.glossary import ApplicationState, ApplicationType, Role
from tests.bench import bare_temporal, county
from tests.bench.bench_stack import token
from tests.bench.figures import Figure, at_least, medians

AT_ONCE = 10
APPLICATIONS = 40
WARM_UP = 5
PATIENCE = 60.0
GLANCE = 0.03
DECIDERS = (Role.UNIT_HEAD, Role.BUSINESS_OFFICER, Role.OFFICE_DIRECTOR)


async def measure(place: Place) -> list[Figure]:
    """Cases per second."""
    units = await county.ensure(place)
    temporal = await bare_temporal.connect(place.temporal)
    async with Applications.opened(place, units) as ours, _bare_workers(place):
        await _rate(ours.run_through, WARM_UP)
        await _rate(partial(_bare, temporal), WARM_UP)
        await _ensure_alike(temporal, ours.last)
        rate, floor = await medians(lambda: _rate(ours.run_through, APPLICATIONS), lambda: _rate(partial(_bare, temporal), APPLICATIONS))
    return [Figure("approval", rate, floor, "per s", at_least(0.6))]


async def _rate(case: Callable[[], Awaitable[None]], cases: int) -> float:
    waiting = iter(range(cases))

    async def work() -> None:
        for _ in waiting:
            await case()

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    return cases / (time.monotonic() - began)


async def _bare(temporal: Client) -> None:
    handle = await temporal.start_workflow(bare_temporal.BareApproval.run, id=f"bench:{uuid4()}", task_queue=bare_temporal.WORKFLOWS)
    for number in range(1, bare_temporal.DECISIONS + 1):
        await handle.execute_update(bare_temporal.BareApproval.decide, number)
    await handle.result()


@asynccontextmanager
async def _bare_workers(place: Place) -> AsyncIterator[None]:
    program = (sys.executable, "-m", "tests.bench.bare_temporal", place.temporal)
    workers = [
        await asyncio.create_subprocess_exec(*program, part, stdout=asyncio.subprocess.DEVNULL, cwd=PROJECT, env=place.variables())
        for part in ("workflows", "activities")
    ]
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()
            await worker.wait()


async def _ensure_alike(temporal: Client, application_id: UUID) -> None:
    """The floor is worth something only while it does as much as ours: our own history is counted."""
    history = await temporal.get_workflow_handle(f"approval:{application_id}").fetch_history()
    kinds = [event.event_type for event in history.events]
    updates = kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)
    activities = kinds.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    floor = (bare_temporal.DECISIONS, bare_temporal.BEFORE + bare_temporal.DECISIONS + bare_temporal.AFTER)
    if (updates, activities) != floor:
        raise RuntimeError(f"our case has {updates} updates and {activities} activities, the floor {floor}: mend the floor")


async def _until_known(pool: "asyncpg.Pool[asyncpg.Record]", units: list[UUID]) -> None:
    deadline = time.monotonic() + PATIENCE
    while await pool.fetchval("SELECT count(*) FROM unit_copies WHERE id = ANY($1)", units) < len(units):
        if time.monotonic() > deadline:
            raise TimeoutError("approval has not heard of the units")
        await asyncio.sleep(GLANCE)


class Applications:
    """The doors of approval and the eyes on its table: one look at all cases in flight, not one per case."""

    def __init__(self, http: httpx.AsyncClient, tokens: dict[Role, str], units: list[UUID]) -> None:
        self._http, self._tokens, self._units = http, tokens, units
        self._numbers = count()
        self._watched: dict[UUID, tuple[str, asyncio.Future[str]]] = {}
        self.last = UUID(int=0)

    @classmethod
    @asynccontextmanager
    async def opened(cls, place: Place, units: list[UUID]) -> AsyncIterator["Applications"]:
        tokens = {role: token(place, role) for role in (Role.UNIT_CLERK, *DECIDERS)}
        url = place.database_url("approval")
        address = f"http://127.0.0.1:{place.port('approval')}"
        async with (
            httpx.AsyncClient(base_url=address, timeout=PATIENCE, trust_env=False) as http,
            asyncpg.create_pool(url, min_size=1, max_size=1) as pool,
        ):
            await _until_known(pool, units)
            applications = cls(http, tokens, units)
            watching = asyncio.create_task(applications._watch(pool))
            yield applications
            watching.cancel()

    async def run_through(self) -> None:
        """One case."""
        application_id = await self._submit(self._units[next(self._numbers) % len(self._units)])
        for role in DECIDERS:
            decision = {"verdict": "approve", "revision": 1, "step": await self._until(application_id, role)}
            await self._post(role, f"/applications/{application_id}/decisions", decision)
        await self._until(application_id, ApplicationState.AWAITING_RELEASE)
        self.last = application_id

    async def _submit(self, unit_id: UUID) -> UUID:
        asked = {"type": ApplicationType.POST_USE, "unit_id": str(unit_id), "kind": county.KIND, "funding": county.FUNDING}
        answer = await self._post(Role.UNIT_CLERK, "/applications", asked | {"title": "测试用编", "justification": "测试"})
        return UUID(answer["application_id"])

    async def _post(self, role: Role, path: str, body: Mapping[str, object]) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._tokens[role]}", "Idempotency-Key": uuid4().hex}
        answer = await self._http.post(path, json=body, headers=headers)
        if answer.is_error:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        told: dict[str, str] = answer.json()
        return told

    async def _until(self, application_id: UUID, what: str) -> str:
        """Wait until somebody in this role holds the case, or it is in this state; the step's code."""
        seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._watched[application_id] = (what, seen)
        return await asyncio.wait_for(seen, PATIENCE)

    async def _watch(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        while True:
            for row in await pool.fetch("SELECT id, holder, state, step FROM applications WHERE id = ANY($1)", list(self._watched)):
                what, seen = self._watched[row["id"]]
                if what in {row["holder"], row["state"]} and not seen.done():
                    del self._watched[row["id"]]
                    seen.set_result(row["step"] or "")
            await asyncio.sleep(GLANCE)
