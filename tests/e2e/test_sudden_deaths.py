"""kill -9 of each kind of process once under load: nothing is lost, nothing is doubled, nothing is stuck.

Each clerk applies for one post after another, and the chain approves, while the processes die. A caller repeats what was not answered with the same
key, as every client must. Afterwards all services must tell the same story.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import islice
from typing import Any

import pytest
import pytest_asyncio

from deploy.demo.city import DIRECTOR, OFFICER, SEALER, SUPERVISOR, logins
from deploy.demo.plan import city
from deploy.doors import Doors, Refused, doors_of
from deploy.local.place import Place, WrongPlace
from deploy.local.stack import published, until_ready
from deploy.quiet import OpenWorkflow, Pulse, pulse_of
from shared.errors import Unavailable
from shared.events.envelope import uuid7
from workflows.schedules import SCHEDULES

pytestmark = pytest.mark.asyncio(loop_scope="session")

KILLED = ("roster-app", "approval-worker", "monitoring-worker", "workflows-worker", "temporal", "kafka", "postgres")
PER_KILL, EACH = 2, 2
TITLE = "进程被杀时提交的申请"
KIND, FUNDING = "SY", "full"
FIGURES = ("quota", "headcount", "reserved")
PATIENCE = 200.0  # several processes start anew on two cores, and one case may be hit by several kills


@pytest_asyncio.fixture(loop_scope="session")
async def doors(whole: Place) -> AsyncIterator[Doors]:
    async with doors_of(whole) as opened:
        yield opened


async def parties(doors: Doors) -> dict[str, dict[str, Any]]:
    """The units with posts to spare, by the login of their people."""
    found: dict[str, dict[str, Any]] = {}
    for login, planned in logins(city()).items():
        [unit] = (await doors.get(OFFICER, "roster", "/units", q=planned.uscc)).body["items"]
        row = await row_of(doors, unit["id"])
        if row["available"] >= EACH:
            found[login] = unit | {"before": row}
    return found


async def rows(doors: Doors, unit_id: str) -> list[dict[str, Any]]:
    establishments: list[dict[str, Any]] = (await doors.get(OFFICER, "roster", f"/units/{unit_id}")).body["establishments"]
    return establishments


async def row_of(doors: Doors, unit_id: str) -> dict[str, Any]:
    return next(row for row in await rows(doors, unit_id) if (row["kind"], row["funding"]) == (KIND, FUNDING))


async def apply(doors: Doors, login: str, unit_id: str) -> str:
    """One application through its whole chain, each request repeated with its own key until it is answered."""
    body = {
        "type": "post_use_application",
        "unit_id": unit_id,
        "kind": KIND,
        "funding": FUNDING,
        "posts": 1,
        "title": TITLE,
        "justification": "—",
    }
    application = str((await post(doors, f"{login}.clerk", "/applications", body))["application_id"])
    for user, step in ((f"{login}.head", "unit_head"), (OFFICER, "business_review"), (DIRECTOR, "director_approval")):
        await waits_for(doors, application, "step", step)
        await post(
            doors, user, f"/applications/{application}/decisions", {"verdict": "approve", "revision": 1, "step": step, "opinion": "同意"}
        )
    return application


async def post(doors: Doors, user: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Under one key until it is answered: what a part that is away did not answer, and a case that has not reached Temporal yet, is asked again."""
    key = str(uuid7())
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                answer: dict[str, Any] = (await doors.post(user, "approval", path, body, key)).body
            except Refused as refused:
                if refused.code != "not_received_yet" and refused.status < 500:
                    raise
            except (WrongPlace, Unavailable):
                pass
            else:
                return answer
            await asyncio.sleep(0.2)


