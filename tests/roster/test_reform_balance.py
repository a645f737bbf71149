"""What a reform leaves beyond posts and seats: with a recorded cause, or not at all."""

from datetime import date, timedelta

import pytest

from services.roster.commands import reform_trials
from services.roster.commands.placements import place_person
from services.roster.commands.units import set_seats
from services.roster.models.refusals import SeatsChangedLater
from services.roster.models.requests import SetSeats
from services.roster.models.units import ReformOverfills, ReformOverfillsSeats
from shared.db import Database
from shared.events.roster import OverQuotaRecorded, PersonPlaced, SeatsChanged
from shared.glossary import OverQuotaCause
from tests.roster import given
from tests.roster.reforming import SINCE, Step, carried_out, merge, reform, told, view

pytestmark = pytest.mark.asyncio


async def test_a_reform_leaves_more_leaders_beyond_their_seats_only_with_its_cause_and_the_trial_says_so(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    await set_seats(roster_db, given.by(), SetSeats(unit_id=row.unit_id, level="unit_head", approved=1, effective_on=date(2021, 1, 1)))
    head = given.placement(row, await given.person(roster_db, row.unit_id), date(2026, 9, 2))
    await place_person(roster_db, given.by(), head.model_copy(update={"seat_level": "unit_head"}))
    lower = {"step": "set_seats", "unit_id": row.unit_id, "level": "unit_head", "approved": 0}

    tried = await reform_trials.try_reform(roster_db, given.by(), reform(lower))
    with pytest.raises(ReformOverfillsSeats):
        await carried_out(roster_db, lower)

    assert [(each.code, each.step) for each in tried.problems] == [("reform_overfills_seats", None)]
    await carried_out(roster_db, lower, over_quota_cause="policy")
    assert [(seat.approved, seat.used) for seat in (await view(roster_db, row.unit_id)).seats] == [(0, 1)]
    kept = await roster_db.pool.fetchval("SELECT over_seats_cause FROM seats WHERE upper_inf(during) AND upper_inf(recorded)")
    (told,) = [each for each in await given.published(roster_db) if isinstance(each, SeatsChanged) and each.approved == 0]
    assert (kept, told.over_seats_cause, told.effective_on) == ("policy", OverQuotaCause.POLICY, SINCE)


async def test_a_reform_that_leaves_leaders_beyond_their_seats_keeps_the_cause_that_was_recorded(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    level = {"unit_id": row.unit_id, "level": "unit_deputy"}
    await set_seats(roster_db, given.by(), SetSeats(**level, approved=2, effective_on=date(2021, 1, 1)))
    for _ in range(2):
        post = given.placement(row, await given.person(roster_db, row.unit_id), date(2026, 9, 2))
        await place_person(roster_db, given.by(), post.model_copy(update={"seat_level": "unit_deputy"}))
    lowered = SetSeats(**level, approved=0, effective_on=SINCE, over_seats_cause=OverQuotaCause.HISTORY)
    await set_seats(roster_db, given.by(), lowered)

    await carried_out(roster_db, {"step": "set_seats", **level, "approved": 1})

    kept = await roster_db.pool.fetchval("SELECT over_seats_cause FROM seats WHERE upper_inf(during) AND upper_inf(recorded)")
    (told,) = [each for each in await given.published(roster_db) if isinstance(each, SeatsChanged) and each.approved == 1]
    assert (kept, told.over_seats_cause) == ("history", OverQuotaCause.HISTORY)


async def test_a_trial_counts_no_ceiling_of_employees_as_posts(roster_db: Database) -> None:  # trap 2
    gone, into = await given.row(roster_db, 3), await given.row(roster_db, 2)
    await given.quota(roster_db, given.Row(gone.unit_id, "BW"), 4)

    tried = await reform_trials.try_reform(roster_db, given.by(), reform(merge(gone.unit_id, into.unit_id)))

    assert tried.problems == []
    assert (tried.steps[0].posts, tried.steps[0].ceilings) == (3, 4)


@pytest.mark.parametrize("changed_later", ["gone", "into"])
async def test_a_merge_does_not_go_behind_a_later_number_of_seats_and_names_its_step(roster_db: Database, changed_later: str) -> None:
    units = {name: await given.unit(roster_db) for name in ("gone", "into")}
    numbers = [(unit_id, 1, date(2021, 1, 1)) for unit_id in units.values()] + [(units[changed_later], 2, given.TODAY)]
    for unit_id, approved, since in numbers:
        await set_seats(roster_db, given.by(), SetSeats(unit_id=unit_id, level="unit_head", approved=approved, effective_on=since))
    set_one = {"step": "set_seats", "unit_id": units[changed_later], "level": "unit_head", "approved": 1}

    for number, steps in enumerate(
        ([merge(units["gone"], units["into"])], [{"step": "change", "unit_id": units["into"], "name": "新局"}, set_one]), start=1
    ):
        with pytest.raises(SeatsChangedLater) as refusal:
            await carried_out(roster_db, *steps)
        assert refusal.value.facts["step"] == str(number)

    assert [(await view(roster_db, unit_id)).closed_on for unit_id in units.values()] == [None, None]
    await carried_out(roster_db, merge(units["gone"], units["into"]), since=given.TODAY)
    assert [seat.approved for seat in (await view(roster_db, units["into"])).seats] == [3]


async def test_people_without_posts_are_refused_unless_the_office_says_why(roster_db: Database) -> None:
    full, into = await given.row(roster_db, 2), await given.row(roster_db, 0)
    people = [(await given.in_post(roster_db, full))[0] for _ in range(2)]
    move: Step = {"step": "move_people", "unit_id": full.unit_id, "to_unit_id": into.unit_id, "person_ids": people}

    name = (await view(roster_db, into.unit_id)).name
    over = f"改革后 事业编制（全额拨款）将超出编制 2 名，改革前为 0 名：{name}核定 0 名、实有 2 名，超出 2 名。请"
    tried = await reform_trials.try_reform(roster_db, given.by(), reform(move))
    assert [(each.step, each.sentence[: len(over)]) for each in tried.problems] == [(None, over)]
    with pytest.raises(ReformOverfills, match=over):
        await carried_out(roster_db, move)
    await carried_out(roster_db, move, over_quota_cause="policy")

    causes = [event.cause for event in await told(roster_db, OverQuotaRecorded)]
    assert causes == [OverQuotaCause.POLICY, OverQuotaCause.POLICY]
    assert (await given.state(roster_db, into)).overstaffing == 2


async def test_a_surplus_is_carried_over_with_its_cause_and_vanishes_where_there_is_room(roster_db: Database) -> None:
    tight, full, roomy = await given.row(roster_db, 0), await given.row(roster_db, 0), await given.row(roster_db, 1)
    person_id, _ = await given.over_quota(roster_db, tight)

    await carried_out(roster_db, merge(tight.unit_id, full.unit_id))
    carried = (await told(roster_db, OverQuotaRecorded))[-1]
    await carried_out(roster_db, merge(full.unit_id, roomy.unit_id), since=SINCE + timedelta(days=1))

    assert (carried.unit_id, carried.cause, carried.person_id) == (full.unit_id, OverQuotaCause.VIOLATION, person_id)
    placed = (await told(roster_db, PersonPlaced))[-1]
    assert (placed.unit_id, placed.person_id) == (roomy.unit_id, person_id)
    cause = await roster_db.pool.fetchval(
        "SELECT over_quota_cause FROM placements WHERE unit_id = $1 AND upper_inf(recorded)", roomy.unit_id
    )
    assert cause is None
