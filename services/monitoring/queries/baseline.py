"""Reads about 期初存量: what a first load found and nobody has taken up (decisions 0011, 0020)."""

from collections.abc import Iterable
from uuid import UUID

from services.monitoring import rules
from services.monitoring.rules import overstaffing
from services.monitoring.rules.facts import Finding
from shared.db import Connection

_STOCK = "(state = 'baseline' OR (state = 'closed' AND version = 0))"
"""An issue that ended as 期初存量 was never told of: it has no version."""

_PERSON = f"""
    SELECT coalesce((SELECT {_STOCK} FROM issues WHERE rule = $2 AND subject = $3 AND unit_id <> $1 ORDER BY found_at DESC, id DESC LIMIT 1), false)
    FROM placements WHERE unit_id = $1 AND person_id = $3::uuid AND reformed
"""
_SURPLUS = f"""
    SELECT coalesce(bool_or(reformed), false) AND count(*) >= $7 FROM placements AS here
    WHERE unit_id = $1 AND kind = $4 AND funding = $5 AND cause = $6 AND ended_on IS NULL AND (baseline OR (reformed AND
        (SELECT {_STOCK} FROM issues WHERE rule = $2 AND subject = $3 AND unit_id =
            (SELECT unit_id FROM placements WHERE person_id = here.person_id AND unit_id <> $1 ORDER BY ended_on DESC NULLS FIRST LIMIT 1))))
"""
"""As many as the finding counts were beyond quota in a first load: here, or where a reform brought them from."""


async def stock_of_reforms(conn: Connection, unit_id: UUID, findings: Iterable[Finding]) -> set[tuple[str, str]]:
    """Of these findings (rule, subject) those of whom a first load had found elsewhere and a reform brought to the unit, where nothing is new."""
    asked = [finding for finding in findings if finding.rule in (*rules.TIME_ALONE, overstaffing.CODE)]
    if not asked or not await conn.fetchval("SELECT EXISTS (SELECT FROM placements WHERE unit_id = $1 AND reformed)", unit_id):
        return set()
    return {(finding.rule, finding.subject) for finding in asked if await _is_stock(conn, unit_id, finding)}


async def _is_stock(conn: Connection, unit_id: UUID, finding: Finding) -> bool:
    if finding.rule != overstaffing.CODE:
        return bool(await conn.fetchval(_PERSON, unit_id, finding.rule, finding.subject))
    of_row = (finding.inputs[name] for name in ("kind", "funding", "cause"))
    return bool(await conn.fetchval(_SURPLUS, unit_id, finding.rule, finding.subject, *of_row, finding.size))
