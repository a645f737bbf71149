"""A foreign file is opened by a guarded child only; what is honest comes over in chunks, and what is not is refused with what to do."""

import asyncio
import os
import resource
import signal
from collections.abc import Sequence
from datetime import date
from io import BytesIO
from typing import Any

import pytest
import xlsxwriter

from shared.sheets import child, reading
from shared.sheets.reading import FILE_BYTES, Book, Row, Wanted, ensure_readable, held, opened
from shared.sheets.refusals import Unread, Unreadable
from tests.sheets import hostile
from tests.sheets.hostile import HOSTILE, TITLE, book, with_parts

pytestmark = pytest.mark.asyncio
WANTED = Wanted([TITLE], TITLE)


async def rows_of(
    content: bytes, suffix: str = ".xlsx", wanted: Wanted = WANTED, columns: Sequence[int] = (0, 1, 2), **more: Any
) -> list[Row]:
    place = held([content])
    found: list[Row] = []
    async with opened(place, f"a{suffix}", wanted) as found_book:
        async for sheet in found_book.sheets():
            async for chunk in sheet.chunks(more.get("after", 1), columns, more.get("derive", ()), more.get("spread", ())):
                found += chunk
    os.close(place)
    return found


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_hostile_file_is_refused_with_what_to_do(what: str) -> None:
    make, suffix, said = HOSTILE[what]

    with pytest.raises(Unreadable, match=said) as refused:
        await rows_of(make(), suffix)

    assert "请" in str(refused.value) or "只接受" in str(refused.value)


async def test_two_hundred_megabytes_are_not_even_kept() -> None:
    piece, taken = b"x" * 10_000_000, []

    def pieces() -> Any:
        for number in range(20):
            taken.append(number)
            yield piece

    with pytest.raises(Unreadable, match=f"超过 {FILE_BYTES // 1_000_000} MB"):
        held(pieces())
    assert len(taken) == 7


async def test_no_hostile_file_costs_our_own_process_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for make, suffix, _ in HOSTILE.values():
        with pytest.raises(Unreadable):
            await rows_of(make(), suffix)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # KB


async def test_a_child_that_does_not_answer_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PATIENCE", 0.0)

    with pytest.raises(Unreadable, match="用时过长"):
        await rows_of(book())


async def test_the_child_has_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIANBAN_SECRET", "s3cret")
    child = await reading.guarded("tests.sheets.tells_environment", {})

    said, _ = await child.communicate()

    assert b"s3cret" not in said
    assert b"LC_CTYPE" in said or said == b"{}\n"


async def test_rows_keep_their_numbers_over_empty_lines_and_columns() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(4, 1, ["测试乙", 4])

    found = await rows_of(book(fill))

    assert [(row.number, list(row.cells)) for row in found] == [(2, ["甲单位", "测试甲", 3.0]), (5, [None, "测试乙", 4.0])]


async def test_a_sheet_that_begins_further_down_and_right_is_read_where_it_stands() -> None:
    def fill(_: Any, sheet: Any) -> None:
        for row in (0, 1):
            for column in range(3):
                sheet.write_blank(row, column, None)
        sheet.write_row(6, 2, ["x", "y"])

    found = await rows_of(book(fill), columns=(2, 3), after=0)

    assert [(row.number, list(row.cells)) for row in found][-1] == (7, ["x", "y"])


async def test_a_merged_cell_says_the_same_of_all_its_rows_that_say_something() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.merge_range(2, 0, 5, 0, "乙单位")
        for row, cells in ((2, ["乙", 4]), (3, ["小计", 5]), (4, [None, 7])):
            sheet.write_row(row, 1, cells)
        sheet.merge_range(6, 2, 7, 2, 9)
        sheet.write(7, 1, "丙")

    found = await rows_of(book(fill), columns=(0, 1, 2, 0), spread=(0, 1))

    assert [(row.number, list(row.cells)) for row in found][1:] == [
        (3, ["乙单位", "乙", 4.0, "乙单位"]),
        (4, ["乙单位", "小计", 5.0, None]),
        (5, ["乙单位", None, 7.0, None]),
        (7, [None, None, 9.0, None]),
        (8, [None, "丙", None, None]),
    ]


async def test_a_formula_in_a_merged_cell_is_told_of_its_own_row_alone() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.merge_range(2, 0, 3, 0, "")
        sheet.write_formula(2, 0, "=A2", None, "甲单位")
        sheet.write(3, 1, "丙")

    found = await rows_of(book(fill), columns=(0, 1), spread=(0,))

    assert [(list(row.cells), row.computed) for row in found][1:] == [(["甲单位", None], {0}), ([None, "丙"], frozenset())]


