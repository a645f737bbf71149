"""Single cells: what an official may have typed, as a value, or a sentence that says what is wrong and what to do.

No sentence repeats what stands in a cell: it may be a name or an identity number, shifted into any column.
"""

import difflib
import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

from services.roster.models.fields import Field, Kind
from services.roster.models.texts import LONGEST_NAME, unfit, unfit_name
from shared.law.citizen_id import FifteenDigits, InvalidCitizenId, parse_citizen_id
from shared.law.uscc import InvalidUscc, parse_uscc
from shared.spelling import BESIDE_HAN, UNSEEN, plain_name, standard_han

Cell: TypeAlias = str | float | bool | None
Value: TypeAlias = str | int | bool | tuple[str, ...] | None
"""JSON values: a day is `2021-03-01`, a month its first day, a code the code."""
Reader: TypeAlias = Callable[[Cell], Value]

LONGEST = {"duties": 20_000}
USUAL_LENGTH = 200
_NOTHING = frozenset(
    "无 (无) 没有 暂无 空 空白 不详 未知 未填 - -- --- — —— ———— – / // \\ . 。 * ** ? ？ NA N/A n/a #N/A NULL null None nan".split()  # noqa: SIM905  a list of words
)
_DITTO = frozenset('同上 同前 仝上 〃 ″ " “ ” 〞'.split())  # noqa: SIM905
_NO_WORD = _NOTHING | _DITTO
_ERRORS = re.compile(r"#(?:REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|GETTING_DATA|#+)")
_LITERAL = re.compile(r'="([^"]*)"')
_SPACES = re.compile(r"\s+")
_PLAIN_HAN = re.compile("[\u4e00-\u56d6\u56d8-\u9fa5]+")
_PLAIN_TEXT = re.compile("[\u4e00-\u56d6\u56d8-\u9fa5][\u4e00-\u56d6\u56d8-\u9fa50-9A-Za-z〔〕（）、]*")
_PLAIN_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAIN_NUMBER = re.compile("[0-9]{17}[0-9X]")
_DAY = re.compile(r"(?P<year>\d{4})(?:年|(?P<mark>[-/.、。,]))(?P<month>\d{1,2})(?:月|(?(mark)(?P=mark)|[-/.]))(?P<day>\d{1,2})[日号]?")
_RUN_DAY = re.compile(r"(?P<year>(?:19|20|21)\d{2})\.?(?P<month>\d{2})(?P<day>\d{2})")
_SPACED = re.compile(r"\d{4}(?: \d{1,2}){1,2}")
_TIME = re.compile(
    r"(?:[T ]|(?<=[日号]|[一二三四五六天])) *(?:[上下]午)? *\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AP]M)?$|[上下]午 *\d{1,2}:\d{2}(?::\d{2})?$"
)
_WEEKDAY = re.compile(r" ?\(?(?:星期|周)[一二三四五六日天]\)?$")
_MONTH = re.compile(r"(\d{4})(?:[-/.年、。,])(\d{1,2})月?份?")
_CUT_MONTH = re.compile(r"(?:19|20|21)\d{2}\.1")
_NUMBER = re.compile(r"(\d{1,7})(?:\.0+)?[人名个员]?")
_GROUPED = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?![\d,])")
_OUTER_SPACE = re.compile(r"(?<!\d) | (?!\d)")
_NOTE = re.compile("[¹²³¼-¾⁰-₉①-⓿❶-➓㉈-㉏㉑-㉟㊱-㊿]")
"""What would become a digit of the figure it stands beside."""
_CHINESE_NUMBER = re.compile("(?:[一二三四五六七八九]?十[一二三四五六七八九]?|[一二三四五六七八九])(?=[人名个员]?$)")
_CHINESE_DAY = re.compile("[〇零○一二三四五六七八九十]+")
_DIGITS = {digit: str(value) for value, digit in enumerate("〇一二三四五六七八九")} | {"零": "0", "○": "0"}
_BRACKETS = str.maketrans("〔〕【】［］", "[][][]")
_EPOCH = date(1899, 12, 30)  # of Excel's serial days from 1900-03-01 on
_TO_1904 = 1_462
_KEPT = 10**15
"""Below it a number of a spreadsheet has all its digits."""
_EARLIEST, _LATEST = date(1900, 1, 1), date(2200, 1, 1)
_SERIALS = range(10_000, 80_000)
_POWER_OF_TEN = re.compile(r"\d\.\d+E\+?\d+")
"""How a spreadsheet shows a long number as a text: its last digits are gone."""
_SERIAL = re.compile(r"\d{4,5}(?:\.\d+)?")
_YEAR_AND_MONTH = re.compile(r"(?:19|20)\d{2}[1-9](?:\.0)?")
_AMBIGUOUS_SERIAL = "可能是年月（如 2015 年 9 月写成 20159），也可能是 Excel 的日期数字，请写成 2026-09-18 这样的完整日期"
_AMBIGUOUS = "可能是 1 月，也可能是 10 月（数字格式会丢掉末尾的 0），请写成 2021-01 或 2021-10 这样的文本"
_NO_DATE = "不是日期，请写成 2026-09-18"
_TRUE = frozenset("是 有 对 √ ✓ ✔ ☑ ✅ 1 Y YES TRUE 真".split())  # noqa: SIM905
_FALSE = frozenset("否 无 没有 不是 × ✗ ✘ ✕ ✖ X 0 N NO FALSE 假".split())  # noqa: SIM905
NOT_FILLED = "未填写，请补填"
ROUNDED = "末三位是 000，可能曾以数字格式存放而丢失，请与证件核对"
"""Of a number that nobody knows yet: one that the register holds has lost nothing."""
MASKED = "是隐去中间几位的号码，不能据此核对，请填完整号码"


