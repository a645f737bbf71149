"""The HTTP door: permissions, row scope, masks, refusals, repeats."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.crypto import masked_id_number
from shared.db import Database
from shared.glossary import Role
from tests.roster import given
from tests.roster.doors import Doors

pytestmark = pytest.mark.asyncio
PERSON = {
    "name": "测试人员门",
    "id_number": given.id_number(31),
    "sex": "F",
    "birth_on": given.BORN.isoformat(),
    "identity": "professional",
    "post_category": "technical_post",
}


async def registered(doors: Doors, unit_id: UUID) -> str:
    answer = await doors.http.post(f"/units/{unit_id}/persons", json=PERSON, headers=doors.office)
    person_id: str = answer.json()["person_id"]
    return person_id


async def test_a_unit_is_registered_given_posts_and_read_with_all_its_quantities(doors: Doors) -> None:
    made = await doors.http.post(
        "/units",
        json={
            "name": "某校",
            "code": "S-1",
            "uscc": "12330481123456788F",
            "category": "SY-E",
            "valid_from": "2020-01-01",
            "document_no": "文1",
        },
        headers=doors.office,
    )
    unit_id = made.json()["unit_id"]
    quota = {"kind": "SY", "funding": "full", "posts": 4, "effective_on": "2020-01-01", "document_on": "2020-01-01", "document_no": "文2"}
    assert (await doors.http.post(f"/units/{unit_id}/quotas", json=quota, headers=doors.office)).status_code == 204
    more = quota | {"posts": 1, "effective_on": "2021-01-01"}
    assert (await doors.http.post(f"/units/{unit_id}/quotas/raise", json=more, headers=doors.office)).status_code == 204

    unit = (await doors.http.get(f"/units/{unit_id}", headers=doors.office)).json()
    past = (await doors.http.get(f"/units/{unit_id}", params={"as_of": "2020-06-01"}, headers=doors.office)).json()

    row = unit["establishments"][0]
    assert (row["quota"], row["headcount"], row["reserved"], row["frozen"], row["available"]) == (5, 0, 0, 0, 5)
    assert (row["saturation"], row["vacancy"], row["overstaffing"]) == (0.0, 5, 0)
    assert past["establishments"][0]["quota"] == 4
    assert (unit["seats"], unit["freezes"], unit["parent_id"]) == ([], [], None)


async def test_a_row_without_posts_has_no_saturation(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 0)
    await given.over_quota(roster_db, row)

    unit = (await doors.http.get(f"/units/{row.unit_id}", headers=doors.office)).json()

    assert (unit["establishments"][0]["saturation"], unit["establishments"][0]["overstaffing"]) == (None, 1)


async def test_before_a_rows_first_quota_nothing_is_said_about_what_is_over_it(doors: Doors, roster_db: Database) -> None:
    row = given.Row(await given.unit(roster_db))
    await given.quota(roster_db, row, 2, date(2025, 1, 1))
    await given.in_post(roster_db, row, date(2020, 3, 1))

    before = (await doors.http.get(f"/units/{row.unit_id}", params={"as_of": "2024-12-31"}, headers=doors.office)).json()
    after = (await doors.http.get(f"/units/{row.unit_id}", params={"as_of": "2025-01-01"}, headers=doors.office)).json()

    asked = ("headcount", "quota", "available", "saturation", "vacancy", "overstaffing")
    assert [before["establishments"][0][name] for name in asked] == [1, None, None, None, None, None]
    assert [after["establishments"][0][name] for name in asked] == [1, 2, 1, 0.5, 1, 0]


async def test_a_person_is_read_masked_and_revealed_with_a_reason_that_is_kept(doors: Doors, roster_db: Database) -> None:
    person_id = await registered(doors, await given.unit(roster_db))

    seen = (await doors.http.get(f"/persons/{person_id}", headers=doors.office)).json()
    mute = [
        await doors.http.post(f"/persons/{person_id}/reveal", json={"reason": none}, headers=doors.office)
        for none in ("    ", "1234", "。。。。", "2026-09-18", "核12")
    ]
    shown = await doors.http.post(f"/persons/{person_id}/reveal", json={"reason": "核对档案原件"}, headers=doors.office)

    number = PERSON["id_number"]
    assert seen["id_number"] == masked_id_number(number)
    assert given.guessed(seen["id_number"], date.fromisoformat(seen["birth_on"])) != number
    assert {each.status_code for each in mute} == {422}
    assert mute[1].json()["fields"] == [{"field": "reason", "reason": "须写明理由，不能只有数字或符号"}]
    assert shown.json()["id_number"] == number
    audit = await roster_db.pool.fetch("SELECT actor, reason FROM person_reveals")
    assert [tuple(each) for each in audit] == [("business_officer-user", "核对档案原件")]


async def test_each_time_a_number_is_shown_is_on_record_also_under_the_same_key(doors: Doors, roster_db: Database) -> None:
    person_id, once = await registered(doors, await given.unit(roster_db)), doors.as_(Role.BUSINESS_OFFICER, key="asked-again")

    shown = [await doors.http.post(f"/persons/{person_id}/reveal", json={"reason": "核对档案原件"}, headers=once) for _ in range(2)]

    assert [each.json()["id_number"] for each in shown] == [PERSON["id_number"]] * 2
    assert await roster_db.pool.fetchval("SELECT count(*) FROM person_reveals") == 2


async def test_a_malformed_number_is_not_repeated_in_the_answer(doors: Doors, roster_db: Database) -> None:
    wrong = PERSON | {"id_number": PERSON["id_number"] + "00000"}

    answer = await doors.http.post(f"/units/{await given.unit(roster_db)}/persons", json=wrong, headers=doors.office)

    assert answer.status_code == 422
    assert PERSON["id_number"] not in answer.text


@pytest.mark.parametrize(
    "path", ["/units/{unit}", "/units/{unit}/persons", "/units/{unit}/reservations", "/persons/{person}", "/persons/{person}/history"]
)
async def test_what_lies_outside_the_scope_is_as_if_it_were_not(doors: Doors, roster_db: Database, path: str) -> None:
    own, other = await given.unit(roster_db), await given.unit(roster_db)
    person_id = await registered(doors, other)
    clerk = doors.as_(Role.UNIT_CLERK, units=(own,))
    where = path.format(unit=other, person=person_id)

    hidden = await doors.http.get(where, headers=clerk)
    absent = await doors.http.get(path.format(unit=uuid4(), person=uuid4()), headers=clerk)
    visible = await doors.http.get(where, headers=doors.as_(Role.UNIT_CLERK, units=(other,)))

    assert (hidden.status_code, hidden.json()["type"]) == (absent.status_code, absent.json()["type"]) == (404, hidden.json()["type"])
    assert visible.status_code == 200


async def test_a_scope_reaches_the_whole_subtree_and_lists_nothing_else(doors: Doors, roster_db: Database) -> None:
    town = await given.unit(roster_db, category="ZJ-Z")
    school = await given.unit(roster_db, parent=town)
    await given.unit(roster_db)

    listed = (await doors.http.get("/units", headers=doors.as_(Role.PARENT_UNIT, units=(town,)))).json()

    assert {each["id"] for each in listed["items"]} == {str(town), str(school)}


async def test_a_clerk_registers_nobody_elsewhere(doors: Doors, roster_db: Database) -> None:
    own, other = await given.unit(roster_db), await given.unit(roster_db)

    answer = await doors.http.post(f"/units/{other}/persons", json=PERSON, headers=doors.as_(Role.UNIT_CLERK, units=(own,)))

    assert answer.status_code == 404


async def test_pages_follow_each_other_without_gap_or_double(doors: Doors, roster_db: Database) -> None:
    made = {str(await given.unit(roster_db)) for _ in range(5)}

    seen: list[str] = []
    after = ""
    while after is not None:
        page = (await doors.http.get("/units", params={"after": after, "limit": 2}, headers=doors.office)).json()
        seen += [each["id"] for each in page["items"]]
        after = page["next"]

    assert (len(seen), set(seen)) == (5, made)
    assert (await doors.http.get("/units", params={"limit": 201}, headers=doors.office)).status_code == 422


async def test_a_refusal_is_a_problem_document_with_code_sentence_and_facts(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 0)
    person_id = await given.person(roster_db, row.unit_id)

    answer = await doors.http.post(
        f"/units/{row.unit_id}/placements",
        json={
            "person_id": str(person_id),
            "kind": "SY",
            "funding": "full",
            "started_on": "2026-09-01",
            "entry_reason": "open_recruitment",
            "authorisation_no": "文9",
            "authorised_on": "2026-08-01",
        },
        headers=doors.office,
    )

    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (409, "urn:bianban:problem:quota_exhausted")
    assert (problem["facts"], "所选编制类型和经费形式核定 0 名" in problem["detail"]) == (
        {"quota": "0", "available": "0", "posts": "1"},
        True,
    )


async def test_nobody_is_placed_or_released_for_a_reason_that_another_matter_stands_for(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    person_id, placement_id = await given.in_post(roster_db, row, date(2026, 9, 2))
    other = await registered(doors, row.unit_id)
    placing = {"person_id": other, "kind": "SY", "funding": "full", "started_on": "2026-09-01", "authorisation_no": "文9"}
    placing |= {"authorised_on": "2026-08-01", "document_no": "文9"}

    answers = [
        *[
            await doors.http.post(
                f"/placements/{placement_id}/release",
                json={"ended_on": "2026-09-15", "exit_reason": reason, "document_no": "文10"},
                headers=doors.office,
            )
            for reason in ("transfer", "reallocation")
        ],
        *[
            await doors.http.post(f"/units/{row.unit_id}/placements", json=placing | {"entry_reason": reason}, headers=doors.office)
            for reason in ("first_load", "over_quota", "reallocation", "transfer")
        ],
    ]

    assert [answer.json().get("code") for answer in answers] == ["reason_of_another_matter"] * 5 + [None]
    assert "市内调动请办理人员调动" in answers[0].json()["detail"]
    assert await roster_db.pool.fetchval("SELECT count(*) FROM placements WHERE person_id = $1 AND NOT upper_inf(during)", person_id) == 0


async def test_the_whole_life_of_a_post_through_the_doors(doors: Doors, roster_db: Database) -> None:
    row, other = await given.row(roster_db, 1), await given.row(roster_db, 1)
    person_id = await registered(doors, row.unit_id)
    authorised = {"authorisation_no": "文9", "authorised_on": "2026-08-01", "document_no": "文9"}
    key = {"kind": "SY", "funding": "full"}

    await _made(
        doors,
        f"/units/{row.unit_id}/placements",
        key | authorised | {"person_id": person_id, "started_on": "2026-09-01", "entry_reason": "talent"},
    )
    moved = await _made(
        doors,
        "/transfers",
        key
        | authorised
        | {"person_id": person_id, "from_unit_id": str(row.unit_id), "to_unit_id": str(other.unit_id), "effective_on": "2026-09-10"},
    )
    corrected = await doors.http.post(
        f"/placements/{moved['placement_id']}/corrections",
        json={"started_on": "2026-09-11", "document_no": "更1", "reason": "登记笔误"},
        headers=doors.office,
    )
    left = await doors.http.post(
        f"/placements/{moved['placement_id']}/release",
        json={"ended_on": "2026-09-15", "exit_reason": "resignation", "document_no": "文10"},
        headers=doors.office,
    )

    history = (await doors.http.get(f"/persons/{person_id}/history", headers=doors.office)).json()["items"]
    backwards = await _walked(doors, f"/persons/{person_id}/history", sort="-recorded_from")
    assert len(history) > 3
    assert (await _walked(doors, f"/persons/{person_id}/history"), backwards) == (history, history[::-1])
    assert (corrected.status_code, left.status_code) == (204, 204)
    assert [(each["started_on"], each["ended_on"]) for each in history if each["recorded_until"] is None] == [
        ("2026-09-01", "2026-09-10"),
        ("2026-09-11", "2026-09-15"),
    ]


async def test_a_units_history_is_read_page_by_page_and_its_cursor_is_of_no_use_for_another_unit(doors: Doors, roster_db: Database) -> None:
    unit_id, other = await given.unit(roster_db), await given.unit(roster_db)
    for day, name in enumerate(("测试甲", "测试乙", "测试丙"), 10):
        body = {"name": name, "effective_on": f"2026-09-{day}", "document_no": "文1", "reason": "更名"}
        assert (await doors.http.patch(f"/units/{unit_id}", json=body, headers=doors.office)).status_code == 200

    whole = (await doors.http.get(f"/units/{unit_id}/history", headers=doors.office)).json()
    first = (await doors.http.get(f"/units/{unit_id}/history", params={"limit": 1}, headers=doors.office)).json()
    strange = await doors.http.get(f"/units/{other}/history", params={"after": first["next"]}, headers=doors.office)

    assert (len(whole["items"]), whole["next"], first["items"]) == (4, None, whole["items"][:1])
    assert await _walked(doors, f"/units/{unit_id}/history") == whole["items"]
    assert (strange.status_code, strange.json()["code"]) == (409, "cursor_unknown")


async def test_a_persons_changes_are_read_page_by_page_from_either_end(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    (person_id, _), (other, _) = await given.in_post(roster_db, row), await given.in_post(roster_db, row)
    for day, major in enumerate(("会计", "法学", "历史"), 3):
        body = {"since": f"2026-09-0{day}", "major": major, "school": f"{major}学院", "reason": "按档案补录"}
        assert (await doors.http.post(f"/persons/{person_id}/updates", json=body, headers=doors.office)).status_code == 204
    path = f"/persons/{person_id}/changes"

    whole = (await doors.http.get(path, headers=doors.office)).json()
    last = (await doors.http.get(path, params={"sort": "-at", "limit": 1, "fields": "after"}, headers=doors.office)).json()
    refused = [
        (await doors.http.get(where, params=asked, headers=doors.office)).json()["code"]
        for where, asked in (
            (path, {"sort": "at", "after": last["next"]}),
            (f"/persons/{other}/changes", {"sort": "-at", "after": last["next"]}),
            (path, {"sort": "actor"}),
        )
    ]

    assert [each["since"][-1] for each in whole["items"]] == list("334455")
    assert (whole["next"], last["items"]) == (None, [{"after": whole["items"][-1]["after"]}])
    assert (await _walked(doors, path), await _walked(doors, path, sort="-at")) == (whole["items"], whole["items"][::-1])
    assert refused == ["cursor_unknown", "cursor_unknown", "sort_unknown"]


async def _walked(doors: Doors, path: str, **asked: str) -> list[dict[str, Any]]:
    """All pages of two, one behind the other."""
    items: list[dict[str, Any]] = []
    after = ""
    while after is not None:
        page = (await doors.http.get(path, params={"limit": "2", "after": after} | asked, headers=doors.office)).json()
        items, after = items + page["items"], page["next"]
    return items


async def _made(doors: Doors, path: str, body: Mapping[str, object]) -> dict[str, Any]:
    answer = await doors.http.post(path, json=body, headers=doors.office)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_only_the_supervision_section_records_an_over_quota_fact(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 0)
    person_id = await given.person(roster_db, row.unit_id)
    fact = {
        "person_id": str(person_id),
        "kind": "SY",
        "funding": "full",
        "started_on": "2026-09-01",
        "cause": "violation",
        "reason": "现场检查",
        "document_no": "查1",
    }
    path = f"/units/{row.unit_id}/over-quota"

    refused = await doors.http.post(path, json=fact, headers=doors.office)
    accepted = await doors.http.post(path, json=fact, headers=doors.as_(Role.SUPERVISION_OFFICER))

    assert (refused.status_code, accepted.status_code) == (403, 201)
    assert "有此权限的是：编办监督检查科。请交由其办理" in refused.json()["detail"]


async def test_a_repeat_is_answered_alike_and_another_body_under_its_key_is_refused(doors: Doors) -> None:
    body = {"name": "某校", "code": "S-9", "category": "SY-E", "valid_from": "2020-01-01", "document_no": "文1"}
    headers = doors.as_(Role.BUSINESS_OFFICER, key="one-and-the-same")

    first, second = [await doors.http.post("/units", json=body, headers=headers) for _ in range(2)]
    other = await doors.http.post("/units", json=body | {"code": "S-10"}, headers=headers)

    assert first.json() == second.json()
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")


@pytest.mark.parametrize(
    ("name", "said"),
    [("=cmd|'/c calc'!A0", "公式"), ("某\ufffd校", "乱码"), ("某\u0007校", "控制字符"), (" ", "必填")],
    ids=["formula", "lost", "control", "nothing"],
)
async def test_a_name_that_no_file_may_bring_comes_in_by_no_other_door(doors: Doors, roster_db: Database, name: str, said: str) -> None:
    unit_id = (await given.row(roster_db, posts=1)).unit_id
    unit = {"code": "S-1", "category": "SY-E", "valid_from": "2020-01-01", "document_no": "文1"}
    renamed = {"effective_on": "2026-09-01", "document_no": "文2", "reason": "更名"}

    answers = [
        await doors.http.post("/units", json=unit | {"name": name}, headers=doors.office),
        await doors.http.patch(f"/units/{unit_id}", json=renamed | {"name": name}, headers=doors.office),
        await doors.http.post(f"/units/{unit_id}/persons", json=PERSON | {"name": name}, headers=doors.office),
    ]

    for answer in answers:
        assert answer.status_code == 422
        assert [(each["field"], said in each["reason"]) for each in answer.json()["fields"]] == [("name", True)]


@pytest.mark.parametrize(
    ("name", "said"),
    [("张三、李四", "几个人"), ("张三②", "数字"), ("张三（借调）", "括号"), ("··", "未填写")],
    ids=["two", "digit", "remark", "dots"],
)
async def test_a_name_that_no_file_may_bring_of_a_person_comes_in_by_no_other_door(
    doors: Doors, roster_db: Database, name: str, said: str
) -> None:
    unit_id = (await given.row(roster_db, posts=1)).unit_id

    answer = await doors.http.post(f"/units/{unit_id}/persons", json=PERSON | {"name": name}, headers=doors.office)

    assert answer.status_code == 422
    assert [(each["field"], said in each["reason"]) for each in answer.json()["fields"]] == [("name", True)]


async def test_the_codes_are_data(doors: Doors) -> None:
    codes = (await doors.http.get("/codes", headers=doors.office)).json()

    assert {kind["code"] for kind in codes["kinds"] if not kind["counted"]} == {"BB", "BW", "GQE"}
    assert {"retirement", "death", "transfer"} <= {reason["code"] for reason in codes["exit_reasons"]}
    assert codes["allowed_kinds"]["SY-C"] == ["BW", "DL", "GQ", "SYC", "ZZ"]


async def test_every_route_refuses_a_caller_without_a_token_and_one_without_the_right(doors: Doors) -> None:
    described = (await doors.http.get("/openapi.json")).json()["paths"]
    routes = [(path, method) for path, methods in described.items() for method in methods if path not in {"/live", "/ready"}]
    assert len(routes) >= 20

    for path, method in routes:
        where = path.format_map(defaultdict(uuid4))
        anonymous = await doors.http.request(method, where, headers={"idempotency-key": "12345678"})
        powerless = await doors.http.request(method, where, headers=doors.as_(name="nobody"))
        assert (path, anonymous.status_code, powerless.status_code) == (path, 401, 403)
