"""The ladder (督办阶梯) of a case, which it pins when it begins."""

from uuid import UUID

from services.monitoring.rules.facts import Parameters
from shared.db import Connection
from shared.glossary import Light, Rung
from workflows.rectification_case import LadderStep

AT_ONCE = -10_000
"""Before every term began: such a rung fires on the working morning after the service."""
_TOLD_BEFORE = """
    SELECT EXISTS (SELECT FROM issues i JOIN issues e ON e.unit_id = i.unit_id AND e.rule = i.rule
        JOIN notices n ON n.issue_id = e.id AND (n.issue_id, n.round) <> (i.id, i.round)
        WHERE i.id = $1 AND n.level = 'red' AND n.signed_at < i.found_at AND n.signed_at >= i.found_at - make_interval(months => $2))
"""


async def ladder_of(conn: Connection, issue_id: UUID, level: Light, parameters: Parameters) -> tuple[LadderStep, ...]:
    """What is absorbed by plan (yellow) has none. The second time within twelve months (domain §4.4), which is another finding of the same rule after the
    unit's notice, 约谈 does not wait until the term is over.
    """
    if level is Light.YELLOW:
        return ()
    steps = tuple(LadderStep.model_validate(step) for step in parameters["*", "ladder"].value)
    if not await conn.fetchval(_TOLD_BEFORE, issue_id, parameters["*", "repeat_months"].value):
        return steps
    return tuple(LadderStep(rung=step.rung, offset=AT_ONCE, once=True) if step.rung is Rung.INTERVIEW else step for step in steps)
