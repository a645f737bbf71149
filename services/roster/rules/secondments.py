"""How long a person may work elsewhere (domain §4.3). The limits are the office's parameters; a period in months ends on the day of the same number (民法典 Art. 202)."""

from collections.abc import Sequence
from datetime import date

from services.roster.models.refusals import DatesOutOfOrder
from services.roster.models.secondments import (
    ExtendSecondment,
    Limits,
    RenewalTooLate,
    SecondedAlready,
    Secondment,
    SecondmentEndedBefore,
    SecondmentNotLonger,
    SecondmentTooLong,
    SecondmentTooSoon,
    SecondPerson,
)
from services.roster.rules.posts import months_after


def ensure_may_begin(what: SecondPerson, earlier: Sequence[Secondment], limits: Limits) -> None:
    """At one place at a time, one term at most, and none soon after another. What a first load finds is not judged here: it is for the light to judge."""
    if what.until < what.started_on:
        raise DatesOutOfOrder
    for each in earlier:
        if each.ended_on is None or each.ended_on > what.started_on:
            raise SecondedAlready(since=each.started_on)
    if what.baseline:
        return
    _ensure_within(what.started_on, what.until, limits.term)
    for each in earlier:
        if each.ended_on is not None and what.started_on < months_after(each.ended_on, limits.rest):
            raise SecondmentTooSoon(ended_on=each.ended_on, months=limits.rest, day=months_after(each.ended_on, limits.rest))


def ensure_may_extend(here: Secondment, what: ExtendSecondment, limits: Limits) -> None:
    """Later than before, within the total, and filed in time."""
    ensure_lasts(here)
    if what.until <= here.until:
        raise SecondmentNotLonger(until=here.until)
    _ensure_within(here.started_on, what.until, limits.total)
    if what.notice_on is not None and what.notice_on > here.until:
        raise RenewalTooLate(until=here.until, days=limits.notice)


def ensure_lasts(here: Secondment) -> None:
    """It is not over."""
    if here.ended_on is not None:
        raise SecondmentEndedBefore(ended_on=here.ended_on)


def _ensure_within(started_on: date, until: date, months: int) -> None:
    last = months_after(started_on, months)
    if until > last:
        raise SecondmentTooLong(months=months, day=last)
