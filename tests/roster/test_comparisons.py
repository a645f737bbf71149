"""The upper level's register beside ours: what differs is found exactly, is a case, and stays silent once it is explained."""

import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import xlsxwriter

from deploy.local.place import Place
from services.roster.commands import comparison_runs
from services.roster.commands.comparison_runs import compare_registers
from services.roster.commands.comparisons import accept_theirs, answer_difference, cancel_comparison, move_difference
from services.roster.commands.keys import renew_all
from services.roster.commands.quotas import set_quota
from services.roster.models.comparisons import (
    AnswerDifference,
    ComparisonOver,
    ComparisonState,
    CorrectionElsewhere,
    CorrectionNotTheirs,
    DifferenceMoveRefused,
    DifferenceReasonMissing,
    DifferenceSideMissing,
    MoveDifference,
    OfComparison,
)
from services.roster.models.requests import SetQuota
from services.roster.queries.comparisons import DifferenceView
from services.roster.rules.comparisons import NO_NUMBER, NUMBER_HIDDEN
from shared.crypto import FieldCipher, KeyRing, Suite, masked_id_number, new_key
from shared.db import Database
from shared.exports import running
from shared.glossary import DifferenceKind, DifferenceState, LeadingSide, Role
from tests.exports.exporting import working
from tests.imports.rows import NUMBERS, USCC, person
from tests.roster import given
from tests.roster.comparing import Upper
from tests.roster.doors import Doors
from tests.roster.importing import book
from tests.roster.test_provincial import FULL, Desk

pytestmark = pytest.mark.asyncio
NOTHING = {"new": 0, "again": 0, "same": 0, "silent": 0, "closed": 0}
OURS, THEIRS, ASK = LeadingSide.OURS, LeadingSide.THEIRS, LeadingSide.ASK


@pytest_asyncio.fixture
async def upper(stack: Place, roster_home: str, roster_db: Database, tmp_path: Path) -> AsyncIterator[Upper]:
    """Two units, three people, and the upper level knows them all."""
    desk = Desk(roster_db, stack.database_url("roster", roster_home), tmp_path)
    async with working(desk.exports):
        await desk.fill([FULL, person(1, 姓名="李示例"), person(2, 姓名="王示例")])
        yield await Upper(desk).copy()


def told(each: DifferenceView) -> tuple[str, str, str, str, str | None, str | None, str]:
    return each.sheet, each.kind, each.field, each.name, each.ours, each.theirs, each.leads


async def only(upper: Upper, **wanted: Any) -> DifferenceView:
    (found,) = await upper.differences(**wanted)
    return found


def by_name(upper: Upper, name: str) -> dict[str, Any]:
    return next(each for each in upper.people if each["姓名"] == name)


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


async def test_the_same_file_again_finds_nothing_new(upper: Upper) -> None:
    by_name(upper, "李示例")["毕业院校"] = "另一大学"

    first, second = await upper.compare(), await upper.compare()

    assert (first.outcome, second.outcome) == (NOTHING | {"new": 1}, NOTHING | {"same": 1})
    found = await only(upper)
    assert (found.first_run, found.last_run) == (first.id, second.id)


async def test_explained_it_stays_silent_until_its_facts_change(upper: Upper) -> None:
    li = by_name(upper, "李示例")
    li["民族"] = "02"
    await upper.compare()
    found = await only(upper)
    await answer_difference(upper.database, given.by_saying("以户籍证明为准"), AnswerDifference(difference_id=found.id))
    for to in (DifferenceState.EXPLAINED, DifferenceState.CLOSED):
        await move_difference(upper.database, given.by_saying("民族待公安更正"), MoveDifference(difference_id=found.id, to=to))

    silent = await upper.compare()
    li["民族"] = "03"
    changed = await upper.compare()

    assert (silent.outcome, changed.outcome) == (NOTHING | {"silent": 1}, NOTHING | {"again": 1})
    back = await only(upper)
    assert (back.id, back.state, back.explained) == (found.id, DifferenceState.TO_VERIFY, False)
    assert [(each.action, each.state, each.run_id) for each in await upper.steps(found.id)] == [
        ("comparison", DifferenceState.TO_VERIFY, found.first_run),
        ("answer", DifferenceState.ANSWERED, None),
        ("move", DifferenceState.EXPLAINED, None),
        ("move", DifferenceState.CLOSED, None),
        ("comparison", DifferenceState.TO_VERIFY, changed.id),
    ]


def _without_the_column(upper: Upper) -> None:
    for row in upper.people:
        del row["民族"]


def _unreadable(column: str) -> Callable[[Upper], None]:
    def spoil(upper: Upper) -> None:
        for name in ("李示例", "王示例"):
            by_name(upper, name)[column] = "#REF!"

    return spoil


