"""The statutory retirement month (法定退休月份).

Source: 全国人民代表大会常务委员会关于实施渐进式延迟法定退休年龄的决定 (2024-09-13) and 国务院关于渐进式延迟法定退休年龄的办法,
annexes 1 to 3, in force 2025-01-01. The precision of the law is the month. A birth date is the certified one of the archive (档案),
which may differ from the one inside the ID number; so nothing here looks at an ID number.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple


class Sex(StrEnum):
    """GB/T 2261.1, the two values a retirement month can be told for."""

    MALE = "M"
    FEMALE = "F"


class Category(StrEnum):
    """The retirement category (退休类别). It follows from the post and title held, not from the sex alone."""

    M60 = "M60"
    F55 = "F55"
    F50 = "F50"
    SPECIAL = "SPECIAL"


class CategoryMismatch(ValueError):  # noqa: N818  named as the fact it states
    """The category does not exist for this sex."""


class YearMonth(NamedTuple):
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "YearMonth":
        """Read `YYYY-MM`. Raises ValueError for anything else."""
        first = date.fromisoformat(f"{text}-01")
        return cls(first.year, first.month)

    def plus(self, months: int) -> "YearMonth":
        years, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return YearMonth(years, month + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True)
class Retirement:
    """The month by law, or for the special group the months between which every reading of the law lies."""

    birth: YearMonth
    earliest: YearMonth
    latest: YearMonth

    @property
    def month(self) -> YearMonth | None:
        """The statutory month, or None where the law leaves it to a decision on the person."""
        return self.latest if self.earliest == self.latest else None

    @property
    def age(self) -> tuple[int, int] | None:
        """Age at the statutory month in years and months."""
        if self.month is None:
            return None
        return divmod((self.month.year - self.birth.year) * 12 + self.month.month - self.birth.month, 12)


class _Schedule(NamedTuple):
    base_age: int
    months_per_step: int
    most_months: int


_SCHEDULES = {
    Category.M60: _Schedule(60, 4, 36),
    Category.F55: _Schedule(55, 4, 36),
    Category.F50: _Schedule(50, 2, 60),
}
_SEX_OF = {Category.M60: Sex.MALE, Category.F55: Sex.FEMALE, Category.F50: Sex.FEMALE, Category.SPECIAL: Sex.FEMALE}


def retirement(birth: YearMonth, sex: Sex, category: Category) -> Retirement:
    """The statutory month of one person.

    Decision of 2024-09-13, Art. 1 and 2: men and women of original age 55 move one month for every four, to 63 and 58; women of original
    age 50 one month for every two, to 55. The special group (women of 正副县处级 or with 高级职称; 组通字〔2015〕14号) has no published
    month after 2025: the answer is the range from age 55 to the men's schedule. Raises CategoryMismatch.
    """
    if _SEX_OF[category] is not sex:
        raise CategoryMismatch(f"category {category} does not exist for sex {sex}")
    if category is Category.SPECIAL:
        return Retirement(birth, birth.plus(55 * 12), _statutory(birth, _SCHEDULES[Category.M60]))
    month = _statutory(birth, _SCHEDULES[category])
    return Retirement(birth, month, month)


def _statutory(birth: YearMonth, schedule: _Schedule) -> YearMonth:
    months_since_2024 = 12 * (birth.year + schedule.base_age - 2025) + birth.month
    delay = 0 if months_since_2024 <= 0 else min(-(-months_since_2024 // schedule.months_per_step), schedule.most_months)
    return birth.plus(schedule.base_age * 12 + delay)
