"""Whole files as offices have them, each dirty in its own way all over, and what must become of every row.

What is dirt of one cell stands in `dirt`; here it is the sheet: its headers, pages, groups, merged cells, hidden sheets, how it was saved.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import xlsxwriter

from tests.imports.rows import NUMBERS, USCC, Cells, person
from tests.roster.importing import with_posts

UNITS = [with_posts(9, 内设机构="办公室、财务科"), with_posts(9, 单位名称="乙单位", 统一社会信用代码=USCC[1], 内设机构="办公室")]
"""In the roster before each file comes."""
COLUMNS = (
    "单位",
    "所在内设机构",
    "编制类型",
    "经费形式",
    "姓名",
    "公民身份号码",
    "性别",
    "出生日期",
    "人员身份",
    "岗位类别",
    "职务",
    "入编时间",
)
Rows = Sequence[Sequence[Any]]
Merges = Sequence[tuple[int, int, int, int]]


@dataclass(frozen=True)
class WholeFile:
    """`taken`: by row number what the roster must hold of whom it brings; `said`: row, column and a piece of each sentence, of all of them where the
    list is `whole`; `note`: a piece of what is said of the file.
    """

    what: str
    content: bytes
    taken: Mapping[int, Cells]
    said: Sequence[tuple[int, str, str]] = ()
    name: str = "在编人员.xlsx"
    note: str = ""
    whole: bool = True


def line(place: int, /, **changes: Any) -> list[Any]:
    """A good row of somebody under COLUMNS."""
    return [(person(place) | changes).get(title) for title in COLUMNS]


def sheets(content: Mapping[str, tuple[Rows, Merges]], finish: Callable[[Any, Any], None] = lambda _, __: None) -> bytes:
    """A workbook: title to rows and merged ranges (top, left, bottom, right, from 0); text beginning with = is a formula,
    a pair a formula and its result, dates are date cells.
    """
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    days = book.add_format({"num_format": "yyyy/m/d"})
    for title, (rows, merges) in content.items():
        sheet = book.add_worksheet(title)
        for top, left, bottom, right in merges:
            sheet.merge_range(top, left, bottom, right, "")
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(number, place, cell, days)
                elif isinstance(cell, tuple):
                    sheet.write_formula(number, place, cell[0], None, cell[1])
                elif cell is not None:
                    sheet.write(number, place, cell)
    finish(book, book.worksheets()[-1])
    book.close()
    return target.getvalue()


def good(place: int, /, **changes: Any) -> Cells:
    """What the roster must hold of somebody whose row is good."""
    plain = {name: person(place)[name] for name in ("单位", "姓名", "性别", "出生日期", "入编时间")}
    return plain | {"所在内设机构": None, "职务": None} | changes


def delimited(rows: Rows, mark: str, encoding: str, quoting: Any = csv.QUOTE_MINIMAL) -> bytes:
    """A text that a spreadsheet saved."""
    target = io.StringIO()
    csv.writer(target, delimiter=mark, quoting=quoting).writerows(rows)
    return target.getvalue().encode(encoding)


def lone(rows: Rows, merges: Merges = (), title: str = "人员") -> bytes:
    return sheets({title: (rows, merges)})


def _grouped() -> WholeFile:
    upper = ["序号", "单位", "所在内设机构", "编制情况", None, "个人基本信息", None, None, None, "岗位情况", None, None, None]
    lower = [None, None, None, "编制类型", "经费形式", "姓名", "身份证号码", "性别", "出生年月", "人员身份", "岗位类别", "职务", "入编时间"]
    rows: list[Sequence[Any]] = [
        ["望汐市机关事业单位在编人员花名册"],
        ["填报单位：甲单位", *[None] * 9, "2026年9月"],
        upper,
        lower,
        [1, *line(0)],
        [2, *line(1, 所在内设机构="办公室")],
        [],
        ["小计", *[None] * 4, "2人"],
        [3, *line(2, 单位="乙单位")],
        ["小 计", *[None] * 4, 2],
        ["合计", *[None] * 4, "3人"],
        ["制表人：", "张三", None, "审核人：", "李四", None, "填表日期：", "2026年9月18日"],
    ]
    heads = [*((2, place, 3, place) for place in range(3)), (2, 3, 2, 4), (2, 5, 2, 8), (2, 9, 2, 12), (0, 0, 0, 12)]
    taken = {5: good(0), 6: good(1, 所在内设机构="办公室"), 9: good(2, 单位="乙单位")}
    return WholeFile("two lines of titles, sums, signatures", lone(rows, heads), taken, [(10, "", "“小计”写的是 2，实际共有 1 行")])


def _grouped_untold() -> WholeFile:
    upper = ["单位", "所在内设机构", "编制情况", None, "个人基本信息", None, None, "岗位情况", None, None, None]
    lower = [None, None, "编制类型", "经费形式", "姓名", "身份证号码", "出生年月", "人员身份", "岗位类别", "职务", "入编时间"]
    heads = [(0, 0, 1, 0), (0, 1, 1, 1), (0, 2, 0, 3), (0, 4, 0, 6), (0, 7, 0, 10)]
    content = lone([upper, lower, *map(_sexless, (line(0), line(1)))], heads)
    return WholeFile("two lines of titles, of which something is said", content, {3: good(0), 4: good(1)}, [(2, "", "没有“性别”一列")])


def _titles_untold(above: Rows) -> WholeFile:
    rows = [*above, *map(_sexless, (COLUMNS, line(0), line(1)))]
    after = len(above) + 1
    what = f"titles in line {after} of a CSV, of which something is said"
    taken = {after + 1: good(0), after + 2: good(1)}
    return WholeFile(what, delimited(rows, "\t", "gb18030"), taken, [(after, "", "没有“性别”一列")], name="名册.csv")


def _sexless(row: Sequence[Any]) -> list[Any]:
    return [cell for title, cell in zip(COLUMNS, row, strict=True) if title != "性别"]


def _numbered() -> WholeFile:
    rows: list[Sequence[Any]] = [
        COLUMNS,
        [*"甲乙丙丁", *range(1, 9)],
        ["必填", "选填", *["必填"] * 8, "选填", "必填"],
        line(0),
        line(1, 职务="科员"),
    ]
    return WholeFile("columns numbered below their titles", lone(rows), {4: good(0), 5: good(1, 职务="科员")})


def _paged() -> WholeFile:
    page: list[Sequence[Any]] = [["望汐市在编人员花名册"], COLUMNS]
    end: list[Sequence[Any]] = [["本页小计", None, None, None, 2], ["第 1 页　共 2 页"]]
    rows: list[Sequence[Any]] = [*page, line(0), line(1), *end, *page, line(2), line(3), *end, ["总计", None, None, None, 4]]
    return WholeFile("titles again on each page", lone(rows), {3: good(0), 4: good(1), 9: good(2), 10: good(3)})


def _titled() -> WholeFile:
    rows: list[Sequence[Any]] = [
        COLUMNS,
        ["一、甲单位机关（2人）"],
        line(0),
        line(1),
        ["二、乙单位"],
        line(2, 单位="乙单位"),
        ["财务科"],
        line(3, 所在内设机构="财务科"),
    ]
    taken = {3: good(0), 4: good(1), 6: good(2, 单位="乙单位"), 8: good(3, 所在内设机构="财务科")}
    return WholeFile("titles of groups among the rows", lone(rows, [(1, 0, 1, 11)]), taken, [(7, "", "像是分组的标题，没有读入")])


def _merged_down() -> WholeFile:
    bare = [[None, None, *line(place)[2:]] for place in range(6)]
    rows = [
        COLUMNS,
        line(0, 所在内设机构="办公室"),
        bare[1],
        [None, "财务科", *bare[2][2:]],
        bare[3],
        line(4, 单位="乙单位", 所在内设机构="办公室"),
        bare[5],
    ]
    merges = [(1, 0, 4, 0), (1, 1, 2, 1), (3, 1, 4, 1), (5, 0, 6, 0), (5, 1, 6, 1)]
    of = [
        ("甲单位", "办公室"),
        ("甲单位", "办公室"),
        ("甲单位", "财务科"),
        ("甲单位", "财务科"),
        ("乙单位", "办公室"),
        ("乙单位", "办公室"),
    ]
    taken = {place + 2: good(place, 单位=unit, 所在内设机构=section) for place, (unit, section) in enumerate(of)}
    return WholeFile("unit and section merged over their people", lone(rows, merges), taken)


def _two_lines_each() -> WholeFile:
    rows = [[*COLUMNS, "学历"], [*line(0), "本科"], [*[None] * 12, "大专"], [*line(1), "研究生"]]
    said = [(3, column, "同一个合并单元格") for column in ("姓名", "公民身份号码")]
    return WholeFile(
        "two lines of studies for one person", lone(rows, [(1, place, 2, place) for place in range(12)]), {2: good(0), 4: good(1)}, said
    )


def _computed() -> WholeFile:
    rows: list[Sequence[Any]] = [("序号", *COLUMNS, "年龄")]
    for number in (2, 3, 4):
        there = person(number - 2)
        sex, born = ("男" if there["性别"] == "女" else "女", "1970-01-01") if number == 3 else (there["性别"], there["出生日期"])
        changes = {
            "性别": (f'=IF(MOD(MID(G{number},17,1),2),"男","女")', sex),
            "出生日期": (f'=TEXT(MID(G{number},7,8),"0-00-00")', born),
            "职务": ('=CONCATENATE("科","员")', "科员") if number == 4 else None,
        }
        rows.append(["=ROW()-1", *line(number - 2, **changes), f'=DATEDIF(I{number},TODAY(),"y")'])
    said = [(1, "", "不认识的列未导入：年龄")]
    said += [(row, column, "选择性粘贴为数值") for row, column in ((3, "性别"), (3, "出生日期"), (4, "职务"))]
    return WholeFile("sex and birth computed from the number, confirmed by it or not", lone(rows), {2: good(0)}, said)


def _two_tables() -> WholeFile:
    rows = [
        COLUMNS,
        line(0),
        [],
        ["编外人员名单"],
        ["单位", "所在内设机构", "姓名", "身份证号", "用工方式"],
        ["甲单位", None, "测试乙", NUMBERS[1], "劳务派遣"],
    ]
    said = [(4, "", "像是分组的标题"), (6, "编制类型", "不在代码表中"), (6, "公民身份号码", "未填写"), (6, "入编时间", "未填写")]
    return WholeFile("a second table below the first", lone(rows), {2: good(0)}, said, whole=False)


def _among_others() -> WholeFile:
    def finish(book: Any, sheet: Any) -> None:
        sheet.activate()
        book.worksheets()[0].hide()

    content = sheets(
        {"2023年": ([COLUMNS, line(5)], ()), "人员": ([], ()), "封面": ([["实名制台账"]], ()), "在编人员": ([COLUMNS, line(0)], ())}, finish
    )
    return WholeFile("a hidden list of before, an empty sheet, a cover", content, {2: good(0)}, note="隐藏的工作表“2023年”没有读取")


def _tabbed() -> WholeFile:
    rows = [
        ["在编人员花名册（2026年9月）"],
        COLUMNS,
        line(0, 职务='主任"兼",工会主席'),
        line(1, 职务="科员\n一级", 姓名="𠮷𬭎"),
        line(2, 姓名="阿依古丽•买买提"),
    ]
    taken = {3: good(0, 职务='主任"兼",工会主席'), 4: good(1, 职务="科员一级", 姓名="𠮷𬭎"), 5: good(2, 姓名="阿依古丽·买买提")}
    return WholeFile("GB18030 divided by tabs, quotes and line breaks within", delimited(rows, "\t", "gb18030"), taken, name="名册.txt")


def _unicode_text() -> WholeFile:
    rows = [
        COLUMNS,
        *([f'="{cell}"' if str(cell)[:2].isdigit() else cell for cell in line(place)] for place in (0, 1)),
        ["合计", *[None] * 4, "2人"],
    ]
    return WholeFile(
        'UTF-16, digits written as ="…"', delimited(rows, "\t", "utf-16", csv.QUOTE_ALL), {2: good(0), 3: good(1)}, name="名册.csv"
    )


def _wide() -> WholeFile:
    wide = {48 + digit: 0xFF10 + digit for digit in range(10)} | {ord("-"): "－"}
    rows = [
        [
            "单　位",
            " 所在内设机构（科室）",
            "编制类型*",
            "经费形式：",
            "姓　名",
            "身份证号",
            "性别",
            "出生日期",
            "人员身份",
            "岗位类别",
            "现任职务",
            "入编\n时间",
        ],
        [str(cell).translate(wide) if cell else "—" for cell in line(0)],
        [f" {cell}　" if cell else "无" for cell in line(1, 姓名="张 三")],
        [f"\u200b{cell}\u00a0" if cell else "／" for cell in line(2, 姓名="阿依古丽．买买提")],
        [f"{cell}\n" if cell else "空" for cell in line(3, 姓名="⽂⼀")],
    ]
    taken = {2: good(0), 3: good(1, 姓名="张三"), 4: good(2, 姓名="阿依古丽·买买提"), 5: good(3, 姓名="文一")}
    return WholeFile("full-width digits, spaces of all kinds, words for nothing", lone(rows), taken)


def _numbers() -> WholeFile:
    short = NUMBERS[0][:6] + NUMBERS[0][8:17]
    rows = [
        COLUMNS,
        line(0, 公民身份号码=short),
        line(1, 公民身份号码=float(NUMBERS[1][:15] + "000")),
        line(2, 公民身份号码=int(short)),
        line(3, 公民身份号码=f"'{NUMBERS[3]}"),
        line(4, 公民身份号码=f"{NUMBERS[4][:6]} {NUMBERS[4][6:14]} {NUMBERS[4][14:]}"),
        line(5, 公民身份号码=NUMBERS[3]),
    ]
    said = [
        (2, "公民身份号码", "15 位"),
        (3, "公民身份号码", "末几位已丢失，不能恢复。请把该列设为“文本”格式"),
        (4, "公民身份号码", "15 位旧号码"),
        (5, "公民身份号码", "与第 7 行是同一人"),
        (7, "公民身份号码", "与第 5 行是同一人"),
    ]
    return WholeFile("numbers of fifteen digits, as numbers, twice", lone(rows), {5: good(3), 6: good(4)}, said)


def _days() -> WholeFile:
    written = [date(2015, 9, 1), "2015.9.1", "2015年9月1日", 20150901, 42248, "２０１５／９／１", "2015.9", "15.9.1"]
    births: list[Any] = [date(1986, 3, 5), "1986.03", "1986年3月", "19860305", 31476, "198603", "1986-3-5", "1986/03/05"]
    rows = [COLUMNS, *(line(place, 入编时间=day, 出生日期=birth) for place, (day, birth) in enumerate(zip(written, births, strict=True)))]
    said = [(8, "入编时间", "按当月1日记录"), (9, "入编时间", "四位年份")]
    return WholeFile("days in every form that people write", lone(rows), {place + 2: good(place) for place in range(7)}, said)


ALL = [
    make()
    for make in (
        _grouped,
        _grouped_untold,
        partial(_titles_untold, ()),
        partial(_titles_untold, [["甲单位在编人员花名册"]]),
        _numbered,
        _paged,
        _titled,
        _merged_down,
        _two_lines_each,
        _computed,
        _two_tables,
        _among_others,
        _tabbed,
        _unicode_text,
        _wide,
        _numbers,
        _days,
    )
]
