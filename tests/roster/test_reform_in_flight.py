"""What is under way on a unit while it is reformed: decided first, taken along, or too late."""

import asyncio
import inspect
from datetime import date, timedelta
from uuid import uuid4

import pytest

from services.roster.commands.claims import claim_post, give_back
from services.roster.commands.effects import take_effect
from services.roster.commands.freezes import freeze_unit
from services.roster.commands.placements import place_person
from services.roster.commands.reforms import carry_out
from services.roster.commands.reservations import hold_reservation
from services.roster.commands.units import register_unit
from services.roster.models.refusals import Frozen
from services.roster.models.requests import FreezeUnit, RegisterUnit
from services.roster.models.units import ReformInFlight, UnitClosedBefore, UnitUnderFreeze
from shared.db import Database
from shared.events.roster import ReservationMoved
from shared.glossary import ApplicationType, FreezeScope
from tests.roster import given
from tests.roster.reforming import BEFORE, SINCE, carried_out, merge, people_of, reform, told, view
from tests.shared.given import until_waiting

pytestmark = pytest.mark.asyncio


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