async def test_empty_sheets_beside_the_only_one_that_is_filled_are_nothing() -> None:
    def fill(made: Any, _: Any) -> None:
        made.add_worksheet("Sheet2")
        made.add_worksheet("Sheet3")

    found = await rows_of(book(fill), wanted=Wanted(["花名册"], "花名册"))

    assert [list(row.cells) for row in found] == [["甲单位", "测试甲", 3.0]]


async def test_empty_sheets_are_not_named_among_those_of_a_book() -> None:
    def fill(made: Any, _: Any) -> None:
        made.add_worksheet("Sheet2").write_blank(4, 4, None, made.add_format({"bold": True}))
        made.add_worksheet("Sheet3").hide()
        made.add_worksheet("又一张").write(0, 0, "x")
        made.add_chartsheet("图")

    found = await ensure_readable(held([book(fill)]), "a.xlsx", WANTED)

    assert (found.names, found.hidden) == ([TITLE, "又一张"], [])


async def test_a_formula_is_not_taken_for_a_value_in_silence() -> None:
    [row] = await rows_of(hostile.formula("1+6"), columns=(1, 0))

    assert list(row.cells) == [None, 7.0]
    assert row.computed == {1}


async def test_a_formula_without_a_result_is_told_too() -> None:
    [row] = await rows_of(hostile.formula("1+6", result="", beside='<c r="B2"><v>3</v></c>'), columns=(1, 0))

    assert list(row.cells) == [3.0, None]
    assert row.computed == {1}


async def test_a_formula_in_a_text_is_a_text() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_string(2, 1, "=cmd|'/c calc'!A0")

    assert (await rows_of(book(fill)))[1].cells[1] == "=cmd|'/c calc'!A0"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
async def test_a_csv_in_the_usual_encodings_is_read(encoding: str) -> None:
    content = '单位,姓名\n甲单位,"𠮷·买买提, 甲"\n\n乙单位,乙\n'.encode(encoding)

    found = await rows_of(content, ".csv", columns=(0, 1))

    assert [(row.number, list(row.cells)) for row in found] == [(2, ["甲单位", "𠮷·买买提, 甲"]), (4, ["乙单位", "乙"])]


async def test_what_is_hidden_or_struck_out_is_told_of_its_rows_and_columns() -> None:
    def fill(made: Any, sheet: Any) -> None:
        struck, plain = made.add_format({"font_strikeout": True}), made.add_format()
        sheet.write_row(2, 0, ["甲单位", "测试乙", 4])
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.write_row(3, 0, ["甲单位", "测试丙"], struck)
        sheet.write_blank(3, 2, None, struck)
        sheet.write_row(4, 0, ["甲单位", "测试丁", 5])
        sheet.write_rich_string(4, 1, struck, "测试", plain, "丁")
        sheet.set_row(5, 0)  # as high as nothing
        sheet.write(5, 0, "甲单位")
        sheet.set_column(1, 2, None, None, {"hidden": True})

    place = held([book(fill)])
    async with opened(place, "a.xlsx", WANTED) as found:
        [(hidden, rows)] = [
            (sheet.hidden, [row async for chunk in sheet.chunks(1, (1, 0, 2)) for row in chunk]) async for sheet in found.sheets()
        ]
    os.close(place)

    assert (found.plain, set(hidden)) == (False, {1, 2})
    assert [(row.number, row.hidden, set(row.struck)) for row in rows] == [
        (2, False, set()),
        (3, True, set()),
        (4, False, {0, 1}),
        (5, False, {0}),
        (6, True, set()),
    ]


async def test_a_csv_may_be_divided_by_tabs() -> None:
    assert list((await rows_of("单位\t姓名\n甲\t乙\n".encode(), ".csv", columns=(0, 1)))[0].cells) == ["甲", "乙"]


async def test_a_title_above_the_header_does_not_say_how_a_csv_is_divided() -> None:
    content = "某市花名册,2026年\n单位\t姓名\n甲\t乙\n丙\t丁\n".encode()

    assert [list(row.cells) for row in await rows_of(content, ".csv", columns=(0, 1), after=2)] == [["甲", "乙"], ["丙", "丁"]]


@pytest.mark.parametrize("mark", [",", ";", "|", "\t"])
@pytest.mark.parametrize("kind", ["plain", "told", "full of others"])
async def test_what_divides_a_csv_is_what_makes_its_rows_alike(mark: str, kind: str) -> None:
    lines = [["单位", "姓名", "备注"], ["甲", "乙", "本科,学士;教师|党员"], ["丙", "丁", ""], ["戊", "己", ""]]
    if kind == "full of others":
        lines[1][2] = f'"{",;|" * 40}"'
    elif kind == "plain":
        lines[1][2] = ""
    elif mark == "|":
        lines[1][2] = "本科,学士;教师"
    else:
        lines[1][2] = '"本科,学士;教师|党员"'
    text = "".join(f"{mark.join(line)}\r\n" for line in lines)
    content = f"sep={mark}\r\n{text}" if kind == "told" else text

    found = await rows_of(content.encode(), ".csv", columns=(0, 1), after=2 if kind == "told" else 1)

    assert [list(row.cells) for row in found] == [["甲", "乙"], ["丙", "丁"], ["戊", "己"]]


