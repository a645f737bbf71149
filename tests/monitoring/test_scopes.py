"""Trying to get around the row scope of monitoring: every route is asked with ids of another unit's issue, files, order and list (tests/scopes.py)."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from deploy.local.place import Place
from services.monitoring.api import board
from services.monitoring.commands.freezes import propose_freeze
from services.monitoring.commands.lists import issue_list
from services.monitoring.commands.measures import record_measure
from services.monitoring.models.requests import IssueList, ProposeFreeze, RecordMeasure
from shared.glossary import FreezeScope, IssueState, Measure, Role
from shared.law.deadline import Deadline
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CALENDAR, MONDAY, Tables, by
from tests.roster.doors import Doors
from tests.scopes import EVERYTHING, SHUT, Asked, Caller, leaks, let_in, opened, posted, standing, told_apart, twins
from workflows.rectification_case import Act

pytestmark = pytest.mark.asyncio
NAME, TITLE = "范围外示例镇", "范围外示例通知"
WORDS = {"number": 1, "list": "issues", "rule": "M01", "name": "headcount", "scopes": ["entry"]}
SERVED = Deadline.start(NOW.date(), 15, CALENDAR)


@dataclass(frozen=True)
class County:
    """Two units that have nothing to do with each other, each with all that monitoring may know of one."""

    doors: Doors
    tables: Tables
    own: dict[str, UUID]
    foreign: dict[str, UUID]

    def caller(self, *roles: Role, ids: dict[str, UUID] | None = None) -> Caller:
        """Somebody of the own unit, or of another one; he has seen no light turn yet."""
        unit = (ids or self.own)["unit_id"]
        return Caller(self.doors.http, lambda: self.doors.as_(*roles, units=(unit,), name=f"of-{unit}") | {"last-event-id": "0"}, WORDS)

    async def standing(self) -> dict[str, tuple[int, str]]:
        return await standing(self.tables.database, "monitoring", *self.foreign.values())


@pytest_asyncio.fixture
async def county(stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[County]:
    monkeypatch.setattr(board, "LIFETIME", timedelta(seconds=0.1))  # the stream of lights is read to its end
    async with opened("monitoring", stack, database, tmp_path, monkeypatch) as (_, doors, made):
        tables = Tables(made)
        foreign = await supervised(doors, tables, NAME, TITLE)  # first: whoever pages on from one of its rows comes upon the own
        yield County(doors, tables, await supervised(doors, tables, "范围内示例镇", "示例通知", "T02"), foreign)


async def supervised(doors: Doors, tables: Tables, name: str, title: str, code: str = "T01") -> dict[str, UUID]:
    """A unit over its quota: an issue whose unit has handed in a file, a freeze proposed for it, the week's list, and an export."""
    town = Town()
    await tables.see(town.registered().model_copy(update={"name": name, "code": code}), town.over_quota())
    issue_id: UUID = (await tables.issue(town.unit_id))["id"]
    told: dict[str, Any] = {"unit_id": town.unit_id, "request": title}
    await tables.record(Act.CONFIRM, IssueState.NOTICE_SIGNED, 1, details={"title": title, "demand": title}, **told)
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, details={"served_on": str(NOW.date())}, deadline=SERVED, **told)
    file = {"file": (f"{title}.pdf", b"%PDF-1.7\n%%EOF\n")}
    file_id = await posted(doors, town.unit_id, f"/issues/{issue_id}/evidence-files", files=file)
    handed_in = {"description": title, "attachments": [str(file_id)]}
    await tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 3, details=handed_in, deadline=SERVED, **told)
    listed = await issue_list(tables.database, by(), IssueList(unit_id=town.unit_id, iso_week="2026-W38", nominal=MONDAY, made_at=MONDAY))
    assert listed is not None
    freeze = ProposeFreeze(unit_id=town.unit_id, scopes=(FreezeScope.ENTRY,), issue_ids=(issue_id,), clock_offset=None)
    order_id = await propose_freeze(tables.database, by(), freeze)
    circular = RecordMeasure(issue_id=issue_id, measure=Measure.CIRCULAR, taken_on=NOW.date())
    ids = {"unit_id": town.unit_id, "issue_id": issue_id, "file_id": file_id, "attachments": file_id, "list_id": listed}
    ids["measure_id"] = await record_measure(tables.database, by(), circular)
    return ids | {"order_id": order_id, "export_id": await posted(doors, town.unit_id, "/exports", json={"list": "issues"})}


@pytest.mark.parametrize("roles", [EVERYTHING, (Role.UNIT_CLERK, Role.UNIT_HEAD)], ids=["every right", "of a unit"])
async def test_a_route_that_names_another_units_rows_answers_as_if_they_were_not(county: County, roles: tuple[Role, ...]) -> None:
    caller, before = county.caller(*roles), await county.standing()

    found, of_nobody = await caller.compared(county.foreign, county.foreign)

    assert len([route for route in found if "_id}" in route]) >= 30
    assert let_in(found) == {}
    assert told_apart(found, of_nobody) == {}
    assert leaks(found, NAME, TITLE) == []
    assert await county.standing() == before


async def test_a_body_or_a_query_that_names_another_unit_is_refused_and_moves_nothing_there(county: County) -> None:
    caller, before = county.caller(*EVERYTHING), await county.standing()

    def takes(asked: Asked) -> bool:
        return asked.takes(county.foreign)

    found = await caller.answers(county.own, county.foreign, takes)
    within = {"unit_id": county.own["unit_id"]}
    beside = await caller.answers(county.own, county.foreign | within, takes)
    of_nobody = await caller.answers(county.own, twins(county.foreign) | within, takes)
    files = await caller.answers(county.own | {"file_id": county.foreign["file_id"]}, county.own, lambda asked: "file_id" in asked.names)

    assert [answer.status for answer in files.values()] == [404], "a file of another issue"
    assert {route: answer.status for route, answer in found.items() if route.endswith(" post") and answer.status not in SHUT} == {}
    assert found["/freeze-orders post"].status == found["/issues/{issue_id}/evidence post"].status == 404
    assert beside["/freeze-orders post"].status == 409, "no issue of this unit"
    assert told_apart(beside, of_nobody) == {}
    assert leaks(found | beside, NAME, TITLE) == []
    assert await county.standing() == before


async def test_the_same_routes_answer_to_whom_they_belong(county: County) -> None:
    """Otherwise the refusals above would say nothing."""
    mine = county.caller(*EVERYTHING, ids=county.foreign)
    await county.doors.http.post(f"/exports/{county.foreign['export_id']}/cancel", headers=dict(mine.headers()))

    found = await mine.answers(county.foreign, county.foreign, lambda asked: asked.method == "get")

    reads = {route: answer.status for route, answer in found.items() if "_id}" in route}
    waiting = {"/exports/{export_id}/file get": 409, "/supervision-lists/{list_id}/pdf get": 409}
    assert {route: status for route, status in reads.items() if status != 200} == waiting
    seen = {"/lights get", "/lights/matrix get", "/lights/changes get", "/issues get", "/freeze-orders get", "/supervision-lists get"}
    assert seen <= set(leaks(found, NAME, TITLE))
