"""领导职数 that stood before M02 judged them (migration 1140): each level that is over is told once, as part of what the unit was loaded with."""

from services.roster.commands.locks import take_unit
from services.roster.commands.units import seats_changed
from services.roster.models.requests import TellSeats
from services.roster.queries.seats import LAST, levels_of
from shared import outbox
from shared.clock import Clock
from shared.db import By, Connection, Database, command


async def tell_untold_seats(database: Database, clock: Clock) -> int:
    """Tell of every level that is over and was not told; how many. Who is stopped goes on where he was."""
    rows = await database.pool.fetch(
        f"SELECT untold.unit_id, level FROM seats_to_tell AS untold JOIN LATERAL ({levels_of('untold.unit_id', LAST)}) AS standing"
        " USING (level) WHERE over > 0 ORDER BY untold.unit_id, level"
    )
    for row in rows:
        what = TellSeats(unit_id=row["unit_id"], level=row["level"])
        await tell_seats(database, By("system", clock.now(), f"seats:{what.unit_id}:{what.level}:told", "核对原有领导职数"), what)
    await database.pool.execute("DELETE FROM seats_to_tell")
    return len(rows)


@command
async def tell_seats(conn: Connection, by: By, what: TellSeats) -> None:
    """Tell how a level stands; nothing is changed. It was so before: the rules run dry on it."""
    version = await take_unit(conn, what.unit_id)
    await outbox.append(conn, by, await seats_changed(conn, by, what.unit_id, version, what.level, None, baseline=True))
