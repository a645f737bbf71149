"""What must be said of each row of files/by_hand.xlsx and .csv, which were made in LibreOffice 7.4, not by us.

Our template `roster` was opened there and filled in; a title, a note and a second line of headers were put on top, cells merged, formatted, computed,
a row and a column hidden, the sheets 单位, 封面 and the hidden 去年人员 added; saved as xlsx, opened and saved again; 人员 saved as CSV in GB18030.
Everybody and everything in it is invented (area 330499).
"""

from dataclasses import dataclass
from pathlib import Path

XLSX, CSV = (Path(__file__).parent / "files" / f"by_hand.{suffix}" for suffix in ("xlsx", "csv"))
TITLE_ROW = 4
"""Where the header ends; its last column is one we do not know."""
TOTAL_ROW = 83


@dataclass(frozen=True)
class Row:
    """No column: said of the whole row. Nothing said: nothing may be. `in_csv`: what is said of the same row there, where a text is left of what the cell was; None: the same."""

    number: int
    what: str
    column: str = ""
    said: str = ""
    in_csv: tuple[str, str] | None = None


TAKEN = (
    Row(5, "a good row, of somebody who stands in row 61 too", "公民身份号码", "与第 61 行是同一人，只取本行"),
    Row(6, "day with dots"),
    Row(7, "day in Chinese"),
    Row(8, "day as eight digits"),
    Row(9, "day as a number of eight digits"),
    Row(10, "day as a serial number"),
    Row(11, "a date cell"),
    Row(12, "a date cell shown in Chinese"),
    Row(13, "a date cell shown day first"),
    Row(14, "a date cell with its hour, minute and a broken second"),
    Row(15, "typed, and taken for a date by LibreOffice"),
    Row(16, "day in full-width digits"),
    Row(17, "day in Chinese figures"),
    Row(18, "a date cell shown as year and month"),
    Row(19, "month as a number of two places"),
    Row(20, "month of birth only"),
    Row(21, "lower-case x"),
    Row(22, "multiplication sign for X"),
    Row(23, "number in full-width digits"),
    Row(24, "number in groups"),
    Row(26, "number between unbreakable spaces, below an empty row"),
    Row(28, "number typed with an apostrophe, below an empty row"),
    Row(29, "name with a space"),
    Row(30, "name with a full-width space"),
    Row(31, "name with an unbreakable space"),
    Row(32, "name with a bullet"),
    Row(33, "name with a katakana dot"),
    Row(34, "name with a point"),
    Row(35, "name with characters beyond the BMP"),
    Row(36, "name half bold"),
    Row(37, "nothing as 无"),
    Row(38, "nothing as —"),
    Row(39, "nothing as 空"),
    Row(40, "nothing as a full-width slash"),
    Row(41, "nothing as a full-width dash"),
    Row(42, "nothing as spaces"),
    Row(43, "another word for a code"),
    Row(44, "a truth value, which LibreOffice saves as a formula"),
    Row(45, "a tick"),
    Row(46, "line break in a cell"),
    Row(47, "unit with spaces"),
    Row(48, "row hidden by the sender", said="此行被隐藏或被筛选掉", in_csv=("", "")),
    Row(49, "sex left empty", "性别", "已按公民身份号码填入"),
    Row(50, "birth date of the archive", "出生日期", "档案认定"),
    Row(62, "month where a day must be", "入编时间", "按当月1日记录"),
    Row(77, "unit merged over two rows"),
    Row(78, "below a merged unit", in_csv=("单位", "未填写")),
)
LEFT_OUT = (Row(51, "posts of the political-legal kind", "编制类型", "政法专项"),)
REFUSED = (
    Row(53, "fifteen digits", "公民身份号码", "15 位"),
    Row(54, "fifteen digits as a number", "公民身份号码", "15 位"),
    Row(55, "eighteen digits typed into a cell of numbers", "公民身份号码", "数字格式"),
    Row(56, "number without places", "公民身份号码", "数字格式"),
    Row(57, "masked number", "公民身份号码", "隐去"),
    Row(59, "wrong check digit, below an empty row", "公民身份号码", "校验码"),
    Row(60, "no number", "公民身份号码", "未填写"),
    Row(61, "number of the first person again", "公民身份号码", "与第 5 行是同一人"),
    Row(63, "year of two digits", "入编时间", "四位年份"),
    Row(64, "a day that is none", "入编时间", "不存在"),
    Row(65, "month that may be two", "参加工作时间", "10 月"),
    Row(66, "a day ahead", "入编时间", "晚于今天"),
    Row(67, "name with a remark", "姓名", "括号"),
    Row(68, "name with a digit", "姓名", "数字"),
    Row(69, "character of a private font", "姓名", "自造字"),
    Row(70, "sex against the number", "性别", "不一致"),
    Row(71, "formula", "职务", "选择性粘贴", ("", "")),
    Row(72, "formula that fails", "职务", "选择性粘贴", ("职务", "错误值")),
    Row(73, "text that begins like a formula", "职务", "公式"),
    Row(74, "unknown code", "编制类型", "不在代码表中"),
    Row(75, "posts of another table", "编制类型", "不占编制"),
    Row(76, "unit that is nowhere", "单位", "都没有"),
    Row(79, "loan without its days", "借调开始", "起止日期"),
    Row(80, "retirement of the other sex", "退休类别", "性别不符"),
    Row(81, "entered as a child", "入编时间", "14 周岁"),
)
ALL = (*TAKEN, *LEFT_OUT, *REFUSED)
NAMES = {"王样例", "李样例", "赵样例", "阿依古丽·样例", "𠮷𡃁样", "钱样例", "测试人员"}
DAYS = range(6, 18)
"""Rows of a person who began on 2021-03-15, in whatever way it is written."""
