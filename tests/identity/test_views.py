"""Saved views: kept by name, seen and forgotten by their owner alone."""

from uuid import uuid4

import pytest

from shared.glossary import Role
from tests.identity.doors import Door

pytestmark = pytest.mark.asyncio
LATE = {"area": "tasks", "name": "红灯单位", "query": "tab=todo&light=red"}


async def listed(door: Door, name: str, area: str = "tasks") -> list[tuple[str, str]]:
    answer = await door.ask("GET", f"/me/views?area={area}", Role.BUSINESS_OFFICER, name=name)
    return [(each["name"], each["query"]) for each in answer.json()["items"]]


async def test_a_view_is_its_owners_and_the_same_name_again_changes_it(door: Door) -> None:
    for name in ("zhang", "li"):
        await door.register(name)
    first = await door.ask("POST", "/me/views", Role.BUSINESS_OFFICER, LATE, "zhang")
    again = await door.ask("POST", "/me/views", Role.BUSINESS_OFFICER, LATE | {"query": "light=red"}, "zhang")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert await listed(door, "zhang") == [("红灯单位", "light=red")]
    assert await listed(door, "li") == []
    assert await listed(door, "zhang", "units") == []


async def test_nobody_forgets_anothers_view(door: Door) -> None:
    for name in ("zhang", "li"):
        await door.register(name)
    kept = (await door.ask("POST", "/me/views", Role.BUSINESS_OFFICER, LATE, "zhang")).json()["id"]
    foreign = await door.ask("DELETE", f"/me/views/{kept}", Role.BUSINESS_OFFICER, name="li")
    unknown = await door.ask("DELETE", f"/me/views/{uuid4()}", Role.BUSINESS_OFFICER, name="zhang")

    assert (foreign.status_code, foreign.json()["code"], unknown.status_code) == (404, "view_unknown", 404)
    assert len(await listed(door, "zhang")) == 1
    assert (await door.ask("DELETE", f"/me/views/{kept}", Role.BUSINESS_OFFICER, name="zhang")).status_code == 204
    assert await listed(door, "zhang") == []


async def test_there_is_an_end_to_views(door: Door) -> None:
    await door.register("zhang")
    answers = [
        (await door.ask("POST", "/me/views", Role.BUSINESS_OFFICER, LATE | {"name": f"视图{place}"}, "zhang")).status_code
        for place in range(21)
    ]

    assert answers == [201] * 20 + [409]
    assert len(await listed(door, "zhang")) == 20
