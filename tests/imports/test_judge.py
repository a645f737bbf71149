"""Every row is judged, every error told with its row and what to do; what is right is ready to load, parents first."""

from datetime import date
from typing import Any

import pytest

from deploy.city.invented import Inventor
from deploy.imports.judge import judge
from deploy.imports.rows import COLUMNS, PERSONS, UNITS, Codes, Judgement
from deploy.imports.workbook import Row
from shared.glossary import LABELS, PersonIdentity, PostCategory
from tests.imports import books
from tests.imports.books import Cells, person, unit

CODES = Codes(
    categories={"公益一类事业单位": "SY-1", "镇": "ZJ-Z"},
    kinds={"事业编制": "SY", "行政编制": "XZ"},
    fundings={"全额拨款": "full", "财政拨款": "state"},
    identities={LABELS[each]: each for each in PersonIdentity},
    post_categories={LABELS[each]: each for each in PostCategory},
    retirement_categories={"男60": "M60", "女55": "F55", "女50": "F50", "特殊": "SPECIAL"},
)


def judged(units: list[Cells], persons: list[Cells], known: dict[str, str] | None = None) -> Judgement:
    """Row numbers as in a sheet: the first row below the header is 2."""
    sheets = {
        name: [
            Row(name, number, {column: _as_read(cells[column]) for column in COLUMNS[name]}) for number, cells in enumerate(rows, start=2)
        ]
        for name, rows in ((UNITS, units), (PERSONS, persons))
    }
    return judge(sheets, CODES, books.TODAY, known or {})


def _as_read(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def errors(verdict: Judgement) -> list[tuple[str, int, str]]:
    return [(problem.sheet, problem.row, problem.column) for problem in verdict.errors]


def test_a_good_file_has_no_errors_and_becomes_loads() -> None:
    verdict = judged([unit(), unit(编制类型="行政编制", 经费形式="财政拨款", 编制数=1)], [person(0), person(1)])

    [found] = verdict.units
    assert verdict.problems == []
    assert [(quota.kind, quota.funding, quota.posts) for quota in found.quotas] == [("SY", "full", 2), ("XZ", "state", 1)]
    assert [each.started_on for each in found.persons] == [date(2015, 9, 1)] * 2
    assert verdict.good_rows == 4


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("单位名称", None, "未填写"),
        ("单位名称", "=HYPERLINK(1)", "公式"),
        ("统一社会信用代码", books.USCC[0][:17] + "A", "校验码不符"),
        ("统一社会信用代码", books.USCC[0][:-1] + "I", "字母"),
        ("统一社会信用代码", 12330499.0, "文本"),
        ("单位类别", "公司", "不在代码表中"),
        ("编制类型", "员额", "不在代码表中"),
        ("经费形式", "自费", "不在代码表中"),
        ("编制数", "二十", "正整数"),
        ("编制数", 2.5, "正整数"),
        ("批准文号", None, "未填写"),
        ("批准日期", "2020年", "完整的日期"),
        ("批准日期", "2026-09-19", "晚于今天"),
        ("主管部门", "没有的单位", "不在本文件中"),
    ],
)
def test_a_bad_cell_of_a_unit_is_told_with_its_row_and_column(column: str, value: object, said: str) -> None:
    verdict = judged([unit(**{column: value})], [])

    [problem] = verdict.errors
    assert (problem.sheet, problem.row, problem.column) == (UNITS, 2, column)
    assert said in problem.sentence
    assert verdict.units == []


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("单位", "别的单位", "没有“别的单位”"),
        ("编制类型", "行政编制", "没有核定"),
        ("姓名", "张 三", "空格"),
        ("姓名", "张三1", "数字"),
        ("公民身份号码", books.NUMBERS[0][:17] + ("0" if books.NUMBERS[0][17] != "0" else "1"), "校验码不符"),
        ("公民身份号码", 3.3049919860305e17, "数字格式"),
        ("公民身份号码", "330499860305001", "15 位"),
        ("性别", "男", "不一致"),
        ("性别", "未知", "不在代码表中"),
        ("出生日期", "1986-02-30", "不存在"),
        ("人员身份", "干部", "不在代码表中"),
        ("岗位类别", "其他", "不在代码表中"),
        ("退休类别", "男60", "性别不符"),
        ("入编时间", "1999-01-01", "14 周岁"),
        ("入编时间", "2030-01-01", "晚于今天"),
    ],
)
def test_a_bad_cell_of_a_person_is_told_and_only_he_is_left_out(column: str, value: object, said: str) -> None:
    verdict = judged([unit()], [person(0, **{column: value}), person(1)])

    assert any(problem.row == 2 and problem.column == column and said in problem.sentence for problem in verdict.errors)
    assert [each.row for each in verdict.units[0].persons] == [3]


def test_all_errors_of_a_row_and_of_the_file_are_told_at_once() -> None:
    verdict = judged([unit(编制数="x", 批准日期="y")], [person(0, 性别="z", 姓名=None), person(1, 岗位类别="w")])

    assert errors(verdict)[:2] == [(UNITS, 2, "编制数"), (UNITS, 2, "批准日期")]
    assert set(errors(verdict)[2:]) == {(PERSONS, 2, "姓名"), (PERSONS, 2, "性别"), (PERSONS, 3, "岗位类别")}


def test_no_sentence_repeats_a_number_or_a_name() -> None:
    twice = [person(0), person(0, 性别="男"), person(1, 公民身份号码=books.NUMBERS[1][:17] + "Y")]

    said = " ".join(problem.sentence for problem in judged([unit()], twice).problems)

    assert not any(number in said for number in books.NUMBERS)
    assert "测试甲" not in said


