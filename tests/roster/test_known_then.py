"""Any person and any unit on any day, as known at any instant: what was known of a closed month stays what was known of it."""

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.roster.commands.corrections import correct_person, correct_placement
from services.roster.commands.effects import take_effect
from services.roster.commands.persons import update_person
from services.roster.commands.placements import place_person, release_person
from services.roster.commands.quotas import raise_quota
from services.roster.commands.secondments import end_secondment, second_person
from services.roster.commands.transfers import transfer_person
from services.roster.models.persons import CorrectPerson, UpdatePerson
from services.roster.models.refusals import PersonNotHere, PersonUnknown
from services.roster.models.requests import CorrectPlacement, RaiseQuota, ReleasePerson, TransferPerson
from services.roster.models.secondments import EndSecondment, SecondPerson
from services.roster.queries.establishments import Moment, establishments
from services.roster.queries.persons import person_view
from services.roster.queries.populations import populations
from services.roster.queries.secondments import working_here
from shared.auth import Who
from shared.db import By, Database
from shared.errors import DomainError
from shared.glossary import ApplicationType
from tests.roster import given
from tests.roster.doors import Doors

pytestmark = pytest.mark.asyncio
OFFICE = Who("officer", frozenset())
MONTH_ENDS = [date(2026, month + 1, 1) - timedelta(days=1) for month in range(1, 9)]


def instant(number: int) -> datetime:
    return given.NOW + timedelta(hours=number)


@dataclass
class Life:
    """Two units, their people, and whatever happens to them, with dates of the past."""

    database: Database
    chance: random.Random
    rows: list[given.Row] = field(default_factory=list)
    people: list[UUID] = field(default_factory=list)
    loans: list[UUID] = field(default_factory=list)
    done: int = 0

    async def begin(self) -> None:
        self.rows = [await given.row(self.database, 5), await given.row(self.database, 5)]
        for row in self.rows:
            for day in (5, 6):
                self.people.append((await given.in_post(self.database, row, date(2026, 1, day)))[0])

    def day(self) -> date:
        return date(2026, 1, 1) + timedelta(days=self.chance.randrange((given.TODAY - date(2026, 1, 1)).days))

    async def current(self, person_id: UUID) -> Any:
        found = await self.database.pool.fetchrow(
            "SELECT placement_id, unit_id FROM placements WHERE person_id = $1 AND upper_inf(during) AND upper_inf(recorded)", person_id
        )
        if found is None:
            raise PersonNotHere
        return found

    async def place(self, by: By) -> None:
        row = self.chance.choice(self.rows)
        person_id = await given.person(self.database, row.unit_id)
        self.people.append(person_id)
        await place_person(self.database, by, given.placement(row, person_id, self.day()))

    async def release(self, by: By) -> None:
        here = await self.current(self.chance.choice(self.people))
        await release_person(
            self.database, by, ReleasePerson(placement_id=here["placement_id"], ended_on=self.day(), exit_reason="resignation")
        )

    async def transfer(self, by: By) -> None:
        person_id = self.chance.choice(self.people)
        here = await self.current(person_id)
        there = next(row for row in self.rows if row.unit_id != here["unit_id"])
        what = {"effective_on": self.day(), "authorisation_no": "用编〔2026〕2号", "authorised_on": date(2026, 1, 1)}
        await transfer_person(
            self.database,
            by,
            TransferPerson.model_validate(
                what
                | {"person_id": person_id, "from_unit_id": here["unit_id"], "to_unit_id": there.unit_id, "kind": "SY", "funding": "full"}
            ),
        )

    async def move_start(self, by: By) -> None:
        here = await self.current(self.chance.choice(self.people))
        await correct_placement(self.database, by, CorrectPlacement(placement_id=here["placement_id"], started_on=self.day()))

    async def update(self, by: By) -> None:
        what = UpdatePerson(
            person_id=self.chance.choice(self.people), since=self.day(), major=f"专业{self.done}", internal_unit=f"科室{self.done}"
        )
        await update_person(self.database, given.CIPHER, by, what)

    async def correct(self, by: By) -> None:
        since = self.chance.choice([None, self.day()])
        what = CorrectPerson(person_id=self.chance.choice(self.people), school=f"院校{self.done}", since=since)
        await correct_person(self.database, given.CIPHER, by, what)

    async def lend(self, by: By) -> None:
        start = self.day()
        what = SecondPerson(
            person_id=self.chance.choice(self.people),
            borrower_id=self.chance.choice(self.rows).unit_id,
            started_on=start,
            until=start + timedelta(days=30),
            baseline=True,
        )
        self.loans.append(await second_person(self.database, by, what))

    async def back(self, by: By) -> None:
        await end_secondment(self.database, by, EndSecondment(secondment_id=self.chance.choice(self.loans), ended_on=self.day()))

    async def more_posts(self, by: By) -> None:
        row = self.chance.choice(self.rows)
        day = date(2026, self.chance.randrange(1, 9), 15)
        await raise_quota(self.database, by, RaiseQuota(**row.key, posts=1, effective_on=day, document_on=day))

    async def happen(self) -> None:
        """One more thing at the next instant; what is refused leaves nothing behind."""
        self.done += 1
        acts: list[Callable[[By], Awaitable[None]]] = [self.place, self.more_posts, self.release, self.transfer, self.move_start]
        acts += [self.update, self.update, self.correct, self.correct, self.lend, *([self.back] if self.loans else [])]
        act = self.chance.choice(acts)
        with suppress(DomainError):
            await act(given.by(at=instant(self.done)))

    async def seen(self, on: date, known: datetime) -> list[object]:
        """Everything that is shown of a day, as known at an instant."""
        moment, told = Moment(on, known), []
        async with self.database.reading() as conn:
            for row in self.rows:
                told += [await establishments(conn, row.unit_id, moment), await populations(conn, row.unit_id, moment)]
                told += [await given.people_of(conn, row.unit_id, moment)]
                told += [await working_here(conn, row.unit_id, moment, given.TODAY)]
            for person_id in self.people:
                try:
                    told.append(await person_view(conn, given.CIPHER, person_id, OFFICE, moment))
                except PersonUnknown:
                    told.append(None)
        return told


