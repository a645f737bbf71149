"""The demo's city can carry its story: people who apply, and units that stay as they are while time passes."""

from datetime import timedelta
from pathlib import Path

import pytest

from deploy.city.city import TODAY, city_of, units_of
from deploy.city.invented import Inventor
from deploy.city.plan import STAGE
from deploy.demo import city
from deploy.demo.city import logins, staff_of
from deploy.demo.plan import COUNTY, STORY
from deploy.demo.plan import city as story
from deploy.local.place import Place
from shared.law.retirement import YearMonth
from tests.city.recount import statutory_month

YEARS_AHEAD = 3


def test_every_town_and_school_has_a_clerk_and_a_head() -> None:
    units = story()
    names = {account.name for account in staff_of(units)}

    assert {f"{login}.{part}" for login in logins(units) for part in ("clerk", "head")} <= names


@pytest.mark.parametrize("size", [STORY, COUNTY])
def test_there_are_schools_with_posts_to_spare_and_full_towns_with_vacancies_of_another_kind(size: tuple[int, int]) -> None:
    units = logins(units_of(*size, today=TODAY)).values()
    free = {unit.name: {row.kind: row.posts - row.heads for row in unit.quotas} for unit in units if unit.name in STAGE}

    assert sum(rows["事业编制"] >= 2 and "行政编制" not in rows for rows in free.values()) >= 3
    assert sum(rows["事业编制"] >= 2 and rows.get("行政编制") == 0 for rows in free.values()) >= 3


@pytest.mark.parametrize("size", [STORY, COUNTY])
def test_nobody_on_the_stage_retires_while_the_story_goes_on(size: tuple[int, int]) -> None:
    made = city_of(*size)
    ahead = YearMonth(TODAY.year + YEARS_AHEAD, TODAY.month)
    months = [statutory_month(_line(cells)) for cells in made.rows["roster"] if cells["unit"] in STAGE]

    assert min(month for month in months if month) > ahead


def test_the_units_of_the_story_have_the_same_logins_and_codes_in_the_whole_county() -> None:
    small, county = ({login: unit.uscc for login, unit in logins(units).items()} for units in (story(), units_of(*COUNTY, today=TODAY)))

    assert small.items() <= county.items()


def test_two_inventors_with_other_first_numbers_never_meet() -> None:
    born_on = TODAY.replace(year=1990)
    one, other = Inventor(1), Inventor(2, first_sequence=100)

    assert {one.id_number(born_on, "F") for _ in range(90)}.isdisjoint(other.id_number(born_on, "F") for _ in range(90))


def test_a_filling_that_is_resumed_on_another_day_brings_the_city_of_the_first_one(tmp_path: Path) -> None:
    place = Place(tmp_path, 0, "demo")
    first = [city.day_of(place, TODAY), city.day_of(place, TODAY + timedelta(days=1))]
    place.forget()

    assert first == [TODAY, TODAY]
    assert city.day_of(place, TODAY + timedelta(days=1)) == TODAY + timedelta(days=1)


def _line(cells: dict[str, str | int | None]) -> dict[str, str]:
    labels = {
        "sex": "性别",
        "birth_on": "出生日期",
        "certified_birth_on": "档案认定出生日期",
        "retirement_category": "退休类别",
        "identity": "人员身份",
        "post_category": "岗位类别",
        "title": "职务",
        "professional_title": "专业技术职务",
    }
    return {label: str(cells.get(name) or "") for name, label in labels.items()}
