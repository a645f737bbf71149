"""How long somebody may be lent, and how often."""

from datetime import date
from uuid import uuid4

import pytest

from services.roster.models.refusals import DatesOutOfOrder
from services.roster.models.secondments import (
    ExtendSecondment,
    Limits,
    RenewalTooLate,
    SecondedAlready,
    Secondment,
    SecondmentEndedBefore,
    SecondmentForm,
    SecondmentNotLonger,
    SecondmentTooLong,
    SecondmentTooSoon,
    SecondPerson,
)
from services.roster.rules.secondments import ensure_may_begin, ensure_may_extend
from shared.errors import DomainError
from tests.roster.rules.given import refused

LIMITS = Limits(term=6, total=12, rest=24, notice=10)


def lent(started_on: date, until: date, ended_on: date | None) -> Secondment:
    return Secondment(uuid4(), uuid4(), uuid4(), None, "某局", SecondmentForm.SECONDED_OUT, started_on, until, ended_on, None)


@pytest.mark.parametrize(
    ("started_on", "until", "baseline", "refusal"),
    [
        (date(2028, 6, 1), date(2028, 12, 1), False, None),
        (date(2028, 5, 31), date(2028, 6, 30), False, SecondmentTooSoon),
        (date(2028, 6, 1), date(2028, 12, 2), False, SecondmentTooLong),
        (date(2028, 6, 1), date(2028, 6, 1), False, None),
        (date(2028, 6, 1), date(2028, 5, 31), False, DatesOutOfOrder),
        (date(2026, 6, 1), date(2027, 12, 1), True, None),
        (date(2026, 5, 31), date(2026, 6, 30), True, SecondedAlready),
    ],
    ids=["two years later for six months", "a day before", "a day longer", "one day", "no day", "found at a first load", "not back yet"],
)
def test_a_loan_lasts_six_months_and_none_begins_within_two_years_of_the_last(
    started_on: date, until: date, baseline: bool, refusal: type[DomainError] | None
) -> None:  # domain §4.3
    what = SecondPerson(person_id=uuid4(), borrower="某局", started_on=started_on, until=until, baseline=baseline)

    with refused(refusal):
        ensure_may_begin(what, [lent(date(2026, 1, 1), date(2026, 6, 30), date(2026, 6, 1))], LIMITS)
    with refused(DatesOutOfOrder if refusal is DatesOutOfOrder else SecondedAlready):
        ensure_may_begin(what, [lent(date(2026, 1, 1), date(2026, 6, 30), None)], LIMITS)


@pytest.mark.parametrize(
    ("until", "notice_on", "refusal"),
    [
        (date(2027, 3, 2), date(2026, 9, 2), None),
        (date(2027, 3, 2), date(2026, 9, 3), RenewalTooLate),
        (date(2027, 3, 2), None, None),
        (date(2027, 3, 3), None, SecondmentTooLong),
        (date(2026, 9, 2), None, SecondmentNotLonger),
    ],
    ids=["filed in time", "filed a day late", "not judged", "a day beyond the total", "no longer than before"],
)
def test_a_loan_is_renewed_up_to_a_year_in_all_by_who_files_it_in_time(
    until: date, notice_on: date | None, refusal: type[DomainError] | None
) -> None:
    what = ExtendSecondment(secondment_id=uuid4(), until=until, notice_on=notice_on)

    with refused(refusal):
        ensure_may_extend(lent(date(2026, 3, 2), date(2026, 9, 2), None), what, LIMITS)
    with refused(SecondmentEndedBefore):
        ensure_may_extend(lent(date(2026, 3, 2), date(2026, 9, 2), date(2026, 9, 1)), what, LIMITS)
