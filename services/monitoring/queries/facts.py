"""What the rules are given: the rows and persons something happened to, and the parameters that hold on the day."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

import asyncpg

from services.monitoring import rules
from services.monitoring.models.facts import Occasion
from services.monitoring.rules import ParameterRow
from services.monitoring.rules.facts import EstablishmentFact, Facts, Parameters, PlacementFact
from shared.clock import business_day
from shared.db import Connection
from shared.glossary import OverQuotaCause

_PLACEMENT = (
    "SELECT p.person_id, p.kind, p.funding, coalesce(e.counted, true) AS counted, p.started_on, p.ended_on, p.authorised_on,"
    " p.retirement_category AS category, p.retirement_month AS month, p.baseline,"
    " coalesce(e.kind_label, '') AS kind_label, coalesce(e.funding_label, '') AS funding_label"
    " FROM placements p LEFT JOIN establishments e USING (unit_id, kind, funding)"
)


async def facts_of(conn: Connection, occasion: Occasion, rows: Collection[tuple[str, str]], person_id: UUID | None) -> Facts:
    """The facts that an event touched."""
    return Facts(
        business_day(occasion.at),
        occasion.calendar,
        await _rows(conn, occasion.unit_id, rows),
        await _person(conn, occasion.unit_id, person_id),
    )


async def facts_for_sweep(conn: Connection, unit_id: UUID, occasion: Occasion) -> Facts:
    """Everybody of a unit for whom time alone may have changed something: past the month, or without one, or found before."""
    day = business_day(occasion.at)
    placed = await conn.fetch(
        _PLACEMENT + " WHERE p.unit_id = $1 AND ((p.ended_on IS NULL AND (p.retirement_month IS NULL OR p.retirement_month <= $2))"
        " OR p.person_id::text IN (SELECT subject FROM issues WHERE unit_id = $1 AND rule = ANY($3) AND present))",
        unit_id,
        f"{day:%Y-%m}",
        list(rules.TIME_ALONE),
    )
    return Facts(day, occasion.calendar, placements=tuple(PlacementFact(**row) for row in placed))


async def units_to_sweep(conn: Connection, day: date) -> list[UUID]:
    """Units with somebody past his statutory month, or with a finding of that kind."""
    rows = await conn.fetch(
        "SELECT unit_id FROM placements WHERE ended_on IS NULL AND retirement_month < $1"
        " UNION SELECT unit_id FROM issues WHERE rule = ANY($2) AND present ORDER BY unit_id",
        f"{day:%Y-%m}",
        list(rules.TIME_ALONE),
    )
    return [row["unit_id"] for row in rows]


async def parameters_on(conn: Connection, day: date) -> Parameters:
    """The versions that hold on a day."""
    rows = await conn.fetch("SELECT rule, name, version, value, effective_on FROM parameters WHERE effective_on <= $1", day)
    return rules.in_force((ParameterRow(**row) for row in rows), day)


async def _rows(conn: Connection, unit_id: UUID, keys: Collection[tuple[str, str]]) -> tuple[EstablishmentFact, ...]:
    if not keys:
        return ()
    found = await conn.fetch(
        "SELECT e.kind, e.funding, e.counted, e.quota, e.headcount, e.reserved, e.kind_label, e.funding_label,"
        " (SELECT jsonb_object_agg(cause, people) FROM (SELECT cause, count(*) AS people FROM placements p WHERE p.unit_id = e.unit_id"
        " AND p.kind = e.kind AND p.funding = e.funding AND cause IS NOT NULL AND ended_on IS NULL GROUP BY cause) AS causes) AS over_quota"
        " FROM establishments e WHERE e.unit_id = $1 AND (e.kind, e.funding) IN (SELECT * FROM unnest($2::text[], $3::text[]))",
        unit_id,
        [kind for kind, _ in keys],
        [funding for _, funding in keys],
    )
    return tuple(_row(row) for row in found)


def _row(row: asyncpg.Record) -> EstablishmentFact:
    causes = {OverQuotaCause(cause): people for cause, people in (row["over_quota"] or {}).items()}
    return EstablishmentFact(**{**row, "over_quota": causes})


async def _person(conn: Connection, unit_id: UUID, person_id: UUID | None) -> tuple[PlacementFact, ...]:
    if person_id is None:
        return ()
    rows = await conn.fetch(_PLACEMENT + " WHERE p.unit_id = $1 AND p.person_id = $2", unit_id, person_id)
    return tuple(PlacementFact(**row) for row in rows)
