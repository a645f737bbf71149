"""Comparisons at the doors: who brings, sees, answers and takes out what."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from services.roster.commands.comparisons import accept_theirs, move_difference
from services.roster.models.comparisons import MoveDifference
from shared.crypto import masked_id_number
from shared.glossary import DifferenceState, Role
from tests.imports.rows import NUMBERS, USCC
from tests.roster import given
from tests.roster.comparing import THEIRS, Upper, by_name, only
from tests.roster.doors import Doors
from tests.roster.importing import book
from tests.roster.test_provincial import FULL

pytestmark = pytest.mark.asyncio


async def test_no_number_and_no_sensitive_value_stands_anywhere_in_plain(upper: Upper) -> None:
    by_name(upper, FULL["姓名"])["民族"] = "02"
    by_name(upper, "王示例")["公民身份号码"] = NUMBERS[3]
    by_name(upper, "王示例")["姓名"] = "赵示例"
    await upper.compare()

    tables = ("outbox", "event_log", "accepted_commands", "comparison_runs", "comparison_differences", "comparison_steps")
    kept = "".join([str(row) for table in tables for row in await upper.database.pool.fetch(f"SELECT {table}::text FROM {table}")])
    for planted in (*NUMBERS[:4], "蒙古族"):
        assert planted not in kept
        assert planted.encode().hex() not in kept


async def test_a_unit_sees_its_own_and_answers_only_that(doors: Doors, upper: Upper) -> None:
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    upper.sheets["机构信息"].append({"机构名称": "丙单位", "统一社会信用代码": USCC[2]})
    await upper.compare()
    first, second = [await upper.database.pool.fetchval("SELECT id FROM units WHERE name = $1", name) for name in ("甲单位", "乙单位")]
    mine, others = (doors.as_(Role.UNIT_CLERK, units=(each,)) for each in (first, second))

    def shown(answer: Any) -> list[str]:
        return [each["name"] for each in answer.json()["items"]]

    assert shown(await doors.http.get("/differences", headers=mine)) == ["李示例"]
    assert shown(await doors.http.get("/differences", headers=others)) == []
    assert sorted(shown(await doors.http.get("/differences", headers=doors.office))) == ["丙单位", "李示例"]
    found = (await only(upper, sheet="roster")).id
    body = {"reason": "毕业证书为准，附复印件", "document_no": "甲函〔2026〕3号"}
    assert (await doors.http.post(f"/differences/{found}/answer", json=body, headers=others)).status_code == 404
    answered = await doors.http.post(f"/differences/{found}/answer", json=body, headers=mine)
    assert (answered.status_code, answered.json()["state"]) == (200, "difference_answered")
    assert (answered.json()["steps"][-1]["reason"], answered.json()["steps"][-1]["document_no"]) == tuple(body.values())
    move = {"reason": "核对证书", "to": "difference_explained"}
    refused = await doors.http.post(f"/differences/{found}/move", json=move, headers=doors.as_(Role.UNIT_CLERK, units=(first,)))
    assert refused.status_code == 403
    assert (await doors.http.post(f"/differences/{found}/move", json=move, headers=doors.office)).json()["state"] == "difference_explained"
    assert shown(await doors.http.get("/differences?open_only=true", headers=doors.office)) == ["丙单位"]
    files = [(await upper.desk.take(unmasked=False, name="differences", **more)).records() for more in ({}, {"open_only": "false"})]
    assert [sorted(each["对象"] for each in file) for file in files] == [["丙单位"], ["丙单位", "李示例"]]


async def test_who_looks_is_told_what_he_may_do_now(doors: Doors, upper: Upper) -> None:
    by_name(upper, FULL["姓名"])["职务名称"] = "副主任"
    await upper.compare()
    found = await only(upper)
    assert found.unit_id is not None
    clerk = doors.as_(Role.UNIT_CLERK, units=(found.unit_id,))

    async def told(headers: Mapping[str, str]) -> tuple[list[str], bool, bool]:
        seen = (await doors.http.get(f"/differences/{found.id}", headers=headers)).json()
        return seen["moves"], seen["may_answer"], seen["may_accept"]

    asked, his = await told(doors.office), await told(clerk)
    review = MoveDifference(difference_id=found.id, to=DifferenceState.IN_REVIEW, side=THEIRS)
    await move_difference(upper.database, given.by_saying("以任免文件为准"), review)
    decided, his_then = await told(doors.office), await told(clerk)
    await accept_theirs(upper.database, given.CIPHER, given.by_saying("以任免文件为准"), found.id)
    taken = await told(doors.office)

    assert asked == (["difference_in_review", "difference_rectified", "difference_explained"], True, False)
    assert his == ([], True, False)
    assert decided == (["difference_to_verify", "difference_rectified", "difference_explained"], False, True)
    assert his_then == ([], False, False)
    assert taken == (decided[0], False, False)


async def test_the_list_has_filters_and_pages(doors: Doors, upper: Upper) -> None:
    for name in ("李示例", "王示例"):
        by_name(upper, name)["毕业院校"] = "另一大学"
    by_name(upper, "李示例")["民族"] = "02"
    view = await upper.compare()

    first = (await doors.http.get("/differences?limit=2", headers=doors.office)).json()
    rest = (await doors.http.get(f"/differences?limit=2&after={first['next']}", headers=doors.office)).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    for query, count in (
        ("leads=theirs", 1),
        ("leads=ours", 2),
        ("field=school", 2),
        (f"run={view.id}", 3),
        ("kind=missing_here", 0),
        ("state=difference_to_verify", 3),
    ):
        assert len((await doors.http.get(f"/differences?{query}", headers=doors.office)).json()["items"]) == count, query


async def test_a_file_comes_in_by_the_door_and_only_from_who_keeps_the_roster(doors: Doors, upper: Upper) -> None:
    content, unit_id = book(upper.sheets), await upper.database.pool.fetchval("SELECT id FROM units WHERE name = '甲单位'")
    files = {"file": ("上级.xlsx", content)}

    taken = await doors.http.post("/comparisons", files=files, headers=doors.office)
    assert taken.status_code == 202, taken.text
    view = (await doors.http.get(f"/comparisons/{taken.json()['run_id']}", headers=doors.office)).json()
    cases = await doors.http.get(f"/cases?of={taken.json()['run_id']}", headers=doors.as_(Role.SYSTEM_ADMIN))
    assert cases.json() == [f"comparison:{taken.json()['run_id']}"]
    assert (view["state"], view["file_name"], view["leads"]) == ("comparison_received", "上级.xlsx", "2026")
    assert not await upper.database.pool.fetchval("SELECT whole FROM comparison_runs")
    (started,) = await upper.database.pool.fetch("SELECT type, body FROM outbox ORDER BY id DESC LIMIT 1")
    assert (started["type"], json.loads(started["body"])) == ("start:ComparisonWorkflow", taken.json())
    for headers, status, code in (
        (doors.as_(Role.BUSINESS_OFFICER, units=(unit_id,)), 409, "comparison_not_whole"),
        (doors.as_(Role.UNIT_CLERK, units=(unit_id,)), 403, "forbidden"),
    ):
        answer = await doors.http.post("/comparisons", files=files, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    part = doors.as_(Role.BUSINESS_OFFICER, units=(unit_id,))
    assert (await doors.http.post("/comparisons", files=files, data={"unit": str(unit_id)}, headers=part)).status_code == 202
    assert (await doors.http.post("/comparisons", files=files, data={"whole": "true"}, headers=doors.office)).status_code == 202
    assert await upper.database.pool.fetchval("SELECT count(*) FROM comparison_runs WHERE whole") == 1
    hostile = await doors.http.post("/comparisons", files={"file": ("a.xlsx", b"MZ not a book")}, headers=doors.office)
    assert hostile.status_code == 409


async def test_values_in_full_are_on_record(doors: Doors, upper: Upper) -> None:
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    await upper.compare()
    found = await only(upper)

    seen = await doors.http.post(f"/differences/{found.id}/reveal", json={"reason": "与证书核对"}, headers=doors.office)

    assert seen.json() == {"id_number": None, "ours": found.ours, "theirs": "另一大学"}
    assert (await upper.steps(found.id))[-1].action == "reveal"
    reveals: list[UUID] = [row["person_id"] for row in await upper.database.pool.fetch("SELECT person_id FROM person_reveals")]
    assert reveals == [found.person_id]


async def test_values_in_full_are_on_record_each_time_also_under_the_same_key(doors: Doors, upper: Upper) -> None:
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    await upper.compare()
    found, once = await only(upper), doors.as_(Role.BUSINESS_OFFICER, key="asked-again")

    for _ in range(2):
        seen = await doors.http.post(f"/differences/{found.id}/reveal", json={"reason": "与证书核对"}, headers=once)
        assert seen.json()["theirs"] == "另一大学"

    assert [each.action for each in await upper.steps(found.id)][-2:] == ["reveal"] * 2
    assert await upper.database.pool.fetchval("SELECT count(*) FROM person_reveals") == 2


async def test_the_list_to_hand_up_can_be_taken_out_masked(upper: Upper) -> None:
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    by_name(upper, FULL["姓名"])["民族"] = "02"
    by_name(upper, "王示例").update({"姓名": "赵示例", "公民身份号码": NUMBERS[3]})
    await upper.compare()

    masked = {each["差异"] + each["项目"]: each for each in (await upper.desk.take(unmasked=False, name="differences")).records()}
    plain = {each["差异"] + each["项目"]: each for each in (await upper.desk.take(unmasked=True, name="differences")).records()}
    handed = (await upper.desk.take(unmasked=False, name="differences", leads="ours")).records()

    assert (masked["内容不一致民族"]["本系统"], masked["内容不一致民族"]["上级系统"]) == ("＊", "＊")
    assert (plain["内容不一致民族"]["本系统"], plain["内容不一致民族"]["上级系统"]) == ("汉族", "蒙古族")
    assert masked["本系统缺少"]["公民身份号码"] == masked_id_number(NUMBERS[3])
    assert (plain["本系统缺少"]["公民身份号码"], plain["上级系统缺少"]["公民身份号码"]) == (NUMBERS[3], NUMBERS[2])
    assert sorted((each["对象"], each["差异"], each["上级系统"], each["状态"]) for each in handed) == [
        ("李示例", "内容不一致", "另一大学", "差异待核实"),
        ("王示例", "上级系统缺少", "", "差异待核实"),
    ]


async def test_comparisons_are_taken_out_with_what_became_of_their_differences(upper: Upper) -> None:
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    first, again = await upper.compare(), await upper.compare()
    unit_id = await upper.database.pool.fetchval("SELECT id FROM units WHERE name = '乙单位'")
    await upper.bring(root_id=unit_id)

    part, second, once = (await upper.desk.take(unmasked=False, name="comparisons")).records()

    assert [(each["比对编号"], each["包含的单位"], each["状态"]) for each in (second, once)] == [
        (str(each.id), "全部单位", "已比对") for each in (again, first)
    ]
    assert (part["包含的单位"], part["状态"], part["新发现"]) == ("乙单位", "已接收", "")
    labels = ("行数", "新发现", "重新核实", "仍未一致", "已说明", "自动销号", "未比对")
    assert [[each[label] for label in labels] for each in (once, second)] == [
        [each.rows_read, *(each.outcome[name] for name in ("new", "again", "same", "silent", "closed")), each.unread]
        for each in (first, again)
    ]
    assert (once["新发现"], second["仍未一致"]) == (1, 1)
