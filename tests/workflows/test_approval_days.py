"""The days of an application: reminders, notices loaded meanwhile, a later effect."""

from datetime import date, timedelta

import pytest

import tests.workflows.approval_play as play
from shared.clock import business_day
from shared.glossary import EntryKind
from shared.law.working_days import Calendar, DayKind
from tests.workflows.approval_play import FRIDAY, deadline_of, start
from workflows import approval_messages as messages
from workflows.clock import ClockMoved

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_after_a_return_and_resubmission_the_reminders_fire_again(stage: play.Stage) -> None:
    played = await stage.play(start(clock_offset=play.at(FRIDAY)))
    await played.until(EntryKind.RECEIVED)
    await played.pass_time(timedelta(days=4))
    await played.until(EntryKind.REMINDED)

    await played.decide("return")
    await played.pass_time(timedelta(days=10))
    await played.tell("resubmit", played.mended(1))
    await played.until(EntryKind.RECEIVED, 2)
    reminded = played.services.kinds().count(EntryKind.REMINDED)
    await played.pass_time(timedelta(days=14))

    again = await played.until(EntryKind.REMINDED, reminded + 1)
    assert reminded == 1
    assert again.standing.revision == 2
    assert business_day(again.at) == deadline_of(again).due_on


async def test_each_reminder_comes_in_working_time_and_once_trap_24(stage: play.Stage) -> None:
    played = await stage.play(start(clock_offset=play.at(FRIDAY)))
    await played.until(EntryKind.RECEIVED)

    await played.pass_time(timedelta(days=20))
    await played.until(EntryKind.REMINDED, 2)

    days = [business_day(entry.at) for entry in played.services.entries if entry.kind is EntryKind.REMINDED]
    assert days == [date(2026, 9, 21), date(2026, 9, 23)]


async def test_a_notice_loaded_meanwhile_moves_the_running_step_and_those_after_it_and_reminds_once(stage: play.Stage) -> None:
    played = await stage.play(start(clock_offset=play.at(FRIDAY)))
    await played.until(EntryKind.RECEIVED)
    kinds = dict.fromkeys(play.CALENDAR.off, DayKind.OFF) | dict.fromkeys(play.CALENDAR.work, DayKind.WORK)
    newly = Calendar.of(kinds | {date(2026, 9, 21): DayKind.OFF, date(2026, 9, 22): DayKind.OFF}, play.CALENDAR.published)

    await played.tell("recount", messages.Recount(calendar=newly))
    recounted = await played.until(EntryKind.RECOUNTED)
    again = await played.refused("recount", messages.Recount(calendar=newly))
    await played.pass_time(timedelta(days=6))
    reminded = await played.until(EntryKind.REMINDED)
    await played.decide()
    next_step = await played.until(EntryKind.APPROVED)

    assert "原期限 2026-09-21，现期限 2026-09-23" in recounted.text
    assert again == "calendar_known"
    assert (deadline_of(reminded).due_on, business_day(reminded.at)) == (date(2026, 9, 23), date(2026, 9, 23))
    assert played.services.kinds().count(EntryKind.REMINDED) == 1
    assert deadline_of(next_step).calendar.version == newly.version


async def test_a_later_effective_date_is_waited_for(stage: play.Stage) -> None:
    begin = start(clock_offset=play.at(FRIDAY), content=play.content(effective_on=date(2026, 10, 1)))
    played = await stage.play(begin)
    await played.until(EntryKind.RECEIVED)
    await played.approve_all()
    await played.until(EntryKind.CLAIMED)
    assert played.services.effects == []

    await played.tell("clock_moved", ClockMoved(offset=play.at(date(2026, 10, 1))))

    await played.until(EntryKind.EFFECTED)


async def test_the_clock_of_production_cannot_be_moved(stage: play.Stage) -> None:
    played = await stage.play(start())
    assert await played.refused("clock_moved", ClockMoved(offset=timedelta(days=1))) == "time_is_real"
