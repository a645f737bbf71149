"""机构改革: one document, one date, one transaction; nobody is seen twice or nowhere, posts and people tie, the past keeps its tree."""

import asyncio
import inspect
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from services.roster.commands import reform_trials, reforms
from services.roster.commands.claims import claim_post, give_back
from services.roster.commands.effects import take_effect
from services.roster.commands.freezes import freeze_unit
from services.roster.commands.placements import place_person
from services.roster.commands.reforms import carry_out
from services.roster.commands.reservations import hold_reservation
from services.roster.commands.secondments import end_secondment, second_person
from services.roster.commands.units import register_unit, set_seats
from services.roster.models.refusals import (
    DocumentMissing,
    Frozen,
    KindNotAllowed,
    PersonNotHere,
    PersonUnknown,
    QuotaBelowZero,
    SeatsChangedLater,
)
from services.roster.models.requests import FreezeUnit, RegisterUnit, SetSeats
from services.roster.models.secondments import EndSecondment, SecondPerson
from services.roster.models.units import (
    DocumentAfterEffect,
    EntryAfterReform,
    ExitAfterReform,
    Reform,
    ReformAlreadyDone,
    Reformed,
    ReformInFlight,
    ReformOverfills,
    ReformOverfillsSeats,
    UnitClosedBefore,
    UnitNotEmpty,
    UnitUnderFreeze,
)
from services.roster.queries import units as queries
from services.roster.queries.establishments import Moment
from services.roster.queries.facts import placements_of
from services.roster.queries.persons import ensure_visible
from shared.auth import Who
from shared.db import Connection, Database
from shared.errors import DomainError
from shared.events.roster import (
    OverQuotaRecorded,
    PersonPlaced,
    PersonReleased,
    QuotaChanged,
    ReservationMoved,
    RosterEvent,
    SeatsChanged,
    SecondmentEnded,
    SecondmentStarted,
    UnitChanged,
    UnitClosed,
    UnitRegistered,
)
from shared.glossary import ApplicationType, FreezeScope, OverQuotaCause, Role
from tests.roster import given
from tests.roster.given import Row
from tests.shared.given import until_waiting

pytestmark = pytest.mark.asyncio
OFFICE = Who("officer", frozenset({Role.BUSINESS_OFFICER}))
SINCE = date(2026, 9, 10)
BEFORE = SINCE - timedelta(days=1)
Step = dict[str, object]
E = TypeVar("E", bound=RosterEvent)


def reform(*steps: Step, since: date = SINCE, **more: object) -> Reform:
    return Reform.model_validate({"title": "机构改革", "effective_on": since, "document_on": date(2026, 9, 1), "steps": steps} | more)


async def carried_out(database: Database, *steps: Step, since: date = SINCE, **more: object) -> Reformed:
    return await carry_out(database, given.by(), reform(*steps, since=since, **more))


def merge(gone: UUID, into: UUID) -> Step:
    return {"step": "merge", "unit_id": gone, "into_unit_id": into}


async def view(database: Database, unit_id: UUID, on: date | None = None) -> queries.UnitView:
    async with database.reading() as conn:
        return await queries.unit_view(conn, unit_id, OFFICE, Moment(on))


async def told(database: Database, kind: type[E]) -> list[E]:
    return [event for event in await given.published(database) if isinstance(event, kind)]


async def people_of(database: Database, unit_id: UUID, on: date = given.TODAY) -> set[UUID]:
    rows = await database.pool.fetch(
        "SELECT person_id FROM placements WHERE unit_id = $1 AND during @> $2::date AND upper_inf(recorded)", unit_id, on
    )
    return {row["person_id"] for row in rows}


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


