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
_DAYS = ("as_of", "since")
_CHOICES: Mapping[str, Options] = {
    "type": _of(ApplicationType),
    "light": _of(Light),
    "level": _of(Light),
    "kind": _of(DifferenceKind),
    "leads": _of(LeadingSide),
    **{name: tuple(VALUES[name].items()) for name in ("population", "group")},
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
    if name == "week":
        return Narrowing(name, f"{label}（如 2026-W38）", "text")
    return Narrowing(name, label, "given")
