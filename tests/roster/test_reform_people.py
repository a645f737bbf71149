"""Who goes along in a reform, with what he holds, and who sees him."""

from datetime import date

import pytest

from services.roster.commands.secondments import second_person
from services.roster.models.refusals import KindNotAllowed, PersonNotHere, PersonUnknown
from services.roster.models.secondments import SecondPerson
from services.roster.models.units import UnitNotEmpty
from services.roster.queries.persons import ensure_visible
from shared.auth import Who
from shared.db import Database
from shared.events.roster import SecondmentEnded, SecondmentStarted
from shared.glossary import Role
from tests.roster import given
from tests.roster.reforming import OFFICE, SINCE, carried_out, merge, told

pytestmark = pytest.mark.asyncio


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
