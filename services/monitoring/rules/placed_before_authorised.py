"""M07 先进人后核编: the person took up the post before it was authorised.

Ground: 先核编后进人 (用编核准 precedes 入编; 486号令 Art. 28, and the published practice 先核编、后进人). The order in time is judged where
both days are known; of a first load it is a baseline finding, like every other. Who was never authorised has no such day and is none of M07: he is
beyond quota, and M01 judges him by the cause that the office recorded.
"""

from services.monitoring.rules.facts import Facts, Finding, Judgement, Parameters, PlacementFact, names_of
from shared.glossary import Light

CODE = "M07"
VERSION = "2"


def check(facts: Facts, parameters: Parameters) -> Judgement:  # noqa: ARG001  every rule has this form; order in time has no threshold
    """Red when the start day lies before the day of authorisation. What has been is not undone: acceptance does not wait for it to vanish."""
    judged = [placement for placement in facts.placements if placement.counted]
    findings = tuple(_finding(placement) for placement in judged if _too_early(placement))
    return Judgement(frozenset(str(placement.person_id) for placement in facts.placements), findings)


def _too_early(placement: PlacementFact) -> bool:
    return placement.authorised_on is not None and placement.started_on < placement.authorised_on


def _finding(placement: PlacementFact) -> Finding:
    dates = {"started_on": str(placement.started_on), "authorised_on": str(placement.authorised_on)}
    inputs = {"person_id": str(placement.person_id)} | names_of(placement) | dates
    return Finding(CODE, VERSION, str(placement.person_id), Light.RED, inputs, {"days_before_authorisation": 0}, must_vanish=False)
