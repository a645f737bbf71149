"""A file is checked whole, written unit by unit, and changes nothing the second time."""

from typing import Any

import pytest

from services.roster.commands.imports import begin_applying
from services.roster.commands.reforms import carry_out
from services.roster.commands.unit_closing import close_unit
from services.roster.models.imports import (
    BeginApplying,
    ErrorsLeft,
    ImportState,
)
from services.roster.models.units import CloseUnit, Reform
from tests.imports.rows import USCC, outside, person, unit
from tests.roster import dirt, given
from tests.roster.importing import Office, with_posts

pytestmark = pytest.mark.asyncio
GROUND = {"批准文号": "测编〔2020〕1号", "批准日期": "2020-03-01"}


async def test_the_older_workbook_goes_in_and_again_changes_nothing(office: Office) -> None:
    file = {"单位": [with_posts()], "人员": [person(0, 学历="大学", 民族="汉"), person(1)]}

    first = await office.write("roster", file)
    again = await office.write("roster", file)

    assert await office.said(first) == []
    assert await office.refused(first) == []
    assert (first.state, first.written) == (
        ImportState.APPLIED,
        {"units": 1, "quotas": 1, "seats": 0, "persons": 2, "history": 0, "over_quota": 0, "changed": 0, "loans": 0, "already": 0},
    )
    assert {kind: (each.added, each.changed, each.same) for kind, each in again.sheets.items()} == {
        "units_with_posts": (0, 0, 1),
        "roster": (0, 0, 2),
    }
    assert (again.written, again.units_total) == ({}, 0)


async def test_people_of_a_unit_whose_brackets_are_written_otherwise_go_in_and_again_change_nothing(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts(单位名称="甲小学（东校区）")], "人员": [person(0, 单位="甲小学(东校区)")]})

    again = await office.check("roster", {"人员": [person(0, 单位="甲小学(东校区)")]})

    assert await office.said(again) == []
    assert (again.sheets["roster"].added, again.sheets["roster"].same) == (0, 1)


async def test_five_files_one_after_the_other_make_a_county(office: Office) -> None:
    lower = unit(单位名称="乙单位", 统一社会信用代码=USCC[1], 主管部门="甲单位", 单位性质="事业单位", 内设机构="办公室、财务科")
    quota = {
        "单位": "乙单位",
        "编制类型": "事业编制",
        "经费形式": "全额拨款",
        "编制数": 2,
        "批准文号": "测编〔2020〕2号",
        "批准日期": "2020.3.1",
    }
    ceiling = quota | {"编制类型": "编外用工控制数", "编制数": 1}
    seats = {"单位": "乙单位", "职务层次": "单位正职", "核定职数": 1, "批准文号": "测编〔2020〕2号", "批准日期": "2020年3月1日"}
    outside = {name: value for name, value in person(1, 单位="乙单位").items() if name not in {"编制类型", "经费形式", "入编时间"}}
    outside |= {"编外岗位类别": "窗口服务", "用工方式": "劳务派遣", "用工起始": "2021-05-01", "人员身份": "编外人员", "派遣单位": "某公司"}

    written = [
        await office.write("units", [unit(), lower]),
        await office.write("quotas", [quota, ceiling]),
        await office.write("seats", [seats]),
        await office.write("roster", [person(0, 单位="乙单位", 占用职数="单位正职", 所在内设机构="办公室")]),
        await office.write("offestablishment", [outside]),
    ]

    assert [await office.said(each) for each in written] == [[]] * 5
    assert [await office.refused(each) for each in written] == [[]] * 5
    totals = [{name: number for name, number in each.written.items() if number} for each in written]
    assert totals == [{"units": 2}, {"quotas": 2}, {"seats": 1}, {"persons": 1}, {"persons": 1}]


