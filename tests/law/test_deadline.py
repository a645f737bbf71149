"""Deadlines: budget, pauses, extensions, rungs, and a certificate that an outsider recomputes with the standard library alone."""

import json
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import CHINA
from shared.law.deadline import AlreadyPaused, Deadline, NotPaused
from shared.law.notices import load_calendar
from shared.law.working_days import Calendar, DayKind

CALENDAR = load_calendar()
FRIDAY = date(2026, 9, 18)  # a make-up Sunday follows, then 中秋 and the National Day break


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def five_days() -> Deadline:
    return Deadline.start(FRIDAY, 5, CALENDAR)


def recomputed_due(certificate: dict[str, Any]) -> str | None:
    """What somebody without this system does: only the certificate and the standard library."""
    off, work = set(certificate["calendar"]["off"]), set(certificate["calendar"]["work"])
    left = certificate["budget"] + sum(each["days"] for each in certificate["extensions"])
    pauses = [(datetime.fromisoformat(p["since"]), p["until"] and datetime.fromisoformat(p["until"])) for p in certificate["pauses"]]
    day = date.fromisoformat(certificate["start_on"])
    while left:
        day += timedelta(days=1)
        close = datetime.combine(day, time(17, 30), CHINA)
        if any(until is None and since <= close for since, until in pauses):
            return None
        fixed = day.year not in certificate["calendar"]["published"] and (day.month, day.day) in {
            (1, 1),
            (5, 1),
            (5, 2),
            (10, 1),
            (10, 2),
            (10, 3),
        }
        works = day.isoformat() in work or (day.weekday() < 5 and day.isoformat() not in off and not fixed)
        left -= works and not any(since <= close < until for since, until in pauses if until)
    return datetime.combine(day, time(17, 30), CHINA).isoformat()


@st.composite
def deadlines(draw: st.DrawFn) -> Deadline:
    deadline = Deadline.start(draw(st.dates(date(2026, 1, 1), date(2026, 12, 31))), draw(st.integers(1, 40)), CALENDAR)
    instant = datetime.combine(deadline.start_on, time(9), CHINA)
    for _ in range(draw(st.integers(0, 4))):
        instant += timedelta(minutes=draw(st.integers(0, 20_000)))
        deadline = deadline.paused(instant, "order-1", "冻结")
        instant += timedelta(minutes=draw(st.integers(0, 20_000)))
        deadline = deadline.resumed(instant)
    if draw(st.booleans()):
        deadline = deadline.extended(draw(st.integers(1, 10)), instant, "officer-1", "延期")
    return deadline.paused(instant, "order-2", "冻结") if draw(st.booleans()) else deadline


def test_trap_24_a_deadline_counts_the_make_up_sunday_and_jumps_the_holiday() -> None:
    assert five_days().due_at == at("2026-09-24T17:30")
    assert Deadline.start(FRIDAY, 6, CALENDAR).due_at == at("2026-09-28T17:30")
    assert Deadline.start(FRIDAY, 10, CALENDAR).due_at == at("2026-10-09T17:30")


def test_a_day_is_used_up_only_when_the_clock_runs_at_the_close_of_business() -> None:
    over_noon = five_days().paused(at("2026-09-21T09:00"), "order", "冻结").resumed(at("2026-09-21T17:29"))
    over_the_close = five_days().paused(at("2026-09-21T17:29"), "order", "冻结").resumed(at("2026-09-21T17:31"))

    assert over_noon.due_on == date(2026, 9, 24)
    assert over_the_close.due_on == date(2026, 9, 28)


def test_a_pause_holds_from_its_first_instant_to_just_before_its_last() -> None:
    from_the_close = five_days().paused(at("2026-09-21T17:30"), "order", "冻结")
    to_the_close = five_days().paused(at("2026-09-21T09:00"), "order", "冻结").resumed(at("2026-09-21T17:30"))

    assert from_the_close.used(at("2026-09-22T18:00")) == from_the_close.resumed(at("2026-09-21T18:00")).used(at("2026-09-21T23:00")) == 1
    assert [each.day.day for each in from_the_close.certificate().days] == [19, 20, 21]
    assert from_the_close.certificate().days[-1].verdict == "paused"
    assert to_the_close.due_on == date(2026, 9, 24)


def test_a_paused_deadline_goes_on_with_the_days_it_had_left() -> None:
    paused = five_days().paused(at("2026-09-21T10:00"), "order", "冻结")

    assert (paused.due_at, paused.remaining(at("2026-10-20T10:00"))) == (None, 4)
    assert paused.resumed(at("2026-10-20T10:00")).remaining(at("2026-10-20T10:00")) == 4
    assert paused.resumed(at("2026-10-20T10:00")).due_at == at("2026-10-23T17:30")


def test_a_pause_after_the_end_does_not_bring_the_term_back() -> None:
    late = five_days().paused(at("2026-09-28T10:00"), "order", "冻结")

    assert late.due_at == at("2026-09-24T17:30")
    assert late.has_ended(at("2026-09-24T17:30"))
    assert late.used(at("2026-10-20T10:00")) == late.total


def test_days_used_after_the_end_are_working_days() -> None:
    assert five_days().used(at("2026-10-08T17:30")) == 9


