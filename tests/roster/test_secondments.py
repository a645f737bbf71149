"""借调: the person works at the borrower, the post stays with the lender; terms within the office's limits; nothing is counted twice."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.roster.commands.corrections import correct_placement
from services.roster.commands.parameters import RANGES, SetParameter, set_parameter
from services.roster.commands.placements import place_person, release_person
from services.roster.commands.secondments import end_secondment, extend_secondment, second_person
from services.roster.models.refusals import ChangedLater, DocumentMissing, PersonNotHere, SameUnit
from services.roster.models.requests import CorrectPlacement, ReleasePerson
from services.roster.models.secondments import (
    EndSecondment,
    ExtendSecondment,
    SecondedAlready,
    SecondmentEndedBefore,
    SecondmentNotLonger,
    SecondmentTooLong,
    SecondmentTooSoon,
    SecondPerson,
)
from services.roster.queries.establishments import LATEST, Moment
from services.roster.queries.persons import PersonView, person_view
from services.roster.queries.secondments import WorkingHere, working_here
from shared.auth import Who
from shared.db import Database
from shared.events.roster import SecondmentEnded, SecondmentExtended, SecondmentStarted
from shared.glossary import Role
from tests.roster import given
from tests.roster.doors import Doors

pytestmark = pytest.mark.asyncio
OFFICE = Who("officer", frozenset())
START = date(2026, 3, 2)
LATER = given.NOW + timedelta(hours=1)


async def lent(database: Database, **more: object) -> tuple[given.Row, UUID, UUID, UUID]:
    """The lender's row, the borrower, the person and the secondment."""
    row, borrower = await given.row(database, 2), await given.unit(database)
    person_id, _ = await given.in_post(database, row, date(2026, 1, 5))
    facts: dict[str, object] = {"person_id": person_id, "borrower_id": borrower, "started_on": START, "until": date(2026, 9, 2)}
    return row, borrower, person_id, await second_person(database, given.by(), SecondPerson.model_validate(facts | more))


async def at_work(database: Database, unit_id: UUID, moment: Moment = LATEST) -> WorkingHere:
    async with database.reading() as conn:
        return await working_here(conn, unit_id, moment, given.TODAY)


async def seen(database: Database, person_id: UUID, moment: Moment) -> PersonView:
    async with database.reading() as conn:
        return await person_view(conn, given.CIPHER, person_id, OFFICE, moment)


async def test_the_post_stays_with_the_lender_and_the_borrower_sees_who_works_there(roster_db: Database) -> None:  # trap 3
    row, borrower, person_id, _ = await lent(roster_db)

    there, here = await at_work(roster_db, borrower), await at_work(roster_db, row.unit_id)

    assert (await given.state(roster_db, row)).headcount == 1
    assert (await given.state(roster_db, given.Row(borrower))).headcount == 0
    assert ([each.person_id for each in there.borrowed], there.in_post, there.working_here) == ([person_id], 0, 1)
    assert ([each.person_id for each in here.lent], here.in_post, here.working_here) == ([person_id], 1, 0)
    assert there.borrowed[0].overdue


async def test_a_loan_is_seen_on_its_days_and_as_known(roster_db: Database) -> None:
    row, borrower, person_id, secondment_id = await lent(roster_db)
    await end_secondment(roster_db, given.by(at=LATER), EndSecondment(secondment_id=secondment_id, ended_on=date(2026, 8, 1)))

    on = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 7, 31), date(2026, 8, 1)]
    borrowed = [len((await at_work(roster_db, borrower, Moment(day))).borrowed) for day in on]
    statuses = [(await seen(roster_db, person_id, Moment(day))).placement for day in on]

    assert borrowed == [0, 1, 1, 0]
    assert [each and each.duty_status for each in statuses] == [None, "seconded_out", "seconded_out", None]
    assert len((await at_work(roster_db, borrower, Moment(date(2026, 8, 1), given.NOW))).borrowed) == 1
    assert (await at_work(roster_db, row.unit_id)).lent == []


