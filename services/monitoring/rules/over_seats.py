"""M02 超职数: more leaders in post than 领导职数 approved of a level.

Ground: 地方各级人民政府机构设置和编制管理条例 (国务院令第486号), which names 超职数、超规格配备领导成员 among the acts to be corrected. 职级 are no seats:
the roster counts who takes one. Somebody with two posts takes a seat in each (domain §1.3).
"""

from services.monitoring.rules.facts import Facts, Finding, Judgement, Parameters, SeatFact
from shared.glossary import Light

CODE = "M02"
VERSION = "1"


def check(facts: Facts, parameters: Parameters) -> Judgement:  # noqa: ARG001  every rule has this form; a surplus has no threshold
    """One finding per level; levels are never netted. Whatever the cause, it is a problem (domain §4.2)."""
    findings = tuple(_finding(seat) for seat in facts.seats if seat.surplus)
    return Judgement(frozenset(seat.level for seat in facts.seats), findings)


def _finding(seat: SeatFact) -> Finding:
    level = {"level": seat.level, "level_label": seat.level_label}
    inputs = level | {"approved": seat.approved, "used": seat.used, "over": seat.surplus}
    return Finding(CODE, VERSION, seat.level, Light.RED, inputs, {"over_allowed": 0}, seat.surplus)