@pytest.mark.parametrize(
    ("differs", "spoil", "outcome"),
    [
        pytest.param({"民族": "02"}, _without_the_column, {}, id="no column"),
        pytest.param({"民族": "02"}, _unreadable("民族"), {}, id="no cell"),
        pytest.param({"民族": "02"}, _unreadable("公民身份号码"), {"new": 2}, id="no row"),
        pytest.param({"所在机构": "乙单位"}, _unreadable("所在机构"), {}, id="no unit"),
    ],
)
async def test_what_was_not_compared_stays_as_it_is(
    upper: Upper, differs: dict[str, str], spoil: Callable[[Upper], None], outcome: dict[str, int]
) -> None:
    for name in ("李示例", "王示例"):
        by_name(upper, name).update(differs)
    await upper.compare()
    found = next(each for each in await upper.differences() if each.name == "李示例")
    for to in (DifferenceState.EXPLAINED, DifferenceState.CLOSED):
        await move_difference(upper.database, given.by_saying("上级系统待更正"), MoveDifference(difference_id=found.id, to=to))
    whole = deepcopy(upper.sheets)

    spoil(upper)
    less = await upper.compare()
    upper.sheets = whole
    again = await upper.compare()

    assert less.outcome == NOTHING | outcome
    assert again.outcome == NOTHING | {"same": 1, "silent": 1, "closed": outcome.get("new", 0)}


async def test_what_somebody_was_who_left_both_registers_is_struck_off(upper: Upper) -> None:
    wang = by_name(upper, "王示例")
    wang["民族"] = "02"
    await upper.compare()
    found = await only(upper)
    placement_id = await upper.database.pool.fetchval("SELECT placement_id FROM placements WHERE person_id = $1", found.person_id)
    await given.release(upper.database, placement_id)
    upper.people.remove(wang)

    assert (await upper.compare()).outcome == NOTHING | {"closed": 1}


async def test_gone_it_closes_itself_and_rectified_in_words_only_it_comes_back(upper: Upper) -> None:
    li = by_name(upper, "李示例")
    before, li["毕业院校"] = li["毕业院校"], "另一大学"
    await upper.compare()
    found = await only(upper)
    await move_difference(
        upper.database, given.by_saying("已报上级更正"), MoveDifference(difference_id=found.id, to=DifferenceState.RECTIFIED)
    )

    still = await upper.compare()
    li["毕业院校"] = before
    gone = await upper.compare()

    assert (still.outcome, gone.outcome) == (NOTHING | {"again": 1}, NOTHING | {"closed": 1})
    assert (await only(upper)).state is DifferenceState.CLOSED
    assert [each.reason for each in await upper.steps(found.id)][2:] == ["处理后比对仍不一致", "比对一致，自动销号"]
    li["毕业院校"] = "另一大学"
    assert (await upper.compare()).outcome == NOTHING | {"again": 1}


async def test_where_they_lead_an_officer_takes_it_over(upper: Upper) -> None:
    by_name(upper, FULL["姓名"])["民族"] = "02"
    await upper.compare()
    found = await only(upper, leads=THEIRS)
    by = given.by_saying("公安机关已更正")

    assert [await accept_theirs(upper.database, given.CIPHER, by, found.id) for _ in range(2)] == [None, None]

    assert (await only(upper)).state is DifferenceState.RECTIFIED
    sealed = await upper.database.pool.fetchval(
        "SELECT ethnicity FROM person_records WHERE person_id = $1 AND upper_inf(during) AND upper_inf(recorded)", found.person_id
    )
    assert given.CIPHER.decrypt(sealed, f"person_records.ethnicity.{found.person_id}") == "02"
    assert (await upper.compare()).outcome == NOTHING | {"closed": 1}


async def test_where_the_setting_asks_an_officer_says_and_a_key_item_waits_for_its_case(upper: Upper) -> None:
    by_name(upper, FULL["姓名"])["职务名称"] = "副主任"
    await upper.compare()
    found = await only(upper)

    with pytest.raises(DifferenceSideMissing):
        await move_difference(
            upper.database, given.by_saying("已经改了"), MoveDifference(difference_id=found.id, to=DifferenceState.RECTIFIED)
        )
    with pytest.raises(CorrectionNotTheirs):
        await accept_theirs(upper.database, given.CIPHER, given.by_saying("以上级为准"), found.id)
    review = MoveDifference(difference_id=found.id, to=DifferenceState.IN_REVIEW, side=THEIRS)
    await move_difference(upper.database, given.by_saying("以任免文件为准"), review)
    change_id = await accept_theirs(upper.database, given.CIPHER, given.by_saying("以任免文件为准"), found.id)

    (pending,) = await upper.database.pool.fetch("SELECT id, state, record FROM pending_changes")
    assert (pending["id"], pending["state"], pending["record"]) == (change_id, "open", {"title": "副主任"})
    title = await upper.database.pool.fetchval("SELECT title FROM person_records WHERE person_id = $1", found.person_id)
    assert title == "主任"


