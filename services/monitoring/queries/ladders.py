"""What the ladder (督办阶梯) of a case stands on."""

from uuid import UUID

from services.monitoring.rules.facts import Parameters
from services.monitoring.rules.ladder import ladder
from shared.db import Connection
from shared.glossary import Light
from workflows.rectification_case import LadderStep

_TOLD_BEFORE = """
    SELECT EXISTS (SELECT FROM issues i JOIN issues e ON e.unit_id = i.unit_id AND e.rule = i.rule
        JOIN notices n ON n.issue_id = e.id AND (n.issue_id, n.round) <> (i.id, i.round)
        WHERE i.id = $1 AND n.level = 'red' AND n.signed_at < i.found_at AND n.signed_at >= i.found_at - make_interval(months => $2))
"""


async def ladder_of(conn: Connection, issue_id: UUID, level: Light, parameters: Parameters) -> tuple[LadderStep, ...]:
    """As the parameters say; a second time is another finding of the same rule after the unit's notice."""
    steps = [LadderStep.model_validate(step) for step in parameters["*", "ladder"].value]
    return ladder(steps, level, again=await conn.fetchval(_TOLD_BEFORE, issue_id, parameters["*", "repeat_months"].value))
