"""What stands in the two sheets once it is judged: units with their posts and people, and the problems of single cells."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

UNITS, PERSONS = "单位", "人员"
COLUMNS: dict[str, tuple[str, ...]] = {
    UNITS: ("单位名称", "统一社会信用代码", "单位类别", "主管部门", "编制类型", "经费形式", "编制数", "批准文号", "批准日期"),
    PERSONS: (
        *("单位", "编制类型", "经费形式", "姓名", "公民身份号码", "性别", "出生日期", "人员身份", "岗位类别", "职务", "专业技术职务"),
        *("退休类别", "入编时间"),
    ),
}


@dataclass(frozen=True)
class Codes:
    """The code lists as the roster has them today: label to code."""

    categories: Mapping[str, str]
    kinds: Mapping[str, str]
    fundings: Mapping[str, str]
    identities: Mapping[str, str]
    post_categories: Mapping[str, str]
    retirement_categories: Mapping[str, str]


@dataclass(frozen=True)
class Problem:
    """One thing about one cell. A warning does not keep the row out."""

    sheet: str
    row: int
    column: str
    sentence: str
    warning: bool = False


@dataclass(frozen=True)
class Quota:
    """One good row of 单位."""

    row: int
    kind: str
    funding: str
    posts: int
    document_no: str
    document_on: date


@dataclass(frozen=True)
class Person:
    """One good row of 人员."""

    row: int
    kind: str
    funding: str
    name: str
    id_number: str
    sex: str
    birth_on: date
    certified_birth_on: date
    identity: str
    post_category: str
    title: str | None
    professional_title: str | None
    retirement_category: str | None
    started_on: date


@dataclass
class Unit:
    """One unit with its good rows, ready to be loaded."""

    row: int
    name: str
    uscc: str
    category: str
    parent: str | None
    quotas: list[Quota] = field(default_factory=list)
    persons: list[Person] = field(default_factory=list)


@dataclass
class Judgement:
    """What became of a file. `units` are in loading order; the rows of `left_out` are not in them."""

    units: list[Unit] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)

    @property
    def errors(self) -> list[Problem]:
        """What must be mended."""
        return [problem for problem in self.problems if not problem.warning]

    @property
    def good_rows(self) -> int:
        """Rows that would be written."""
        return sum(len(unit.quotas) + len(unit.persons) for unit in self.units)