async def test_what_cannot_be_taken_over_here_is_said(upper: Upper) -> None:
    upper.sheets["机构信息"][0]["机构规格"] = "副科"
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    await upper.compare()
    unit, school = await only(upper, sheet="units"), await only(upper, field="school")

    with pytest.raises(CorrectionElsewhere):
        await accept_theirs(upper.database, given.CIPHER, given.by_saying("以上级为准"), unit.id)
    with pytest.raises(CorrectionNotTheirs):
        await accept_theirs(upper.database, given.CIPHER, given.by_saying("以上级为准"), school.id)
    with pytest.raises(DifferenceReasonMissing):
        await answer_difference(upper.database, given.by_saying("改"), AnswerDifference(difference_id=school.id))
    with pytest.raises(DifferenceMoveRefused):
        await move_difference(
            upper.database, given.by_saying("不再处理"), MoveDifference(difference_id=school.id, to=DifferenceState.CLOSED)
        )


async def test_a_sex_that_the_upper_level_does_not_know_is_a_difference_in_words(upper: Upper) -> None:
    by_name(upper, "李示例")["性别"] = "0"

    view = await upper.compare()

    assert view.problems == []
    assert await upper.found(told) == [("roster", "field_differs", "sex", "李示例", "女", "未知", ASK)]


async def test_a_cancelled_comparison_touches_nothing_and_no_register_is_said_to_be_none(upper: Upper) -> None:
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    run_id = await upper.bring()
    await cancel_comparison(upper.database, given.by(), OfComparison(run_id=run_id))
    await compare_registers(upper.database, given.CIPHER, upper.desk.imports.clock, run_id)

    with pytest.raises(ComparisonOver):
        await cancel_comparison(upper.database, given.by(), OfComparison(run_id=run_id))
    assert await upper.differences() == []
    other = await upper.compare(book({"人员信息": [{"姓名": "某", "性别": "1"}]}))
    assert (other.state, "公民身份号码" in other.note) == (ComparisonState.UNREADABLE, True)
    assert ("bianban export provincial" in other.note, "--mapping" in other.note) == (True, False)
    assert await upper.database.pool.fetchval("SELECT count(*) FROM comparison_files") == 0


