"""The city as it was loaded, before any story has changed it (this file is read before theirs): the roster's own lists, judged by the rules alone, find what
the answer key says, and every figure of posts is the same by hand from the brought files, from HTTP and from an export.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from deploy.city import files, loading
from deploy.city.city import city_of
from deploy.city.files import write
from deploy.cli import DEMO_DATE
from deploy.demo.city import OFFICER
from deploy.demo.plan import STORY
from deploy.doors import doors_of
from deploy.local.place import Place
from deploy.quiet import pulse_of
from tests.city import books, recount
from tests.city.books import Books, Line
from tests.city.recount import NOT_COUNTED, Roster, roster_of, started
from tests.e2e.test_export import exported

pytestmark = pytest.mark.asyncio(loop_scope="session")
POLITICAL_LEGAL, OFF, ON_LOAN = "政法专项编制", "编外用工控制数", "周转编制"
LISTS = ("units", "quotas", "seats", "roster", "offestablishment", "statistics")
RULES = ["M01", "M02", "M03", "M04", "M05", "M06", "M07", "M09", "M11", "M16", "M17", "M18", "M19", "M24", "M26"]
ANOTHER = "officer2"
"""Takes the lists here: nobody may ask for more than so many an hour, and the test of all lists asks for each."""
Figures = Mapping[str, Any]


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Books:
    folder: Path = tmp_path_factory.mktemp("city")
    write(city_of(*STORY, today=DEMO_DATE), folder)
    return books.read(folder)


@pytest.fixture(scope="module")
def taken_in(brought: Books) -> Roster:
    """What the files say of units in which the roster takes everybody: 政法专项编制 stays out, as it is switched off."""
    return roster_of(brought, DEMO_DATE)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lists(whole: Place, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Line]]:
    """The roster's own lists, in full."""
    folder, found = tmp_path_factory.mktemp("lists"), {}
    for name in LISTS:
        full = ("--unmasked", "--reason", "与答案核对") if name in {"roster", "offestablishment"} else ()
        rows = (await exported(whole, folder, name, *full, user=ANOTHER)).records()
        found[name] = [{label: _text(cell) for label, cell in row.items()} for row in rows]
    return found


def _text(cell: object) -> str:
    if isinstance(cell, datetime | date):
        return cell.isoformat()[:10]
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _listed(lists: Mapping[str, list[Line]]) -> Roster:
    """The same rows as the files', but as the roster tells them today."""
    for line in (*lists["roster"], *lists["offestablishment"]):
        for month in ("任现职时间", "入党时间", "参加工作时间"):
            line[month] = line[month][:7]
    return roster_of(Books({**lists}, [], {}), DEMO_DATE)


async def test_the_rules_find_in_the_rosters_lists_what_the_answer_key_says(brought: Books, lists: dict[str, list[Line]]) -> None:
    found = Counter(each[:5] if each[0] == "M11" else each for each in recount.findings(_listed(lists)))
    labels = ("规则", "级别", "单位", "公民身份号码", "事项", "自何时")
    key = [tuple(answer[label] for label in labels) for answer in brought.answers if answer["规则"] in RULES]

    for rule in RULES:
        wanted = Counter(each[:5] if rule == "M11" else each for each in key if each[0] == rule)
        assert wanted
        assert {each: number for each, number in found.items() if each[0] == rule} == wanted, rule


async def test_whoever_the_key_names_stands_on_the_roster_as_the_file_wrote_him(brought: Books, lists: dict[str, list[Line]]) -> None:
    there = {(line["公民身份号码"], line["姓名"], line["单位"]) for name in ("roster", "offestablishment") for line in lists[name]}
    named = [answer for answer in brought.answers if answer["对象"] == "人员"]
    refused = [answer for answer in named if answer["规则"] == "M12"]

    for answer in named:
        assert ((answer["公民身份号码"], answer["姓名"], answer["单位"]) in there) == (answer not in refused), answer["应看到"]
    assert Counter(number for number, _, _ in there if number in {answer["公民身份号码"] for answer in refused}) == {
        answer["公民身份号码"]: 1 for answer in refused
    }


