"""机构改革 by a page: its file read at the door of the roster, and the list of reforms. Who asks sees his own units only."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.roster.rules.imports.cells import Wrong
from services.roster.rules.reform_files import day_before, mark_of, read_plan
from shared.db import Database
from shared.glossary import Role
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.reforming import carried_out
from tests.roster.test_unit_doors import DOCUMENT, SINCE, WHY

pytestmark = pytest.mark.asyncio
HEAD = {"title": "改革方案", "document_on": "2026-09-01", "reason": "机构改革"} | DOCUMENT | SINCE


async def called(database: Database, unit_id: UUID) -> str:
    name: str = await database.pool.fetchval("SELECT name FROM units WHERE id = $1", unit_id)
    return name


async def read(doors: Doors, *steps: Mapping[str, object], headers: dict[str, str] | None = None, **head: object) -> dict[str, Any]:
    text = json.dumps(HEAD | {"steps": steps} | head, ensure_ascii=False)
    answer = await doors.http.post("/reforms/read", json={"text": text}, headers=headers or doors.office)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_file_of_names_is_read_as_of_the_day_before_and_tells_whom_it_means(doors: Doors, roster_db: Database) -> None:
    row, other = await given.row(roster_db, 2), await given.row(roster_db, 2)
    person_id, _ = await given.in_post(roster_db, row, date(2026, 9, 2))
    before = await called(roster_db, row.unit_id)
    renamed = {"name": "今名"} | {"effective_on": "2026-09-12"} | DOCUMENT | WHY
    assert (await doors.http.patch(f"/units/{row.unit_id}", json=renamed, headers=doors.office)).status_code == 200
    person = await roster_db.pool.fetchval("SELECT name FROM person_records WHERE person_id = $1", person_id)
    to = await called(roster_db, other.unit_id)

    found = await read(
        doors,
        {"step": "划转人员", "unit": before, "to": to, "people": [person]},
        {"step": "划转编制", "unit": before, "to": to, "kind": "事业编制", "funding": "全额拨款", "posts": 1},
    )

    ids = {"unit_id": str(row.unit_id), "to_unit_id": str(other.unit_id)}
    assert found["wrong"] == []
    assert found["body"]["steps"] == [
        ids | {"step": "move_people", "person_ids": [str(person_id)]},
        ids | {"step": "move_posts", "kind": "SY", "funding": "full", "posts": 1},
    ]
    assert found["units"] == {ids["unit_id"]: before, ids["to_unit_id"]: to}
    assert found["people"] == {str(person_id): person}


async def test_what_is_read_is_tried_and_carried_out_once_under_its_key(doors: Doors, roster_db: Database) -> None:
    gone, made = await given.unit(roster_db), {"step": "新设", "name": "新局", "code": "R-5", "category": "公益一类事业单位"}
    found = await read(doors, made, {"step": "撤并", "unit": str(gone), "into": "R-5"})

    tried = await doors.http.post("/reforms/check", json=found["body"], headers=doors.office)
    office = doors.as_(Role.BUSINESS_OFFICER, key=found["key"])
    done = [await doors.http.post("/reforms", json=found["body"], headers=office) for _ in range(2)]

    assert (tried.status_code, tried.json()["problems"]) == (200, [])
    assert [each.status_code for each in done] == [201, 201]
    assert done[0].json() == done[1].json()


async def test_everything_that_is_wrong_in_a_file_is_told_and_nothing_else_is(doors: Doors, roster_db: Database) -> None:
    name = await called(roster_db, await given.unit(roster_db))

    found = await read(doors, {"step": "撤并", "unit": "没有的单位", "into": name}, {"step": "新设", "name": "某中心"}, effective_on=None)

    assert (found["body"], found["units"], found["people"]) == (None, {}, {})
    for each in ("effective_on：", "第 1 步 unit：没有找到单位“没有的单位”", "第 2 步 code：必填"):
        assert any(sentence.startswith(each) and sentence.endswith("。") for sentence in found["wrong"]), (each, found["wrong"])


async def test_a_file_names_no_unit_or_person_outside_its_bringers_scope(doors: Doors, roster_db: Database) -> None:
    mine, theirs = await given.row(roster_db, 1), await given.row(roster_db, 1)
    person_id, _ = await given.in_post(roster_db, theirs, date(2026, 9, 2))
    person = await roster_db.pool.fetchval("SELECT name FROM person_records WHERE person_id = $1", person_id)
    names = [await called(roster_db, each.unit_id) for each in (mine, theirs)]
    officer = doors.as_(Role.BUSINESS_OFFICER, units=(mine.unit_id,))
    steps = [{"step": "划转人员", "unit": each, "to": names[0], "people": [person]} for each in (names[1], str(theirs.unit_id))]

    found = await read(doors, *steps, headers=officer)
    clerk = await doors.http.post("/reforms/read", json={"text": ""}, headers=doors.as_(Role.OFFICE_DIRECTOR))

    assert [sentence.partition("：")[0] for sentence in found["wrong"] if "没有找到单位" in sentence] == ["第 1 步 unit", "第 2 步 unit"]
    assert str(person_id) not in json.dumps(found)
    assert clerk.status_code == 403


@pytest.mark.parametrize(
    "text",
    [
        "",
        "steps = 1",
        'x = "',
        '{"steps": [1]}',
        "[[steps",
        '{"steps": [], "title": "\\ud800"}',
        "[" * 9000,
        '{"a":' * 9000,
        "a = 0x" + "f" * 9000,
    ],
)
async def test_what_is_no_plan_is_said_to_be_none(text: str) -> None:
    with pytest.raises(Wrong, match="格式见示例"):
        read_plan(text)


async def test_the_same_lines_have_the_same_mark_however_they_came() -> None:
    assert mark_of("a = 1\nb = 2\n") == mark_of("\ufeffa = 1\r\nb = 2\r\n") != mark_of("a = 1\nb = 3\n")
    assert read_plan("\ufeffsteps = []\r\n") == {"steps": []}
    assert [day_before({"effective_on": each}) for each in ("2026-09-10", date(1, 1, 1), None, "x")] == ["2026-09-09", None, None, None]


async def listed(doors: Doors, headers: dict[str, str] | None = None, **query: str | int) -> dict[str, Any]:
    answer = await doors.http.get("/reforms", params=query, headers=headers or doors.office)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_reforms_are_listed_page_by_page_and_found_by_title_and_number(doors: Doors, roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    for day in range(3):
        step = {"step": "change", "unit_id": unit_id, "name": f"第{day}名"}
        await carried_out(roster_db, step, since=date(2026, 9, 10 + day), title=f"改革{day}")

    first = await listed(doors, limit=2)
    second = await listed(doors, limit=2, after=first["next"])
    oldest = await listed(doors, sort="effective_on", fields="title")
    found = await listed(doors, q="改革1")

    assert [each["title"] for each in (*first["items"], *second["items"])] == ["改革2", "改革1", "改革0"]
    assert (first["items"][0]["effective_on"], first["items"][0]["actor"], second["next"]) == ("2026-09-12", given.by().actor, None)
    assert oldest["items"] == [{"title": f"改革{day}"} for day in range(3)]
    assert [each["title"] for each in found["items"]] == ["改革1"]
    assert [each["title"] for each in (await listed(doors, q=first["items"][0]["document_no"]))["items"]] == ["改革2", "改革1", "改革0"]


async def test_a_reform_is_listed_and_shown_to_whom_a_unit_is_that_it_touched_also_one_of_posts_alone(
    doors: Doors, roster_db: Database
) -> None:
    giver, taker, other = [await given.row(roster_db, 3) for _ in range(3)]
    ids = {"unit_id": giver.unit_id, "to_unit_id": taker.unit_id}
    done = await carried_out(roster_db, {"step": "move_posts", "kind": "SY", "funding": "full", "posts": 1} | ids)
    heads = [doors.as_(Role.UNIT_HEAD, units=(each.unit_id,)) for each in (taker, other)]

    seen = [[each["reform_id"] for each in (await listed(doors, headers))["items"]] for headers in (doors.office, *heads)]
    views = [await doors.http.get(f"/reforms/{done.reform_id}", headers=headers) for headers in (doors.office, *heads)]

    assert seen == [[str(done.reform_id)], [str(done.reform_id)], []]
    assert [each.status_code for each in views] == [200, 200, 404]
    assert {UUID(each) for each in views[0].json()["units"]} == set(ids.values())
    assert views[0].json()["names"] == {str(each): await called(roster_db, each) for each in ids.values()}
    assert (views[1].json()["units"], views[1].json()["steps"]) == ([str(taker.unit_id)], [])
    assert (await doors.http.get(f"/reforms/{uuid4()}", headers=doors.office)).status_code == 404


async def test_a_reform_is_told_in_the_names_of_the_day_before_and_of_what_it_made(doors: Doors, roster_db: Database) -> None:
    unit_id, made = await given.unit(roster_db), uuid4()
    before = await called(roster_db, unit_id)
    done = await carried_out(
        roster_db,
        {"step": "establish", "unit_id": made, "name": "新局", "code": "R-6", "category": "SY-1"},
        {"step": "change", "unit_id": unit_id, "name": "今名", "parent_id": made},
    )

    shown = (await doors.http.get(f"/reforms/{done.reform_id}", headers=doors.office)).json()

    assert shown["names"] == {str(unit_id): before, str(made): "新局"}
