"""Every row is judged, all errors of it are told in words, and what follows from other cells is filled in and said."""

from typing import Any

import pytest

from services.roster.models.imports import HeaderMissing, JudgedRow, Problem
from services.roster.rules.imports.cells import Cell
from services.roster.rules.imports.mapping import translated
from services.roster.rules.imports.rows import Layout, SheetJudge, ensure_columns
from shared.sheets.reading import Row
from tests.imports.rows import BORN, CHOICES, NUMBERS, POPULATIONS, TODAY, judge_of, judged, one, outside, person, said, sheet_of, unit

OTHER_BIRTH = "1985-01-02"


def test_a_good_row_is_values_and_nothing_else() -> None:
    row = one("roster", person(学历="大学", 参加工作时间="2010.7", 是否高配="否"))

    assert row.problems == []
    assert (row.values["kind"], row.values["funding"]) == ("SY", "full")
    assert row.values["birth_on"] == BORN.isoformat()
    assert (row.values["education"], row.values["work_began_on"], row.values["above_rank"]) == ("20", "2010-07-01", False)


@pytest.mark.parametrize(
    ("column", "value", "said_of_it"),
    [
        ("单位", None, "未填写"),
        ("编制类型", "员额", "不在代码表中"),
        ("姓名", "张三1", "数字"),
        ("姓名", "无", "未填写"),
        ("公民身份号码", 3.3049919860305e17, "数字格式"),
        ("公民身份号码", "330499860305001", "15 位"),
        ("性别", "男", "不一致"),
        ("出生日期", "1986-02-30", "不存在"),
        ("出生日期", "1986.4", "不一致"),
        ("人员身份", "干部", "不在代码表中"),
        ("退休类别", "男60", "性别不符"),
        ("入编时间", "1999-01-01", "14 周岁"),
        ("入编时间", "2030-01-01", "晚于今天"),
        ("档案认定出生日期", "1986.3", "缺少日"),
        ("编制类型", "编外用工控制数", "编外人员"),
        ("借调开始", "2025-01-01", "借出单位"),
        ("借出单位", "甲单位", "就是所在单位"),
        ("职务", "=cmd|'/c calc'!A0", "公式"),
        ("民族", "火星族", "不在代码表中"),
    ],
)
def test_a_bad_cell_is_told_with_its_field_and_what_to_do(column: str, value: object, said_of_it: str) -> None:
    row = one("roster", person(**{column: value}))

    field = next(each.name for each in sheet_of("roster").fields if each.label == column)
    assert row.wrong
    assert any(each.field in {field, "seconded_to"} for each in row.problems if said_of_it in each.sentence)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (outside(), []),
        (outside(合同到期=TODAY.isoformat()), []),
        (outside(合同到期="2026-09-17"), [("contract_until", True)]),
        (outside(人员身份="公务员"), [("identity", False)]),
        (outside(人员身份="工勤人员"), [("identity", True)]),
    ],
)
def test_whoever_is_outside_the_establishment_is_told_apart_and_his_contract_lasts(
    row: dict[str, Any], told: list[tuple[str, bool]]
) -> None:
    assert said(one("offestablishment", row)) == told


def test_nobody_on_a_post_is_employed_outside_the_establishment() -> None:
    assert said(one("roster", person(人员身份="编外人员"))) == [("identity", False)]


@pytest.mark.parametrize(
    ("column", "written", "taken", "said_of_it"),
    [
        ("入编时间", "2010.8", "2010-08-01", "只有年月，按当月1日记录，请核对"),
        ("入编时间", 2010.8, "2010-08-01", "只有年月，按当月1日记录，请核对"),
        ("核编日期", "2010年8月", "2010-08-01", "只有年月，按当月1日记录，请核对"),
        ("借调到期", "2028.2", "2028-02-29", "只有年月，按当月最后一日记录，请核对"),
    ],
)
def test_a_month_where_a_day_must_be_is_taken_with_a_warning(column: str, written: Cell, taken: str, said_of_it: str) -> None:
    lent = {"借出单位": "乙单位", "借调开始": "2025-01-01", "借调到期": "2026-12-31"}
    rows = judged("roster", [person(place, **(lent | {column: written})) for place in range(2)])

    field = next(each.name for each in sheet_of("roster").fields if each.label == column)
    for row in rows:  # the second time from what is remembered of the column
        assert isinstance(row, JudgedRow)
        assert not row.wrong
        assert row.values[field] == taken
        assert said_of_it in [each.sentence for each in row.problems if each.field == field and each.warning]


