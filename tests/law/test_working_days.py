"""Working days against the vectors and a second source, and the traps of holidays, make-up days and unpublished years."""

import csv
from datetime import date, datetime, timedelta
from pathlib import Path

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import CHINA
from shared.law.notices import InvalidNotice, load_calendar, read_notice
from shared.law.working_days import Calendar, close_of

CALENDAR = load_calendar()
VECTORS = list(csv.DictReader((Path(__file__).parent / "vectors" / "deadline_vectors.csv").open(encoding="utf-8")))
published_days = st.dates(date(2024, 1, 1), date(2026, 12, 31))
any_days = st.dates(date(2023, 1, 1), date(2029, 12, 31))
NOTICE_2027 = "date,kind,holiday,source\n2026-12-31,OFF,元旦,x\n2027-01-01,OFF,元旦,x\n2027-05-03,OFF,劳动节,x\n2027-10-01,OFF,国庆节,x\n"


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: f"{row['start_date']}+{row['working_days']}")
def test_every_vector_ends_on_its_day(row: dict[str, str]) -> None:
    term = CALENDAR.add_working_days(date.fromisoformat(row["start_date"]), int(row["working_days"]))

    assert term.due_on.isoformat() == row["due_date"]
    assert not term.provisional


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [("2026-02-13", 1, "2026-02-14"), ("2026-09-18", 1, "2026-09-20"), ("2026-02-24", 30, "2026-04-07"), ("2026-04-30", 5, "2026-05-11")],
)
def test_trap_24_weekend_make_up_days_are_working_days_and_the_start_day_is_not_counted(start: str, days: int, due: str) -> None:
    assert CALENDAR.add_working_days(date.fromisoformat(start), days).due_on == date.fromisoformat(due)


def test_trap_24_next_years_holidays_are_not_guessed_but_marked() -> None:
    within, across = CALENDAR.add_working_days(date(2026, 12, 22), 3), CALENDAR.add_working_days(date(2026, 12, 28), 4)

    assert (within.due_on, within.provisional) == (date(2026, 12, 25), False)
    assert (across.due_on, across.provisional) == (date(2027, 1, 4), True)


def test_a_published_notice_makes_a_provisional_term_certain_and_may_touch_the_december_before(tmp_path: Path) -> None:
    overlay = tmp_path / "2027.csv"
    overlay.write_text(NOTICE_2027, encoding="utf-8")
    before = CALENDAR.add_working_days(date(2026, 12, 28), 3)
    assert (before.due_on, before.provisional) == (date(2026, 12, 31), True)
    assert not load_calendar().add_working_days(date(2025, 12, 26), 3).provisional  # both notices are published

    term = load_calendar([overlay]).add_working_days(date(2026, 12, 28), 3)

    assert (term.due_on, term.provisional) == (date(2027, 1, 4), False)


def test_in_a_year_without_a_notice_the_days_that_the_law_itself_names_are_off() -> None:
    of_2028 = [date(2028, 1, 1) + timedelta(days=number) for number in range(366)]

    off = {(day.month, day.day) for day in of_2028 if day.weekday() < 5 and not CALENDAR.is_working(day)}

    assert off == {(5, 1), (5, 2), (10, 2), (10, 3)}  # 1 January and 1 October 2028 are a Saturday and a Sunday
    assert not CALENDAR.is_working(date(2029, 1, 1))
    assert not CALENDAR.is_working(date(2029, 10, 1))


def test_what_is_known_ends_three_days_before_the_last_published_year() -> None:
    assert [CALENDAR.knows(date(2026, 12, day)) for day in (27, 28, 31)] == [True, False, False]
    assert (CALENDAR.horizon, Calendar.of({}, ()).horizon) == (date(2026, 12, 31), None)


def test_a_term_of_no_day_is_none() -> None:
    with pytest.raises(ValueError, match="at least one"):
        CALENDAR.add_working_days(date(2026, 9, 18), 0)


def working(start: date, end: date) -> int:
    """Working days after `start` up to `end`."""
    return sum(CALENDAR.is_working(start + timedelta(days=offset)) for offset in range(1, (end - start).days + 1))


def test_every_published_day_agrees_with_chinesecalendar() -> None:
    days = [date(2024, 1, 1) + timedelta(days=offset) for offset in range(1096)]

    assert [day for day in days if CALENDAR.is_working(day) != chinese_calendar.is_workday(day)] == []


