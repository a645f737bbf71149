"""Citizen ID numbers and unified social credit codes: what must be refused and what must not."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.law.citizen_id import FifteenDigits, InvalidCitizenId, check_digit, parse_citizen_id
from shared.law.retirement import Sex
from shared.law.uscc import InvalidUscc, check_character, organisation_check, parse_uscc

births = st.dates(date(1930, 1, 1), date(2026, 12, 31))
sequences = st.integers(0, 999)


def made_up(area: str, born: date, sequence: int) -> str:
    seventeen = f"{area}{born:%Y%m%d}{sequence:03d}"
    return seventeen + check_digit(seventeen)


@pytest.mark.parametrize(
    ("number", "born", "sex"),
    [
        ("330499196501150013", date(1965, 1, 15), Sex.MALE),
        ("330499197005203029", date(1970, 5, 20), Sex.FEMALE),
        ("330499197512314049", date(1975, 12, 31), Sex.FEMALE),
        ("330499198802291011", date(1988, 2, 29), Sex.MALE),
        ("330499200001010056", date(2000, 1, 1), Sex.MALE),
    ],
)
def test_a_right_number_tells_birth_date_and_sex(number: str, born: date, sex: Sex) -> None:
    found = parse_citizen_id(number)

    assert (found.born_on, found.sex) == (born, sex)


def test_trap_16_an_abolished_or_unknown_area_is_no_reason_to_refuse() -> None:
    for area in ("330499", "330402", "512301"):
        assert parse_citizen_id(made_up(area, date(1965, 1, 15), 1)).born_on == date(1965, 1, 15)


def test_a_small_x_is_an_x() -> None:
    with_x = next(number for number in (made_up("330499", date(1965, 1, 15), sequence) for sequence in range(99)) if number.endswith("X"))

    assert parse_citizen_id(with_x.lower()).number == with_x


def test_a_number_of_fifteen_digits_has_an_error_of_its_own() -> None:
    with pytest.raises(FifteenDigits):
        parse_citizen_id("330499650115001")


@pytest.mark.parametrize(
    "number", ["", "33049919650115001", "3304991965011500133", "33049919650115001Y", "33049919650115OO13", "３30499196501150013"]
)
def test_a_wrong_form_is_refused(number: str) -> None:
    with pytest.raises(InvalidCitizenId):
        parse_citizen_id(number)


def test_a_day_that_never_was_is_refused_even_with_a_right_check_digit() -> None:
    seventeen = "33049919650230001"

    with pytest.raises(InvalidCitizenId, match="出生日期"):
        parse_citizen_id(seventeen + check_digit(seventeen))


@given(births, sequences, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_found_and_never_repeated_in_the_error(born: date, sequence: int, place: int, shift: int) -> None:
    number = made_up("330499", born, sequence)
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]

    with pytest.raises(InvalidCitizenId) as refused:
        parse_citizen_id(wrong)

    assert wrong not in str(refused.value)


@given(births, sequences)
def test_every_number_made_by_the_standard_is_accepted(born: date, sequence: int) -> None:
    found = parse_citizen_id(made_up("330499", born, sequence))

    assert (found.born_on, found.sex is Sex.MALE) == (born, sequence % 2 == 1)


@pytest.mark.parametrize("code", ["113304240025561412", "11330683742010670P", "12330481123456788F", "13330481876543210H"])
def test_a_right_code_is_accepted_without_warning(code: str) -> None:
    assert parse_uscc(code).warning == ""


@pytest.mark.parametrize("code", ["113304240025561413", "12330481123456798F", "133304818765432100"])
def test_a_failing_check_in_the_offices_own_register_is_an_error(code: str) -> None:
    with pytest.raises(InvalidUscc):
        parse_uscc(code)


def test_a_failing_inner_check_is_found_even_when_the_outer_one_is_right() -> None:
    seventeen = "12330481" + "123456789"

    with pytest.raises(InvalidUscc, match="组织机构代码"):
        parse_uscc(seventeen + check_character(seventeen))


def test_trap_16_an_early_pilot_code_that_fails_its_check_is_a_warning_only() -> None:
    found = parse_uscc("91330481123456788B")

    assert found.warning == "校验码不符"


@pytest.mark.parametrize("letter", "IOSVZ")
def test_trap_16_the_five_letters_are_refused_everywhere(letter: str) -> None:
    with pytest.raises(InvalidUscc, match=letter):
        parse_uscc(f"9133048112345678{letter}F")


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=8, max_size=8), st.sampled_from(["11", "12", "13"]))
def test_every_code_made_by_the_standards_is_accepted(organisation: str, register: str) -> None:
    seventeen = f"{register}330481{organisation}{organisation_check(organisation)}"

    assert parse_uscc(seventeen + check_character(seventeen)).warning == ""
