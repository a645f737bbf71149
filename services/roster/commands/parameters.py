"""The office's limits: versioned, each with its source and owner; nothing is overwritten."""

from collections.abc import Mapping
from datetime import date

from pydantic import Field

from services.roster.commands.mandate import today_of
from services.roster.models.refusals import ChangedLater, ParameterMalformed, ParameterUnknown
from services.roster.models.requests import Request
from shared.db import By, Connection, command
from shared.parameter_words import NAMES

RANGES: Mapping[str, tuple[int, int]] = {
    "secondment_months": (1, 60),
    "secondment_total_months": (1, 120),
    "secondment_rest_months": (0, 120),
    "secondment_notice_days": (0, 250),
    "post_use_months": (1, 60),
}
"""The least and the most that each limit may be, in the unit its name ends with."""


class SetParameter(Request):
    """A value from a day on. Source: which rule or decision it rests on."""

    name: str
    value: int = Field(ge=0, le=10_000, strict=True)
    valid_from: date
    source: str = Field(min_length=1, max_length=500)


@command
async def set_parameter(conn: Connection, by: By, what: SetParameter) -> None:
    """Set a limit from a day on; the value before stays for the days before. Raises ParameterUnknown, ParameterMalformed, ChangedLater."""
    today_of(by)
    last = await conn.fetchrow("SELECT lower(valid) AS since FROM parameters WHERE name = $1 AND upper_inf(valid) FOR UPDATE", what.name)
    if last is None:
        raise ParameterUnknown(name=what.name)
    least, most = RANGES[what.name]
    if not least <= what.value <= most:
        raise ParameterMalformed(called=NAMES[what.name], wanted=f" {least} 至 {most} 的整数")
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