async def test_what_is_in_flight_on_a_merged_unit_is_decided_first(roster_db: Database) -> None:
    gone, into = await given.row(roster_db, 3), await given.row(roster_db, 3)
    reservation_id = await given.reservation(roster_db, gone)
    entry = given.entry(gone, await given.person(roster_db, gone.unit_id), reservation_id)
    await hold_reservation(roster_db, given.by(), entry)
    with pytest.raises(ReformInFlight) as held:
        await carried_out(roster_db, merge(gone.unit_id, into.unit_id))
    await given.claimed(roster_db, entry)
    with pytest.raises(ReformInFlight) as claimed:
        await carried_out(roster_db, merge(gone.unit_id, into.unit_id))
    await give_back(roster_db, given.by(), given.back(entry))

    await carried_out(roster_db, merge(gone.unit_id, into.unit_id))

    assert (held.value.facts["holds"], claimed.value.facts["claims"]) == ("1", "1")
    with pytest.raises(UnitClosedBefore):
        await given.claimed(roster_db, given.request(gone, ApplicationType.POST_USE, posts=1))


async def test_an_authorised_use_goes_on_at_the_successor(roster_db: Database) -> None:
    gone, into = await given.row(roster_db, 3), await given.row(roster_db, 0)
    reservation_id = await given.reservation(roster_db, gone, posts=2)

    await carried_out(roster_db, merge(gone.unit_id, into.unit_id))

    assert [(await given.state(roster_db, row)).reserved for row in (gone, into)] == [0, 2]
    moved = await told(roster_db, ReservationMoved)
    assert [(event.unit_id, event.posts) for event in moved] == [(gone.unit_id, 2), (into.unit_id, 2)]
    person_id = await given.person(roster_db, into.unit_id)
    entry = await given.claimed(roster_db, given.entry(into, person_id, reservation_id))
    await take_effect(roster_db, given.by(), given.effect(entry))
    assert ((await given.state(roster_db, into)).headcount, (await given.state(roster_db, into)).reserved) == (1, 1)


async def test_an_authorised_use_is_the_successors_from_the_day_of_the_reform_on(roster_db: Database) -> None:
    gone, into = await given.row(roster_db, 3), await given.row(roster_db, 0)
    early = given.NOW - timedelta(days=17)
    await claim_post(roster_db, given.by(at=early), asked := given.request(gone, ApplicationType.POST_USE, posts=2))
    await take_effect(roster_db, given.by(at=early), given.effect(asked, authorised_on=date(2026, 9, 1)))

    await carried_out(roster_db, merge(gone.unit_id, into.unit_id))

    days = date(2026, 8, 31), date(2026, 9, 1), BEFORE, SINCE, given.TODAY
    assert [[await given.reserved(roster_db, row, day) for day in days] for row in (gone, into)] == [[0, 2, 2, 0, 0], [0, 0, 0, 2, 2]]


async def test_a_frozen_unit_does_not_slip_away_by_a_merger(roster_db: Database) -> None:
    gone, into = await given.unit(roster_db), await given.unit(roster_db)
    await freeze_unit(roster_db, given.by(), FreezeUnit(order_id=uuid4(), unit_id=gone, scopes=(FreezeScope.ENTRY,)))
    with pytest.raises(UnitUnderFreeze):
        await carried_out(roster_db, merge(gone, into))
    await freeze_unit(roster_db, given.by(), FreezeUnit(order_id=uuid4(), unit_id=into, scopes=(FreezeScope.ORGANISATION,)))
    with pytest.raises(Frozen):
        await carried_out(roster_db, merge(gone, into))


async def test_people_without_posts_are_refused_unless_the_office_says_why(roster_db: Database) -> None:
    full, into = await given.row(roster_db, 2), await given.row(roster_db, 0)
    people = [(await given.in_post(roster_db, full))[0] for _ in range(2)]
    move: Step = {"step": "move_people", "unit_id": full.unit_id, "to_unit_id": into.unit_id, "person_ids": people}

    with pytest.raises(ReformOverfills, match="改革后 事业编制（全额拨款）将"):
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