async def test_a_comparison_that_another_attempt_took_over_fails_and_the_next_one_compares(
    upper: Upper, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, prepared = await upper.bring(), comparison_runs._prepare

    async def overtaken(*asked: Any) -> Any:
        await upper.database.pool.execute("UPDATE comparison_runs SET attempt = attempt + 1 WHERE id = $1", run_id)
        return await prepared(*asked)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(comparison_runs, "_prepare", overtaken)
        with pytest.raises(comparison_runs._Superseded):
            await compare_registers(upper.database, given.CIPHER, upper.desk.imports.clock, run_id)
    await compare_registers(upper.database, given.CIPHER, upper.desk.imports.clock, run_id)

    assert await upper.database.pool.fetchval("SELECT state FROM comparison_runs WHERE id = $1", run_id) == ComparisonState.COMPARED


async def test_a_part_of_the_county_is_compared_with_that_part(upper: Upper) -> None:
    second = await upper.database.pool.fetchval("SELECT id FROM units WHERE name = '乙单位'")
    upper.sheets["人员信息"] = [{**upper.people[0], "姓名": "赵示例", "公民身份号码": NUMBERS[3], "所在机构": "乙单位"}]
    upper.sheets["机构信息"] = [each for each in upper.sheets["机构信息"] if each["机构名称"] == "乙单位"]
    del upper.sheets["编制信息"], upper.sheets["领导职数信息"]

    await upper.compare(root_id=second)

    assert await upper.found(lambda each: (each.kind, each.name, each.unit)) == [("missing_here", "赵示例", "乙单位")]


async def test_who_has_a_case_in_another_part_of_the_county_has_the_same_in_this_one(upper: Upper) -> None:
    second = await upper.database.pool.fetchval("SELECT id FROM units WHERE name = '乙单位'")
    by_name(upper, "李示例")["所在机构"] = "乙单位"
    wang = by_name(upper, "王示例")
    upper.people.extend({**wang, "姓名": name, "公民身份号码": number} for name, number in (("赵示例", NUMBERS[3]), ("钱示例", NUMBERS[4])))
    await upper.compare()
    by_name(upper, "赵示例")["所在机构"] = "乙单位"
    whole = deepcopy(upper.sheets)
    upper.sheets["人员信息"] = [by_name(upper, name) for name in ("李示例", "赵示例")]
    upper.sheets["机构信息"] = [each for each in upper.sheets["机构信息"] if each["机构名称"] == "乙单位"]
    del upper.sheets["编制信息"], upper.sheets["领导职数信息"]

    part = await upper.compare(root_id=second)
    upper.sheets = whole

    assert (part.state, part.outcome) == (ComparisonState.COMPARED, NOTHING | {"same": 1, "again": 1})
    assert (await upper.compare()).outcome == NOTHING | {"same": 3}


async def test_a_file_of_a_few_units_is_not_compared_with_the_county_unless_its_sender_says_so(upper: Upper) -> None:
    for _ in range(2):
        await given.unit(upper.database)
    units = [each for each in upper.sheets["机构信息"] if each["机构名称"] == "乙单位"]
    people = [{**upper.people[0], "姓名": "赵示例", "公民身份号码": NUMBERS[3], "所在机构": "乙单位"}]
    upper.sheets = {"机构信息": units, "人员信息": people}

    refused = await upper.compare()
    cases = await upper.differences()
    told = await upper.compare(whole=True)

    assert (refused.state, cases) == (ComparisonState.UNREADABLE, [])
    assert "只含本系统 4 个单位中的 1 个" in refused.note
    assert (told.state, told.outcome["new"]) == (ComparisonState.COMPARED, 7)


async def test_a_masked_file_makes_no_case_of_everybody(upper: Upper) -> None:
    for each in upper.people:
        each["公民身份号码"] = masked_id_number(each["公民身份号码"])

    refused = await upper.compare()

    assert (refused.state, await upper.differences()) == (ComparisonState.UNREADABLE, [])
    assert "3 名人员都没有可用的公民身份号码" in refused.note


async def test_a_masked_row_is_told_and_makes_no_case_and_ends_none(upper: Upper) -> None:
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    upper.people.append(by_name(upper, "王示例") | {"姓名": "赵示例", "公民身份号码": NUMBERS[3]})
    await upper.compare()
    for each in upper.people:
        if each["姓名"] != "王示例":
            each["公民身份号码"] = masked_id_number(each["公民身份号码"])

    view = await upper.compare()

    assert [(each.column, each.sentence) for each in view.problems] == [("公民身份号码", NUMBER_HIDDEN)] * 3
    assert (view.unread, view.outcome) == (3, NOTHING)
    assert {(each.name, each.state) for each in await upper.differences()} == {
        ("李示例", DifferenceState.TO_VERIFY),
        ("赵示例", DifferenceState.TO_VERIFY),
    }


async def test_whoever_is_found_by_his_number_is_judged_whatever_namesake_of_his_is_masked(upper: Upper) -> None:
    school = by_name(upper, "李示例")["毕业院校"]
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    await upper.compare()
    by_name(upper, "李示例")["毕业院校"] = school
    upper.people.append(by_name(upper, "王示例") | {"姓名": "李示例", "公民身份号码": masked_id_number(NUMBERS[3])})

    view = await upper.compare()

    assert (view.unread, view.outcome["closed"]) == (1, 1)
    assert [each.state for each in await upper.differences()] == [DifferenceState.CLOSED]


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


async def test_under_a_new_key_what_was_found_is_still_known(upper: Upper) -> None:
    by_name(upper, FULL["姓名"])["民族"] = "02"
    by_name(upper, "王示例").update({"姓名": "赵示例", "公民身份号码": NUMBERS[3]})
    await upper.compare()
    ring = given.CIPHER.ring.writing_with(new_key(2, Suite.SM4))

    await renew_all(upper.database, FieldCipher(ring), [upper.desk.shelf], lambda _: None)
    upper.cipher = FieldCipher(KeyRing(ring.keys[-1:]))
    view = await upper.compare()

    assert (view.outcome, view.unread) == (NOTHING | {"same": 3}, 0)


async def test_sheets_of_many_chunks_take_turns_on_one_connection(upper: Upper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 1)

    again = await Upper(upper.desk).copy()

    assert again.sheets == upper.sheets


async def test_an_empty_cell_of_theirs_counts_only_where_the_setting_says_so(upper: Upper) -> None:
    full = by_name(upper, FULL["姓名"])
    full["毕业院校"] = full["职务名称"] = full["入编时间"] = None

    await upper.compare()

    assert await upper.found(told) == [("roster", "field_differs", "started_on", FULL["姓名"], "2015-09-01", None, ASK)]


async def test_a_column_that_the_file_does_not_have_is_not_compared(upper: Upper) -> None:
    for row in upper.people:
        del row["入编时间"]

    assert (await upper.compare()).outcome == NOTHING
