"""RectificationWorkflow on the real server: who may decide what, when rungs fire, what moves the term. Each test also without a cache."""

import asyncio
from datetime import date, timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

import tests.workflows.rectification_play as play
from services.monitoring.rules.ladder import AT_ONCE
from shared.clock import at_hour
from shared.glossary import IssueState, Role, Rung
from shared.law.working_days import Calendar, DayKind
from tests.workflows.rectification_play import CLERK, FRIDAY, Play, by, rectification_on_stage
from tests.workflows.server import server
from workflows.clock import ClockMoved
from workflows.journal import RECORD_AGAIN
from workflows.rectification_case import Act, LadderStep
from workflows.rectification_orders import (
    Acceptance,
    Confirmation,
    Dismissal,
    ExtensionOrder,
    Pause,
    Recount,
    Resumption,
    Return,
    Submission,
)
from workflows.shown import CASE_DEADLINE, CASE_STAGE

pytestmark = pytest.mark.asyncio
both_caches = pytest.mark.parametrize("cached", [1000, 0], ids=["cached", "replayed"])


async def refused(played: Play, update: str, order: object) -> str | None:
    try:
        await played.order(update, order)
    except WorkflowUpdateFailedError as failed:
        return getattr(failed.cause, "type", None)
    return None


@both_caches
async def test_each_rung_fires_once_in_working_time_over_a_holiday_with_make_up_days(environment: WorkflowEnvironment, cached: int) -> None:
    """Domain trap 24: working days are not Monday to Friday; the make-up Sunday of 2026-09-20 counts, the National Day week does not."""
    async with rectification_on_stage(environment, cached) as played:
        await played.serve(budget_days=10)

        await played.until(at_hour(date(2026, 12, 24), 12))

        assert played.services.rungs == [
            (Rung.REMINDER, at_hour(date(2026, 9, 29), 9)),
            (Rung.OVERDUE, at_hour(date(2026, 10, 9), 17, 30)),
            (Rung.FREEZE_PROPOSAL, at_hour(date(2026, 10, 9), 17, 30)),
            (Rung.INTERVIEW, at_hour(date(2026, 10, 22), 9)),
            (Rung.CIRCULAR, at_hour(date(2026, 11, 5), 9)),
        ]
        fired = [(entry.planned_at, entry.at) for entry in played.services.entries if entry.planned_at]
        assert all(timedelta(0) <= at - planned < timedelta(minutes=1) for planned, at in fired)


@both_caches
async def test_a_notice_served_on_friday_at_closing_time_has_fired_nothing_by_the_end_of_the_weekend(
    environment: WorkflowEnvironment, cached: int
) -> None:
    friday = date(2026, 10, 16)
    async with rectification_on_stage(environment, cached, at_hour(friday, 17, 30)) as played:
        await played.serve(budget_days=2, served_on=friday)

        await played.until(at_hour(date(2026, 10, 19), 8, 59))
        by_monday_morning = list(played.services.rungs)
        await played.until(at_hour(date(2026, 10, 20), 18))

        assert by_monday_morning == []
        assert played.services.rungs[:2] == [
            (Rung.REMINDER, at_hour(date(2026, 10, 19), 9)),
            (Rung.OVERDUE, at_hour(date(2026, 10, 20), 17, 30)),
        ]


@both_caches
async def test_a_pause_moves_the_term_and_an_extension_arms_its_rungs_again(environment: WorkflowEnvironment, cached: int) -> None:
    async with rectification_on_stage(environment, cached) as played:
        served = await played.serve(budget_days=10)
        await played.until(at_hour(date(2026, 9, 21), 12))

        paused = await played.order("pause", Pause(evidence=by()))
        await played.until(at_hour(date(2026, 9, 24), 12))
        resumed = await played.order("resume", Resumption(evidence=by()))
        await played.until(at_hour(date(2026, 10, 12), 12))
        extended = await played.order("extend", ExtensionOrder(evidence=by(), days=5))
        again = await refused(played, "extend", ExtensionOrder(evidence=by(), days=5))
        await played.until(at_hour(date(2026, 10, 22), 12))

        assert served["due_at"] == "2026-10-09T17:30:00+08:00"
        assert paused["due_at"] is None
        assert resumed["due_at"] == "2026-10-13T17:30:00+08:00"  # the 21st, 22nd and 23rd do not count
        assert extended["due_at"] == "2026-10-20T17:30:00+08:00"
        assert again == "no_more_extensions"
        assert [rung for rung, _ in played.services.rungs] == [Rung.REMINDER, Rung.REMINDER, Rung.OVERDUE, Rung.FREEZE_PROPOSAL]
        assert [entry.revision for entry in played.services.entries if entry.rung] == [1, 2, 2, 2]


