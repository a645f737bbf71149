"""Unified social credit code (统一社会信用代码), GB 32100-2015, with the organisation code inside it, GB 11714-1997.

Some codes of the early pilots fail their check digit and are still in lawful use; so a failing check is an error only where the
establishment office itself is the registrar (11, 12, 13) and a warning elsewhere.
"""

import re
from dataclasses import dataclass

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_OWN_REGISTER = ("11", "12", "13")


class InvalidUscc(ValueError):  # noqa: N818  named as the fact it states
    """The code cannot be one; the text says why."""


@dataclass(frozen=True)
class Uscc:
    """A code of the right form. `warning` says what is doubtful about it (empty when nothing is)."""

    code: str
    warning: str = ""


def check_character(first_seventeen: str) -> str:
    """GB 32100-2015, 4.5: modulo 31 over the first 17 characters."""
    total = sum(_ALPHABET.index(character) * weight for character, weight in zip(first_seventeen, _WEIGHTS, strict=True))
    return _ALPHABET[(31 - total % 31) % 31]


def organisation_check(first_eight: str) -> str:
    """GB 11714-1997: modulo 11 over the first 8 characters of the organisation code; letters count from A = 10."""
    total = sum(int(character, 36) * weight for character, weight in zip(first_eight, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def parse_uscc(text: str) -> Uscc:
    """Check one code. Raises InvalidUscc for a wrong form, and for a wrong check where the office is the registrar (11, 12, 13)."""
    code = text.strip().upper()
    if re.search(r"[IOSVZ]", code):
        raise InvalidUscc("不得含有字母 I、O、S、V、Z")
    if not re.fullmatch(f"[{_ALPHABET}]{{18}}", code):
        raise InvalidUscc("应为 18 位数字或大写字母")
    doubt = _doubt(code)
    if doubt and code.startswith(_OWN_REGISTER):
        raise InvalidUscc(doubt)
    return Uscc(code, doubt)


def _doubt(code: str) -> str:
    if check_character(code[:17]) != code[17]:
        return "校验码不符"
    if organisation_check(code[8:16]) != code[16]:
        return "其中的组织机构代码校验码不符"
    return ""