async def test_every_row_of_posts_is_the_same_by_hand_from_http_and_from_the_list(
    whole: Place, taken_in: Roster, lists: dict[str, list[Line]]
) -> None:
    by_hand = {
        key: _figures(int(quota["编制数"]), len(taken_in.on(*key))) for key, quota in taken_in.quotas.items() if key[1] != POLITICAL_LEGAL
    }
    async with doors_of(whole) as doors:
        shown = await doors.pages(OFFICER, "roster", "/posts")
    names = {
        "编制数": "quota",
        "实有数": "headcount",
        "空编": "vacancy",
        "超编": "overstaffing",
        "使用率": "saturation",
        "空编率": "vacancy_rate",
    }

    assert {(row["unit"], row["kind_label"]): {label: _share(row[name]) for label, name in names.items()} for row in shown} == by_hand
    assert {(row["单位"], row["编制类型"]): {label: _share(row[label]) for label in names} for row in lists["quotas"]} == by_hand


def _figures(posts: int, heads: int) -> Figures:
    shares = {"使用率": heads / posts, "空编率": max(0, posts - heads) / posts} if posts else {"使用率": None, "空编率": None}
    numbers = {"编制数": posts, "实有数": heads, "空编": max(0, posts - heads), "超编": max(0, heads - posts)}
    return {label: _share(value) for label, value in (numbers | shares).items()}


def _share(cell: object) -> float | None:
    """To four digits, as lists show shares; nothing is not 0."""
    return None if cell in {None, ""} else round(float(str(cell)), 4)


async def test_each_units_populations_are_the_same_by_hand_from_http_and_from_the_list(
    whole: Place, taken_in: Roster, lists: dict[str, list[Line]]
) -> None:
    listed = {line["单位"]: line for line in lists["statistics"]}
    async with doors_of(whole) as doors:
        ids = {unit["name"]: unit["id"] for unit in await doors.pages(OFFICER, "roster", "/units")}
        shown = {name: (await doors.get(OFFICER, "roster", f"/units/{unit_id}/populations")).body for name, unit_id in ids.items()}

    assert set(taken_in.units) == set(ids) == set(listed)
    for unit in taken_in.units:
        rows = {kind: (int(quota["编制数"]), len(taken_in.on(unit, kind))) for (of, kind), quota in taken_in.quotas.items() if of == unit}
        counted = [numbers for kind, numbers in rows.items() if kind not in {*NOT_COUNTED, ON_LOAN, POLITICAL_LEGAL}]
        posts, heads = sum(posts for posts, _ in counted), sum(heads for _, heads in counted)
        in_post, off = heads + rows.get(ON_LOAN, (0, 0))[1], rows.get(OFF, (0, 0))[1]
        figures = {
            "quota": posts,
            "headcount": heads,
            "vacancy": sum(max(0, posts - heads) for posts, heads in counted),
            "overstaffing": sum(max(0, heads - posts) for posts, heads in counted),
        }
        ratio = _share(off / in_post if in_post else None)
        view, line = shown[unit], listed[unit]
        assert {name: view["establishment"][name] for name in figures} == figures, unit
        assert {name: int(line[label]) for name, label in zip(figures, ("编制数", "实有数", "空编", "超编"), strict=True)} == figures, unit
        assert [_share(view["off_establishment_ratio"]), _share(line["编外占比"])] == [ratio, ratio], unit
        assert (view["off_establishment"]["quota"], view["off_establishment"]["headcount"]) == rows.get(OFF, (0, 0)), unit


