"""A file against itself and against the roster: the tree of units, approved posts, leadership posts."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.roster.models.imports import JudgedRow, KnownUnit, Standing, Verdict
from services.roster.rules.imports.book import Book, Words, find_unit
from services.roster.rules.imports.posts import beyond_quota, beyond_seats
from services.roster.rules.imports.sheets import judge_book, waiting_rows
from tests.imports.rows import USCC, Cells, judged, unit

WORDS = Words(
    kinds={"SY": "事业编制", "XZ": "行政编制"},
    fundings={"full": "全额拨款"},
    levels={"unit_head": "单位正职"},
    categories={"SY-1": "公益一类事业单位"},
    allowed={"SY-1": ["SY"], "ZJ-Z": ["XZ", "SY"]},
)
QUOTA = {
    "单位": "甲单位",
    "编制类型": "事业编制",
    "经费形式": "全额拨款",
    "编制数": 2,
    "批准文号": "测编〔2020〕1号",
    "批准日期": "2020-03-01",
}


def rows(kind: str, *cells: Cells) -> list[JudgedRow]:
    return [row for row in judged(kind, cells) if isinstance(row, JudgedRow)]


def book(*sheets: Sequence[JudgedRow], known: Sequence[KnownUnit] = (), scoped: bool = False) -> tuple[Book, list[tuple[int, str, bool]]]:
    """What became of the file, and what was said: row, field, whether a warning."""
    all_rows = [row for sheet in sheets for row in sheet]
    made = judge_book(all_rows, {each.code: each for each in known}, WORDS, scoped=scoped)
    return made, [(problem.row, problem.field, problem.warning) for row in all_rows for problem in row.problems]


def known(code: str = USCC[0], name: str = "甲单位", **more: Any) -> KnownUnit:
    facts: dict[str, Any] = {
        "category": "SY-1",
        "parent": None,
        "uscc": code,
        "today": {"name": name, "uscc": code, "category": "SY-1", "short_name": None},
    }
    return KnownUnit(unit_id=UUID(int=1), code=code, name=name, **(facts | more))


def test_parents_come_first_whatever_the_order_of_the_rows() -> None:
    found, said = book(
        rows("units", unit(单位名称="下级", 统一社会信用代码=USCC[1], 主管部门="上级"), unit(单位名称="上级", 统一社会信用代码=USCC[2]))
    )

    assert [found.name_of(code) for code in found.order] == ["上级", "下级"]
    assert said == []


def test_units_that_are_each_others_parents_are_told() -> None:
    one, two = unit(单位名称="一", 统一社会信用代码=USCC[1], 主管部门="二"), unit(单位名称="二", 统一社会信用代码=USCC[2], 主管部门="一")

    found, said = book(rows("units", one, two))

    assert found.bad == {USCC[1], USCC[2]}
    assert {field for _, field, _ in said} == {"parent"}


def test_a_parent_may_be_named_by_its_code_and_one_of_the_roster_is_enough() -> None:
    child = unit(单位名称="下级", 统一社会信用代码=USCC[1], 主管部门=USCC[0])

    assert book(rows("units", child), known=[known()])[1] == []
    assert book(rows("units", child))[1] == [(2, "parent", False)]


def test_below_a_wrong_unit_nothing_is_written() -> None:
    parent, child = unit(单位名称="上级", 批准日期="x"), unit(单位名称="下级", 统一社会信用代码=USCC[1], 主管部门="上级")

    found, said = book(rows("units", parent, child))

    assert found.bad == {USCC[0], USCC[1]}
    assert (3, "parent", False) in said


def test_one_unit_in_two_rows_and_two_units_of_one_name_are_told() -> None:
    assert book(rows("units", unit(), unit()))[1] == [(2, "uscc", False), (3, "uscc", False)]
    assert book(rows("units", unit(), unit(统一社会信用代码=USCC[1])))[1] == [(2, "name", True), (3, "name", False)]
    assert book(rows("units", unit(统一社会信用代码=USCC[1])), known=[known()])[1] == [(2, "name", False)]


def test_rows_of_posts_of_one_unit_must_agree_on_what_it_is() -> None:
    posts = {"编制类型": "事业编制", "经费形式": "全额拨款", "编制数": 2}
    other = unit(单位类别="镇") | posts | {"编制类型": "行政编制"}

    found, said = book(rows("units_with_posts", unit() | posts, other))

    assert [each for each in said if each[1] == "name"] == [(2, "name", False), (3, "name", False)]
    assert found.bad == {USCC[0]}


def test_a_unit_that_differs_in_a_key_item_is_told_and_not_changed_and_in_another_is_changed() -> None:
    there = known(today={"name": "旧名称", "uscc": USCC[0], "category": "SY-1", "short_name": "旧"}, name="旧名称")

    found, said = book(rows("units", unit(单位简称="新")), known=[there])

    assert said == [(2, "name", True)]
    assert found.verdicts["units", 2] == (Verdict.CHANGED, {"short_name": "旧"})


def test_a_row_of_posts_is_new_the_same_changed_by_a_later_document_or_only_told() -> None:
    def verdict(**changes: Any) -> tuple[Verdict, list[tuple[int, str, bool]]]:
        there = known(quotas={("SY", "full"): Standing(2, "测编〔2020〕1号", date(2020, 3, 1))})
        found, said = book(rows("quotas", QUOTA | changes), known=[there])
        return found.verdicts["quotas", 2][0], said

    assert book(rows("quotas", QUOTA), known=[known()])[0].verdicts["quotas", 2][0] == Verdict.ADDED
    assert verdict() == (Verdict.SAME, [])
    assert verdict(编制数=3, 批准文号="测编〔2021〕9号", 批准日期="2021-01-01") == (Verdict.CHANGED, [])
    assert verdict(编制数=3) == (Verdict.SAME, [(2, "posts", True)])
    assert verdict(编制数=3, 批准文号="测编〔2019〕9号", 批准日期="2019-01-01") == (Verdict.SAME, [(2, "posts", True)])


def test_the_same_posts_twice_a_kind_that_is_not_allowed_and_an_unknown_unit_are_told() -> None:
    wrong = [QUOTA, QUOTA, QUOTA | {"编制类型": "行政编制"}, QUOTA | {"单位": "没有的单位"}]

    said = book(rows("quotas", *wrong), known=[known()])[1]

    assert said == [(2, "kind", False), (3, "kind", False), (4, "kind", False), (5, "unit", False)]


def test_leadership_posts_are_judged_as_posts_are() -> None:
    seats = {"单位": "甲单位", "职务层次": "单位正职", "核定职数": 1, "批准文号": "测编〔2020〕1号", "批准日期": "2020-03-01"}
    there = known(seats={"unit_head": Standing(2, "测编〔2020〕1号", date(2020, 3, 1))})

    assert book(rows("seats", seats, seats), known=[known()])[1] == [(2, "level", False), (3, "level", False)]
    assert book(rows("seats", seats), known=[there])[1] == [(2, "approved", True)]


def test_good_rows_of_a_wrong_unit_are_told_once() -> None:
    quotas = rows("quotas", QUOTA, QUOTA | {"编制类型": "周转编制", "编制数": "x"}, QUOTA | {"经费形式": "财政拨款"})
    found, _ = book(rows("units", unit()), quotas)

    told = waiting_rows(found, [*quotas])

    wrong = quotas[1].problems[0]
    assert [each.row for each in told] == [2]
    assert told[0].sentence == f"等 2 行本身无误，但所属单位“甲单位”第 3 行有错误：{wrong.sentence}。改正那一行后才能导入"


def test_a_good_row_of_another_sheet_is_told_the_sheet_the_row_and_what_is_wrong_there() -> None:
    quotas = rows("quotas", QUOTA | {"编制数": "x"})
    units = rows("units", unit())
    found, _ = book(units, quotas)

    (told,) = waiting_rows(found, [*units, *quotas])

    assert (told.sheet, told.field) == ("units", "name")
    assert "所属单位“甲单位”在“编制”表第 2 行有错误：" in told.sentence


def test_a_unit_of_the_roster_that_is_its_own_parent_is_told_that_alone() -> None:
    """Must fail when the cell is compared with the parent in the roster as well: whoever corrects it would have two things to look up."""
    mine = known(parent=USCC[1], today={"name": "甲单位", "uscc": USCC[0]})

    _, said = book(rows("units", unit(主管部门="甲单位")), known=[mine, known(USCC[1], "乙单位")])

    assert [each for each in said if each[1] == "parent"] == [(2, "parent", False)]


def test_units_in_a_circle_are_each_told_the_circle_once_and_who_stands_below_it_his_parent() -> None:
    names = "甲乙丙丁"
    parents = {"甲": "乙单位", "乙": "丙单位", "丙": "甲单位", "丁": "甲单位"}
    file = rows(
        "units", *(unit(单位名称=f"{name}单位", 统一社会信用代码=USCC[place], 主管部门=parents[name]) for place, name in enumerate(names))
    )

    found, said = book(file)

    circle = "“甲单位”（第 2 行）→“乙单位”（第 3 行）→“丙单位”（第 4 行）→“甲单位”"
    assert said == [(row, "parent", False) for row in range(2, 6)]
    assert {each.problems[0].sentence for each in file[:3]} == {f"主管部门互相指向，成了一圈：{circle}，请改正其中一行"}
    assert file[3].problems[0].sentence == "主管部门“甲单位”（第 2 行）有错误，改正后本单位才能导入"
    assert found.bad == set(USCC[:4])


def test_a_unit_that_is_its_own_parent_is_told_once() -> None:
    by_name, by_short_name = rows("units", unit(主管部门="甲单位")), rows("units", unit(单位简称="甲", 主管部门="甲"))

    assert (book(by_name)[1], book(by_short_name)[1]) == ([(2, "parent", False)], [(2, "parent", False)])
    assert by_name[0].problems[0].sentence == "主管部门就是本单位，请改正或留空"


def test_a_line_of_units_as_long_as_a_file_is_put_in_order() -> None:
    codes = [f"u{place}" for place in range(5_000)]
    file = [JudgedRow("units", place, {"uscc": code, "name": code, "parent": f"u{place + 1}"}) for place, code in enumerate(codes)]
    del file[-1].values["parent"]

    found, said = book(file)

    assert (said, found.order) == ([], codes[::-1])


def test_what_lies_outside_the_owners_part_of_the_county_is_refused() -> None:
    away = known(visible=False)

    assert book(rows("quotas", QUOTA), known=[away], scoped=True)[1] == [(2, "unit", False)]
    assert (2, "name", False) in book(rows("units", unit()), known=[away], scoped=True)[1]
    assert book(rows("units", unit()), scoped=True)[1] == [(2, "parent", False)]
    assert book(rows("units", unit(主管部门="上级")), known=[known(USCC[1], "上级")], scoped=True)[1] == []


def test_a_word_for_two_units_finds_neither() -> None:
    found, _ = book(known=[known(), known(USCC[1], "甲单位")])

    assert find_unit(found, "甲单位")[0] is None
    assert "信用代码" in find_unit(found, "甲单位")[1]
    assert find_unit(found, USCC[1]) == (USCC[1], "")


def test_a_unit_is_found_whatever_the_width_and_form_of_its_brackets() -> None:
    there = known(name="甲小学（东校区）")
    lower = rows("units", unit(统一社会信用代码=USCC[2], 单位名称="下级", 主管部门="甲小学(东校区)"))

    found, said = book(rows("quotas", QUOTA | {"单位": "甲小学(东校区）"}), lower, known=[there])

    assert (find_unit(found, "甲小学(东校区)"), said) == ((USCC[0], ""), [])
    twice, _ = book(known=[there, known(USCC[1], "甲小学(东校区)")])
    assert find_unit(twice, "甲小学(东校区)") == (USCC[1], "")
    assert "有两个单位" in find_unit(twice, "甲小学(东校区）")[1]


def test_a_number_of_the_same_document_in_other_brackets_is_not_another_approval() -> None:
    there = known(quotas={("SY", "full"): Standing(3, "测编〔2020〕1号", date(2020, 2, 1))})

    assert book(rows("quotas", QUOTA | {"批准文号": "测编[2020]1号"}), known=[there])[1] == [(2, "posts", True)]


def test_a_name_of_before_finds_its_unit_with_a_word_about_it_and_never_one_that_bears_it_now() -> None:
    renamed = known(former={"旧局": True, "乙单位": True, "并来的局": False}, name="新局")
    file = rows("quotas", QUOTA | {"单位": "旧局"})

    found, said = book(
        file, rows("units", unit(统一社会信用代码=USCC[2], 单位名称="下级", 主管部门="并来的局")), known=[renamed, known(USCC[1], "乙单位")]
    )

    assert (find_unit(found, "旧局"), find_unit(found, "乙单位")) == ((USCC[0], ""), (USCC[1], ""))
    assert said == [(2, "unit", True), (2, "parent", True)]
    assert file[0].problems[0].sentence.startswith("“旧局”已更名为“新局”")
    hidden = book(rows("quotas", QUOTA | {"单位": "旧局"}), known=[known(former={"旧局": True}, name="新局", visible=False)], scoped=True)
    assert hidden[1] == [(2, "unit", False)]


def test_more_people_than_posts_are_told_with_the_file_counted_in() -> None:
    found, _ = book(rows("quotas", QUOTA | {"编制数": 3, "批准文号": "新", "批准日期": "2021-01-01"}), known=[known()])

    assert beyond_quota(found, USCC[0], {("SY", "full"): 3}) == []
    assert "核定 3，实有 4，超 1" in beyond_quota(found, USCC[0], {("SY", "full"): 4})[0][1]
    assert "没有核定职数，实配 1" in beyond_seats(found, {(USCC[0], "unit_head"): 1})[0][2]