class Wrong(Exception):  # noqa: N818  named as the fact it states
    """The cell cannot be taken; the text says why and what to do."""


class Doubtful(Wrong):
    """`value` is what the cell may be recorded as, once somebody has looked."""

    def __init__(self, value: str, sentence: str) -> None:
        super().__init__(sentence)
        self.value = value


class MonthOnly(Doubtful):
    """A day of which only the month is written."""


@dataclass(frozen=True)
class Choices:
    """One code set as cells are read by it: every word that is taken, in plain form, to the code; and the labels, for people."""

    codes: Mapping[str, str]
    labels: Sequence[str]

    @staticmethod
    def of(rows: Sequence[tuple[str, str, Sequence[str]]]) -> "Choices":
        """From rows of code, label, aliases. A label wins over an alias, an alias over a code."""
        words = {folded(code): code for code, _, _ in rows}
        words |= {folded(alias): code for code, _, aliases in rows for alias in aliases if alias}
        words |= {folded(label): code for code, label, _ in rows}
        return Choices(words, [label for _, label, _ in rows])


def reader_of(field: Field, choices: Mapping[str, Choices]) -> Reader:
    """How cells of a field are read: a value, None for nothing; raises Wrong. Whether it must be filled in is the row's affair."""
    if field.kind is Kind.CODE:
        of_set = choices[field.codes or ""]
        return lambda cell: code(cell, of_set)
    if field.kind is Kind.TEXT:
        longest = LONGEST.get(field.name, USUAL_LENGTH)
        return lambda cell: text(cell, longest)
    if field.kind is Kind.DAY:
        return lambda cell: day(cell, last=field.name.endswith("until"))
    return _READERS[field.kind]


def of_csv(kind: Kind, read: Reader) -> Reader:
    """The same for the cells of a CSV: what a number has lost before it became text is told there too."""
    if kind in {Kind.DAY, Kind.MONTH}:
        return lambda cell: read(float(folded(cell)) if isinstance(cell, str) and _CUT_MONTH.fullmatch(folded(cell)) else cell)
    return (lambda cell: _not_rounded(read(cell))) if kind is Kind.ID_NUMBER else read


def from_1904(read: Reader) -> Reader:
    """The same for days of a book that counts them from 1904, as a number or as its digits in a text. A year and month (2021.3, 20159) is none."""

    def counted(cell: Cell) -> Value:
        plain = folded(cell)
        is_day = _SERIAL.fullmatch(plain) and int(float(plain)) + _TO_1904 in _SERIALS and not _YEAR_AND_MONTH.fullmatch(plain)
        return read((_EPOCH + timedelta(days=int(float(plain)) + _TO_1904)).isoformat() if is_day else cell)

    return counted


