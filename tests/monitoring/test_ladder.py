"""约谈 comes at once for the second time within twelve months (domain §4.4), and otherwise where the ladder has it."""

import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.monitoring.commands.parameters import set_parameter
from services.monitoring.commands.sweeps import sweep_unit
from services.monitoring.models.requests import SetParameter, SweepUnit
from services.monitoring.queries.ladders import Terms, pinned_terms
from services.monitoring.queries.reopening import open_rectifications
from shared.clock import at_hour
from shared.events.roster import PersonPlaced, RetirementFact
from shared.glossary import IssueState, Rung
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CALENDAR, Tables, by
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


async def test_a_warning_that_becomes_a_case_pins_the_terms_of_that_day_and_its_page_and_restart_have_them(tables: Tables) -> None:
    """Must fail when they are read anew by the day of the finding, which is that of the warning."""
    town, day = Town(quota=50), date(2026, 9, 28)
    await tables.see(town.registered(), town.placed(retirement=RetirementFact(category="M60", month="2026-08")))
    source: dict[str, Any] = {"effective_on": day, "source": "新规定", "owner": "监督检查科", "rule": "*"}
    ladder = [{"rung": "overdue", "offset": 0}]
    for name, value in (("ladder", ladder), ("extensions", 0), ("extension_days", 7)):
        await set_parameter(tables.database, by(), SetParameter.model_validate({"name": name, "value": value} | source))
    await sweep_unit(tables.database, by(at=at_hour(day, 1)), SweepUnit(unit_id=town.unit_id, on=day, calendar=CALENDAR))
    issue_id = (await tables.issue())["id"]

    assert await ladder_of(tables, issue_id) == [("overdue", 0, False)]
    for name in ("extensions", "extension_days"):
        later = source | {"effective_on": day + timedelta(days=1), "name": name, "value": 3}
        await set_parameter(tables.database, by(), SetParameter.model_validate(later))
    async with tables.database.reading() as conn:
        (start,) = await open_rectifications(conn, None)
        (row,) = await conn.fetch("SELECT * FROM issues")
        terms = await pinned_terms(conn, row)
    assert (start.case.extensions_allowed, start.case.extension_days) == (0, 7)
    assert terms == Terms(start.case.ladder, 0, 7)


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
