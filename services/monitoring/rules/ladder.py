"""The ladder (督办阶梯) that a case pins when it begins (domain §4.4). Pure."""

from collections.abc import Iterable, Sequence

from services.monitoring.models.refusals import LadderUnfit
from shared.glossary import Light, Rung
from workflows.rectification_case import LadderStep

AT_ONCE = -10_000
"""Before every term began: such a rung fires on the working morning after the service."""
FARTHEST = 250
"""Working days between a rung and the end of the term: a year."""


def ladder(steps: Iterable[LadderStep], level: Light, *, again: bool) -> tuple[LadderStep, ...]:
    """What is absorbed by plan (yellow) has none. The second time within twelve months (`again`) 约谈 does not wait until the term is over."""
    if level is Light.YELLOW:
        return ()
    return tuple(_at_once(step) if again and step.rung is Rung.INTERVIEW else step for step in steps)


def _at_once(step: LadderStep) -> LadderStep:
    return step.model_copy(update={"offset": AT_ONCE, "once": True})


def ensure_fit(steps: Sequence[LadderStep]) -> None:
    """Raises LadderUnfit: a term ends for every case, each rung comes once, and a case counts no farther than calendars reach."""
    offsets = {step.rung: step.offset for step in steps}
    far = any(abs(offset) > FARTHEST for offset in offsets.values())
    if offsets.get(Rung.OVERDUE) != 0 or len(offsets) < len(steps) or far:
        raise LadderUnfit(most=FARTHEST)
