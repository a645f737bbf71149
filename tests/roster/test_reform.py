"""机构改革: one document, one date, one transaction, and what each step does."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.roster.commands import reform_trials, reforms
from services.roster.commands.placements import place_person
from services.roster.commands.units import set_seats
from services.roster.models.refusals import QuotaBelowZero
from services.roster.models.requests import SetSeats
from services.roster.models.units import Reform, ReformAlreadyDone
from services.roster.queries.facts import placements_of
from shared.db import Connection, Database
from shared.events.roster import PersonPlaced, PersonReleased, QuotaChanged, RosterEvent, UnitChanged, UnitClosed, UnitRegistered
from tests.roster import given
from tests.roster.given import Row
from tests.roster.reforming import BEFORE, SINCE, carried_out, merge, people_of, reform, told, view

pytestmark = pytest.mark.asyncio


async def test_a_merged_units_posts_people_and_seats_are_on_the_successor_from_the_day_on(roster_db: Database) -> None:
    gone, into = await given.row(roster_db, 3), await given.row(roster_db, 2)
    people = {(await given.in_post(roster_db, gone))[0] for _ in range(2)}
    for row in (gone, into):
        await set_seats(roster_db, given.by(), SetSeats(unit_id=row.unit_id, level="unit_head", approved=1, effective_on=date(2021, 1, 1)))
    head = given.placement(gone, await given.person(roster_db, gone.unit_id), date(2026, 9, 2)).model_copy(
        update={"seat_level": "unit_head"}
    )
    await place_person(roster_db, given.by(), head)

    done = await carried_out(
        roster_db, merge(gone.unit_id, into.unit_id), {"step": "set_seats", "unit_id": into.unit_id, "level": "unit_head", "approved": 1}
    )

    assert (done.people_moved, done.units_closed) == (3, 1)
    state = await given.state(roster_db, into)
    assert (state.quota, state.headcount) == (5, 3)
    assert await people_of(roster_db, into.unit_id) == people | {head.person_id} == await people_of(roster_db, gone.unit_id, BEFORE)
    assert await people_of(roster_db, gone.unit_id) == set() == await people_of(roster_db, into.unit_id, BEFORE)
    assert [(seat.approved, seat.used) for seat in (await view(roster_db, into.unit_id)).seats] == [(1, 1)]
    assert [(seat.approved, seat.used) for seat in (await view(roster_db, gone.unit_id, BEFORE)).seats] == [(1, 1)]
    assert (await view(roster_db, gone.unit_id)).closed_on == SINCE
    async with roster_db.reading() as conn:
        first, second = await placements_of(conn, head.person_id)
    assert (first.unit_id, first.ended_on, second.unit_id, second.started_on) == (gone.unit_id, SINCE, into.unit_id, SINCE)
    assert (first.exit_reason, second.entry_reason, first.transfer_id, second.transfer_id) == (
        "reallocation", "reallocation", done.reform_id, done.reform_id,
    )  # fmt: skip
    assert second.authorisation_no == head.authorisation_no


async def test_a_trial_that_meets_a_deadlock_is_made_again(roster_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Must fail when it is not: whoever tries a reform while its units are written to would be told 503."""
    gone, into = await given.row(roster_db, 3), await given.row(roster_db, 2)
    met = [asyncpg.DeadlockDetectedError("locked"), asyncpg.SerializationError("changed")]

    async def take_all(conn: Connection, what: Reform) -> list[UUID]:
        if met:
            raise met.pop()
        return await reforms.take_all(conn, what)

    monkeypatch.setattr(reform_trials, "take_all", take_all)
    tried = await reform_trials.try_reform(roster_db, given.by(), reform(merge(gone.unit_id, into.unit_id)))

    assert (tried.problems, tried.units_closed, met) == ([], 1, [])


async def test_all_events_of_a_reform_carry_its_id_rising_versions_and_the_rows_as_the_whole_left_them(roster_db: Database) -> None:
    gone, into = await given.row(roster_db, 3), await given.row(roster_db, 2)
    person_id, _ = await given.in_post(roster_db, gone)
    before = len(await given.published(roster_db))

    done = await carried_out(roster_db, merge(gone.unit_id, into.unit_id), {"step": "change", "unit_id": into.unit_id, "name": "新局"})

    events = [event for event in (await given.published(roster_db))[before:] if isinstance(event, RosterEvent)]
    assert [type(event) for event in events] == [UnitChanged, QuotaChanged, QuotaChanged, PersonReleased, PersonPlaced, UnitClosed]
    assert {event.reform_id for event in events} == {done.reform_id}
    left, arrived = events[3], events[4]
    assert isinstance(left, PersonReleased)
    assert isinstance(arrived, PersonPlaced)
    assert (
        (left.person_version, left.transfer_id) == (arrived.person_version, arrived.transfer_id) == (arrived.person_version, done.reform_id)
    )
    assert left.person_id == arrived.person_id == person_id
    rows = {(event.unit_id, row.quota, row.headcount) for event in events for row in event.establishments}
    assert rows == {(gone.unit_id, 0, 0), (into.unit_id, 5, 1)}
    for unit_id in (gone.unit_id, into.unit_id):
        versions = await given.versions_of(roster_db, unit_id)
        assert versions == list(range(1, len(versions) + 1))


