"""Trying to get around the row scope of reporting: every figure is asked for with another unit's id, and for all the caller may see (tests/scopes.py)."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from deploy.local.place import Place
from services.reporting.consumers import handlers
from shared.db import Database
from shared.events.approval import ApplicationSubmitted
from shared.events.envelope import Event
from shared.events.monitoring import IssueChanged, LightChanged
from shared.glossary import ApplicationType, IssueState, Light, Role
from tests.monitoring.events import NOW, Town
from tests.roster.doors import Doors
from tests.scopes import EVERYTHING, Caller, leaks, let_in, opened, posted, standing, told_apart

pytestmark = pytest.mark.asyncio
NAME, POSTS = "范围外示例镇", 777_777
FIGURES = (str(POSTS), str(2 * POSTS))
"""Of a town, and with the school below it."""
WORDS = {"list": "distribution", "number": 1}


@dataclass(frozen=True)
class County:
    """Two towns that have nothing to do with each other."""

    doors: Doors
    tables: Database
    own: dict[str, UUID]

    def caller(self, *roles: Role, ids: dict[str, UUID] | None = None) -> Caller:
        """Somebody of the own town, or of another one."""
        unit = (ids or self.own)["unit_id"]
        return Caller(self.doors.http, lambda: self.doors.as_(*roles, units=(unit,), name=f"of-{unit}"), WORDS)

    async def figures(self) -> dict[str, str]:
        """All that the own town is told without naming a unit."""
        headers = self.doors.as_(*EVERYTHING, units=(self.own["unit_id"],))
        asked = ["saturation", "retirements", "lights", "issues", "applications"]
        asked += [f"distribution?group={group}" for group in ("kind", "category", "parent", "town")]
        return {each: (await self.doors.http.get(f"/figures/{each}", headers=headers)).text for each in asked}


@pytest_asyncio.fixture
async def county(stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[County]:
    async with opened("reporting", stack, database, tmp_path, monkeypatch) as (_, doors, tables):
        yield County(doors, tables, await counted(doors, tables, "范围内示例镇", 10))


async def counted(doors: Doors, tables: Database, name: str, quota: int) -> dict[str, UUID]:
    """A town with a school below it, people, a light, an issue, an application, and an export of its clerk's."""
    town, school = Town(quota), Town(quota)
    registered = town.registered().model_copy(update={"name": name})
    below = {"parent_id": town.unit_id, "path": (town.unit_id, school.unit_id), "name": f"{name}小学"}
    told = {"occurred_at": NOW, "unit_id": town.unit_id, "version": 1}
    issue = {"issue_id": uuid4(), "rule": "M01", "level": Light.RED, "state": IssueState.RECTIFYING, "due_at": NOW}
    asked = {"application_id": uuid4(), "application_type": ApplicationType.POST_USE, "number": "1", "kind": "career", "funding": "full"}
    events: list[Event] = [registered, school.registered().model_copy(update=below), town.placed(), school.over_quota()]
    events += [LightChanged.model_validate(told | {"light": Light.RED, "before": Light.GREEN})]
    events += [IssueChanged.model_validate(told | issue), ApplicationSubmitted.model_validate(told | asked | {"posts": quota})]
    for event in events:
        async with tables.transaction() as conn:
            await handlers(1)[type(event)](conn, event)
    return {"unit_id": town.unit_id, "export_id": await posted(doors, town.unit_id, "/exports", json={"list": "distribution"})}


@pytest.mark.parametrize("roles", [EVERYTHING, (Role.UNIT_CLERK, Role.UNIT_HEAD)], ids=["every right", "of a unit"])
async def test_another_units_figures_are_as_those_of_none_and_count_in_no_total(county: County, roles: tuple[Role, ...]) -> None:
    caller, alone = county.caller(*roles), await county.figures()
    foreign = await counted(county.doors, county.tables, NAME, POSTS)
    before = await standing(county.tables, "reporting", *foreign.values())

    found, of_nobody = await caller.compared(foreign, foreign)

    asked = {route: answer.status for route, answer in found.items() if route.startswith("/figures") and "unit=" in route}
    assert asked == {f"/figures/{each} get unit=unit_id": 404 for each in ("distribution", "saturation", "retirements")}
    assert let_in(found) == {}
    assert told_apart(found, of_nobody) == {}
    assert leaks(found, NAME, *FIGURES) == []
    assert await county.figures() == alone
    assert await standing(county.tables, "reporting", *foreign.values()) == before


async def test_the_same_routes_answer_to_whom_they_belong(county: County) -> None:
    """Otherwise the refusals above would say nothing."""
    foreign = await counted(county.doors, county.tables, NAME, POSTS)
    mine = county.caller(*EVERYTHING, ids=foreign)
    await county.doors.http.post(f"/exports/{foreign['export_id']}/cancel", headers=dict(mine.headers()))

    found = await mine.answers(foreign, foreign, lambda asked: asked.method == "get")

    reads = {route: answer.status for route, answer in found.items() if answer.named and route.startswith(("/figures", "/exports/{"))}
    assert {route: status for route, status in reads.items() if status != 200} == {"/exports/{export_id}/file get": 409}
    assert {f"/figures/{each} get unit=unit_id" for each in ("distribution", "saturation")} <= set(leaks(found, *FIGURES))