def test_an_extension_adds_working_days() -> None:
    extended = five_days().extended(3, at("2026-09-23T10:00"), "officer", "材料待补")

    assert extended.due_at == at("2026-09-30T17:30")


def test_rungs_lie_on_working_days_before_at_and_after_the_end() -> None:
    deadline = five_days()

    rungs = [deadline.rung_at(offset) for offset in (-3, -1, 0, 1, 5)]

    assert rungs == [
        at(text) for text in ("2026-09-21T09:00", "2026-09-23T09:00", "2026-09-24T17:30", "2026-09-28T09:00", "2026-10-09T09:00")
    ]


def test_a_rung_earlier_than_a_short_term_is_the_morning_of_its_start_day() -> None:
    assert Deadline.start(FRIDAY, 2, CALENDAR).rung_at(-3) == at("2026-09-18T09:00")


def test_a_rung_that_was_reached_before_a_pause_stays_where_it_was() -> None:
    paused = five_days().paused(at("2026-09-22T10:00"), "order", "冻结")

    assert paused.rung_at(-3) == at("2026-09-21T09:00")
    assert paused.rung_at(-1) is None
    assert paused.resumed(at("2026-10-12T09:00")).rung_at(-3) == at("2026-09-21T09:00")


def test_a_second_pause_and_a_resumption_without_pause_are_refused() -> None:
    paused = five_days().paused(at("2026-09-21T10:00"), "order", "冻结")

    with pytest.raises(AlreadyPaused):
        paused.paused(at("2026-09-22T10:00"), "order", "冻结")
    with pytest.raises(NotPaused):
        five_days().resumed(at("2026-09-21T10:00"))
    with pytest.raises(ValueError, match="before it began"):
        paused.resumed(at("2026-09-20T10:00"))
    with pytest.raises(ValueError, match="before the last one ended"):
        paused.resumed(at("2026-09-22T10:00")).paused(at("2026-09-21T11:00"), "order", "冻结")


def test_trap_24_a_deadline_beyond_the_notice_is_provisional_until_the_notice_is_loaded() -> None:
    guessed = Deadline.start(date(2026, 12, 28), 5, CALENDAR)
    exceptions = dict.fromkeys((*CALENDAR.off, date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 4)), DayKind.OFF)
    newer = Calendar.of(exceptions | dict.fromkeys(CALENDAR.work, DayKind.WORK), (*CALENDAR.published, 2027))

    certain = guessed.counted_by(newer)

    assert (guessed.due_on, guessed.provisional) == (date(2027, 1, 5), True)
    assert (certain.due_on, certain.provisional) == (date(2027, 1, 7), False)
    assert certain.calendar.version != guessed.calendar.version


@given(deadlines())
def test_an_outsider_recomputes_every_certificate(deadline: Deadline) -> None:
    certificate = json.loads(deadline.certificate().model_dump_json())

    assert recomputed_due(certificate) == certificate["due_at"]


@given(deadlines())
def test_a_certificate_tells_every_day_once_and_as_many_counted_ones_as_the_term_has(deadline: Deadline) -> None:
    certificate = deadline.certificate()
    last = deadline.due_on or deadline.pauses[-1].since.astimezone(CHINA).date()

    assert [each.day for each in certificate.days] == [
        deadline.start_on + timedelta(days=number) for number in range(1, (last - deadline.start_on).days + 1)
    ]
    if deadline.due_on:
        assert sum(each.verdict == "counted" for each in certificate.days) == deadline.total


@given(deadlines())
def test_a_deadline_survives_the_way_through_a_workflow_payload(deadline: Deadline) -> None:
    assert Deadline.model_validate_json(deadline.model_dump_json()) == deadline


@given(deadlines(), st.integers(0, 200_000))
def test_used_and_remaining_days_always_tie_with_the_budget(deadline: Deadline, minutes: int) -> None:
    as_of = datetime.combine(deadline.start_on, time(0), CHINA) + timedelta(minutes=minutes)

    assert min(deadline.used(as_of), deadline.total) + deadline.remaining(as_of) == deadline.total
    assert deadline.has_ended(as_of) == (deadline.remaining(as_of) == 0)


@given(deadlines(), st.lists(st.integers(-50, 50), min_size=2, max_size=6, unique=True))
def test_rungs_keep_their_order(deadline: Deadline, offsets: list[int]) -> None:
    instants = [instant for offset in sorted(offsets) if (instant := deadline.rung_at(offset))]

    assert instants == sorted(instants)


@given(st.dates(date(2026, 1, 1), date(2026, 11, 30)), st.integers(1, 30))
def test_without_a_ledger_a_deadline_is_the_plain_count(start: date, days: int) -> None:
    assert Deadline.start(start, days, CALENDAR).due_on == CALENDAR.add_working_days(start, days).due_on


@pytest.mark.parametrize(("days", "provisional"), [(3, False), (7, True)], ids=["ends on 25 December", "ends on 31 December"])
def test_the_last_days_of_december_wait_for_the_next_notice(days: int, *, provisional: bool) -> None:
    deadline = Deadline.start(date(2026, 12, 22), days, CALENDAR)

    assert (deadline.provisional, deadline.certificate().provisional) == (provisional, provisional)