def test_a_month_that_does_not_exist_is_no_month() -> None:
    assert [(each.field, each.warning) for each in one("roster", person(入编时间="2010.13")).problems] == [("started_on", False)]


def test_all_errors_of_a_row_are_told_at_once() -> None:
    row = one("roster", person(姓名=None, 入编时间="x", 编制类型="y", 学历="z", 批准文号="w"))

    assert {name for name, warning in said(row) if not warning} == {"name", "started_on", "kind", "education"}


def test_no_sentence_repeats_a_number_a_name_or_any_cell() -> None:
    rows = [
        person(**dict.fromkeys(person(), f"{NUMBERS[0]}测试甲")),
        person(姓名=NUMBERS[0], 公民身份号码="测试甲", 职务=NUMBERS[1][:17]),
    ]

    sentences = " ".join(problem.sentence for row in judged("roster", rows) if isinstance(row, JudgedRow) for problem in row.problems)

    assert NUMBERS[0][:12] not in sentences
    assert "测试甲" not in sentences


def test_sex_and_birth_follow_from_the_number_and_that_is_said() -> None:
    row = one("roster", person(性别=None, 出生日期="—"))

    assert (row.values["sex"], row.values["birth_on"]) == ("F", BORN.isoformat())
    assert said(row) == [("sex", True), ("birth_on", True)]


def test_what_a_file_has_no_column_for_is_filled_in_without_a_word_to_each_row() -> None:
    absent = {"性别", "出生日期", "人员身份"}
    row, empty = judged("roster", [{name: value for name, value in person(place).items() if name not in absent} for place in (0, 1)])

    assert isinstance(row, JudgedRow)
    assert (row.values["sex"], row.values["birth_on"], row.values["identity"]) == ("F", BORN.isoformat(), "unknown_identity")
    assert (said(row), isinstance(empty, JudgedRow) and said(empty)) == ([], [])


@pytest.mark.parametrize("written", ["未知", "未说明", 0.0, "9"])
def test_a_sex_that_the_standard_calls_unknown_or_unsaid_is_told_by_the_number(written: str | float) -> None:
    row = one("roster", person(性别=written))

    assert row.values["sex"] == "F"
    assert [(each.field, each.sentence, each.warning) for each in row.problems] == [
        ("sex", "为未知或未说明，已按公民身份号码填入，请核对", True)
    ]


def test_a_sex_may_be_written_by_the_standards_code() -> None:
    assert one("roster", person(性别=2.0)).problems == []
    assert ("sex", False) in said(one("roster", person(性别="1")))


def test_a_month_of_birth_that_agrees_is_enough() -> None:
    assert one("roster", person(出生日期="1986.03")).problems == []


def test_a_birth_date_other_than_the_numbers_is_the_certified_one_and_a_warning() -> None:
    row = one("roster", person(出生日期=OTHER_BIRTH))

    assert (row.values["birth_on"], row.values["certified_birth_on"]) == (BORN.isoformat(), OTHER_BIRTH)
    assert said(row) == [("birth_on", True)]


def test_both_birth_dates_may_be_given_and_must_not_contradict_the_number() -> None:
    assert one("roster", person(档案认定出生日期=OTHER_BIRTH)).values["certified_birth_on"] == OTHER_BIRTH
    assert one("roster", person(档案认定出生日期=BORN.isoformat())).values["certified_birth_on"] is None
    assert ("birth_on", False) in said(one("roster", person(出生日期="1984-01-01", 档案认定出生日期=OTHER_BIRTH)))