async def test_events_are_the_lenders_and_name_the_borrower(roster_db: Database) -> None:
    row, borrower, _, secondment_id = await lent(roster_db)
    await extend_secondment(roster_db, given.by(), ExtendSecondment(secondment_id=secondment_id, until=date(2026, 12, 1)))
    await end_secondment(roster_db, given.by(), EndSecondment(secondment_id=secondment_id, ended_on=date(2026, 9, 1)))

    told = (await given.published(roster_db))[-3:]

    assert [type(each) for each in told] == [SecondmentStarted, SecondmentExtended, SecondmentEnded]
    for each in told:
        assert isinstance(each, SecondmentStarted | SecondmentExtended | SecondmentEnded)
        assert (each.unit_id, each.borrower_id, each.establishments) == (row.unit_id, borrower, ())
    assert await given.versions_of(roster_db, row.unit_id) == [1, 2, 3, 4, 5, 6]


async def test_a_term_is_within_the_offices_limit_and_an_extension_within_the_total(roster_db: Database) -> None:
    with pytest.raises(SecondmentTooLong):
        await lent(roster_db, until=date(2026, 9, 3))
    _, _, _, secondment_id = await lent(roster_db)

    with pytest.raises(SecondmentTooLong):
        await extend_secondment(roster_db, given.by(), ExtendSecondment(secondment_id=secondment_id, until=date(2027, 3, 3)))
    with pytest.raises(SecondmentNotLonger):
        await extend_secondment(roster_db, given.by(), ExtendSecondment(secondment_id=secondment_id, until=date(2026, 9, 2)))
    await extend_secondment(roster_db, given.by(), ExtendSecondment(secondment_id=secondment_id, until=date(2027, 3, 2)))


async def test_a_loan_tells_every_document_that_approved_extended_or_ended_it(doors: Doors, roster_db: Database) -> None:
    _, _, person_id, secondment_id = await lent(roster_db)
    longer, back = ExtendSecondment(secondment_id=secondment_id, until=date(2026, 9, 17)), date(2026, 9, 10)
    await extend_secondment(roster_db, given.by("借〔2026〕2号"), longer)
    await end_secondment(roster_db, given.by("借〔2026〕3号"), EndSecondment(secondment_id=secondment_id, ended_on=back))

    (loan,) = (await doors.http.get(f"/persons/{person_id}/secondments", headers=doors.office)).json()["items"]

    assert [(each["deed"], each["document_no"]) for each in loan["documents"]] == [
        ("begun", given.DOCUMENT),
        ("extended", "借〔2026〕2号"),
        ("ended", "借〔2026〕3号"),
    ]


async def test_the_limit_is_a_parameter_with_a_source_and_a_day(roster_db: Database) -> None:
    shorter = SetParameter(name="secondment_months", value=3, valid_from=date(2026, 9, 1), source="测试规定")
    await set_parameter(roster_db, given.by(), shorter)

    with pytest.raises(SecondmentTooLong):
        await lent(roster_db)
    with pytest.raises(ChangedLater):
        await set_parameter(roster_db, given.by(), shorter)


async def test_a_limit_is_a_whole_number_within_its_range_and_any_other_json_is_refused_in_words(doors: Doors, roster_db: Database) -> None:
    body = {"valid_from": "2026-10-01", "source": "测试规定"}

    async def set_to(name: str, value: object) -> dict[str, Any]:
        answer = await doors.http.post(f"/parameters/{name}", json=body | {"value": value}, headers=doors.as_(Role.SUPERVISION_OFFICER))
        return {"status": answer.status_code} | (answer.json() if answer.content else {})

    others = [await set_to("secondment_months", value) for value in (None, True, "5", 5.0, 5.5, -1, 10**30, [], [5], {}, {"value": 5})]
    beyond = [await set_to(name, value) for name, (least, most) in RANGES.items() for value in (least - 1, most + 1)]
    known = await roster_db.pool.fetch("SELECT name, value FROM parameters")

    assert {each["status"] for each in others} == {422}
    assert {each["fields"][0]["reason"] for each in others} <= {"应为整数", "不能小于 0", "不能大于 10000"}
    assert {each["status"] for each in beyond} <= {409, 422}
    assert beyond[1]["detail"] == "“借调一次最长（月）”的值应为 1 至 60 的整数。参数没有改变，请改正后重新提交。"
    assert {row["name"] for row in known} == set(RANGES)
    assert [row["value"] for row in known if not RANGES[row["name"]][0] <= row["value"] <= RANGES[row["name"]][1]] == []
    assert (await set_to("secondment_months", 5))["status"] == 204


