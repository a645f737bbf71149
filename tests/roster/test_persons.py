"""Persons: registered once, masked, corrected with proof; the number is nowhere in plain."""

import asyncio
import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.roster.commands.corrections import correct_person, correct_placement
from services.roster.commands.persons import register_person
from services.roster.commands.placements import place_person
from services.roster.commands.units import set_seats
from services.roster.models.persons import CorrectPerson, RegisterPerson
from services.roster.models.refusals import (
    CauseUnrecorded,
    CodeUnknown,
    CorrectionKindsApart,
    DocumentMissing,
    Frozen,
    FundingUnknown,
    KindNotAllowed,
    NothingCorrected,
    NotReleasedYet,
    OffPostOfEstablishment,
    PersonKnown,
    PersonOnRoster,
    QuotaExhausted,
    ReasonUnknown,
)
from services.roster.models.requests import CorrectPlacement, SetSeats
from services.roster.queries.establishments import Moment
from services.roster.queries.facts import placements_of
from services.roster.queries.persons import history, person_view
from shared.auth import Who
from shared.clock import business_day
from shared.db import Database
from shared.events.roster import PlacementCorrected, SeatsChanged
from shared.glossary import FreezeScope, OverQuotaCause, PersonIdentity, PostCategory
from shared.law.retirement import Sex
from tests.roster import given

pytestmark = pytest.mark.asyncio
OFFICE = Who("officer", frozenset())
BORN = date(1978, 4, 7)
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


async def test_the_cause_of_a_surplus_is_classified_by_a_correction_where_one_is_recorded(roster_db: Database) -> None:
    """定性. Must fail when it cannot be: a first load's 历史遗留 would stay unclassified for ever."""
    row = await given.row(roster_db, 1)
    _, in_post = await given.in_post(roster_db, row)
    person_id, beyond = await given.over_quota(roster_db, row, OverQuotaCause.HISTORY)

    with pytest.raises(CauseUnrecorded):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=in_post, over_quota_cause=OverQuotaCause.POLICY))
    await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=beyond, over_quota_cause=OverQuotaCause.POLICY))

    told = await given.last_event(roster_db)
    assert isinstance(told, PlacementCorrected)
    assert told.cause is OverQuotaCause.POLICY
    async with roster_db.reading() as conn:
        (line,) = [each for each in await given.changes_of(conn, person_id) if each.matter == "更正"]
        (now,) = await placements_of(conn, person_id)
    assert (line.label, line.before, line.after, now.over_quota_cause) == ("超编原因", "history", "policy", "policy")


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


async def test_a_corrected_kind_takes_a_free_post_of_that_kind_and_closed_days_stay(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    right, full = replace(row, funding="partial"), replace(row, funding="self")
    await given.quota(roster_db, right, 1)
    person_id, placement_id = await given.in_post(roster_db, row)
    at = given.NOW + timedelta(hours=1)
    before = business_day(given.NOW)

    for wrong, refusal in (("self", QuotaExhausted), ("nonsense", FundingUnknown)):
        with pytest.raises(refusal):
            await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, funding=wrong))
    with pytest.raises(KindNotAllowed):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, kind="XZ"))
    with pytest.raises(CorrectionKindsApart, match="编制类型 事业编制 与 编外用工控制数 性质不同"):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, kind="BW"))
    with pytest.raises(OffPostOfEstablishment):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, employment_form="dispatch"))
    await correct_placement(roster_db, given.by(at=at), CorrectPlacement(placement_id=placement_id, funding="partial"))

    told = await given.last_event(roster_db)
    assert isinstance(told, PlacementCorrected)
    assert told.funding == "partial"
    assert {(each.funding, each.headcount) for each in told.establishments} == {("full", 0), ("partial", 1)}
    assert [await given.headcount(roster_db, each, before, known=given.NOW) for each in (row, right, full)] == [1, 0, 0]
    assert [await given.headcount(roster_db, each, before, known=at) for each in (row, right, full)] == [0, 1, 0]
    async with roster_db.reading() as conn:
        change = (await given.changes_of(conn, person_id))[-1]
    assert (change.label, change.before_label, change.after_label) == ("经费形式", "全额拨款", "差额补贴")


async def test_who_is_beyond_quota_is_so_of_the_right_kind_too(roster_db: Database) -> None:
    row = await given.row(roster_db, 0)
    _, placement_id = await given.over_quota(roster_db, row)

    await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, funding="partial"))

    assert (await given.state(roster_db, replace(row, funding="partial"))).headcount == 1


async def test_a_corrected_seat_is_counted_and_may_be_none(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    _, placement_id = await given.in_post(roster_db, row)

    async def seats() -> list[tuple[str, int]]:
        return [(each.level, each.used) for each in await given.published(roster_db) if isinstance(each, SeatsChanged)]

    with pytest.raises(CodeUnknown):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, seat_level="throne"))
    for approved in ("unit_head", "unit_deputy"):
        await set_seats(roster_db, given.by(), SetSeats(unit_id=row.unit_id, level=approved, approved=1, effective_on=given.TODAY))
    for level in ("unit_head", "unit_deputy", None):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, seat_level=level))
    assert (await seats())[2:] == [("unit_head", 1), ("unit_head", 0), ("unit_deputy", 1), ("unit_deputy", 0)]

    await given.frozen(roster_db, row.unit_id, FreezeScope.LEADERSHIP)
    with pytest.raises(Frozen):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, seat_level="unit_deputy"))


async def test_why_somebody_left_is_corrected_once_he_has_left(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id, placement_id = await given.in_post(roster_db, row)
    right = CorrectPlacement(placement_id=placement_id, exit_reason="retirement")

    with pytest.raises(NotReleasedYet):
        await correct_placement(roster_db, given.by(), right)
    await given.release(roster_db, placement_id)
    with pytest.raises(ReasonUnknown):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, exit_reason="nonsense"))
    await correct_placement(roster_db, given.by(), right)

    async with roster_db.reading() as conn:
        (kept,) = [each for each in await history(conn, person_id, OFFICE) if each.recorded_until is None]
    assert kept.exit_reason == "retirement"


async def test_what_a_post_does_not_have_is_emptied_and_what_it_must_have_is_not(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id, placement_id = await given.in_post(roster_db, row)

    for nothing in ({"started_on": None}, {"authorised_on": None, "ended_on": None}):
        with pytest.raises(NothingCorrected):
            await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, **nothing))
    await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, internal_unit="办公室"))
    await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, internal_unit=None))

    async with roster_db.reading() as conn:
        kept = [each for each in await history(conn, person_id, OFFICE) if each.recorded_until is None]
    assert [(each.internal_unit, each.started_on) for each in kept] == [(None, date(2026, 9, 2))]