def test_a_post_that_is_not_filled_in_is_taken_as_to_be_verified() -> None:
    row = one("roster", person(岗位类别=None, 人员身份="—"))

    assert (row.values["identity"], row.values["post_category"]) == ("unknown_identity", "unknown_post")
    assert said(row) == [("identity", True), ("post_category", True)]


def test_dates_that_contradict_each_other_are_told() -> None:
    row = one("roster", person(参加工作时间="2016-01", 核编日期="2016-01-01", 入党时间="1999.1"))

    assert set(said(row)) == {("started_on", True), ("authorised_on", True), ("party_joined_on", True)}


def test_who_came_after_his_entry_and_whose_title_is_of_another_level_is_warned_of() -> None:
    row = one("roster", person(进入时间="2016-01-01", 专业技术职务="一级教师", 职称级别="副高"))

    assert set(said(row)) == {("entered_on", True), ("professional_title_level", True)}
    assert said(one("roster", person(进入时间="2015-07-01", 专业技术职务="高级教师", 职称级别="副高级"))) == []


@pytest.mark.parametrize("called", ["张三同志", "张三 女士", "李四先生", "王五副局长", "赵六 书记", "钱七主任"])
def test_a_name_with_a_title_is_asked_about(called: str) -> None:
    assert said(one("roster", person(姓名=called))) == [("name", True)]


@pytest.mark.parametrize("called", ["张长", "书记", "王先", "李同", "主任", "先生", "李生"])
def test_a_name_that_ends_in_a_like_sign_is_not(called: str) -> None:
    assert said(one("roster", person(姓名=called))) == []


def test_a_late_flexible_retirement_that_is_not_open_is_told() -> None:
    closed = one("roster", person(领导职务级别="乡科级正职", 弹性选择="弹性延迟退休"))

    assert said(closed) == [("flexible_retirement", False)]
    assert said(one("roster", person(领导职务级别="乡科级正职", 弹性选择="弹性提前"))) == []
    assert said(one("roster", person(弹性选择="弹性延迟"))) == []


def test_political_legal_posts_are_left_out_unless_switched_on() -> None:
    row = one("roster", person(编制类型="政法专项编制"))

    assert (row.left_out, row.wrong) == (True, False)
    assert not one("roster", person(编制类型="政法专项编制"), political_legal=True).left_out


@pytest.mark.parametrize(
    ("total", "told"),
    [
        ({"单位": "合计", "编制数": 5.0}, []),
        ({"单位": "合 计", "编制数": "5名"}, []),
        ({"单位": "合计", "编制数": 6.0}, ["“合计”写的是 6，实际相加为 5"]),
        ({"单位": "总计：", "编制数": "7"}, ["“总计”写的是 7，实际相加为 5"]),
        ({"单位": "（合计）", "编制数": "1,005"}, ["“合计”写的是 1005，实际相加为 5"]),
        ({"单位": "全市合计", "编制数": 6.0}, ["“合计”写的是 6，实际相加为 5"]),
        ({"单位": "甲单位小计", "编制数": "5"}, []),
    ],
)
def test_a_total_row_is_a_check_and_no_row(total: dict[str, Any], told: list[str]) -> None:
    rows = [_quota(编制数=2.0), _quota(编制类型="行政编制", 经费形式="财政拨款", 编制数="3"), total]

    last = judged("quotas", rows)[-1]

    assert isinstance(last, list)
    assert [problem.sentence[: len(said_)] for problem, said_ in zip(last, told, strict=True)] == told
    assert all(problem.warning and problem.row == 4 for problem in last)


@pytest.mark.parametrize(("posts", "told"), [(5.0, []), (6.0, ["“合计”写的是 6，实际相加为 5，请核对是否漏行或重复"])])
def test_a_total_above_all_rows_is_compared_with_those_below_it(posts: float, told: list[str]) -> None:
    judge = judge_of("quotas", [{"单位": "合计", "编制数": posts}, _quota(编制数=2.0), _quota(编制数=3.0, 经费形式="财政拨款")])

    answers, at_the_end = judge

    assert answers[0] == []
    assert [(each.row, each.sentence) for each in at_the_end] == [(2, said_) for said_ in told]


