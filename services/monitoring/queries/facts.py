"""What the rules are given: the rows and persons something happened to, and the parameters that hold on the day."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from services.monitoring import rules
from services.monitoring.models.facts import Occasion
from services.monitoring.rules import ParameterRow
from services.monitoring.rules.facts import EstablishmentFact, Facts, Parameters, PlacementFact
from shared.clock import business_day
from shared.db import Connection
from shared.glossary import OverQuotaCause

_PLACED = (
    "p.person_id, p.kind, p.funding, coalesce(e.counted, true) AS counted, p.started_on, p.ended_on, p.authorised_on,"
    " p.retirement_category AS category, p.retirement_month AS month, p.baseline,"
    " coalesce(e.kind_label, '') AS kind_label, coalesce(e.funding_label, '') AS funding_label"
)


@dataclass(frozen=True)
class Touched:
    """What an event touched: rows (kind, funding) of a unit, and a person."""

    occasion: Occasion
    rows: frozenset[tuple[str, str]]
    person_id: UUID | None


async def facts_of(conn: Connection, touched: Sequence[Touched]) -> list[Facts]:
    """The facts that events touched, each of another unit."""
    rows = await _rows(conn, [(each.occasion.unit_id, *row) for each in touched for row in each.rows])
    placements = await _placements(conn, [(each.occasion.unit_id, each.person_id) for each in touched if each.person_id])
    return [
        Facts(
            business_day(each.occasion.at),
            each.occasion.calendar,
            tuple(rows.get(each.occasion.unit_id, ())),
            tuple(placements.get(each.occasion.unit_id, ())),
        )
        for each in touched
    ]


async def facts_for_sweep(conn: Connection, unit_id: UUID, occasion: Occasion) -> Facts:
    """Everybody of a unit for whom time alone may have changed something: past the month, or without one, or found before."""
    day = business_day(occasion.at)
    placed = await conn.fetch(
        f"SELECT {_PLACED} FROM placements p LEFT JOIN establishments e USING (unit_id, kind, funding)"
        " WHERE p.unit_id = $1 AND ((p.ended_on IS NULL AND (p.retirement_month IS NULL OR p.retirement_month <= $2))"
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
    return in_force(await parameter_versions(conn), day)


async def parameter_versions(conn: Connection) -> str:
    """All versions of all parameters as they stand at this moment, for `in_force`."""
    versions = await conn.fetchval(
        "SELECT json_agg(known)::text FROM (SELECT rule, name, version, value, effective_on FROM parameters) AS known"
    )
    return str(versions)


@lru_cache(maxsize=64)
def in_force(versions: str, day: date) -> Parameters:
    """The versions that hold on a day. What was read is the key, so nothing that has changed is ever taken for the same."""
    return rules.in_force(
        (ParameterRow(**row | {"effective_on": date.fromisoformat(row["effective_on"])}) for row in json.loads(versions)), day
    )


async def _rows(conn: Connection, keys: Sequence[tuple[UUID, str, str]]) -> dict[UUID, list[EstablishmentFact]]:
    found = await conn.fetch(
        "SELECT unit_id, kind, funding, e.counted, e.quota, e.headcount, e.reserved, e.kind_label, e.funding_label,"
        " (SELECT jsonb_object_agg(cause, people) FROM (SELECT cause, count(*) AS people FROM placements p WHERE p.unit_id = e.unit_id"
        " AND p.kind = e.kind AND p.funding = e.funding AND cause IS NOT NULL AND ended_on IS NULL GROUP BY cause) AS causes) AS over_quota"
        " FROM unnest($1::uuid[], $2::text[], $3::text[]) AS touched (unit_id, kind, funding)"
        " JOIN establishments e USING (unit_id, kind, funding)",
        [unit_id for unit_id, _, _ in keys],
        [kind for _, kind, _ in keys],
        [funding for _, _, funding in keys],
    )
    rows: dict[UUID, list[EstablishmentFact]] = {}
    for row in found:
        rows.setdefault(row["unit_id"], []).append(_row(**row))
    return rows


def _row(*, unit_id: UUID, over_quota: dict[str, int] | None, **figures: Any) -> EstablishmentFact:  # noqa: ARG001  the key it was found by
    return EstablishmentFact(**figures, over_quota={OverQuotaCause(cause): people for cause, people in (over_quota or {}).items()})


async def _placements(conn: Connection, keys: Sequence[tuple[UUID, UUID]]) -> dict[UUID, list[PlacementFact]]:
    if not keys:
        return {}
    found = await conn.fetch(
        f"SELECT p.unit_id, {_PLACED} FROM unnest($1::uuid[], $2::uuid[]) AS touched (unit_id, person_id)"
        " JOIN placements p USING (unit_id, person_id) LEFT JOIN establishments e USING (unit_id, kind, funding)",
        [unit_id for unit_id, _ in keys],
        [person_id for _, person_id in keys],
    )
    placements: dict[UUID, list[PlacementFact]] = {}
    for row in found:
        placements.setdefault(row["unit_id"], []).append(_placement(**row))
    return placements


def _placement(*, unit_id: UUID, **placed: Any) -> PlacementFact:  # noqa: ARG001  the key it was found by
    return PlacementFact(**placed)