async def test_an_interview_for_the_second_time_comes_the_working_morning_after_the_service_and_once(
    environment: WorkflowEnvironment,
) -> None:
    """Domain §4.4: 约谈 is due when a term is ten days over, or the second time within twelve months."""
    ladder = (LadderStep(rung=Rung.REMINDER, offset=-3), LadderStep(rung=Rung.INTERVIEW, offset=AT_ONCE, once=True))
    async with rectification_on_stage(environment, ladder=ladder) as played:
        await played.serve(budget_days=10)
        await played.until(at_hour(date(2026, 9, 24), 12))
        await played.order("extend", ExtensionOrder(evidence=by(), days=5))
        await played.until(at_hour(date(2026, 12, 24), 12))

        assert played.services.rungs == [(Rung.INTERVIEW, at_hour(date(2026, 9, 20), 9)), (Rung.REMINDER, at_hour(date(2026, 10, 12), 9))]


async def test_an_extension_that_ends_before_today_is_refused_and_fires_nothing_again(environment: WorkflowEnvironment) -> None:
    async with rectification_on_stage(environment) as played:
        await played.serve(budget_days=10)
        await played.until(at_hour(date(2026, 10, 14), 12))
        fired = list(played.services.rungs)

        too_short = await refused(played, "extend", ExtensionOrder(evidence=by(), days=3))
        too_long = await refused(played, "extend", ExtensionOrder(evidence=by(), days=31))
        enough = await played.order("extend", ExtensionOrder(evidence=by(), days=4))

        assert (too_short, too_long) == ("extension_too_short", "extension_too_long")
        assert played.services.rungs == fired
        assert enough == {"state": "rectifying", "due_at": "2026-10-14T17:30:00+08:00", "sequence": enough["sequence"]}


@both_caches
async def test_while_evidence_waits_for_its_acceptance_the_clock_stands_still(environment: WorkflowEnvironment, cached: int) -> None:
    async with rectification_on_stage(environment, cached) as played:
        await played.serve(budget_days=5)

        await played.order("submit_evidence", Submission(evidence=CLERK, description="已整改"))
        await played.until(at_hour(date(2026, 12, 1), 12))
        waiting = list(played.services.rungs)
        returned = await played.order("return_evidence", Return(evidence=by()))

        assert waiting == []
        assert returned["state"] == IssueState.RECTIFYING


@both_caches
async def test_accepted_evidence_strikes_the_issue_off_and_ends_the_case(environment: WorkflowEnvironment, cached: int) -> None:
    async with rectification_on_stage(environment, cached) as played:
        await played.serve()

        await played.accept()

        assert await played.handle.result() == IssueState.CLOSED
        assert played.acts() == [Act.CONFIRM, Act.SERVE, Act.SUBMIT_EVIDENCE, Act.ACCEPT_EVIDENCE]
        assert [entry.sequence for entry in played.services.entries] == [1, 2, 3, 4]


async def test_what_a_person_may_not_decide_is_refused_with_its_code_and_leaves_no_trace(environment: WorkflowEnvironment) -> None:
    confirmation = Confirmation(evidence=by(), title="整改通知书", demand="限期整改")
    async with rectification_on_stage(environment) as played:
        by_a_clerk = await refused(played, "confirm", confirmation.model_copy(update={"evidence": CLERK}))
        too_early = await refused(played, "submit_evidence", Submission(evidence=CLERK, description="已整改"))
        await played.serve()
        twice = await refused(played, "confirm", confirmation)
        not_paused = await refused(played, "resume", Resumption(evidence=by()))
        await played.order("submit_evidence", Submission(evidence=by(Role.UNIT_CLERK, "officer-shen"), description="已整改"))
        own_case = await refused(played, "accept_evidence", Acceptance(evidence=by(document_no="编验〔2026〕1号")))
        history = await played.handle.fetch_history()

        codes = (by_a_clerk, too_early, twice, not_paused, own_case)
        assert codes == ("wrong_role", "wrong_state", "wrong_state", "not_paused", "own_case")
        accepted = [event for event in history.events if event.HasField("workflow_execution_update_accepted_event_attributes")]
        assert len(accepted) == len(played.services.entries) == 3