async def test_after_a_file_the_planner_knows_how_much_there_is(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(number) for number in range(3)]})

    known = await office.database.pool.fetch(
        "SELECT relname, reltuples FROM pg_class WHERE relname IN ('placements', 'persons', 'units') AND relnamespace = 'roster'::regnamespace"
    )

    assert {row["relname"]: row["reltuples"] for row in known} == {"placements": 3, "persons": 3, "units": 1}


async def test_fifty_kinds_of_dirt_go_in_or_are_named(office: Office) -> None:
    file = dirt.workbook([with_posts(60), with_posts(1, 编制类型="周转编制")])

    view = await office.check("roster", file)
    said = [(row, column, sentence) for sheet, row, column, sentence in await office.said(view) if sheet == "人员"]

    assert len(dirt.ALL) >= 50
    unsaid = []
    for place, each in enumerate(dirt.ALL):
        mine = [(column, sentence) for row, column, sentence in said if row == dirt.FIRST_ROW + place]
        if not (any(column == each.column and each.said in sentence for column, sentence in mine) if each.column else mine == []):
            unsaid.append((each.what, mine))
    assert unsaid == []
    assert (view.sheets["roster"].added, view.sheets["roster"].wrong) == (len(dirt.TAKEN), len(dirt.REFUSED))
    last = dirt.FIRST_ROW + len(dirt.ALL) + 1
    assert [(row, sentence[:10]) for row, _, sentence in said if row >= last] == [(last, f"“合计”写的是 {len(dirt.ALL) - 1}"[:10])]


async def test_the_good_rows_of_a_dirty_file_are_written_and_nobody_is_lost(office: Office) -> None:
    view = await office.write("roster", dirt.workbook([with_posts(60)]), accept_valid=True)

    assert await office.refused(view) == []
    assert view.written["persons"] == len(dirt.TAKEN)
    names = {row["name"] for row in await office.database.pool.fetch("SELECT name FROM person_records")}
    assert {"张三", "阿依古丽·买买提", "𠮷𬭎", "文一"} <= names


async def test_a_file_with_errors_is_not_written_unless_asked(office: Office) -> None:
    view = await office.check("roster", {"单位": [with_posts()], "人员": [person(0), person(1, 性别="男")]})

    with pytest.raises(ErrorsLeft):
        await begin_applying(office.database, given.by(None), BeginApplying(import_id=view.id))
    assert (await office.view(view.id)).state == ImportState.CHECKED


async def test_of_a_person_twice_in_the_file_each_row_is_told_with_the_other(office: Office) -> None:
    view = await office.check("roster", {"单位": [with_posts()], "人员": [person(0), person(1), person(0)]})

    assert await office.said(view) == [
        ("人员", 2, "公民身份号码", "与第 4 行是同一人，只取本行，其余不导入。应以另一行为准的，请改正文件后重新导入"),
        ("人员", 4, "公民身份号码", "与第 2 行是同一人，一人只能占一个编制，请核对"),
    ]
    assert (view.errors, view.warnings, view.sheets["roster"].added) == (1, 1, 2)


async def test_of_a_person_several_times_each_row_is_told_with_all_the_others(office: Office) -> None:
    many = [person(0) for _ in range(13)]
    file = {"单位": [with_posts()], "人员": [person(0), person(1), person(0)], "编外人员": [outside()]}

    few = [said.split("是同一人")[0] for *_, said in await office.said(await office.check("roster", file)) if "同一人" in said]
    told = [
        said.split("是同一人")[0]
        for *_, said in await office.said(await office.check("roster", {"单位": [with_posts()], "人员": many}))
        if "同一人" in said
    ]

    assert few == ["与第 4 行、“编外人员”表第 2 行", "与第 2 行、“编外人员”表第 2 行", "与“人员”表第 2 行、“人员”表第 4 行"]
    assert told[0] == "与" + "、".join(f"第 {row} 行" for row in range(3, 13)) + "等 12 行"
    assert told[12] == "与" + "、".join(f"第 {row} 行" for row in range(2, 12)) + "等 12 行"