async def waits_for(doors: Doors, application: str, what: str, value: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(WrongPlace, Unavailable):
                seen: dict[str, Any] = (await doors.get(OFFICER, "approval", f"/applications/{application}")).body
                if seen[what] == value:
                    return seen
            await asyncio.sleep(0.1)


async def kill(place: Place, name: str) -> None:
    """As `kill -9`, and wait until the supervisor has the part back."""
    part = next(each for each in published(place) if each.name == name)
    assert part.pid is not None
    os.kill(part.pid, signal.SIGKILL)
    await asyncio.sleep(0.8)
    await until_ready(place)


async def test_kills_under_load_lose_double_and_block_nothing(whole: Place, doors: Doors) -> None:
    units = await parties(doors)
    assert len(units) >= PER_KILL * len(KILLED)
    applications = await asyncio.gather(*await under_kills(whole, doors, units))

    async with pulse_of(whole, [schedule.workflow for schedule in SCHEDULES]) as pulse:
        assert len(set(applications)) == PER_KILL * len(KILLED) * EACH
        for application in applications:
            await waits_for(doors, application, "state", "awaiting_release")
        await pulse.drained(PATIENCE)
        for unit in islice(units.values(), PER_KILL * len(KILLED)):
            await expect_each_once(doors, unit)
        await expect_same_figures(doors, units)
        assert await pulse.parked() == 0
        await seal_all(doors, applications)
        assert [each for each in await settled(pulse) if each.id.removeprefix("approval:") in applications] == []


async def under_kills(whole: Place, doors: Doors, units: dict[str, dict[str, Any]]) -> list[asyncio.Task[str]]:
    """Fresh load before each kill, so that each finds work to interrupt."""
    fresh, load = iter(units.items()), []
    for name in KILLED:
        for login, unit in islice(fresh, PER_KILL):
            load += [asyncio.create_task(apply(doors, login, unit["id"])) for _ in range(EACH)]
        await asyncio.sleep(0.4)
        await kill(whole, name)
    return load


async def expect_each_once(doors: Doors, unit: dict[str, Any]) -> None:
    """Each application once, with its own number, its one notice and its one reservation."""
    lines = [line for line in await doors.pages(OFFICER, "approval", "/applications", unit=unit["id"]) if line["title"] == TITLE]
    row = await row_of(doors, unit["id"])
    reserved = (await doors.get(OFFICER, "roster", f"/units/{unit['id']}/reservations")).body["items"]
    assert len({line["number"] for line in lines}) == len(lines) == EACH
    assert row["reserved"] == unit["before"]["reserved"] + EACH
    assert row["headcount"] == unit["before"]["headcount"]
    assert {line["id"] for line in lines} <= {each["application_id"] for each in reserved}
    for line in lines:
        entries = (await doors.get(OFFICER, "approval", f"/applications/{line['id']}")).body
        kinds = Counter(entry["kind"] for entry in entries["timeline"])
        assert (kinds["step_approved"], kinds["post_claimed"], kinds["effected"], len(entries["documents"])) == (3, 1, 1, 1)


async def seal_all(doors: Doors, applications: list[str]) -> None:
    """After all that, every notice is still released, sealed and filed."""
    for application in applications:
        document = (await waits_for(doors, application, "state", "awaiting_release"))["documents"][0]
        await post(doors, SEALER, f"/documents/{document['id']}/release", {})
    for application in applications:
        await waits_for(doors, application, "state", "filed")


async def expect_same_figures(doors: Doors, units: dict[str, dict[str, Any]]) -> None:
    """What monitoring and reporting know from events is what the roster says of the unit and all below it."""
    for unit in units.values():
        below = await doors.pages(OFFICER, "roster", "/units", parent=unit["id"])
        expected: Counter[tuple[str, str, str]] = Counter()
        for each in (unit, *below):
            for row in await rows(doors, each["id"]):
                expected.update({(row["kind"], row["funding"], name): row[name] for name in FIGURES})
        told = (await doors.get(OFFICER, "reporting", "/figures/saturation", unit=unit["id"])).body["items"]
        assert {(row["kind"], row["funding"], name): row[name] for row in told for name in FIGURES} == dict(expected)
        light = (await doors.get(SUPERVISOR, "monitoring", f"/units/{unit['id']}/light")).body
        assert light["parked_events"] == 0


async def settled(pulse: Pulse) -> list[OpenWorkflow]:
    """The open workflows once they all wait; what is still at work is looked at again for a while."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await pulse.open_workflows()
            if not any(each.doing for each in found):
                return found
            await asyncio.sleep(0.3)