@pytest.mark.parametrize("served_on", [FRIDAY + timedelta(days=1), FRIDAY - timedelta(days=1)], ids=["tomorrow", "before it was signed"])
async def test_a_notice_is_served_between_its_signature_and_today(environment: WorkflowEnvironment, served_on: date) -> None:
    async with rectification_on_stage(environment) as played:
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await played.serve(served_on=served_on)

        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == "served_out_of_time"


@both_caches
async def test_of_two_deciders_at_the_same_instant_one_is_refused(environment: WorkflowEnvironment, cached: int) -> None:
    for _ in range(10):
        async with rectification_on_stage(environment, cached) as played:
            confirmation = Confirmation(evidence=by(), title="整改通知书", demand="限期整改")
            dismissal = Dismissal(evidence=by(actor="officer-lu"))

            codes = await asyncio.gather(refused(played, "confirm", confirmation), refused(played, "dismiss", dismissal))

            assert sorted(codes, key=str) == [None, "wrong_state"]
            assert len(played.services.entries) == 1


async def test_a_repeated_request_is_answered_from_memory_also_after_continue_as_new() -> None:
    async with server("limit.historyCount.suggestContinueAsNew=30") as environment, rectification_on_stage(environment) as played:
        confirmation = Confirmation(evidence=by(), title="整改通知书", demand="限期整改")
        first = await played.order("confirm", confirmation, "request-1")
        for number in range(8):
            await played.order("clock_moved", ClockMoved(offset=played.offset + timedelta(seconds=number)))
        runs = {
            (await played.environment.client.get_workflow_handle(played.handle.id).describe()).run_id,
            played.handle.first_execution_run_id,
        }

        again = await played.environment.client.get_workflow_handle(played.handle.id).execute_update(
            "confirm", confirmation, id="request-1"
        )

        assert len(runs) == 2, "the case did not continue as new"
        assert again == first
        assert len(played.services.entries) == 1


async def test_moving_business_time_fires_what_became_due(environment: WorkflowEnvironment) -> None:
    async with rectification_on_stage(environment) as played:
        await played.serve(budget_days=10)
        next_due = await played.handle.query("next_due")

        await played.order("clock_moved", ClockMoved(offset=played.offset + timedelta(days=12)))
        await played.until(at_hour(FRIDAY, 11))

        assert next_due == "2026-09-29T09:00:00+08:00"
        assert [rung for rung, _ in played.services.rungs] == [Rung.REMINDER]


async def test_where_time_is_real_nobody_moves_it(environment: WorkflowEnvironment) -> None:
    async with rectification_on_stage(environment, moved=False) as played:
        assert await refused(played, "clock_moved", ClockMoved(offset=timedelta(days=1))) == "time_is_real"


def newly_loaded(**days: DayKind) -> Recount:
    """The published calendar with some days of 2026 told anew: `d1012=DayKind.OFF` is the 12th of October."""
    kinds = dict.fromkeys(play.CALENDAR.off, DayKind.OFF) | dict.fromkeys(play.CALENDAR.work, DayKind.WORK)
    told = {date(2026, int(name[1:3]), int(name[3:])): kind for name, kind in days.items()}
    calendar = Calendar.of(kinds | told, play.CALENDAR.published)
    return Recount(evidence=by(Role.SERVICE, "engine"), calendar=calendar.since(FRIDAY))


@both_caches
async def test_a_notice_loaded_meanwhile_moves_what_is_ahead_and_fires_nothing_twice(environment: WorkflowEnvironment, cached: int) -> None:
    """The reminder of the old end has fired before the end moves; it does not come again before the new one."""
    async with rectification_on_stage(environment, cached) as played:
        await played.serve(budget_days=10)
        await played.until(at_hour(date(2026, 9, 29), 12))

        moved = await played.order("recount", newly_loaded(d1009=DayKind.OFF, d1010=DayKind.OFF))
        again = await refused(played, "recount", newly_loaded(d1009=DayKind.OFF, d1010=DayKind.OFF))
        await played.until(at_hour(date(2026, 12, 1), 12))

        shown = (await played.handle.describe()).typed_search_attributes

        assert (shown.get(CASE_STAGE), shown.get(CASE_DEADLINE)) == ("overdue_issue", at_hour(date(2026, 10, 12), 17, 30))
        assert moved["due_at"] == "2026-10-12T17:30:00+08:00"
        assert again == "calendar_known"
        assert played.services.rungs == [
            (Rung.REMINDER, at_hour(date(2026, 9, 29), 9)),
            (Rung.OVERDUE, at_hour(date(2026, 10, 12), 17, 30)),
            (Rung.FREEZE_PROPOSAL, at_hour(date(2026, 10, 12), 17, 30)),
            (Rung.INTERVIEW, at_hour(date(2026, 10, 26), 9)),
            (Rung.CIRCULAR, at_hour(date(2026, 11, 9), 9)),
        ]