async def test_nobody_is_lent_again_soon_but_what_a_first_load_finds_is_recorded(roster_db: Database) -> None:
    _, borrower, person_id, secondment_id = await lent(roster_db)
    await end_secondment(roster_db, given.by(), EndSecondment(secondment_id=secondment_id, ended_on=date(2026, 6, 1)))
    again = SecondPerson(person_id=person_id, borrower_id=borrower, started_on=date(2026, 7, 1), until=date(2026, 9, 1))

    with pytest.raises(SecondmentTooSoon):
        await second_person(roster_db, given.by(), again)
    await second_person(roster_db, given.by(), again.model_copy(update={"baseline": True, "until": date(2027, 12, 31)}))


async def test_a_person_is_lent_once_at_a_time_by_the_unit_that_keeps_the_post(roster_db: Database) -> None:
    row, borrower, person_id, secondment_id = await lent(roster_db)
    again = SecondPerson(person_id=person_id, borrower="示例省直单位", started_on=date(2026, 7, 1), until=date(2026, 9, 1), baseline=True)
    nobody = await given.person(roster_db, row.unit_id)

    with pytest.raises(SecondedAlready):
        await second_person(roster_db, given.by(), again)
    with pytest.raises(PersonNotHere):
        await second_person(roster_db, given.by(), again.model_copy(update={"person_id": nobody}))
    with pytest.raises(PersonNotHere):
        await second_person(roster_db, given.by(), again.model_copy(update={"started_on": date(2026, 1, 4)}))
    await end_secondment(roster_db, given.by(), EndSecondment(secondment_id=secondment_id, ended_on=date(2026, 6, 1)))
    with pytest.raises(SecondmentEndedBefore):
        await end_secondment(roster_db, given.by(), EndSecondment(secondment_id=secondment_id, ended_on=date(2026, 6, 2)))
    with pytest.raises(SameUnit, match="所在与借入"):
        await second_person(roster_db, given.by(), again.model_copy(update={"borrower": None, "borrower_id": row.unit_id}))
    with pytest.raises(DocumentMissing):
        await second_person(roster_db, given.by(None), again)
    with pytest.raises(ValidationError):
        SecondPerson(person_id=person_id, borrower_id=borrower, borrower="又一单位", started_on=START, until=START)


async def test_whoever_leaves_the_lender_is_lent_no_longer(roster_db: Database) -> None:
    row, borrower = await given.row(roster_db, 1), await given.unit(roster_db)
    person_id = await given.person(roster_db, row.unit_id)
    placement_id = await place_person(roster_db, given.by(), given.placement(row, person_id, date(2026, 1, 5)))
    await second_person(
        roster_db, given.by(), SecondPerson(person_id=person_id, borrower_id=borrower, started_on=START, until=date(2026, 9, 2))
    )

    await given.release(roster_db, placement_id, date(2026, 9, 10))

    event = await given.last_event(roster_db)
    assert isinstance(event, SecondmentEnded)
    assert (event.ended_on, (await at_work(roster_db, borrower)).borrowed) == (date(2026, 9, 10), [])


async def test_who_left_before_is_not_lent_afterwards_whatever_was_recorded(roster_db: Database) -> None:
    row, borrower = await given.row(roster_db, 1), await given.unit(roster_db)
    person_id = await given.person(roster_db, row.unit_id)
    placement_id = await place_person(roster_db, given.by(), given.placement(row, person_id, date(2021, 1, 5)))
    for day, until in ((date(2022, 1, 6), date(2022, 6, 1)), (START, date(2026, 9, 2))):
        over = SecondPerson(person_id=person_id, borrower_id=borrower, started_on=day, until=until)
        secondment_id = await second_person(roster_db, given.by(), over)
        if day != START:
            await end_secondment(roster_db, given.by(), EndSecondment(secondment_id=secondment_id, ended_on=until))

    await release_person(
        roster_db, given.by(at=LATER), ReleasePerson(placement_id=placement_id, ended_on=date(2022, 3, 1), exit_reason="death")
    )

    async def borrowed(on: date, known: datetime) -> int:
        return len((await at_work(roster_db, borrower, Moment(on, known))).borrowed)

    days = date(2022, 2, 1), date(2022, 3, 1), START
    assert [await borrowed(day, LATER) for day in days] == [1, 0, 0]
    assert [await borrowed(day, given.NOW) for day in days] == [1, 1, 1]
    ends = [each.ended_on for each in await given.published(roster_db) if isinstance(each, SecondmentEnded)]
    assert ends == [date(2022, 6, 1), date(2022, 3, 1), START]


