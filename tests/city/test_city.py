"""The generated city: well-formed files, invented throughout, the same every time, and an answer key that an independent count confirms."""

import re
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from deploy.city import words
from deploy.city.city import SEED, TODAY, city_of
from deploy.city.files import write
from services.roster.models.fields import SHEETS
from shared.law.citizen_id import parse_citizen_id
from shared.law.retirement import Sex
from shared.law.uscc import parse_uscc
from tests.city import books, recount
from tests.city.books import Books, Line
from tests.city.recount import Finding, Roster, roster_of

SIZES = {"small": (60, 3_000), "county": (620, 36_000)}
COUNTED_RULES = [f"M{number:02d}" for number in (1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 16, 17, 18, 19, 24, 26)]
TRAPS = [f"T{number:02d}" for number in (1, 2, 3, 4, 11, 12, 13, 14, 15, 16, 17, 18, 32, 33, 35)]


@pytest.fixture(scope="module", params=SIZES)
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return SIZES[request.param]


@pytest.fixture(scope="module")
def city(size: tuple[int, int], tmp_path_factory: pytest.TempPathFactory) -> Books:
    folder = tmp_path_factory.mktemp("city")
    write(city_of(*size), folder)
    return books.read(folder)


@pytest.fixture(scope="module")
def roster(city: Books) -> Roster:
    return roster_of(city, TODAY)


@pytest.fixture(scope="module")
def found(roster: Roster) -> list[Finding]:
    return list(recount.findings(roster))


def people(city: Books) -> list[Line]:
    return [*city["roster"], *city["offestablishment"]]


def test_it_has_the_units_and_the_people_asked_for(city: Books, size: tuple[int, int]) -> None:
    assert (len(city["units"]), len(people(city))) == size


def test_every_sheet_has_the_columns_of_the_register_and_no_other(city: Books) -> None:
    for kind, sheet in SHEETS.items():
        assert list(city[kind][0]) == [field.label for field in sheet.fields]
        assert {
            field.label: sum(not line[field.label] for line in city[kind]) for field in sheet.fields if field.required
        } == dict.fromkeys((field.label for field in sheet.fields if field.required), 0)


def test_every_identity_number_is_right_of_an_area_nobody_has_and_of_one_person(city: Books) -> None:
    for line in people(city):
        number = parse_citizen_id(line["公民身份号码"])
        assert (number.born_on.isoformat(), number.sex is Sex.MALE) == (line["出生日期"], line["性别"] == "男")
    numbers = Counter(line["公民身份号码"] for line in people(city))
    twice = {answer["公民身份号码"] for answer in city.answers if answer["规则"] == "M12"}

    assert {number[:6] for number in numbers} == {"330499", "330498"}
    assert {number for number, times in numbers.items() if times > 1} == twice


def test_every_unit_code_is_right_but_one_of_the_early_pilots(city: Books) -> None:
    codes = [line["统一社会信用代码"] for line in city["units"]]
    doubtful = [code for code in codes if parse_uscc(code).warning]
    answered = {answer["统一社会信用代码"] for answer in city.answers if (answer["规则"], answer["事项"]) == ("T16", "uscc")}

    assert len(set(codes)) == len(codes)
    assert {code[2:8] for code in codes} == {"330499"}
    assert set(doubtful) == answered
    assert [code[:2] for code in doubtful] == ["91"]


def test_parents_stand_before_their_children_and_are_no_younger(city: Books) -> None:
    seen: dict[str, str] = {"": ""}
    for line in city["units"]:
        assert seen[line["主管部门"]] <= line["成立日期"]
        seen[line["单位名称"]] = line["成立日期"]


def test_rows_refer_to_units_posts_and_internal_units_that_are_there(city: Books, roster: Roster) -> None:
    for line in [*city["quotas"], *city["seats"], *people(city)]:
        assert line["单位"] in roster.units
    for line in city["roster"]:
        assert (line["单位"], line["编制类型"]) in roster.quotas
        assert roster.quotas[line["单位"], line["编制类型"]]["经费形式"] == line["经费形式"]
        assert line["借出单位"] in {"", *roster.units}
    for line in people(city):
        assert line["所在内设机构"] in {"", *roster.units[line["单位"]]["内设机构"].split("、")}


def test_nobody_came_before_his_posts_were_approved_or_after_today(city: Books, roster: Roster) -> None:
    first = {key: quota["批准日期"] for key, quota in roster.quotas.items()}
    for line in city.history["quotas-2016"]:
        first[line["单位"], line["编制类型"]] = line["批准日期"]
    for line in [*people(city), *city.history["former"]]:
        kind = line.get("编制类型", "编外用工控制数")
        assert first[line["单位"], kind] <= recount.started(line) <= TODAY.isoformat()


