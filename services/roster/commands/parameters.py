"""The office's limits: versioned, each with its source and owner; nothing is overwritten."""

from datetime import date

from pydantic import Field

from services.roster.commands.mandate import today_of
from services.roster.models.refusals import ChangedLater, ParameterUnknown
from services.roster.models.requests import Request
from shared.db import By, Connection, command


class SetParameter(Request):
    """A value from a day on. Source: which rule or decision it rests on."""

    name: str
    value: int = Field(ge=0, le=10_000)
    valid_from: date
    source: str = Field(min_length=1, max_length=500)


@command
async def set_parameter(conn: Connection, by: By, what: SetParameter) -> None:
    """Set a limit from a day on; the value before stays for the days before."""
    today_of(by)
    last = await conn.fetchrow("SELECT lower(valid) AS since FROM parameters WHERE name = $1 AND upper_inf(valid) FOR UPDATE", what.name)
    if last is None:
        raise ParameterUnknown(name=what.name)
    if last["since"] is not None and last["since"] >= what.valid_from:
        raise ChangedLater(since=last["since"])
    await conn.execute(
        "UPDATE parameters SET valid = daterange(lower(valid), $2) WHERE name = $1 AND upper_inf(valid)", what.name, what.valid_from
    )
    await conn.execute(
        "INSERT INTO parameters (name, value, valid, source, owner, recorded_at) VALUES ($1, $2, daterange($3, NULL), $4, $5, $6)",
        what.name,
        what.value,
        what.valid_from,
        what.source,
        by.actor,
        by.as_of,
    )
