"""M09 出编超期: past the statutory retirement month and still on the establishment.

Ground: 国务院关于渐进式延迟法定退休年龄的办法 (the month); 出编 follows the retirement (用编进人管理). The count starts with the last day of that month and
is in working days. Where the month cannot be told (unknown category, special group) data is missing: that is said, and nobody is accused.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date

from services.monitoring.rules.facts import Facts, Finding, Judgement, Parameters, PlacementFact, Remark, names_of
from shared.glossary import Light

CODE = "M09"
VERSION = "1"
_UNTOLD = frozenset({"special", "unknown"})


def check(facts: Facts, parameters: Parameters) -> Judgement:
    """Yellow when the month has passed, red when more than `grace_days` working days have passed since its last day (domain §4.2)."""
    staying = [placement for placement in facts.placements if placement.counted and _on_establishment(placement, facts.day)]
    findings = tuple(finding for placement in staying for finding in _findings(placement, facts, parameters))
    remarks = tuple(_data_missing(placement) for placement in staying if _month_untold(placement))
    return Judgement(frozenset(str(placement.person_id) for placement in facts.placements), findings, remarks)


def _on_establishment(placement: PlacementFact, day: date) -> bool:
    """The day of exit does not count."""
    return placement.ended_on is None or placement.ended_on > day


def _month_untold(placement: PlacementFact) -> bool:
    return placement.month is None or placement.category in _UNTOLD


def _findings(placement: PlacementFact, facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    if _month_untold(placement) or placement.month is None:
        return
    last_day = _last_day(placement.month)
    if facts.day <= last_day:
        return
    grace = parameters[CODE, "grace_days"]
    last_of_grace = facts.calendar.add_working_days(last_day, int(grace.value)).due_on
    late = facts.day > last_of_grace
    inputs = {"person_id": str(placement.person_id), "month": placement.month} | names_of(placement)
    threshold = {
        "grace_days": grace.value,
        "version": grace.version,
        "last_day_of_grace": str(last_of_grace),
        "calendar": facts.calendar.version,
    }
    yield Finding(
        CODE,
        VERSION,
        str(placement.person_id),
        Light.RED if late else Light.YELLOW,
        inputs,
        threshold,
        size=2 if late else 1,
        opens_case=late,
    )


def _data_missing(placement: PlacementFact) -> Remark:
    return Remark(CODE, str(placement.person_id), "data_missing", {"person_id": str(placement.person_id), "category": placement.category})


def _last_day(month: str) -> date:
    first = date.fromisoformat(f"{month}-01")
    return first.replace(day=monthrange(first.year, first.month)[1])
