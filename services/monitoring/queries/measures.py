"""Reads about what was done beyond a notice."""

from uuid import UUID

from services.monitoring.models.issues import MeasureLine
from services.monitoring.rules.measures import shown_to
from shared.auth import Who
from shared.db import Connection
from shared.glossary import LABELS, Measure


async def measures_of(conn: Connection, who: Who, issue_id: UUID) -> list[MeasureLine]:
    """Of one issue, in all its rounds, as they were taken; those that the caller may know of."""
    rows = await conn.fetch(
        "SELECT * FROM measures WHERE issue_id = $1 AND measure = ANY($2) ORDER BY taken_on, recorded_at, id", issue_id, shown_to(who.roles)
    )
    return [MeasureLine(**row, label=LABELS[Measure(row["measure"])]) for row in rows]
