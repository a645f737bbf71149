"""领导职数 that stood before M02 judged them are told once after the upgrade."""

from datetime import date
from pathlib import Path

import pytest

from services.roster.commands.placements import place_person
from services.roster.commands.units import set_seats
from services.roster.commands.untold_seats import tell_untold_seats
from services.roster.models.requests import SetSeats
from shared.clock import Clock
from shared.db import Database
from shared.events.roster import SeatsChanged
from tests.roster import given

pytestmark = pytest.mark.asyncio
MIGRATION = Path(__file__).parents[2] / "services/roster/migrations/1140_seats_to_tell.sql"


async def _with_leaders(database: Database, leaders: int) -> given.Row:
    """A unit with one seat, and so many leaders of its first load."""
    row = await given.row(database, 3)
    await set_seats(database, given.by(), SetSeats(unit_id=row.unit_id, level="unit_head", approved=1, effective_on=date(2026, 1, 1)))
    for _ in range(leaders):
        post = given.placement(row, await given.person(database, row.unit_id))
        await place_person(database, given.by(), post.model_copy(update={"seat_level": "unit_head", "baseline": True}))
    return row


async def test_a_level_that_stood_over_before_the_upgrade_is_told_once_as_it_stands(roster_db: Database) -> None:
    """Must fail when it is not told: M02 would find the unit only at the next change of its seats."""
    over = (await _with_leaders(roster_db, 3)).unit_id
    await _with_leaders(roster_db, 1)
    await roster_db.pool.execute("INSERT INTO" + MIGRATION.read_text().split("INSERT INTO")[1])
    before = await given.published(roster_db)

    assert [await tell_untold_seats(roster_db, Clock(None)) for _ in range(2)] == [1, 0]

    (told,) = (await given.published(roster_db))[len(before) :]
    assert isinstance(told, SeatsChanged)
    assert (told.unit_id, told.level, told.approved, told.used, told.baseline) == (over, "unit_head", 1, 3, True)
    versions = await given.versions_of(roster_db, over)
    assert versions == list(range(1, len(versions) + 1))
