"""The arithmetic of leadership posts (领导职数), written once: approved, taken, 空缺 and 超职数 per (unit, level), at whatever moment."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

from shared.db import Connection
from shared.events.roster import SeatsState

Held = Callable[[str], str]
"""The condition that a row of a table holds at the moment asked about."""


def levels_of(unit: str, held: Held) -> str:
    """Every level of a unit; `held` says of which moment, table by table. A level that is no more keeps the name it had last."""
    return f"""
    SELECT level, coalesce({label_of("level")}, level) AS level_label,
        approved, used, greatest(approved - used, 0) AS vacant, greatest(used - approved, 0) AS over
    FROM (
        SELECT level, sum(approved)::integer AS approved, sum(used)::integer AS used FROM (
            SELECT level, approved, 0 AS used FROM seats WHERE unit_id = {unit} AND {held("seats")}
            UNION ALL
            SELECT level, 0, 1 FROM ({taken_in(f"= {unit}", held)}) AS taken
        ) AS parts GROUP BY level
    ) AS counted
    """


def label_of(level: str) -> str:
    """What a level is called; of one that is no more, the name it had last."""
    return f"(SELECT label FROM codes WHERE set = 'leadership_levels' AND code = {level} ORDER BY valid DESC LIMIT 1)"


def taken_in(units: str, held: Held) -> str:
    """SELECT unit_id, level of each seat that somebody takes in the units (`= …`): as his post began, or as he was appointed since."""
    appointed = f"post_seats.placement_id = placements.placement_id AND {held('post_seats')}"
    return f"""
        SELECT placements.unit_id, seat_level AS level FROM placements WHERE placements.unit_id {units} AND seat_level IS NOT NULL
            AND {held("placements")} AND NOT EXISTS (SELECT FROM post_seats WHERE {appointed})
        UNION ALL
        SELECT placements.unit_id, level FROM post_seats JOIN placements ON {appointed} AND {held("placements")}
        WHERE post_seats.unit_id {units} AND level <> ''
    """


def seat_of(post: str, held: Held) -> str:
    """The level whose seat the holder of a post takes at the moment, or none."""
    appointed = f"SELECT level FROM post_seats WHERE post_seats.placement_id = {post}.placement_id AND {held('post_seats')}"
    return f"nullif(coalesce(({appointed}), {post}.seat_level), '')"


LAST: Held = "upper_inf({0}.during) AND upper_inf({0}.recorded)".format
SEAT_NOW = seat_of("placements", LAST)
"""The last one of a row of `placements`."""


async def seats_now(conn: Connection, unit_id: UUID) -> list[SeatsState]:
    """Every level of a unit, as known now."""
    rows = await conn.fetch(f"SELECT level, level_label, approved, used FROM ({levels_of('$1', LAST)}) AS levels", unit_id)
    return [SeatsState.model_validate(dict(row)) for row in rows]


async def seat_now(conn: Connection, placement_id: UUID) -> str | None:
    """Whose seat the holder of a post takes, as known now."""
    level: str | None = await conn.fetchval(
        f"SELECT {SEAT_NOW} FROM placements WHERE placement_id = $1 AND upper_inf(recorded)", placement_id
    )
    return level


async def is_appointed(conn: Connection, placement_id: UUID) -> bool:
    """Whether a 任免 since his post began tells which seat its holder takes."""
    appointed = f"SELECT EXISTS (SELECT FROM post_seats WHERE placement_id = $1 AND {LAST('post_seats')})"
    return bool(await conn.fetchval(appointed, placement_id))


async def seat_on(conn: Connection, placement_id: UUID, day: date) -> str | None:
    """The same on a day."""
    then = seat_of("placements", "{0}.during @> $2::date AND upper_inf({0}.recorded)".format)
    level: str | None = await conn.fetchval(
        f"SELECT {then} FROM placements WHERE placement_id = $1 AND upper_inf(recorded)", placement_id, day
    )
    return level