@pytest.mark.parametrize(
    ("kind", "rows", "told"),
    [
        ("units", [unit(), unit(), unit()], "与第 {} 行、第 {} 行是同一单位，请合并为一行"),
        (
            "quotas",
            [{"单位": "甲单位", "编制类型": "事业编制", "经费形式": "全额拨款", "编制数": posts, **GROUND} for posts in (3, 3, 4)],
            "与第 {} 行、第 {} 行重复（同一单位、编制类型和经费形式只能有一行），请合并",
        ),
        (
            "seats",
            [{"单位": "甲单位", "职务层次": "单位正职", "核定职数": seats, **GROUND} for seats in (1, 1, 2)],
            "与第 {} 行、第 {} 行重复（同一单位、职务层次只能有一行），请合并",
        ),
    ],
)
async def test_of_what_a_file_has_several_times_each_row_is_told_with_all_the_others(
    office: Office, kind: str, rows: list[dict[str, Any]], told: str
) -> None:
    if kind != "units":
        await office.write("units", [unit()])

    view = await office.check(kind, rows)

    others = {2: (3, 4), 3: (2, 4), 4: (2, 3)}
    assert [(row, said) for _, row, _, said in await office.said(view)] == [(row, told.format(*two)) for row, two in others.items()]
    assert (view.errors, view.sheets[kind].wrong) == (3, 3)


async def test_two_units_of_one_name_are_both_told(office: Office) -> None:
    view = await office.check("units", [unit(), unit(统一社会信用代码=USCC[1])])

    assert [(row, said) for _, row, column, said in await office.said(view) if column == "单位名称"] == [
        (2, "第 3 行有同名单位，但代码不同，请核对"),
        (3, "第 2 行已有同名单位，但代码不同，请核对"),
    ]
    assert (view.errors, view.warnings) == (1, 1)


async def test_of_a_person_twice_a_row_that_is_wrong_is_not_said_to_be_the_one_that_is_taken(office: Office) -> None:
    view = await office.check("roster", {"单位": [with_posts()], "人员": [person(0, 性别="男"), person(0)]})

    assert [(row, "只取本行" in said) for _, row, column, said in await office.said(view) if column == "公民身份号码"] == [(3, False)]


async def test_leaders_above_their_rank_come_in_with_their_document_and_are_filled_in_later(office: Office) -> None:
    above = {"单位领导高配": "主任高配副科级", "高配批准文号": "测组〔2019〕3号"}
    await office.write("units", [unit(**above), unit(单位名称="乙单位", 统一社会信用代码=USCC[1])])
    await office.write("units", [unit(**above), unit(单位名称="乙单位", 统一社会信用代码=USCC[1], **above)])

    rows = await office.database.pool.fetch(
        "SELECT leaders_above_rank, leaders_above_rank_no FROM unit_records WHERE upper_inf(during) AND upper_inf(recorded)"
    )
    assert [tuple(row) for row in rows] == [tuple(above.values())] * 2


async def test_people_beyond_posts_and_seats_are_warned_of_and_stay_in(office: Office) -> None:
    leaders = [person(each, 占用职数="单位正职") for each in range(2)]

    view = await office.check("roster", {"单位": [with_posts(1)], "人员": leaders})

    assert [(sheet, row, column) for sheet, row, column, _ in await office.said(view)] == [("单位", 2, "编制数"), ("人员", 2, "占用职数")]
    assert (view.errors, view.sheets["roster"].added) == (0, 2)


async def test_the_people_of_a_wrong_unit_wait_for_it_and_are_told_once(office: Office) -> None:
    view = await office.check("roster", {"单位": [with_posts("x")], "人员": [person(0), person(1)]})

    said = await office.said(view)
    assert [(sheet, row, column) for sheet, row, column, _ in said] == [("单位", 2, "编制数"), ("人员", 2, "单位")]
    assert said[1][3] == f"等 2 行本身无误，但所属单位“甲单位”在“单位”表第 2 行有错误：{said[0][3]}。改正那一行后才能导入"
    assert view.units_total == 0