@pytest.mark.parametrize("told", ["sep=，\r\n", ""])
async def test_full_width_marks_in_texts_divide_nothing(told: str) -> None:
    mark = "，" if told else ","
    content = f"{told}附件：单位、姓名\r\n说明：一，二、三\r\n甲、乙，丙\r\n单位{mark}姓名\r\n甲{mark}张、李\r\n"

    found = await rows_of(content.encode(), ".csv", columns=(0, 1), after=5 if told else 4)

    assert [list(row.cells) for row in found] == [["甲", "张、李"]]


async def test_a_register_in_gb18030_with_rare_names_is_no_big5() -> None:
    content = "单位,姓名\n甲单位,張喆瑄\n乙单位,𠮷镕堃\n".encode("gb18030")

    assert [list(row.cells) for row in await rows_of(content, ".csv", columns=(1,))] == [["張喆瑄"], ["𠮷镕堃"]]


async def test_what_other_programs_keep_beside_the_sheets_is_not_read() -> None:
    kept = with_parts(book(), {"customXml/item1.xml": '<?xml version="1.0" encoding="utf-16"?><DataMashup/>'.encode("utf-16")})

    assert await rows_of(kept) == await rows_of(book())


@pytest.mark.parametrize("from_1904", [False, True])
async def test_a_book_tells_whether_its_days_are_counted_from_1904(from_1904: bool) -> None:
    target = BytesIO()
    made = xlsxwriter.Workbook(target, {"in_memory": True, "date_1904": from_1904})
    made.add_worksheet(TITLE).write_row(0, 0, ["单位", "姓名"])
    made.close()
    place = held([target.getvalue()])

    found = await ensure_readable(place, "a.xlsx", WANTED)
    os.close(place)

    assert found.from_1904 is from_1904


async def test_dates_come_as_text_and_truth_as_truth() -> None:
    def fill(made: Any, sheet: Any) -> None:
        sheet.write_datetime(2, 0, date(2021, 3, 5), made.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write_boolean(2, 1, True)

    assert list((await rows_of(book(fill)))[1].cells) == ["2021-03-05", True, None]


@pytest.mark.parametrize("shown", ['yyyy"年"m"月"', "mmm-yy", "yyyy-mm;@", '[$-804]e"年"mm"月";@', 17, 57])
async def test_a_day_that_shows_a_month_is_a_month(shown: str | int) -> None:
    """Who types 2015-9 has the first of September kept, and never sees it."""

    def fill(made: Any, sheet: Any) -> None:
        month, day = made.add_format({"num_format": shown}), made.add_format({"num_format": 'yyyy"年"m"月"d"日"'})
        sheet.write_datetime(2, 0, date(2015, 9, 1), month)
        sheet.write_datetime(2, 1, date(2015, 9, 2), month)
        sheet.write_datetime(2, 2, date(2015, 9, 1), day)

    assert list((await rows_of(book(fill)))[1].cells) == ["2015-09", "2015-09-02", "2015-09-01"]


@pytest.mark.parametrize("shown", ['m"月"d"日"', "d-mmm", "mm-dd", 16, 58])
async def test_a_day_that_shows_no_year_has_none(shown: str | int) -> None:
    """Who types 9-1 has the year of typing kept."""

    def fill(made: Any, sheet: Any) -> None:
        sheet.write_datetime(2, 0, date(2026, 9, 1), made.add_format({"num_format": shown}))
        sheet.write_string(2, 1, "2026-09-01", made.add_format({"num_format": shown}))
        sheet.write_number(2, 2, 46266.25, made.add_format({"num_format": "hh:mm"}))

    assert list((await rows_of(book(fill)))[1].cells) == ["9月1日", "2026-09-01", "2026-09-01 06:00:00"]


async def test_a_hidden_sheet_is_not_read_and_a_hidden_one_that_is_wanted_is_told() -> None:
    def other(made: Any, _: Any) -> None:
        hidden = made.add_worksheet("旧数据")
        hidden.write(0, 0, "x")
        hidden.hide()

    def same(made: Any, sheet: Any) -> None:
        made.add_worksheet("封面").activate()
        made.worksheets_objs[-1].set_first_sheet()
        sheet.hide()

    assert len(await rows_of(book(other))) == 1
    place = held([book(other)])
    async with opened(place, "a.xlsx", WANTED) as found:
        assert (found.names, found.hidden) == ([TITLE], ["旧数据"])
    os.close(place)
    with pytest.raises(Unreadable, match="被隐藏"):
        await rows_of(book(same))


async def test_the_only_sheet_of_another_name_is_taken_and_several_are_asked_about() -> None:
    wanted = Wanted(["编制"], "编制")

    assert len(await rows_of(book(), wanted=wanted)) == 1
    with pytest.raises(Unreadable, match="缺少工作表“编制”。文件中有：人员、又一张"):
        await rows_of(book(lambda made, _: made.add_worksheet("又一张").write(0, 0, "x")), wanted=wanted)


async def test_two_sheets_of_one_title_are_refused_by_name() -> None:
    def twice(made: Any, _: Any) -> None:
        made.add_worksheet(f"{TITLE} ").write(0, 0, "x")

    with pytest.raises(Unreadable, match=f"有多张工作表都当作“{TITLE}”：{TITLE}、{TITLE} 。请合并"):
        await rows_of(book(twice))
    with pytest.raises(Unreadable, match=f"有多张工作表都当作“{TITLE}”：{TITLE}、又一张"):
        await rows_of(book(lambda made, _: made.add_worksheet("又一张").write(0, 0, "x")), wanted=Wanted([TITLE], TITLE, {"又一张": TITLE}))


async def test_a_value_in_a_remark_is_found_by_a_pattern_and_a_costly_one_is_named_before_the_childs_time_is_over() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(1, 0, ["职称：高级教师；其他", "a" * 400])

    [row] = await rows_of(book(fill), columns=(2,), derive=[(0, "职称[:：](?P<value>[^；]+)")])
    assert list(row.cells) == [3.0, "高级教师"]
    with pytest.raises(Unreadable, match=r"pattern（正则表达式）匹配用时过长.*重新上传"):
        await rows_of(book(fill), columns=(2,), derive=[(1, "(a+)+(?P<value>b)")])


async def test_rows_that_each_take_a_little_are_together_too_costly_for_a_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "MATCHING_SECONDS", 0.2)
    before = signal.getsignal(signal.SIGVTALRM)
    hidden = child._Hidden([(0, "(a+)+(?P<value>b)")])
    try:
        with pytest.raises(Unread) as refused:
            _ = [hidden.within(["a" * 17]) for _ in range(400)]
    finally:
        signal.signal(signal.SIGVTALRM, before)

    assert refused.value.code == "pattern"


