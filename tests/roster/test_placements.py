"""入编 and 出编 by the office."""

import asyncio
from datetime import date, timedelta

import asyncpg
import pytest

from services.roster.commands.placements import place_person, record_over_quota_fact, release_person
from services.roster.commands.units import set_seats
from services.roster.models.refusals import (
    AlreadyReleased,
    DatesOutOfOrder,
    DocumentMissing,
    EffectiveInFuture,
    KindNotAllowed,
    NotAuthorised,
    NotOverQuota,
    PastRetirement,
    PersonOnRoster,
    QuotaExhausted,
)
from services.roster.models.requests import RecordOverQuota, ReleasePerson, SetSeats
from shared.db import Database
from shared.events.roster import OverQuotaRecorded, PersonPlaced, PersonReleased, SeatsChanged
from shared.glossary import OverQuotaCause
from tests.roster import given

pytestmark = pytest.mark.asyncio


async def test_a_person_takes_a_free_post_and_the_event_carries_the_state_after(roster_db: Database) -> None:
    row = await given.row(roster_db, 3)

    await given.in_post(roster_db, row)

    event = await given.last_event(roster_db)
    assert isinstance(event, PersonPlaced)
    assert (event.establishments[0].quota, event.establishments[0].headcount, event.establishments[0].available) == (3, 1, 2)
    assert (event.establishments[0].kind_label, event.establishments[0].funding_label) == ("事业编制", "全额拨款")
    assert (event.authorisation_no, event.retirement.category) == ("用编〔2026〕1号", "F55")


async def test_nobody_is_placed_after_his_month_of_retirement_but_a_first_load_tells_what_is(roster_db: Database) -> None:
    """Must fail when only applications are judged by it: the office would place whom it has to let go."""
    row = await given.row(roster_db, 2)
    retired = await given.person(roster_db, row.unit_id, born=date(1950, 1, 1))
    placing = given.placement(row, retired)

    with pytest.raises(PastRetirement, match="2005-01"):
        await place_person(roster_db, given.by(), placing)

    await place_person(roster_db, given.by(), placing.model_copy(update={"baseline": True}))


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


async def test_posts_of_another_kind_or_funding_do_not_help(roster_db: Database) -> None:  # trap: netting vacancies across kinds
    row = await given.row(roster_db, 0, kind="XZ", category="ZJ-Z")
    await given.quota(roster_db, given.Row(row.unit_id, "SY"), 3)
    await given.quota(roster_db, given.Row(row.unit_id, "XZ", "partial"), 3)
    person_id = await given.person(roster_db, row.unit_id)

    with pytest.raises(QuotaExhausted):
        await place_person(roster_db, given.by(), given.placement(row, person_id))


async def test_a_kind_that_is_no_establishment_is_marked_so(
    roster_db: Database,
) -> None:  # trap: taking 报备员额, 编外 or 国企员额 for 编制
    row = await given.row(roster_db, 2, kind="BW", category="ZJ-Z")

    person_id = await given.person(roster_db, row.unit_id)
    told = {"off_post_kind": await code_of(roster_db, "off_post_kinds"), "employment_form": await code_of(roster_db, "employment_forms")}
    await place_person(roster_db, given.by(), given.placement(row, person_id).model_copy(update=told))

    assert (await given.state(roster_db, row)).counted is False


async def code_of(database: Database, name: str) -> str:
    return str(await database.pool.fetchval("SELECT min(code) FROM codes WHERE set = $1", name))


async def test_a_unit_like_the_civil_service_holds_institution_posts_only(
    roster_db: Database,
) -> None:  # trap: taking a 参公 unit for an organ
    unit_id = await given.unit(roster_db, category="SY-C")

    with pytest.raises(KindNotAllowed, match="（参公事业单位）不得使用编制类型 行政编制"):
        await given.quota(roster_db, given.Row(unit_id, "XZ"), 1)
    await given.quota(roster_db, given.Row(unit_id, "SYC"), 1)


async def test_nobody_is_on_two_rosters(roster_db: Database) -> None:
    here, there = await given.row(roster_db, 1), await given.row(roster_db, 1)
    person_id, _ = await given.in_post(roster_db, here)

    with pytest.raises(PersonOnRoster):
        await place_person(roster_db, given.by(), given.placement(there, person_id))


async def test_one_person_racing_onto_two_units_ends_on_one(roster_db: Database) -> None:
    rows = [await given.row(roster_db, 1) for _ in range(8)]
    person_id = await given.person(roster_db, rows[0].unit_id)

    answers = await asyncio.gather(
        *(place_person(roster_db, given.by(), given.placement(row, person_id)) for row in rows), return_exceptions=True
    )

    assert [type(answer).__name__ for answer in answers].count("PersonOnRoster") == 7
    assert sum([(await given.state(roster_db, row)).headcount for row in rows]) == 1


async def test_the_table_itself_refuses_two_placements_at_once(roster_db: Database) -> None:
    here, there = await given.row(roster_db, 1), await given.row(roster_db, 1)
    _, placement_id = await given.in_post(roster_db, here)

    with pytest.raises(asyncpg.ExclusionViolationError):
        await roster_db.pool.execute(
            "INSERT INTO placements (placement_id, person_id, unit_id, kind, funding, during, recorded, entry_reason)"
            " SELECT gen_random_uuid(), person_id, $2, kind, funding, during, recorded, entry_reason FROM placements WHERE placement_id = $1",
            placement_id,
            there.unit_id,
        )


