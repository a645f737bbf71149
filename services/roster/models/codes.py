"""An office's own codes beside those of the standards: what is asked, and how it is refused."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from services.roster.models.fields import SHEETS
from services.roster.models.requests import Request
from shared.errors import Conflict, NotFound

TITLES = {
    **{field.codes: field.label for sheet in reversed(SHEETS.values()) for field in reversed(sheet.fields) if field.codes},
    "fundings": "经费形式",
    "exit_reasons": "减少原因",
}
"""What each set is called: as the first field that holds its codes."""
_KNOWN_BY_NAME = "办理规则按名称使用其中的代码，不能增加。请使用现有代码"
_OF_RULES = "与编制核定和进出编规则相连，不能在此增加。请联系系统维护单位"
CLOSED = dict.fromkeys(
    ("identities", "post_categories", "over_quota_causes", "retirement_categories", "flexible_retirements", "sexes"), _KNOWN_BY_NAME
) | dict.fromkeys(("categories", "kinds", "fundings", "entry_reasons", "exit_reasons"), _OF_RULES)
"""The sets that take no codes of an office, and why."""


class CodeRow(BaseModel):
    """One code as it was written down. `row`: where it stands in the writer's own file; `since`: its first day."""

    row: int | None = Field(None, ge=1, le=10**9)
    set: str = Field(max_length=200)
    code: str = Field(max_length=200)
    label: str = Field(max_length=400)
    aliases: tuple[Annotated[str, Field(max_length=400)], ...] = Field((), max_length=50)
    since: str = Field(max_length=50)


class OwnCode(Request):
    """One code, read."""

    set: str
    code: str
    label: str
    aliases: tuple[str, ...]
    since: date


class AddCodes(Request):
    """Codes of one document, all or none."""

    codes: tuple[CodeRow, ...] = Field(min_length=1, max_length=500)


class CodesAdded(BaseModel):
    """How many were added, and how many were there already, the same."""

    added: int
    same: int


class EndCode(Request):
    """One code of the office, and the day from which it is in force no more."""

    set: str
    code: str
    effective_on: date


class NoSuchCode(NotFound):
    """The set has no such code, or there is no such set."""

    code = "no_such_code"
    sentence = "没有找到这个代码集，或者其中没有这个代码。请核对代码集和代码。"


class CodeNotOwn(Conflict):
    """A code of a standard, or one that the program brought: a migration alone changes it."""

    code = "code_not_own"
    sentence = "该代码是国家标准或系统初始的代码，不能停用。只有本单位增加的代码可以停用，请核对代码。"


class CodeEnded(Conflict):
    """It has an end already."""

    code = "code_ended"
    sentence = "代码“{label}”已定自 {ended_on} 起停用，不能再次停用。请核对代码。"


class CodeEndsTooEarly(Conflict):
    """It would never have been in force."""

    code = "code_ends_too_early"
    sentence = "代码“{label}”自 {since} 起启用，停用日期须晚于这一天。请核对日期。"


class CodesWrong(Conflict):
    """What speaks against the codes, row by row; none was added."""

    code = "codes_wrong"
    sentence = "有 {count} 处问题，没有增加任何代码：\n{problems}\n请改正后重新提交。"
