"""Ten years of history beside the city of today: it fits the posts, the law and the people of every year, and changes nothing of today."""

from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from deploy.city import files
from deploy.city.city import TODAY, city_of
from shared.law.citizen_id import parse_citizen_id
from shared.law.retirement import Sex, YearMonth
from tests.city import books
from tests.city.books import Books
from tests.city.recount import started, statutory_month

SIZE = (62, 4_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("city")
    files.write(city_of(*SIZE), made)
    return made


@pytest.fixture(scope="module")
def city(folder: Path) -> Books:
    return books.read(folder)


def test_people_left_in_each_of_the_ten_years_for_every_usual_reason(city: Books) -> None:
    left = city.history["former"]
    years, reasons = Counter(line["出编时间"][:4] for line in left), Counter(line["出编原因"] for line in left)

    assert len(left) > SIZE[1] * 0.06
    assert set(years) >= {str(year) for year in range(TODAY.year - 9, TODAY.year + 1)}
    assert set(reasons) == {"退休", "调出本市", "辞职", "解除或终止聘用合同", "市内调动"}
    assert {line["人员状态"] for line in left} == {"已出编"}
    assert all(line["出编文号"].startswith(f"望编出〔{line['出编时间'][:4]}〕") and started(line) < line["出编时间"] for line in left)


def test_whoever_retired_did_so_by_law(city: Books) -> None:
    for line in city.history["former"]:
        number = parse_citizen_id(line["公民身份号码"])
        assert (number.born_on.isoformat(), number.sex is Sex.MALE) == (line["出生日期"], line["性别"] == "男")
        month = statutory_month(line)
        if line["出编原因"] == "退休" and month is not None:
            after = month.plus(1)
            assert 0 <= (date.fromisoformat(line["出编时间"]) - date(after.year, after.month, 1)).days <= 120, line


def test_on_no_day_more_people_stood_on_a_row_than_its_posts_of_that_day(city: Books) -> None:
    posts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for kind in ("quotas-2016", "quotas-2021"):
        for line in city.history[kind]:
            posts[line["单位"], line["编制类型"]][line["批准日期"]] = int(line["编制数"])
    for line in city["quotas"]:
        posts[line["单位"], line["编制类型"]][line["批准日期"]] = int(line["编制数"])
    beyond = {line["单位"] for line in city.answers if line["规则"] == "M01"}
    for key, numbers in posts.items():
        moves = sorted(_moves(city, key))
        for day in ([*numbers, *(day for day, _ in moves)]) if key[0] not in beyond else ():
            heads = sum(step for moved_on, step in moves if moved_on <= day)
            approved = [number for since, number in sorted(numbers.items()) if since <= day]
            assert heads <= (approved[-1] if approved else 0), (key, day)


def _moves(city: Books, key: tuple[str, str]) -> list[tuple[str, int]]:
    held = [line for line in [*city["roster"], *city.history["former"]] if (line["单位"], line["编制类型"]) == key]
    return [(started(line), 1) for line in held] + [(line["出编时间"], -1) for line in held if line["出编时间"]]


def test_numbers_changed_by_documents_one_after_the_other(city: Books) -> None:
    now = {(line["单位"], line["编制类型"]): line for line in city["quotas"]}
    then = city.history["quotas-2016"]

    assert len(then) > 5
    assert len(city.history["quotas-2021"]) > 1
    for line in then:
        key = line["单位"], line["编制类型"]
        between = [each for each in city.history["quotas-2021"] if (each["单位"], each["编制类型"]) == key]
        for earlier, later in pairwise([line, *between, now[key]]):
            assert earlier["批准日期"] < later["批准日期"] <= TODAY.isoformat()
            assert earlier["编制数"] != later["编制数"]
            assert earlier["批准文号"] != later["批准文号"]


def test_who_moved_within_the_city_is_the_same_person_and_came_from_there(city: Books) -> None:
    now = {line["公民身份号码"]: line for line in city["roster"]}
    moved = [line for line in city.history["former"] if line["出编原因"] == "市内调动"]
    others = [line["公民身份号码"] for line in city.history["former"] if line["出编原因"] != "市内调动"]

    assert moved
    assert set(others).isdisjoint(now)
    assert len(set(others)) == len(others)
    for line in moved:
        today = now[line["公民身份号码"]]
        assert (today["姓名"], today["入编时间"], today["进入来源"]) == (line["姓名"], line["出编时间"], line["单位"])


def test_units_were_called_otherwise_before_the_reform_and_two_were_merged(folder: Path, city: Books) -> None:
    reforms = files.reforms_of((folder / "reforms.csv").read_bytes())
    names = {line["统一社会信用代码"]: line["单位名称"] for line in city["units"]}
    before = {line["统一社会信用代码"]: line["单位名称"] for line in city.history["units-2016"]}

    assert {each.uscc: each.former for each in reforms} == before
    assert {each.uscc: each.name for each in reforms if not each.into}.items() <= names.items()
    assert [each.into in names and each.uscc not in names for each in reforms if each.into] == [True, True]
    assert {each.on for each in reforms} == {date(2019, 1, 25)}


def test_a_month_before_the_first_retirement_by_the_new_law_is_by_the_old_one(city: Books) -> None:
    men = [line for line in city.history["former"] if line["出编原因"] == "退休" and line["性别"] == "男" and line["出编时间"] < "2025"]

    assert {YearMonth(int(line["出生日期"][:4]) + 60, int(line["出生日期"][5:7])) == statutory_month(line) for line in men} == {True}
