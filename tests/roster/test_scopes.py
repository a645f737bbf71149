"""Trying to get around the row scope: every route of the interface is asked with ids of another unit and its people, in path, query and body.

The routes and their bodies come from the description the service gives of itself, so a new one is tried the day it is there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

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
from services.roster.queries import changes, ledger, person_lists, persons, post_lists, statistics, unit_lists, units
from shared.auth import PERMISSIONS, Who
from shared.crypto import FieldCipher, RingFile
from shared.db import Database
from shared.glossary import PersonIdentity, PostCategory, Role
from shared.law.retirement import Sex
from tests.roster import given
from tests.roster.doors import Doors

pytestmark = pytest.mark.asyncio
NAME, NUMBER = "范围外示例人", given.id_number(17)
WITHOUT_IDS = {"id_number": given.id_number(41), "sex": "F", "birth_on": given.BORN.isoformat(), "category": "SY-1", "kind": "SY"}
WITHOUT_IDS |= {"funding": "full", "format": "xlsx", "list": "persons", "form": "seconded_out", "entry_reason": "open_recruitment"}
EVERYTHING = tuple(set().union(*PERMISSIONS.values()) - {Role.SERVICE, Role.AUDIT_ADMIN})
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
async def county(stack: Place, roster_db: Database) -> County:
    cipher = FieldCipher(RingFile(stack.home / "secrets" / "field.keys"))
    own = await peopled(roster_db, cipher, "范围内示例人", given.id_number(13))
    return County(own, await peopled(roster_db, cipher, NAME, NUMBER))


async def peopled(database: Database, cipher: FieldCipher, name: str, number: str) -> dict[str, UUID]:
    """A unit with a person in post, who is lent and has a change that waits."""
    row = await given.row(database, 1)
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
    return {
        "unit_id": row.unit_id,
        "person_id": person_id,
        "placement_id": placement_id,
        "change_id": await register_change(database, cipher, given.by(), change),
        "secondment_id": await second_person(database, given.by(), loan),
    }


@dataclass(frozen=True)
class Asked:
    """One route as the service describes it."""

    path: str
    method: str
    described: Mapping[str, Any]
    schemas: Mapping[str, Any]

    @property
    def names(self) -> list[str]:
        """Of the path."""
        return [each["name"] for each in self.described.get("parameters", ()) if each["in"] == "path"]

    def body(self, ids: Mapping[str, UUID]) -> Any:
        """The smallest body that is well formed, with every id there is a place for."""
        content = self.described.get("requestBody", {}).get("content", {})
        return self._sample(content["application/json"]["schema"], "", ids) if "application/json" in content else None

    def queries(self, ids: Mapping[str, UUID]) -> Iterator[dict[str, str]]:
        """Each query parameter that takes an id."""
        for each in self.described.get("parameters", ()):
            if each["in"] == "query" and _takes_id(each["schema"]):
                yield {each["name"]: str(_id(each["name"], ids))}

    def _sample(self, schema: Mapping[str, Any], name: str, ids: Mapping[str, UUID]) -> Any:  # noqa: PLR0911  one line for each form
        if "$ref" in schema:
            return self._sample(self.schemas[schema["$ref"].rpartition("/")[2]], name, ids)
        if either := schema.get("anyOf"):
            return self._sample(either[0], name, ids)
        if one := schema.get("oneOf"):
            return self._sample(one[0], name, ids)
        if schema.get("format") == "uuid":
            return str(_id(name, ids))
        known = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if name in WITHOUT_IDS and WITHOUT_IDS[name] in (known or WITHOUT_IDS.values()):
            return WITHOUT_IDS[name]
        if known:
            return known[0]
        if schema.get("type") == "object":
            fields, needed = schema.get("properties", {}), set(schema.get("required", ()))
            told = needed | {"document_no", "reason"}
            return {each: self._sample(of, each, ids) for each, of in fields.items() if each in told or self._holds_id(of)}
        if schema.get("type") == "array":
            items = schema["items"] if "items" in schema else schema["prefixItems"][0]
            return [self._sample(each, name, ids) for each in self._kinds(items)]
        plain = {"integer": 1, "number": 1, "boolean": False}
        if schema.get("type") in plain:
            return plain[schema["type"]]
        return "2026-09-01" if schema.get("format") == "date" else "核对原件用途"

    def _kinds(self, items: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        named = self.schemas[items["$ref"].rpartition("/")[2]] if "$ref" in items else items
        return list(named.get("oneOf", [items]))

    def _holds_id(self, schema: Mapping[str, Any]) -> bool:
        return _takes_id(schema) or ("items" in schema and self._holds_id(schema["items"]))


def _takes_id(schema: Mapping[str, Any]) -> bool:
    return any(each.get("format") == "uuid" for each in (schema, *schema.get("anyOf", ())))


def _id(name: str, ids: Mapping[str, UUID]) -> UUID:
    """By its name; what no story made (an import, an export, a reform) is a unit's id: nobody has one like it."""
    kind = next((each for each in ids if each.removesuffix("_id") in name), "unit_id")
    return ids[kind]


