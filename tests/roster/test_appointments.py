"""任免: somebody in post takes a seat of 领导职数 from a day on, and leaves it from another; the post, and the day it began, stay as they are."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.roster.commands.appointments import change_seat
from services.roster.commands.corrections import correct_placement
from services.roster.commands.locks import lock_unit
from services.roster.commands.placements import place_person, release_person
from services.roster.commands.transfers import transfer_person
from services.roster.commands.units import set_seats
from services.roster.models.refusals import (
    AlreadyReleased,
    ChangedLater,
    CodeUnknown,
    DocumentMissing,
    EffectiveInFuture,
    Frozen,
    SeatsExhausted,
    SeatsUnapproved,
    SeatUnchanged,
    SinceBeforePost,
)
from services.roster.models.requests import ChangeSeat, CorrectPlacement, ReleasePerson, SetSeats, TransferPerson
from services.roster.queries.establishments import Moment
from services.roster.queries.import_facts import known_persons, people_in_post
from services.roster.queries.persons import history, person_view
from shared.db import Database
from shared.events.roster import SeatsChanged
from shared.glossary import FreezeScope, Role
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.test_lists import got
from tests.shared.given import until_waiting

pytestmark = pytest.mark.asyncio
ENTERED, MARCH, JUNE = date(2026, 1, 5), date(2026, 3, 1), date(2026, 6, 1)
ON, OFF = given.NOW + timedelta(days=10), given.NOW + timedelta(days=90)
DEPUTY, HEAD = "unit_deputy", "unit_head"


async def deputy_to_be(database: Database, row: given.Row) -> tuple[UUID, UUID]:
    for level in (DEPUTY, HEAD):
        await set_seats(database, given.by(), SetSeats(unit_id=row.unit_id, level=level, approved=1, effective_on=date(2026, 1, 1)))
    return await given.in_post(database, row, ENTERED)


async def seat(database: Database, placement_id: UUID, level: str | None, since: date, at: datetime = given.NOW) -> None:
    await change_seat(database, given.by(at=at), ChangeSeat(placement_id=placement_id, seat_level=level, since=since))


async def told(database: Database) -> list[tuple[str, int, date | None]]:
    return [(each.level, each.used, each.effective_on) for each in await given.published(database) if isinstance(each, SeatsChanged)][2:]


async def used(doors: Doors, row: given.Row, **moment: Any) -> dict[str, int]:
    unit = await got(doors, f"/units/{row.unit_id}", **moment)
    page = await got(doors, "/seats", unit=row.unit_id, **moment)
    numbers = {each["level"]: each["used"] for each in unit["seats"]}
    assert numbers == {each["level"]: each["used"] for each in page["items"]}
    return {level: number for level, number in numbers.items() if number}


async def test_a_deputy_is_appointed_from_a_day_on_and_relieved_from_another(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    person_id, placement_id = await deputy_to_be(roster_db, row)

    await seat(roster_db, placement_id, DEPUTY, MARCH, ON)
    await seat(roster_db, placement_id, None, JUNE, OFF)

    assert await told(roster_db) == [(DEPUTY, 1, MARCH), (DEPUTY, 0, JUNE)]
    days = (MARCH - timedelta(days=1), MARCH, JUNE - timedelta(days=1), JUNE)
    assert [await used(doors, row, as_of=day) for day in days] == [{}, {DEPUTY: 1}, {DEPUTY: 1}, {}]
    async with roster_db.reading() as conn:
        held = [await person_view(conn, given.CIPHER, person_id, given.OFFICE, Moment(day)) for day in days]
        (post,) = [each for each in await history(conn, person_id, given.OFFICE) if each.recorded_until is None]
    assert [each.placement and each.placement.seat_level for each in held] == [None, DEPUTY, DEPUTY, None]
    assert (post.placement_id, post.started_on, post.ended_on) == (placement_id, ENTERED, None)


async def test_what_was_known_of_a_closed_month_stays_as_known_then(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    _, placement_id = await deputy_to_be(roster_db, row)
    await seat(roster_db, placement_id, DEPUTY, MARCH, ON)
    await seat(roster_db, placement_id, None, JUNE, OFF)

    known = [(MARCH, 9), (MARCH, 10), (JUNE, 89), (JUNE, 90), (MARCH, 90)]

    seen = [await used(doors, row, as_of=day, known_on=given.TODAY + timedelta(days=days)) for day, days in known]
    assert seen == [{}, {DEPUTY: 1}, {DEPUTY: 1}, {}, {DEPUTY: 1}]


async def test_another_seat_is_taken_at_one_stroke_and_left_with_the_post(doors: Doors, roster_db: Database) -> None:
    row, other = await given.row(roster_db, 2), await given.row(roster_db, 2)
    person_id, placement_id = await deputy_to_be(roster_db, row)
    await seat(roster_db, placement_id, DEPUTY, MARCH)
    await seat(roster_db, placement_id, HEAD, JUNE)
    assert (await told(roster_db))[-2:] == [(DEPUTY, 0, JUNE), (HEAD, 1, JUNE)]

    move = {"person_id": person_id, "from_unit_id": row.unit_id, "to_unit_id": other.unit_id, "kind": "SY", "funding": "full"}
    paper = {"effective_on": date(2026, 9, 1), "authorisation_no": "用1号", "authorised_on": MARCH}
    await transfer_person(roster_db, given.by(), TransferPerson.model_validate(move | paper))

    assert (await told(roster_db))[-1][:2] == (HEAD, 0)
    assert [await used(doors, each) for each in (row, other)] == [{}, {}]
    assert await used(doors, row, as_of="2026-08-31") == {HEAD: 1}


async def test_whoever_is_relieved_of_the_seat_he_entered_with_holds_none(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    person_id, placement_id = await deputy_to_be(roster_db, row)
    await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, seat_level=HEAD))

    await seat(roster_db, placement_id, None, JUNE)

    assert [await used(doors, row, as_of=day) for day in (MARCH, JUNE)] == [{HEAD: 1}, {}]
    moments: tuple[dict[str, Any], ...] = ({}, {"as_of": MARCH})
    people = [await got(doors, "/persons", seat_level=HEAD, **moment) for moment in moments]
    assert [[each["person_id"] for each in page["items"]] for page in people] == [[], [str(person_id)]]
    async with roster_db.reading() as conn:
        assert [each["seat_level"] for each in await people_in_post(conn, [row.unit_id])] == [None]


async def test_a_seat_has_its_order_its_document_and_its_reasons(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    person_id, placement_id = await deputy_to_be(roster_db, row)
    with pytest.raises(DocumentMissing):
        await change_seat(roster_db, given.by(None), ChangeSeat(placement_id=placement_id, seat_level=DEPUTY, since=MARCH))
    for refusal, level, since in (
        (CodeUnknown, "throne", MARCH),
        (SeatUnchanged, None, MARCH),
        (SinceBeforePost, DEPUTY, ENTERED - timedelta(days=1)),
        (EffectiveInFuture, DEPUTY, given.TODAY + timedelta(days=1)),
    ):
        with pytest.raises(refusal):
            await seat(roster_db, placement_id, level, since)
    await seat(roster_db, placement_id, DEPUTY, JUNE)
    with pytest.raises(ChangedLater):
        await seat(roster_db, placement_id, HEAD, MARCH)

    await seat(roster_db, placement_id, HEAD, JUNE)
    async with roster_db.reading() as conn:
        line = (await given.changes_of(conn, person_id))[-1]
    assert (line.label, line.matter, line.since, line.before, line.after, line.document_no) == (
        *("占用职数", "任免", JUNE, DEPUTY, HEAD),
        given.DOCUMENT,
    )
    await release_person(roster_db, given.by(), ReleasePerson(placement_id=placement_id, ended_on=given.TODAY, exit_reason="retirement"))
    with pytest.raises(AlreadyReleased):
        await seat(roster_db, placement_id, None, given.TODAY)


async def test_a_seat_that_lasts_is_found_to_have_begun_earlier(doors: Doors, roster_db: Database) -> None:
    """The day was recorded wrongly: a later one is no change of what came after it."""
    row = await given.row(roster_db, 2)
    person_id, placement_id = await deputy_to_be(roster_db, row)
    await seat(roster_db, placement_id, HEAD, ENTERED)
    await seat(roster_db, placement_id, DEPUTY, JUNE)
    await seat(roster_db, placement_id, DEPUTY, MARCH)

    days = (MARCH - timedelta(days=1), MARCH, JUNE)
    assert [await used(doors, row, as_of=day) for day in days] == [{HEAD: 1}, {DEPUTY: 1}, {DEPUTY: 1}]
    async with roster_db.reading() as conn:
        lines = await given.changes_of(conn, person_id)
    assert [(each.since, each.before, each.after) for each in lines[-1:]] == [(MARCH, HEAD, DEPUTY)]
    with pytest.raises(ChangedLater):
        await seat(roster_db, placement_id, None, ENTERED)


async def test_a_freeze_stops_whoever_would_take_a_seat_and_nobody_who_leaves_one(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    _, placement_id = await deputy_to_be(roster_db, row)
    await seat(roster_db, placement_id, DEPUTY, MARCH)
    await given.frozen(roster_db, row.unit_id, FreezeScope.LEADERSHIP)

    with pytest.raises(Frozen):
        await seat(roster_db, placement_id, HEAD, JUNE)
    await seat(roster_db, placement_id, None, JUNE)


async def test_a_seat_is_taken_only_where_one_of_its_level_is_vacant(roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    _, first = await deputy_to_be(roster_db, row)
    _, second = await given.in_post(roster_db, row, ENTERED)
    third = given.placement(row, await given.person(roster_db, row.unit_id), MARCH).model_copy(update={"seat_level": DEPUTY})
    await seat(roster_db, first, DEPUTY, MARCH)

    with pytest.raises(SeatsExhausted) as full:
        await seat(roster_db, second, DEPUTY, JUNE)
    with pytest.raises(SeatsExhausted):
        await place_person(roster_db, given.by(), third)
    with pytest.raises(SeatsExhausted):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=second, seat_level=DEPUTY))
    with pytest.raises(SeatsUnapproved) as unapproved:
        await seat(roster_db, second, "internal_head", JUNE)
    await seat(roster_db, first, None, JUNE)
    await seat(roster_db, second, DEPUTY, JUNE)
    await correct_placement(
        roster_db, given.by(), CorrectPlacement(placement_id=first, seat_level=DEPUTY)
    )  # of his first day: he left it since

    assert "单位副职没有空缺：核定领导职数 1 名，实配 1 名" in str(full.value)
    assert "请先由编办业务科按批准文件核定职数" in str(unapproved.value)
    assert (await told(roster_db))[-1][:2] == (DEPUTY, 1)


async def test_of_two_who_are_appointed_at_once_to_the_last_seat_one_takes_it(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    _, first = await deputy_to_be(roster_db, row)
    _, second = await given.in_post(roster_db, row, ENTERED)

    async with roster_db.transaction() as conn:
        await lock_unit(conn, row.unit_id)
        both = [asyncio.create_task(seat(roster_db, each, DEPUTY, JUNE)) for each in (first, second)]
        await until_waiting(roster_db, len(both))
    answers = await asyncio.gather(*both, return_exceptions=True)

    assert sorted(type(each).__name__ for each in answers) == ["NoneType", "SeatsExhausted"]


async def test_whoever_was_appointed_beyond_the_number_is_recorded_as_such_and_only_he(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    _, first = await deputy_to_be(roster_db, row)
    _, second = await given.in_post(roster_db, row, ENTERED)
    body = {"seat_level": DEPUTY, "since": "2026-06-01", "document_no": "任2号", "reason": "检查发现已任命"}

    async def recorded(role: Role) -> tuple[int, str | None]:
        answer = await doors.http.post(f"/placements/{second}/over-seat", json=body, headers=doors.as_(role))
        return answer.status_code, answer.json()["code"] if answer.content else None

    vacant = await recorded(Role.SUPERVISION_OFFICER)
    await seat(roster_db, first, DEPUTY, MARCH)
    await given.frozen(roster_db, row.unit_id, FreezeScope.LEADERSHIP)
    others = await recorded(Role.BUSINESS_OFFICER)
    over = await recorded(Role.SUPERVISION_OFFICER)

    assert (vacant, others[0], over) == ((409, "not_over_seats"), 403, (204, None))
    assert await used(doors, row) == {DEPUTY: 2}
    assert (await told(roster_db))[-1] == (DEPUTY, 2, JUNE)


async def test_a_file_is_compared_with_the_seat_of_today(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    _, placement_id = await deputy_to_be(roster_db, row)
    await seat(roster_db, placement_id, DEPUTY, MARCH)

    async with roster_db.reading() as conn:
        (number,) = await conn.fetch(
            "SELECT key_id, id_index FROM person_indexes JOIN placements USING (person_id) WHERE placement_id = $1", placement_id
        )
        (known,) = (await known_persons(conn, given.CIPHER, [{number["key_id"]: number["id_index"]}])).values()

    assert known.today["seat_level"] == DEPUTY


async def test_the_office_does_it_over_http_and_no_unit(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    _, placement_id = await deputy_to_be(roster_db, row)
    path, body = f"/placements/{placement_id}/seat", {"seat_level": DEPUTY, "since": "2026-03-01", "document_no": "任1号", "reason": "任职"}

    roles = (Role.UNIT_CLERK, Role.BUSINESS_OFFICER)
    answers = [
        await doors.http.post(path, json=body, headers=doors.as_(role, units=None if role is roles[1] else (row.unit_id,)))
        for role in roles
    ]

    assert [each.status_code for each in answers] == [403, 204]
    assert await used(doors, row) == {DEPUTY: 1}