def _not_rounded(number: Value) -> Value:
    """A spreadsheet keeps 15 digits of a number."""
    if isinstance(number, str) and number.endswith("000"):
        raise Doubtful(number, ROUNDED)
    return number


def is_nothing(cell: Cell) -> bool:
    """Empty, or one of the ways people write that there is nothing."""
    if cell is None:
        return True
    if not isinstance(cell, str):
        return cell != cell  # noqa: PLR0124  a number that is none
    plain = UNSEEN.sub("", cell).strip().strip("\u3000'")
    return not plain or plain in _NOTHING or (len(plain) < 4 and unicodedata.normalize("NFKC", plain) in _NOTHING)


def written(cell: Cell) -> str:
    """A cell as text: numbers without a needless `.0`, invisible characters gone, one kind of space, none at the ends."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float | int):
        return str(int(cell)) if cell == cell and abs(cell) < 1e16 and cell == int(cell) else f"{cell:.15g}"  # noqa: PLR0124
    plain = UNSEEN.sub("", cell)
    literal = _LITERAL.fullmatch(plain.strip())
    return _SPACES.sub(" ", literal.group(1) if literal else plain).strip().removeprefix("'").strip()


def folded(cell: Cell) -> str:
    """As `written`, with full-width forms as plain ones and no spaces at all: for codes, numbers and days."""
    return unicodedata.normalize("NFKC", written(cell)).replace(" ", "").strip("'’‘`")


def likeness(written_: str | None) -> str:
    """A name or document number as two people write the same one: without spaces, and whatever the width and form of its brackets."""
    return folded(written_).translate(_BRACKETS)


def text(cell: Cell, longest: int = USUAL_LENGTH) -> str | None:
    """A text. What a spreadsheet would take for a formula, and what cannot be shown, is refused."""
    if isinstance(cell, str) and len(cell) <= longest and cell not in _NO_WORD and _PLAIN_TEXT.fullmatch(cell):
        return cell  # as most are
    if is_nothing(cell):
        return None
    plain = standard_han(BESIDE_HAN.sub("", written(cell)))
    if said := untold(plain) or unfit(plain):
        raise Wrong(said)
    if len(plain) > longest:
        raise Wrong(f"超过 {longest} 个字，请缩短")
    return plain or None


def untold(plain: str) -> str:
    """What is said of a text that tells nothing itself, in whatever column."""
    if _ERRORS.fullmatch(plain):
        return "是公式的错误值，请填入实际内容"
    return "指向上一行（同上、〃），不能导入，请填写实际内容" if plain in _DITTO else ""


def name(cell: Cell) -> str | None:
    """A person's name: no spaces inside, the dot of minority names U+00B7."""
    if isinstance(cell, str) and len(cell) <= LONGEST_NAME and cell not in _NO_WORD and _PLAIN_HAN.fullmatch(cell):
        return cell  # as most are
    if isinstance(cell, float | int):
        raise Wrong("应为姓名，单元格中却是数字，请核对是否错列")
    plain = plain_name(text(cell, LONGEST_NAME) or "").strip("·")
    if said := unfit_name(plain):
        raise Wrong(said)
    return plain or None


def texts(cell: Cell) -> tuple[str, ...] | None:
    """Several texts, divided by 、 or its like."""
    if is_nothing(cell):
        return None
    parts = [text(each) for each in re.split(r"[、，,；;\n]", str(cell))]
    return tuple(dict.fromkeys(each for each in parts if each)) or None


def number(cell: Cell) -> int | None:
    """A number of posts, 0 or more."""
    if is_nothing(cell):
        return None
    found = _NUMBER.fullmatch(_plain_number(cell) if isinstance(cell, str) else folded(cell))
    if found is None:
        raise Wrong("应为 0 或正整数，请只填阿拉伯数字，如 30")
    if int(found.group(1)) > 100_000:
        raise Wrong("数字过大，请核对")
    return int(found.group(1))


