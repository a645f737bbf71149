"""Who goes along in a reform, with what he holds, and who sees him."""

from datetime import date
from uuid import UUID

import pytest

from services.roster.commands.persons import update_person
from services.roster.commands.reform_trials import try_reform
from services.roster.commands.secondments import second_person
from services.roster.models.persons import UpdatePerson
from services.roster.models.refusals import KindNotAllowed, PersonNotHere, PersonUnknown
from services.roster.models.secondments import SecondPerson
from services.roster.models.units import InternalUnitLeft, UnitNotEmpty
from services.roster.queries import reforms
from services.roster.queries.establishments import Moment
from services.roster.queries.persons import ensure_visible, person_view
from shared.auth import Who
from shared.db import Database
from shared.events.roster import SecondmentEnded, SecondmentStarted
from shared.glossary import Role
from tests.roster import given
from tests.roster.reforming import BEFORE, OFFICE, SINCE, carried_out, merge, people_of, reform, told

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


async def test_whatever_a_placement_holds_goes_along(roster_db: Database) -> None:
    gone, into = await given.row(roster_db, 1), await given.row(roster_db, 1)
    person_id, placement_id = await given.in_post(roster_db, gone)
    await roster_db.pool.execute(
        "UPDATE placements SET entry_source = '某校', duty_status = 'on_duty' WHERE placement_id = $1", placement_id
    )

    await carried_out(roster_db, merge(gone.unit_id, into.unit_id))

    row = await roster_db.pool.fetchrow(
        "SELECT entry_source, duty_status FROM placements WHERE person_id = $1 AND upper_inf(during) AND upper_inf(recorded)", person_id
    )
    assert row is not None
    assert tuple(row) == ("某校", "on_duty")


async def test_who_sits_in_an_internal_unit_that_the_successor_has_too_stays_in_it_and_the_others_are_told(roster_db: Database) -> None:
    """By the names the successor has at the end: a later step may say them."""
    gone, into = await given.row(roster_db, 4), await given.row(roster_db, 1)
    for internal_unit in ("窗口科", "人事科", "窗口科", None):
        person_id, _ = await given.in_post(roster_db, gone)
        sits = UpdatePerson(person_id=person_id, since=date(2026, 9, 3), internal_unit=internal_unit)
        await update_person(roster_db, given.CIPHER, given.by(), sits)
    steps = merge(gone.unit_id, into.unit_id), {"step": "change", "unit_id": into.unit_id, "internal_units": ["综合科", "人事科"]}

    tried = await try_reform(roster_db, given.by(), reform(*steps))
    done = await carried_out(roster_db, *steps)
    async with roster_db.reading() as conn:
        shown = await reforms.reform(conn, done.reform_id, OFFICE)

    left = [InternalUnitLeft(unit_id=gone.unit_id, to_unit_id=into.unit_id, internal_unit="窗口科", people=2)]
    assert tried.problems == []
    assert (tried.internal_units_left, done.internal_units_left, shown.internal_units_left) == (left, left, left)
    assert await _sat_in(roster_db, gone.unit_id, BEFORE) == [None, "人事科", "窗口科", "窗口科"]
    assert await _sat_in(roster_db, into.unit_id, SINCE) == [None, None, None, "人事科"]


async def test_who_is_moved_alone_keeps_an_internal_unit_of_the_same_name_too(roster_db: Database) -> None:
    one, other = await given.row(roster_db, 2), await given.row(roster_db, 2)
    person_id, placement_id = await given.in_post(roster_db, one)
    await roster_db.pool.execute("UPDATE placements SET internal_unit = '一科' WHERE placement_id = $1", placement_id)

    done = await carried_out(
        roster_db,
        {"step": "change", "unit_id": other.unit_id, "internal_units": ["一科"]},
        {"step": "move_people", "unit_id": one.unit_id, "to_unit_id": other.unit_id, "person_ids": [person_id]},
    )

    assert done.internal_units_left == []
    assert await _sat_in(roster_db, other.unit_id, SINCE) == ["一科"]


async def _sat_in(database: Database, unit_id: UUID, on: date) -> list[str | None]:
    """The internal units of who was on a unit on a day, as his page tells them."""
    async with database.reading() as conn:
        people = [await person_view(conn, given.CIPHER, each, OFFICE, Moment(on)) for each in await people_of(database, unit_id, on)]
    return sorted((each.placement.internal_unit if each.placement else None for each in people), key=lambda name: name or "")


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
