"""处置措施: what may be recorded of an issue beyond its notice, by whom, and who is asked for it when the ladder has come to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from deploy.local.place import Place
from services.monitoring.commands.measures import correct_measure, record_measure
from services.monitoring.models.refusals import AddresseeUnfit, InterviewerUnfit, MeasureCorrectedAlready, MeasureOutOfTime, MeasureTooEarly
from services.monitoring.models.requests import CorrectMeasure, RecordMeasure
from services.monitoring.queries import tasks
from services.monitoring.queries.exports import MEASURES, measures_source
from services.monitoring.rules.measures import due, ensure_fitting, recordable, shown_to
from shared.auth import Who
from shared.errors import DomainError
from shared.events.envelope import uuid7
from shared.exports.lists import ASKED_AT
from shared.glossary import Addressee, Interviewer, IssueState, Measure, Role, Rung
from shared.law.deadline import Deadline
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CALENDAR, CIPHER, OFFICER, Tables, by, refused
from tests.roster.doors import Doors
from tests.scopes import opened
from tests.shared.given import until_waiting
from workflows.rectification_case import Act

TODAY = NOW.date()
SERVED = Deadline.start(TODAY, 15, CALENDAR)
INTERVIEW = {
    "measure": "interview_held",
    "whom": "deputy",
    "led_by": "office_leader",
    "taken_on": str(TODAY),
    "document_no": "约谈〔2026〕3号",
}


def test_before_the_notice_nothing_is_recorded_and_of_what_is_struck_off_a_referral_alone() -> None:
    may = {state: recordable(state, numbered=True) for state in IssueState}
    everything = [IssueState.NOTICE_SIGNED, IssueState.RECTIFYING, IssueState.OVERDUE, IssueState.EVIDENCE_SUBMITTED]
    assert [state for state, measures in may.items() if measures == tuple(Measure)] == everything
    assert [state for state, measures in may.items() if measures == (Measure.REFERRAL,)] == [IssueState.CLOSED]
    assert recordable(IssueState.CLOSED, numbered=False) == ()  # a warning that went by itself


@pytest.mark.parametrize(
    ("measure", "whom", "led_by", "day", "refusal"),
    [
        (Measure.INTERVIEW, Addressee.DEPUTY, Interviewer.OFFICE, 0, None),
        (Measure.INTERVIEW, Addressee.PRINCIPAL, Interviewer.COMMISSION, 0, None),
        (Measure.INTERVIEW, Addressee.PRINCIPAL, Interviewer.OFFICE, 0, InterviewerUnfit),
        (Measure.INTERVIEW, Addressee.DEPUTY, None, 0, InterviewerUnfit),
        (Measure.INTERVIEW, Addressee.FINANCE, Interviewer.OFFICE, 0, AddresseeUnfit),
        (Measure.INTERVIEW, None, Interviewer.OFFICE, 0, AddresseeUnfit),
        (Measure.CIRCULAR, None, None, 0, None),
        (Measure.CIRCULAR, Addressee.DEPUTY, None, 0, AddresseeUnfit),
        (Measure.CIRCULAR, None, Interviewer.OFFICE, 0, InterviewerUnfit),
        *((Measure.REFERRAL, whom, None, 0, None) for whom in list(Addressee)[2:]),
        (Measure.REFERRAL, Addressee.PRINCIPAL, None, 0, AddresseeUnfit),
        (Measure.REFERRAL, Addressee.DISCIPLINE, Interviewer.COMMISSION, 0, InterviewerUnfit),
        (Measure.CIRCULAR, None, None, 1, MeasureOutOfTime),
        (Measure.CIRCULAR, None, None, -3, MeasureOutOfTime),
        (Measure.CIRCULAR, None, None, -2, None),
    ],
)
def test_whom_and_by_whom(
    measure: Measure, whom: Addressee | None, led_by: Interviewer | None, day: int, refusal: type[DomainError] | None
) -> None:
    what = RecordMeasure(issue_id=uuid7(), measure=measure, taken_on=TODAY + timedelta(days=day), whom=whom, led_by=led_by)
    with pytest.raises(refusal) if refusal else nullcontext():
        ensure_fitting(what, tuple(Measure), TODAY - timedelta(days=2), TODAY)


def test_who_keeps_the_seal_or_reads_for_another_department_knows_of_no_lead() -> None:
    knowing = {role for role in Role if Measure.REFERRAL in shown_to([role])}

    assert knowing == {Role.BUSINESS_OFFICER, Role.SUPERVISION_OFFICER, Role.OFFICE_DIRECTOR, Role.COMMISSION}
    assert {tuple(shown_to([role])) for role in set(Role) - knowing} == {(Measure.INTERVIEW, Measure.CIRCULAR)}


def test_the_ladder_asks_for_what_it_has_come_to_and_nobody_has_recorded() -> None:
    assert due([Rung.REMINDER, Rung.OVERDUE], []) == ()
    assert due([Rung.INTERVIEW, Rung.CIRCULAR], []) == (Measure.INTERVIEW, Measure.CIRCULAR)
    assert due([Rung.INTERVIEW, Rung.CIRCULAR], [Measure.INTERVIEW]) == (Measure.CIRCULAR,)
    assert due([], [Measure.INTERVIEW]) == ()


def test_a_measure_that_may_not_be_recorded_is_refused_whatever_else_is_right() -> None:
    what = RecordMeasure(issue_id=uuid7(), measure=Measure.CIRCULAR, taken_on=TODAY)
    for may, signed_on in (((Measure.REFERRAL,), TODAY), (tuple(Measure), None)):
        with pytest.raises(MeasureTooEarly):
            ensure_fitting(what, may, signed_on, TODAY)


@dataclass(frozen=True)
class Office:
    """The door of monitoring and one issue behind it."""

    doors: Doors
    tables: Tables
    town: Town

    async def ask(self, *roles: Role, method: str = "POST", key: str = "measure-1", county: bool = True, **more: Any) -> httpx.Response:
        issue = await self.tables.issue()
        headers = self.doors.as_(*roles, units=None if county else (uuid7(),), name="officer-shen") | {"idempotency-key": key}
        path = f"/issues/{issue['id']}" + ("/measures" if method == "POST" else "")
        return await self.doors.http.request(method, path, headers=headers, **more)

    async def correct(self, measure_id: str, *roles: Role, key: str = "correction-1", **body: Any) -> httpx.Response:
        issue = await self.tables.issue()
        headers = self.doors.as_(*roles or (Role.SUPERVISION_OFFICER,), name="officer-shen") | {"idempotency-key": key}
        return await self.doors.http.post(f"/issues/{issue['id']}/measures/{measure_id}/correction", headers=headers, json=body)

    async def waits_for(self, who: Who) -> list[str]:
        async with self.tables.database.reading() as conn:
            return [task.why for task in await tasks.tasks(conn, who, tasks.Wanted(), NOW, CIPHER)]


@pytest_asyncio.fixture
async def office(stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """A notice that was served on the day it was signed."""
    async with opened("monitoring", stack, database, tmp_path, monkeypatch) as (_, doors, made):
        tables, town = Tables(made), Town()
        await tables.see(town.registered(), town.over_quota())
        yield Office(doors, tables, town)


async def served(office: Office) -> None:
    await office.tables.confirm()
    await office.tables.record(Act.SERVE, IssueState.RECTIFYING, 2, details={"served_on": str(TODAY)}, deadline=SERVED)


@pytest.mark.asyncio
async def test_an_interview_is_kept_once_with_its_document_told_and_shown(office: Office) -> None:
    await served(office)
    body = INTERVIEW | {"reason": "约谈分管负责人，要求月底前清退。"}
    first = await office.ask(Role.SUPERVISION_OFFICER, json=body)
    again = await office.ask(Role.SUPERVISION_OFFICER, json=body)
    (kept,) = first.json()["measures"]
    assert (first.status_code, again.json()["measures"]) == (201, [kept])
    said = {name: kept[name] for name in ("label", "whom", "led_by", "document_no", "summary", "recorded_by", "round")}
    assert said == {
        "label": "实施约谈",
        "whom": "deputy",
        "led_by": "office_leader",
        "document_no": "约谈〔2026〕3号",
        "summary": "约谈分管负责人，要求月底前清退。",
        "recorded_by": "officer-shen",
        "round": 1,
    }
    (told,) = await office.tables.published("measure_taken")
    assert (told["measure"], told["taken_on"]) == ("interview_held", str(TODAY))
    assert first.json()["state"] == IssueState.RECTIFYING  # its term goes on
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await office.tables.database.pool.execute("UPDATE measures SET summary = ''")


@pytest.mark.asyncio
async def test_a_measure_that_was_recorded_wrongly_is_struck_out_once_and_stays_readable(office: Office) -> None:
    await served(office)
    wrong = (await office.ask(Role.SUPERVISION_OFFICER, json=INTERVIEW | {"reason": "谈"})).json()["measures"][0]
    await office.tables.record(Act.FIRE_RUNG, IssueState.OVERDUE, 3, rung=Rung.INTERVIEW, planned_at=NOW, deadline=SERVED)
    right = {"measure": "circular_issued", "taken_on": str(TODAY), "document_no": "通报〔2026〕1号", "summary": "印发通报"}
    await office.tables.database.pool.execute("UPDATE issues SET state = 'closed'")  # a slip is found when the case is over
    corrected = await office.correct(wrong["id"], reason="措施选错，实为通报", instead=right)
    again = await office.correct(wrong["id"], key="correction-2", reason="再次更正")
    first, second = corrected.json()["measures"]

    assert (corrected.status_code, again.status_code, again.json()["code"]) == (201, 409, "measure_corrected_already")
    assert (first["document_no"], first["corrected_by"], first["corrected_why"]) == (
        "约谈〔2026〕3号",
        "officer-shen",
        "措施选错，实为通报",
    )
    assert (first["instead_id"], second["summary"], second["round"], second["corrected_at"]) == (second["id"], "印发通报", 1, None)
    (told,) = await office.tables.published("measure_corrected")
    assert (told["measure"], told["instead"]) == ("interview_held", "circular_issued")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await office.tables.database.pool.execute("UPDATE measure_corrections SET reason = ''")


@pytest.mark.asyncio
async def test_what_is_struck_out_is_owed_again_and_listed_with_who_when_and_why(office: Office) -> None:
    await served(office)
    wrong = (await office.ask(Role.SUPERVISION_OFFICER, json=INTERVIEW | {"reason": "谈"})).json()["measures"][0]
    await office.tables.record(Act.FIRE_RUNG, IssueState.OVERDUE, 3, rung=Rung.INTERVIEW, planned_at=NOW, deadline=SERVED)
    assert await office.waits_for(OFFICER) == []
    struck = await office.correct(wrong["id"], reason="登记到了别的问题上")
    asked = ["督办已到约谈或通报，由监督检查科办理后登记"]
    assert (struck.json()["due_measures"], await office.waits_for(OFFICER)) == ([Measure.INTERVIEW], asked)
    source = measures_source(OFFICER, {ASKED_AT: NOW})
    columns = ", ".join(f"{each.sql} AS {each.name}" for each in MEASURES if each.name.startswith("corrected"))
    (row,) = await office.tables.rows(f"SELECT {columns} {source.rows}", *source.parameters)
    assert (row["corrected"], row["corrected_why"], row["corrected_by"]) == (True, "登记到了别的问题上", "officer-shen")


@pytest.mark.asyncio
async def test_who_may_not_know_of_a_lead_is_not_told_of_it_by_what_was_struck_out_for_it(office: Office) -> None:
    await served(office)
    wrong = (await office.ask(Role.SUPERVISION_OFFICER, json=INTERVIEW | {"reason": "谈"})).json()["measures"][0]
    lead = {"measure": "lead_referred", "whom": "discipline", "taken_on": str(TODAY), "document_no": "移1号", "summary": "线索"}
    assert (await office.correct(wrong["id"], reason="实为移送线索", instead=lead)).status_code == 201
    (seen,) = (await office.ask(Role.UNIT_HEAD, method="GET")).json()["measures"]
    source = measures_source(Who("head", frozenset({Role.UNIT_HEAD})), {ASKED_AT: NOW})
    (listed,) = await office.tables.rows(f"SELECT told.* {source.rows}", *source.parameters)

    assert (seen["corrected_by"], seen["corrected_why"], seen["instead_id"]) == ("officer-shen", None, None)
    assert (listed["corrected_why"], listed["instead_id"]) == (None, None)


@pytest.mark.asyncio
async def test_a_correction_is_refused_where_it_fits_nothing_and_then_strikes_out_nothing(office: Office) -> None:
    await served(office)
    wrong = (await office.ask(Role.SUPERVISION_OFFICER, json=INTERVIEW | {"reason": "谈"})).json()["measures"][0]["id"]
    unfit = {"measure": "interview_held", "whom": "principal", "led_by": "office_leader", "taken_on": str(TODAY)}
    unfit |= {"document_no": "约1号", "summary": "谈"}
    answers = [
        await office.correct(str(uuid7()), key="correction-a", reason="没有这一条"),
        await office.correct(wrong, key="correction-b", reason="错"),
        await office.correct(wrong, key="correction-c", reason="约谈人写错", instead=unfit),
        await office.correct(wrong, Role.UNIT_CLERK, key="correction-d", reason="登记有误"),
        await office.correct(wrong, key="correction-e", reason="日期写错", instead=unfit | {"whom": "deputy", "taken_on": "2000-01-01"}),
        await office.correct(wrong, key="correction-f", reason="没有改动", instead=INTERVIEW | {"summary": "谈"}),
    ]
    codes = [(404, "measure_unknown"), (422, "malformed"), (409, "interviewer_unfit"), (403, "forbidden"), (409, "measure_out_of_time")]
    codes += [(409, "measure_unchanged")]
    assert [(each.status_code, each.json()["code"]) for each in answers] == codes
    assert await office.tables.rows("SELECT FROM measure_corrections") == []
    assert len(await office.tables.rows("SELECT FROM measures")) == 1


@pytest.mark.asyncio
async def test_whoever_may_not_or_has_nothing_to_write_is_refused_and_nothing_is_kept(office: Office) -> None:
    early = await office.ask(Role.SUPERVISION_OFFICER, json=INTERVIEW | {"reason": "谈"})
    await served(office)
    answers = [
        early,
        await office.ask(Role.SUPERVISION_OFFICER, key="measure-a", json=INTERVIEW),
        await office.ask(Role.SUPERVISION_OFFICER, key="measure-b", json=INTERVIEW | {"reason": "谈", "document_no": " "}),
        await office.ask(Role.SUPERVISION_OFFICER, key="measure-c", county=False, json=INTERVIEW | {"reason": "谈"}),
        await office.ask(Role.UNIT_CLERK, key="measure-d", json=INTERVIEW | {"reason": "谈"}),
        await office.ask(Role.SUPERVISION_OFFICER, key="measure-e", json=INTERVIEW | {"reason": "谈", "whom": "principal"}),
    ]
    expected = [(409, "measure_too_early"), (422, "malformed"), (422, "malformed"), (404, "issue_unknown"), (403, "forbidden")]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [*expected, (409, "interviewer_unfit")]
    assert await office.tables.rows("SELECT FROM measures") == []
    shown = [(await office.ask(role, method="GET")).json()["recordable"] for role in (Role.SUPERVISION_OFFICER, Role.OFFICE_DIRECTOR)]
    assert shown == [[*Measure], []]


@pytest.mark.asyncio
async def test_what_is_struck_off_in_the_same_moment_is_judged_as_struck_off(office: Office) -> None:
    await served(office)
    issue_id, pool = (await office.tables.issue())["id"], office.tables.database.pool
    what = RecordMeasure(issue_id=issue_id, measure=Measure.CIRCULAR, taken_on=TODAY)
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("UPDATE issues SET state = 'closed' WHERE id = $1", issue_id)
        recording = asyncio.create_task(refused(record_measure(office.tables.database, by(), what)))
        await until_waiting(office.tables.database)
    assert await recording is MeasureTooEarly
    assert await office.tables.rows("SELECT FROM measures") == []


@pytest.mark.asyncio
async def test_of_two_who_correct_one_measure_in_the_same_moment_one_does(office: Office) -> None:
    await served(office)
    issue_id, database = (await office.tables.issue())["id"], office.tables.database
    wrong = await record_measure(database, by(), RecordMeasure(issue_id=issue_id, measure=Measure.CIRCULAR, taken_on=TODAY))
    what = CorrectMeasure(issue_id=issue_id, measure_id=wrong)
    async with database.transaction() as conn:
        await conn.execute("SELECT FROM issues WHERE id = $1 FOR NO KEY UPDATE", issue_id)
        both = [asyncio.create_task(refused(correct_measure(database, by(), what))) for _ in range(2)]
        await until_waiting(database, len(both))

    assert {await each for each in both} == {None, MeasureCorrectedAlready}


@pytest.mark.asyncio
async def test_a_lead_that_was_handed_over_is_known_to_the_office_and_the_commission_alone(office: Office) -> None:
    await served(office)
    lead = {"measure": "lead_referred", "whom": "discipline", "taken_on": str(TODAY), "document_no": "移1号", "reason": "线索"}
    for key, body in (("measure-l", lead), ("measure-i", INTERVIEW | {"reason": "谈"})):
        assert (await office.ask(Role.SUPERVISION_OFFICER, key=key, json=body)).status_code == 201

    async def seen_by(*roles: Role) -> list[list[str]]:
        page = (await office.ask(*roles, method="GET")).json()["measures"]
        source = measures_source(Who("somebody", frozenset(roles)), {ASKED_AT: NOW})
        listed = await office.tables.rows(f"SELECT m.measure {source.rows} ORDER BY {source.order}", *source.parameters)
        return [sorted(each["measure"] for each in page), sorted(row["measure"] for row in listed)]

    both, alone = ["interview_held", "lead_referred"], ["interview_held"]
    assert [await seen_by(role) for role in (Role.OFFICE_DIRECTOR, Role.COMMISSION)] == [[both, both]] * 2
    assert [await seen_by(role) for role in (Role.UNIT_CLERK, Role.UNIT_HEAD, Role.PARENT_UNIT, Role.OBSERVER)] == [[alone, alone]] * 4


@pytest.mark.asyncio
async def test_the_officer_is_asked_for_the_interview_that_the_ladder_has_come_to_until_it_is_recorded(office: Office) -> None:
    await served(office)
    assert await office.waits_for(OFFICER) == []
    rung: dict[str, Any] = {"rung": Rung.INTERVIEW, "planned_at": NOW, "deadline": SERVED}
    await office.tables.record(Act.FIRE_RUNG, IssueState.OVERDUE, 3, **rung)
    clerk = Who("clerk-zhu", frozenset({Role.UNIT_CLERK}), (office.town.unit_id,))
    assert await office.waits_for(OFFICER) == ["督办已到约谈或通报，由监督检查科办理后登记"]
    assert await office.waits_for(clerk) == ["整改已逾期，由单位尽快整改并提交材料"]
    circular = await office.ask(
        Role.SUPERVISION_OFFICER,
        key="measure-c",
        json={"measure": "circular_issued", "taken_on": str(TODAY), "document_no": "通报1号", "reason": "通报"},
    )
    assert (circular.status_code, await office.waits_for(OFFICER)) == (201, ["督办已到约谈或通报，由监督检查科办理后登记"])
    assert circular.json()["due_measures"] == [Measure.INTERVIEW]
    recorded = await office.ask(Role.SUPERVISION_OFFICER, json=INTERVIEW | {"reason": "谈"})
    assert recorded.json()["due_measures"] == []
    assert (await office.waits_for(OFFICER), len(await office.waits_for(clerk))) == ([], 1)