async def test_ten_years_of_history_can_be_read(whole: Place, brought: Books) -> None:
    """As of a day of the past the unit has the number, the people and the name of then; its exits stand in the list of posts held."""
    past = date(DEMO_DATE.year - 8, 6, 30)
    last = {(line["单位"], line["编制类型"]): line["批准日期"] for line in [*brought["quotas"], *brought.history.get("quotas-2021", ())]}
    changed = [line for line in brought.history["quotas-2016"] if line["编制类型"] != POLITICAL_LEGAL]
    then = next(line for line in changed if last[line["单位"], line["编制类型"]] > past.isoformat())
    numbers = [*brought.history["quotas-2016"], *brought.history.get("quotas-2021", ()), *brought["quotas"]]
    mine = [line for line in numbers if (line["单位"], line["编制类型"]) == (then["单位"], then["编制类型"])]
    held = [line for line in [*roster_of(brought, DEMO_DATE).people, *brought.history["former"]] if line["单位"] == then["单位"]]
    in_post = [line for line in held if started(line) <= past.isoformat() and not "" < line["出编时间"] <= past.isoformat()]
    async with doors_of(whole) as doors:
        called_then = {unit["name"] for unit in await doors.pages(OFFICER, "roster", "/units", as_of=past.isoformat())}
        ids = {unit["name"]: unit["id"] for unit in await doors.pages(OFFICER, "roster", "/units")}
        unit_id = ids[then["单位"]]
        [row] = [
            row
            for row in (await doors.get(OFFICER, "roster", f"/units/{unit_id}", as_of=past.isoformat())).body["establishments"]
            if row["kind_label"] == then["编制类型"]
        ]
        history = await doors.pages(OFFICER, "roster", f"/units/{ids['望汐市农业农村局']}/history")
        ledger = await doors.pages(OFFICER, "roster", "/ledger", unit=unit_id)

    assert row["quota"] == int(then["编制数"]) != int(mine[-1]["编制数"])
    assert row["headcount"] == sum(line["编制类型"] == then["编制类型"] for line in in_post)
    assert {"望汐市农业局", "望汐市农业机械管理局"} <= called_then - set(ids)
    assert [each["name"] for each in history] == ["望汐市农业局", "望汐市农业农村局"]
    assert {(line["批准文号"], line["批准日期"]) for line in mine} <= {(line["document_no"], line["effective_on"]) for line in ledger}


async def test_the_posts_held_before_come_out_with_their_exits(whole: Place, brought: Books, tmp_path: Path) -> None:
    rows = (await exported(whole, tmp_path, "placements", user=ANOTHER)).records()
    ended = Counter((row["单位"], row["出编原因"], row["出编文号"], _text(row["出编时间"])) for row in rows if row["出编时间"])

    assert ended == Counter(
        (line["单位"], line["出编原因"], line["出编文号"], line["出编时间"])
        for line in brought.history["former"]
        if line["编制类型"] != POLITICAL_LEGAL
    )


async def test_every_event_of_the_load_was_understood(whole: Place) -> None:
    async with pulse_of(whole) as pulse:
        assert await pulse.parked() == 0


async def test_the_same_files_again_change_nothing(whole: Place, tmp_path: Path) -> None:
    write(city_of(*STORY, today=DEMO_DATE), tmp_path)
    before = await _everything(whole)
    async with doors_of(whole) as doors:
        again = await loading.load(doors, OFFICER, files.books(tmp_path), lambda _: None)

    assert (again.units, again.quotas, again.seats, again.persons, again.history) == (0, 0, 0, 0, 0)
    assert await _everything(whole) == before


async def _everything(place: Place) -> list[int]:
    """Rows of every table that a load writes."""
    conn = await asyncpg.connect(place.database_url("bianban"))
    tables = (
        "units",
        "unit_records",
        "unit_names",
        "quotas",
        "seats",
        "persons",
        "person_records",
        "placements",
        "secondments",
        "event_log WHERE type <> 'roster.audit_sealed.v1'",  # once a minute, whatever is loaded
    )
    counts = [await conn.fetchval(f"SELECT count(*) FROM roster.{table}") for table in tables]
    await conn.close()
    return counts
