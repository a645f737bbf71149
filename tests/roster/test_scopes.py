"""Trying to get around the row scope of the roster: every route is asked with ids of another unit and its people (tests/scopes.py); the second wall."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from deploy.local.place import Place
from services.roster.api.door import scoped
from services.roster.commands.changes import register_change
from services.roster.commands.persons import register_person
from services.roster.commands.placements import place_person
from services.roster.commands.secondments import second_person
from services.roster.models.changes import RegisterChange
from services.roster.models.persons import RegisterPerson
from services.roster.models.secondments import SecondPerson
from services.roster.queries import changes, finds, ledger, person_lists, persons, statistics, unit_lists, units
from services.roster.queries.difference_values import place_in
from shared.auth import Who
from shared.crypto import FieldCipher, RingFile, masked_id_number
from shared.db import Database
from shared.glossary import DifferenceKind, DifferenceState, LeadingSide, PersonIdentity, PostCategory, Role
from shared.law.retirement import Sex
from tests.roster import given
from tests.roster.doors import Doors
from tests.scopes import EVERYTHING, Answer, Caller, leaks, let_in, told_apart

pytestmark = pytest.mark.asyncio
NAME, NUMBER, UNIT = "范围外示例人", given.id_number(17), "范围外改革单位"
NUMBER_SHOWN = masked_id_number(NUMBER)
WORDS = {"id_number": given.id_number(41), "sex": "F", "birth_on": given.BORN.isoformat(), "category": "SY-1", "kind": "SY"}
WORDS |= {
    "number": "1",
    "name": "roster",
    "code": "X-9",
    "words": "小学",
    "funding": "full",
    "format": "xlsx",
    "list": "persons",
    "form": "seconded_out",
    "entry_reason": "open_recruitment",
}
_BY_UNIT = ("/units/{unit_id}/found-persons/{person_id} get from_unit_id=unit_id",)
WALLED = ("persons", "person_records", "placements", "secondments", "person_changes", "person_indexes", "pending_changes")


@dataclass(frozen=True)
class County:
    """Two units that have nothing to do with each other, each with a person in post; ids by the name a route gives them."""

    own: Mapping[str, UUID]
    foreign: Mapping[str, UUID]

    @property
    def clerk(self) -> tuple[UUID, ...]:
        return (self.own["unit_id"],)


@pytest_asyncio.fixture
async def county(stack: Place, doors: Doors, roster_db: Database) -> County:
    cipher = FieldCipher(RingFile(stack.home / "secrets" / "field.keys"))
    own = await peopled(doors, roster_db, cipher, "范围内示例人", given.id_number(13))
    return County(own, await peopled(doors, roster_db, cipher, NAME, NUMBER))


async def peopled(doors: Doors, database: Database, cipher: FieldCipher, name: str, number: str) -> dict[str, UUID]:
    """A unit with a person in post, who is lent and has a change that waits; with what its officer brought, asked for and carried out."""
    row = await given.row(database, 3)
    what = RegisterPerson(
        unit_id=row.unit_id,
        name=name,
        id_number=number,
        sex=Sex.FEMALE,
        birth_on=given.BORN,
        identity=PersonIdentity.PROFESSIONAL,
        post_category=PostCategory.TECHNICAL,
    )
    person_id = await register_person(database, cipher, given.by(), what)
    placement_id = await place_person(database, given.by(), given.placement(row, person_id, date(2026, 1, 5)))
    change = RegisterChange(person_id=person_id, title="科长")
    loan = SecondPerson(person_id=person_id, borrower="外地单位", started_on=date(2026, 9, 1), until=date(2026, 12, 1))
    ids = {
        "unit_id": row.unit_id,
        "person_id": person_id,
        "placement_id": placement_id,
        "change_id": await register_change(database, cipher, given.by(), change),
        "secondment_id": await second_person(database, given.by(), loan),
        "reservation_id": await given.reservation(database, row),
    }
    return ids | await differing(database, cipher, person_id, row.unit_id, name) | await brought(doors, row.unit_id, person_id, name)


async def differing(database: Database, cipher: FieldCipher, person_id: UUID, unit_id: UUID, name: str) -> dict[str, UUID]:
    """The upper level's register says something else of the person."""
    run_id, difference_id, officer = uuid4(), uuid4(), f"officer-of-{unit_id}"
    await database.pool.execute(
        "INSERT INTO comparison_runs (id, state, file_name, file_bytes, file_hash, format, leads, actor, received_at)"
        " VALUES ($1, 'comparison_compared', $2, 1, '0', '2025', '2026', $3, $4)",
        *(run_id, f"{name}.xlsx", officer, given.NOW),
    )
    ours, theirs = (cipher.encrypt(text, place_in(difference_id, side)) for side, text in (("ours", "13"), ("theirs", "01")))
    await database.pool.execute(
        "INSERT INTO comparison_differences (id, subject, sheet, kind, field, unit_id, person_id, name, ours_sealed, theirs_sealed, leads, state,"
        " first_run, last_run, found_at, moved_at) VALUES ($1, $2, 'roster', $3, 'political_status', $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $12)",
        *(difference_id, f"x-{person_id}", DifferenceKind.FIELD, unit_id, person_id, name, ours, theirs),
        *(LeadingSide.ASK, DifferenceState.TO_VERIFY, run_id, given.NOW),
    )
    return {"run_id": run_id, "difference_id": difference_id}


