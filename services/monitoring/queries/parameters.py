"""Reads about rule parameters and policies: every version, and which holds."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from services.monitoring import rules
from services.monitoring.rules import ParameterRow
from services.monitoring.rules.facts import Parameters
from shared.db import Connection


class ParameterLine(BaseModel):
    """One version of one parameter."""

    rule: str
    name: str
    version: int
    value: Any
    effective_on: date
    source: str
    owner: str
    recorded_at: datetime
    recorded_by: str
    in_force: bool


async def parameters(conn: Connection, day: date) -> list[ParameterLine]:
    """All versions of all parameters; `in_force` tells which holds on the day."""
    rows = await conn.fetch("SELECT * FROM parameters ORDER BY rule, name, version")
    names = ParameterRow.__dataclass_fields__
    holding = rules.in_force((ParameterRow(**{name: row[name] for name in names}) for row in rows), day)
    return [ParameterLine(**row, in_force=_holds(holding, row["rule"], row["name"], row["version"])) for row in rows]


def _holds(holding: Parameters, rule: str, name: str, version: int) -> bool:
    found = holding.get((rule, name))
    return found is not None and found.version == version
