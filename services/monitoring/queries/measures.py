"""Reads about what was done beyond a notice."""

from uuid import UUID

from services.monitoring.models.issues import MeasureLine
from services.monitoring.rules.measures import shown_to
from shared.auth import Who
from shared.db import Connection
from shared.glossary import LABELS, Measure

CORRECTED = "LEFT JOIN measure_corrections c ON c.measure_id = m.id LEFT JOIN measures n ON n.id = c.instead_id"
"""How measures `m` were corrected, and what was recorded instead (`n`)."""


def told_of(known: str) -> str:
    """Why a measure was struck out and for which other one; neither where that one is nothing for the reader. `known`: SQL of what he may know of."""
    may = f"n.measure IS NULL OR n.measure = ANY({known}::text[])"
    return f"CASE WHEN {may} THEN c.reason END AS corrected_why, CASE WHEN {may} THEN n.id END AS instead_id"


async def measures_of(conn: Connection, who: Who, issue_id: UUID) -> list[MeasureLine]:
    """Of one issue, in all its rounds, as they were taken; those that the caller may know of."""
    rows = await conn.fetch(
        f"SELECT m.*, c.corrected_by, c.corrected_at, {told_of('$2')} FROM measures m {CORRECTED}"
        " WHERE m.issue_id = $1 AND m.measure = ANY($2) ORDER BY m.taken_on, m.recorded_at, m.id",
        issue_id,
        shown_to(who.roles),
    )
    return [MeasureLine(**row, label=LABELS[Measure(row["measure"])]) for row in rows]