def _plain_number(cell: str) -> str:
    """Two numbers in one cell stay two: only thousands are put together, and only by their commas."""
    plain = _OUTER_SPACE.sub("", unicodedata.normalize("NFKC", written(_without_note(cell)))).strip("'’‘`")
    return _CHINESE_NUMBER.sub(lambda found: _digits(found.group()), _GROUPED.sub(lambda found: found.group().replace(",", ""), plain))


def _without_note(cell: Cell) -> Cell:
    if isinstance(cell, str) and _NOTE.search(cell):
        raise Wrong("带有注释的序号（如 ①、²），请删去")
    return cell


def flag(cell: Cell) -> bool | None:
    """是 or 否."""
    plain = folded(cell).upper()
    if plain in _TRUE:
        return True
    if plain in _FALSE:
        return False
    if is_nothing(cell):
        return None
    raise Wrong("应填“是”或“否”")


def code(cell: Cell, choices: Choices) -> str | None:
    """The code for a label, for another word of it, or for the code itself."""
    found = choices.codes.get(folded(cell))
    if found is not None or is_nothing(cell):
        return found
    near = difflib.get_close_matches(folded(cell)[:40], choices.labels, n=1, cutoff=0.5)
    if near:
        raise Wrong(f"不在代码表中，是否应为“{near[0]}”？可填的内容见模板“代码表”")
    some = "、".join(choices.labels[:8])
    raise Wrong(f"不在代码表中，可填：{some}{' 等，见模板“代码表”' if len(choices.labels) > 8 else ''}")


def day(cell: Cell, *, last: bool = False) -> str | None:
    """A calendar day, in any of the usual ways of writing it. Raises MonthOnly with the first day of a mere month, or its last where a term ends."""
    if is_nothing(cell):
        return None
    found = _date(cell)
    if found is None:
        first = month(cell) or ""  # says what else is wrong with it
        raise (
            MonthOnly(_last_day(first), "只有年月，按当月最后一日记录，请核对")
            if last
            else MonthOnly(first, "只有年月，按当月1日记录，请核对")
        )
    return found.isoformat()


def month(cell: Cell) -> str | None:
    """A month, as its first day. A whole day may stand there too, and is kept."""
    if is_nothing(cell):
        return None
    full = _date(cell)
    if full is not None:
        return full.isoformat()
    if isinstance(cell, float) and 1900 <= cell < 2200 and cell != int(cell):
        return _month_of_number(cell).isoformat()
    plain = _plain_date(cell)
    found = _MONTH.fullmatch(plain) or re.fullmatch(r"((?:19|20)\d{2})(\d{2})", plain)
    if found is None:
        raise Wrong(_no_date(plain))
    return _real(int(found.group(1)), int(found.group(2)), 1).isoformat()


def id_number(cell: Cell) -> str | None:
    """A citizen identity number of 18 digits with its check digit, in its normal form."""
    if is_nothing(cell):
        return None
    plain = cell if isinstance(cell, str) and _PLAIN_NUMBER.fullmatch(cell) else _folded_number(cell)
    try:
        return parse_citizen_id(plain).number
    except FifteenDigits as old:
        raise Wrong(str(old)) from None
    except InvalidCitizenId as wrong:
        raise Wrong(f"{wrong}，请与证件核对") from None


def _folded_number(cell: Cell) -> str:
    plain = folded(_without_note(cell)).upper().replace("-", "").translate(str.maketrans("×✕Х", "XXX"))
    lost = isinstance(cell, float | int) and cell >= _KEPT
    if lost or _POWER_OF_TEN.fullmatch(plain):
        raise Wrong("以数字格式存放，末几位已丢失，不能恢复。请把该列设为“文本”格式后按证件重新录入")
    if re.search(r"\*{2,}|X{3,}", plain):
        raise Wrong(MASKED)
    return plain


def uscc(cell: Cell) -> str | None:
    """A unified social credit code. A doubtful one of another registrar is taken; `uscc_doubt` says what is doubtful."""
    if is_nothing(cell):
        return None
    plain = folded(cell).upper().replace("-", "")
    if isinstance(cell, float | int) or _POWER_OF_TEN.fullmatch(plain):
        raise Wrong("以数字格式存放，末几位已丢失。请把该列设为“文本”格式后按证书重新录入")
    if len(plain) == 9:
        raise Wrong("是 9 位组织机构代码，请填 18 位统一社会信用代码")
    try:
        return parse_uscc(plain).code
    except InvalidUscc as wrong:
        raise Wrong(f"{wrong}，请与证书核对") from None


