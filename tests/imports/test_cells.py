"""Cells as people fill them in: each usual way of writing is understood, and what cannot be understood is refused with what to do."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roster.models.fields import SHEETS, Field, Kind
from services.roster.rules.imports import cells
from services.roster.rules.imports.cells import Cell, Choices, Wrong

EDUCATIONS = Choices.of([("20", "本科", ("大学本科", "大学")), ("30", "专科", ("大专",)), ("14", "硕士研究生毕业", ())])
NUMBER = "330499198802291011"
X_NUMBER = "33049919860303002X"
ANY = st.one_of(st.none(), st.text(max_size=40), st.floats(), st.booleans(), st.integers(-(10**20), 10**20))
DAYS = st.dates(date(1920, 1, 1), date(2098, 12, 31))


def refused(read: object, cell: Cell) -> str:
    with pytest.raises(Wrong) as wrong:
        read(cell)  # type: ignore[operator]
    return str(wrong.value)


def outcome(read: object, cell: Cell) -> tuple[cells.Value, str]:
    """What is read, and what is said instead."""
    try:
        return read(cell), ""  # type: ignore[operator]
    except Wrong as wrong:
        return None, str(wrong)


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        *[(each, "2021-03-01") for each in ("2021-3-1", "2021/03/01", "2021.3.1", "2021年3月1日", "20210301", "2021-03-01 00:00:00")],
        *[
            (each, "2021-03-01")
            for each in ("２０２１年３月１日", " 2021 - 03 - 01 ", "'2021-03-01", '="2021-03-01"', "二〇二一年三月一日")
        ],
        *[(each, "2021-03-01") for each in (44256.0, "44256", 20210301.0)],
        *[(each, "2021-03-01") for each in ("2021 3 1", "2021、3、1", "2021。3。1", "2021,3,1", "2021.3.1.", "2021.0301", 2021.0301)],
        ("2021 1 1", "2021-01-01"),
        ("二〇二一年十二月二十三日", "2021-12-23"),
        ("二零二一年十月三十日", "2021-10-30"),
        *[(each, None) for each in (None, "", " ", "无", "—", "——", "/", "空", "不详", "N/A", float("nan"))],
    ],
)
def test_a_day_is_understood_in_every_usual_way(cell: Cell, meant: str | None) -> None:
    assert cells.day(cell) == meant


@pytest.mark.parametrize("time", [" 00:00:00", " 14:05", "T08:00:00.000", " 0:00", "　２３：５９"])
@pytest.mark.parametrize("day", ["2015/9/1", "2021/3/2", "2015/9/4", "2015-12-31", "2015.10.1", "2015年9月1日"])
def test_a_time_beside_a_day_is_no_part_of_it(day: str, time: str) -> None:
    assert cells.day(day + time) == cells.day(day)
    assert cells.month(day + time) == cells.month(day)


@pytest.mark.parametrize("beside", [" 星期二", "星期二", "（周二）", " 星期二 0:00:00", " 上午 12:00:00", " 12:00:00 AM", " 下午3:05"])
def test_a_day_of_the_week_beside_a_day_is_no_part_of_it(beside: str) -> None:
    assert cells.day(f"2015/9/1{beside}") == cells.day(f"2015年9月1日{beside}") == "2015-09-01"


@pytest.mark.parametrize("cell", ["同上", "〃", "″", '"', " 同 上 ", "仝上"])
def test_what_points_at_the_row_above_is_no_text(cell: str) -> None:
    assert "请填写实际内容" in refused(cells.text, cell)
    assert "请填写实际内容" in refused(cells.unit, cell)


def test_a_time_that_nothing_divides_from_its_day_is_not_guessed() -> None:
    assert cells.day("2015年9月1日14:05") == "2015-09-01"
    assert "不是日期" in refused(cells.day, "2015/9/100:00:00")


@pytest.mark.parametrize(
    "cell", ["2021.3", "2021 3", "2021、3", "2021-03", "2021/3", "2021年3月", "202103", "2021年3月份", 2021.3, 2021.03, "二〇二一年三月"]
)
def test_a_month_is_enough_where_a_month_is_asked_for_and_not_for_a_day(cell: Cell) -> None:
    assert cells.month(cell) == "2021-03-01"
    if not isinstance(cell, float):
        assert "按当月1日记录" in refused(cells.day, cell)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("2021-02-30", "不存在"),
        ("2021-13", "不存在"),
        ("86.3.5", "四位年份"),
        ("3/5/2021", "不能确定"),
        ("2021", "只有年份"),
        ("2021年", "只有年份"),
        (2021.1, "10 月"),
        ("1821-03-05", "1900"),
        ("去年", "不是日期"),
        ("三十", "不是日期"),
        *[(each, "四位年份") for each in ("8203", 8203.0, "210301", 210301.0, "211201", "860305")],
        *[(each, "也可能是") for each in ("20159", 20159.0)],
        *[(each, "不是日期") for each in ("2015.9-12", 2015.101, "2015.101", 2015.09011)],
        ("123", "不是日期"),
        ("9月1日", "没有年份"),
    ],
)
def test_what_is_no_date_is_told_why(cell: Cell, said: str) -> None:
    assert said in refused(cells.month, cell)


@given(DAYS, st.sampled_from(["{0:%Y-%m-%d}", "{0:%Y/%m/%d}", "{0:%Y%m%d}", "{0:%Y年%m月%d日}", "{0.year}.{0.month}.{0.day}"]))
def test_every_day_is_read_back_from_every_form(meant: date, form: str) -> None:
    assert cells.day(form.format(meant)) == meant.isoformat()
    assert cells.month(form.format(meant)) == meant.isoformat()


@given(DAYS.filter(lambda meant: meant.year > 1927 and not date(1952, 1, 8) <= meant <= date(1957, 6, 28)))
def test_every_serial_day_of_a_spreadsheet_is_read_back(meant: date) -> None:
    """But those that may be the year and month of somebody who left the mark between them out."""
    serial = (meant - date(1899, 12, 30)).days

    assert cells.day(float(serial)) == cells.day(str(serial)) == meant.isoformat()


@pytest.mark.parametrize(
    "cell",
    [
        NUMBER,
        f" {NUMBER} ",
        "330499 19880229 1011",
        f"'{NUMBER}",
        f'="{NUMBER}"',
        "３３０４９９１９８８０２２９１０１１",
        f"\u200b{NUMBER}\t",
    ],
)
def test_an_id_number_is_read_through_its_dirt(cell: Cell) -> None:
    assert cells.id_number(cell) == NUMBER


@pytest.mark.parametrize("last", ["x", "X", "ｘ", "×", "Х", "Ⅹ"])
def test_any_x_is_an_x(last: str) -> None:
    assert cells.id_number(X_NUMBER[:17] + last) == X_NUMBER


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (3.30499198802291e17, "数字格式"),
        ("3.30499E+17", "数字格式"),
        ("330499880229101", "15 位"),
        ("330499********1011", "隐去"),
        ("330499***********1", "隐去"),
        (NUMBER[:17] + "5", "校验码"),
        (NUMBER[:16], "18 位"),
        ("330499198802301018", "校验码"),
        ("见附件", "18 位"),
    ],
)
def test_a_number_that_cannot_be_one_is_told_what_to_do_and_never_repeated(cell: Cell, said: str) -> None:
    sentence = refused(cells.id_number, cell)

    assert said in sentence
    assert str(cell)[:12] not in sentence


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("张三", "张三"),
        ("张 三", "张三"),
        ("张　三", "张三"),
        (" 张三 ", "张三"),
        ("张\n三", "张三"),
        ("阿依古丽•买买提", "阿依古丽·买买提"),
        ("阿依古丽．买买提", "阿依古丽·买买提"),
        ("阿依古丽 · 买买提", "阿依古丽·买买提"),
        ("𠮷田𬭎", "𠮷田𬭎"),
        ("⽂⼀", "文一"),
        ("⻩⻢⻓", "黄马长"),
        ("葛\U000e0100某", "葛某"),
        ("王\ufe00五", "王五"),
        ("\uf929月\U0002f800", "朗月丽"),
        ("某\u3164", "某"),
        ("阿依古丽･买买提", "阿依古丽·买买提"),
        ("〇三", "〇三"),
        ("O’Neil", "O’Neil"),
        ("Anna Maria", "Anna Maria"),
        ("无", None),
    ],
)
def test_a_name_is_brought_to_one_form(cell: Cell, meant: str | None) -> None:
    assert cells.name(cell) == meant


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("张三1", "数字"),
        ("张三②", "数字"),
        *[(each, "几个人的姓名") for each in ("张三、李四", "张三，李四", "张三；李四", "张三/李四")],
        ("张三🙂", "符号"),
        ("张三（借调）", "括号"),
        ("⻣⺮", "乱码"),
        ("张\ue000", "自造字"),
        ("张□", "自造字"),
        ("张\ufffd", "乱码"),
        ("=1+1", "公式"),
        ("张\x07三", "控制字符"),
        (12.0, "错列"),
    ],
)
def test_a_name_that_is_none_is_told_why(cell: Cell, said: str) -> None:
    assert said in refused(cells.name, cell)


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+cmd", "@SUM(1)", "-2+3|cmd"[0:1] + "x", "|x"])
def test_a_text_that_a_spreadsheet_would_run_is_refused(cell: str) -> None:
    assert "公式" in refused(cells.text, cell)


@pytest.mark.parametrize("cell", ["\u200b", " \ufeff ", "\u3164", "\u200b无", "\ufe0f"])
def test_what_nobody_sees_is_nothing(cell: str) -> None:
    assert [read(cell) for read in (cells.text, cells.day, cells.number, cells.id_number)] == [None] * 4


def test_a_text_keeps_its_full_width_signs_and_loses_its_dirt() -> None:
    assert cells.text(" 示编〔2020〕1号\u200b ") == "示编〔2020〕1号"
    assert cells.text("临江镇（街道）\n办公室") == "临江镇（街道）办公室"
    assert cells.text(5.0) == "5"
    assert "错误值" in refused(cells.text, "#REF!")
    assert "200" in refused(cells.text, "长" * 201)


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        (30.0, 30),
        ("30", 30),
        ("３０", 30),
        ("30人", 30),
        ("30 名", 30),
        ("1,200", 1200),
        ("100,000人", 100_000),
        ("30.0", 30),
        ("—", None),
        (0.0, 0),
        ("三十名", 30),
        ("十", 10),
        ("二十五", 25),
        ("三", 3),
    ],
)
def test_a_number_is_read_through_its_dirt(cell: Cell, meant: int | None) -> None:
    assert cells.number(cell) == meant


@pytest.mark.parametrize("cell", ["三五", "一百二十", "二〇", 2.5, "-3", "约30", "1000000", "100001", "12%", "（3）"])
def test_what_is_no_number_is_refused(cell: Cell) -> None:
    refused(cells.number, cell)


@pytest.mark.parametrize("cell", ["12\n13", "12\n130", "3 5", "1,2", "12,00", "1,2,3", "1,200,3", "1，20"])
def test_two_numbers_in_a_cell_are_not_made_one(cell: Cell) -> None:
    """Must fail when whatever stands between digits is dropped: 12 and 13 in two lines would be 1213 posts."""
    refused(cells.number, cell)


@pytest.mark.parametrize("read", [cells.number, cells.day, cells.month, cells.id_number])
@pytest.mark.parametrize("mark", ["①", "²", "❶"])
def test_the_mark_of_a_footnote_is_no_digit(read: object, mark: str) -> None:
    """Must fail when it is read as one: 30① would be 301 posts, and 2021-3-1① the eleventh."""
    for cell in ("30", "2021-3-1", "2021-03-0", NUMBER[:-1]):
        assert "注释" in refused(read, cell + mark)


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("是", True),
        *[(each, True) for each in ("√", "✔", "✔\ufe0f", "☑", "✅")],
        (True, True),
        ("1", True),
        (1.0, True),
        ("无", False),
        ("否", False),
        *[(each, False) for each in ("×", "✘", "✕")],
        ("", None),
        ("/", None),
    ],
)
def test_a_flag_is_read_in_its_usual_forms(cell: Cell, meant: bool | None) -> None:
    assert cells.flag(cell) is meant


@pytest.mark.parametrize(
    ("cell", "meant"), [("本科", "20"), (" 大学 本科 ", "20"), ("大学", "20"), ("20", "20"), (20.0, "20"), ("大专", "30"), ("—", None)]
)
def test_a_code_is_found_by_its_label_its_other_names_and_itself(cell: Cell, meant: str | None) -> None:
    assert cells.code(cell, EDUCATIONS) == meant


def test_an_unknown_code_is_told_what_is_near_or_what_there_is() -> None:
    assert "是否应为“硕士研究生毕业”" in refused(lambda cell: cells.code(cell, EDUCATIONS), "硕士研究生")
    assert "可填：本科、专科" in refused(lambda cell: cells.code(cell, EDUCATIONS), "其他")


def test_a_word_for_nothing_that_is_a_code_is_the_code() -> None:
    none = Choices.of([("no_leading_post", "无领导职务", ("无",))])

    assert cells.code("无", none) == "no_leading_post"


@pytest.mark.parametrize(
    ("cell", "said"),
    [("MB0000000", "9 位"), (1.1330499e17, "数字格式"), ("11330499MB000000IX", "字母"), ("12330481123456788A", "校验码")],
)
def test_a_unit_code_that_cannot_be_one_is_told_why(cell: Cell, said: str) -> None:
    assert said in refused(cells.uscc, cell)


def test_several_texts_are_divided_once() -> None:
    assert cells.texts("办公室、人事科，人事科；财务科\n") == ("办公室", "人事科", "财务科")


def test_every_kind_of_field_has_a_reader() -> None:
    choices = {field.codes or "": EDUCATIONS for sheet in SHEETS.values() for field in sheet.fields}

    assert {field.kind for sheet in SHEETS.values() for field in sheet.fields if callable(cells.reader_of(field, choices))} == set(Kind)


@given(
    ANY,
    st.sampled_from(
        [cells.text, cells.name, cells.texts, cells.number, cells.flag, cells.day, cells.month, cells.id_number, cells.uscc, cells.unit]
    ),
)
def test_nothing_that_people_write_does_more_than_being_refused(cell: Cell, read: object) -> None:
    value, said = outcome(read, cell)

    assert "{" not in said
    assert not isinstance(cell, str) or len(cell) < 6 or cell not in said
    assert value is None or read(", ".join(value) if isinstance(value, tuple) else value) == value  # type: ignore[operator]


@given(st.builds("{}{}".format, st.sampled_from(["", "=", "+", "-", "@", "|", "\t=", "'="]), st.text(max_size=40)))
def test_no_text_that_is_taken_could_run_as_a_formula(cell: str) -> None:
    try:
        value = cells.text(cell)
    except Wrong:
        return
    assert value is None or value[0] not in "=+@|\t\r"
    assert value is None or value[0] != "-" or value[1].isdigit()


@given(DAYS)
def test_a_day_before_today_is_one_day_before_the_next(meant: date) -> None:
    assert cells.day((meant + timedelta(days=1)).isoformat()) > cells.day(meant.isoformat())  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Kind.TEXT, None, None),
        (Kind.TEXT, "", None),
        (Kind.TEXT, "全文", "全文"),
        (Kind.NUMBER, 0, "0"),
        (Kind.NUMBER, 12, "12"),
        (Kind.FLAG, True, "是"),
        (Kind.FLAG, False, "否"),
        (Kind.FLAG, "false", "否"),
        (Kind.MONTH, "1988-03-01", "1988-03"),
        (Kind.DAY, date(2021, 3, 1), "2021-03-01"),
        (Kind.TEXTS, ["一科", "二科"], "一科、二科"),
        (Kind.TEXTS, (), None),
        (Kind.CODE, "20", "本科"),
        (Kind.CODE, "99", "99"),
    ],
)
def test_a_value_is_said_as_it_is_written(kind: Kind, value: object, said: str | None) -> None:
    field = Field("any", "任意", kind, "educations" if kind is Kind.CODE else None)

    assert field.said(value, {"educations": {"20": "本科"}}) == said
