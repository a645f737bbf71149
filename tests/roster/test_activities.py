"""What workflows ask of the roster: refusals as values, every request harmless when repeated."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from services.roster.activities import RosterActivities, imports
from services.roster.commands.parameters import SetParameter, set_parameter
from services.roster.commands.reforms import carry_out
from services.roster.commands.reservations import lapse_reservations
from services.roster.models.refusals import KindUnknown
from services.roster.models.requests import LapseReservations
from services.roster.models.units import Reform
from shared.clock import Clock
from shared.db import By, Database
from shared.events.roster import PersonPlaced, UnitFrozen
from shared.glossary import ApplicationType, FreezeScope
from shared.law.notices import load_calendar
from shared.sheets.reading import OPEN_AT_ONCE
from shared.unit_runs import UNITS_FAILED
from tests.roster import given
from tests.roster.importing import Opening
from workflows.imports import ImportTold
from workflows.roster import Done, Effect, Evidence, FreezeRequest, FrozenPosts, PostRequest, Sweep, UnfreezeRequest, Verdict

pytestmark = pytest.mark.asyncio
EVIDENCE = Evidence(actor="director", role="office_director", update_id="u1")


class Asked:
    """The roster's activities, run as a worker would, on the business day of the tests."""

    def __init__(self, database: Database, tmp_path: Path) -> None:
        clock_file = tmp_path / "clock"
        clock_file.write_text(str(int((given.NOW - datetime.now(UTC)) / timedelta(seconds=1))))
        self.roster = RosterActivities(database, Clock(clock_file), load_calendar)
        self._environment = ActivityEnvironment()

    def attempt(self, number: int) -> None:
        self._environment.info = replace(self._environment.info, attempt=number)

    async def __call__(self, activity: Any, argument: object) -> Any:
        return await self._environment.run(activity, argument)


@pytest.fixture
def ask(roster_db: Database, tmp_path: Path) -> Asked:
    return Asked(roster_db, tmp_path)


def merge_into(row: given.Row, gone: given.Row) -> Reform:
    step = {"step": "merge", "unit_id": gone.unit_id, "into_unit_id": row.unit_id}
    return Reform.model_validate({"title": "机构改革", "effective_on": given.TODAY, "document_on": given.TODAY, "steps": [step]})


def effect(asked: PostRequest, submitted_at: datetime | None = None) -> Effect:
    told = {"authorisation_no": "用编〔2026〕9号", "authorised_on": given.TODAY, "submitted_at": submitted_at}
    return Effect.model_validate({"request": asked, "evidence": EVIDENCE} | told)


async def test_an_application_goes_from_use_to_entry_and_every_step_may_be_repeated(roster_db: Database, ask: Asked) -> None:
    row = await given.row(roster_db, 1)
    use = given.request(row, ApplicationType.POST_USE)
    for _ in range(2):
        assert (await ask(ask.roster.claim_post, use)).accepted
    first, again = [await ask(ask.roster.take_effect, effect(use)) for _ in range(2)]
    entry = given.entry(row, await given.person(roster_db, row.unit_id), first.reservation_id)
    for step in (ask.roster.hold_reservation, ask.roster.claim_post):
        for _ in range(2):
            assert (await ask(step, entry)).accepted
    for _ in range(2):
        await ask(ask.roster.take_effect, effect(entry))
    for _ in range(2):
        await ask(ask.roster.give_back, given.back(entry))

    assert first == again
    assert first.expires_on == date(2027, 9, 20)  # the 18th is a Saturday
    state = await given.state(roster_db, row)
    assert (state.headcount, state.reserved) == (1, 0)
    placed = [event for event in await given.published(roster_db) if isinstance(event, PersonPlaced)]
    assert [event.case_id for event in placed] == [f"approval:{entry.application_id}"]


async def test_an_authorised_use_is_valid_as_long_as_the_office_said_when_it_was_applied_for(roster_db: Database, ask: Asked) -> None:
    """Must fail when the term is a number in code, or what is set after the submission counts, from whatever day it is to hold."""
    before, after, day = given.NOW - timedelta(days=8), given.NOW, given.NOW.date() - timedelta(days=20)
    shorter, longer = [SetParameter(name="post_use_months", value=months, valid_from=day, source="编办规〔2026〕8号") for months in (6, 24)]
    await set_parameter(roster_db, given.by(at=before - timedelta(days=1)), shorter)
    await set_parameter(roster_db, given.by(at=after), longer.model_copy(update={"valid_from": day + timedelta(days=1)}))
    row = await given.row(roster_db, 3)

    async def until(submitted_at: datetime | None) -> date | None:
        use = given.request(row, ApplicationType.POST_USE)
        await ask(ask.roster.claim_post, use)
        done: Done = await ask(ask.roster.take_effect, effect(use, submitted_at))
        assert done == await ask(ask.roster.take_effect, effect(use)), "what an older build asked, which did not say it, is the same"
        return done.expires_on

    assert [await until(at) for at in (before, after, None)] == [date(2027, 3, 18), date(2028, 9, 18), date(2027, 9, 20)]