async def test_an_earlier_exit_that_is_proved_ends_the_loan_of_that_post_alone(roster_db: Database) -> None:
    (row, borrower, person_id, _), again = await lent(roster_db), await given.row(roster_db, 1)
    placement_id = await roster_db.pool.fetchval("SELECT placement_id FROM placements WHERE person_id = $1", person_id)
    await given.release(roster_db, placement_id, date(2026, 6, 1))
    await place_person(roster_db, given.by(), given.placement(again, person_id, date(2026, 7, 1)))
    later = SecondPerson(person_id=person_id, borrower_id=row.unit_id, started_on=date(2026, 7, 6), until=date(2026, 9, 2), baseline=True)
    await second_person(roster_db, given.by(), later)

    await correct_placement(roster_db, given.by(at=LATER), CorrectPlacement(placement_id=placement_id, ended_on=date(2026, 5, 1)))

    days = date(2026, 4, 30), date(2026, 5, 2), date(2026, 8, 1)
    assert [len((await at_work(roster_db, borrower, Moment(day))).borrowed) for day in days] == [1, 0, 0]
    assert len((await at_work(roster_db, row.unit_id, Moment(days[2]))).borrowed) == 1


async def test_the_borrowers_clerk_sees_who_works_there_and_not_the_lenders_persons(doors: Doors, roster_db: Database) -> None:
    row, borrower, person_id, secondment_id = await lent(roster_db)
    clerk = doors.as_(Role.UNIT_CLERK, units=(borrower,))

    there = (await doors.http.get(f"/units/{borrower}/working-here", headers=clerk)).json()
    own = await doors.http.get(f"/units/{row.unit_id}/working-here", headers=clerk)
    person = await doors.http.get(f"/persons/{person_id}", headers=clerk)
    listed = await doors.http.get(f"/persons/{person_id}/secondments", headers=doors.office)
    returned = await doors.http.post(f"/secondments/{secondment_id}/return", json={"ended_on": "2026-09-01"}, headers=doors.office)
    limits = await doors.http.get("/parameters", headers=clerk)

    assert [each["person_id"] for each in there["borrowed"]] == [str(person_id)]
    assert "id_number" not in there["borrowed"][0]
    assert (own.status_code, person.status_code, listed.json()["items"][0]["borrower_id"]) == (404, 404, str(borrower))
    assert returned.status_code == 204
    assert {each["name"]: each["value"] for each in limits.json()["items"]} == {
        "post_use_months": 12,
        "secondment_months": 6,
        "secondment_total_months": 12,
        "secondment_rest_months": 24,
        "secondment_notice_days": 10,
    }


async def test_a_renewal_is_filed_ten_working_days_before_the_term_is_over(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id, _ = await given.in_post(roster_db, row)
    lent = SecondPerson(person_id=person_id, borrower="外市某局", started_on=date(2026, 9, 3), until=date(2026, 9, 30))
    secondment_id = await second_person(roster_db, given.by(), lent)
    asked = {"until": "2026-11-30", "document_no": "借〔2026〕8号"}

    answers = [
        await doors.http.post(f"/secondments/{secondment_id}/extension", json=asked | filed, headers=doors.office)
        for filed in ({}, {"filed_on": "2026-09-17"}, {"filed_on": "2026-09-15"})
    ]

    assert [(each.status_code, each.json()["code"] if each.content else "") for each in answers] == [
        (409, "secondment_renewal_too_late"),
        (409, "secondment_renewal_too_late"),
        (204, ""),
    ]
