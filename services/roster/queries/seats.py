"""The arithmetic of leadership posts (领导职数), written once: approved, taken, 空缺 and 超职数 per (unit, level), at whatever moment."""

from collections.abc import Callable


def levels_of(unit: str, held: Callable[[str], str]) -> str:
    """Every level of a unit; `held` says of which moment, table by table. A level that is no more keeps the name it had last."""
    return f"""
    SELECT level, coalesce((SELECT label FROM codes WHERE set = 'leadership_levels' AND code = level ORDER BY valid DESC LIMIT 1), level) AS level_label,
        approved, used, greatest(approved - used, 0) AS vacant, greatest(used - approved, 0) AS over
    FROM (
        SELECT level, sum(approved)::integer AS approved, sum(used)::integer AS used FROM (
            SELECT level, approved, 0 AS used FROM seats WHERE unit_id = {unit} AND {held("seats")}
            UNION ALL
            SELECT seat_level, 0, 1 FROM placements WHERE unit_id = {unit} AND seat_level IS NOT NULL AND {held("placements")}
        ) AS parts GROUP BY level
    ) AS counted
    """
