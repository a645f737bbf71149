"""调动: one command, two units, one date."""

import asyncio
from datetime import date

import pytest

from services.roster.commands.claims import claim_post
from services.roster.commands.effects import take_effect
from services.roster.commands.transfers import transfer_person
from services.roster.models.refusals import PersonNotHere, QuotaExhausted, SameUnit
from services.roster.models.requests import TransferPerson
from shared.db import Database
from shared.events.roster import PersonPlaced, PersonReleased
from shared.glossary import ApplicationType
from tests.roster import given

pytestmark = pytest.mark.asyncio


def transfer(person_id: object, giver: given.Row, taker: given.Row) -> TransferPerson:
    return TransferPerson.model_validate(
        {
            "person_id": person_id,
            "from_unit_id": giver.unit_id,
            "to_unit_id": taker.unit_id,
            "kind": taker.kind,
            "funding": taker.funding,
            "effective_on": given.TODAY,
            "authorisation_no": "调〔2026〕1号",
            "authorised_on": date(2026, 9, 1),
        }
    )


async def test_both_halves_of_a_transfer_say_the_same(roster_db: Database) -> None:  # trap: a transfer as two cases
    giver, taker = await given.row(roster_db, 1), await given.row(roster_db, 1)
    person_id, _ = await given.in_post(roster_db, giver)

    await transfer_person(roster_db, given.by(), transfer(person_id, giver, taker))

    left, came = (await given.published(roster_db))[-2:]
    assert isinstance(left, PersonReleased)
    assert isinstance(came, PersonPlaced)
    assert (left.transfer_id, left.person_version, left.ended_on) == (came.transfer_id, came.person_version, came.started_on)
    assert left.transfer_id is not None
    assert [(await given.state(roster_db, row)).headcount for row in (giver, taker)] == [0, 1]


async def test_on_every_day_of_a_transfer_the_person_is_on_exactly_one_unit(roster_db: Database) -> None:  # trap: a transfer as two cases
    giver, taker = await given.row(roster_db, 1), await given.row(roster_db, 1)
    person_id, _ = await given.in_post(roster_db, giver, date(2026, 9, 15))

    await transfer_person(roster_db, given.by(), transfer(person_id, giver, taker))

    for day in range(15, 25):
        assert sum([await given.headcount(roster_db, row, date(2026, 9, day)) for row in (giver, taker)]) == 1


async def test_a_full_unit_takes_nobody_and_the_person_stays(roster_db: Database) -> None:
    giver, taker = await given.row(roster_db, 1), await given.row(roster_db, 0)
    person_id, _ = await given.in_post(roster_db, giver)

    with pytest.raises(QuotaExhausted):
        await transfer_person(roster_db, given.by(), transfer(person_id, giver, taker))

    assert (await given.state(roster_db, giver)).headcount == 1


async def test_a_unit_gives_only_whom_it_has(roster_db: Database) -> None:
    giver, taker, other = [await given.row(roster_db, 1) for _ in range(3)]
    person_id, _ = await given.in_post(roster_db, other)

    with pytest.raises(PersonNotHere):
        await transfer_person(roster_db, given.by(), transfer(person_id, giver, taker))
    with pytest.raises(SameUnit):
        await transfer_person(roster_db, given.by(), transfer(person_id, other, other))


async def test_an_applied_transfer_claims_at_the_taker_and_moves_in_one_effect(roster_db: Database) -> None:
    giver, taker = await given.row(roster_db, 1), await given.row(roster_db, 1)
    person_id, _ = await given.in_post(roster_db, giver)
    asked = given.request(taker, ApplicationType.TRANSFER, person_id=person_id, from_unit_id=giver.unit_id)
    await claim_post(roster_db, given.by(), asked)
    assert (await given.state(roster_db, taker)).reserved == 1

    await take_effect(roster_db, given.by(), given.effect(asked))

    state = await given.state(roster_db, taker)
    assert (state.headcount, state.reserved) == (1, 0)
    assert (await given.state(roster_db, giver)).headcount == 0


async def test_whoever_left_since_the_claim_is_not_moved(roster_db: Database) -> None:
    giver, taker, other = [await given.row(roster_db, 1) for _ in range(3)]
    person_id, _ = await given.in_post(roster_db, giver)
    asked = given.request(taker, ApplicationType.TRANSFER, person_id=person_id, from_unit_id=giver.unit_id)
    await claim_post(roster_db, given.by(), asked)
    await transfer_person(roster_db, given.by(), transfer(person_id, giver, other))

    with pytest.raises(PersonNotHere):
        await take_effect(roster_db, given.by(), given.effect(asked))


async def test_transfers_in_both_directions_end_without_a_deadlock(roster_db: Database) -> None:
    here, there = await given.row(roster_db, 30), await given.row(roster_db, 30)
    going = [(await given.in_post(roster_db, here))[0] for _ in range(10)]
    coming = [(await given.in_post(roster_db, there))[0] for _ in range(10)]
    async with roster_db.pool.acquire() as conn:
        before = await conn.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")

    await asyncio.gather(
        *(transfer_person(roster_db, given.by(), transfer(each, here, there)) for each in going),
        *(transfer_person(roster_db, given.by(), transfer(each, there, here)) for each in coming),
    )

    async with roster_db.pool.acquire() as conn:
        await conn.execute("SELECT pg_stat_force_next_flush()")
        assert await conn.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == before
    for row in (here, there):
        versions = await given.versions_of(roster_db, row.unit_id)
        assert versions == list(range(1, len(versions) + 1))
