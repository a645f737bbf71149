"""Reads about 期初存量: what a first load found and nobody has taken up."""

from uuid import UUID

from services.monitoring import rules
from services.monitoring.rules.facts import Finding
from shared.db import Connection

_STOCK = """
    SELECT coalesce((SELECT state = 'baseline' OR (state = 'closed' AND version = 0) FROM issues
        WHERE rule = $2 AND subject = $3 AND unit_id <> $1 ORDER BY found_at DESC, id DESC LIMIT 1), false)
    FROM placements WHERE unit_id = $1 AND person_id = $3::uuid AND reformed
"""
"""Of the unit he came from. One that ended as 期初存量 was never told of: it has no version."""


async def is_stock_of_a_reform(conn: Connection, unit_id: UUID, finding: Finding) -> bool:
    """Whether a reform brought to the unit whom a first load had found elsewhere, and nobody has taken that up (decision 0020)."""
    if finding.rule not in rules.TIME_ALONE:
        return False
    return bool(await conn.fetchval(_STOCK, unit_id, finding.rule, finding.subject))