async def test_a_refusal_is_a_value_with_its_code_and_the_orders_that_stand_in_the_way(roster_db: Database, ask: Asked) -> None:
    row = await given.row(roster_db, 1)
    order = FreezeRequest(order_id=uuid4(), unit_id=row.unit_id, scopes=(FreezeScope.POST_USE,), document_no="冻1", evidence=EVIDENCE)
    for _ in range(2):
        await ask(ask.roster.freeze_unit, order)
    asked = given.request(row, ApplicationType.POST_USE)

    frozen: Verdict = await ask(ask.roster.claim_post, asked)
    for _ in range(2):
        await ask(
            ask.roster.unfreeze_unit, UnfreezeRequest(order_id=order.order_id, unit_id=row.unit_id, document_no="解1", evidence=EVIDENCE)
        )
    claimed: Verdict = await ask(ask.roster.claim_post, asked)
    full: Verdict = await ask(ask.roster.claim_post, given.request(row, ApplicationType.POST_USE))

    assert (frozen.code, frozen.frozen_by) == ("frozen", (order.order_id,))
    assert claimed.accepted
    assert (full.code, full.frozen_by) == ("quota_exhausted", ())
    told = [event for event in await given.published(roster_db) if isinstance(event, UnitFrozen)]
    assert [event.case_id for event in told] == [f"freeze:{order.order_id}"]


async def test_an_order_that_the_tables_do_not_take_is_refused_by_value_and_not_asked_for_ever(roster_db: Database, ask: Asked) -> None:
    row = await given.row(roster_db, 3)
    told = {"order_id": uuid4(), "unit_id": row.unit_id, "scopes": (), "document_no": "冻1", "evidence": EVIDENCE}
    twice = FreezeRequest(**told, posts=tuple(FrozenPosts(kind=row.kind, funding=row.funding, posts=posts) for posts in (2, 1)))
    huge = FreezeRequest(**told, posts=(FrozenPosts(kind=row.kind, funding=row.funding, posts=3_000_000_000),))
    unknown = FreezeRequest(**told, posts=(FrozenPosts(kind="??", funding=row.funding, posts=1),))

    with pytest.raises(asyncpg.UniqueViolationError):  # it may be a race: asked again
        await ask(ask.roster.freeze_unit, twice)
    ask.attempt(3)
    codes = [(await ask(ask.roster.freeze_unit, order)).code for order in (twice, huge, unknown)]

    assert codes == ["not_recordable", "not_recordable", KindUnknown.code]
    assert (await given.state(roster_db, row)).frozen == 0


async def test_a_refused_effect_is_final_and_has_its_code(roster_db: Database, ask: Asked) -> None:
    row = await given.row(roster_db, 1)

    with pytest.raises(ApplicationError) as failed:
        await ask(ask.roster.take_effect, effect(given.request(row, ApplicationType.POST_USE)))

    assert (failed.value.type, failed.value.non_retryable) == ("claim_unknown", True)


async def test_an_effect_whose_day_has_not_come_by_our_clock_is_asked_again(roster_db: Database, ask: Asked) -> None:
    """Must fail when it is final: a clock that lags by a second at midnight would send an approved application back."""
    row, tomorrow = await given.row(roster_db, 1), given.TODAY + timedelta(days=1)

    with pytest.raises(ApplicationError) as failed:
        await ask(ask.roster.take_effect, effect(given.request(row, ApplicationType.POST_USE, effective_on=tomorrow)))

    assert (failed.value.type, failed.value.non_retryable) == ("effective_in_future", False)


async def test_the_checks_are_a_complete_list_at_once(
    roster_db: Database, ask: Asked
) -> None:  # trap: checking at submission only; returning without a complete list
    row, other = await given.row(roster_db, 0), await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, other)
    person_id, _ = await given.in_post(roster_db, await given.row(roster_db, 1))
    await given.frozen(roster_db, row.unit_id)

    use = await ask(ask.roster.check_application, given.request(row, ApplicationType.POST_USE))
    entry = await ask(ask.roster.check_application, given.entry(row, person_id, reserved))

    assert {check.code: check.passed for check in use} == {
        "kind_allowed": True,
        "post_available": False,
        "not_frozen": False,
        "in_term": True,
    }
    assert {check.code: check.passed for check in entry} == {
        "kind_allowed": True,
        "not_frozen": False,
        "authorised_first": False,
        "on_no_other_roster": False,
        "before_retirement": True,
        "off_post_told": True,
        "in_term": True,
    }
    assert all(check.sentence and check.clause for check in (*use, *entry))