def test_a_subtotal_counts_from_the_one_before() -> None:
    rows = [
        _quota(编制数=2.0),
        {"单位": "小计", "编制数": 2.0},
        _quota(编制数=4.0),
        {"单位": "小计", "编制数": 5.0},
        {"单位": "合计", "编制数": 6.0},
    ]

    answers = judged("quotas", rows)

    assert [len(each) for each in answers if isinstance(each, list)] == [0, 1, 0]


@pytest.mark.parametrize("at_the_top", [True, False])
def test_a_subtotal_above_its_rows_is_compared_with_those_up_to_the_next(at_the_top: bool) -> None:
    """A 小计 of several others, right above the first of them, is not counted."""
    total: dict[str, Any] = {"单位": "合计", "编制数": 10.0}
    rows: list[dict[str, Any]] = [
        {"单位": "街道小计", "编制数": 10.0},
        {"单位": "甲单位小计", "编制数": 2.0},
        _quota(编制数=2.0),
        {"单位": "乙单位小计", "编制数": 4.0},
        _quota(单位="乙单位", 编制数=4.0),
        {"单位": "丙单位小计", "编制数": 5.0},
        _quota(单位="丙单位", 编制数=4.0),
    ]

    answers, at_the_end = judge_of("quotas", [total, *rows] if at_the_top else [*rows, total])

    told = [(each.row, each.sentence[:16]) for answer in [*answers, at_the_end] if isinstance(answer, list) for each in answer]
    assert told == [(8 if at_the_top else 7, "“小计”写的是 5，实际相加为 4"[:16])]


def test_a_subtotal_is_one_by_whatever_it_is_called() -> None:
    rows = [
        _quota(编制数=2.0),
        {"单位": "甲单位小计", "编制数": 2.0},
        _quota(单位="乙单位", 编制数=4.0),
        {"单位": "本页合计：", "编制数": 5.0},
        {"单位": "全部单位总计", "编制数": 6.0},
    ]

    answers = judged("quotas", rows)

    assert [[each.sentence[:16] for each in answer] for answer in answers if isinstance(answer, list)] == [
        [],
        ["“合计”写的是 5，实际相加为 4"[:16]],
        [],
    ]


def test_what_stands_above_the_rows_and_again_on_each_page_is_no_row() -> None:
    tops = [{"某单位花名册", "单位：甲", "单位"}, {"编制类型"}, {"全日制教育", "学历"}, {"在职教育", "学历"}, set(), set(), set()]
    names = ["unit", "kind", "full_time_education", "in_service_education"]
    judge = SheetJudge(
        Layout(sheet_of("roster"), names, translated(sheet_of("roster"), CHOICES, None), tops=tops),
        TODAY,
        POPULATIONS,
        political_legal=False,
    )
    lines: list[list[Cell]] = [
        ["某单位花名册", None, None, None],
        ["单位：甲", None, None, None],
        ["单位", "编制类型", "全日制教育", "在职教育"],
        [None, None, "学历", "学历"],
        ["学历", None, None, None],
    ]

    answers = judge.judge([Row(place, [*cells, None, None, None]) for place, cells in enumerate(lines)])

    assert answers[:-1] == [[]] * 4
    assert isinstance(answers[-1], JudgedRow)