async def brought(doors: Doors, unit_id: UUID, person_id: UUID, name: str) -> dict[str, UUID]:
    """A file, an export, a reform and a request of the person's, all by the officer of this unit."""

    async def made(path: str, named: str, **sent: Any) -> UUID:
        officer = doors.as_(Role.BUSINESS_OFFICER, units=(unit_id,), name=f"officer-of-{unit_id}")
        answer = await doors.http.post(path, headers=officer, **sent)
        assert answer.is_success, answer.text
        return UUID(answer.json()[named])

    template = (await doors.http.get("/templates/roster", headers=doors.office)).content
    renamed = {"step": "change", "unit_id": str(unit_id), "name": f"{name[:3]}改革单位"}
    reform = {"title": f"{name[:3]}改革", "effective_on": "2026-09-02", "document_no": "编委〔2026〕1号", "document_on": "2026-09-01"}
    asked = {"kind": "copy", "asked": f"{name}请求查阅", "proof": "持身份证到窗口，人证一致"}
    return {
        "import_id": await made("/imports", "import_id", files={"file": (f"{name}.xlsx", template)}, data={"kind": "roster"}),
        "export_id": await made("/exports", "id", json={"list": "persons", "reason": f"{name}核对"}),
        "reform_id": await made("/reforms", "reform_id", json=reform | {"steps": [renamed]}),
        "request_id": await made(f"/persons/{person_id}/requests", "request_id", json=asked),
    }


async def answers(doors: Doors, county: County, where: Mapping[str, UUID], what: Mapping[str, UUID]) -> dict[str, Answer]:
    """Of every route, asked by the clerk with all rights."""
    return await caller(doors, county).answers(where, what)


def caller(doors: Doors, county: County, roles: tuple[Role, ...] = EVERYTHING) -> Caller:
    """The officer of the own unit, with all rights, or with those of a unit."""
    return Caller(doors.http, lambda: doors.as_(*roles, units=county.clerk, name=f"officer-of-{county.own['unit_id']}"), WORDS)


async def streams_end(doors: Doors, county: County) -> None:
    """What is under way of one's own is cancelled: its stream would be waited for."""
    for under_way in (f"/exports/{county.own['export_id']}/cancel", f"/imports/{county.own['import_id']}/cancel"):
        assert (await doors.http.post(under_way, json={}, headers=dict(caller(doors, county).headers()))).is_success


async def what_stands(database: Database) -> list[tuple[Any, ...]]:
    """Everything a write would move."""
    rows = await database.pool.fetch("SELECT aggregate_id, count(*) FROM event_log GROUP BY 1 ORDER BY 1")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("roles", "new"),
    [(EVERYTHING, {"/reforms post", "/reforms/check post"}), ((Role.UNIT_CLERK, Role.UNIT_HEAD), set())],
    ids=["every right", "of a unit"],
)
async def test_a_route_that_names_another_unit_or_its_people_answers_as_if_they_were_not(
    doors: Doors, roster_db: Database, county: County, roles: tuple[Role, ...], new: set[str]
) -> None:
    before = await what_stands(roster_db)

    found, of_nobody = await caller(doors, county, roles).compared(county.foreign, county.foreign)

    assert len([route for route in found if "_id}" in route]) > 30
    assert let_in(found) == {}
    assert set(told_apart(found, of_nobody)) == new, "an id for a new unit may not be that of another"
    assert leaks(found, NAME, NUMBER_SHOWN, UNIT) == []
    assert await what_stands(roster_db) == before


async def test_a_body_that_names_another_unit_or_its_people_is_refused(doors: Doors, roster_db: Database, county: County) -> None:
    await streams_end(doors, county)
    before = await what_stands(roster_db)

    found = await answers(doors, county, county.own, county.foreign)

    with_ids = {
        f"{asked.path} {asked.method}"
        for asked in await caller(doors, county).routes()
        if any(str(each) in str(asked.sent(county.foreign)) for each in county.foreign.values())
    }
    assert len(with_ids) > 8
    assert {route: found[route] for route in with_ids if found[route].status not in {403, 404}} == {}
    assert leaks(found, NAME, NUMBER_SHOWN, UNIT) == []
    moved = {tuple(row) for row in await what_stands(roster_db)} - set(before)
    assert {aggregate for aggregate, _ in moved} & set(county.foreign.values()) == set()


