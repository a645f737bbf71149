"""Our register against the upper level's: what differs is found, and nothing else."""

import io
from datetime import date

import pytest
import xlsxwriter

from services.roster.commands.comparisons import move_difference
from services.roster.commands.quotas import set_quota
from services.roster.models.comparisons import ComparisonState, MoveDifference
from services.roster.models.requests import SetQuota
from services.roster.rules.comparisons import NO_NUMBER
from shared.crypto import masked_id_number
from shared.glossary import DifferenceKind, DifferenceState, LeadingSide
from tests.imports.rows import NUMBERS, USCC
from tests.roster import given
from tests.roster.comparing import ASK, NOTHING, OURS, THEIRS, Upper, by_name, only, told
from tests.roster.test_provincial import FULL

pytestmark = pytest.mark.asyncio


async def test_what_we_hand_up_and_bring_back_does_not_differ(upper: Upper) -> None:
    view = await upper.compare()

    assert (view.state, view.note, view.problems) == (ComparisonState.COMPARED, "", [])
    assert view.outcome == NOTHING
    assert {each.title: (each.there, each.here, each.matched) for each in view.sheets} == {
        "单位": (2, 2, 2),
        "编制": (1, 1, 1),
        "领导职数": (1, 1, 1),
        "人员": (3, 3, 3),
    }
    assert (view.format, view.leads, view.rows_read) == ("2025", "2026", 7)
    assert await upper.database.pool.fetchval("SELECT count(*) FROM comparison_files") == 0


async def test_a_ceiling_of_those_outside_the_establishment_is_no_difference_whether_theirs_has_it_or_not(upper: Upper) -> None:
    unit_id = await upper.database.pool.fetchval("SELECT unit_id FROM quotas WHERE upper_inf(during) AND upper_inf(recorded)")
    await given.quota(upper.database, given.Row(unit_id, "BW"), 2)

    without = await upper.compare()
    upper.sheets["编制信息"].append(upper.sheets["编制信息"][0] | {"编制类型": "编外用工控制数", "核定编制数": 2})
    with_it = await upper.compare()

    assert [(each.outcome, each.problems) for each in (without, with_it)] == [(NOTHING, [])] * 2


async def test_a_number_of_posts_is_put_right_as_the_case_says_and_the_case_closes_by_itself(upper: Upper) -> None:
    upper.sheets["编制信息"][0]["核定编制数"] = 6
    await upper.compare()
    asked = await only(upper, sheet="quotas")
    review = MoveDifference(difference_id=asked.id, to=DifferenceState.IN_REVIEW, side=LeadingSide.THEIRS)
    await move_difference(upper.database, given.by_saying("核对批准文件"), review)
    told = await only(upper, sheet="quotas")
    unit_id = await upper.database.pool.fetchval("SELECT unit_id FROM quotas WHERE upper_inf(during) AND upper_inf(recorded)")
    row = {"unit_id": unit_id, "kind": "SY", "funding": "full"}
    paper = upper.sheets["编制信息"][0]
    day = date.fromisoformat(paper["批准日期"])
    await set_quota(upper.database, given.by(paper["批准文号"]), SetQuota(**row, posts=6, effective_on=day, document_on=day))

    view = await upper.compare()

    assert "认定以哪一方" in asked.remedy
    assert "核增" in told.remedy
    assert "自动销号" in told.remedy
    assert view.outcome == NOTHING | {"closed": 1}
    closed = await only(upper, sheet="quotas")
    assert (closed.state, closed.remedy) == (DifferenceState.CLOSED, "")


async def test_every_planted_difference_is_found_and_no_other(upper: Upper) -> None:
    units, quotas, seats, people = (upper.sheets[title] for title in ("机构信息", "编制信息", "领导职数信息", "人员信息"))
    second = next(each for each in units if each["机构名称"] == "乙单位")
    second["机构规格"] = "副科"
    units.append({**second, "机构编码": None, "机构名称": "丙单位", "统一社会信用代码": USCC[2], "上级机构": None})
    quotas[0]["核定编制数"] = 6
    seats.append({**seats[0], "职数层次": "单位副职", "核定职数": 2})
    full, li, wang = by_name(upper, FULL["姓名"]), by_name(upper, "李示例"), by_name(upper, "王示例")
    full["民族"], full["毕业院校"], full["职务名称"] = "02", "另一大学", "副主任"
    li["所在机构"] = "乙单位"
    people.remove(wang)
    people += [{**wang, "姓名": "赵示例", "公民身份号码": NUMBERS[3]}, dict(full)]

    view = await upper.compare()

    mask = "＊"
    assert await upper.found(told) == sorted(
        [
            ("units", "field_differs", "rank", "乙单位", None, "副科级", THEIRS),
            ("units", "missing_here", "", "丙单位", None, "丙单位", THEIRS),
            ("quotas", "field_differs", "posts", "甲单位 事业编制、全额拨款", "5", "6", ASK),
            ("seats", "missing_here", "", "甲单位 单位副职", None, "2", ASK),
            ("roster", "field_differs", "ethnicity", FULL["姓名"], mask, mask, THEIRS),
            ("roster", "field_differs", "school", FULL["姓名"], "示例大学", "另一大学", OURS),
            ("roster", "field_differs", "title", FULL["姓名"], "主任", "副主任", ASK),
            ("roster", "unit_differs", "unit", "李示例", "甲单位", "乙单位", ASK),
            ("roster", "missing_there", "", "王示例", "甲单位", None, OURS),
            ("roster", "missing_here", "", "赵示例", None, "甲单位", ASK),
            ("roster", "two_matches", "", FULL["姓名"], None, "甲单位", ASK),
        ],
        key=lambda each: each,
    )
    assert (view.outcome, view.unread) == (NOTHING | {"new": 11}, 0)
    unknown = await only(upper, kind=DifferenceKind.MISSING_HERE, sheet="roster")
    assert unknown.id_number == masked_id_number(NUMBERS[3])