def test_a_bare_number_of_a_book_that_counts_from_1904_is_the_day_that_it_shows() -> None:
    how = translated(sheet_of("roster"), CHOICES, None)
    names = ["started_on", "work_began_on", "birth_on"]
    judge = SheetJudge(Layout(sheet_of("roster"), names, how, from_1904=True), TODAY, POPULATIONS, political_legal=False)

    [found] = judge.read([Row(2, [42248.0 - 1462, 2010.7, "1986-03-05", None, None, None])])
    nothing = judge.read([Row(3, [None, float("nan"), float("inf"), "x", None, None])])[0]

    assert isinstance(found, JudgedRow)
    assert isinstance(nothing, JudgedRow)
    assert found.values == {"started_on": "2015-09-01", "work_began_on": "2010-07-01", "birth_on": "1986-03-05"}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("40786", "2015-09-01"),
        ("40786.5", "2015-09-01"),
        (18697.0, "1955-03-11"),
        (20159.0, None),
        ("20159", None),
        ("2015.9", "2015-09-01"),
    ],
)
def test_digits_in_a_text_of_such_a_book_are_the_same_day_and_a_year_and_month_is_asked_about(written: Cell, value: str | None) -> None:
    layout = Layout(sheet_of("roster"), ["started_on", "name"], translated(sheet_of("roster"), CHOICES, None), from_1904=True)

    [found] = SheetJudge(layout, TODAY, POPULATIONS, political_legal=False).read([Row(2, [written, "测试甲", None, None, None])])

    assert isinstance(found, JudgedRow)
    assert found.values.get("started_on") == value
    assert [each.sentence[:6] for each in found.problems if value is None] == ([] if value else ["可能是年月（"])


def test_a_total_of_people_is_compared_with_the_rows() -> None:
    rows = [person(0), person(1), {"单位": "合计", "姓名": "3人"}]

    [problem] = judged("roster", rows)[-1]  # type: ignore[misc]  # a list of problems

    assert isinstance(problem, Problem)
    assert "写的是 3，实际共有 2 行" in problem.sentence


@pytest.mark.parametrize(
    "row",
    [
        {"单位": "填表人：王某"},
        {"单位": "注：本表一式两份"},
        {"单位": "一、行政编制人员"},
        {"单位": "（二）事业编制人员"},
        {"单位": "1.本表由单位填写，报编办备案"},
        {"单位": "※以上人员均在岗"},
        {"单位": "共 3 页"},
        {"单位": "局长：", "姓名": "人事科："},
        {"单位": "2026年9月1日"},
        {"单位": "以上人员情况属实。", "经费形式": "单位负责人签字："},
        {"单位": "无", "姓名": "/"},
        {"单位": "单位", "姓名": "姓名", "公民身份号码": "身份证号"},
        dict(zip(person(), map(str, range(1, 11)), strict=True)),
        dict(zip(person(), range(3, 13), strict=True)),
        {"单位": "（1）", "编制类型": "（2）", "姓名": "（5）", "性别": "（12）"},
        {"单位": "甲", "编制类型": "乙", "姓名": 1.0, "性别": 2.0, "入编时间": 3.0},
        dict.fromkeys(person(), "必填") | {"性别": "选填", "编制类型": "下拉选择"},
        {"单位": "制表人：张三", "经费形式": "审核：李四", "公民身份号码": "负责人：王五", "性别": "填表日期：2026年11月20日"},
        {
            "单位": "制表人：",
            "编制类型": "张三",
            "经费形式": "审核人：",
            "姓名": "李四",
            "公民身份号码": "联系电话：",
            "性别": 13800000000.0,
        },
        {"单位": "制表人 张三", "编制类型": "审核人 李四", "姓名": "2026年11月20日", "人员身份": "（盖章）"},
        {"单位": "主管领导（签字）：", "编制类型": "经办人：", "公民身份号码": "李四", "出生日期": "日期", "入编时间": "2026-11-20"},
    ],
)
def test_footnotes_blanks_and_repeated_headers_are_no_rows(row: dict[str, Any]) -> None:
    assert judged("roster", [person(), row])[-1] == []


@pytest.mark.parametrize("title", ["二、退休人员", "以下人员已调出", "（三） 死亡人员（2019年以来）", "减员名单："])
def test_a_title_of_people_who_left_among_the_rows_is_an_error(title: str) -> None:
    """Those below it would come in as if in post."""
    [problem] = judged("roster", [person(0), {"单位": title}, person(1)])[1]  # type: ignore[misc]  # a list of problems

    assert isinstance(problem, Problem)
    assert (problem.row, problem.warning, problem.sentence[:11]) == (3, False, "像是退休、调出等人员的")