async def test_many_rows_come_in_chunks_and_the_reader_may_leave_in_the_middle() -> None:
    def fill(_: Any, sheet: Any) -> None:
        for number in range(3_000):
            sheet.write_string(number + 2, 0, "甲单位")

    place, sizes = held([book(fill)]), []
    async with opened(place, "a.xlsx", WANTED) as found:
        async for sheet in found.sheets():
            sizes += [len(chunk) async for chunk in sheet.chunks(1, [0])]
    async with opened(place, "a.xlsx", WANTED) as found:
        assert isinstance(found, Book)
        await asyncio.sleep(0)

    assert sum(sizes) == 3_001
    assert max(sizes) <= 250


async def test_long_texts_come_whole_and_a_few_rows_at_a_time() -> None:
    sizes: list[int] = []
    place = held([hostile.long_texts()])
    async with opened(place, "a.xlsx", WANTED) as found:
        async for sheet in found.sheets():
            sizes += [sum(len(str(cell)) for row in chunk for cell in row.cells) async for chunk in sheet.chunks(0, range(40))]

    assert sum(sizes) == 19 * sum(len(f"{number}") + 30_000 for number in range(40))
    assert max(sizes) <= 2_000_000


async def test_a_mark_of_a_template_is_found() -> None:
    def fill(made: Any, _: Any) -> None:
        sheet = made.add_worksheet(reading.MARK)
        sheet.write(0, 0, "bianban:roster:1")
        sheet.very_hidden()

    def among_others(made: Any, sheet: Any) -> None:
        made.add_worksheet("又一张").write(0, 0, "x")
        fill(made, sheet)

    assert (await ensure_readable(held([book(fill)]), "a.xlsx", WANTED)).mark == "bianban:roster:1"
    with pytest.raises(Unreadable, match="文件中有：人员、又一张。"):
        await rows_of(book(among_others), wanted=Wanted(["编制"], "编制"))


async def test_a_sheet_with_too_many_rows_is_refused() -> None:
    target = BytesIO()
    made = xlsxwriter.Workbook(target, {"constant_memory": True})
    made.add_worksheet(TITLE).write(200_001, 0, "x")
    made.close()

    with pytest.raises(Unreadable, match="200000 行"):
        await rows_of(target.getvalue())
