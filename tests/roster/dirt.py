"""Fifty kinds of dirt as offices' spreadsheets have them, in one workbook: instructions, merged headers, hidden sheets, and a person for each kind.

For each: the cells of its row that differ from a good one, and what must become of it: none (taken as it was meant), or a column and a piece of the
sentence that must be said, as a warning or as an error.
"""

import io
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import xlsxwriter

from deploy.city.invented import Inventor
from shared.crypto import masked_id_number
from tests.imports.rows import Cells, person

INVENTOR = Inventor(77, first_sequence=300)
FORMULA = "=1+1"


@dataclass(frozen=True)
class Dirt:
    """`changes` may need the row's own number or birth date: then it is a function of them."""

    what: str
    changes: Any
    column: str = ""
    said: str = ""
    warning: bool = False


TAKEN = (
    Dirt("day with dots", {"入编时间": "2015.9.1"}),
    Dirt("day with slashes", {"入编时间": "2015/9/1"}),
    Dirt("day in Chinese", {"入编时间": "2015年9月1日"}),
    Dirt("day in Chinese figures", {"入编时间": "二〇一五年九月一日"}),
    Dirt("day as eight digits", {"入编时间": "20150901"}),
    Dirt("day as a number of eight digits", {"入编时间": 20150901}),
    Dirt("day as Excel's serial", {"入编时间": 42248}),
    Dirt("day with a time", {"入编时间": "2015-09-01 00:00:00"}),
    Dirt("day that is not padded with a time", {"入编时间": "2015/9/1 00:00:00"}),
    Dirt("day in full-width digits", {"入编时间": "２０１５－０９－０１"}),
    Dirt("day with spaces", {"入编时间": " 2015 - 09 - 01 "}),
    Dirt("month with a dot", {"参加工作时间": "2010.7"}),
    Dirt("month in Chinese", {"参加工作时间": "2010年7月"}),
    Dirt("month as six digits", {"参加工作时间": "201007"}),
    Dirt("month as a number", {"参加工作时间": 2010.7}),
    Dirt("month of birth only", lambda _, born: {"出生日期": f"{born:%Y.%m}"}),
    Dirt("number with spaces", lambda number, _: {"公民身份号码": f"{number[:6]} {number[6:14]} {number[14:]}"}),
    Dirt("number in full-width digits", lambda number, _: {"公民身份号码": number.translate({48 + n: 0xFF10 + n for n in range(10)})}),
    Dirt("number with an apostrophe", lambda number, _: {"公民身份号码": f"'{number}"}),
    Dirt("number with an invisible character", lambda number, _: {"公民身份号码": f"\u200b{number}"}),
    Dirt("name with a space", {"姓名": "张 三"}),
    Dirt("name with a full-width space", {"姓名": "张　三"}),
    Dirt("name with another dot", {"姓名": "阿依古丽•买买提"}),
    Dirt("name with a full-width dot", {"姓名": "阿依古丽．买买提"}),
    Dirt("rare character beyond the BMP", {"姓名": "𠮷𬭎"}),
    Dirt("radical out of a PDF", {"姓名": "⽂⼀"}),
    Dirt("nothing written as 无", {"职务": "无"}),
    Dirt("nothing written as a dash", {"职务": "——"}),
    Dirt("nothing written as a slash", {"专业技术职务": "/"}),
    Dirt("nothing written as 空", {"籍贯": "空"}),
    Dirt("nothing written as N/A", {"籍贯": "N/A"}),
    Dirt("another word for a code", {"学历": "大学", "政治面貌": "党员", "民族": "汉"}),
    Dirt("code with spaces", {"编制类型": " 事业 编制 "}),
    Dirt("line break in a cell", {"籍贯": "某省\n某市"}),
    Dirt("tick for yes", {"是否高配": "√"}),
    Dirt("sex left empty", {"性别": None}, "性别", "已按公民身份号码填入", warning=True),
    Dirt("sex by the standard's code", {"性别": 2.0}),
    Dirt("sex called unknown", {"性别": "未知"}, "性别", "未知或未说明", warning=True),
    Dirt("birth date left empty", {"出生日期": None}, "出生日期", "已按公民身份号码填入", warning=True),
    Dirt("birth date of the archive", {"出生日期": "1980-01-02"}, "出生日期", "档案认定", warning=True),
    Dirt("identity left empty", {"人员身份": "—"}, "人员身份", "身份待核", warning=True),
    Dirt("day without its day", {"入编时间": "2015.9"}, "入编时间", "按当月1日记录", warning=True),
    Dirt("joined the party too young", {"入党时间": "1990-01"}, "入党时间", "18 周岁", warning=True),
)
REFUSED = (
    Dirt("number of fifteen digits", lambda number, _: {"公民身份号码": number[:6] + number[8:17]}, "公民身份号码", "15 位"),
    Dirt("number turned into a float", lambda number, _: {"公民身份号码": float(number[:17] + "0")}, "公民身份号码", "数字格式"),
    Dirt("number in scientific writing", {"公民身份号码": "3.30499E+17"}, "公民身份号码", "数字格式"),
    Dirt("masked number", lambda number, _: {"公民身份号码": masked_id_number(number)}, "公民身份号码", "隐去"),
    Dirt(
        "wrong check digit",
        lambda number, _: {"公民身份号码": number[:17] + ("1" if number[17] != "1" else "2")},
        "公民身份号码",
        "校验码",
    ),
    Dirt("sex against the number", {"性别": "男"}, "性别", "不一致"),
    Dirt("name with a remark", {"姓名": "张三（借调）"}, "姓名", "括号"),
    Dirt("name with a digit", {"姓名": "张三1"}, "姓名", "数字"),
    Dirt("character of a private font", {"姓名": "张\ue000"}, "姓名", "自造字"),
    Dirt("unreadable character", {"姓名": "张\ufffd"}, "姓名", "乱码"),
    Dirt("control character", {"职务": "科\x07员"}, "职务", "控制字符"),
    Dirt("formula written as text", {"职务": '=HYPERLINK("x")'}, "职务", "公式"),
    Dirt("computed cell", {"职务": FORMULA}, "职务", "选择性粘贴"),
    Dirt("error value", {"职务": "#REF!"}, "职务", "错误值"),
    Dirt("certified birth without its day", {"档案认定出生日期": "1980.2"}, "档案认定出生日期", "缺少日"),
    Dirt("year of two digits", {"入编时间": "15.9.1"}, "入编时间", "四位年份"),
    Dirt("day that does not exist", {"入编时间": "2015-02-30"}, "入编时间", "不存在"),
    Dirt("day in the future", {"入编时间": "2030-01-01"}, "入编时间", "晚于今天"),
    Dirt("month that may be two", {"参加工作时间": 2010.1}, "参加工作时间", "10 月"),
    Dirt("month before day", {"入编时间": "9/1/2015"}, "入编时间", "不能确定"),
    Dirt("entered as a child", {"入编时间": "1990-01-01"}, "入编时间", "14 周岁"),
    Dirt("unknown code", {"编制类型": "员额"}, "编制类型", "不在代码表中"),
    Dirt("nothing where something must be", {"入编时间": "无"}, "入编时间", "未填写"),
    Dirt("unit that is nowhere", {"单位": "没有的单位"}, "单位", "都没有"),
    Dirt("posts that nobody approved", {"编制类型": "参公事业编制"}, "编制类型", "没有核定"),
    Dirt("retirement of the other sex", {"退休类别": "男60"}, "退休类别", "性别不符"),
    Dirt("secondment without its days", {"借出单位": "甲单位", "借调开始": None}, "借出单位", "就是所在单位"),
)
ALL = (*TAKEN, *REFUSED)
FIRST_ROW = 6
"""Of the first person: a title, two lines of instructions and a header of two lines stand above."""