async def test_long_duties_come_in_whole_or_are_refused(office: Office) -> None:
    duties = "负责全市机构编制事项。" * 1_818 + "共二"

    whole = await office.write("units", [unit(主要职责=duties)])
    same = await office.check("units", await office.returned(whole))
    longer = await office.check("units", [unit(主要职责=duties + "字")])

    assert (len(duties), whole.errors, same.sheets["units"].same) == (20_000, 0, 1)
    assert [(column, sentence) for _, _, column, sentence in await office.said(longer)] == [("主要职责", "超过 20000 个字，请缩短")]
    assert await office.database.pool.fetchval("SELECT duties FROM unit_records") == duties


async def test_a_unit_in_daily_use_takes_nobody_in_by_a_file(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    unit_id = await office.database.pool.fetchval("SELECT id FROM units WHERE code = $1", USCC[0])
    await given.quota(office.database, given.Row(unit_id), 5, given.TODAY)

    view = await office.check("roster", [person(0), person(1)])

    assert [(row, column, "日常业务" in sentence) for _, row, column, sentence in await office.said(view)] == [(3, "单位", True)]
    assert view.sheets["roster"].same == 1


async def test_a_unit_that_was_closed_is_not_set_up_again_by_an_old_file(office: Office) -> None:
    await office.write("units", [unit()])
    unit_id = await office.database.pool.fetchval("SELECT id FROM units WHERE code = $1", USCC[0])
    await close_unit(office.database, given.by(), CloseUnit(unit_id=unit_id, effective_on=given.TODAY))

    view = await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]}, accept_valid=True)

    said = [(sheet, row, column, "撤销" in sentence) for sheet, row, column, sentence in await office.said(view)]
    assert said == [("单位", 2, "统一社会信用代码", True), ("人员", 2, "单位", True)]
    assert ([each.wrong for each in view.sheets.values()], sum(view.written.values())) == ([1, 1], 0)


async def test_a_file_from_before_a_reform_finds_its_units_under_their_names_of_now(office: Office) -> None:
    posts = {"甲局": 3, "乙局": 3, "丙局": 0}
    units = [with_posts(posts[name], 单位名称=name, 统一社会信用代码=uscc) for name, uscc in zip(posts, USCC, strict=False)]
    people = [person(0, 单位="甲局"), person(1, 单位="乙局")]
    await office.write("roster", {"单位": units, "人员": people})
    ids = {row["name"]: row["id"] for row in await office.database.pool.fetch("SELECT id, name FROM units")}
    steps = [
        {"step": "merge", "unit_id": ids["甲局"], "into_unit_id": ids["乙局"]},
        {"step": "change", "unit_id": ids["乙局"], "name": "甲乙局"},
        {"step": "close", "unit_id": ids["丙局"]},
    ]
    what = {"title": "机构改革", "effective_on": given.TODAY, "document_on": given.TODAY, "steps": steps}
    await carry_out(office.database, given.by(), Reform.model_validate(what))

    view = await office.check("roster", [*people, person(2, 单位="丙局")])

    told = [(row, sentence[: sentence.find("，")]) for _, row, column, sentence in await office.said(view) if column == "单位"]
    assert told == [(2, "“甲局”已并入“甲乙局”"), (3, "“乙局”已更名为“甲乙局”"), (4, "系统和本文件中都没有“丙局”")]
    assert (view.sheets["roster"].same, view.sheets["roster"].wrong, view.errors) == (2, 1, 1)


async def test_who_stands_on_another_unit_is_told(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    other = {"单位": [with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1])], "人员": [person(0, 单位="乙单位")]}

    view = await office.check("roster", other)

    assert [(row, column) for sheet, row, column, _ in await office.said(view) if sheet == "人员"] == [(2, "公民身份号码")]


