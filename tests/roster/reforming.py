"""Reforms for the roster's tests: short to write, and what became of units and people."""

from datetime import date, timedelta
from typing import TypeVar
from uuid import UUID

from services.roster.commands.reforms import carry_out
from services.roster.models.units import Reform, Reformed
from services.roster.queries import units as queries
from services.roster.queries.establishments import Moment
from shared.auth import Who
from shared.db import Database
from shared.events.roster import RosterEvent
from shared.glossary import Role
from tests.roster import given

OFFICE = Who("officer", frozenset({Role.BUSINESS_OFFICER}))
SINCE = date(2026, 9, 10)
BEFORE = SINCE - timedelta(days=1)
Step = dict[str, object]
E = TypeVar("E", bound=RosterEvent)


def reform(*steps: Step, since: date = SINCE, **more: object) -> Reform:
    return Reform.model_validate({"title": "机构改革", "effective_on": since, "document_on": date(2026, 9, 1), "steps": steps} | more)


async def carried_out(database: Database, *steps: Step, since: date = SINCE, **more: object) -> Reformed:
    return await carry_out(database, given.by(), reform(*steps, since=since, **more))


def merge(gone: UUID, into: UUID) -> Step:
    return {"step": "merge", "unit_id": gone, "into_unit_id": into}


async def view(database: Database, unit_id: UUID, on: date | None = None) -> queries.UnitView:
    async with database.reading() as conn:
        return await queries.unit_view(conn, unit_id, OFFICE, Moment(on))


async def told(database: Database, kind: type[E]) -> list[E]:
    return [event for event in await given.published(database) if isinstance(event, kind)]


async def people_of(database: Database, unit_id: UUID, on: date = given.TODAY) -> set[UUID]:
    rows = await database.pool.fetch(
        "SELECT person_id FROM placements WHERE unit_id = $1 AND during @> $2::date AND upper_inf(recorded)", unit_id, on
    )
    return {row["person_id"] for row in rows}
