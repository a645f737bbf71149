"""The header is where people put it, and is called what people call it."""

from hypothesis import given
from hypothesis import strategies as st

from shared.sheets.headers import find, plain
from shared.sheets.reading import Cell

KNOWN = {
    "单位": "单位",
    "姓名": "姓名",
    "身份证号": "公民身份号码",
    "公民身份号码": "公民身份号码",
    "学历": "学历",
    "全日制学历": "全日制学历",
}
HEADER = ["单位", "姓名", "公民身份号码"]


def test_the_header_stands_below_instructions_and_over_blank_rows() -> None:
    found = find([(1, ["某市机构编制实名制台账"]), (2, ["说明：姓名按身份证填写"]), (4, HEADER), (5, ["甲", "乙", "1"])], [], KNOWN)

    assert found is not None
    assert (found.after, found.columns) == (4, {"单位": 0, "姓名": 1, "公民身份号码": 2})


def test_titles_are_known_with_spaces_stars_remarks_line_breaks_and_older_names() -> None:
    found = find([(1, ["单\n位*", "姓　名（必填）", "身份证号[文本格式]", "备注"])], [], KNOWN)

    assert found is not None
    assert found.columns == {"单位": 0, "姓名": 1, "公民身份号码": 2}
    assert found.unknown == {"备注": 3}


def test_two_merged_lines_are_read_together() -> None:
    rows: list[tuple[int, list[Cell]]] = [
        (1, ["单位", "姓名", "全日制", None, "最高"]),
        (2, [None, None, "学历", "专业", "学历"]),
        (3, ["甲", "乙", "本科", "中文", "硕士"]),
    ]
    merged = [(0, 0, 1, 0), (0, 1, 1, 1), (0, 2, 0, 3)]

    found = find(rows, merged, KNOWN)

    assert found is not None
    assert found.after == 2
    assert found.columns == {"单位": 0, "姓名": 1, "全日制学历": 2, "学历": 4}
    assert found.unknown == {"专业": 3}


def test_marks_of_footnotes_and_of_key_items_are_no_part_of_a_title() -> None:
    found = find([(1, ["★单位", "姓名①", "△学历※", "毕业院校❷"])], [], KNOWN | {"毕业院校": "毕业院校"})

    assert found is not None
    assert (list(found.columns.values()), found.unknown) == ([0, 1, 2, 3], {})


def test_three_merged_lines_are_read_together() -> None:
    lines: list[tuple[int, list[Cell]]] = [
        (3, ["单位", "姓名", "学历学位", None, None, "民族"]),
        (4, [None, None, "全日制", None, "在职"]),
        (5, [None, None, "学历", "学位", "学历"]),
        (6, ["甲", "乙", "本科", "学士", "硕士", "汉"]),
    ]
    merged = [(2, 0, 4, 0), (2, 1, 4, 1), (2, 2, 2, 4), (3, 2, 3, 3)]

    found = find(lines, merged, KNOWN | {"在职学历": "在职学历", "全日制学位": "全日制学位", "学位": "学位"})

    assert found is not None
    assert (found.after, found.unknown) == (5, {"民族": 5})
    assert found.columns == {"单位": 0, "姓名": 1, "全日制学历": 2, "全日制学位": 3, "在职学历": 4}


def test_a_row_of_data_below_the_header_is_none_of_it() -> None:
    found = find([(1, ["单位", "姓名", "毕业院校"]), (2, [None, None, "某校"]), (3, ["学历", "乙", "学历"])], [], KNOWN)

    assert found is not None
    assert found.after == 1


def test_a_title_of_ones_own_is_found_as_it_is_written_before_any_known_one() -> None:
    own = {"学历（全日制）": "全日制学历", "身份证号（旧）": "", "人 员": "姓名"}

    found = find([(3, ["单位", "人员*", "身份证号", "身份证号(旧)", "学历(全日制)", "学历（在职）"])], [], KNOWN | {"人 员": "姓名"}, own)
    lines = [(1, ["", "学历", "", "本人情况"]), (2, ["单位", "（全日制）", "（在职）", "姓名"])]
    merged = find(lines, [(0, 1, 0, 2)], KNOWN, own | {"学历（在职）": ""})

    assert found is not None
    assert found.columns == {"单位": 0, "姓名": 1, "公民身份号码": 2, "全日制学历": 4, "学历": 5}
    assert (found.unknown, found.doubled) == ({"身份证号(旧)": 3}, ())
    assert merged is not None
    assert (merged.columns, merged.unknown) == ({"单位": 0, "全日制学历": 1, "姓名": 3}, {"学历(在职)": 2})


def test_a_title_twice_is_told() -> None:
    found = find([(1, [*HEADER, "身份证号"])], [], KNOWN)

    assert found is not None
    assert found.doubled == ("公民身份号码",)


def test_rows_without_known_titles_hold_no_header() -> None:
    assert find([(1, ["甲", "乙"]), (2, ["丙", "单位"])], [], KNOWN) is None


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.lists(st.one_of(st.none(), st.text(max_size=9), st.floats(), st.booleans()), max_size=9)),
        max_size=9,
    )
)
def test_nothing_that_people_write_breaks_the_search(rows: list[tuple[int, list[str | float | bool | None]]]) -> None:
    found = find(rows, [(0, 0, 1, 3)], KNOWN)

    assert found is None or set(found.columns) <= set(KNOWN.values())


@given(st.text(max_size=30))
def test_a_title_is_plain_without_spaces_and_stars(title: str) -> None:
    assert not set(plain(title)) & set(" \n\t\u3000*＊:：")