async def test_a_unit_that_they_call_otherwise_is_one_difference_and_none_of_its_people_posts_and_lower_units(upper: Upper) -> None:
    for row in (row for rows in upper.sheets.values() for row in rows):
        row |= {name: "改名单位" for name, value in row.items() if value == "甲单位"}

    view = await upper.compare()

    assert await upper.found(told) == [("units", "field_differs", "name", "甲单位", "甲单位", "改名单位", THEIRS)]
    assert view.problems == []


async def test_a_wrong_number_is_one_difference_and_not_two_missing_people(upper: Upper) -> None:
    by_name(upper, "王示例")["公民身份号码"] = NUMBERS[3]

    await upper.compare()

    found = await only(upper)
    assert (found.kind, found.field, found.name, found.leads) == (DifferenceKind.FIELD, "id_number", "王示例", ASK)
    assert found.theirs == masked_id_number(NUMBERS[3])


async def test_a_number_that_is_none_is_said_with_its_row(upper: Upper) -> None:
    by_name(upper, "王示例")["公民身份号码"] = "33049919860305"

    view = await upper.compare()

    assert [(each.sheet, each.column) for each in view.problems] == [("人员信息", "公民身份号码")] * 2
    assert view.problems[1].sentence == NO_NUMBER
    assert (await only(upper)).kind is DifferenceKind.MISSING_THERE


async def test_what_nobody_sees_in_the_file_is_compared_and_said_with_its_rows(upper: Upper) -> None:
    """Must fail when nothing is said: whoever was filtered or struck out in it would be taken for somebody whom the upper level has."""
    target = io.BytesIO()
    made = xlsxwriter.Workbook(target, {"in_memory": True})
    struck = made.add_format({"font_strikeout": True})
    for title, rows in upper.sheets.items():
        sheet = made.add_worksheet(title)
        for number, row in enumerate([list(upper.sheets[title][0]), *(list(each.values()) for each in rows)]):
            sheet.write_row(number, 0, row, struck if (title, number) == ("人员信息", 3) else None)
    people = made.get_worksheet_by_name("人员信息")
    people.set_row(1, None, None, {"hidden": True})
    people.write(2, list(upper.people[0]).index("姓名"), by_name(upper, upper.people[1]["姓名"])["姓名"], struck)
    people.set_column(place := list(upper.people[0]).index("职务名称"), place, None, None, {"hidden": True})
    made.add_worksheet("已调出").write(0, 0, "张某")
    made.worksheets()[-1].hide()
    made.close()

    view = await upper.compare(target.getvalue())

    assert view.outcome == NOTHING
    assert view.note == (
        "工作表“人员信息”中被隐藏的列（职务名称）也已参加比对；不应比对的，请删除后重新上传；"
        "工作表“人员信息”隐藏或筛选掉的 1 行也已参加比对：第 2 行；不应比对的，请删除后重新上传；"
        "工作表“人员信息”有内容带删除线的 1 行也已参加比对：第 3 行；不应比对的，请删除后重新上传；"
        "工作表“人员信息”带删除线的 1 行也已参加比对：第 4 行；不应比对的，请删除后重新上传；"
        "隐藏的工作表“已调出”没有比对；应比对的，请取消隐藏后重新上传"
    )


async def test_an_empty_cell_of_theirs_counts_only_where_the_setting_says_so(upper: Upper) -> None:
    full = by_name(upper, FULL["姓名"])
    full["毕业院校"] = full["职务名称"] = full["入编时间"] = None

    await upper.compare()

    assert await upper.found(told) == [("roster", "field_differs", "started_on", FULL["姓名"], "2015-09-01", None, ASK)]


async def test_a_column_that_the_file_does_not_have_is_not_compared(upper: Upper) -> None:
    for row in upper.people:
        del row["入编时间"]

    assert (await upper.compare()).outcome == NOTHING
