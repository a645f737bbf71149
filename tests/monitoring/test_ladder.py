"""约谈 comes at once for the second time within twelve months (domain §4.4), and otherwise where the ladder has it."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.monitoring.queries.reopening import open_rectifications
from shared.events.roster import PersonPlaced
from shared.glossary import IssueState, Rung
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import Tables
from workflows.rectification_case import Act

pytestmark = pytest.mark.asyncio


async def ladder_of(tables: Tables, issue_id: UUID) -> list[tuple[str, int, bool]]:
    """What its case was started with, which is what it would be started with again."""
    (asked,) = await tables.rows("SELECT body FROM outbox WHERE type = 'start:RectificationWorkflow' AND key LIKE $1", f"%{issue_id}%")
    body = json.loads(asked["body"])
    async with tables.database.reading() as conn:
        (again,) = [start for start in await open_rectifications(conn, None) if start.issue_id == issue_id]
    assert [step.model_dump(mode="json") for step in again.case.ladder] == body["case"]["ladder"]
    return [(step["rung"], step["offset"], step["once"]) for step in body["case"]["ladder"]]


def too_early(town: Town, person: UUID, days: int) -> PersonPlaced:
    """先进人后核编: another of the same rule, so many days later."""
    return town.placed(person=person, started_on=NOW.date(), authorised_on=NOW.date() + timedelta(days=1), at=NOW + timedelta(days=days))


async def issue_of(tables: Tables, person: UUID) -> UUID:
    (row,) = await tables.rows("SELECT id FROM issues WHERE subject = $1", str(person))
    found: UUID = row["id"]
    return found


@pytest.mark.parametrize(("days", "second"), [(0, False), (30, True), (364, True), (367, False)])
async def test_a_unit_that_was_told_before_within_twelve_months_is_called_in_at_once(tables: Tables, days: int, second: bool) -> None:
    town, first, next_one = Town(quota=50), uuid4(), uuid4()
    await tables.see(town.registered(), too_early(town, first, 0))
    await tables.confirm()
    await tables.see(too_early(town, next_one, days), now=NOW + timedelta(days=days))

    interview = {rung: (offset, once) for rung, offset, once in await ladder_of(tables, await issue_of(tables, next_one))}[Rung.INTERVIEW]
    assert await ladder_of(tables, await issue_of(tables, first)) == [
        *(("reminder", -3, False), ("overdue", 0, False), ("freeze_proposal", 0, False)),
        *(("interview", 10, False), ("circular", 20, False)),
    ]
    assert (interview != (10, False)) is second


async def test_another_rule_or_what_was_never_confirmed_is_no_first_time(tables: Tables) -> None:
    town, first, next_one = Town(quota=0, headcount=0), uuid4(), uuid4()
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    await tables.see(too_early(town, first, 30), too_early(town, next_one, 60), now=NOW + timedelta(days=60))

    found = [await ladder_of(tables, await issue_of(tables, person)) for person in (first, next_one)]
    assert [("interview", 10, False) in ladder for ladder in found] == [True, True]


async def test_the_same_issue_that_comes_back_is_the_second_time(tables: Tables) -> None:
    town, person, later = Town(), uuid4(), NOW + timedelta(days=40)
    await tables.see(town.registered(), town.over_quota(person=person))
    await tables.confirm()
    details: dict[str, Any] = {"served_on": str(NOW.date())}
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, details=details)
    await tables.see(town.released(person))
    await tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 3)
    await tables.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 4)
    await tables.see(town.over_quota(at=later), now=later)

    rows = await tables.rows("SELECT body FROM outbox WHERE type = 'start:RectificationWorkflow' ORDER BY id")
    ladders = [json.loads(row["body"])["case"]["ladder"] for row in rows]
    assert [[step["once"] for step in ladder if step["rung"] == "interview"] for ladder in ladders] == [[False], [True]]
