"""Citizen identity number (公民身份号码), GB 11643-1999.

The area digits are not judged: codes of abolished areas stay valid for life. No error text carries the number.
"""

import re
from datetime import date
from functools import lru_cache
from operator import mul
from typing import NamedTuple

from shared.law.retirement import Sex

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_FIFTEEN, _EIGHTEEN = re.compile("[0-9]{15}"), re.compile("[0-9]{17}[0-9X]")


class InvalidCitizenId(ValueError):  # noqa: N818  named as the fact it states
    """The number cannot be one; the text says why."""


class FifteenDigits(InvalidCitizenId):
    """A number of the first generation (15 digits, GB 11643-1989): it has no check digit and was replaced by one of 18."""


class CitizenId(NamedTuple):
    """A number whose form and check digit are right."""

    number: str
    born_on: date
    sex: Sex


def check_digit(first_seventeen: str) -> str:
    """ISO 7064 MOD 11-2 over the first 17 digits (GB 11643-1999, 4.2.4)."""
    if len(first_seventeen) != len(_WEIGHTS):
        raise ValueError("17 digits are wanted")
    return _CHECKS[(_share(first_seventeen[:6], 0) + _share(first_seventeen[6:14], 6) + _share(first_seventeen[14:], 14)) % 11]


@lru_cache(65_536)
def _share(digits: str, place: int) -> int:
    """What these digits from a place on add to the sum: areas, days and serial numbers come again and again in a list."""
    return sum(map(mul, map(int, digits), _WEIGHTS[place:]))


def parse_citizen_id(text: str) -> CitizenId:
    """Check one number and read birth date and sex from it. Raises InvalidCitizenId or FifteenDigits."""
    number = text.strip().upper()
    if not _EIGHTEEN.fullmatch(number):
        if _FIFTEEN.fullmatch(number):
            raise FifteenDigits("15 位旧号码，无法校验，请改用 18 位公民身份号码")
        raise InvalidCitizenId("应为 18 位，前 17 位为数字，末位为数字或 X")
    if check_digit(number[:17]) != number[17]:
        raise InvalidCitizenId("校验码不符")
    return CitizenId(number, _birth_date(number), Sex.MALE if int(number[16]) % 2 else Sex.FEMALE)


def _birth_date(number: str) -> date:
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise InvalidCitizenId("出生日期不存在") from None