async def test_nobody_is_placed_without_an_authorisation(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id = await given.person(roster_db, row.unit_id)
    unauthorised = given.placement(row, person_id).model_copy(update={"authorisation_no": None, "authorised_on": None})

    with pytest.raises(NotAuthorised):
        await place_person(roster_db, given.by(), unauthorised)


async def test_a_day_to_come_is_refused(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id = await given.person(roster_db, row.unit_id)

    with pytest.raises(EffectiveInFuture, match="晚于今天：生效、起始、到岗、离岗和核准日期"):
        await place_person(roster_db, given.by(), given.placement(row, person_id, date(2026, 9, 19)))


async def test_the_office_records_a_person_beyond_quota_with_cause_and_document(
    roster_db: Database,
) -> None:  # trap: treating 违规 and 政策性超编 alike
    row = await given.row(roster_db, 1)
    await given.in_post(roster_db, row)

    await given.over_quota(roster_db, row, OverQuotaCause.POLICY)

    event = await given.last_event(roster_db)
    assert isinstance(event, OverQuotaRecorded)
    assert (event.cause, event.establishments[0].overstaffing, event.document_no) == (OverQuotaCause.POLICY, 1, given.DOCUMENT)


async def test_an_over_quota_fact_needs_its_document(roster_db: Database) -> None:
    row = await given.row(roster_db, 0)
    person_id = await given.person(roster_db, row.unit_id)
    what = RecordOverQuota(**row.key, person_id=person_id, started_on=given.TODAY, cause=OverQuotaCause.VIOLATION)

    with pytest.raises(DocumentMissing):
        await record_over_quota_fact(roster_db, given.by(None), what)


async def test_a_free_post_is_no_over_quota_fact(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)

    with pytest.raises(NotOverQuota):
        await given.over_quota(roster_db, row)


async def test_the_day_of_entry_counts_and_the_day_of_exit_does_not(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    _, placement_id = await given.in_post(roster_db, row, date(2026, 9, 2))
    await release_person(
        roster_db, given.by(), ReleasePerson(placement_id=placement_id, ended_on=date(2026, 9, 10), exit_reason="resignation")
    )

    assert [await given.headcount(roster_db, row, date(2026, 9, day)) for day in (1, 2, 9, 10)] == [0, 1, 1, 0]


async def test_an_exit_keeps_the_history(roster_db: Database) -> None:  # trap: overwriting history
    row = await given.row(roster_db, 1)
    person_id, placement_id = await given.in_post(roster_db, row, date(2026, 9, 2))
    later = given.NOW + timedelta(days=3)

    what = ReleasePerson(placement_id=placement_id, ended_on=date(2026, 9, 20), exit_reason="retirement")
    await release_person(roster_db, given.by(at=later), what)

    assert isinstance(await given.last_event(roster_db), PersonReleased)
    assert await given.headcount(roster_db, row, date(2026, 9, 20), known=given.NOW) == 1
    assert await given.headcount(roster_db, row, date(2026, 9, 20), known=later) == 0
    assert await roster_db.pool.fetchval("SELECT count(*) FROM placements WHERE person_id = $1", person_id) == 2


async def test_whoever_left_cannot_leave_again(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    _, placement_id = await given.in_post(roster_db, row)
    what = ReleasePerson(placement_id=placement_id, ended_on=date(2026, 9, 10), exit_reason="death")
    await release_person(roster_db, given.by(), what)

    with pytest.raises(AlreadyReleased):
        await release_person(roster_db, given.by(), what)


async def test_nobody_leaves_on_the_day_he_came(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    _, placement_id = await given.in_post(roster_db, row, date(2026, 9, 2))

    with pytest.raises(DatesOutOfOrder):
        await release_person(
            roster_db, given.by(), ReleasePerson(placement_id=placement_id, ended_on=date(2026, 9, 2), exit_reason="death")
        )


async def test_the_versions_of_a_unit_have_no_gap_under_load(roster_db: Database) -> None:
    row = await given.row(roster_db, 5)
    persons = [await given.person(roster_db, row.unit_id) for _ in range(20)]

    await asyncio.gather(*(place_person(roster_db, given.by(), given.placement(row, each)) for each in persons), return_exceptions=True)

    versions = await given.versions_of(roster_db, row.unit_id)
    assert versions == list(range(1, 8))
    assert await roster_db.pool.fetchval("SELECT version FROM units WHERE id = $1", row.unit_id) == 7


async def test_a_leader_takes_a_seat_and_leaves_it(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    await set_seats(roster_db, given.by(), SetSeats(unit_id=row.unit_id, level="unit_deputy", approved=2, effective_on=date(2026, 1, 1)))
    person_id = await given.person(roster_db, row.unit_id)
    post = given.placement(row, person_id, date(2026, 9, 2)).model_copy(update={"seat_level": "unit_deputy"})

    placement_id = await place_person(roster_db, given.by(), post)
    taken = await given.last_event(roster_db)
    await release_person(roster_db, given.by(), ReleasePerson(placement_id=placement_id, ended_on=given.TODAY, exit_reason="retirement"))
    left = await given.last_event(roster_db)

    assert isinstance(taken, SeatsChanged)
    assert isinstance(left, SeatsChanged)
    assert [(each.approved, each.used) for each in (taken, left)] == [(2, 1), (2, 0)]


async def test_a_repeat_with_the_same_key_gives_the_same_answer_and_one_placement(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    what = given.placement(row, await given.person(roster_db, row.unit_id))

    answers = await asyncio.gather(*(place_person(roster_db, given.by(key="same-key"), what) for _ in range(5)))

    assert len(set(answers)) == 1
    assert (await given.state(roster_db, row)).headcount == 1
