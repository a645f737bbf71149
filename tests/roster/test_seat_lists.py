"""领导职数 over HTTP: level by level with what the unit's own view says, narrowed, in pages, for whom it is."""

from datetime import date
from typing import Any

import pytest

from services.roster.api.figures import SeatPage
from services.roster.commands.placements import place_person
from services.roster.commands.unit_changes import change_unit
from services.roster.commands.units import set_seats
from services.roster.models.requests import SetSeats
from services.roster.models.units import ChangeUnit
from shared.db import Database
from shared.glossary import Role
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.test_lists import got, walked

pytestmark = pytest.mark.asyncio


async def approve(database: Database, row: given.Row, level: str, approved: int, since: date = date(2024, 1, 1)) -> None:
    await set_seats(database, given.by(), SetSeats(unit_id=row.unit_id, level=level, approved=approved, effective_on=since))


async def lead(database: Database, row: given.Row, level: str, since: date = date(2026, 9, 2)) -> None:
    """A new person in post who stands on a leadership post."""
    post = given.placement(row, await given.person(database, row.unit_id), since)
    await place_person(database, given.by(), post.model_copy(update={"seat_level": level, "baseline": True}))


async def led(database: Database) -> tuple[given.Row, given.Row]:
    """A unit with one head too many and a deputy too few, and one below it that is just full."""
    top = await given.row(database, 5)
    below = await given.row(database, 5, top.unit_id)
    await approve(database, top, "unit_head", 1)
    await approve(database, top, "unit_deputy", 2)
    await approve(database, below, "unit_head", 1)
    for row, level in ((top, "unit_head"), (top, "unit_head"), (top, "unit_deputy"), (below, "unit_head")):
        await lead(database, row, level)
    return top, below


def numbers(page: dict[str, object]) -> list[tuple[object, ...]]:
    lines = page["items"]
    assert isinstance(lines, list)
    return [tuple(each[name] for name in ("level", "approved", "used", "vacant", "over")) for each in lines]


HEADS, DEPUTIES, BELOW = ("unit_head", 1, 2, 0, 1), ("unit_deputy", 2, 1, 1, 0), ("unit_head", 1, 1, 0, 0)


async def test_leadership_posts_are_listed_as_the_view_of_each_unit_has_them(doors: Doors, roster_db: Database) -> None:
    top, below = await led(roster_db)
    await given.row(roster_db, 1)

    page = await got(doors, "/seats")
    views = [await got(doors, f"/units/{row.unit_id}") for row in (top, below)]

    SeatPage.model_validate(page)
    assert numbers(page) == [DEPUTIES, HEADS, BELOW]
    lines = [{"unit_id": view["id"], "unit": view["name"], "unit_code": view["code"]} | each for view in views for each in view["seats"]]
    assert page["items"] == [{name: each[name] for name in page["items"][0]} for each in lines]
    assert {each["level_label"] for each in lines} == {"单位正职", "单位副职"}


async def test_leadership_posts_are_narrowed_ordered_and_paged(doors: Doors, roster_db: Database) -> None:
    top, below = await led(roster_db)
    asked: dict[str, dict[str, Any]] = {
        "over": {"over": True},
        "vacant": {"vacant": True},
        "both": {"over": True, "vacant": True},
        "level": {"level": "unit_head", "sort": "-unit"},
        "unit": {"unit": top.unit_id, "below": False},
        "below": {"unit": below.unit_id},
        "by level": {"sort": "level"},
        "downwards": {"sort": "-level"},
    }
    found = {name: numbers(await got(doors, "/seats", **each)) for name, each in asked.items()}
    pages = [numbers({"items": page}) async for page in walked(doors, "/seats", sort="-level", limit=2)]
    refused = [
        await doors.http.get("/seats", params=params, headers=doors.office)
        for params in ({"sort": "over"}, {"fields": "seats"}, {"level_label": "x"})
    ]

    assert found == {
        "over": [HEADS],
        "vacant": [DEPUTIES],
        "both": [],
        "level": [BELOW, HEADS],
        "unit": [DEPUTIES, HEADS],
        "below": [BELOW],
        "by level": [DEPUTIES, HEADS, BELOW],
        "downwards": [BELOW, HEADS, DEPUTIES],
    }
    assert pages == [[BELOW, HEADS], [DEPUTIES]]
    assert (await got(doors, "/seats", fields="over,unit", over=True))["items"] == [
        {"over": 1, "unit": (await got(doors, f"/units/{top.unit_id}"))["name"]}
    ]
    assert [(each.status_code, each.json().get("code")) for each in refused[:2]] == [(409, "sort_unknown"), (409, "field_unknown")]
    assert refused[2].status_code == 422


async def test_leadership_posts_of_a_past_day_are_those_of_that_day_under_the_name_of_then(doors: Doors, roster_db: Database) -> None:
    top, _ = await led(roster_db)
    before = (await got(doors, f"/units/{top.unit_id}"))["name"]
    await approve(roster_db, top, "unit_head", 2, given.TODAY)
    await change_unit(roster_db, given.by(), ChangeUnit(unit_id=top.unit_id, effective_on=given.TODAY, name="改名中心"))

    now = await got(doors, "/seats", unit=top.unit_id, below=False, level="unit_head")
    then = await got(doors, "/seats", unit=top.unit_id, below=False, level="unit_head", as_of="2026-09-10")
    long_ago = await got(doors, "/seats", as_of="2024-06-01", over=True)
    unknown = await got(doors, "/seats", known_on="2026-09-17")

    assert (numbers(now), now["items"][0]["unit"]) == ([("unit_head", 2, 2, 0, 0)], "改名中心")
    assert (numbers(then), then["items"][0]["unit"]) == ([HEADS], before)
    assert (long_ago["items"], unknown["items"]) == ([], [])


async def test_leadership_posts_go_to_those_whose_units_they_are(doors: Doors, roster_db: Database) -> None:
    top, below = await led(roster_db)
    other, _ = await led(roster_db)
    clerk = doors.as_(Role.UNIT_CLERK, units=(below.unit_id,))

    shown = numbers(await got(doors, "/seats", clerk))
    foreign = await doors.http.get("/seats", params={"unit": str(other.unit_id)}, headers=clerk)
    await change_unit(roster_db, given.by(), ChangeUnit(unit_id=below.unit_id, effective_on=given.TODAY, withheld=True))
    above = numbers(await got(doors, "/seats", doors.as_(Role.PARENT_UNIT, units=(top.unit_id,))))

    assert shown == [BELOW]
    assert (foreign.status_code, foreign.json()["code"]) == (404, "unit_unknown")
    assert above == [DEPUTIES, HEADS]
    assert len(numbers(await got(doors, "/seats"))) == 6


async def test_leadership_posts_that_did_not_change_are_not_sent_again(doors: Doors, roster_db: Database) -> None:
    top, _ = await led(roster_db)

    first = await doors.http.get("/seats", headers=doors.office)
    tag = doors.office | {"if-none-match": first.headers["etag"]}
    again = await doors.http.get("/seats", headers=tag)
    await lead(roster_db, top, "unit_deputy")
    changed = await doors.http.get("/seats", headers=tag)

    assert (again.status_code, again.content, changed.status_code) == (304, b"", 200)
