"""The doors of units and reforms: who may pass, what is answered, and the tree of a day."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from services.roster.commands.units import register_unit
from services.roster.models.requests import RegisterUnit
from services.roster.queries.loads import units_in_use
from shared.db import Database
from shared.glossary import Role
from tests.roster import given
from tests.roster.doors import Doors

pytestmark = pytest.mark.asyncio
DOCUMENT = {"document_no": "示编〔2026〕8号"}
SINCE = {"effective_on": "2026-09-10"}
WHY = {"reason": "机构改革"}


async def test_a_unit_is_renamed_by_the_office_and_read_under_either_name(doors: Doors, roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    old = (await doors.http.get(f"/units/{unit_id}", headers=doors.office)).json()["name"]
    body = {"name": "示例中心", "plates": ["示例服务站"], "uscc": "91330481123456788X"} | SINCE | DOCUMENT | WHY

    refused = await doors.http.patch(f"/units/{unit_id}", json=body, headers=doors.as_(Role.UNIT_CLERK, units=(unit_id,)))
    changed = await doors.http.patch(f"/units/{unit_id}", json=body, headers=doors.office)

    now = (await doors.http.get(f"/units/{unit_id}", headers=doors.office)).json()
    then = (await doors.http.get(f"/units/{unit_id}", params={"as_of": "2026-09-09"}, headers=doors.office)).json()
    history = (await doors.http.get(f"/units/{unit_id}/history", headers=doors.office)).json()
    found = (await doors.http.get("/units", params={"q": "示例", "as_of": "2026-09-10"}, headers=doors.office)).json()["items"]
    assert (refused.status_code, changed.status_code) == (403, 200)
    assert "校验码" in changed.json()["uscc_doubt"]
    assert (now["name"], now["plates"], now["document_no"], then["name"], then["plates"]) == (
        "示例中心", ["示例服务站"], DOCUMENT["document_no"], old, [],
    )  # fmt: skip
    assert [each["name"] for each in history["items"]] == [old, "示例中心"]
    assert [each["id"] for each in found] == [str(unit_id)]


async def test_what_a_unit_was_before_its_first_load_is_told_within_it_and_not_after(doors: Doors, roster_db: Database) -> None:
    new = RegisterUnit(name="市农业局", code="N-1", category="JG-Z", valid_from=date(1984, 6, 1), baseline=True)
    unit_id = await register_unit(roster_db, given.by(), new)
    body = {"name": "市农业农村局", "effective_on": "2019-01-25", "baseline": True} | DOCUMENT | WHY

    told = await doors.http.patch(f"/units/{unit_id}", json=body, headers=doors.office)
    async with roster_db.reading() as conn:
        used = await units_in_use(conn, [unit_id])
    daily = await doors.http.patch(f"/units/{unit_id}", json={"duties": "农业"} | SINCE | WHY, headers=doors.office)
    late = await doors.http.patch(f"/units/{unit_id}", json=body | {"name": "市农委", "effective_on": "2020-01-25"}, headers=doors.office)

    history = (await doors.http.get(f"/units/{unit_id}/history", headers=doors.office)).json()["items"]
    assert (told.status_code, used, daily.status_code) == (200, set(), 200)
    assert [(each["since"], each["name"]) for each in history][:2] == [("1984-06-01", "市农业局"), ("2019-01-25", "市农业农村局")]
    assert (late.status_code, late.json()["code"]) == (409, "first_load_ended")


async def test_a_refusal_says_in_chinese_what_to_do(doors: Doors, roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)

    mute = await doors.http.patch(f"/units/{unit_id}", json={"name": "示例中心", "document_no": "　 "} | SINCE | WHY, headers=doors.office)
    empty = await doors.http.patch(f"/units/{unit_id}", json={"name": None} | SINCE | DOCUMENT | WHY, headers=doors.office)
    why = await doors.http.patch(f"/units/{unit_id}", json={"duties": "办学", "reason": "　 "} | SINCE, headers=doors.office)
    early = await doors.http.get(f"/units/{unit_id}", params={"as_of": "2019-12-31"}, headers=doors.office)
    unknown = await doors.http.get(f"/units/{unit_id}", params={"known_on": "2026-01-31", "as_of": "2026-09-01"}, headers=doors.office)

    assert (mute.status_code, mute.json()["code"]) == (409, "document_missing")
    assert (empty.status_code, "不能改为空" in empty.text) == (422, True)
    assert (why.status_code, "reason" in why.text) == (422, True)
    assert (early.status_code, early.json()["code"]) == (404, "unit_not_then")
    assert "2019-12-31" in early.json()["detail"]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "nothing_recorded_yet")
    assert "2026-01-31" in unknown.json()["detail"]


async def test_a_person_of_whom_nothing_was_known_yet_is_said_to_be_recorded_later(doors: Doors, roster_db: Database) -> None:
    person_id = await given.person(roster_db, await given.unit(roster_db))

    told = await doors.http.get(f"/persons/{person_id}", params={"known_on": "2026-01-31"}, headers=doors.office)

    assert (told.status_code, told.json()["code"]) == (404, "person_not_recorded_yet")
    assert "2026-01-31" in told.json()["detail"]


async def test_one_unit_tells_the_fields_asked_for_and_no_others(doors: Doors, roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)

    some = await doors.http.get(f"/units/{unit_id}", params={"fields": "code,name"}, headers=doors.office)
    wrong = await doors.http.get(f"/units/{unit_id}", params={"fields": "code,nam"}, headers=doors.office)

    assert set(some.json()) == {"code", "name"}
    assert (wrong.status_code, wrong.json()["code"]) == (409, "field_unknown")


async def test_a_reform_is_carried_out_once_and_its_tree_is_the_days(doors: Doors, roster_db: Database) -> None:
    gone, into = await given.row(roster_db, 2), await given.row(roster_db, 1)
    await given.in_post(roster_db, gone)
    made = str(uuid4())
    steps = [
        {"step": "establish", "unit_id": made, "name": "新局", "code": "R-1", "category": "SY-1"},
        {"step": "merge", "unit_id": str(gone.unit_id), "into_unit_id": str(into.unit_id)},
        {"step": "change", "unit_id": str(into.unit_id), "parent_id": made},
    ]
    body = {"title": "改革", "document_on": "2026-09-01", "steps": steps} | SINCE | DOCUMENT
    office = doors.as_(Role.BUSINESS_OFFICER, key="reform-1")

    refused = await doors.http.post("/reforms", json=body, headers=doors.as_(Role.OFFICE_DIRECTOR))
    answers = [await doors.http.post("/reforms", json=body, headers=office) for _ in range(2)]

    assert refused.status_code == 403
    assert answers[0].status_code == 201
    assert answers[0].json() == answers[1].json()
    reform = (await doors.http.get(f"/reforms/{answers[0].json()['reform_id']}", headers=doors.office)).json()
    assert {UUID(each) for each in reform["units"]} == {gone.unit_id, into.unit_id, UUID(made)}
    assert [step["step"] for step in reform["steps"]] == ["establish", "merge", "change"]
    lines = (await doors.http.get("/ledger", params={"unit": made, "document_no": DOCUMENT["document_no"]}, headers=doors.office)).json()[
        "items"
    ]
    assert {(each["issuer"], each["document_on"], each["document_title"]) for each in lines} == {("示编", "2026-09-01", "改革")}
    assert {each["effective_on"] for each in lines} == {"2026-09-10"}
    for day, below in (("2026-09-09", []), ("2026-09-10", [str(into.unit_id)])):
        page = (await doors.http.get("/units", params={"parent": made, "as_of": day}, headers=doors.office)).json()
        assert [each["id"] for each in page["items"]] == below


async def test_the_steps_of_a_reform_are_shown_to_whom_every_unit_in_them_is(doors: Doors, roster_db: Database) -> None:
    school, court = await given.unit(roster_db), await given.unit(roster_db)
    await doors.http.patch(f"/units/{court}", json={"withheld": True} | SINCE | DOCUMENT | WHY, headers=doors.office)
    steps = [
        {"step": "change", "unit_id": str(school), "duties": "办学"},
        {"step": "change", "unit_id": str(court), "duties": "审判"},
        {"step": "establish", "unit_id": str(uuid4()), "name": "法庭", "code": "R-9", "category": "SY-1", "parent_id": str(court)},
        {"step": "close", "unit_id": str(await given.unit(roster_db)), "successors": [str(court)]},
    ]
    body = {"title": "改革", "document_on": "2026-09-01", "steps": steps} | SINCE | DOCUMENT
    reform_id = (await doors.http.post("/reforms", json=body, headers=doors.office)).json()["reform_id"]

    readers = [doors.office, doors.as_(Role.OBSERVER), doors.as_(Role.UNIT_HEAD, units=(school,))]
    answers = [await doors.http.get(f"/reforms/{reform_id}", headers=each) for each in readers]

    assert [[step["step"] for step in each.json()["steps"]] for each in answers] == [
        ["change", "change", "establish", "close"], ["change"], ["change"],
    ]  # fmt: skip
    assert [str(court) in each.text for each in answers] == [True, False, False]


async def test_a_refused_reform_names_its_step(doors: Doors, roster_db: Database) -> None:
    one, other = await given.row(roster_db, 1), await given.row(roster_db, 1)
    move = {
        "step": "move_posts",
        "unit_id": str(one.unit_id),
        "to_unit_id": str(other.unit_id),
        "kind": "SY",
        "funding": "full",
        "posts": 1,
    }
    body = {"title": "划转", "document_on": "2026-09-01", "steps": [move, move]} | SINCE | DOCUMENT

    refused = (await doors.http.post("/reforms", json=body, headers=doors.office)).json()

    assert (refused["code"], refused["facts"]["step"]) == ("no_posts_of_row", "2")
    assert refused["detail"].startswith("第 2 步：")


async def test_an_officer_of_part_of_the_county_reforms_only_what_he_sees(doors: Doors, roster_db: Database) -> None:
    mine, theirs = await given.unit(roster_db), await given.unit(roster_db)
    body = {"title": "合并", "document_on": "2026-09-01", "steps": [{"step": "merge", "unit_id": str(mine), "into_unit_id": str(theirs)}]}
    officer = doors.as_(Role.BUSINESS_OFFICER, units=(mine,))

    refused = await doors.http.post("/reforms", json=body | SINCE | DOCUMENT, headers=officer)

    assert (refused.status_code, refused.json()["code"]) == (404, "unit_unknown")


async def test_a_unit_is_closed_through_the_door(doors: Doors, roster_db: Database) -> None:
    gone, successor = await given.unit(roster_db), await given.unit(roster_db)

    closed = await doors.http.post(f"/units/{gone}/close", json={"successors": [str(successor)]} | SINCE | DOCUMENT, headers=doors.office)

    unit = (await doors.http.get(f"/units/{gone}", headers=doors.office)).json()
    assert (closed.status_code, unit["closed_on"], unit["successors"][0]["unit_id"]) == (204, "2026-09-10", str(successor))
