"""The office's limits as data."""

from datetime import date, datetime

from pydantic import BaseModel

from shared.clock import business_day
from shared.db import Connection

POST_USE_MONTHS = "post_use_months"
"""How long an authorised use (核准用编) is valid."""


class ParameterView(BaseModel):
    """One value of a limit. `valid_from`, `valid_until` (not included): none where open."""

    name: str
    value: int
    valid_from: date | None
    valid_until: date | None
    source: str
    owner: str


async def parameters(conn: Connection) -> list[ParameterView]:
    """Every value of every limit, by name and time."""
    rows = await conn.fetch(
        "SELECT name, value, lower(valid) AS valid_from, upper(valid) AS valid_until, source, owner FROM parameters ORDER BY name, valid"
    )
    return [ParameterView(**row) for row in rows]


async def limit_at(conn: Connection, name: str, at: datetime) -> int:
    """The value that was known then to be in force then: what is set later, also for days before, does not touch it."""
    value: int = await conn.fetchval(
        "SELECT value FROM parameters WHERE name = $1 AND recorded_at <= $2 AND coalesce(lower(valid), '-infinity') <= $3"
        " ORDER BY lower(valid) DESC NULLS LAST LIMIT 1",
        name,
        at,
        business_day(at),
    )
    return value