@pytest.mark.parametrize("rule", COUNTED_RULES)
def test_the_answer_key_is_what_an_independent_count_finds(rule: str, city: Books, found: list[Finding]) -> None:
    key = [
        tuple(answer[label] for label in ("规则", "级别", "单位", "公民身份号码", "事项", "自何时"))
        for answer in city.answers
        if answer["规则"] == rule
    ]

    assert key
    assert sorted(key) == sorted(each for each in found if each[0] == rule)


def test_every_trap_that_data_can_show_is_there(city: Books) -> None:
    assert sorted({answer["规则"] for answer in city.answers}) == sorted(COUNTED_RULES + TRAPS)


def lines_of(rule: str, city: Books) -> list[Line]:
    numbers = {answer["公民身份号码"] for answer in city.answers if answer["规则"] == rule}
    return [line for line in people(city) if line["公民身份号码"] in numbers]


def test_vacancies_of_one_kind_stand_beside_too_many_of_another(city: Books, roster: Roster) -> None:
    [trap] = [answer for answer in city.answers if answer["规则"] == "T01"]
    left = {
        kind: int(roster.quotas[trap["单位"], kind]["编制数"]) - len(roster.on(trap["单位"], kind)) for kind in ("行政编制", "事业编制")
    }

    assert left == {"行政编制": -1, "事业编制": 3}
    assert "超编 1、空编 3" in trap["应看到"]


def test_the_archive_moves_one_into_retirement_and_one_out_of_it(city: Books) -> None:
    now = (TODAY.year, TODAY.month)
    by_archive = [recount.statutory_month(line) for line in lines_of("T15", city)]
    by_number = [recount.statutory_month(line | {"档案认定出生日期": ""}) for line in lines_of("T15", city)]

    assert sorted(month is not None and month <= now for month in by_archive) == [False, True]
    assert [month is not None and month <= now for month in by_archive] == [month is not None and month > now for month in by_number]


def test_women_with_senior_titles_and_unknown_posts_have_no_month_and_others_have(city: Books) -> None:
    untold = {line["公民身份号码"] for line in people(city) if line.get("编制类型") and recount.statutory_month(line) is None}

    for rule in ("T12", "T13"):
        for answer in (answer for answer in city.answers if answer["规则"] == rule):
            assert (answer["公民身份号码"] in untold) == (answer["级别"] == "数据缺失"), answer["应看到"]


def test_rare_characters_come_back_from_the_file_as_they_are(city: Books) -> None:
    names = "".join(line["姓名"] for line in lines_of("T35", city))

    assert any(ord(character) > 0xFFFF for character in names)
    assert "\u00b7" in names
    assert any("\u3400" <= character <= "\u4dbf" for character in names)


def test_withheld_units_and_units_without_posts_are_as_the_key_says(city: Books, roster: Roster) -> None:
    withheld = {answer["单位"] for answer in city.answers if answer["规则"] == "T33"}
    empty = [answer for answer in city.answers if answer["规则"] == "T32"]
    with_posts = {unit for unit, _ in roster.quotas}

    assert withheld == {line["单位名称"] for line in city["units"] if line["不计入公开汇总"] == "是"}
    assert {answer["单位"] for answer in empty if not answer["事项"]} == set(roster.units) - with_posts
    assert {int(roster.quotas[answer["单位"], answer["事项"]]["编制数"]) for answer in empty if answer["事项"]} == {0}


def age_at(line: Line, day: str) -> int:
    born = line["出生日期"]
    return int(day[:4]) - int(born[:4]) - (day[5:10] < born[5:10])


def test_everybody_came_in_a_way_that_fits_his_age_sex_and_work(city: Books, roster: Roster) -> None:
    wrong = {line["公民身份号码"] for line in lines_of("M11", city)}
    for line in (line for line in [*roster.people, *city.history["former"]] if line["公民身份号码"] not in wrong):
        came, on, age = line["进入形式"], line["入编时间"], age_at(line, line["入编时间"])
        worked = int(on[:4]) - int(line["参加工作时间"][:4])
        if came in {"考录", "选调生"}:
            assert age <= (28 if came == "选调生" else 35) + 1, line
        if came in {"公开招聘", "人才引进"}:
            assert age <= 41, line
        if came == "军转安置":
            assert (line["性别"], age >= 28, worked >= 6) == ("男", True, True), line
        if came in {"转任", "调任"}:
            assert worked >= 2 or age > 35, line


def test_no_leader_is_on_probation_and_none_has_led_for_as_long_as_he_is_here(city: Books, found: list[Finding]) -> None:
    above = {number for rule, _, _, number, *_ in found if rule == "M03"}

    assert [line for line in city["roster"] if line["占用职数"] and line["人员状态"] == "试用期"] == []
    for line in city["roster"]:
        if line["公民身份号码"] in above:
            assert line["入编时间"][:7] < line["任现职时间"], line


def test_whoever_stands_on_a_post_of_another_kind_has_the_marks_of_his_own(city: Books) -> None:
    for line in lines_of("M06", city):
        servant = line["人员身份"] == "公务员"
        assert (line["是否公务员登记"], bool(line["职级"])) == ("是" if servant else "否", servant), line
        assert line["进入形式"] in ({"考录", "转任"} if servant else {"调动"})


