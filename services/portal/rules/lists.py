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
_CHOICES_OF: Mapping[tuple[str, str], Options] = {
    ("applications", "state"): _of(ApplicationState),
    ("issues", "state"): (*VALUES["state"].items(), *_of(IssueState)),
    ("freezes", "state"): _of(FreezeState),
    ("differences", "state"): _of(DifferenceState),
    ("work", "type"): tuple(VALUES["type"].items()),
    ("work", "state"): (*_of(IssueState), *_of(FreezeState), *VALUES["standing"].items()),
}
"""What only one list means by a filter."""


def narrowing(list_name: str, name: str) -> Narrowing:
    """How the form asks for one filter of a list."""
    label = FILTERS.get(name, name)
    if name == "unit":
        return Narrowing(name, label, "unit")
    if name in _DAYS:
        return Narrowing(name, label, "day")
    if options := _CHOICES_OF.get((list_name, name)) or _CHOICES.get(name):
        return Narrowing(name, label, "choice", options)
    if name in _TEXTS:
        return Narrowing(name, label + _TEXTS[name], "text")
    return Narrowing(name, "按所在页面的次序排列" if name == "sort" else f"只要所在页面的这一{label}", "given")


_OURS, _THEIRS = ("monitoring", "work"), ("approval", "applications")
_ELSEWHERE: Mapping[tuple[str, str], tuple[str, str]] = {
    ("population", "off_establishment"): ("roster", "offestablishment"),
    **{("type", each): _OURS for each in ("issue", "freeze", "list")},
    **{("state", each): _OURS for each in (*IssueState, *FreezeState)},
    **{("type", each): _THEIRS for each in ApplicationType},
    **{("state", each): _THEIRS for each in ApplicationState},
}
"""Of pages that show what stands in several lists: the one that has what was chosen."""


def list_of(service: str, name: str, asked: Mapping[str, str]) -> tuple[str, str]:
    """The list that holds what the page before shows."""
    several = name in {"roster", "offestablishment", "applications", "work"}
    return next((_ELSEWHERE[each] for each in asked.items() if several and each in _ELSEWHERE), (service, name))