async def test_what_cannot_be_judged_at_all_is_advice_too_and_what_follows_refuses_by_value(roster_db: Database, ask: Asked) -> None:
    row, gone = await given.row(roster_db, 1), await given.row(roster_db, 1)
    person_id, _ = await given.in_post(roster_db, row)
    await carry_out(roster_db, given.by(), merge_into(row, gone))
    asked = [
        given.request(gone, ApplicationType.POST_USE),
        given.request(row, ApplicationType.CHANGE, person_id=person_id, change_id=uuid4()),
        given.request(row, ApplicationType.EXIT, person_id=person_id),
    ]

    advice = [await ask(ask.roster.check_application, each) for each in asked]
    claims: list[Verdict] = [await ask(ask.roster.claim_post, each) for each in asked]

    assert [[(check.code, check.passed) for check in checks] for checks in advice] == [
        [("unit_closed", False)],
        [("change_unknown", False)],
        [("request_incomplete", False)],
    ]
    assert "撤销或并入" in advice[0][0].sentence
    assert advice[2][0].sentence == "申请缺少必填项：进入或减少原因。请补充后重新提交。"
    assert [claim.code for claim in claims] == ["unit_closed", "change_unknown", "request_incomplete"]


async def test_a_kind_in_no_code_table_is_a_kind_that_the_unit_may_not_hold(roster_db: Database, ask: Asked) -> None:
    row = await given.row(roster_db, 1)

    asked = given.request(row, ApplicationType.POST_USE).model_copy(update={"kind": "NO-SUCH", "funding": "none"})

    advice = await ask(ask.roster.check_application, asked)
    (of_another, *_) = await ask(ask.roster.check_application, asked.model_copy(update={"kind": "XZ"}))

    assert of_another.sentence == "该类单位（公益一类事业单位）不得使用编制类型 行政编制。请选择与单位类别相符的编制类型。"
    assert {check.code: check.passed for check in advice} == {
        "kind_allowed": False,
        "post_available": False,
        "not_frozen": True,
        "in_term": True,
    }


async def test_an_entry_on_a_kind_in_no_code_table_is_judged_and_refused_too(roster_db: Database, ask: Asked) -> None:
    """Must fail when what the kind is gets looked up without a word for none: the checks would be tried for ever, and the case never received."""
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row)
    person_id = await given.person(roster_db, row.unit_id)
    asked = given.entry(row, person_id, reserved).model_copy(update={"kind": "NO-SUCH", "funding": "none"})

    advice = await ask(ask.roster.check_application, asked)
    held, claimed = await ask(ask.roster.hold_reservation, asked), await ask(ask.roster.claim_post, asked)

    assert {check.code: check.passed for check in advice}["kind_allowed"] is False
    assert (held.code, claimed.code) == ("reservation_unknown", "kind_not_allowed")


async def test_the_daily_sweep_goes_through_all_units_and_may_be_repeated(roster_db: Database, ask: Asked) -> None:
    rows = [await given.row(roster_db, 2) for _ in range(3)]
    for row in rows:
        await given.reservation(roster_db, row, posts=2, expires_on=given.TODAY)

    freed = [await ask(ask.roster.expire_reservations, Sweep(on=date(2026, 9, 19))) for _ in range(2)]

    assert freed == [6, 0]
    assert [(await given.state(roster_db, row)).available for row in rows] == [2, 2, 2]


async def test_a_unit_that_fails_for_itself_is_named_and_the_others_are_set_free(roster_db: Database, ask: Asked) -> None:
    rows, on = [await given.row(roster_db, 2) for _ in range(3)], date(2026, 9, 19)
    for row in rows:
        await given.reservation(roster_db, row, posts=2, expires_on=given.TODAY)
    broken = min(row.unit_id for row in rows)
    taken = By("system", given.NOW, f"expire:{on}:{broken}")
    await lapse_reservations(roster_db, taken, LapseReservations(unit_id=broken, on=given.TODAY))

    with pytest.raises(ApplicationError) as failed:
        await ask(ask.roster.expire_reservations, Sweep(on=on))
    ask.attempt(5)
    with pytest.raises(ApplicationError) as at_last:
        await ask(ask.roster.expire_reservations, Sweep(on=on))

    assert [(await given.state(roster_db, row)).available for row in rows] == [0 if row.unit_id == broken else 2 for row in rows]
    assert (failed.value.type, failed.value.details) == (UNITS_FAILED, ([str(broken)],))
    assert (failed.value.non_retryable, at_last.value.non_retryable) == (False, True)


async def test_the_worker_serves_every_activity_by_its_name(ask: Asked) -> None:
    served: list[Any] = list(ask.roster.all())
    names = {vars(each.__func__)["__temporal_activity_definition"].name for each in served}

    assert names == {
        f"roster.{name}"
        for name in (
            "check_application",
            "hold_reservation",
            "claim_post",
            "take_effect",
            "give_back",
            "recall_reservation",
            "freeze_unit",
            "unfreeze_unit",
            "expire_reservations",
        )
    }


async def test_few_files_are_checked_at_a_time_and_the_others_wait(roster_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = Opening()

    async def counted(*_: object) -> None:
        await opening.stay()

    monkeypatch.setattr(imports, "check_import", counted)
    asked = imports.ImportActivities(roster_db, given.CIPHER, Clock(None), asyncio.Semaphore(OPEN_AT_ONCE))
    told = [ImportTold(import_id=uuid4()) for _ in range(OPEN_AT_ONCE + 3)]
    checking = [asyncio.create_task(ActivityEnvironment().run(asked.check_import, each)) for each in told]
    await opening.let_go()
    await asyncio.gather(*checking)

    assert opening.most == OPEN_AT_ONCE