def unit(cell: Cell) -> str | None:
    """The name or code of a unit, as it is written; who knows the units finds it."""
    return text(cell)


_READERS: Mapping[Kind, Reader] = {
    Kind.NAME: name,
    Kind.ID_NUMBER: id_number,
    Kind.USCC: uscc,
    Kind.MONTH: month,
    Kind.NUMBER: number,
    Kind.FLAG: flag,
    Kind.UNIT: unit,
    Kind.TEXTS: texts,
}


def _date(cell: Cell) -> date | None:
    """A whole day, or None. Raises Wrong for a day that does not exist."""
    if isinstance(cell, str) and _PLAIN_DAY.fullmatch(cell):
        return _real(int(cell[:4]), int(cell[5:7]), int(cell[8:]))
    plain = _plain_date(cell)
    found = _DAY.fullmatch(plain) or _RUN_DAY.fullmatch(plain)
    if found:
        return _real(*(int(found[part]) for part in ("year", "month", "day")))
    if _YEAR_AND_MONTH.fullmatch(plain):
        raise Wrong(_AMBIGUOUS_SERIAL)
    if _SERIAL.fullmatch(plain) and int(float(plain)) in _SERIALS:
        return _EPOCH + timedelta(days=int(float(plain)))
    return None


def _plain_date(cell: Cell) -> str:
    """A time, or a day of the week, is no part of it, while the space still stands between them: without it, 2015/9/1 00:00 would be the tenth, and 2015 1 1 November."""
    plain = _WEEKDAY.sub("", _TIME.sub("", unicodedata.normalize("NFKC", written(_without_note(cell)))))
    return _in_digits(folded(plain.replace(" ", "-") if _SPACED.fullmatch(plain) else plain)).rstrip(".。、")


def _real(year: int, month_: int, day_: int) -> date:
    try:
        found = date(year, month_, day_)
    except ValueError:
        raise Wrong("日期不存在，请核对") from None
    if not _EARLIEST <= found < _LATEST:
        raise Wrong("日期不在 1900 年至 2199 年之间，请核对")
    return found


def _last_day(first: str) -> str:
    return f"{first[:8]}{monthrange(int(first[:4]), int(first[5:7]))[1]}"


def _month_of_number(cell: float) -> date:
    """2021.03, 2021.3 or 2021.12 as a number; 2021.1 may have been 2021.10."""
    year, part = f"{cell:.15g}".split(".")
    if part == "1":
        raise Wrong(_AMBIGUOUS)
    if len(part) > 2:
        raise Wrong(_NO_DATE)
    return _real(int(year), int(part), 1)


def _in_digits(plain: str) -> str:
    """二〇二一年三月五日 as 2021年3月5日."""
    return _CHINESE_DAY.sub(lambda found: _digits(found.group()), plain) if "年" in plain else plain


def _digits(chinese: str) -> str:
    if "十" not in chinese:
        return "".join(_DIGITS[each] for each in chinese)
    tens, _, ones = chinese.partition("十")
    if "十" in ones or len(tens) > 1 or len(ones) > 1:
        return chinese
    return f"{_DIGITS.get(tens, '1')}{_DIGITS.get(ones, '0')}"


def _no_date(plain: str) -> str:
    if re.fullmatch(
        r"\d{2}[-/.年]\d{1,2}(?:[-/.月]\d{1,2}日?)?|(?!19|20|21)\d{2}(?:0[1-9]|1[0-2])|\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", plain
    ):
        return "年份只有两位，请写四位年份，如 1986-03-05"
    if re.fullmatch(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}", plain):
        return "月、日的先后不能确定，请写成 2026-09-18"
    if re.fullmatch(r"\d{1,2}月\d{1,2}[日号]?", plain):
        return "没有年份（表格程序会补上录入当年的年份），请写成 2026-09-18 这样的完整日期"
    if re.fullmatch(r"(?:19|20|21)\d{2}年?", plain):
        return "只有年份，缺少月、日，请补全"
    return _NO_DATE
