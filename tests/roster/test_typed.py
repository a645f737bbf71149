"""What the office does at the command line: corrections, reforms, its own codes. Refusals are told in words, all at once."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import Result

from deploy import codes, person, reform
from deploy.local.place import PROJECT, Place
from services.roster.commands.placements import place_person
from services.roster.commands.units import set_seats
from services.roster.models.codes import CLOSED, CodeNotOwn, NoSuchCode
from services.roster.models.refusals import CodeUnknown, DocumentMissing
from services.roster.models.requests import SetSeats
from services.roster.rules.imports.cells import Choices
from services.roster.rules.reform_files import Names, body_of, note_new, read_plan
from shared.db import Database
from shared.glossary import Role
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.test_api import PERSON, registered
from tests.roster.test_codes import ENUMS
from tests.roster.typing import at, typed

pytestmark = pytest.mark.asyncio
WHY = ("--user", "officer", "--document", "户证〔2026〕1号", "--reason", "户口簿所载")
AREAS = (codes, person, reform)


@pytest_asyncio.fixture(autouse=True)
async def typing(doors: Doors, stack: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    work_at: Callable[..., object] = at(doors, stack, asyncio.get_running_loop())
    for area in AREAS:
        monkeypatch.setattr(area, "at_doors", work_at)


async def known(doors: Doors, person_id: str) -> dict[str, object]:
    answer: dict[str, object] = (await doors.http.get(f"/persons/{person_id}", headers=doors.office)).json()
    return answer


async def test_who_asked_for_a_correction_is_corrected_and_answered_from_the_command_line(doors: Doors, roster_db: Database) -> None:
    person_id = await registered(doors, await given.unit(roster_db))
    asked = await typed(
        *("person", "request", person_id, "--user", "officer", "--kind", "correction", "--field", "学历"),
        *("--asked", "我的学历写错了", "--proof", "持身份证到窗口"),
    )
    early = await typed("person", "decide", asked.output.strip(), "--user", "director", "--grant", "--answer", "已按要求更正")

    done = await typed("person", "correct", person_id, "学历=大学本科", "全日制学历=", "参加工作时间=2009年8月", *WHY)
    answered = await typed("person", "decide", asked.output.strip(), "--user", "director", "--grant", "--answer", "已按要求更正")

    assert "还没有更正" in str(early.exception)
    assert (done.exit_code, done.output.startswith("已更正：学历、全日制学历、参加工作时间。")) == (0, True)
    assert answered.exit_code == 0
    now = await known(doors, person_id)
    assert (now["education"], now["full_time_education"], now["work_began_on"]) == ("20", None, "2009-08-01")
    (line,) = [
        each
        for each in (await doors.http.get(f"/persons/{person_id}/changes", headers=doors.office)).json()["items"]
        if each["field"] == "education"
    ]
    assert (line["matter"], line["actor"], line["document_no"], line["reason"]) == ("更正", "officer-typed", WHY[3], WHY[5])


async def test_a_new_number_is_asked_for_and_stands_in_no_history(doors: Doors, roster_db: Database) -> None:
    person_id = await registered(doors, await given.unit(roster_db))
    number = given.id_number(47)

    written = await typed("person", "correct", person_id, f"公民身份号码={number}", *WHY)
    done = await typed("person", "correct", person_id, "id_number=?", *WHY, told=f"{number}\n")

    assert "公民身份号码=?" in str(written.exception)
    assert done.exit_code == 0
    assert number not in done.output
    seen = await doors.http.post(f"/persons/{person_id}/reveal", json={"reason": "核对档案原件"}, headers=doors.office)
    assert seen.json()["id_number"] == number


async def test_all_that_is_typed_wrong_is_told_at_once_and_nothing_is_corrected(doors: Doors, roster_db: Database) -> None:
    person_id = await registered(doors, await given.unit(roster_db))

    names = await typed("person", "correct", person_id, "生辰=1", "姓名", *WHY)
    twice = await typed("person", "correct", person_id, "学历=本科", "最高学历=大专", *WHY)
    both = await typed("person", "correct", person_id, "姓名=某某", "入编时间=2020-05-01", *WHY)
    short = await typed("person", "correct", person_id, "姓名=某某", *WHY[:5], "错")
    mute = await typed("person", "correct", person_id, "姓名=某某", *WHY[:3], " ", *WHY[4:])

    assert "没有可更正的项目“生辰”" in str(names.exception)
    assert "“姓名”后面没有等号" in str(names.exception)
    assert "“学历”写了不止一次" in str(twice.exception)
    assert "分两次" in str(both.exception)
    assert "事由（--reason）" in str(short.exception)
    assert str(mute.exception) == DocumentMissing.sentence
    assert (await doors.http.get(f"/persons/{person_id}/changes", headers=doors.office)).json()["items"] == []


async def test_each_value_that_cannot_be_read_is_told(doors: Doors, roster_db: Database) -> None:
    person_id = await registered(doors, await given.unit(roster_db))

    refused = str((await typed("person", "correct", person_id, "出生日期=1986-13-05", "民族=火星族", "姓名=", *WHY)).exception)

    assert all(each in refused for each in ("出生日期：日期不存在", "民族：不在代码表中", "姓名：不能改为空"))


async def test_a_key_item_that_changed_later_is_no_correction(doors: Doors, roster_db: Database) -> None:
    person_id = await registered(doors, await given.unit(roster_db))

    refused = await typed("person", "correct", person_id, "职务=科长", "--since", "2026-09-10", *WHY)

    assert "信息变更" in str(refused.exception)


async def test_the_day_of_entry_is_corrected_on_the_post_held_now(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id = await registered(doors, row.unit_id)
    without = await typed("person", "correct", person_id, "入编时间=2026-09-03", *WHY)
    await place_person(roster_db, given.by(), given.placement(row, UUID(person_id), date(2026, 9, 2)))

    done = await typed("person", "correct", person_id, "入编时间=2026-09-03", "进入形式=人才引进", *WHY)

    assert "没有在编记录" in str(without.exception)
    assert done.exit_code == 0
    post = (await doors.http.get(f"/persons/{person_id}", headers=doors.as_(Role.BUSINESS_OFFICER))).json()["placement"]
    assert (post["started_on"], post["entry_reason"]) == ("2026-09-03", "talent")


async def test_the_row_and_the_seat_of_a_post_are_corrected_or_emptied(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    await given.quota(roster_db, replace(row, funding="partial"), 1)
    person_id = await registered(doors, row.unit_id)
    await place_person(roster_db, given.by(), given.placement(row, UUID(person_id), date(2026, 9, 2)))
    seats = SetSeats(unit_id=row.unit_id, level="unit_deputy", approved=1, effective_on=given.TODAY)
    await set_seats(roster_db, given.by(), seats)

    for pairs in (["经费形式=差额补贴", "占用职数=单位副职"], ["占用职数="]):
        assert (await typed("person", "correct", person_id, *pairs, *WHY)).exit_code == 0
    empty = await typed("person", "correct", person_id, "编制类型=", "出编原因=", *WHY)
    still = await typed("person", "correct", person_id, "出编原因=退休", *WHY)

    post = (await doors.http.get(f"/persons/{person_id}", headers=doors.office)).json()["placement"]
    assert (post["funding"], post["seat_level"], post["kind"]) == ("partial", None, "SY")
    assert all(f"{label}：不能改为空" in str(empty.exception) for label in ("编制类型", "出编原因"))
    assert "办理出编" in str(still.exception)
    changes = (await doors.http.get(f"/persons/{person_id}/changes", headers=doors.office)).json()["items"]
    assert [(each["label"], each["before_label"], each["after_label"]) for each in changes] == [
        ("经费形式", "全额拨款", "差额补贴"),
        ("占用职数", None, "单位副职"),
        ("占用职数", "单位副职", None),
    ]


HEAD = 'title = "改革方案"\ndocument_no = "示编〔2026〕8号"\ndocument_on = 2026-09-01\neffective_on = 2026-09-10\n'


async def named(database: Database, unit_id: UUID) -> str:
    name: str = await database.pool.fetchval("SELECT name FROM unit_records WHERE unit_id = $1 AND upper_inf(recorded)", unit_id)
    return name


def step(**what: object) -> str:
    return "\n[[steps]]\n" + "\n".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in what.items()) + "\n"


def plan(folder: Path, *steps: str, head: str = HEAD) -> str:
    file = folder / "reform.toml"
    file.write_text(head + "".join(steps), encoding="utf-8")
    return str(file)


async def test_a_reform_is_tried_carried_out_and_not_repeated_from_a_file_of_names(
    doors: Doors, roster_db: Database, tmp_path: Path
) -> None:
    gone, giver = await given.row(roster_db, 2), await given.row(roster_db, 2)
    await given.in_post(roster_db, gone, date(2026, 9, 2))
    for number, name in enumerate(("张示例", "李示例")):
        what = PERSON | {"name": name, "id_number": given.id_number(60 + number)}
        made = (await doors.http.post(f"/units/{giver.unit_id}/persons", json=what, headers=doors.office)).json()["person_id"]
        await place_person(roster_db, given.by(), given.placement(giver, UUID(made), date(2026, 9, 2)))
    from_name = await named(roster_db, giver.unit_id)
    file = plan(
        tmp_path,
        step(step="新设", name="示例综合中心", code="R-77", category="公益一类事业单位"),
        step(step="撤并", unit=await named(roster_db, gone.unit_id), into="示例综合中心"),
        step(step="划转编制", unit=from_name, to="R-77", kind="事业编制", funding="全额拨款", posts=1),
        step(step="划转人员", unit=from_name, to="示例综合中心", people=["张示例"]),
        step(step="更名", unit=from_name, name="示例便民站"),
        step(step="核定职数", unit="示例便民站", level="单位正职", approved=1),
    )

    tried = await typed("reform", file, "--dry-run", "--user", "officer")
    after_trial = [await roster_db.pool.fetchval(f"SELECT count(*) FROM {table}") for table in ("reforms", "units")]
    done = [await typed("reform", file, "--user", "officer") for _ in range(2)]

    assert (tried.exit_code, after_trial) == (0, [0, 2]), tried.exception
    assert "第 2 步  撤并 " in tried.output
    assert "编制 2 名，人员 1 名，单位撤销" in tried.output
    assert f"第 5 步  更名 {from_name}：单位名称 {from_name} → 示例便民站" in tried.output
    assert "没有写入任何数据" in tried.output
    assert [each.exit_code for each in done] == [0, 0], done[1].exception
    assert done[0].output == done[1].output
    assert "撤销单位 1 个，划转人员 2 名" in done[0].output
    assert await roster_db.pool.fetchval("SELECT count(*) FROM reforms") == 1
    unit_id = await roster_db.pool.fetchval("SELECT id FROM units WHERE code = 'R-77'")
    row = (await doors.http.get(f"/units/{unit_id}", headers=doors.office)).json()["establishments"][0]
    assert (row["quota"], row["headcount"]) == (3, 2)
    assert await named_now(roster_db, giver.unit_id) == "示例便民站"


async def named_now(database: Database, unit_id: UUID) -> str:
    return str(
        await database.pool.fetchval(
            "SELECT name FROM unit_records WHERE unit_id = $1 AND upper_inf(recorded) AND upper_inf(during)", unit_id
        )
    )


async def test_all_that_speaks_against_a_reform_is_told_at_once(roster_db: Database, tmp_path: Path) -> None:
    one, other = await given.row(roster_db, 1), await given.row(roster_db, 1)
    await given.in_post(roster_db, one, date(2026, 9, 2))
    names = [await named(roster_db, each.unit_id) for each in (one, other)]
    posts = {"step": "划转编制", "unit": names[0], "to": names[1], "kind": "SY", "funding": "full"}
    file = plan(
        tmp_path,
        step(**posts, posts=5),
        step(step="撤销", unit=names[0]),
        step(**posts, posts=1),
        head=HEAD.replace("2026-09-01", "2026-09-11"),
    )

    refused = [await typed("reform", file, *more, "--user", "officer") for more in (["--dry-run"], [])]
    overfull = await typed("reform", plan(tmp_path, step(**posts, posts=1)), "--dry-run", "--user", "officer")

    assert "第 1 步  划转编制 " in refused[0].output
    assert "改革生效日期早于文件日期" in refused[0].output
    assert refused[0].output.count("错误  ") == 3
    assert "3 处错误" in str(refused[0].exception)
    assert str(refused[1].exception) == str(refused[0].exception)
    assert refused[1].output == refused[0].output
    assert "将超出编制 1 名" in overfull.output
    assert await roster_db.pool.fetchval("SELECT count(*) FROM reforms") == 0


async def test_a_plan_that_cannot_be_read_tells_every_place(roster_db: Database, tmp_path: Path) -> None:
    unit_id = await given.unit(roster_db)
    name = await named(roster_db, unit_id)
    file = plan(
        tmp_path,
        step(step="撤并", unit="没有的单位", into=name),
        step(step="新设", name="某中心", code="R-1", category="不知道"),
        step(step="划转人员", unit=name, to=name, people=["无此人"]),
        step(step="核定职数", unit=name, level="单位正职", approved="许多"),
        step(step="飞升", unit=name),
        head='title = "改革方案"\ndocument_on = 2026-09-01\n',
    )
    broken = tmp_path / "broken.toml"
    broken.write_text('title = "x"\nsteps = [\n"')

    said = str((await typed("reform", file, "--dry-run", "--user", "officer")).exception)
    unreadable = str((await typed("reform", str(broken), "--user", "officer")).exception)

    for each in (
        "effective_on：必填",
        "第 1 步 unit：没有找到单位“没有的单位”",
        "第 2 步 category：不在代码表中",
        "第 3 步 people：该单位没有名为无此人的人员",
        "第 4 步 approved：应为整数",
        "第 5 步 step：只能是",
    ):
        assert each in said, each
    assert said.count("第 3 步 ") == 1, said
    assert "uuid" not in said
    assert "不是有效的 TOML 或 JSON" in unreadable


async def test_the_example_of_a_plan_has_the_form_it_describes() -> None:
    example = read_plan((PROJECT / "docs" / "reform.example.toml").read_text(encoding="utf-8"))
    names = Names()
    for number, name in enumerate(("示例市甲服务站", "示例市乙服务站")):
        names.add(str(UUID(int=number + 1)), name)
    note_new(example, names, "example")
    words: dict[str, list[tuple[str, str, list[str]]]] = {
        "categories": [("SY-1", "公益一类事业单位", [])],
        "kinds": [("SY", "事业编制", [])],
        "fundings": [("full", "全额拨款", [])],
        "leadership_levels": [("unit_head", "单位正职", [])],
    }

    choices = {name: Choices.of(rows) for name, rows in words.items()}

    body, wrong = body_of(example, names, choices, lambda _: {"张示例": [str(UUID(int=9))]})

    assert wrong == []
    assert [each["step"] for each in body["steps"]] == ["establish", "merge", "move_posts", "move_people", "change", "set_seats"]


CODES = "代码集,代码,名称,别名,启用日期\n"
NO = ("--user", "officer", "--document", "示编〔2026〕9号")


def codes_file(folder: Path, *lines: str) -> str:
    file = folder / "codes.csv"
    file.write_text(CODES + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(file)


async def codes_on(doors: Doors, day: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await doors.http.get("/codes", params={"on": day}, headers=doors.office)).json()
    return answer


async def test_an_office_adds_its_own_codes_from_a_day_on_once_and_on_record(doors: Doors, roster_db: Database, tmp_path: Path) -> None:
    file = codes_file(tmp_path, "岗位等级,HN-1,特设岗位,特岗、特设,2026-09-10", "行业,port,港航,,2026-10-01")
    before = (await codes_on(doors, "2026-10-01"))["sets"]

    done = [await typed("codes", "load", file, *NO) for _ in range(2)]
    listed = await typed("codes", "list", "岗位等级", "--on", "2026-10-01", "--user", "officer")
    overview = await typed("codes", "list", "--on", "2026-10-01", "--user", "officer")

    assert [each.output for each in done] == ["已增加代码 2 个。\n", "已增加代码 0 个，原已增加、未改动的 2 个。\n"], done[0].exception
    then = {name: {each["code"] for each in (await codes_on(doors, day))["sets"][name]} for name, day in (("post_grades", "2026-09-09"),)}
    assert "HN-1" not in then["post_grades"]
    now = await codes_on(doors, "2026-10-01")
    assert {name: rows[: len(before[name])] for name, rows in now["sets"].items()} == before
    assert [(each["code"], each["label"], each["aliases"]) for each in now["sets"]["post_grades"][-1:]] == [
        ("HN-1", "特设岗位", ["特岗", "特设"])
    ]
    assert [(each["code"], each["added_by"], each["document_no"]) for each in now["own"]] == [
        ("HN-1", "officer-typed", NO[3]),
        ("port", "officer-typed", NO[3]),
    ]
    assert "officer-typed" in listed.output
    assert "管理一级" in listed.output
    assert "可否增加" in overview.output
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await roster_db.pool.execute("UPDATE codes SET label = 'x'")
    person_id = await registered(doors, await given.unit(roster_db))
    assert (await typed("person", "correct", person_id, "岗位等级=特岗", *WHY)).exit_code == 0
    assert (await known(doors, person_id))["post_grade"] == "HN-1"


async def test_what_is_wrong_in_a_file_of_codes_is_told_row_by_row_and_nothing_is_added(
    doors: Doors, roster_db: Database, tmp_path: Path
) -> None:
    file = codes_file(
        tmp_path,
        "人员身份,own,志愿者,,2026-09-10",
        "编制类型,XX,特别编制,,2026-09-10",
        "没有的集,A,甲,,2026-09-10",
        "岗位等级,M01,又一级,,2026-09-10",
        "学历,X1,本科,,2026-09-10",
        "行业,?,,,2026-13-01",
        "行业,port,港航,,2026-09-10",
        "行业,port2,港务,港航,2026-09-10",
    )

    refused = str((await typed("codes", "load", file, *NO)).exception)
    mute = str((await typed("codes", "load", file, *NO[:3], " ")).exception)
    headless = tmp_path / "headless.csv"
    headless.write_text("代码,名称\nA,甲\n", encoding="gb18030")

    for each in (
        "第 2 行：代码集“人员身份”办理规则按名称使用",
        "第 3 行：代码集“编制类型”与编制核定和进出编规则相连",
        "第 4 行：没有名为“没有的集”的代码集",
        "第 5 行：“M01”已是“管理一级”",
        "第 6 行：“本科”已是“",
        "第 7 行：代码应为",
        "第 7 行：名称未填写",
        "第 7 行：启用日期：日期不存在，请核对。",
        "第 9 行：“港航”已是“港航”",
    ):
        assert each in refused, (each, refused)
    assert "第 8 行" not in refused
    assert mute == DocumentMissing.sentence
    assert "缺少列：代码集、启用日期" in str((await typed("codes", "load", str(headless), *NO)).exception)
    assert (await codes_on(doors, "2026-10-01"))["own"] == []
    assert await roster_db.pool.fetchval("SELECT count(*) FROM code_additions") == 0


async def test_who_keeps_part_of_the_county_adds_no_codes_for_all(doors: Doors, roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    row = {"set": "行业", "code": "port", "label": "港航", "since": "2026-09-10"}

    refused = await doors.http.post(
        "/codes", json={"codes": [row], "document_no": "文1"}, headers=doors.as_(Role.BUSINESS_OFFICER, units=(unit_id,))
    )

    assert refused.status_code == 403


END = ("--document", "示编〔2026〕12号", "--reason", "岗位撤销", "--user", "officer")


async def ended(set_: str, code: str, on: str, *more: str) -> Result:
    return await typed("codes", "end", set_, code, "--on", on, *(more or END))


async def test_an_own_code_ends_on_a_day_and_stays_readable(doors: Doors, roster_db: Database, tmp_path: Path) -> None:
    await typed("codes", "load", codes_file(tmp_path, "岗位等级,HN-1,特设岗位,特岗,2026-09-01"), *NO)
    unit_id = await given.unit(roster_db)
    holder = await registered(doors, unit_id)
    body = PERSON | {"name": "另一人", "id_number": given.id_number(82)}
    other = (await doors.http.post(f"/units/{unit_id}/persons", json=body, headers=doors.office)).json()["person_id"]
    await typed("person", "correct", holder, "岗位等级=特岗", *WHY)

    done = await ended("岗位等级", "HN-1", f"{given.TODAY}")

    assert done.output == f"代码“HN-1”自 {given.TODAY} 起停用。\n", done.exception
    before, now = [await codes_on(doors, day) for day in ("2026-09-17", f"{given.TODAY}")]
    assert ["HN-1" in {each["code"] for each in tables["sets"]["post_grades"]} for tables in (before, now)] == [True, False]
    assert [{name: each[name] for name in each if name.startswith("ended")} for each in now["own"]] == [
        {
            "ended_on": f"{given.TODAY}",
            "ended_document_no": END[1],
            "ended_reason": END[3],
            "ended_by": "officer-typed",
            "ended_at": now["own"][0]["ended_at"],
        }
    ]
    listed = await typed("codes", "list", "岗位等级", "--on", "2026-09-17", "--user", "officer")
    assert f"{given.TODAY} 起停用；officer-typed" in listed.output
    overview = await typed("codes", "list", "--user", "officer")
    assert next(line for line in overview.output.splitlines() if "岗位等级" in line).split("│")[3].strip() == ""
    refused = await doors.http.post(
        f"/persons/{other}/updates", json={"since": f"{given.TODAY}", "reason": "岗位聘用", "post_grade": "HN-1"}, headers=doors.office
    )
    assert (refused.status_code, refused.json()["code"], refused.json()["detail"]) == (
        409,
        "code_unknown",
        CodeUnknown(field="岗位等级").sentence.format(field="岗位等级"),
    )
    assert (await known(doors, holder))["post_grade"] == "HN-1"
    changes = (await doors.http.get(f"/persons/{holder}/changes", headers=doors.office)).json()["items"]
    assert "特设岗位" in {each["after_label"] for each in changes}


async def test_a_code_that_ends_later_is_taken_until_then(doors: Doors, roster_db: Database, tmp_path: Path) -> None:
    await typed("codes", "load", codes_file(tmp_path, "行业,port,港航,,2026-09-10"), *NO)

    done = await ended("sectors", "port", "2090-10-01")
    unit_id = await given.unit(roster_db)
    taken = await doors.http.patch(
        f"/units/{unit_id}", json={"sector": "port", "effective_on": "2026-09-18", "reason": "行业调整"}, headers=doors.office
    )

    assert (done.exit_code, taken.status_code) == (0, 200), (done.exception, taken.text)
    assert [len((await codes_on(doors, day))["own"]) for day in ("2090-09-30", "2090-10-01")] == [1, 1]
    there = ["port" in {each["code"] for each in (await codes_on(doors, day))["sets"]["sectors"]} for day in ("2090-09-30", "2090-10-01")]
    assert there == [True, False]


async def test_what_cannot_be_ended_is_told_in_words_and_stays(doors: Doors, roster_db: Database, tmp_path: Path) -> None:
    await typed("codes", "load", codes_file(tmp_path, "行业,port,港航,,2026-09-10", "行业,air,空港,,2026-09-10"), *NO)
    before = await codes_on(doors, "2026-12-01")

    said = {
        "standard": await ended("学历", "21", "2026-10-01"),
        "program": await ended("编制类型", "SY", "2026-10-01"),
        "absent": await ended("行业", "sea", "2026-10-01"),
        "crooked": await ended("行业", "港/航", "2026-10-01"),
        "set": await ended("行当", "port", "2026-10-01"),
        "early": await ended("行业", "port", "2026-09-10"),
        "mute": await ended("行业", "port", "2026-10-01", "--document", " ", *END[4:]),
    }
    after = await codes_on(doors, "2026-12-01")
    once = await ended("行业", "air", "2026-10-01")
    twice = await ended("行业", "air", "2026-11-01")
    again = await typed("codes", "load", codes_file(tmp_path, "行业,wing,空港,,2026-12-01"), *NO)

    words = {name: str(each.exception) for name, each in said.items()}
    assert words["standard"] == words["program"] == CodeNotOwn.sentence
    assert words["absent"] == NoSuchCode.sentence
    assert "没有名为“行当”的代码集" in words["set"]
    assert words["early"] == "代码“港航”自 2026-09-10 起启用，停用日期须晚于这一天。请核对日期。"
    assert words["mute"] == DocumentMissing.sentence
    assert said["crooked"].exit_code != 0
    assert before == after
    assert once.exit_code == 0
    assert str(twice.exception) == "代码“空港”已定自 2026-10-01 起停用，不能再次停用。请核对代码。"
    assert "“空港”已是“空港”" in str(again.exception)
    assert await roster_db.pool.fetchval("SELECT count(*) FROM code_endings") == 1


async def test_the_service_itself_ends_no_code_but_what_is_on_record(roster_db: Database, tmp_path: Path) -> None:
    await typed("codes", "load", codes_file(tmp_path, "行业,port,港航,,2026-09-10"), *NO)
    for statement in (
        "UPDATE codes SET valid = daterange(lower(valid), '2027-01-01') WHERE code = 'port'",
        "UPDATE codes SET valid = daterange(NULL, '2027-01-01') WHERE set = 'educations' AND code = '21'",
    ):
        with pytest.raises(asyncpg.RaiseError):
            await roster_db.pool.execute(statement)
    await ended("行业", "port", "2026-10-01")
    with pytest.raises(asyncpg.RaiseError):
        await roster_db.pool.execute("UPDATE codes SET valid = daterange(lower(valid), NULL) WHERE code = 'port'")
    for statement in ("UPDATE code_endings SET ended_on = '2027-01-01'", "DELETE FROM code_endings", "DELETE FROM codes"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await roster_db.pool.execute(statement)


async def test_leadership_posts_of_a_level_that_ended_are_named_and_may_be_taken_away(
    doors: Doors, roster_db: Database, tmp_path: Path
) -> None:
    await typed("codes", "load", codes_file(tmp_path, "职务层次,chief,总工程师,,2026-09-01"), *NO)
    unit_id = await given.unit(roster_db)

    async def approve(approved: int) -> int:
        body = {"level": "chief", "approved": approved, "effective_on": f"{given.TODAY}", "document_no": "示编〔2026〕13号"}
        return (await doors.http.post(f"/units/{unit_id}/seats", json=body, headers=doors.office)).status_code

    assert await approve(1) == 204
    assert (await ended("职务层次", "chief", "2026-09-18")).exit_code == 0
    [seen] = (await doors.http.get(f"/units/{unit_id}", headers=doors.office)).json()["seats"]

    assert (seen["level_label"], seen["approved"]) == ("总工程师", 1)
    assert [await approve(number) for number in (2, 0)] == [409, 204]


async def test_who_keeps_part_of_the_county_ends_no_code_for_all(doors: Doors, roster_db: Database) -> None:
    clerk = doors.as_(Role.BUSINESS_OFFICER, units=(await given.unit(roster_db),))

    refused = await doors.http.post("/codes/行业/port/end", json={"effective_on": "2026-10-01", "document_no": "文1"}, headers=clerk)

    assert refused.status_code == 403


async def test_the_sets_that_the_program_knows_by_name_are_closed() -> None:
    assert {*ENUMS, "flexible_retirements", "sexes"} <= CLOSED.keys()
