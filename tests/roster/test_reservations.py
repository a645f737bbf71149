"""已核未用: reserve, hold, claim, use, give back, lapse."""

import asyncio
from datetime import date
from uuid import uuid4

import pytest

from services.roster.commands.claims import claim_post, give_back
from services.roster.commands.effects import take_effect
from services.roster.commands.placements import place_person
from services.roster.commands.reservations import hold_reservation, lapse_reservations, recall_reservation
from services.roster.models.refusals import (
    ClaimOpen,
    ClaimRefusedByTombstone,
    ClaimUnknown,
    NotAuthorised,
    PersonClaimed,
    PersonOnRoster,
    QuotaExhausted,
    ReservationExpired,
    ReservationHeld,
    ReservationRecalled,
    ReservationUnknown,
    ReservationUsedUp,
)
from services.roster.models.requests import LapseReservations, RecallReservation
from shared.db import Database
from shared.events.roster import ClaimReleased, HoldReleased, PersonPlaced, PostClaimed, PostsReserved
from shared.events.roster import ReservationExpired as Lapsed
from shared.glossary import ApplicationType
from tests.roster import given

pytestmark = pytest.mark.asyncio
POST_USE = ApplicationType.POST_USE


async def lapse(database: Database, row: given.Row, on: date) -> int:
    return await lapse_reservations(database, given.by(), LapseReservations(unit_id=row.unit_id, on=on))


async def test_two_applications_racing_for_the_last_post_leave_one_claim(
    roster_db: Database,
) -> None:  # trap: two parallel approvals overfill
    row = await given.row(roster_db, 1)

    answers = await asyncio.gather(
        *(claim_post(roster_db, given.by(), given.request(row, POST_USE)) for _ in range(10)), return_exceptions=True
    )

    assert [type(answer).__name__ for answer in answers].count("QuotaExhausted") == 9
    assert (await given.state(roster_db, row)).reserved == 1


async def test_a_reservation_that_is_named_and_not_used_is_nothing_to_a_claim(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)

    await claim_post(roster_db, given.by(), given.request(row, POST_USE, reservation_id=uuid4()))

    assert (await given.state(roster_db, row)).reserved == 1


async def test_an_authorised_post_is_not_available_to_others(roster_db: Database) -> None:  # trap: two parallel approvals overfill
    row = await given.row(roster_db, 1)
    await given.reservation(roster_db, row)

    with pytest.raises(QuotaExhausted):
        await place_person(roster_db, given.by(), given.placement(row, await given.person(roster_db, row.unit_id)))