def people() -> list[Cells]:
    """One row for each kind of dirt, each another person."""
    made = []
    for place, dirt in enumerate(ALL):
        born = date(1982, 1, 1) + timedelta(days=place)
        number = INVENTOR.id_number(born, "F")
        row = person(姓名="测试人员", 公民身份号码=number, 出生日期=born.isoformat())
        made.append(row | (dirt.changes(number, born) if callable(dirt.changes) else dirt.changes))
    return made


def workbook(units: list[Cells]) -> bytes:
    """The sheets 单位 and 人员, dirty all around: a cover, a hidden old copy, empty rows and columns, totals, footnotes."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    book.add_worksheet("封面").write(0, 0, "实名制台账")
    old = book.add_worksheet("旧数据")
    old.write(0, 0, "单位")
    old.hide()
    _units(book.add_worksheet("单位"), units)
    _persons(book, book.add_worksheet(" 人员 "), people())
    book.close()
    return target.getvalue()


def _units(sheet: Any, units: list[Cells]) -> None:
    columns = list(units[0])
    for place, name in enumerate(columns, start=2):
        sheet.write(2, place, f"{name[:2]} {name[2:]}*（必填）" if len(name) > 2 else name)
    for number, row in enumerate(units, start=4):
        for place, name in enumerate(columns, start=2):
            sheet.write(number, place, row[name])
    total = 5 + len(units)
    sheet.write(total, 2, "合 计")
    sheet.write(total, 2 + columns.index("编制数"), f"{sum(row['编制数'] for row in units) + 1}名")


def _persons(book: Any, sheet: Any, rows: list[Cells]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    sheet.merge_range(0, 0, 0, 8, "望汐市机构编制实名制台账（人员）")
    sheet.write(1, 0, "说明：1. 姓名按身份证填写。2. 单位写全称。")
    merged = {"性别", "出生日期"}
    for place, name in enumerate(columns, start=1):
        if name in merged:
            sheet.write(4, place, name)
        else:
            sheet.merge_range(3, place, 4, place, name)
    first = 1 + columns.index("性别")
    sheet.merge_range(3, first, 3, first + 1, "本人情况")
    sheet.write(3, 0, "序号")
    bold = book.add_format({"bold": True})
    for number, row in enumerate(rows, start=FIRST_ROW - 1):
        sheet.write(number, 0, number - FIRST_ROW + 2)
        for place, name in enumerate(columns, start=1):
            _cell(sheet, number, place, row.get(name), bold)
    end = FIRST_ROW + len(rows)
    sheet.write(end, 0, "合计")
    sheet.write(end, 2, f"{len(rows) - 1}人")
    sheet.write(end + 1, 0, "填表人：某某    审核人：某某")


def _cell(sheet: Any, row: int, column: int, value: Any, style: Any) -> None:
    if value == FORMULA:
        sheet.write_formula(row, column, value, style, 2)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value, style)
    elif value is not None:
        sheet.write_string(row, column, value, style)
