"""调动: one command, two units, one date."""

import asyncio
from datetime import date

import pytest

from services.roster.commands.claims import claim_post
from services.roster.commands.effects import take_effect
from services.roster.commands.persons import update_person
from services.roster.commands.placements import place_person
from services.roster.commands.transfers import transfer_person
from services.roster.models.persons import UpdatePerson
from services.roster.models.refusals import KindsApart, PastRetirement, PersonNotHere, QuotaExhausted, SameUnit
from services.roster.models.requests import TransferPerson
from services.roster.queries.checks import check_application
from services.roster.queries.facts import placements_of
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


async def test_the_office_transfers_nobody_after_his_month_of_retirement_and_the_form_tells_it(roster_db: Database) -> None:
    giver, taker = await given.row(roster_db, 1), await given.row(roster_db, 1)
    retired = await given.person(roster_db, giver.unit_id, born=date(1950, 1, 1))
    await place_person(roster_db, given.by(), given.placement(giver, retired, date(2026, 9, 2)).model_copy(update={"baseline": True}))
    asked = given.request(taker, ApplicationType.TRANSFER, person_id=retired, from_unit_id=giver.unit_id)

    with pytest.raises(PastRetirement, match="2005-01"):
        await transfer_person(roster_db, given.by(), transfer(retired, giver, taker))

    async with roster_db.reading() as conn:
        advice = {check.code: check.passed for check in await check_application(conn, asked, given.TODAY)}
    assert advice["before_retirement"] is False


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


@pytest.mark.parametrize("renewed", [False, True])
@pytest.mark.parametrize("applied", [False, True])
async def test_outside_the_establishment_the_kind_of_work_and_the_contract_outlast_a_transfer(
    roster_db: Database, *, applied: bool, renewed: bool
) -> None:
    giver, taker = [await given.row(roster_db, 1, kind="BW", category="SY-E") for _ in range(2)]
    person_id = await given.person(roster_db, giver.unit_id)
    contract = {"employment_form": "dispatch", "dispatch_company": "示例人力资源公司", "contract_until": date(2027, 8, 31)}
    told = contract | {"off_post_kind": "counter_service"}
    await place_person(roster_db, given.by(), given.placement(giver, person_id, date(2026, 9, 2)).model_copy(update=told))
    if renewed:
        told["contract_until"] = date(2028, 8, 31)
        later = UpdatePerson(person_id=person_id, since=given.TODAY, contract_until=told["contract_until"])
        await update_person(roster_db, given.CIPHER, given.by(), later)

    if applied:
        asked = given.request(taker, ApplicationType.TRANSFER, person_id=person_id, from_unit_id=giver.unit_id)
        await claim_post(roster_db, given.by(), asked)
        await take_effect(roster_db, given.by(), given.effect(asked))
    else:
        await transfer_person(roster_db, given.by(), transfer(person_id, giver, taker))

    async with roster_db.reading() as conn:
        here = next(each for each in await placements_of(conn, person_id) if each.unit_id == taker.unit_id)
    assert {name: getattr(here, name) for name in told} == told


async def test_whoever_left_since_the_claim_is_not_moved(roster_db: Database) -> None:
    giver, taker, other = [await given.row(roster_db, 1) for _ in range(3)]
    person_id, _ = await given.in_post(roster_db, giver)
    asked = given.request(taker, ApplicationType.TRANSFER, person_id=person_id, from_unit_id=giver.unit_id)
    await claim_post(roster_db, given.by(), asked)
    await transfer_person(roster_db, given.by(), transfer(person_id, giver, other))

    with pytest.raises(PersonNotHere):
        await take_effect(roster_db, given.by(), given.effect(asked))


@pytest.mark.parametrize(("held", "wanted"), [("BW", "SY"), ("BB", "SY"), ("SY", "BB"), ("BW", "BB")])
async def test_no_transfer_leads_into_establishment_or_out_of_it(roster_db: Database, held: str, wanted: str) -> None:
    """先核编后进人: whoever gets 编制 that he did not have enters on an authorised use."""
    giver, taker = [await given.row(roster_db, 1, kind=kind, category="SY-E") for kind in (held, wanted)]
    person_id = await given.person(roster_db, giver.unit_id)
    told = {"off_post_kind": "counter_service", "employment_form": "labour_contract"} if held == "BW" else {}
    post = given.placement(giver, person_id, date(2026, 9, 2)).model_copy(update=told)
    await place_person(roster_db, given.by(), post)
    asked = given.request(taker, ApplicationType.TRANSFER, person_id=person_id, from_unit_id=giver.unit_id)

    with pytest.raises(KindsApart):
        await transfer_person(roster_db, given.by(), transfer(person_id, giver, taker))
    with pytest.raises(KindsApart):
        await claim_post(roster_db, given.by(), asked)

    async with roster_db.reading() as conn:
        advice = {check.code: check.passed for check in await check_application(conn, asked, given.TODAY)}
    assert (advice["person_at_giver"], advice["kinds_alike"]) == (True, False)


async def test_whoever_holds_another_kind_since_the_claim_is_not_moved(roster_db: Database) -> None:
    giver, taker = [await given.row(roster_db, 1, category="SY-E") for _ in range(2)]
    filed = given.Row(giver.unit_id, "BB")
    await given.quota(roster_db, filed, 1)
    person_id, placement_id = await given.in_post(roster_db, giver)
    asked = given.request(taker, ApplicationType.TRANSFER, person_id=person_id, from_unit_id=giver.unit_id)
    await claim_post(roster_db, given.by(), asked)
    await given.release(roster_db, placement_id, date(2026, 9, 10))
    await place_person(roster_db, given.by(), given.placement(filed, person_id, date(2026, 9, 10)))

    with pytest.raises(KindsApart, match="现任岗位的编制类型 报备员额 与拟用的编制类型 事业编制 性质不同"):
        await take_effect(roster_db, given.by(), given.effect(asked))


async def test_a_transfer_leads_from_one_kind_of_establishment_to_another(roster_db: Database) -> None:
    giver, taker = await given.row(roster_db, 1), await given.row(roster_db, 1, kind="XZ", category="ZJ-Z")
    person_id, _ = await given.in_post(roster_db, giver)

    await transfer_person(roster_db, given.by(), transfer(person_id, giver, taker))

    assert (await given.state(roster_db, taker)).headcount == 1


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


async def test_a_transfer_that_leads_nowhere_is_told_at_the_form_and_takes_no_post(roster_db: Database) -> None:
    home = await given.row(roster_db, 2)
    person_id, _ = await given.in_post(roster_db, home)
    asked = given.request(home, ApplicationType.TRANSFER, person_id=person_id, from_unit_id=home.unit_id)

    with pytest.raises(SameUnit):
        await claim_post(roster_db, given.by(), asked)

    async with roster_db.reading() as conn:
        advice = {check.code: check.passed for check in await check_application(conn, asked, given.TODAY)}
    assert advice["person_at_giver"] is False
