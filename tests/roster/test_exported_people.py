"""Lists of people out of the roster: whom their page shows, masked until there is a reason, with a post or without one."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.roster.commands.finds import record_find
from services.roster.commands.placements import place_person
from services.roster.commands.secondments import extend_secondment, second_person
from services.roster.commands.unit_changes import change_unit
from services.roster.models.fields import FROM_INSURANCE, PERSONS
from services.roster.models.finds import RecordFind
from services.roster.models.secondments import ExtendSecondment, SecondPerson
from services.roster.models.units import ChangeUnit
from shared.clock import at_hour
from shared.crypto import masked_id_number
from shared.db import Database
from shared.glossary import Role
from tests.roster import given
from tests.roster.exporting import House

pytestmark = pytest.mark.asyncio


async def test_a_person_stands_there_with_every_field_masked(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    person_id, _ = await given.in_post(roster_db, row)
    insured = given.CIPHER.encrypt("pension_public", f"person_records.pension_scheme.{person_id}")
    await roster_db.pool.execute("UPDATE person_records SET pension_scheme = $1", insured)
    number = (await house.doors.http.post(f"/persons/{person_id}/reveal", json={"reason": "核对档案"}, headers=house.doors.office)).json()

    masked = await house.take("roster")
    (record,) = masked.records()
    (full,) = (await house.take("roster", unmasked=True, reason="年度核对档案原件")).records()

    assert {field.label for field in (*PERSONS.fields, *FROM_INSURANCE)} <= record.keys()
    assert record["公民身份号码"] == masked_id_number(number["id_number"])
    assert given.guessed(record["公民身份号码"], record["出生日期"]) != full["公民身份号码"] == number["id_number"]
    assert record["姓名"] == full["姓名"] == number["name"]
    assert (record["编制类型"], record["入编时间"]) == ("事业编制", date(2026, 9, 2))
    assert (record["养老保险险种"], full["养老保险险种"], full["参保状态"]) == ("＊", "机关事业单位养老保险", "")
    assert number["pension_scheme"] == "pension_public"
    assert record["推定退休类别"] == "女（原五十五周岁）"
    assert "已脱敏" in masked.mark


async def test_the_people_of_a_unit_are_taken_without_those_below_and_in_the_order_of_their_page(house: House, roster_db: Database) -> None:
    above = await given.row(roster_db, 3)
    below = await given.row(roster_db, 1, parent=above.unit_id)
    for row in (above, above, below):
        await given.in_post(roster_db, row)
    for sort in ("name", "-name", "birth_on", "-started_on"):
        path = f"/units/{above.unit_id}/persons"
        page = (await house.doors.http.get(path, params={"sort": sort}, headers=house.doors.office)).json()["items"]
        file = await house.take("roster", filters={"unit": str(above.unit_id), "below": "false", "sort": sort})
        assert [record["姓名"] for record in file.records()] == [each["name"] for each in page]
        assert len(page) == 2
    assert len((await house.take("roster", filters={"unit": str(above.unit_id)})).records()) == 3


async def test_people_are_narrowed_by_all_that_their_page_is_narrowed_by(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 5)
    await given.in_post(roster_db, row)
    chief, learned, lent = [await given.in_post(roster_db, row) for _ in range(3)]
    await roster_db.pool.execute("UPDATE placements SET seat_level = 'unit_head' WHERE placement_id = $1", chief[1])
    whose = "UPDATE person_records SET {} WHERE person_id = $1"
    await roster_db.pool.execute(whose.format("title = '主任', post_category = 'managerial_post', identity = 'manager'"), chief[0])
    await roster_db.pool.execute(whose.format("education = '21'"), learned[0])
    loan = SecondPerson(
        person_id=lent[0], borrower_id=await given.unit(roster_db), form="seconded_out", started_on=given.TODAY, until=given.TODAY
    )
    await second_person(roster_db, given.by(), loan)

    for query, number in (
        ({"education": "21"}, 1),
        ({"title": "主", "post_category": "managerial_post"}, 1),
        ({"identity": "professional", "sex": "F"}, 3),
        ({"lent": "true"}, 1),
        ({"lent": "false", "seat_level": "unit_head"}, 1),
        ({"kind": "SY", "funding": "full", "entry_reason": "open_recruitment"}, 4),
        ({"kind": "XZ"}, 0),
        ({"duty_status": "seconded_out"}, 1),
    ):
        wanted = query | {"sort": "name"}
        page = (await house.doors.http.get("/persons", params=wanted, headers=house.doors.office)).json()["items"]
        file = await house.take("roster", filters=wanted)
        assert [record["姓名"] for record in file.records()] == [each["name"] for each in page]
        assert len(page) == number
    assert "人员状态为借出" in file.mark


async def test_reveals_are_taken_as_their_page_shows_them_with_no_more_of_a_person_than_it_does(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    hidden = await given.row(roster_db, 1)
    await roster_db.pool.execute("UPDATE units SET withheld = true WHERE id = $1", hidden.unit_id)
    (seen, *_), (unseen, *_) = [await given.in_post(roster_db, each) for each in (row, hidden)]
    for person, reason in ((seen, "与档案核对"), (unseen, "与档案核对"), (seen, "=再次核对")):
        answer = await house.doors.http.post(f"/persons/{person}/reveal", json={"reason": reason}, headers=house.doors.office)
        assert answer.status_code == 200, answer.text
    auditor = house.doors.as_(Role.AUDIT_ADMIN)
    page = (await house.doors.http.get("/reveals", headers=auditor)).json()["items"]

    file = await house.take("reveals", Role.AUDIT_ADMIN)
    narrowed = {"person": str(seen), "actor": "business_officer-user"}
    of_one = await house.take("reveals", Role.AUDIT_ADMIN, filters=narrowed)
    of_nobody = await house.take("reveals", Role.AUDIT_ADMIN, filters={"actor": "somebody"})

    told = [(each["人员编号"], each["查看人"], each["理由"]) for each in file.records()]
    assert told == [(each["person_id"], each["actor"], each["reason"]) for each in page]
    assert [each["人员"] for each in file.records()] == ["测＊＊", "", "测＊＊"]
    assert [each["理由"] for each in of_one.records()] == ["=再次核对", "与档案核对"]
    assert of_nobody.records() == []
    assert "人员编号为" in of_one.mark
    assert "查看人登录名为business_officer-user" in of_one.mark
    assert (await house.ask("reveals"))["code"] == "export_list_unknown"


async def test_finds_are_taken_as_their_page_shows_them_with_no_more_of_a_person_than_it_does(house: House, roster_db: Database) -> None:
    taker, giver = await given.row(roster_db, 2), await given.row(roster_db, 1)
    (person, *_) = await given.in_post(roster_db, giver)
    for found, actor in ((person, "clerk"), (None, "other")):
        by = replace(given.by(), actor=actor)
        await record_find(roster_db, by, RecordFind(unit_id=taker.unit_id, person_id=found, from_unit_id=found and giver.unit_id))
    names = [await roster_db.pool.fetchval("SELECT name FROM units WHERE id = $1", each.unit_id) for each in (taker, giver)]

    file = await house.take("person_finds", Role.AUDIT_ADMIN)
    of_one = await house.take("person_finds", Role.AUDIT_ADMIN, filters={"actor": "clerk"})

    labels = ("核对人", "拟调入单位", "结果", "人员", "人员编号", "现单位")
    told = [tuple(each[label] for label in labels) for each in file.records()]
    assert told == [("other", names[0], "不符", "", "", ""), ("clerk", names[0], "相符", "测＊＊", str(person), names[1])]
    assert [each["核对人"] for each in of_one.records()] == ["clerk"]
    assert "核对人登录名为clerk" in of_one.mark
    assert (await house.ask("person_finds"))["code"] == "export_list_unknown"


@dataclass(frozen=True)
class County:
    """People of two units, one above the other: in post, registered without a post, gone, outside the establishment; `withheld` of a third."""

    above: UUID
    below: UUID
    withheld: UUID
    people: tuple[UUID, ...]


async def a_county(database: Database) -> County:
    above = await given.row(database, 5)
    below, withheld = [await given.row(database, 5, parent=above.unit_id) for _ in range(2)]
    outside = given.Row(below.unit_id, "BW")
    await given.quota(database, outside, 1)
    people = [(await given.in_post(database, row))[0] for row in (above, below)]
    people.append(await given.person(database, below.unit_id))
    told = {"off_post_kind": "counter_service", "employment_form": "dispatch"}
    await place_person(database, given.by(), given.placement(outside, people[-1], date(2026, 9, 2)).model_copy(update=told))
    people.append((await given.in_post(database, withheld))[0])
    gone, placement_id = await given.in_post(database, below, date(2026, 9, 2))
    await given.release(database, placement_id, date(2026, 9, 10))
    people += [gone, *[await given.person(database, row.unit_id) for row in (above, below, withheld)]]
    await database.pool.execute("UPDATE units SET withheld = true WHERE id = $1", withheld.unit_id)
    return County(above.unit_id, below.unit_id, withheld.unit_id, tuple(people))


async def test_everybody_stands_in_the_file_as_on_the_page_with_a_post_or_without_one(house: House, roster_db: Database) -> None:
    county = await a_county(roster_db)
    numbers = {}
    for who in ((Role.BUSINESS_OFFICER, None), (Role.UNIT_CLERK, (county.above,)), (Role.UNIT_CLERK, (county.below,))):
        for query in (
            {"on_roster": "all"},
            {"on_roster": "off", "sort": "-birth_on"},
            {"on_roster": "on", "sort": "-started_on"},
            {"on_roster": "all", "unit": str(county.below), "as_of": "2026-09-05"},
            {"on_roster": "off", "unit": str(county.below), "as_of": "2026-09-05", "known_on": str(given.TODAY)},
            {"on_roster": "all", "unit": str(county.above), "below": "false"},
            {"on_roster": "all", "population": "off_establishment"},
            {"on_roster": "all", "entry_reason": "open_recruitment", "kind": "SY", "lent": "false"},
        ):
            wanted = {"sort": "name"} | query
            answer = await house.doors.http.get("/persons", params=wanted, headers=house.doors.as_(who[0], units=who[1]))
            page = answer.json().get("items", [])  # another's unit is none
            file = await house.take("persons", who[0], units=who[1], filters=wanted)
            assert [record["姓名"] for record in file.records()] == [each["name"] for each in page]
            numbers[who, str(query)] = len(page)

    assert list(numbers.values()) == [8, 4, 4, 4, 1, 2, 1, 3, 6, 3, 3, 4, 1, 2, 1, 2, 4, 2, 2, 4, 1, 0, 1, 1]


async def test_who_has_no_post_stays_in_the_file_that_is_ordered_by_when_people_came(house: House, roster_db: Database) -> None:
    await a_county(roster_db)

    names = [len((await house.take("persons", filters={"on_roster": "all"} | more)).records()) for more in ({}, {"sort": "-started_on"})]

    assert names == [8, 8]


async def test_who_has_no_post_stands_under_his_unit_masked_until_there_is_a_reason(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id = await given.person(roster_db, row.unit_id)
    unit = await roster_db.pool.fetchval("SELECT name FROM units WHERE id = $1", row.unit_id)
    number = (await house.doors.http.post(f"/persons/{person_id}/reveal", json={"reason": "核对档案"}, headers=house.doors.office)).json()

    masked = await house.take("persons")
    (record,) = masked.records()
    (full,) = (await house.take("persons", unmasked=True, reason="年度核对档案原件")).records()
    lines = (await house.take("persons", format="csv", fields=["name", "id_number", "on_roster", "population"])).lines()

    assert (record["单位"], record["是否在册"], record["人员范围"], record["编制类型"]) == (unit, "否", "", "")
    assert record["公民身份号码"] == masked_id_number(number["id_number"])
    assert (full["公民身份号码"], full["姓名"]) == (number["id_number"], record["姓名"])
    assert lines[2] == [record["姓名"], record["公民身份号码"], "否", ""]
    assert "已脱敏" in masked.mark


async def test_who_was_found_is_taken_in_the_order_of_the_page_and_nothing_that_was_sought_is_kept(
    house: House, roster_db: Database
) -> None:
    county = await a_county(roster_db)
    numbers = await roster_db.pool.fetch("SELECT person_id, name FROM person_records")
    names = {row["person_id"]: row["name"] for row in numbers}
    found = [county.people[place] for place in (5, 2, 3)]
    filters = {"persons": ",".join(map(str, found))}

    file = await house.take("persons", filters=filters)
    of_another = await house.take("persons", Role.UNIT_CLERK, units=(county.below,), filters=filters)
    (kept, *_) = (await house.doors.http.get("/exports", headers=house.doors.office)).json()["items"]
    refused = [
        (await house.ask("persons", filters={"persons": words}))["code"]
        for words in ("张三", ",".join([str(found[0])] * 201), given.id_number(1))
    ]

    assert [record["姓名"] for record in file.records()] == [names[each] for each in found]
    assert [record["姓名"] for record in of_another.records()] == [names[found[1]]]
    assert [record["人员范围"] for record in file.records()] == ["", "编外", "机关事业"]
    assert kept["filters"] == filters
    assert "筛选：指定人员为3 人　" in file.mark
    assert refused == ["export_filter_value_unknown"] * 3


async def test_what_is_about_a_person_is_in_the_ledger_of_those_who_may_read_persons(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    await given.in_post(roster_db, row)

    for role, people in ((Role.OBSERVER, False), (Role.COMMISSION, False), (Role.OFFICE_DIRECTOR, True)):
        taken_ = [record["事项"] for record in (await house.take("ledger", role)).records()]
        shown = (await house.doors.http.get("/ledger", params={"sort": "at"}, headers=house.doors.as_(role))).json()["items"]
        assert taken_ == [each["matter"] for each in shown]
        assert taken_ == ["机构登记", "编制数变更", *["人员登记", "入编"] * people]


async def test_a_loan_as_a_file_tells_all_its_documents_in_their_order(house: House, roster_db: Database) -> None:
    lender, borrower = await given.row(roster_db, 2), await given.unit(roster_db)
    person_id, _ = await given.in_post(roster_db, lender, date(2026, 1, 5))
    loan = SecondPerson(person_id=person_id, borrower_id=borrower, started_on=date(2026, 3, 2), until=date(2026, 9, 2))
    made = await second_person(roster_db, given.by("借〔2026〕9号"), loan)
    await extend_secondment(roster_db, given.by("借〔2026〕1号"), ExtendSecondment(secondment_id=made, until=date(2026, 9, 17)))

    records = (await house.take("secondments")).records()

    assert [record["借调文号"] for record in records] == ["借〔2026〕9号、借〔2026〕1号"] * 2


async def test_a_withheld_borrower_is_named_to_no_lender(house: House, roster_db: Database) -> None:
    top = await given.row(roster_db, 2)
    borrower = await given.unit(roster_db)
    person_id, _ = await given.in_post(roster_db, top, date(2026, 1, 5))
    loan = SecondPerson(person_id=person_id, borrower_id=borrower, started_on=date(2026, 3, 2), until=date(2026, 9, 2))
    await second_person(roster_db, given.by(), loan)
    clerk: dict[str, Any] = {"units": (top.unit_id,)}
    name = await roster_db.pool.fetchval("SELECT name FROM units WHERE id = $1", borrower)

    async def told(*roles: Role, **more: Any) -> list[str]:
        (lent, *_), (person,) = [(await house.take(each, *roles, **more)).records() for each in ("secondments", "roster")]
        return [lent["对方单位"], person["借出单位"]]

    open_ = await told(Role.UNIT_CLERK, **clerk)
    await roster_db.pool.execute("UPDATE units SET withheld = true WHERE id = $1", borrower)
    withheld = await told(Role.UNIT_CLERK, **clerk)

    assert (open_, withheld, await told(Role.BUSINESS_OFFICER)) == ([name, name], ["（不公开）", "（不公开）"], [name, name])


async def test_a_borrower_has_the_name_of_the_day_and_its_last_one_when_it_was_no_more(house: House, roster_db: Database) -> None:
    lender, borrower = await given.row(roster_db, 2), await given.unit(roster_db)
    person_id, _ = await given.in_post(roster_db, lender, date(2026, 1, 5))
    loan = SecondPerson(person_id=person_id, borrower_id=borrower, started_on=date(2026, 9, 1), until=date(2027, 2, 28))
    await second_person(roster_db, given.by(), loan)
    since = given.TODAY + timedelta(days=1)
    days: list[dict[str, str]] = [
        {"as_of": str(given.TODAY)},
        {"as_of": str(since)},
        {"as_of": str(since), "known_on": str(given.TODAY)},
        {},
    ]

    async def told() -> list[str]:
        return [(await house.take("roster", filters=each)).records()[0]["借出单位"] for each in days]

    before = await told()
    await change_unit(roster_db, given.by(at=at_hour(since, 9)), ChangeUnit(unit_id=borrower, effective_on=since, name="改名后的单位"))
    renamed = await told()
    await roster_db.pool.execute("UPDATE unit_records SET during = daterange(lower(during), $2) WHERE unit_id = $1 AND upper_inf(during)"
                                 " AND upper_inf(recorded)", borrower, since + timedelta(days=5))  # fmt: skip

    assert renamed == [before[0], "改名后的单位", before[0], "改名后的单位"]
    assert await told() == renamed