@pytest.mark.parametrize(
    ("kind", "row", "taken"),
    [
        ("roster", {"单位": "财务科"}, False),
        ("roster", {"编制类型": "财务科"}, False),
        ("roster", {"公民身份号码": "2026年9月制"}, False),
        ("roster", {"单位": "一", "编制类型": "党政机关"}, False),
        ("units", {"主管部门": "党政机关"}, False),
        ("roster", {"姓名": "财务科"}, True),
        ("roster", {"公民身份号码": NUMBERS[0]}, True),
        ("roster", {"单位": "财务科", "编制类型": "事业编制"}, True),
        ("units", {"单位名称": "财务科"}, True),
        ("quotas", {"单位": "财务科"}, True),
    ],
)
def test_a_title_of_a_group_among_the_rows_is_told_once_and_a_name_alone_is_somebody(kind: str, row: dict[str, Any], taken: bool) -> None:
    first = {"roster": person(0), "units": unit(主管部门="乙单位"), "quotas": {"单位": "甲单位", "编制类型": "事业编制", "编制数": 1}}[kind]
    answer = judged(kind, [first, row])[1]

    assert isinstance(answer, JudgedRow) == taken
    if isinstance(answer, list):
        assert [(each.row, each.warning, each.sentence[:19]) for each in answer] == [(3, True, "此行只有一项内容，像是分组的标题，没有")]


@pytest.mark.parametrize("title", ["一、在职人员", "二、退休人员管理中心", "说明：退休人员不填"])
def test_another_title_among_the_rows_is_not(title: str) -> None:
    assert judged("roster", [person(0), {"单位": title}])[1] == []


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("roster", {"单位": "审核中心", "姓名": "测试甲", "公民身份号码": NUMBERS[0]}),
        ("roster", {"单位": "1.甲单位", "姓名": "测试甲", "公民身份号码": "见附件"}),
        ("quotas", {"单位": "联系服务中心", "编制类型": "事业编制", "编制数": 5.0}),
        ("seats", {"单位": "说明：甲单位", "职数级别": "正科级", "核定职数": 2.0}),
        ("roster", {"单位": "审核：甲单位", "姓名": "测试甲", "公民身份号码": NUMBERS[0], "职务": "经办人：审核"}),
        ("roster", {"单位": "审核：", "编制类型": "经办：", "姓名": "测试甲", "公民身份号码": float(NUMBERS[0][:17] + "0")}),
        ("roster", {"单位": "审核中心", "编制类型": "事业编制", "姓名": "测试甲", "职务": "审核员"}),
        ("roster", {"单位": "1", "编制类型": "2", "姓名": "测试甲"}),
        ("roster", {"单位": 3.0, "编制类型": 2.0, "姓名": 1.0}),
        ("quotas", {"单位": "甲", "编制数": 1.0}),
    ],
)
def test_a_short_row_that_names_somebody_or_some_posts_is_no_footnote(kind: str, row: dict[str, Any]) -> None:
    """The other columns may be told by a mapping: it would be gone without a word."""
    assert isinstance(judged(kind, [row])[0], JudgedRow)


def test_a_computed_cell_is_refused_and_the_others_of_its_row_are_not() -> None:
    how = translated(sheet_of("quotas"), CHOICES, None)
    names = ["unit", "kind", "funding", "posts", "document_no", "document_on"]
    judge = SheetJudge(Layout(sheet_of("quotas"), names, how), TODAY, POPULATIONS, political_legal=False)
    cells: list[Cell] = ["甲单位", "事业编制", "全额拨款", 3.0, "测编〔2020〕1号", "2020-03-01", None, None, None]
    [row] = judge.judge([Row(2, cells, frozenset({3}))])

    assert isinstance(row, JudgedRow)
    assert said(row) == [("posts", False)]
    assert "选择性粘贴" in row.problems[0].sentence


