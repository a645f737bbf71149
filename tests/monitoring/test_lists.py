"""Supervision lists on PostgreSQL: one edition a week, what it carries over, and its way to seal and acknowledgement."""

import asyncio
from datetime import datetime, timedelta

import pytest

from services.monitoring.commands.lists import acknowledge_list, issue_list, release_list
from services.monitoring.commands.seals import keep_answer, prepare_seal
from services.monitoring.models.audited import AUDITED
from services.monitoring.models.refusals import (
    ListAlreadyReleased,
    ListNotSealed,
    NotReleased,
    SealMismatch,
)
from services.monitoring.models.requests import (
    AcknowledgeList,
    IssueList,
    KeepAnswer,
    PrepareSeal,
    ReleaseList,
)
from services.monitoring.queries.lists import supervision_list, words
from shared.audit.commands import seal
from shared.clock import Clock
from shared.events.audit import MonitoringAuditSealed, RosterAuditSealed
from shared.glossary import IssueState
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import MONDAY, Tables, by, refused
from workflows.rectification_case import Act
from workflows.sealing_messages import Document

pytestmark = pytest.mark.asyncio


def edition(town: Town, week: str, nominal: datetime) -> IssueList:
    return IssueList(unit_id=town.unit_id, iso_week=week, nominal=nominal)


async def test_a_unit_has_one_edition_a_week_however_often_it_is_asked_for(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())

    ids = await asyncio.gather(*(issue_list(tables.database, by(), edition(town, "2026-W38", MONDAY)) for _ in range(3)))

    assert len(set(ids)) == 1
    assert [(row["number"], row["iso_week"]) for row in await tables.rows("SELECT * FROM supervision_lists")] == [
        ("编督〔2026〕1号", "2026-W38")
    ]
    assert (await tables.published("supervision_list_issued"))[0]["new"] == 1


async def test_editions_carry_over_and_clear_once_and_a_unit_without_lines_has_none(tables: Tables) -> None:
    town, clean = Town(), Town(headcount=3)
    await tables.see(town.registered(), clean.registered(), town.over_quota())
    weeks = [MONDAY, MONDAY + timedelta(days=8), MONDAY + timedelta(days=15), MONDAY + timedelta(days=22)]

    for number, nominal in enumerate(weeks):
        if number == 2:
            await tables.record(Act.DISMISS, IssueState.DISMISSED, 1, at=nominal - timedelta(days=1))
        await issue_list(tables.database, by(), edition(town, f"2026-W{38 + number}", nominal))
    nothing = await issue_list(tables.database, by(), edition(clean, "2026-W38", MONDAY))

    lines = await tables.rows("SELECT l.iso_week, s.kind FROM supervision_lines s JOIN supervision_lists l ON l.id = s.list_id ORDER BY 1")
    assert [(line["iso_week"], line["kind"]) for line in lines] == [
        ("2026-W38", "new_line"),
        ("2026-W39", "carried"),
        ("2026-W40", "cleared"),
    ]
    assert nothing is None


async def test_an_edition_prints_the_newest_audit_seals_of_its_day_and_keeps_them(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    for number, head in ((2, "b" * 64), (1, "a" * 64)):  # an older one that comes late changes nothing
        await tables.see(RosterAuditSealed(occurred_at=NOW, version=number, head=head, until=NOW, records=1))
    own = await seal(tables.database, Clock(None), AUDITED, MonitoringAuditSealed, margin=0)
    list_id = await issue_list(tables.database, by(), edition(town, "2026-W38", MONDAY))
    await tables.see(RosterAuditSealed(occurred_at=NOW, version=3, head="c" * 64, until=NOW, records=1))

    assert list_id is not None
    assert own is not None
    async with tables.database.reading() as conn:
        said = words(await supervision_list(conn, None, list_id), "云溪县委编办")
    assert said["audit"] == [
        {"service": "监测督办", "number": 1, "head": own.head.hex()},
        {"service": "编制台账", "number": 2, "head": "b" * 64},
    ]


async def test_a_list_is_sealed_only_after_its_release_and_acknowledged_only_after_its_seal(tables: Tables) -> None:
    """Domain trap 30: what comes back is matched on task and digest, and stored before anything follows."""
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    list_id = await issue_list(tables.database, by(), edition(town, "2026-W38", MONDAY))
    assert list_id is not None
    seal = PrepareSeal(
        kind=Document.LIST, document_id=list_id, prepared_file="f", placeholder={}, digest="ab", seal_code="S", certificate="C"
    )

    too_early = await refused(prepare_seal(tables.database, by(), seal))
    await release_list(tables.database, by(), ReleaseList(list_id=list_id))
    twice = await refused(release_list(tables.database, by(), ReleaseList(list_id=list_id)))
    task = await prepare_seal(tables.database, by(), seal)
    other = await refused(keep_answer(tables.database, by(), KeepAnswer(task_id=task.task_id, digest="cd", answer={})))
    for _ in range(2):
        await keep_answer(tables.database, by(), KeepAnswer(task_id=task.task_id, digest="ab", answer={"state": "sealed"}))
    unsealed = await refused(acknowledge_list(tables.database, by(), AcknowledgeList(list_id=list_id)))

    assert (too_early, twice, other, unsealed) == (NotReleased, ListAlreadyReleased, SealMismatch, ListNotSealed)
    assert len(await tables.rows("SELECT * FROM outbox WHERE type = 'update:seal_completed'")) == 1
