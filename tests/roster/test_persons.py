"""Persons: registered once, masked, corrected with proof; the number is nowhere in plain."""

import asyncio
import json
from datetime import date, timedelta

import pytest

from services.roster.commands.corrections import correct_person, correct_placement
from services.roster.commands.persons import register_person
from services.roster.commands.placements import place_person
from services.roster.models.persons import CorrectPerson, RegisterPerson
from services.roster.models.refusals import DocumentMissing, NotReleasedYet, PersonKnown, PersonOnRoster
from services.roster.models.requests import CorrectPlacement
from services.roster.queries.establishments import Moment
from services.roster.queries.persons import history, person_view
from shared.auth import Who
from shared.db import Database
from shared.events.roster import PlacementCorrected
from shared.glossary import PersonIdentity, PostCategory
from shared.law.retirement import Sex
from tests.roster import given

pytestmark = pytest.mark.asyncio
OFFICE = Who("officer", frozenset())
BORN = date(1968, 4, 7)
NUMBER = given.id_number(77, BORN)
NAME = "测试人员甲乙"


async def somebody(database: Database) -> RegisterPerson:
    return RegisterPerson(
        unit_id=await given.unit(database),
        name=NAME,
        id_number=NUMBER,
        sex=Sex.FEMALE,
        birth_on=BORN,
        identity=PersonIdentity.PROFESSIONAL,
        post_category=PostCategory.TECHNICAL,
    )


async def test_a_number_is_registered_once_even_at_once(roster_db: Database) -> None:
    what = await somebody(roster_db)

    answers = await asyncio.gather(*(register_person(roster_db, given.CIPHER, given.by(), what) for _ in range(5)), return_exceptions=True)

    assert [type(answer) for answer in answers].count(PersonKnown) == 4


async def test_a_repeat_of_a_registration_gives_the_same_person(roster_db: Database) -> None:
    what = await somebody(roster_db)

    first, second = [await register_person(roster_db, given.CIPHER, given.by(key="the-same"), what) for _ in range(2)]

    assert first == second


async def test_the_number_stands_nowhere_in_plain_and_the_name_in_no_event(roster_db: Database, capfd: pytest.CaptureFixture[str]) -> None:
    row = await given.row(roster_db, 1)
    person_id = await register_person(roster_db, given.CIPHER, given.by(), await somebody(roster_db))
    await place_person(roster_db, given.by(), given.placement(row, person_id))
    with pytest.raises(PersonKnown) as refusal:
        await register_person(roster_db, given.CIPHER, given.by(), await somebody(roster_db))

    tables = await roster_db.pool.fetch("SELECT table_name FROM information_schema.tables WHERE table_schema = 'roster'")
    kept = {
        table: await roster_db.pool.fetch(f'SELECT row_to_json(t)::text AS line FROM "{table}" t')
        for (table,) in tables
        if table != "schema_migrations"
    }
    sent = [
        bytes(each["body"]).decode() + json.dumps(each["headers"])
        for each in await roster_db.pool.fetch("SELECT body, headers FROM outbox")
    ]
    logged = "".join(capfd.readouterr())

    assert not [table for table, lines in kept.items() if any(NUMBER in each["line"] for each in lines)]
    assert {table for table, lines in kept.items() if any(NAME in each["line"] for each in lines)} == {"person_records"}
    for text in (*sent, logged, str(refusal.value), repr(refusal.value.facts), repr(await somebody(roster_db))):
        assert NUMBER not in text
    assert not [text for text in sent if NAME in text]


async def test_a_correction_keeps_what_was_known_and_tells_the_new_retirement_month(
    roster_db: Database,
) -> None:  # trap: trusting the ID number's birth date
    row = await given.row(roster_db, 1)
    person_id, _ = await given.in_post(roster_db, row)
    later = given.NOW + timedelta(hours=1)

    await correct_person(
        roster_db, given.CIPHER, given.by(at=later), CorrectPerson(person_id=person_id, certified_birth_on=date(1965, 1, 1))
    )

    event = await given.last_event(roster_db)
    assert isinstance(event, PlacementCorrected)
    assert event.retirement.month == "2020-01"
    async with roster_db.reading() as conn:
        views = [await person_view(conn, given.CIPHER, person_id, OFFICE, Moment(known=known)) for known in (given.NOW, later)]
    assert [view.certified_birth_on for view in views] == [None, date(1965, 1, 1)]


async def test_a_corrected_number_is_unique_too(roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    await register_person(roster_db, given.CIPHER, given.by(), await somebody(roster_db))
    other = await given.person(roster_db, unit_id)

    with pytest.raises(PersonKnown):
        await correct_person(
            roster_db, given.CIPHER, given.by(), CorrectPerson(person_id=other, id_number=NUMBER, birth_on=BORN, sex=Sex.FEMALE)
        )


async def test_a_correction_needs_its_proof(roster_db: Database) -> None:
    person_id = await given.person(roster_db, await given.unit(roster_db))

    with pytest.raises(DocumentMissing):
        await correct_person(roster_db, given.CIPHER, given.by(None), CorrectPerson(person_id=person_id, name="测试人员丙"))


async def test_a_corrected_day_of_entry_answers_anew_and_as_known_before(roster_db: Database) -> None:  # trap: overwriting history
    row = await given.row(roster_db, 1)
    person_id, placement_id = await given.in_post(roster_db, row, date(2026, 9, 2))
    later = given.NOW + timedelta(hours=1)

    await correct_placement(roster_db, given.by(at=later), CorrectPlacement(placement_id=placement_id, started_on=date(2026, 8, 20)))

    assert await given.headcount(roster_db, row, date(2026, 8, 25), known=given.NOW) == 0
    assert await given.headcount(roster_db, row, date(2026, 8, 25), known=later) == 1
    async with roster_db.reading() as conn:
        versions = await history(conn, person_id, OFFICE)
    assert [(each.started_on, each.recorded_until) for each in versions] == [(date(2026, 9, 2), later), (date(2026, 8, 20), None)]


async def test_a_correction_does_not_release_and_does_not_overlap(roster_db: Database) -> None:
    before, row = await given.row(roster_db, 1), await given.row(roster_db, 1)
    person_id, first = await given.in_post(roster_db, before, date(2026, 8, 1))
    await given.release(roster_db, first, date(2026, 8, 10))
    second = await place_person(roster_db, given.by(), given.placement(row, person_id, date(2026, 9, 1)))

    with pytest.raises(NotReleasedYet):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=second, ended_on=date(2026, 9, 5)))
    with pytest.raises(PersonOnRoster):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=second, started_on=date(2026, 8, 9)))
