"""The retirement month against the vectors, a literal walk through the annexes, and the traps people fall into."""

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.law.citizen_id import parse_citizen_id
from shared.law.retirement import Category, CategoryMismatch, Sex, YearMonth, retirement

VECTORS = list(csv.DictReader((Path(__file__).parent / "vectors" / "retirement_vectors.csv").open(encoding="utf-8")))
KNOWN = {Category.M60: (Sex.MALE, 60, 4, 63), Category.F55: (Sex.FEMALE, 55, 4, 58), Category.F50: (Sex.FEMALE, 50, 2, 55)}
births = st.builds(YearMonth, st.integers(1930, 2010), st.integers(1, 12))
known_categories = st.sampled_from(sorted(KNOWN))


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: f"{row['category']}-{row['birth_ym']}")
def test_every_vector_gives_the_published_month_and_age(row: dict[str, str]) -> None:
    found = retirement(YearMonth.parse(row["birth_ym"]), Sex(row["sex"]), Category(row["category"]))

    assert str(found.month) == row["retire_ym"]
    assert found.age == (int(row["retire_age_years"]), int(row["retire_age_months"]))


@given(births, known_categories)
def test_the_formula_equals_a_walk_month_by_month_through_the_annexes(birth: YearMonth, category: Category) -> None:
    sex, base, step, _ = KNOWN[category]
    original, delay, walked = birth.plus(base * 12), 0, YearMonth(2024, 12)
    most = 60 if category is Category.F50 else 36

    while walked < original:
        for _ in range(step):
            walked = walked.plus(1)
            if walked == original:
                break
        delay = min(delay + 1, most)

    assert retirement(birth, sex, category).month == original.plus(delay)


@given(births, known_categories)
def test_nobody_retires_before_an_older_person_nor_beyond_the_last_age(birth: YearMonth, category: Category) -> None:
    sex, base, _, last = KNOWN[category]

    found, older = retirement(birth, sex, category), retirement(birth.plus(-1), sex, category)

    assert found.month is not None
    assert older.month is not None
    assert older.month < found.month
    assert birth.plus(base * 12) <= found.month <= birth.plus(last * 12)


def test_trap_12_retirement_is_neither_a_fixed_age_nor_a_fixed_three_years_more() -> None:
    born_1964_12, born_1965_01 = (retirement(YearMonth.parse(text), Sex.MALE, Category.M60) for text in ("1964-12", "1965-01"))

    assert (str(born_1964_12.month), str(born_1965_01.month)) == ("2024-12", "2025-02")


def test_trap_12_a_womans_month_changes_with_her_post() -> None:
    born = YearMonth.parse("1975-05")

    as_worker, as_manager = (retirement(born, Sex.FEMALE, category) for category in (Category.F50, Category.F55))

    assert (str(as_worker.month), str(as_manager.month)) == ("2025-08", "2031-10")


def test_trap_12_men_born_before_1976_09_do_not_keep_sixty() -> None:
    assert str(retirement(YearMonth.parse("1970-05"), Sex.MALE, Category.M60).month) == "2031-10"


def test_trap_13_the_special_group_gets_a_range_and_never_a_guessed_month() -> None:
    found = retirement(YearMonth.parse("1975-03"), Sex.FEMALE, Category.SPECIAL)

    assert (found.month, found.age) == (None, None)
    assert (str(found.earliest), str(found.latest)) == ("2030-03", "2037-10")


def test_trap_14_months_in_which_nobody_retires_are_right() -> None:
    def months(category: Category, sex: Sex, base: int) -> set[str]:
        first = YearMonth(2023 - base, 1)
        return {str(retirement(first.plus(offset), sex, category).month) for offset in range(36)}

    by_fours, by_twos = months(Category.M60, Sex.MALE, 60), months(Category.F50, Sex.FEMALE, 50)

    assert {"2025-01", "2025-06", "2025-11"}.isdisjoint(by_fours)
    assert {"2025-05", "2025-07", "2025-10", "2025-12"} <= by_fours
    assert {"2025-01", "2025-04", "2025-07"}.isdisjoint(by_twos)


def test_trap_15_the_archives_birth_date_rules_and_the_id_number_has_no_say() -> None:
    in_the_id = parse_citizen_id("330499196501150013").born_on
    in_the_archive = date(1964, 12, 15)

    by_archive, by_id = (retirement(YearMonth(day.year, day.month), Sex.MALE, Category.M60) for day in (in_the_archive, in_the_id))

    assert (str(by_archive.month), str(by_id.month)) == ("2024-12", "2025-02")


def test_a_category_of_the_other_sex_is_refused() -> None:
    with pytest.raises(CategoryMismatch):
        retirement(YearMonth.parse("1970-01"), Sex.FEMALE, Category.M60)