async def test_the_same_routes_answer_to_whom_they_belong(doors: Doors, county: County) -> None:
    """Otherwise the refusals above would say nothing."""
    mine = County(county.foreign, county.own)
    await streams_end(doors, mine)
    found = await answers(doors, mine, county.foreign, county.foreign)

    seen = {route for route, answer in found.items() if route.endswith(" get") and "_id}" in route and answer.status == 200}
    assert {
        "/persons/{person_id} get",
        "/units/{unit_id}/persons get",
        "/changes/{change_id} get",
        "/units/{unit_id}/working-here get",
        "/imports/{import_id} get",
        "/comparisons/{run_id} get",
        "/differences/{difference_id} get",
        "/exports/{export_id} get",
    } <= seen
    shown = set(leaks(found, NAME, NUMBER_SHOWN))
    assert {"/persons/{person_id} get", "/units/{unit_id}/persons get", "/differences get", "/person-requests/{request_id} get"} <= shown
    assert {"/units get", "/reforms/{reform_id} get"} <= set(leaks(found, UNIT))


@pytest.mark.parametrize("table", WALLED)
async def test_the_tables_themselves_show_a_scope_nothing_else(roster_db: Database, county: County, table: str) -> None:
    async def rows(units: tuple[UUID, ...]) -> int:
        async with roster_db.behind(scoped(units)).glancing() as conn:
            count: int = await conn.fetchval(f"SELECT count(*) FROM {table}")
            return count

    mine, theirs = await rows(county.clerk), await rows((county.foreign["unit_id"],))

    assert (mine, theirs) == (mine, await roster_db.pool.fetchval(f"SELECT count(*) FROM {table}") - mine)
    assert mine == theirs > 0 or table == "person_changes"
    assert await rows(()) == 0


async def test_a_query_that_forgets_its_condition_still_shows_nobody(doors: Doors, county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgotten(_: Who, roots: str = "$1", row: str = "") -> str:
        return f"({roots}::uuid[] IS NULL OR '{row}' <> '-')"

    for module in (persons, changes, finds, units, person_lists, unit_lists, ledger, statistics):
        monkeypatch.setattr(module, "seen", forgotten)

    found = await answers(doors, county, county.foreign, county.foreign)

    people = [route for route in found if route.endswith(" get") and "_id}" in route and ("person" in route or "change_id" in route)]
    assert len(people) > 4
    assert {route for route in people if found[route].status not in {403, 404} and found[route].text.count("_id") > 2} == set()
    assert leaks(found, NAME, NUMBER_SHOWN) == []


async def test_who_was_named_for_a_transfer_is_shown_by_that_alone_and_to_his_taker_alone(
    doors: Doors, roster_db: Database, county: County
) -> None:
    clerk = doors.as_(Role.UNIT_CLERK, units=county.clerk)
    code = await roster_db.pool.fetchval("SELECT code FROM units WHERE id = $1", county.foreign["unit_id"])
    told = {"unit_id": str(county.own["unit_id"]), "from_unit": code, "name": NAME, "id_number": NUMBER}
    found = await doors.http.post("/person-finds", json=told, headers=clerk)
    assert found.json()["person_id"] == str(county.foreign["person_id"])

    shut = await answers(doors, county, county.foreign, county.foreign)
    here = await answers(doors, county, {**county.foreign, "unit_id": county.own["unit_id"]}, county.foreign)
    stranger = await given.unit(roster_db)
    of_another = await answers(
        doors, County({"unit_id": stranger}, county.foreign), {**county.foreign, "unit_id": stranger}, county.foreign
    )

    assert let_in(shut) == {}
    assert leaks(shut, NAME, NUMBER_SHOWN) == leaks(of_another, NAME, NUMBER_SHOWN) == []
    assert leaks(here, NAME, NUMBER_SHOWN) == ["/units/{unit_id}/found-persons/{person_id} get", *_BY_UNIT]
    async with roster_db.behind(scoped(county.clerk)).glancing() as conn:
        assert await conn.fetchval("SELECT count(*) FROM person_finds") == 1
        assert await conn.fetchval("SELECT count(*) FROM person_records WHERE person_id = $1", county.foreign["person_id"]) == 0
    async with roster_db.behind(scoped((stranger,))).glancing() as conn:
        assert await conn.fetchval("SELECT count(*) FROM person_finds") == 0


async def test_a_person_who_is_borrowed_or_was_here_is_still_shown_with_his_name(doors: Doors, roster_db: Database, county: County) -> None:
    loan = SecondPerson(
        person_id=county.foreign["person_id"], borrower_id=county.own["unit_id"], started_on=date(2026, 9, 2), until=date(2026, 10, 1)
    )
    await roster_db.pool.execute("DELETE FROM secondments WHERE person_id = $1", county.foreign["person_id"])
    await second_person(roster_db, given.by(), loan)

    here = await doors.http.get(f"/units/{county.own['unit_id']}/working-here", headers=doors.as_(Role.UNIT_CLERK, units=county.clerk))

    assert [each["name"] for each in here.json()["borrowed"]] == [NAME]
