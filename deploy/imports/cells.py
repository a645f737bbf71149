"""Single cells: what an official may have typed, as a value, or a sentence that says what is wrong and what to do."""

import re
from collections.abc import Mapping
from datetime import date

from shared.law.citizen_id import CitizenId, FifteenDigits, InvalidCitizenId, parse_citizen_id
from shared.law.uscc import InvalidUscc, Uscc, parse_uscc

Cell = str | float | None
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{4})(\d{2})(\d{2})")
_EARLIEST = date(1900, 1, 1)


class Wrong(Exception):  # noqa: N818  named as the fact it states
    """The cell cannot be taken; the sentence never repeats an identity number or a name."""


def text(cell: Cell, longest: int = 100) -> str:
    """A text that must be there; control characters are refused."""
    value = _plain(cell)
    if not value:
        raise Wrong("未填写，请补填")
    if len(value) > longest:
        raise Wrong(f"超过 {longest} 个字，请缩短")
    if value[0] in "=+@":
        raise Wrong("以 =、+ 或 @ 开头，会被当作公式，请改为普通文字")
    if not value.isprintable():
        raise Wrong("含有换行或不可见字符，请重新输入")
    return value


def optional_text(cell: Cell, longest: int = 100) -> str | None:
    """A text that may be missing."""
    return None if cell is None else text(cell, longest)


def person_name(cell: Cell) -> str:
    """A name without spaces inside; the dot of minority names is U+00B7."""
    value = re.sub(r"[•‧∙．・]", "·", text(cell, 50))
    if re.search(r"\s", value):
        raise Wrong("姓名中间不应有空格，请删去")
    if re.search(r"[\d=@+<>]", value):
        raise Wrong("姓名中含有数字或符号，请核对")
    return value


def whole_number(cell: Cell) -> int:
    """A number of posts, 0 or more."""
    value = _plain(cell)
    if not re.fullmatch(r"\d{1,5}", value):
        raise Wrong("应为 0 或正整数（不带小数和单位）")
    return int(value)


def day(cell: Cell) -> date:
    """A calendar day in any of the usual ways of writing it."""
    value = _plain(cell)
    if not value:
        raise Wrong("未填写，请补填")
    if not (found := _DATE.fullmatch(value)):
        raise Wrong("不是完整的日期，应写作 2026-09-18（年、月、日都要有）")
    try:
        read = date(*(int(part) for part in found.groups() if part))
    except ValueError:
        raise Wrong("日期不存在，请核对") from None
    if read < _EARLIEST:
        raise Wrong("日期早于 1900 年，请核对")
    return read


def past_day(cell: Cell, today: date) -> date:
    """A day that is not in the future."""
    read = day(cell)
    if read > today:
        raise Wrong(f"晚于今天（{today}），请核对")
    return read


def id_number(cell: Cell) -> CitizenId:
    """A citizen identity number of 18 digits with its check digit."""
    if isinstance(cell, float | int):
        raise Wrong("以数字格式存放，末几位已丢失。请把该列设为“文本”格式后重新录入")
    try:
        return parse_citizen_id(text(cell))
    except FifteenDigits as old:
        raise Wrong(str(old)) from None
    except InvalidCitizenId as wrong:
        raise Wrong(f"{wrong}，请与证件核对") from None


def uscc(cell: Cell) -> Uscc:
    """A unified social credit code."""
    if isinstance(cell, float | int):
        raise Wrong("以数字格式存放，请把该列设为“文本”格式后重新录入")
    try:
        return parse_uscc(text(cell))
    except InvalidUscc as wrong:
        raise Wrong(f"{wrong}，请与证书核对") from None


def one_of(cell: Cell, labels: Mapping[str, str]) -> str:
    """The code for a label (or for the code itself) of a code list."""
    value = text(cell)
    found = labels.get(value) or (value if value in labels.values() else None)
    if found is None:
        raise Wrong(f"“{value[:20]}”不在代码表中，应为：{'、'.join(labels)}")
    return found


def optional_one_of(cell: Cell, labels: Mapping[str, str]) -> str | None:
    """As `one_of`, where nothing may stand."""
    return None if cell is None else one_of(cell, labels)


def _plain(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()
