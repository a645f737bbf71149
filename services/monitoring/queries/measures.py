"""Reads about what was done beyond a notice."""

from uuid import UUID

from services.monitoring.models.issues import MeasureLine
from shared.db import Connection
from shared.glossary import LABELS, Measure


async def measures_of(conn: Connection, issue_id: UUID) -> list[MeasureLine]:
    """Of one issue, in all its rounds, as they were taken."""
    rows = await conn.fetch("SELECT * FROM measures WHERE issue_id = $1 ORDER BY taken_on, recorded_at, id", issue_id)
    return [MeasureLine(**row, label=LABELS[Measure(row["measure"])]) for row in rows]