@pytest.mark.parametrize("seed", range(2))
async def test_what_was_known_of_a_closed_month_never_moves(roster_db: Database, seed: int) -> None:  # trap 10
    life = Life(roster_db, random.Random(seed))
    await life.begin()
    kept: list[tuple[date, datetime, list[object]]] = []

    for _ in range(40):
        await life.happen()
        known = instant(life.done) + timedelta(minutes=30)
        kept += [(on, known, await life.seen(on, known)) for on in MONTH_ENDS[::3]]

    assert len({repr(told) for on, _, told in kept if on == MONTH_ENDS[-2]}) > 8  # much was told later of a month that was over
    for on, known, told in kept:
        assert (await life.seen(on, known))[: len(told)] == told


async def test_a_late_exit_is_seen_in_its_month_only_by_those_who_ask_later(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    _, placement_id = await given.in_post(roster_db, row, date(2026, 3, 1))
    told = given.NOW + timedelta(days=2)
    what = ReleasePerson(placement_id=placement_id, ended_on=date(2026, 8, 1), exit_reason="retirement")
    await release_person(roster_db, given.by(at=told), what)

    async def headcount(**asked: str) -> int:
        answer = await doors.http.get(f"/units/{row.unit_id}/populations", params=asked, headers=doors.office)
        return int(answer.json()["establishment"]["headcount"])

    assert await headcount(as_of="2026-08-31", known_on="2026-09-18") == 1
    assert await headcount(as_of="2026-08-31", known_on="2026-09-20") == 0
    assert await headcount(as_of="2026-07-31", known_on="2026-09-20") == 1
    assert await headcount(as_of="2026-08-31") == 0


DAYS = [
    "/units",
    "/units/{unit}",
    "/posts",
    "/seats",
    "/persons",
    "/units/{unit}/persons",
    "/units/{unit}/structure",
    "/units/{unit}/populations",
]


@pytest.mark.parametrize("day", ["9999-12-31", "1899-12-31", "0001-01-01"])
async def test_a_day_that_no_calendar_of_ours_has_is_refused(doors: Doors, roster_db: Database, day: str) -> None:
    unit = await given.unit(roster_db)
    asked = [(path, name) for path in (*DAYS, "/units/{unit}/working-here") for name in ("as_of", "known_on")]
    asked += [("/ledger", "since"), ("/ledger", "until")]

    answers = [await doors.http.get(path.format(unit=unit), params={name: day}, headers=doors.office) for path, name in asked]
    searched = await doors.http.post("/persons/search", json={"as_of": day}, headers=doors.office)

    assert [(each.url.path, each.status_code) for each in (*answers, searched) if each.status_code != 422] == []


async def test_the_first_and_the_last_day_that_may_be_asked_about_are_answered(doors: Doors, roster_db: Database) -> None:
    await given.unit(roster_db)
    asked = [("/units", "as_of"), ("/units", "known_on"), ("/ledger", "since"), ("/ledger", "until")]
    days = ("1900-01-01", "9998-12-31")
    answers = [await doors.http.get(path, params={name: day}, headers=doors.office) for path, name in asked for day in days]

    assert [each.status_code for each in answers] == [200] * len(answers)


async def figures(database: Database, row: given.Row, as_of: date, known_on: date | None = None) -> tuple[int, int, int]:
    """实有, 已核未用 and 可用编 of a unit of one row."""
    async with database.reading() as conn:
        (found,) = await establishments(conn, row.unit_id, Moment.of(as_of, known_on))
    return found.headcount, found.reserved, found.available


async def test_an_entry_that_took_effect_late_has_used_its_post_since_its_own_day(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    await given.in_post(roster_db, row)
    reserved = await given.reservation(roster_db, row)
    asked = given.entry(row, await given.person(roster_db, row.unit_id), reserved, effective_on=date(2026, 9, 21))
    await given.claimed(roster_db, asked)

    await take_effect(roster_db, given.by(at=given.NOW + timedelta(days=10)), given.effect(asked))

    between = date(2026, 9, 25)
    assert [await figures(roster_db, row, date(2026, 9, 20)), await figures(roster_db, row, between)] == [(1, 1, 0), (2, 0, 0)]
    assert await figures(roster_db, row, between, known_on=date(2026, 9, 27)) == (1, 1, 0)
    assert await figures(roster_db, row, between, known_on=date(2026, 9, 28)) == (2, 0, 0)


async def test_a_transfer_of_an_earlier_day_uses_no_post_before_it_was_claimed(roster_db: Database) -> None:
    gives, takes = await given.row(roster_db, 1), await given.row(roster_db, 1)
    person_id, _ = await given.in_post(roster_db, gives)
    early = {"person_id": person_id, "from_unit_id": gives.unit_id, "effective_on": date(2026, 9, 10)}
    asked = await given.claimed(roster_db, given.request(takes, ApplicationType.TRANSFER, **early))

    await take_effect(roster_db, given.by(at=given.NOW + timedelta(days=2)), given.effect(asked, authorised_on=date(2026, 9, 10)))

    assert [await figures(roster_db, takes, date(2026, 9, day)) for day in (9, 10, 17, 18, 20)] == [(0, 0, 1), *[(1, 0, 0)] * 4]