async def test_a_reform_does_not_begin_before_its_document_nor_before_people_came(roster_db: Database) -> None:
    gone, into = await given.row(roster_db, 3), await given.unit(roster_db)
    await given.in_post(roster_db, gone, SINCE)

    with pytest.raises(DocumentMissing):
        await carry_out(roster_db, given.by(None), reform(merge(gone.unit_id, into)))
    with pytest.raises(DocumentAfterEffect):
        await carried_out(roster_db, merge(gone.unit_id, into), since=date(2026, 8, 31))
    with pytest.raises(EntryAfterReform):
        await carried_out(roster_db, merge(gone.unit_id, into))
    await carried_out(roster_db, merge(gone.unit_id, into), since=SINCE + timedelta(days=1))


@pytest.mark.parametrize(("kind", "category"), [("SY", "SY-1"), ("BW", "ZJ-Z")], ids=["established", "off establishment"])
async def test_a_merger_does_not_begin_before_people_left(roster_db: Database, kind: str, category: str) -> None:
    gone, into = [await given.row(roster_db, 3, kind=kind, category=category) for _ in range(2)]
    for row, left in ((gone, SINCE + timedelta(days=5)), (gone, None), (into, None)):
        told_of = {"off_post_kind": "counter_service", "employment_form": "labour_contract"} if kind == "BW" else {}
        post = given.placement(row, await given.person(roster_db, row.unit_id), date(2020, 1, 1)).model_copy(update=told_of)
        placement_id = await place_person(roster_db, given.by(), post)
        if left is not None:
            await given.release(roster_db, placement_id, left)
    days = [SINCE + timedelta(days=day) for day in range(-1, 7)]
    before, events = [await headcounts(roster_db, gone, into, on=day) for day in days], len(await given.published(roster_db))

    with pytest.raises(ExitAfterReform) as refusal:
        await carried_out(roster_db, merge(gone.unit_id, into.unit_id))

    assert (refusal.value.facts["people"], refusal.value.facts["day"]) == ("1", "2026-09-15")
    assert len(await given.published(roster_db)) == events
    assert [await headcounts(roster_db, gone, into, on=day) for day in days] == before
    await carried_out(roster_db, merge(gone.unit_id, into.unit_id), since=SINCE + timedelta(days=5))
    assert [sum(await headcounts(roster_db, gone, into, on=day)) for day in days] == [sum(each) for each in before] == [3] * 6 + [2] * 2


async def headcounts(database: Database, *rows: Row, on: date) -> tuple[int, ...]:
    return tuple([await given.headcount(database, row, on) for row in rows])


@pytest.mark.parametrize("lends", [True, False], ids=["from it", "to it"])
async def test_a_merger_does_not_begin_before_a_loan_was_over(roster_db: Database, *, lends: bool) -> None:
    gone, into, other = [await given.row(roster_db, 1) for _ in range(3)]
    lender, borrower = (gone, other) if lends else (other, gone)
    person_id, _ = await given.in_post(roster_db, lender)
    loan = SecondPerson(person_id=person_id, borrower_id=borrower.unit_id, started_on=date(2026, 9, 5), until=date(2026, 12, 31))
    secondment_id, back = await second_person(roster_db, given.by(), loan), SINCE + timedelta(days=5)
    await end_secondment(roster_db, given.by(), EndSecondment(secondment_id=secondment_id, ended_on=back))

    with pytest.raises(ExitAfterReform):
        await carried_out(roster_db, merge(gone.unit_id, into.unit_id))
    await carried_out(roster_db, merge(gone.unit_id, into.unit_id), since=back)


async def test_nobody_moves_before_a_loan_of_his_was_over(roster_db: Database) -> None:
    giver, taker, borrower = [await given.row(roster_db, 1) for _ in range(3)]
    person_id, _ = await given.in_post(roster_db, giver)
    loan = SecondPerson(person_id=person_id, borrower_id=borrower.unit_id, started_on=date(2026, 9, 5), until=date(2026, 12, 31))
    secondment_id, back = await second_person(roster_db, given.by(), loan), SINCE + timedelta(days=5)
    await end_secondment(roster_db, given.by(), EndSecondment(secondment_id=secondment_id, ended_on=back))
    move = {"step": "move_people", "unit_id": giver.unit_id, "to_unit_id": taker.unit_id, "person_ids": (person_id,)}

    with pytest.raises(ExitAfterReform):
        await carried_out(roster_db, move)
    await carried_out(roster_db, move, since=back)