@both_caches
async def test_a_term_that_had_ended_and_was_moved_on_ends_again_without_firing_its_rung_again(
    environment: WorkflowEnvironment, cached: int
) -> None:
    """Must fail when the end of the term is looked for among the rungs that have not fired alone."""
    async with rectification_on_stage(environment, cached) as played:
        await played.serve(budget_days=10)
        await played.until(at_hour(date(2026, 10, 10), 12))

        moved = await played.order("recount", newly_loaded(d1009=DayKind.OFF, d1010=DayKind.OFF, d1012=DayKind.OFF))
        await played.until(at_hour(date(2026, 10, 14), 12))

        ends = [(entry.act, entry.state) for entry in played.services.entries[-2:]]
        assert moved["state"] == IssueState.RECTIFYING
        assert ends == [(Act.RECOUNT, IssueState.RECTIFYING), (Act.END_TERM, IssueState.OVERDUE)]
        assert [rung for rung, _ in played.services.rungs] == [Rung.REMINDER, Rung.OVERDUE, Rung.FREEZE_PROPOSAL]


@both_caches
async def test_a_term_that_moves_into_the_past_fires_in_the_next_working_morning(environment: WorkflowEnvironment, cached: int) -> None:
    async with rectification_on_stage(environment, cached) as played:
        await played.serve(budget_days=10)
        await played.until(at_hour(date(2026, 10, 8), 20))

        await played.order("recount", newly_loaded(d0926=DayKind.WORK))
        await played.until(at_hour(date(2026, 10, 9), 12))

        assert [entry.act for entry in played.services.entries][-3:] == [Act.RECOUNT, Act.FIRE_RUNG, Act.FIRE_RUNG]
        assert [(rung, at) for rung, at in played.services.rungs[1:]] == [
            (Rung.OVERDUE, at_hour(date(2026, 10, 9), 9)),
            (Rung.FREEZE_PROPOSAL, at_hour(date(2026, 10, 9), 9)),
        ]


async def test_nobody_but_the_service_has_a_case_counted_again(environment: WorkflowEnvironment) -> None:
    async with rectification_on_stage(environment) as played:
        order = newly_loaded(d1009=DayKind.OFF)
        unserved = await refused(played, "recount", order)
        await played.serve()
        by_a_person = await refused(played, "recount", order.model_copy(update={"evidence": by()}))

        assert (unserved, by_a_person) == ("wrong_state", "wrong_role")


async def test_an_activity_whose_worker_died_is_tried_again_within_seconds(environment: WorkflowEnvironment) -> None:
    async with rectification_on_stage(environment) as played:
        played.services.dies_at = 1

        await played.order("confirm", Confirmation(evidence=by(), title="整改通知书", demand="限期整改"))

        history = await played.handle.fetch_history()
        scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
        tries = [each.start_to_close_timeout.ToTimedelta() for each in scheduled if each.activity_type.name]
        assert tries == [timedelta(seconds=5)]
        assert played.acts() == [Act.CONFIRM]


@both_caches
async def test_a_line_that_the_tables_do_not_take_holds_the_case_and_is_told_until_it_is_tried_again(
    environment: WorkflowEnvironment, cached: int
) -> None:
    """Must fail when a final refusal of a recording ends the workflow, or is waited for in silence."""
    async with rectification_on_stage(environment, cached) as played:
        confirmation = Confirmation(evidence=by(), title="整改通知书", demand="限期整改")
        nothing_held = await record_again(played)
        played.services.refuses = True

        decided = await refused(played, "confirm", confirmation)
        held = await refused(played, "dismiss", Dismissal(evidence=by()))
        still = await record_again(played)
        played.services.refuses = False
        mended = await record_again(played)
        await played.serve_signed()
        await played.accept()

        assert (nothing_held, decided, held, still, mended) == ("not_held", "not_recorded", "held", "not_recorded", None)
        assert played.services.held == ["1 not_recordable", "1 not_recordable"]
        assert await played.handle.result() == IssueState.CLOSED
        assert [entry.sequence for entry in played.services.entries] == [1, 2, 3, 4]


async def record_again(played: Play) -> str | None:
    try:
        await played.handle.execute_update(RECORD_AGAIN)
    except WorkflowUpdateFailedError as failed:
        return getattr(failed.cause, "type", None)
    return None
