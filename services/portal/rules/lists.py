"""What the lists that can be exported may be narrowed by, in the words of the form. Which list knows which of them its service says."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.exports.filters import VALUES, called, label_of, values_of
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
    Measure,
    Role,
)

Options = tuple[tuple[str, str], ...]
SERVICES = ("roster", "approval", "monitoring", "reporting", "identity")


@dataclass(frozen=True)
class Narrowing:
    """One field of the form: `options` to choose from, a day, or what the page before said (`given`)."""

    name: str
    label: str
    kind: str
    options: Options = ()


def _of(terms: type[StrEnum]) -> Options:
    return tuple((term, LABELS[term]) for term in terms)


_TEXTS = {"q": "", "user": "", "actor": "", "week": "（如 2026-W38）"}
_DAYS = ("as_of", "known_on", "since")
UNITS = ("unit", "of_unit")
"""Filters that name a unit."""
_GIVEN = {"sort": "按所在页面的次序排列", "persons": "只要所在页面列出的人员"}
_CHOICES: Mapping[str, Options] = {
    "type": _of(ApplicationType),
    "light": _of(Light),
    "level": _of(Light),
    "leads": _of(LeadingSide),
    "measure": _of(Measure),
    "role": tuple(each for each in _of(Role) if each[0] != Role.SERVICE),
    **{
        name: tuple(VALUES[name].items())
        for name in ("population", "on_roster", "group", "tab", "late", "standing", "below", "open_only", "counted", "lent")
    },
}
_CHOICES_OF: Mapping[tuple[str, str], Options] = {
    ("applications", "state"): _of(ApplicationState),
    ("issues", "state"): (*VALUES["state"].items(), *_of(IssueState)),
    ("freezes", "state"): _of(FreezeState),
    ("differences", "state"): _of(DifferenceState),
    ("differences", "kind"): _of(DifferenceKind),
    **{(each, name): tuple(values_of(each, name).items())[:1] for each in ("quotas", "seats") for name in ("over", "vacant")},
    ("seats", "level"): (),
    ("roster", "population"): tuple(values_of("roster", "population").items())[:2],
    ("work", "type"): tuple(VALUES["type"].items()),
    ("work", "state"): (*_of(IssueState), *_of(FreezeState), *VALUES["standing"].items()),
}
"""What only one list means by a filter; without options, the page before says it."""


def narrowing(list_name: str, name: str) -> Narrowing:
    """How the form asks for one filter of a list."""
    label = label_of(list_name, name)
    if name == "unit":
        return Narrowing(name, label, "unit")
    if name in _DAYS:
        return Narrowing(name, label, "day")
    if options := _CHOICES_OF.get((list_name, name), _CHOICES.get(name)):
        return Narrowing(name, label, "choice", options)
    if name in _TEXTS:
        return Narrowing(name, label + _TEXTS[name], "text")
    return Narrowing(name, _GIVEN.get(name, f"只要所在页面的这一{label}"), "given")


def told(list_name: str, filters: Mapping[str, object], units: Mapping[str, str]) -> str:
    """By what a list was narrowed, in words; units by their names. A code stays as it is."""
    return "，".join(f"{called(list_name, name, filters)}为{_in_words(list_name, name, value, units)}" for name, value in filters.items())


def _in_words(list_name: str, name: str, value: object, units: Mapping[str, str]) -> str:
    if name == "persons":
        return f"{str(value).count(',') + 1} 人"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    known = {**dict(narrowing(list_name, name).options), **values_of(list_name, name)}
    return units.get(text, text[:13] + "…") if name in UNITS else known.get(text, text)


_OURS, _THEIRS = ("monitoring", "work"), ("approval", "applications")
_ELSEWHERE: Mapping[tuple[str, str], tuple[str, str]] = {
    ("population", "off_establishment"): ("roster", "offestablishment"),
    **{("type", each): _OURS for each in ("issue", "freeze", "list")},
    **{("state", each): _OURS for each in (*IssueState, *FreezeState, *VALUES["standing"])},
    **{("type", each): _THEIRS for each in ApplicationType},
    **{("state", each): _THEIRS for each in ApplicationState},
}
"""Of pages that show what stands in several lists: the one that has what was chosen."""
_BOTH = {*ApplicationState} & {*VALUES["standing"]}
"""States that each of the lists has."""


def list_of(service: str, name: str, asked: Mapping[str, str]) -> tuple[str, str]:
    """The list that holds what the page before shows."""
    several = name in {"roster", "offestablishment", "applications", "work"}
    return next((_ELSEWHERE[each] for each in asked.items() if several and each in _ELSEWHERE and each[1] not in _BOTH), (service, name))