@pytest.mark.parametrize("category", ["JG-D"])
async def test_posts_and_people_go_only_where_their_kind_is_allowed(roster_db: Database, category: str) -> None:
    row, organ = await given.row(roster_db, 2), await given.unit(roster_db, category=category)

    with pytest.raises(KindNotAllowed):
        await carried_out(roster_db, merge(row.unit_id, organ))


async def test_only_who_is_there_moves_and_only_what_is_empty_closes(roster_db: Database) -> None:
    one, other = await given.row(roster_db, 2), await given.row(roster_db, 2)
    person_id, _ = await given.in_post(roster_db, one)

    with pytest.raises(PersonNotHere):
        await carried_out(
            roster_db, {"step": "move_people", "unit_id": other.unit_id, "to_unit_id": one.unit_id, "person_ids": [person_id]}
        )
    with pytest.raises(UnitNotEmpty):
        await carried_out(roster_db, {"step": "close", "unit_id": one.unit_id})


async def test_whatever_a_placement_holds_goes_along_but_for_the_internal_unit(roster_db: Database) -> None:
    gone, into = await given.row(roster_db, 1), await given.row(roster_db, 1)
    person_id, placement_id = await given.in_post(roster_db, gone)
    await roster_db.pool.execute(
        "UPDATE placements SET entry_source = '某校', duty_status = 'on_duty', internal_unit = '一科' WHERE placement_id = $1", placement_id
    )

    await carried_out(roster_db, merge(gone.unit_id, into.unit_id))

    row = await roster_db.pool.fetchrow(
        "SELECT entry_source, duty_status, internal_unit FROM placements WHERE person_id = $1 AND upper_inf(during) AND upper_inf(recorded)",
        person_id,
    )
    assert row is not None
    assert tuple(row) == ("某校", "on_duty", None)


async def test_loans_go_on_from_the_successor_and_to_it_and_who_would_be_lent_to_his_own_unit_is_back(roster_db: Database) -> None:
    gone, into, other = [await given.row(roster_db, 4) for _ in range(3)]
    lent, borrowed, back = [(await given.in_post(roster_db, row))[0] for row in (gone, other, gone)]
    for person_id, borrower in ((lent, other), (borrowed, gone), (back, into)):
        loan = SecondPerson(person_id=person_id, borrower_id=borrower.unit_id, started_on=date(2026, 9, 5), until=date(2026, 12, 31))
        await second_person(roster_db, given.by(), loan)

    await carried_out(roster_db, merge(gone.unit_id, into.unit_id))

    rows = await roster_db.pool.fetch(
        "SELECT person_id, lender_id, borrower_id, lower(during) AS since, upper(during) AS ended, until FROM secondments"
        " WHERE upper_inf(recorded) ORDER BY lower(during)"
    )
    lasting = {(row["person_id"], row["lender_id"], row["borrower_id"], row["until"]) for row in rows if row["ended"] is None}
    assert lasting == {
        (lent, into.unit_id, other.unit_id, date(2026, 12, 31)),
        (borrowed, other.unit_id, into.unit_id, date(2026, 12, 31)),
    }
    assert {row["person_id"] for row in rows if row["ended"] == SINCE} == {lent, borrowed, back}
    assert [len(await told(roster_db, kind)) for kind in (SecondmentStarted, SecondmentEnded)] == [5, 3]


async def test_a_person_of_a_withheld_unit_is_shown_to_the_office_and_his_own_unit_alone(roster_db: Database) -> None:
    court = await given.row(roster_db, 1)
    person_id, _ = await given.in_post(roster_db, court)
    await carried_out(roster_db, {"step": "change", "unit_id": court.unit_id, "withheld": True})
    seen = {"office": OFFICE, "own": Who("clerk", frozenset({Role.UNIT_CLERK}), (court.unit_id,))}
    parent = Who("head", frozenset({Role.PARENT_UNIT}))

    async with roster_db.reading() as conn:
        for who in seen.values():
            await ensure_visible(conn, person_id, who)
        with pytest.raises(PersonUnknown):
            await ensure_visible(conn, person_id, parent)