@pytest.mark.parametrize(("number", "day"), [("用编单编号", "核编日期"), ("入编文号", "入编时间")])
def test_a_paper_is_for_one_unit_one_kind_of_post_and_one_day(city: Books, number: str, day: str) -> None:
    used: dict[str, set[tuple[str, ...]]] = {}
    for line in [*city["roster"], *city.history["former"]]:
        if line[number]:
            used.setdefault(line[number], set()).add((line["单位"], line["编制类型"], line[day]))
    papers = [occasion for occasions in used.values() for occasion in occasions]

    assert {paper: occasions for paper, occasions in used.items() if len(occasions) > 1} == {}
    assert len(papers) == len(set(papers))


def test_nobody_is_called_like_a_leader_of_the_country(city: Books) -> None:
    assert {line["姓名"] for line in [*people(city), *city.history["former"]]} & words.LEADERS == set()
    assert {"李强", "李鹏", "周永康", "胡海峰"} <= words.LEADERS


PLACES = (*words.TOWNS, *words.STREETS, words.CITY, *words.SPOTS, *words.COUNTIES, words.PROVINCE)
SCHOOLS = {*words.UNIVERSITIES, *words.COLLEGES, *words.LOWER_SCHOOLS}
OWN_WORDS = (
    *("街道办事处", "城市", "村镇", "乡镇", "社区", "农村", "市场", "市容", "市政", "市委", "直属", "镇长", "民主同盟", "工商业联合会"),
    *("区域", "城乡", "辖区"),
)
COLUMNS_WITH_PLACES = {
    "units": ("单位名称", "单位简称", "第二名称", "加挂牌子", "内设机构"),
    "roster": ("毕业院校", "进入来源", "籍贯", "出生地", "借出单位", "职务"),
    "offestablishment": ("毕业院校", "派遣单位", "籍贯", "出生地", "职务"),
}


def test_no_place_is_named_that_was_not_invented(city: Books) -> None:
    """What is left of a name without the invented places and the field's own words does not end like a place."""
    known = re.compile("|".join(sorted((*PLACES, *OWN_WORDS), key=len, reverse=True)))
    cells = {line[label] for kind, labels in COLUMNS_WITH_PLACES.items() for line in city[kind] for label in labels}

    assert {cell for cell in cells if re.search("[省市县州盟旗区镇乡村]", known.sub("", cell))} == set()
    assert {line["籍贯"] for line in people(city)} <= {f"{words.PROVINCE}{county}" for county in words.COUNTIES}
    assert {line["毕业院校"] for line in people(city)} <= SCHOOLS
    assert {school for school in SCHOOLS if not school.startswith((words.PROVINCE, *words.COUNTIES))} == set()


def test_the_same_seed_makes_the_same_files_and_another_seed_other_people(tmp_path: Path) -> None:
    for name, seed in (("a", SEED), ("b", SEED), ("c", SEED + 1)):
        write(city_of(60, 3_000, seed), tmp_path / name)

    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert (
        contents(tmp_path / "a")["roster.xlsx/xl/worksheets/sheet1.xml"] != contents(tmp_path / "c")["roster.xlsx/xl/worksheets/sheet1.xml"]
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every part of every file, but for the time of writing that a workbook carries."""
    found = {"answers": (folder / "answers.csv").read_bytes()}
    for path in folder.glob("*.xlsx"):
        with zipfile.ZipFile(path) as book:
            found |= {f"{path.name}/{name}": book.read(name) for name in book.namelist() if name != "docProps/core.xml"}
    return found


def test_every_book_says_that_it_is_invented(tmp_path: Path) -> None:
    write(city_of(60, 3_000), tmp_path)

    for kind in SHEETS:
        with zipfile.ZipFile(tmp_path / f"{kind}.xlsx") as book:
            assert any("演示数据" in book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))


def test_a_city_of_another_day_has_the_same_units_and_its_own_answers(tmp_path: Path) -> None:
    day = date(2025, 9, 25)
    write(city_of(60, 3_000, today=day), tmp_path)
    written = books.read(tmp_path)
    found = list(recount.findings(roster_of(written, day)))

    assert [line["统一社会信用代码"] for line in written["units"]] == [unit.uscc for unit in city_of(60, 3_000).units]
    assert max(recount.started(line) for line in people(written)) <= day.isoformat()
    for rule in COUNTED_RULES:
        expected = sorted((each["级别"], each["单位"], each["自何时"]) for each in written.answers if each["规则"] == rule)
        assert sorted((level, unit, since) for code, level, unit, _, _, since in found if code == rule) == expected


@pytest.mark.parametrize(("units", "persons"), [(59, 3_000), (60, 600)])
def test_too_small_a_city_is_refused(units: int, persons: int) -> None:
    with pytest.raises(ValueError, match=r"a city has|too few"):
        city_of(units, persons)
