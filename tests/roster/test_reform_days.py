"""From which day a reform may take effect: after its document, and after whoever came, left or was lent."""

from datetime import date, timedelta

import pytest

from services.roster.commands.placements import place_person
from services.roster.commands.reforms import carry_out
from services.roster.commands.secondments import end_secondment, second_person
from services.roster.models.refusals import DocumentMissing
from services.roster.models.secondments import EndSecondment, SecondPerson
from services.roster.models.units import DocumentAfterEffect, EntryAfterReform, ExitAfterReform
from shared.db import Database
from tests.roster import given
from tests.roster.given import Row
from tests.roster.reforming import SINCE, carried_out, merge, reform

pytestmark = pytest.mark.asyncio


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
