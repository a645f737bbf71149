"""What a row of posts has left, and who may go beyond it."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.roster.models.facts import Reservation
from services.roster.models.refusals import (
    Frozen,
    NotOverQuota,
    NotOverSeats,
    PersonOnRoster,
    QuotaBelowUse,
    QuotaExhausted,
    QuotaTermOver,
    ReservationExpired,
    ReservationHeld,
    ReservationRecalled,
    ReservationUsedUp,
    SeatsExhausted,
)
from services.roster.rules.posts import (
    ensure_above_use,
    ensure_available,
    ensure_in_term,
    ensure_may_grow,
    ensure_no_seat_vacant,
    ensure_on_no_roster,
    ensure_over_quota,
    ensure_seat_vacant,
    ensure_usable,
    expiry,
)
from shared.errors import DomainError
from shared.events.roster import EstablishmentState, SeatsState
from shared.law.notices import load_calendar
from tests.roster.rules.given import DAY, ONE, refused, row

CALENDAR = load_calendar()


@examples(*(st.integers(0, 500) for _ in range(4)), st.integers(1, 50))
def test_a_post_is_granted_only_from_what_this_row_has_left(quota: int, headcount: int, reserved: int, frozen: int, posts: int) -> None:
    row = EstablishmentState(kind="SY", funding="full", quota=quota, headcount=headcount, reserved=reserved, frozen=frozen)
    if quota - headcount - reserved - frozen >= posts:
        ensure_available(row, posts)
    else:
        with pytest.raises(QuotaExhausted):
            ensure_available(row, posts)


@pytest.mark.parametrize(
    ("authorised_on", "months", "last_day"),
    [
        (date(2025, 3, 17), 12, date(2026, 3, 17)),
        (date(2025, 10, 1), 12, date(2026, 10, 8)),  # National Day
        (date(2025, 9, 20), 12, date(2026, 9, 20)),  # a make-up Sunday works
        (date(2025, 8, 31), 6, date(2026, 2, 28)),  # a make-up Saturday, at the month's end
    ],
)
def test_a_validity_ends_on_the_same_day_number_or_the_next_working_day(authorised_on: date, months: int, last_day: date) -> None:
    assert expiry(authorised_on, months, CALENDAR) == last_day


@pytest.mark.parametrize(("headcount", "reserved", "frozen"), [(4, 0, 0), (5, 0, 0), (6, 0, 0), (4, 1, 0), (3, 1, 0), (3, 1, 1)])
def test_whoever_finds_no_post_left_and_nobody_else_is_recorded_beyond_quota(headcount: int, reserved: int, frozen: int) -> None:
    full = headcount + reserved + frozen >= 5
    here = row(5, headcount, reserved=reserved, frozen=frozen)

    with refused(QuotaExhausted if full else None):
        ensure_available(here, 1)
    with refused(None if full else NotOverQuota):
        ensure_over_quota(here)


@pytest.mark.parametrize("used", range(4))
def test_whoever_finds_no_seat_left_and_nobody_else_is_recorded_beyond_the_number_of_leaders(used: int) -> None:
    seats = SeatsState(level="unit_deputy", approved=2, used=used)

    with refused(SeatsExhausted if used >= 2 else None):
        ensure_seat_vacant(seats)
    with refused(NotOverSeats if used < 2 else None):
        ensure_no_seat_vacant(seats)


def test_a_post_on_loan_is_taken_on_the_last_day_of_its_term_and_not_on_the_next() -> None:
    lent = row(1, 0, use_until=DAY)

    ensure_in_term(lent, DAY)
    with refused(QuotaTermOver):
        ensure_in_term(lent, DAY + ONE)
    ensure_in_term(row(1, 0), date.max)


@pytest.mark.parametrize(("quota", "cause", "refusal"), [(3, None, None), (2, None, QuotaBelowUse), (2, "policy", None)])
def test_a_quota_goes_down_to_what_is_in_use_and_below_it_with_a_recorded_cause(
    quota: int, cause: str | None, refusal: type[DomainError] | None
) -> None:
    with refused(refusal):
        ensure_above_use(5, row(quota, 2, reserved=1), cause)


@pytest.mark.parametrize("quota", [1, 2], ids=["as many as before", "more than before"])
def test_a_quota_that_does_not_fall_needs_no_cause_though_more_are_in_use(quota: int) -> None:
    ensure_above_use(1, row(quota, 2, reserved=1), None)


@pytest.mark.parametrize(
    ("wanted", "approved", "used", "refusal"),
    [(5, 5, 3, None), (6, 5, 3, Frozen), (7, 5, 7, None), (8, 5, 7, Frozen)],
    ids=["as many as before", "one more", "the surplus is approved", "more than the surplus"],
)
def test_a_freeze_stops_growth_and_not_the_approval_of_a_surplus(
    wanted: int, approved: int, used: int, refusal: type[DomainError] | None
) -> None:
    with refused(refusal):
        ensure_may_grow([uuid4()], wanted, approved, used)
    ensure_may_grow([], wanted, approved, used)


@pytest.mark.parametrize(
    ("ends", "refusal"),
    [([], None), ([DAY], None), ([DAY - ONE, DAY + ONE], PersonOnRoster), ([DAY - ONE, None], PersonOnRoster)],
    ids=["never in post", "he leaves on that day", "he leaves a day later", "he is in post"],
)
def test_whoever_leaves_one_unit_enters_another_on_the_same_day_and_not_before(
    ends: list[date | None], refusal: type[DomainError] | None
) -> None:  # the day of exit does not count
    with refused(refusal):
        ensure_on_no_roster(ends, DAY)


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({}, None),
        ({"unspent": 2, "held": 1}, None),
        ({"unspent": 1, "held": 1}, ReservationHeld),
        ({"unspent": 0}, ReservationUsedUp),
        ({"expires_on": DAY - ONE}, ReservationExpired),
        ({"expires_on": DAY - ONE, "unspent": 0}, ReservationUsedUp),
        ({"recalled_on": DAY}, ReservationRecalled),
    ],
)
def test_an_authorised_post_is_good_to_its_last_day_and_for_one_alone(facts: dict[str, Any], refusal: type[DomainError] | None) -> None:
    usual: dict[str, Any] = {"id": uuid4(), "unit_id": uuid4(), "kind": "SY", "funding": "full", "posts": 2, "unspent": 1, "held": 0}
    days = {"authorisation_no": "用编〔2026〕1号", "authorised_on": DAY, "expires_on": DAY}

    with refused(refusal):
        ensure_usable(Reservation(**(usual | days | facts)), DAY)
