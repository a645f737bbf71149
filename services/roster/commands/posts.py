"""What of a post changes while it is held: the internal unit, the person's status there, and the contract of who stands outside the establishment."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from services.roster.commands.records import Line, keep_lines
from services.roster.commands.spans import ended
from services.roster.models.facts import Placement
from services.roster.models.refusals import ChangedLater, PersonNotHere, SinceBeforePost
from services.roster.models.requests import CONTRACT
from services.roster.queries.facts import placements_of
from services.roster.rules.posts import ensure_renewable
from shared.db import By, Connection

_ANY_POST = ("internal_unit", "duty_status")


async def change_post(conn: Connection, by: By, person_id: UUID, since: date, values: Mapping[str, object]) -> None:
    """From a day on the person sits elsewhere in the unit, is in another status, or has another contract. The caller has locked the person."""
    here = next((each for each in await placements_of(conn, person_id) if each.ended_on is None), None)
    if here is None:
        raise PersonNotHere
    if since < here.started_on:
        raise SinceBeforePost(since=since, started_on=here.started_on)
    before = await _state(conn, here, since)
    after = before | dict(values)
    if CONTRACT & values.keys():
        ensure_renewable(before, after, since)
        after["renewed"] = True
    await _write(conn, by, here.placement_id, since, after)
    lines = (Line(name, since, before[name], value, here.placement_id) for name, value in values.items() if before[name] != value)
    await keep_lines(conn, by, person_id, lines)


async def _state(conn: Connection, here: Placement, since: date) -> dict[str, Any]:
    """How it stands. Raises ChangedLater where that is so from a later day on."""
    last = await conn.fetchrow(
        "SELECT * FROM post_changes WHERE placement_id = $1 AND upper_inf(recorded) ORDER BY since DESC LIMIT 1", here.placement_id
    )
    if last is not None and last["since"] > since:
        raise ChangedLater(since=last["since"])
    renewed = last is not None and last["renewed"]
    told = {*(_ANY_POST if last else ()), *(CONTRACT if renewed else ())}
    return {"renewed": renewed} | {
        name: last[name] if last is not None and name in told else getattr(here, name) for name in (*_ANY_POST, *CONTRACT)
    }


async def _write(conn: Connection, by: By, placement_id: UUID, since: date, state: Mapping[str, object]) -> None:
    """A change of the same day is replaced, and stays readable as known before."""
    at = await conn.fetchval(
        f"UPDATE post_changes SET {ended('recorded', '$3')}"
        " WHERE placement_id = $1 AND since = $2 AND upper_inf(recorded) RETURNING upper(recorded)",
        placement_id,
        since,
        by.as_of,
    )
    await conn.execute(
        "INSERT INTO post_changes (placement_id, since, recorded, internal_unit, duty_status, renewed, employment_form, dispatch_company,"
        " contract_until) VALUES ($1, $2, tstzrange($3, NULL), $4, $5, $6, $7, $8, $9)",
        placement_id,
        since,
        at or by.as_of,
        *(state[name] for name in (*_ANY_POST, "renewed", "employment_form", "dispatch_company", "contract_until")),
    )