UNSCOPED = {"/live", "/ready", "/cases/{case_id}/trace", "/traces/{trace_id}"}
"""Health, and the ids of events for those who operate the system (`traces.read`): of no unit."""


async def described(doors: Doors) -> list[Asked]:
    told = (await doors.http.get("/openapi.json")).json()
    return [
        Asked(path, method, what, told["components"]["schemas"])
        for path, methods in told["paths"].items()
        for method, what in methods.items()
        if path not in UNSCOPED
    ]


async def answers(doors: Doors, county: County, where: Mapping[str, UUID], what: Mapping[str, UUID]) -> dict[str, tuple[int, str]]:
    """Status and text of every route, asked with ids of `where` in its path and of `what` in body and query."""
    found = {}
    for asked in await described(doors):
        path = asked.path.format_map({name: _id(name, where) if name.endswith("_id") else "roster" for name in asked.names})
        for query in [{}, *asked.queries(what)]:
            headers = doors.as_(*EVERYTHING, units=county.clerk)
            answer = await doors.http.request(asked.method, path, json=asked.body(what), params=query, headers=headers)
            found[f"{asked.path} {asked.method} {''.join(query)}".strip()] = answer.status_code, answer.text
    return found


def leaks(found: Mapping[str, tuple[int, str]]) -> list[str]:
    return [route for route, (_, text) in found.items() if NAME in text or NUMBER[-4:] in text]


async def what_stands(database: Database) -> list[tuple[Any, ...]]:
    """Everything a write would move."""
    rows = await database.pool.fetch("SELECT aggregate_id, count(*) FROM event_log GROUP BY 1 ORDER BY 1")
    return [tuple(row) for row in rows]


async def test_a_route_that_names_another_unit_or_its_people_answers_as_if_they_were_not(
    doors: Doors, roster_db: Database, county: County
) -> None:
    before = await what_stands(roster_db)

    found = await answers(doors, county, county.foreign, county.foreign)

    tried = {route: status for route, (status, _) in found.items() if "_id}" in route}
    assert len(tried) > 30
    assert {route: (status, found[route][1]) for route, status in tried.items() if status not in {403, 404}} == {}
    assert leaks(found) == []
    assert await what_stands(roster_db) == before


async def test_a_body_that_names_another_unit_or_its_people_is_refused(doors: Doors, roster_db: Database, county: County) -> None:
    before = await what_stands(roster_db)

    found = await answers(doors, county, county.own, county.foreign)

    with_ids = {
        f"{asked.path} {asked.method}"
        for asked in await described(doors)
        if any(str(each) in str(asked.body(county.foreign)) for each in county.foreign.values())
    }
    assert len(with_ids) > 8
    assert {route: found[route] for route in with_ids if found[route][0] not in {403, 404}} == {}
    assert leaks(found) == []
    moved = {tuple(row) for row in await what_stands(roster_db)} - set(before)
    assert {aggregate for aggregate, _ in moved} & set(county.foreign.values()) == set()


async def test_the_same_routes_answer_to_whom_they_belong(doors: Doors, county: County) -> None:
    """Otherwise the refusals above would say nothing."""
    mine = County(county.foreign, county.own)

    found = await answers(doors, mine, county.foreign, county.foreign)

    seen = {route for route, (status, _) in found.items() if route.endswith(" get") and "_id}" in route and status == 200}
    assert {
        "/persons/{person_id} get",
        "/units/{unit_id}/persons get",
        "/changes/{change_id} get",
        "/units/{unit_id}/working-here get",
    } <= seen
    assert {"/persons/{person_id} get", "/units/{unit_id}/persons get"} <= set(leaks(found))


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

    for module in (persons, changes, units, person_lists, unit_lists, post_lists, ledger, statistics):
        monkeypatch.setattr(module, "seen", forgotten)

    found = await answers(doors, county, county.foreign, county.foreign)

    people = [route for route in found if route.endswith(" get") and "_id}" in route and ("person" in route or "change_id" in route)]
    assert len(people) > 4
    assert {route: status for route in people if (status := found[route][0]) not in {403, 404} and found[route][1].count("_id") > 2} == {}
    assert leaks(found) == []


async def test_a_person_who_is_borrowed_or_was_here_is_still_shown_with_his_name(doors: Doors, roster_db: Database, county: County) -> None:
    loan = SecondPerson(
        person_id=county.foreign["person_id"], borrower_id=county.own["unit_id"], started_on=date(2026, 9, 2), until=date(2026, 10, 1)
    )
    await roster_db.pool.execute("DELETE FROM secondments WHERE person_id = $1", county.foreign["person_id"])
    await second_person(roster_db, given.by(), loan)

    here = await doors.http.get(f"/units/{county.own['unit_id']}/working-here", headers=doors.as_(Role.UNIT_CLERK, units=county.clerk))

    assert [each["name"] for each in here.json()["borrowed"]] == [NAME]