def test_the_published_years_have_the_official_number_of_working_days() -> None:
    totals = [working(date(year - 1, 12, 31), date(year, 12, 31)) for year in (2024, 2025, 2026)]

    assert totals == [251, 248, 248]


def test_a_week_without_any_working_day_has_no_first_one() -> None:
    assert CALENDAR.first_working_day_of_iso_week(date(2026, 2, 18)) is None


def test_the_first_working_day_of_a_week_is_tuesday_after_a_holiday_monday_and_sunday_after_a_holiday_week() -> None:
    assert CALENDAR.first_working_day_of_iso_week(date(2026, 4, 8)) == date(2026, 4, 7)
    assert CALENDAR.first_working_day_of_iso_week(date(2024, 2, 14)) == date(2024, 2, 18)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 9, 18, 17, 30, tzinfo=CHINA), date(2026, 9, 18)),
        (datetime(2026, 9, 18, 17, 30, 1, tzinfo=CHINA), date(2026, 9, 20)),
        (datetime(2026, 9, 19, 10, 0, tzinfo=CHINA), date(2026, 9, 20)),
    ],
)
def test_a_night_or_holiday_submission_counts_as_made_on_the_next_working_day(at: datetime, day: date) -> None:
    assert CALENDAR.day_of_submission(at) == day


def test_a_calendar_day_term_that_ends_on_a_rest_day_moves_on() -> None:
    assert CALENDAR.rest_day_moved(date(2026, 10, 1)) == date(2026, 10, 8)
    assert CALENDAR.rest_day_moved(date(2026, 10, 10)) == date(2026, 10, 10)


@given(any_days, st.integers(1, 80))
def test_a_term_has_exactly_its_working_days_and_every_other_day_is_named(start: date, days: int) -> None:
    term = CALENDAR.add_working_days(start, days)

    assert CALENDAR.is_working(term.due_on)
    assert working(start, term.due_on) == days
    assert len(term.skipped) + days == (term.due_on - start).days
    assert not any(CALENDAR.is_working(day) for day in term.skipped)


@given(published_days, st.integers(1, 30), st.integers(1, 30))
def test_a_term_can_be_counted_in_two_parts(start: date, first: int, second: int) -> None:
    middle = CALENDAR.add_working_days(start, first).due_on

    assert CALENDAR.add_working_days(middle, second).due_on == CALENDAR.add_working_days(start, first + second).due_on


@given(any_days)
def test_next_and_previous_working_day_are_each_others_way_back(day: date) -> None:
    ahead = CALENDAR.next_working_day(day)

    assert CALENDAR.previous_working_day(ahead) <= day < ahead
    assert CALENDAR.next_working_day(CALENDAR.previous_working_day(ahead)) == ahead


def test_the_part_of_a_calendar_that_a_count_needs_gives_the_same_answers_under_the_same_version() -> None:
    part = Calendar.model_validate_json(CALENDAR.since(date(2026, 9, 18)).model_dump_json())

    assert part.version == CALENDAR.version
    assert part.add_working_days(date(2026, 9, 18), 40) == CALENDAR.add_working_days(date(2026, 9, 18), 40)


def test_business_closes_at_half_past_five_in_china() -> None:
    assert close_of(date(2026, 9, 18)).isoformat() == "2026-09-18T17:30:00+08:00"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("date,kind\n2027-01-01,OFF\n2027-13-01,OFF\n", "第 3 行：日期应写作 YYYY-MM-DD"),
        ("date,kind\n2027-01-01,FREE\n", "第 2 行：kind 应为 OFF（放假）或 WORK（上班）"),
        ("date,kind\n2027-01-04,WORK\n", "第 2 行：2027-01-04 是周一至周五，本来就上班，不会是调休上班日"),
        ("date,weekday,kind\n2027-01-01,Mon,OFF\n", "第 2 行：2027-01-01 的星期应为 Fri"),
        ("date,kind\n2027-01-01,OFF\n2027-01-01,OFF\n", "第 3 行：2027-01-01 重复出现"),
        ("date,kind\n2027-01-01,OFF\n", "2027 年的安排不完整：2027-10-01 应为放假日"),
        ("date,kind\n", "文件中没有任何日期"),
        ("day,kind\n", "表头缺少列：date"),
    ],
)
def test_a_bad_notice_is_refused_with_the_row_and_the_reason(text: str, problem: str) -> None:
    with pytest.raises(InvalidNotice) as refused:
        read_notice(text)

    assert problem in refused.value.problems
