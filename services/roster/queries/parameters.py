"""The office's limits as data."""

from datetime import date

from pydantic import BaseModel

from shared.db import Connection


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
