"""The demo's city after its load: the roster holds what the files say, and the rules found at the start what the answer key says."""

from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from deploy.city.city import city_of
from deploy.city.files import write
from deploy.city.loading import DOCUMENT_NO
from deploy.cli import DEMO_DATE
from deploy.demo.plan import STORY
from deploy.local.place import Place
from tests.city import books
from tests.city.books import Books
from tests.city.recount import NOT_COUNTED, roster_of, started

pytestmark = pytest.mark.asyncio(loop_scope="session")
POLITICAL_LEGAL = "政法专项编制"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Books:
    folder: Path = tmp_path_factory.mktemp("city")
    write(city_of(*STORY, today=DEMO_DATE), folder)
    return books.read(folder)


async def fetch(place: Place, question: str, *values: object) -> list[tuple[object, ...]]:
    conn = await asyncpg.connect(place.database_url("bianban"))
    rows = await conn.fetch(question, *values)
    await conn.close()
    return [tuple(row) for row in rows]


async def test_each_row_of_posts_has_the_people_of_the_files_but_for_the_refused_and_the_withheld(whole: Place, city: Books) -> None:
    roster = roster_of(city, DEMO_DATE)
    people = Counter((line["单位"], line.get("编制类型", "编外用工控制数")) for line in [*roster.people, *roster.off])
    found = await fetch(
        whole,
        "SELECT units.name, label, count(DISTINCT placement_id) FROM roster.placements JOIN roster.units ON units.id = unit_id"
        " JOIN roster.establishment_kinds kinds ON kinds.code = kind WHERE placements.document_no = $1 GROUP BY units.name, label",
        DOCUMENT_NO,
    )

    assert {(unit, kind): heads for unit, kind, heads in found} == {
        key: heads for key, heads in people.items() if key[1] != POLITICAL_LEGAL
    }


async def test_posts_and_seats_are_those_of_the_files(whole: Place, city: Books) -> None:
    posts = await fetch(
        whole,
        "SELECT units.name, label, posts, quotas.document_no, document_on::text FROM roster.quotas JOIN roster.units ON units.id = unit_id"
        " JOIN roster.establishment_kinds kinds ON kinds.code = kind",
    )
    seats = await fetch(
        whole,
        "SELECT units.name, label, approved FROM roster.seats JOIN roster.units ON units.id = unit_id"
        " JOIN roster.codes ON set = 'leadership_levels' AND codes.code = level",
    )

    assert {
        (line["单位"], line["编制类型"], int(line["编制数"]), line["批准文号"], line["批准日期"])
        for line in city["quotas"]
        if line["编制类型"] != POLITICAL_LEGAL
    } - set(posts) == set()
    assert {(line["单位"], line["职务层次"], int(line["核定职数"])) for line in city["seats"]} - set(seats) == set()


async def test_the_rules_found_at_the_start_what_the_answer_key_says(whole: Place, city: Books) -> None:
    found = await fetch(
        whole,
        "SELECT rule, level, name, count(*) FROM monitoring.issues JOIN monitoring.unit_copies ON unit_copies.id = unit_id"
        " WHERE state = 'baseline' GROUP BY rule, level, name",
    )
    waiting = await fetch(
        whole,
        "SELECT name FROM monitoring.remarks JOIN monitoring.unit_copies ON unit_copies.id = unit_id WHERE rule = 'M01' AND remarks.code = 'unclassified'",
    )
    key = Counter((line["规则"], line["级别"], line["单位"]) for line in city.answers)
    level = {"红": "red", "黄": "yellow"}

    assert {tuple(each) for each in found} == {
        (rule, level[colour], unit, number)
        for (rule, colour, unit), number in key.items()
        if rule in {"M01", "M02", "M07", "M09"} and colour in level
    }
    assert {unit for (unit,) in waiting} == {unit for rule, colour, unit in key if (rule, colour) == ("M01", "待定性")}


async def test_nobody_came_later_than_the_files_say(whole: Place, city: Books) -> None:
    roster = roster_of(city, DEMO_DATE)
    days = Counter(started(line) for line in [*roster.people, *roster.off] if line.get("编制类型") != POLITICAL_LEGAL)
    found = await fetch(
        whole,
        "SELECT started_on::text, count(*) FROM (SELECT DISTINCT ON (placement_id) lower(during) AS started_on FROM roster.placements"
        " WHERE document_no = $1 ORDER BY placement_id, lower(recorded)) AS first GROUP BY started_on",
        DOCUMENT_NO,
    )

    assert set(found) == set(days.items())


async def test_loans_without_a_document_are_those_of_the_answer_key(whole: Place, city: Books) -> None:
    found = await fetch(
        whole, "SELECT name FROM roster.secondments JOIN roster.units ON units.id = lender_id WHERE secondments.document_no IS NULL"
    )

    assert sorted(str(name) for (name,) in found) == sorted(line["单位"] for line in city.answers if line["规则"] == "M17")


async def test_what_is_no_establishment_is_counted_apart(whole: Place, city: Books) -> None:
    counted = await fetch(whole, "SELECT label FROM roster.establishment_kinds WHERE NOT counted")

    assert {label for (label,) in counted} == NOT_COUNTED
    assert {line["编制类型"] for line in city["quotas"]} >= NOT_COUNTED


async def test_withheld_units_are_those_of_the_answer_key(whole: Place, city: Books) -> None:
    withheld = await fetch(whole, "SELECT name FROM roster.units WHERE withheld")

    assert {name for (name,) in withheld} == {line["单位"] for line in city.answers if line["规则"] == "T33"}