async def test_a_row_with_one_error_is_told_of_the_others_too(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    stranger = person(0, 单位="乙单位", 性别="男", 编制类型="行政编制", 经费形式="财政拨款")
    other = {"单位": [with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1])], "人员": [stranger]}

    view = await office.check("roster", other)

    told = {column for sheet, row, column, _ in await office.said(view) if (sheet, row) == ("人员", 2)}
    assert told == {"性别", "公民身份号码", "编制类型"}


async def test_only_posts_that_the_file_fills_are_spoken_of(office: Office) -> None:
    ceiling = with_posts(1, 编制类型="编外用工控制数")
    await office.write("roster", {"单位": [with_posts(1), ceiling], "人员": [person(0), person(1)]})
    outside = {name: value for name, value in person(2).items() if name not in {"编制类型", "经费形式", "入编时间"}}
    outside |= {"编外岗位类别": "窗口服务", "用工方式": "合同制", "用工起始": "2021-05-01", "人员身份": "编外人员"}

    assert await office.said(await office.check("offestablishment", [outside])) == []


async def test_political_legal_posts_stay_out_unless_switched_on(office: Office) -> None:
    units = [with_posts(单位类别="政府工作部门", 编制类型="政法专项编制", 经费形式="财政拨款")]
    people = [person(0, 编制类型="政法专项编制", 经费形式="财政拨款")]

    out = await office.check("roster", {"单位": units, "人员": people})
    switched = await office.check("roster", {"单位": units, "人员": people}, political_legal=True)

    assert (out.sheets["roster"].left_out, out.errors, out.units_total) == (1, 0, 1)
    assert (switched.sheets["roster"].added, switched.errors) == (1, 0)


async def test_a_unit_whose_posts_all_stay_out_comes_in_itself_and_what_leans_on_it_too(office: Office) -> None:
    police = with_posts(单位类别="政府工作部门", 编制类型="政法专项编制", 经费形式="财政拨款")
    child = with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1], 主管部门="甲单位")
    document = {"单位": "甲单位", "批准文号": "测编〔2020〕1号", "批准日期": "2020-03-01"}
    workers = {"编制类型": "机关工勤编制", "经费形式": "财政拨款", "编制数": 2} | document
    heads = {"职务层次": "单位正职", "核定职数": 1} | document

    view = await office.write("roster", {"单位": [child, police], "编制": [workers], "领导职数": [heads], "人员": [person(单位="乙单位")]})

    assert (view.state, view.errors, await office.refused(view)) == (ImportState.APPLIED, 0, [])
    assert [(row, column, sentence[-14:]) for _, row, column, sentence in await office.said(view)] == [
        (3, "编制类型", "此行只登记单位，其编制不导入")
    ]
    assert {name: number for name, number in view.written.items() if number} == {"units": 2, "quotas": 2, "seats": 1, "persons": 1}
    assert await office.database.pool.fetchval("SELECT count(*) FROM quotas WHERE kind = 'ZF'") == 0


async def test_a_wrong_row_of_a_unit_whose_posts_stay_out_keeps_those_below_it_out(office: Office) -> None:
    police = with_posts(编制类型="政法专项编制", 批准日期="2020-13-01")
    child = with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1], 主管部门="甲单位")

    view = await office.write("units", [police, child], accept_valid=True)

    assert [(row, column) for _, row, column, _ in await office.said(view)] == [(2, "批准日期"), (2, "编制类型"), (3, "主管部门")]
    assert view.units_total == 0


async def test_who_is_wrong_otherwise_is_told_at_once_that_his_unit_takes_nobody_in_by_a_file(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    await given.in_post(office.database, given.Row(await office.unit_id("甲单位")))

    view = await office.check("roster", [person(0, 学历="火星"), person(1, 学历="火星"), person(2)])

    said = [(row, column, "期初导入已关闭" in sentence) for _, row, column, sentence in await office.said(view)]
    assert said == [(2, "学历", False), (3, "学历", False), (3, "单位", True), (4, "单位", True)]
