"""调动人员核对: whoever knows unit, name and number of somebody is given him, masked; everything else is one refusal, on record, and not often."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from services.roster import app
from services.roster.commands.corrections import correct_person
from services.roster.commands.finds import record_find
from services.roster.commands.placements import place_person
from services.roster.commands.units import register_unit
from services.roster.models.audited import AUDITED
from services.roster.models.finds import RecordFind
from services.roster.models.persons import CorrectPerson
from services.roster.models.requests import RegisterUnit
from services.roster.rules.finds import MOST_MISSES
from shared.crypto import masked_id_number
from shared.db import Database
from shared.glossary import Role
from shared.law.retirement import Sex
from tests.roster import given
from tests.roster.doors import Doors

pytestmark = pytest.mark.asyncio
NUMBER = given.id_number(23)
UNIT, CODE = "云栖镇第二小学", "F-00023"


@dataclass(frozen=True)
class Two:
    """The unit that wants him, and the one he is in post with."""

    doors: Doors
    taker: UUID
    giver: UUID
    person: UUID
    name: str

    async def ask(self, actor: str = "clerk", role: Role = Role.UNIT_CLERK, **other: str) -> httpx.Response:
        told = {"unit_id": str(self.taker), "from_unit": UNIT, "name": self.name, "id_number": NUMBER} | other
        return await self.doors.http.post("/person-finds", json=told, headers=self.of(self.taker, role, actor))

    def of(self, unit: UUID, role: Role = Role.UNIT_CLERK, name: str = "clerk") -> dict[str, str]:
        return self.doors.as_(role, units=(unit,), name=name)

    async def seen(self, by: UUID, role: Role = Role.UNIT_CLERK, **asked: str) -> httpx.Response:
        return await self.doors.http.get(f"/units/{self.taker}/found-persons/{self.person}", params=asked, headers=self.of(by, role))

    async def checked(self, **other: Any) -> httpx.Response:
        draft = {"type": "transfer_application", "unit_id": str(self.taker), "from_unit_id": str(self.giver), "person_id": str(self.person)}
        draft |= {"kind": "SY", "funding": "full"} | other
        return await self.doors.http.post("/application-checks", json=draft, headers=self.of(self.taker))


@pytest_asyncio.fixture
async def two(doors: Doors, roster_db: Database) -> Two:
    taker = await given.row(roster_db, 1)
    what = RegisterUnit(name=UNIT, short_name="二小", code=CODE, category="SY-1", valid_from=given.TODAY - timedelta(days=900))
    giver = given.Row(await register_unit(roster_db, given.by(), what))
    await given.quota(roster_db, giver, 1, given.TODAY - timedelta(days=900))
    facts = {"name": "欧阳清和", "id_number": NUMBER, "sex": "F", "birth_on": given.BORN.isoformat(), "identity": "professional"}
    answer = await doors.http.post(
        f"/units/{giver.unit_id}/persons", json=facts | {"post_category": "technical_post"}, headers=doors.office
    )
    person = UUID(answer.json()["person_id"])
    await place_person(roster_db, given.by(), given.placement(giver, person, given.TODAY - timedelta(days=9)))
    return Two(doors, taker.unit_id, giver.unit_id, person, "欧阳清和")


async def kept(database: Database) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await database.pool.fetch("SELECT * FROM person_finds ORDER BY id")
    return rows


@pytest.mark.parametrize("unit", [UNIT, "二小", CODE, f" {CODE.lower()} "])
async def test_whoever_knows_all_three_is_given_the_person_and_nothing_else_of_him(two: Two, roster_db: Database, unit: str) -> None:
    answer = await two.ask(from_unit=unit, name="欧阳 清和")

    assert answer.status_code == 200, answer.text
    expected = {"person_id": str(two.person), "name": two.name, "id_number": masked_id_number(NUMBER)}
    assert answer.json() == expected | {"from_unit_id": str(two.giver), "from_unit": UNIT}
    rows = await kept(roster_db)
    assert [(row["actor"], row["unit_id"], row["person_id"], row["from_unit_id"]) for row in rows] == [
        ("clerk", two.taker, two.person, two.giver)
    ]


WRONG = {
    "the unit": {"from_unit": "云栖镇第三小学"},
    "a beginning of the unit": {"from_unit": UNIT[:4]},
    "the name": {"name": "欧阳清"},
    "the name by its letters": {"name": "ouyangqinghe"},
    "the number": {"id_number": given.id_number(24)},
    "the number's last character": {"id_number": NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1")},
    "the number as it is shown": {"id_number": masked_id_number(NUMBER)},
}


@pytest.mark.parametrize("what", WRONG)
async def test_which_of_the_three_is_wrong_is_not_told(two: Two, roster_db: Database, what: str) -> None:
    answer = await two.ask("clerk", Role.UNIT_CLERK, **WRONG[what])
    of_nobody = await two.ask(from_unit="没有的单位", name="没有的人", id_number=given.id_number(25))

    assert (answer.status_code, answer.json()["code"]) == (409, "person_not_agreed")
    assert {name: value for name, value in answer.json().items() if name != "instance"} == {
        name: value for name, value in of_nobody.json().items() if name != "instance"
    }
    assert [(row["actor"], row["unit_id"], row["person_id"], row["from_unit_id"]) for row in await kept(roster_db)] == [
        ("clerk", two.taker, None, None)
    ] * 2
    assert (await two.seen(two.taker)).status_code == 404


async def test_who_is_not_in_post_there_today_is_not_found(two: Two, roster_db: Database) -> None:
    refused = await two.ask(unit_id=str(two.giver))
    placement = await roster_db.pool.fetchval("SELECT placement_id FROM placements")
    await given.release(roster_db, placement, given.TODAY - timedelta(days=1))
    left = await two.ask()

    assert (refused.status_code, refused.json()["code"]) == (404, "unit_unknown"), "in another unit's name"
    assert (left.status_code, left.json()["code"]) == (409, "person_not_agreed")


async def test_somebody_of_ones_own_unit_is_none_to_take_over(two: Two) -> None:
    told = {"unit_id": str(two.giver), "from_unit": UNIT, "name": two.name, "id_number": NUMBER}
    answer = await two.doors.http.post("/person-finds", json=told, headers=two.of(two.giver))

    assert answer.json()["code"] == "person_not_agreed"


async def test_nobody_is_told_of_the_people_of_a_withheld_unit(two: Two, roster_db: Database) -> None:
    await roster_db.pool.execute("UPDATE units SET withheld = true WHERE id = $1", two.giver)
    hidden = await two.ask()
    await roster_db.pool.execute("UPDATE units SET withheld = false WHERE id = $1", two.giver)
    found = await two.ask()
    await roster_db.pool.execute("UPDATE units SET withheld = true WHERE id = $1", two.giver)

    assert (hidden.json()["code"], found.status_code) == ("person_not_agreed", 200)
    assert (await two.seen(two.taker)).status_code == 404, "withheld since"


async def test_only_who_may_apply_asks(two: Two) -> None:
    for role in (Role.UNIT_HEAD, Role.PARENT_UNIT, Role.OBSERVER):
        assert (await two.ask(role=role)).status_code == 403, role


async def test_whoever_was_wrong_too_often_is_told_nothing_more_until_the_next_day(two: Two, roster_db: Database) -> None:
    missed = RecordFind(unit_id=two.taker)
    now = given.by(at=await roster_db.pool.fetchval("SELECT clock_timestamp()"))
    for place in range(MOST_MISSES - 1):
        await record_find(roster_db, replace(now, actor="clerk", key=f"miss-{place}"), missed)
    right = await two.ask()
    last = await two.ask(name="某人")
    shut, another = await two.ask(), await two.ask("colleague")

    assert [answer.status_code for answer in (right, last)] == [200, 409]
    assert shut.json()["code"] == "find_missed_too_often"
    assert str(MOST_MISSES) in shut.json()["detail"]
    assert another.status_code == 200, "a colleague's count is his own"


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look-up a minute; the tests' own stack has no limit."""
    monkeypatch.setenv("BIANBAN_REQUESTS_PER_MINUTE", "1200")
    monkeypatch.setattr(app, "SEARCHES_PER_MINUTE", 1)