def test_a_person_twice_in_the_file_is_told_with_both_rows() -> None:
    verdict = judged([unit()], [person(0), person(1), person(0)])

    [problem] = verdict.errors
    assert (problem.row, problem.column) == (4, "公民身份号码")
    assert "第 2 行" in problem.sentence
    assert [each.row for each in verdict.units[0].persons] == [2, 3]


def test_the_same_row_of_posts_twice_is_told() -> None:
    verdict = judged([unit(), unit(编制数=5)], [])

    assert errors(verdict) == [(UNITS, 3, "编制类型")]


def test_the_certified_birth_date_governs_and_a_difference_is_a_warning() -> None:
    verdict = judged([unit()], [person(0, 出生日期=date(1985, 1, 2))])

    [found] = verdict.units[0].persons
    assert (found.birth_on, found.certified_birth_on) == (books.BORN, date(1985, 1, 2))
    assert [(problem.column, problem.warning) for problem in verdict.problems] == [("出生日期", True)]


def test_a_post_that_is_not_filled_in_is_loaded_as_to_be_verified() -> None:
    verdict = judged([unit()], [person(0, 岗位类别=None, 人员身份=None)])

    [found] = verdict.units[0].persons
    assert (found.identity, found.post_category) == (PersonIdentity.UNKNOWN, PostCategory.UNKNOWN)
    assert [(problem.column, problem.warning) for problem in verdict.problems] == [("人员身份", True), ("岗位类别", True)]


def test_people_beyond_quota_are_told_as_a_warning_and_stay_in() -> None:
    verdict = judged([unit(编制数=1)], [person(0), person(1)])

    [problem] = verdict.problems
    assert problem.warning
    assert "核定 1，实有 2，超 1" in problem.sentence
    assert len(verdict.units[0].persons) == 2


def test_a_doubtful_code_of_another_registrar_is_a_warning() -> None:
    doubtful = "91330499" + books.USCC[0][8:17] + "1"

    verdict = judged([unit(统一社会信用代码=doubtful)], [])

    assert [(problem.column, problem.warning) for problem in verdict.problems] == [("统一社会信用代码", True)]


def test_a_unit_with_a_bad_row_is_left_out_whole_and_its_people_are_told_once() -> None:
    verdict = judged([unit(), unit(编制类型="行政编制", 编制数="x")], [person(0), person(1), person(2)])

    assert verdict.units == []
    assert errors(verdict) == [(UNITS, 3, "编制数"), (PERSONS, 2, "单位")]
    assert "等 3 行" in verdict.errors[1].sentence


def test_parents_come_first_whatever_the_order_of_the_rows() -> None:
    child = unit(单位名称="下级", 统一社会信用代码=books.USCC[1], 主管部门="上级")
    parent = unit(单位名称="上级", 统一社会信用代码=books.USCC[2])

    assert [each.name for each in judged([child, parent], []).units] == ["上级", "下级"]


def test_units_that_are_each_others_parents_are_told() -> None:
    one = unit(单位名称="一", 统一社会信用代码=books.USCC[1], 主管部门="二")
    two = unit(单位名称="二", 统一社会信用代码=books.USCC[2], 主管部门="一")

    verdict = judged([one, two], [])

    assert verdict.units == []
    assert "一圈" in verdict.errors[1].sentence


def test_a_unit_below_a_bad_one_waits_for_it() -> None:
    parent = unit(单位名称="上级", 统一社会信用代码=books.USCC[2], 编制数="x")
    child = unit(单位名称="下级", 统一社会信用代码=books.USCC[1], 主管部门="上级")

    assert judged([parent, child], []).units == []


def test_a_parent_in_the_roster_is_enough() -> None:
    verdict = judged([unit(主管部门="教育局")], [], known={"教育局": books.USCC[3]})

    assert [each.parent for each in verdict.units] == ["教育局"]


def test_one_code_for_two_units_is_told_for_both() -> None:
    verdict = judged([unit(), unit(单位名称="乙单位")], [])

    assert errors(verdict) == [(UNITS, 3, "统一社会信用代码")]
    assert verdict.units == []


def test_a_code_or_a_name_of_another_unit_in_the_roster_is_told() -> None:
    assert errors(judged([unit()], [], known={"旧名称": books.USCC[0]})) == [(UNITS, 2, "统一社会信用代码")]
    assert errors(judged([unit()], [], known={"甲单位": books.USCC[1]})) == [(UNITS, 2, "单位名称")]


@pytest.mark.parametrize("written", ["2015-9-1", "2015/09/01", "2015.9.1", "2015年9月1日", "20150901"])
def test_dates_may_be_written_in_the_usual_ways(written: str) -> None:
    assert judged([unit()], [person(0, 入编时间=written)]).units[0].persons[0].started_on == date(2015, 9, 1)


def test_the_dot_of_minority_names_is_brought_to_one_form() -> None:
    assert judged([unit()], [person(0, 姓名="阿依古丽•买买提")]).units[0].persons[0].name == "阿依古丽·买买提"


def test_numbers_invented_for_the_demo_are_never_the_same() -> None:
    inventor = Inventor(7)

    assert len({inventor.id_number(books.BORN, "F") for _ in range(300)}) == 300


def test_people_of_a_unit_whose_only_row_is_bad_wait_for_it_too() -> None:
    verdict = judged([unit(编制数="x")], [person(0), person(1)])

    assert errors(verdict) == [(UNITS, 2, "编制数"), (PERSONS, 2, "单位")]