def test_a_computed_cell_without_a_result_is_not_called_empty() -> None:
    how = translated(sheet_of("quotas"), CHOICES, None)
    names = ["unit", "kind", "funding", "posts", "document_no", "document_on"]
    judge = SheetJudge(Layout(sheet_of("quotas"), names, how), TODAY, POPULATIONS, political_legal=False)
    cells: list[Cell] = ["甲单位", "事业编制", "全额拨款", None, "测编〔2020〕1号", "2020-03-01", None, None, None]
    [row] = judge.judge([Row(2, cells, frozenset({3}))])

    assert isinstance(row, JudgedRow)
    assert [each.sentence for each in row.problems] == ["公式没有结果，请填写数值"]


def test_leaders_above_their_rank_without_a_document_are_asked_about() -> None:
    row = one("units", unit(单位领导高配="镇长高配副处级"))

    assert said(row) == [("leaders_above_rank_no", False)]
    assert one("units", unit(单位领导高配="镇长高配副处级", 高配文号="测组〔2019〕3号")).problems == []


def test_a_unit_with_posts_in_one_row_is_both() -> None:
    row = one("units_with_posts", unit(编制类型="事业编制", 经费形式="全额拨款", 编制数="30人"))

    assert row.problems == []
    assert (row.values["name"], row.values["posts"]) == ("甲单位", 30)


def test_a_doubtful_code_of_another_registrar_is_a_warning_and_a_unit_is_not_its_own_parent() -> None:
    doubtful = "91330499" + unit()["统一社会信用代码"][8:17] + "1"

    assert said(one("units", unit(统一社会信用代码=doubtful))) == [("uscc", True)]
    assert said(one("units", unit(主管部门="甲单位"))) == [("parent", False)]


def test_a_mandatory_column_that_is_missing_or_twice_is_told() -> None:
    how = translated(sheet_of("quotas"), CHOICES, None)

    with pytest.raises(HeaderMissing, match="缺少列：经费形式、编制数"):
        ensure_columns(sheet_of("quotas"), "编制", {"unit": 0, "kind": 1, "document_no": 2, "document_on": 3}, (), how)
    with pytest.raises(HeaderMissing, match="重复的列：单位"):
        ensure_columns(sheet_of("quotas"), "编制", {}, ("unit",), how)
    ensure_columns(sheet_of("roster"), "人员", dict.fromkeys(("unit", "kind", "funding", "name", "id_number", "started_on"), 0), (), how)


def _quota(**changes: Any) -> dict[str, Any]:
    row = {
        "单位": "甲单位",
        "编制类型": "事业编制",
        "经费形式": "全额拨款",
        "编制数": 1.0,
        "批准文号": "测编〔2020〕1号",
        "批准日期": "2020-03-01",
    }
    return row | changes


def test_a_row_that_is_hidden_or_struck_out_is_read_and_told() -> None:
    """A remark that is not struck out beside those that are does not make it stand."""
    layout = Layout(sheet_of("roster"), ["unit", "name", "kind"], translated(sheet_of("roster"), CHOICES, None))
    judge, cells = SheetJudge(layout, TODAY, POPULATIONS, political_legal=False), ["甲单位", "测试甲", "事业编制", None, None, None]

    answers = judge.judge(
        [
            Row(2, cells, hidden=True),
            Row(3, cells, struck=frozenset({0, 1})),
            Row(4, cells, struck=frozenset({1, 3})),
            Row(5, ["合计", "3", None, None, None, None], hidden=True),
        ]
    )

    told = [[(each.field, each.sentence[:6]) for each in row.problems if each.warning] for row in answers if isinstance(row, JudgedRow)]
    assert told == [[("", "此行被隐藏或")], [("", "此行带有删除")], [("name", "内容带有删除")]]


@pytest.mark.parametrize("column", ["单位", "编制类型", "姓名", "公民身份号码", "性别", "入编时间"])
@pytest.mark.parametrize(("cell", "said"), [("同上", "指向上一行"), ("〃", "指向上一行"), ("#REF!", "是公式的错误值")])
def test_what_points_elsewhere_is_called_so_in_every_column(column: str, cell: str, said: str) -> None:
    assert [each.sentence[: len(said)] for each in one("roster", person(**{column: cell})).problems if each.field != "birth_on"][:1] == [
        said
    ]