async def test_who_is_being_placed_while_the_unit_is_merged_goes_along(roster_db: Database) -> None:
    gone, into = await given.row(roster_db, 2), await given.row(roster_db, 0)
    entry = given.placement(gone, await given.person(roster_db, gone.unit_id), date(2026, 9, 2))

    async with roster_db.transaction() as conn:
        await inspect.unwrap(place_person)(conn, given.by(), entry)
        merging = asyncio.create_task(carried_out(roster_db, merge(gone.unit_id, into.unit_id)))
        await until_waiting(roster_db)

    assert (await merging).people_moved == 1
    assert await people_of(roster_db, into.unit_id) == {entry.person_id}


async def test_a_unit_that_is_being_registered_below_one_that_is_merged_goes_along(roster_db: Database) -> None:
    gone, into = await given.unit(roster_db), await given.unit(roster_db)
    what = RegisterUnit(name="新校", code="B-1", category="SY-1", parent_id=gone, valid_from=date(2021, 1, 1))

    async with roster_db.transaction() as conn:
        below = await inspect.unwrap(register_unit)(conn, given.by(), what)
        merging = asyncio.create_task(carried_out(roster_db, merge(gone, into)))
        await until_waiting(roster_db)

    await merging
    assert (await view(roster_db, below)).path == [into, below]


async def test_who_comes_to_a_unit_while_it_is_merged_comes_too_late(roster_db: Database) -> None:
    gone, into = await given.row(roster_db, 2), await given.row(roster_db, 0)
    entry = given.placement(gone, await given.person(roster_db, gone.unit_id), date(2026, 9, 2))

    async with roster_db.transaction() as conn:
        await inspect.unwrap(carry_out)(conn, given.by(), reform(merge(gone.unit_id, into.unit_id)))
        placing = asyncio.ensure_future(place_person(roster_db, given.by(), entry))
        await until_waiting(roster_db)

    with pytest.raises(UnitClosedBefore):
        await placing


@dataclass
class Town:
    """A small tree with posts and people, and what random reforms do to it."""

    database: Database
    units: list[UUID]
    chance: Random
    day: date
    strangers: set[UUID]

    def step(self) -> Step:
        one, other = self.chance.choice(self.units), self.chance.choice(self.units)
        posts = {"kind": "SY", "funding": "full", "posts": self.chance.randint(1, 3)}
        made = uuid4()
        kinds: list[Step] = [
            merge(one, other),
            {"step": "change", "unit_id": one, "parent_id": self.chance.choice([None, other])},
            {"step": "change", "unit_id": one, "name": f"新名{self.chance.randint(1, 9)}"},
            {"step": "move_posts", "unit_id": one, "to_unit_id": other} | posts,
            {"step": "establish", "unit_id": made, "name": "新设", "code": f"N{made.hex[:8]}", "category": "SY-1", "parent_id": one},
            {"step": "change", "unit_id": one, "withheld": self.chance.choice([True, False])},
            {"step": "close", "unit_id": one, "successors": [other]},
        ]
        return self.chance.choices(kinds, weights=(3, 3, 1, 4, 2, 1, 1))[0]

    async def with_people(self, step: Step) -> Step:
        """Now and then some of the unit's people move, whoever they are by now."""
        here = sorted(await people_of(self.database, self.chance.choice(self.units), self.day))
        if not here or self.chance.random() < 0.7:
            return step
        unit_id = await self.database.pool.fetchval("SELECT unit_id FROM persons WHERE id = $1", here[0])
        some = self.chance.sample(here, self.chance.randint(1, len(here)))
        return {"step": "move_people", "unit_id": unit_id, "to_unit_id": self.chance.choice(self.units), "person_ids": some}


async def all_units(database: Database) -> set[UUID]:
    return {row["id"] for row in await database.pool.fetch("SELECT id FROM units")}


