"""What the lists that can be exported may be narrowed by, in the words of the form. Which list knows which of them its service says."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.exports.filters import FILTERS, VALUES
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
_TEXTS = {"q": "", "week": "（如 2026-W38）"}
_DAYS = ("as_of", "known_on", "since")
_CHOICES: Mapping[str, Options] = {
    "type": _of(ApplicationType),
    "light": _of(Light),
    "level": _of(Light),
    "kind": _of(DifferenceKind),
    "leads": _of(LeadingSide),
    **{name: tuple(VALUES[name].items()) for name in ("population", "group", "tab", "late", "standing", "below", "open_only")},
}
_OPEN = tuple(VALUES["state"].items())
"""Of issues: what their page shows by itself."""


def narrowing(list_name: str, name: str) -> Narrowing:
    """How the form asks for one filter of a list."""
    label = FILTERS.get(name, name)
    if name == "unit":
        return Narrowing(name, label, "unit")
    if name in _DAYS:
        return Narrowing(name, label, "day")
    if name == "state" and list_name in _STATES:
        return Narrowing(name, label, "choice", (_OPEN if list_name == "issues" else ()) + _of(_STATES[list_name]))
    if name in _CHOICES:
        return Narrowing(name, label, "choice", _CHOICES[name])
    if name in _TEXTS:
        return Narrowing(name, label + _TEXTS[name], "text")
    return Narrowing(name, "按所在页面的次序排列" if name == "sort" else f"只要所在页面的这一{label}", "given")


_ELSEWHERE: Mapping[tuple[str, str], tuple[str, str]] = {
    ("population", "off_establishment"): ("roster", "offestablishment"),
    ("type", "issue"): ("monitoring", "issues"),
    ("type", "freeze"): ("monitoring", "freezes"),
    ("type", "list"): ("monitoring", "supervision"),
    **{("state", each): ("monitoring", "issues") for each in IssueState},
    **{("state", each): ("monitoring", "freezes") for each in FreezeState},
}


def list_of(service: str, name: str, asked: Mapping[str, str]) -> tuple[str, str]:
    """The list that holds what the page before shows, where a choice of that page leaves it with another kind."""
    return next((_ELSEWHERE[each] for each in asked.items() if each in _ELSEWHERE), (service, name))
