"""入编 and 出编 by the office."""

import asyncio
from datetime import date

import asyncpg
import pytest

from services.roster.commands.placements import place_person, release_person
from services.roster.models.refusals import (
    AlreadyReleased,
    DatesOutOfOrder,
    DocumentMissing,
    EffectiveInFuture,
    NotAuthorised,
    NotOverQuota,
    PersonOnRoster,
    QuotaExhausted,
)
from services.roster.models.requests import ReleasePerson
from shared.db import Database
from shared.events.roster import OverQuotaRecorded, PersonPlaced, PersonReleased
from shared.glossary import OverQuotaCause
from tests.roster import given

pytestmark = pytest.mark.asyncio


async def test_a_person_takes_a_free_post_and_the_event_carries_the_state_after(roster_db: Database) -> None:
    row = await given.row(roster_db, 3)

    await given.in_post(roster_db, row)

    event = await given.last_event(roster_db)
    assert isinstance(event, PersonPlaced)
    assert (event.establishments[0].quota, event.establishments[0].headcount, event.establishments[0].available) == (3, 1, 2)
    assert (event.authorisation_no, event.retirement.category) == ("用编〔2026〕1号", "F55")


async def test_fifty_racing_for_the_last_post_leave_one_in_it(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    persons = [await given.person(roster_db, row.unit_id) for _ in range(50)]

    answers = await asyncio.gather(
        *(place_person(roster_db, given.by(), given.placement(row, each)) for each in persons), return_exceptions=True
    )

    assert sorted(type(answer).__name__ for answer in answers).count("QuotaExhausted") == 49
    assert (await given.state(roster_db, row)).headcount == 1


async def test_a_refused_placement_publishes_nothing(roster_db: Database) -> None:
    row = await given.row(roster_db, 0)
    person_id = await given.person(roster_db, row.unit_id)
    before = await given.published(roster_db)

    with pytest.raises(QuotaExhausted):
        await place_person(roster_db, given.by(), given.placement(row, person_id))

    assert await given.published(roster_db) == before
    assert await roster_db.pool.fetchval("SELECT count(*) FROM event_log") == len(before)
