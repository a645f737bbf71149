"""A line of an application's journal that the tables do not take: the mark on the application, and its end."""

import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio

from services.approval import consumers
from services.approval.commands.applications import mark_held, record_entry, submit_application
from services.approval.models.facts import Detail
from services.approval.models.requests import SubmitApplication
from services.approval.models.tasks import Action
from services.approval.queries.applications import application
from services.approval.queries.figures import FIGURES
from services.approval.queries.reopening import kept_case, open_applications
from services.approval.rules.reopening import carried
from shared import metrics
from shared.auth import Who
from shared.clock import Clock
from shared.db import By, Database, connect
from shared.events.roster import UnitRegistered
from shared.glossary import ApplicationState, ApplicationType, EntryKind, Role
from shared.law.notices import load_calendar
from shared.watching import read
from tests.approval.house import House
from tests.watching.test_figures import told
from workflows import approval_messages as messages

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 9, 18, 1, 0, tzinfo=UTC)
UNIT = uuid.UUID(int=1)
OFFICER = Who("officer", frozenset({Role.BUSINESS_OFFICER}))


@pytest_asyncio.fixture
async def db(database: Callable[[str], str]) -> AsyncIterator[Database]:
    unit = UnitRegistered(
        occurred_at=NOW,
        unit_id=UNIT,
        version=1,
        parent_id=None,
        path=(UNIT,),
        name="小学",
        code="S1",
        category="SY-E",
        valid_from=date(2020, 1, 1),
    )
    async with connect(database("approval"), "approval") as db:
        async with db.transaction() as conn:
            await consumers.handlers()[UnitRegistered](conn, unit)
        yield db


async def test_a_held_application_shows_why_until_its_line_is_recorded(db: Database) -> None:
    applied = await _applied(db)
    standing = messages.Standing(state=ApplicationState.IN_REVIEW, revision=1, step="unit_head", holder=Role.UNIT_HEAD)
    entry = messages.Entry(application_id=applied, sequence=1, kind=EntryKind.RECEIVED, at=NOW, standing=standing)

    await mark_held(db, By("approval", NOW, "held-1"), messages.Held(application_id=applied, sequence=1, code="not_recordable", at=NOW))
    held, counted, offered = await _held(db, applied), await _counted(db), (await _seen(db, applied)).actions
    await record_entry(db, By("system", NOW, "entry-1"), entry)

    assert (held, await _held(db, applied)) == ("not_recordable", None)
    assert (counted, await _counted(db)) == ([1], [0])
    assert (Action.RECORD_AGAIN in offered, Action.RECORD_AGAIN in (await _seen(db, applied)).actions) == (True, False)


async def test_what_is_taken_back_at_last_is_shown_no_more_and_another_cause_stays(db: Database) -> None:
    applied = await _applied(db)
    untaken = messages.Held(application_id=applied, sequence=1, code=messages.NOT_TAKEN_BACK, at=NOW)
    over = untaken.model_copy(update={"over": True})

    await mark_held(db, By("approval", NOW, "untaken-1"), untaken)
    seen = await _seen(db, applied)
    await mark_held(db, By("approval", NOW, "over-1"), over)
    gone = await _held(db, applied)
    await mark_held(db, By("approval", NOW, "held-1"), untaken.model_copy(update={"code": "not_recordable"}))
    await mark_held(db, By("approval", NOW, "over-2"), over)

    assert (seen.held, Action.RECORD_AGAIN in seen.actions) == ("not_taken_back", False)
    assert (gone, await _held(db, applied)) == (None, "not_recordable")


async def test_a_lost_case_that_is_withdrawn_and_holds_something_still_is_taken_up_with_its_mark(db: Database) -> None:
    applied, later = await _applied(db), NOW + timedelta(days=1)
    withdrawn = messages.Standing(state=ApplicationState.WITHDRAWN, revision=1, step=None, holder=None)
    line = messages.Entry(application_id=applied, sequence=1, kind=EntryKind.WITHDREW, at=NOW, standing=withdrawn)
    await record_entry(db, By("system", NOW, "entry-1"), line)
    untaken = messages.Held(application_id=applied, sequence=1, code=messages.NOT_TAKEN_BACK, at=later)
    await mark_held(db, By("approval", later, "untaken-1"), untaken)

    other = await _applied(db, "request-2")
    of_today = {"application_id": str(other), "update_id": "u-2"}
    await db.pool.execute(
        "INSERT INTO entries SELECT (jsonb_populate_record(e, $2::jsonb || jsonb_build_object('kept_at', e.kept_at + interval '2 hours'))).*"
        " FROM entries e WHERE application_id = $1",
        applied,
        of_today,
    )

    async with db.reading() as conn:
        listed, kept = await open_applications(conn), await kept_case(conn, applied)

    assert listed == sorted([applied, other])
    assert carried(kept).untaken is True


async def _applied(db: Database, key: str = "request-1") -> uuid.UUID:
    content = messages.Content(unit_id=UNIT, kind="SY", funding="full")
    what = SubmitApplication(type=ApplicationType.POST_USE, content=content, title="用编", justification="补员", calendar=load_calendar())
    return (await submit_application(db, By("clerk", NOW, key), what)).application_id


async def _counted(db: Database) -> list[float]:
    """What is told of cases that stand still."""
    await read(db, Clock(None), FIGURES)
    return told(metrics.HELD_CASES, case__kind="approval")


async def test_a_held_revocation_is_tried_again_and_its_mark_goes(home: House, database: Callable[[str], str]) -> None:
    applied = await home.submit()
    await home.approve(applied)
    document = await home.release(applied)
    await home.until_state(applied, "filed")
    director, officer = home.deciders[2], home.deciders[1]
    owner = await asyncpg.connect(database("bianban"))
    await owner.execute("ALTER TABLE approval.entries ADD CONSTRAINT broken CHECK (kind <> 'document_rendered') NOT VALID")

    made = await home.post(director, f"/documents/{document}/revocation", {"reason": "核准依据有误"})
    held = (await home.until(applied, lambda seen: seen["held"] is not None))["held"]
    await owner.execute("ALTER TABLE approval.entries DROP CONSTRAINT broken")
    await owner.close()
    again = await home.post(officer, f"/applications/{applied}/recording")

    assert (held, again.status_code, again.json()["held"]) == ("not_recordable", 200, None)
    assert again.json()["documents"][1]["id"] == made.json()["document_id"]
    history = await home.temporal.get_workflow_handle(messages.revocation_id(document)).fetch_history()
    accepted = [event.workflow_execution_update_accepted_event_attributes.accepted_request.meta.update_id for event in history.events]
    assert any(accepted)
    assert officer.name not in "".join(accepted)


async def _held(db: Database, applied: uuid.UUID) -> str | None:
    return (await _seen(db, applied)).held


async def _seen(db: Database, applied: uuid.UUID) -> Detail:
    """As the office sees it."""
    async with db.reading() as conn:
        return await application(conn, applied, OFFICER, datetime.now(UTC))


async def test_a_late_try_of_a_document_that_waits_for_no_seal_marks_nothing(db: Database) -> None:
    """Must fail when the mark is written whatever became of the document: no line would ever take it away."""
    applied = await _applied(db)

    await mark_held(
        db, By("approval", NOW, "held-late"), messages.Held(application_id=applied, sequence=1, code="document_damaged", at=NOW)
    )

    assert await _held(db, applied) is None
