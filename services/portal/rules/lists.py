"""What the lists that can be exported may be narrowed by, in the words of the form. Which list knows which of them its service says."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.glossary import (
    LABELS,
    ApplicationState,
    ApplicationType,
    DifferenceKind,
    DifferenceState,
    FreezeState,
    IssueState,
    LeadingSide,
    Light,
)

Options = tuple[tuple[str, str], ...]
SERVICES = ("roster", "approval", "monitoring", "reporting")


@dataclass(frozen=True)
class Narrowing:
    """One field of the form: `options` to choose from, a day, or what the page before said (`given`)."""

    name: str
    label: str
    kind: str
    options: Options = ()


def _of(terms: type[StrEnum]) -> Options:
    return tuple((term, LABELS[term]) for term in terms)


_STATES: Mapping[str, type[StrEnum]] = {
    "applications": ApplicationState,
    "issues": IssueState,
    "freezes": FreezeState,
    "differences": DifferenceState,
}
_DAYS = {"as_of": "以哪一天为准", "since": "从哪一天起"}
_CHOICES: Mapping[str, tuple[str, Options]] = {
    "type": ("申请类型", _of(ApplicationType)),
    "light": ("亮灯", _of(Light)),
    "level": ("等级", _of(Light)),
    "kind": ("差异种类", _of(DifferenceKind)),
    "leads": ("以谁为准", _of(LeadingSide)),
    "population": ("人员范围", (("public", "机关事业"), ("state_enterprise", "国资"))),
    "group": ("分组", (("kind", "编制类型"), ("category", "单位类别"), ("parent", "主管部门"), ("town", "镇街"))),
}
_GIVEN = {"run": "比对", "week": "期次（如 2026-W38）", "sheet": "表", "field": "列", "rule": "规则", "known_on": "以哪一天所知为准"}
_GIVEN |= {"category": "单位类别", "unit_funding": "经费形式", "rank": "级别", "system": "系统"}
_OPEN = (("open", "未了的"),)
"""Of issues: what their page shows by itself."""


def narrowing(list_name: str, name: str) -> Narrowing:
    """How the form asks for one filter of a list."""
    if name == "unit":
        return Narrowing(name, "单位（含下级）", "unit")
    if name in _DAYS:
        return Narrowing(name, _DAYS[name], "day")
    if name == "state" and list_name in _STATES:
        return Narrowing(name, "状态", "choice", (_OPEN if list_name == "issues" else ()) + _of(_STATES[list_name]))
    if name in _CHOICES:
        return Narrowing(name, _CHOICES[name][0], "choice", _CHOICES[name][1])
    return Narrowing(name, _GIVEN.get(name, name), "text" if name == "week" else "given")
