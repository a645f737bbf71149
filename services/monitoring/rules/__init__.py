"""The rules in force, in order; each is one file with its code, its ground and `check(facts, parameters)`. They decide and do no I/O."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from services.monitoring.rules import overdue_exit, overstaffing, placed_before_authorised
from services.monitoring.rules.facts import Facts, Judgement, Parameter, Parameters
from shared.glossary import IssueState, Light

RULES: Sequence[tuple[str, Callable[[Facts, Parameters], Judgement]]] = (
    (overstaffing.CODE, overstaffing.check),
    (placed_before_authorised.CODE, placed_before_authorised.check),
    (overdue_exit.CODE, overdue_exit.check),
)
TIME_ALONE = (overdue_exit.CODE,)

SETTLED = frozenset({IssueState.BASELINE, IssueState.CLOSED, IssueState.DISMISSED})
"""States in which an issue colours nothing and stands on no list."""

_ORDER = (Light.GREEN, Light.YELLOW, Light.RED)


class Coloured(Protocol):
    """What the light looks at in an issue."""

    @property
    def state(self) -> IssueState: ...
    @property
    def level(self) -> Light: ...


@dataclass(frozen=True)
class ParameterRow:
    """One version of one parameter."""

    rule: str
    name: str
    version: int
    value: Any
    effective_on: date


def judge(facts: Facts, parameters: Parameters) -> list[tuple[str, Judgement]]:
    """What each rule says."""
    return [(code, check(facts, parameters)) for code, check in RULES]


def light_for(issues: Iterable[Coloured], *, unverified: bool = False) -> Light:
    """The unit's light: its worst open issue (domain §4.2). Events that could not be handled make it 数据待核, but never soften a red."""
    levels = [issue.level for issue in issues if issue.state not in SETTLED]
    worst = max(levels, key=_ORDER.index, default=Light.GREEN)
    return Light.UNVERIFIED if unverified and worst is not Light.RED else worst


def in_force(rows: Iterable[ParameterRow], day: date) -> Parameters:
    """The version of each parameter that holds on a day: of those in effect the latest effective date, then the latest version."""
    chosen: dict[tuple[str, str], ParameterRow] = {}
    for row in sorted((row for row in rows if row.effective_on <= day), key=lambda row: (row.effective_on, row.version)):
        chosen[row.rule, row.name] = row
    return {key: Parameter(row.value, row.version) for key, row in chosen.items()}
