"""What the rules are given: the rows and persons something happened to, and the parameters that hold on the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from uuid import UUID

from pydantic import TypeAdapter

from services.monitoring import rules
from services.monitoring.models.facts import CONSUMER, Occasion
from services.monitoring.rules import ParameterRow
from services.monitoring.rules.facts import EstablishmentFact, Facts, Parameters, PlacementFact, SeatFact
from shared.clock import business_day
from shared.db import Connection

_PLACED = (
    "p.person_id, p.kind, p.funding, coalesce(e.counted, true) AS counted, p.started_on, p.ended_on, p.authorised_on,"
    " p.retirement_category AS category, p.retirement_month AS month,"
    " coalesce(e.kind_label, '') AS kind_label, coalesce(e.funding_label, '') AS funding_label"
)
_TOUCHED_PEOPLE = (
    "SELECT json_object_agg(unit_id, people) FROM (SELECT unit_id, json_agg(placed) AS people FROM"
    f" (SELECT unit_id, {_PLACED} FROM unnest($4::uuid[], $5::uuid[]) AS touched (unit_id, person_id)"
    " JOIN placements p USING (unit_id, person_id) LEFT JOIN establishments e USING (unit_id, kind, funding)) AS placed"
    " GROUP BY unit_id) AS units"
)
_TOUCHED_ROWS = (
    "SELECT json_object_agg(unit_id, rows) FROM (SELECT unit_id, json_agg(of_unit) AS rows FROM"
    " (SELECT unit_id, kind, funding, e.counted, e.quota, e.headcount, e.reserved, e.kind_label, e.funding_label, e.over_quota_cause,"
    " (SELECT coalesce(json_object_agg(cause, people), '{}') FROM (SELECT cause, count(*) AS people FROM placements p"
    " WHERE p.unit_id = e.unit_id AND p.kind = e.kind AND p.funding = e.funding AND cause IS NOT NULL AND ended_on IS NULL"
    " GROUP BY cause) AS causes) AS over_quota"
    " FROM unnest($1::uuid[], $2::text[], $3::text[]) AS touched (unit_id, kind, funding)"
    " JOIN establishments e USING (unit_id, kind, funding)) AS of_unit GROUP BY unit_id) AS units"
)
_TOUCHED_SEATS = (
    "SELECT json_object_agg(unit_id, levels) FROM (SELECT unit_id, json_agg(of_unit) AS levels FROM"
    " (SELECT unit_id, level, approved, used, level_label FROM unnest($6::uuid[], $7::text[]) AS touched (unit_id, level)"
    " JOIN seats USING (unit_id, level)) AS of_unit GROUP BY unit_id) AS units"
)
_VERSIONS = "SELECT json_agg(known) FROM (SELECT rule, name, version, value, effective_on FROM parameters) AS known"
_ROWS = TypeAdapter(dict[UUID, tuple[EstablishmentFact, ...]])
_PEOPLE = TypeAdapter(dict[UUID, tuple[PlacementFact, ...]])
_SEATS = TypeAdapter(dict[UUID, tuple[SeatFact, ...]])
_PARAMETERS = TypeAdapter(list[ParameterRow])


@dataclass(frozen=True)
class Touched:
    """What an event touched: rows (kind, funding) of a unit, people, and levels of 领导职数."""

    occasion: Occasion
    rows: frozenset[tuple[str, str]]
    people: tuple[UUID, ...] = ()
    levels: tuple[str, ...] = ()


async def facts_of(conn: Connection, touched: Sequence[Touched]) -> list[tuple[Facts, Parameters]]:
    """The facts that events touched, each of another unit, and the parameters that hold on its day. One statement, however many they are."""
    rows = [(each.occasion.unit_id, *row) for each in touched for row in each.rows]
    people = [(each.occasion.unit_id, person_id) for each in touched for person_id in each.people]
    levels = [(each.occasion.unit_id, level) for each in touched for level in each.levels]
    (found,) = await conn.fetch(
        f"SELECT ({_TOUCHED_ROWS})::text AS rows, ({_TOUCHED_PEOPLE})::text AS people, ({_TOUCHED_SEATS})::text AS seats,"
        f" ({_VERSIONS})::text AS versions",
        [unit_id for unit_id, _, _ in rows],
        [kind for _, kind, _ in rows],
        [funding for _, _, funding in rows],
        [unit_id for unit_id, _ in people],
        [person_id for _, person_id in people],
        [unit_id for unit_id, _ in levels],
        [level for _, level in levels],
    )
    establishments, placements = _ROWS.validate_json(found["rows"] or "{}"), _PEOPLE.validate_json(found["people"] or "{}")
    seats = _SEATS.validate_json(found["seats"] or "{}")
    return [
        (
            Facts(day, each.occasion.calendar, establishments.get(unit_id, ()), placements.get(unit_id, ()), seats.get(unit_id, ())),
            _in_force(found["versions"], day),
        )
        for each in touched
        for unit_id, day in [(each.occasion.unit_id, business_day(each.occasion.at))]
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
    """Units with somebody past his statutory month, or with a finding of that kind; not those with parked events, which may tell another story."""
    rows = await conn.fetch(
        "SELECT unit_id FROM (SELECT unit_id FROM placements WHERE ended_on IS NULL AND retirement_month < $1"
        " UNION SELECT unit_id FROM issues WHERE rule = ANY($2) AND present) AS touched"
        " WHERE unit_id::text NOT IN (SELECT key FROM dead_letters WHERE consumer = $3) ORDER BY unit_id",
        f"{day:%Y-%m}",
        list(rules.TIME_ALONE),
        CONSUMER,
    )
    return [row["unit_id"] for row in rows]


async def parameters_on(conn: Connection, day: date) -> Parameters:
    """The versions that hold on a day."""
    return _in_force(await conn.fetchval(f"SELECT ({_VERSIONS})::text"), day)


@lru_cache(maxsize=64)
def _in_force(versions: str, day: date) -> Parameters:
    """What was read is the key, so what has changed is never taken for what it was: only the parsing is spared."""
    return rules.in_force(_PARAMETERS.validate_json(versions), day)