async def tree(town: Town, on: date | None) -> dict[UUID, tuple[object, ...]]:
    """Of every unit on a day: its place, its name, its figures."""
    async with town.database.reading() as conn:
        there = await given.units_of(conn, OFFICE, Moment(on))
        views = [await queries.unit_view(conn, unit_id, OFFICE, Moment(on)) for unit_id in there if unit_id not in town.strangers]
    return {
        each.id: (each.parent_id, each.path, each.name, [(row.kind, row.quota, row.headcount) for row in each.establishments])
        for each in views
    }


async def sums(town: Town) -> Counter[str]:
    """Posts, people and promises of the whole town, as the latest state has them."""
    found: Counter[str] = Counter()
    for unit_id in await all_units(town.database) - town.strangers:
        for state in (await view(town.database, unit_id)).establishments:
            found.update(posts=state.quota or 0, people=state.headcount, reserved=state.reserved)
    return found


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@examples(seed=st.integers(0, 2**32))
async def test_after_random_reforms_the_sums_tie_and_no_day_before_moved(roster_db: Database, seed: int) -> None:
    town = Town(roster_db, [], Random(seed), SINCE, await all_units(roster_db))
    chance = town.chance
    town.units += [await given.unit(roster_db) for _ in range(2)]
    for _ in range(4):
        row = await given.row(roster_db, 4, parent=chance.choice(town.units))
        for _ in range(chance.randint(0, 3)):
            await given.in_post(roster_db, row)
        town.units.append(row.unit_id)
    await given.reservation(roster_db, row)
    before, past = await sums(town), {BEFORE: await tree(town, BEFORE)}

    for day in range(6):
        town.day = SINCE + timedelta(days=day)
        steps = [await town.with_people(town.step()) for _ in range(chance.randint(1, 3))]
        try:
            await carried_out(roster_db, *steps, since=town.day)
        except DomainError:
            continue
        finally:
            past[town.day] = await tree(town, town.day)
        town.units += [UUID(str(step["unit_id"])) for step in steps if step["step"] == "establish"]

    assert await sums(town) == before
    assert {day: await tree(town, day) for day in past} == past
    await ensure_one_tree(town, list(past))
    await ensure_nobody_twice_or_nowhere(roster_db)


async def ensure_one_tree(town: Town, days: list[date]) -> None:
    """On every day a unit's path is its parent's path and itself; today's is the head's. Versions have no gap."""
    for day in days:
        places = await tree(town, day)
        for unit_id, (parent_id, path, *_) in places.items():
            above = list(places[parent_id][1]) if parent_id else []  # type: ignore[index,call-overload]
            assert path == [*above, unit_id]
    heads = await town.database.pool.fetch(
        "SELECT units.id FROM units JOIN unit_records r ON unit_id = units.id AND upper_inf(during) AND upper_inf(recorded)"
        " WHERE (units.path, units.name, units.withheld) IS DISTINCT FROM (r.path, r.name, r.withheld) OR NOT upper_inf(valid)"
    )
    assert heads == []
    for row in await town.database.pool.fetch("SELECT id FROM units"):
        versions = await given.versions_of(town.database, row["id"])
        assert versions == list(range(1, len(versions) + 1))


async def ensure_nobody_twice_or_nowhere(database: Database) -> None:
    """Each person is in post once, on every day since he came; both halves of his moves are told, with one version."""
    rows = await database.pool.fetch(
        "SELECT person_id, count(*) AS times, sum(upper(during) - lower(during)) FILTER (WHERE NOT upper_inf(during)) AS days,"
        " max(lower(during)) FILTER (WHERE upper_inf(during)) - min(lower(during)) AS since FROM placements WHERE upper_inf(recorded)"
        " GROUP BY person_id"
    )
    assert all((row["days"] or 0) == row["since"] for row in rows)
    left = Counter((event.person_id, event.person_version) for event in await told(database, PersonReleased))
    came = Counter((event.person_id, event.person_version) for event in await told(database, PersonPlaced) if event.transfer_id)
    assert left == came
