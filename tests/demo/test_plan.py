"""The demo city is invented, plausible, and the same every time."""

from collections import Counter
from datetime import date

from deploy.demo.city import logins, staff_of
from deploy.demo.invented import AREA, Inventor
from deploy.demo.plan import PEOPLE, TODAY, city
from shared.law.citizen_id import parse_citizen_id
from shared.law.retirement import Category, Sex, YearMonth, retirement
from shared.law.uscc import parse_uscc

HAINING_TOWNS = ["硖石", "海洲", "海昌", "马桥", "许村", "长安", "周王庙", "盐官", "斜桥", "丁桥", "袁花", "黄湾"]


def test_sixty_units_and_three_thousand_people() -> None:
    units = city()

    assert len(units) == 60
    assert sum(len(unit.persons) for unit in units) == PEOPLE


def test_the_same_seed_makes_the_same_city() -> None:
    assert city() == city()


def test_every_number_is_right_unlike_any_other_and_of_the_area_nobody_has() -> None:
    units = city()
    people = [person for unit in units for person in unit.persons]

    assert {parse_citizen_id(person.id_number).born_on == person.birth_on for person in people} == {True}
    assert {person.id_number[:6] for person in people} == {AREA}
    assert len({person.id_number for person in people}) == len(people)
    assert {parse_uscc(unit.uscc).warning for unit in units} == {""}
    assert len({unit.uscc for unit in units}) == len(units)


def test_a_city_of_an_earlier_day_knows_nothing_of_later_ones() -> None:
    day = date(2025, 9, 25)
    units = city(day)

    assert max(person.started_on for unit in units for person in unit.persons) == day
    assert max(quota.document_on for unit in units for quota in unit.quotas) <= day
    assert [unit.uscc for unit in units] == [unit.uscc for unit in city()]


def test_posts_were_approved_before_the_first_of_their_people_came() -> None:
    late = {unit.name for unit in city() for quota in unit.quotas if quota.document_on >= min(person.started_on for person in unit.persons)}

    assert late == set()


def test_no_unit_bears_the_name_of_a_town_of_haining() -> None:
    assert [unit.name for unit in city() if any(town in unit.name for town in HAINING_TOWNS) or "海宁" in unit.name] == []


def test_some_rows_are_full_some_have_vacancies_and_a_few_are_beyond() -> None:
    states: Counter[str] = Counter()
    for unit in city():
        counts = Counter((person.kind, person.funding) for person in unit.persons)
        for quota in unit.quotas:
            left = quota.posts - counts[quota.kind, quota.funding]
            states["full" if left == 0 else "vacant" if left > 0 else "beyond"] += 1

    assert states["full"] >= 10
    assert states["vacant"] >= 30
    assert states["beyond"] == 2


def test_three_reach_their_statutory_month_within_a_year_and_nobody_is_past_it() -> None:
    months = [_month(person.birth_on.year, person.birth_on.month) for unit in city() for person in unit.persons if person.sex == "M"]

    assert min(months) > YearMonth(TODAY.year, TODAY.month)
    assert sum(month < YearMonth(TODAY.year + 1, TODAY.month) for month in months) == 3


def test_parents_stand_before_their_children() -> None:
    seen: set[str] = set()
    for unit in city():
        assert unit.parent is None or unit.parent in seen
        seen.add(unit.name)


def test_every_town_and_school_has_a_clerk_a_head_and_a_deputy() -> None:
    units = city()
    names = {account.name for account in staff_of(units)}

    assert {f"{login}.{part}" for login in logins(units) for part in ("clerk", "head", "deputy")} <= names


def test_two_inventors_with_other_first_numbers_never_meet() -> None:
    born_on = TODAY.replace(year=1990)
    one, other = Inventor(1), Inventor(2, first_sequence=100)

    assert {one.id_number(born_on, "F") for _ in range(90)}.isdisjoint(other.id_number(born_on, "F") for _ in range(90))


def _month(year: int, month: int) -> YearMonth:
    found = retirement(YearMonth(year, month), Sex.MALE, Category.M60).month
    assert found is not None
    return found
