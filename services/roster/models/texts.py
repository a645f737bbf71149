"""Texts of the register: what a spreadsheet would take for a formula, and what cannot be shown, does not stand in it, by whatever door it comes."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.spelling import plain_name, standard_han

LONGEST_NAME = 50
_REMARK = re.compile(r"[（(【\[]")
_SEVERAL = re.compile("[、,，;；/／]")
_LOST = re.compile("[\ufffd\ue000-\uf8ff\u2e80-\u2eff□囗]|[\U000f0000-\U0010ffff]")


def unfit(text: str) -> str:
    """Why a text cannot stand in the register, and what to do; nothing for one that can."""
    if text[:1] in {"=", "+", "@", "|"} or (text[:1] == "-" and not text[1:2].isdigit()):
        return "以 =、+、-、| 或 @ 开头，会被当作公式，请改为普通文字"
    if _LOST.search(text):
        return "含有乱码、方框或自造字，请改用标准汉字（生僻字可用输入法或国家标准字库录入）"
    if not text.isprintable() and any(unicodedata.category(each) in {"Cc", "Cf", "Cs", "Cn"} for each in text):
        return "含有不可见的控制字符，请重新输入"
    return ""


def unfit_name(name: str) -> str:
    """The same of a person's name in its plain form: of one person, without remarks, digits and signs."""
    if said := unfit(name):
        return said
    if _REMARK.search(name):
        return "姓名后带有括号备注，请只保留姓名，备注另填"
    if _SEVERAL.search(name):
        return "似有几个人的姓名，请每人分开填写"
    if any(unicodedata.category(each) in {"Nd", "No"} or (_is_sign(each) and each not in "·'’-") for each in name):
        return "姓名中含有数字或符号，请核对"
    return ""


def _is_sign(char: str) -> bool:
    return unicodedata.category(char)[0] in "PS"


def _fit(text: str) -> str:
    plain = standard_han(text).strip()
    if said := unfit(plain) or ("" if plain else "未填写，请补填"):
        raise ValueError(said)
    return plain


def _fit_name(text: str) -> str:
    plain = plain_name(_fit(text)).strip("·")
    if said := unfit_name(plain) or ("" if plain else "未填写，请补填"):
        raise ValueError(said)
    return plain


Line = Annotated[str, Field(max_length=200), AfterValidator(_fit)]
ShortLine = Annotated[str, Field(max_length=100), AfterValidator(_fit)]
UnitName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_fit)]
PersonName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_fit_name)]
