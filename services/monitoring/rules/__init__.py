"""The rules in force, in order; each is one file with its code, its ground and `check(facts, parameters)`. They decide and do no I/O."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

from services.monitoring.rules import over_seats, overdue_exit, overstaffing, placed_before_authorised
from services.monitoring.rules.facts import Facts, Judgement, Parameter, Parameters
from shared.glossary import FreezeScope, IssueState, Light

RULES: Sequence[tuple[str, Callable[[Facts, Parameters], Judgement]]] = (
    (overstaffing.CODE, overstaffing.check),
    (over_seats.CODE, over_seats.check),
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


def judge(facts: Facts, parameters: Parameters, today: date | None = None) -> list[tuple[str, Judgement]]:
    """What each rule says. On facts of a day that is over by now, what time alone has changed since is left to the sweep."""
    said = [(code, check(facts, parameters)) for code, check in RULES]
    if today is None or today <= facts.day:
        return said
    later = {code: check(replace(facts, day=today), parameters) for code, check in RULES if code in TIME_ALONE}
    return [(code, _lasting(judgement, later[code]) if code in later else judgement) for code, judgement in said]


def _lasting(then: Judgement, now: Judgement) -> Judgement:
    """What is still said as it was then; of the other subjects nothing is said, neither that they are found nor that they are gone."""
    before, after = ({finding.subject: finding for finding in each.findings} for each in (then, now))
    same = frozenset(subject for subject in then.looked_at if before.get(subject) == after.get(subject))
    return replace(then, looked_at=same, findings=tuple(finding for finding in then.findings if finding.subject in same))


def first_state(*, opens_case: bool) -> IssueState:
    """How a finding begins: a problem waits to be verified, of a warning there is nothing to verify."""
    return IssueState.TO_VERIFY if opens_case else IssueState.WARNED


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


def freeze_scopes(parameters: Parameters, rule: str) -> tuple[FreezeScope, ...]:
    """In what an overdue case of a rule is proposed to be frozen: the rule's own policy row says it, or that for all."""
    named = parameters.get((rule, "scopes")) or parameters["freeze", "scopes"]
    return tuple(FreezeScope(scope) for scope in named.value)