@pytest.mark.usefixtures("limited")
async def test_questions_are_counted_with_searches(two: Two, roster_db: Database) -> None:
    await two.doors.http.post("/persons/search", json={"name": "王"}, headers=two.of(two.taker))
    answers = [await two.ask(), await two.ask("colleague")]

    assert [answer.status_code for answer in answers] == [429, 200]
    assert answers[0].json()["code"] == "too_many_requests"
    assert [row["actor"] for row in await kept(roster_db)] == ["colleague"]


async def test_what_was_found_is_shown_to_who_decides_for_the_unit_and_to_nobody_else(two: Two, roster_db: Database) -> None:
    stranger = await given.unit(roster_db)
    before = await two.seen(two.taker)
    found = (await two.ask()).json()
    shown = [await two.seen(two.taker, role) for role in (Role.UNIT_CLERK, Role.UNIT_HEAD)]
    elsewhere = await two.seen(two.taker, from_unit_id=str(stranger))
    beside = await two.doors.http.get(f"/units/{stranger}/found-persons/{two.person}", headers=two.of(stranger))

    assert [answer.json() for answer in shown] == [found, found]
    assert [answer.status_code for answer in (before, await two.seen(stranger), elsewhere, beside)] == [404] * 4


async def test_what_he_is_called_since_is_not_told(two: Two, roster_db: Database) -> None:
    await two.ask()
    what = CorrectPerson(person_id=two.person, name="欧阳改名", since=None, sex=Sex.FEMALE)
    await correct_person(roster_db, given.CIPHER, given.by(at=given.NOW + timedelta(days=400)), what)

    assert (await two.seen(two.taker)).json()["name"] == two.name