async def test_an_authorisation_says_until_when_and_leaves_the_reserved_number_as_it_is(roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    asked = await given.claimed(roster_db, given.request(row, POST_USE, posts=2))
    before = await given.state(roster_db, row)

    await take_effect(roster_db, given.by(), given.effect(asked))

    event = await given.last_event(roster_db)
    assert isinstance(event, PostsReserved)
    assert (event.posts, event.expires_on, event.authorised_on) == (2, date(2027, 9, 20), given.TODAY)
    assert await given.state(roster_db, row) == before
    assert before.reserved == 2


async def test_an_entry_turns_its_reservation_into_headcount(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row)
    asked = given.entry(row, await given.person(roster_db, row.unit_id), reserved)
    await hold_reservation(roster_db, given.by(), asked)
    await claim_post(roster_db, given.by(), asked)

    await take_effect(roster_db, given.by(), given.effect(asked))

    event = await given.last_event(roster_db)
    assert isinstance(event, PersonPlaced)
    assert (event.authorisation_no, event.authorised_on) == ("用编〔2026〕9号", given.TODAY)
    assert (event.establishments[0].headcount, event.establishments[0].reserved) == (1, 0)


async def test_a_held_reservation_is_not_given_to_a_second_entry(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row)
    first, second = [given.entry(row, await given.person(roster_db, row.unit_id), reserved) for _ in range(2)]
    await hold_reservation(roster_db, given.by(), first)

    with pytest.raises(ReservationHeld):
        await hold_reservation(roster_db, given.by(), second)
    with pytest.raises(ReservationHeld):
        await claim_post(roster_db, given.by(), second)


async def test_twenty_racing_for_two_reserved_posts_leave_two_holds(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    reserved = await given.reservation(roster_db, row, posts=2)
    person_id = await given.person(roster_db, row.unit_id)

    answers = await asyncio.gather(
        *(hold_reservation(roster_db, given.by(), given.entry(row, person_id, reserved)) for _ in range(20)), return_exceptions=True
    )

    assert answers.count(None) == 2
    assert await roster_db.pool.fetchval("SELECT count(*) FROM holds") == 2


async def test_a_used_up_reservation_lets_nobody_in(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    reserved = await given.reservation(roster_db, row)
    await given.claimed(roster_db, given.entry(row, await given.person(roster_db, row.unit_id), reserved))

    with pytest.raises(ReservationUsedUp):
        await claim_post(roster_db, given.by(), given.entry(row, await given.person(roster_db, row.unit_id), reserved))


async def test_a_reservation_of_another_row_is_unknown_here(roster_db: Database) -> None:
    row, other = await given.row(roster_db, 1), await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, other)

    with pytest.raises(ReservationUnknown):
        await hold_reservation(roster_db, given.by(), given.entry(row, await given.person(roster_db, row.unit_id), reserved))


async def test_an_expired_reservation_lets_nobody_in_even_before_the_sweep(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row, expires_on=date(2026, 9, 17))
    asked = given.entry(row, await given.person(roster_db, row.unit_id), reserved)

    with pytest.raises(ReservationExpired):
        await hold_reservation(roster_db, given.by(), asked)
    with pytest.raises(ReservationExpired):
        await claim_post(roster_db, given.by(), asked)


async def test_a_reservation_is_good_on_its_last_day(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row, expires_on=given.TODAY)
    assert await lapse(roster_db, row, given.TODAY) == 0

    await claim_post(roster_db, given.by(), given.entry(row, await given.person(roster_db, row.unit_id), reserved))


async def test_the_sweep_sets_free_what_nobody_holds(roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    reserved = await given.reservation(roster_db, row, posts=3, expires_on=given.TODAY)
    await hold_reservation(roster_db, given.by(), given.entry(row, await given.person(roster_db, row.unit_id), reserved))

    freed = await lapse(roster_db, row, date(2026, 9, 19))

    event = await given.last_event(roster_db)
    assert isinstance(event, Lapsed)
    assert (freed, event.posts, event.establishments[0].reserved) == (2, 2, 1)


async def test_a_sweep_that_finds_nothing_publishes_nothing(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    await given.reservation(roster_db, row)
    before = await given.published(roster_db)

    assert await lapse(roster_db, row, given.TODAY) == 0
    assert await given.published(roster_db) == before


async def test_a_held_post_is_claimed_after_its_last_day(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row, expires_on=given.TODAY)
    asked = given.entry(row, await given.person(roster_db, row.unit_id), reserved)
    await hold_reservation(roster_db, given.by(), asked)
    later = given.NOW.replace(month=10)
    await lapse(roster_db, row, later.date())

    await claim_post(roster_db, given.by(at=later), asked)

    assert (await given.state(roster_db, row)).reserved == 1


async def test_a_hold_given_back_lets_the_next_one_in(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row)
    first, second = [given.entry(row, await given.person(roster_db, row.unit_id), reserved) for _ in range(2)]
    await hold_reservation(roster_db, given.by(), first)
    before = await given.published(roster_db)

    await give_back(roster_db, given.by(), given.back(first))

    assert [type(event) for event in (await given.published(roster_db))[len(before) :]] == [HoldReleased]
    await hold_reservation(roster_db, given.by(), second)


async def test_an_application_that_holds_nothing_gives_back_without_a_line_in_the_ledger(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    before = await given.published(roster_db)

    await give_back(roster_db, given.by(), given.back(given.request(row, POST_USE)))

    assert await given.published(roster_db) == before
    await claim_post(roster_db, given.by(), given.request(row, POST_USE))
    assert (await given.last_event(roster_db)).version == before[-1].version + 1


async def test_a_claim_given_back_is_available_again(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    asked = await given.claimed(roster_db, given.request(row, POST_USE, posts=2))

    await give_back(roster_db, given.by(), given.back(asked))

    assert [type(event) for event in (await given.published(roster_db))[-2:]] == [PostClaimed, ClaimReleased]
    assert (await given.state(roster_db, row)).available == 2


async def test_an_entry_claim_given_back_returns_to_its_reservation(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row)
    asked = await given.claimed(roster_db, given.entry(row, await given.person(roster_db, row.unit_id), reserved))

    await give_back(roster_db, given.by(), given.back(asked))

    assert (await given.state(roster_db, row)).reserved == 1
    await claim_post(roster_db, given.by(), given.entry(row, await given.person(roster_db, row.unit_id), reserved))


async def test_an_entry_claim_given_back_after_its_last_day_lapses_with_the_next_sweep(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row, expires_on=given.TODAY)
    asked = await given.claimed(roster_db, given.entry(row, await given.person(roster_db, row.unit_id), reserved))
    assert await lapse(roster_db, row, date(2026, 9, 20)) == 0

    await give_back(roster_db, given.by(), given.back(asked))

    assert await lapse(roster_db, row, date(2026, 9, 21)) == 1
    assert (await given.state(roster_db, row)).available == 1


@pytest.mark.parametrize("revision", [1, 2])
async def test_a_claim_that_wakes_up_late_is_refused_by_the_tombstone(roster_db: Database, revision: int) -> None:
    row = await given.row(roster_db, 1)
    late = given.request(row, POST_USE, revision=revision)
    await give_back(roster_db, given.by(), given.back(late, revision=2))

    with pytest.raises(ClaimRefusedByTombstone):
        await claim_post(roster_db, given.by(), late)
    assert (await given.state(roster_db, row)).reserved == 0


async def test_an_older_giving_back_that_comes_late_does_not_lift_the_tombstone(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    late = given.request(row, POST_USE, revision=2)
    await give_back(roster_db, given.by(), given.back(late, revision=2))
    await give_back(roster_db, given.by(), given.back(late, revision=1))

    with pytest.raises(ClaimRefusedByTombstone):
        await claim_post(roster_db, given.by(), late)


async def test_a_hold_that_wakes_up_late_is_refused_by_the_tombstone(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row)
    late = given.entry(row, await given.person(roster_db, row.unit_id), reserved)
    await give_back(roster_db, given.by(), given.back(late))

    with pytest.raises(ClaimRefusedByTombstone):
        await hold_reservation(roster_db, given.by(), late)


async def test_the_next_revision_may_claim_again(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    first = await given.claimed(roster_db, given.request(row, POST_USE))
    await give_back(roster_db, given.by(), given.back(first))

    await claim_post(roster_db, given.by(), first.model_copy(update={"revision": 2}))

    assert (await given.state(roster_db, row)).reserved == 1


async def test_an_application_claims_once(roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    asked = await given.claimed(roster_db, given.request(row, POST_USE))

    with pytest.raises(ClaimOpen):
        await claim_post(roster_db, given.by(), asked)


async def test_what_was_given_back_takes_no_effect(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    asked = await given.claimed(roster_db, given.request(row, POST_USE))
    await give_back(roster_db, given.by(), given.back(asked))

    with pytest.raises(ClaimUnknown):
        await take_effect(roster_db, given.by(), given.effect(asked))


async def test_what_took_effect_is_not_given_back(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    asked = await given.claimed(roster_db, given.request(row, POST_USE))
    await take_effect(roster_db, given.by(), given.effect(asked))

    await give_back(roster_db, given.by(), given.back(asked))

    assert (await given.state(roster_db, row)).reserved == 1


async def test_nobody_enters_without_an_authorised_use(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    asked = given.entry(row, await given.person(roster_db, row.unit_id), uuid4()).model_copy(update={"reservation_id": None})

    with pytest.raises(NotAuthorised):
        await claim_post(roster_db, given.by(), asked)


async def test_nobody_enters_before_the_day_of_the_authorisation(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row)
    early = given.entry(row, await given.person(roster_db, row.unit_id), reserved, effective_on=date(2026, 9, 17))

    with pytest.raises(NotAuthorised):
        await claim_post(roster_db, given.by(), early)


async def test_whoever_is_on_a_roster_is_refused_at_the_claim(roster_db: Database) -> None:
    row, other = await given.row(roster_db, 1), await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row)
    person_id, _ = await given.in_post(roster_db, other)

    with pytest.raises(PersonOnRoster):
        await claim_post(roster_db, given.by(), given.entry(row, person_id, reserved))


async def test_whoever_got_on_a_roster_since_the_claim_is_refused_at_the_effect(roster_db: Database) -> None:
    row, other = await given.row(roster_db, 1), await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row)
    person_id = await given.person(roster_db, row.unit_id)
    asked = await given.claimed(roster_db, given.entry(row, person_id, reserved))
    await place_person(roster_db, given.by(), given.placement(other, person_id))

    with pytest.raises(PersonOnRoster):
        await take_effect(roster_db, given.by(), given.effect(asked))


async def test_two_applications_for_one_person_do_not_both_claim(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    reserved = await given.reservation(roster_db, row, posts=2)
    person_id = await given.person(roster_db, row.unit_id)

    answers = await asyncio.gather(
        *(claim_post(roster_db, given.by(), given.entry(row, person_id, reserved)) for _ in range(2)), return_exceptions=True
    )

    assert [type(answer) for answer in answers if answer] == [PersonClaimed]


async def test_what_was_reserved_on_a_past_day_is_known(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    await given.reservation(roster_db, row, expires_on=given.TODAY)
    await lapse_reservations(
        roster_db, given.by(at=given.NOW.replace(day=20)), LapseReservations(unit_id=row.unit_id, on=date(2026, 9, 20))
    )

    assert [await given.reserved(roster_db, row, date(2026, 9, day)) for day in (17, 18, 19, 20)] == [0, 1, 1, 0]


async def test_a_revoked_authorisation_admits_nobody_and_sets_free_what_is_not_used(roster_db: Database) -> None:  # trap: 先核编后进人
    row = await given.row(roster_db, 3)
    use = await given.claimed(roster_db, given.request(row, POST_USE, posts=3))
    made = (await take_effect(roster_db, given.by(), given.effect(use))).reservation_id
    assert made is not None
    entries = [given.entry(row, await given.person(roster_db, row.unit_id), made) for _ in range(3)]
    await given.claimed(roster_db, entries[0])
    await hold_reservation(roster_db, given.by(), entries[1])

    recalled = RecallReservation(application_id=use.application_id)
    free = await recall_reservation(roster_db, given.by(), recalled)
    refused = []
    for ask in (claim_post(roster_db, given.by(), entries[1]), hold_reservation(roster_db, given.by(), entries[2])):
        with pytest.raises(ReservationRecalled) as refusal:
            await ask
        refused.append(refusal.value.code)
    reserved = (await given.state(roster_db, row)).reserved
    await take_effect(roster_db, given.by(), given.effect(entries[0]))  # granted before
    await give_back(roster_db, given.by(), given.back(entries[1]))
    lapsed = await lapse(roster_db, row, given.TODAY)

    assert (free, refused, reserved, lapsed) == (1, ["reservation_recalled"] * 2, 2, 1)
    state = await given.state(roster_db, row)
    assert (state.headcount, state.reserved, state.available) == (1, 0, 2)
    assert await recall_reservation(roster_db, given.by(), RecallReservation(application_id=uuid4())) == 0
