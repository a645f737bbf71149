"""What the ladder (督办阶梯) of a case stands on."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.monitoring.queries.facts import parameters_on
from services.monitoring.rules.facts import Parameters
from services.monitoring.rules.ladder import ladder
from shared.clock import business_day
from shared.db import Connection
from shared.glossary import Light
from workflows.rectification_case import EXTENSION_DAYS, LadderStep

_TOLD_BEFORE = """
    SELECT EXISTS (SELECT FROM issues i JOIN issues e ON e.unit_id = i.unit_id AND e.rule = i.rule
        JOIN notices n ON n.issue_id = e.id AND (n.issue_id, n.round) <> (i.id, i.round)
        WHERE i.id = $1 AND n.level = 'red' AND n.signed_at < i.found_at AND n.signed_at >= i.found_at - make_interval(months => $2))
"""


@dataclass(frozen=True)
class Terms:
    """What a case stands on: its ladder, how many extensions it may get, and of how many working days each at most."""

    ladder: tuple[LadderStep, ...]
    extensions: int
    extension_days: int


async def pinned_terms(conn: Connection, row: asyncpg.Record) -> Terms:
    """The terms of an issue's case, as it pinned them; of one from before they were kept, by the day of its finding."""
    days = EXTENSION_DAYS if row["extension_days"] is None else row["extension_days"]
    if row["ladder"] is not None:
        return Terms(tuple(LadderStep.model_validate(step) for step in row["ladder"]), row["extensions_allowed"], days)
    then = await parameters_on(conn, business_day(row["found_at"]))
    return Terms(await ladder_of(conn, row["id"], Light(row["level"]), then), then["*", "extensions"].value, days)


async def ladder_of(conn: Connection, issue_id: UUID, level: Light, parameters: Parameters) -> tuple[LadderStep, ...]:
    """As the parameters say; a second time is another finding of the same rule after the unit's notice."""
    steps = [LadderStep.model_validate(step) for step in parameters["*", "ladder"].value]
    return ladder(steps, level, again=await conn.fetchval(_TOLD_BEFORE, issue_id, parameters["*", "repeat_months"].value))