async def test_units_below_a_merged_one_follow_and_a_successor_below_steps_up(roster_db: Database) -> None:
    top = await given.unit(roster_db)
    gone = await given.unit(roster_db, top)
    into, sister = await given.unit(roster_db, gone), await given.unit(roster_db, gone)
    leaf = await given.unit(roster_db, sister)

    await carried_out(roster_db, merge(gone, into))

    paths = [(await view(roster_db, each)).path for each in (into, sister, leaf)]
    assert paths == [[top, into], [top, into, sister], [top, into, sister, leaf]]
    assert (await view(roster_db, leaf, BEFORE)).path == [top, gone, sister, leaf]
    assert await given.versions_of(roster_db, leaf) == [1, 2]


async def test_a_split_makes_a_unit_and_gives_it_posts_and_people(roster_db: Database) -> None:
    old, new = await given.row(roster_db, 5), Row(uuid4())
    stays, goes = [(await given.in_post(roster_db, old))[0] for _ in range(2)]

    await carried_out(
        roster_db,
        {"step": "establish", "unit_id": new.unit_id, "name": "新设中心", "code": "NEW-1", "category": "SY-1"},
        {
            "step": "split", "unit_id": old.unit_id, "into_unit_id": new.unit_id,
            "posts": [{"kind": "SY", "funding": "full", "posts": 2}], "person_ids": [goes],
        },
    )  # fmt: skip

    assert [(state.quota, state.headcount) for state in (await given.state(roster_db, old), await given.state(roster_db, new))] == [
        (3, 1),
        (2, 1),
    ]
    assert (await people_of(roster_db, old.unit_id), await people_of(roster_db, new.unit_id)) == ({stays}, {goes})
    made = await view(roster_db, new.unit_id)
    assert (made.valid_from, [(each.unit_id, each.kind) for each in made.predecessors]) == (SINCE, [(old.unit_id, "split")])
    assert [event.reform_id for event in await told(roster_db, UnitRegistered)][-1] is not None


async def test_what_a_reform_made_or_changed_tells_its_document_with_the_date(roster_db: Database) -> None:
    renamed, new = await given.unit(roster_db), uuid4()

    await carried_out(
        roster_db,
        {"step": "change", "unit_id": renamed, "name": "更名后的单位"},
        {"step": "establish", "unit_id": new, "name": "新设中心", "code": "NEW-1", "category": "SY-1"},
    )

    for unit_id in (renamed, new):
        seen = await view(roster_db, unit_id)
        assert (seen.document_no, seen.document_on) == (given.by().document_no, date(2026, 9, 1))


async def test_a_refused_step_is_named_and_undoes_all(roster_db: Database) -> None:
    row, other = await given.row(roster_db, 3), await given.row(roster_db, 1)
    before = len(await given.published(roster_db))
    move = {"step": "move_posts", "unit_id": row.unit_id, "to_unit_id": other.unit_id, "kind": "SY", "funding": "full", "posts": 2}

    with pytest.raises(QuotaBelowZero) as refusal:
        await carried_out(roster_db, {"step": "change", "unit_id": row.unit_id, "name": "新名"}, move, move)

    assert refusal.value.facts["step"] == "3"
    assert (await given.state(roster_db, row)).quota == 3
    assert len(await given.published(roster_db)) == before
    assert (await view(roster_db, row.unit_id)).name != "新名"


async def test_one_document_carries_out_the_same_steps_once_whoever_asks(roster_db: Database) -> None:
    row, other = await given.row(roster_db, 3), await given.row(roster_db, 1)
    move = {"step": "move_posts", "unit_id": row.unit_id, "to_unit_id": other.unit_id, "kind": "SY", "funding": "full", "posts": 1}
    await carried_out(roster_db, move)

    with pytest.raises(ReformAlreadyDone):
        await carried_out(roster_db, move)
    tried = await reform_trials.try_reform(roster_db, given.by(), reform(move))
    await carried_out(roster_db, move, since=SINCE + timedelta(days=1))

    assert [each.code for each in tried.problems] == ["reform_already_done"]
    assert (await given.state(roster_db, row)).quota == 1
