"""By which name of before a unit was found: one it had itself, or one of a unit that it took over from."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from shared.auth import Who
from shared.db import Connection
from shared.spelling import is_letters, lines_of, written_plainly
from shared.unit_copies import sees_withheld


class FormerName(BaseModel):
    """`unit_id`: whose name it was; `kind`: renamed (曾用名), merged (并入), split (分设), closed (撤销后承接); `until`: the day it was no more."""

    unit_id: UUID
    name: str
    kind: str
    until: date


NAMES = """
    SELECT name, during FROM unit_records WHERE unit_id = {unit} AND upper_inf(recorded)
    UNION ALL SELECT short_name, during FROM unit_records WHERE unit_id = {unit} AND upper_inf(recorded) AND short_name IS NOT NULL
    UNION ALL SELECT name, during FROM unit_names WHERE unit_id = {unit} AND upper_inf(recorded) AND role <> 'internal_units'
"""
"""Every name a unit ever had, and from when to when."""
_TAKEN_OVER = """
    SELECT link.successor_id AS heir, link.unit_id, link.kind, link.effective_on FROM unit_successors AS link
    JOIN units AS gone ON gone.id = link.unit_id AND NOT upper_inf(gone.valid)
"""
HEIRS = f"""
    WITH RECURSIVE links AS ({_TAKEN_OVER} WHERE link.successor_id = ANY($1)
        UNION SELECT links.heir, further.unit_id, further.kind, further.effective_on FROM links
        JOIN LATERAL ({_TAKEN_OVER} WHERE link.successor_id = links.unit_id) AS further ON true),
    taken AS (SELECT DISTINCT ON (links.heir, links.unit_id) links.*, gone.withheld, gone.withheld AND NOT heir.withheld AS hidden
        FROM links JOIN units AS gone ON gone.id = links.unit_id JOIN units AS heir ON heir.id = links.heir
        ORDER BY links.heir, links.unit_id, effective_on DESC)
"""
"""`taken`: from whom the units $1 took over, also from those who had taken over before, each once. `hidden`: a withheld unit's names lead to an open one
only whoever sees withheld units.
"""
_NOTED = f"""
    {HEIRS},
    renamed AS (SELECT id FROM unnest($1::uuid[]) AS each (id) WHERE EXISTS (SELECT FROM taken WHERE heir = each.id)
        OR EXISTS (SELECT FROM unit_records WHERE unit_id = each.id AND upper_inf(recorded) AND NOT upper_inf(during))
        OR EXISTS (SELECT FROM unit_names WHERE unit_id = each.id AND upper_inf(recorded) AND NOT upper_inf(during)))
    SELECT id, id AS unit_id, 'renamed' AS kind, called.name, upper(called.during) AS until, called.during @> $2::date AS present
    FROM renamed CROSS JOIN LATERAL ({NAMES.format(unit="renamed.id")}) AS called
    UNION ALL SELECT id, id, 'renamed', code, NULL, true FROM units WHERE id IN (SELECT id FROM renamed)
    UNION ALL SELECT id, id, 'renamed', uscc, NULL, true FROM units WHERE id IN (SELECT id FROM renamed) AND uscc IS NOT NULL
    UNION ALL SELECT heir, taken.unit_id, kind, called.name, effective_on, false
    FROM taken CROSS JOIN LATERAL ({NAMES.format(unit="taken.unit_id")}) AS called WHERE $3 OR NOT hidden
    ORDER BY until DESC NULLS FIRST, name
"""
"""What the few of the units $1 that have a past are and were called: on the day $2, before, and by taking over; $3: also of withheld units. The others need no look."""


async def formerly(conn: Connection, who: Who, unit_ids: Sequence[UUID], words: str, on: date | None) -> dict[UUID, list[FormerName]]:
    """The former names that explain to somebody why units were found, latest first; none where a name or code of the day does."""
    sought = written_plainly(words)
    by_unit: defaultdict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
    for row in await conn.fetch(_NOTED, unit_ids, on or date.max, sees_withheld(who)):
        if _reads(row["name"], sought):
            by_unit[row["id"]].append(dict(row))
    return {unit_id: _noted(rows, on) for unit_id, rows in by_unit.items() if not any(row["present"] for row in rows)}


def _reads(name: str, sought: str) -> bool:
    return sought in written_plainly(name) or (is_letters(sought) and any(sought in line for line in lines_of([name])))


def _noted(rows: Sequence[Mapping[str, Any]], on: date | None) -> list[FormerName]:
    """One of each unit, as of the day."""
    noted: dict[UUID, FormerName] = {}
    for row in rows:
        if row["until"] is not None and (on is None or row["until"] <= on):
            noted.setdefault(row["unit_id"], FormerName(**{name: row[name] for name in FormerName.model_fields}))
    return list(noted.values())