async def test_the_checks_speak_of_who_was_found_for_this_unit_in_that_one(two: Two, roster_db: Database) -> None:
    before = await two.checked()
    await two.ask()
    stranger = str(await given.unit(roster_db))
    found = await two.checked()
    others = [await two.checked(from_unit_id=stranger), await two.checked(type="exit_application", reason_code="resignation")]

    assert found.status_code == 200, found.text
    assert {each["code"]: each["passed"] for each in found.json()}["person_at_giver"] is True
    assert [answer.status_code for answer in (before, *others)] == [404] * 3


async def test_who_audits_reads_each_question_and_no_word_of_it(two: Two) -> None:
    await two.ask()
    await two.ask(name="某人")
    auditor = two.doors.as_(Role.AUDIT_ADMIN)
    whole = await two.doors.http.get("/person-finds", headers=auditor)
    page = (await two.doors.http.get("/person-finds", params={"actor": "clerk", "limit": 1}, headers=auditor)).json()
    rest = (await two.doors.http.get("/person-finds", params={"before": page["next"]}, headers=auditor)).json()

    assert [(each["person_id"], each["actor"]) for each in page["items"] + rest["items"]] == [(None, "clerk"), (str(two.person), "clerk")]
    assert NUMBER not in whole.text
    assert two.name not in whole.text
    assert (await two.doors.http.get("/person-finds", headers=two.doors.office)).status_code == 403
    assert "person_finds" in {each.table for each in AUDITED}


async def test_a_record_of_a_question_is_never_changed(two: Two, roster_db: Database) -> None:
    await two.ask()
    for change in ("UPDATE person_finds SET actor = 'x'", "DELETE FROM person_finds"):
        with pytest.raises(asyncpg.PostgresError):
            await roster_db.pool.execute(change)
