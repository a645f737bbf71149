"""Supervision lists on PostgreSQL: one edition a week, what it carries over, and its way to seal and acknowledgement."""

import asyncio
import io
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pypdf
import pytest
from python_calamine import CalamineWorkbook

from deploy.seal.app import _demo_seal
from deploy.seal.keys import KeptKeySigner, load_or_make
from services.monitoring.activities import MonitoringActivities, Sealing
from services.monitoring.commands.lists import acknowledge_list, issue_list, release_list
from services.monitoring.commands.seals import keep_answer, prepare_seal
from services.monitoring.models.audited import AUDITED
from services.monitoring.models.facts import Surroundings
from services.monitoring.models.refusals import (
    ListAlreadyReleased,
    ListDamaged,
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
from services.monitoring.queries.lists import REGISTER, supervision_list, units_to_list, words
from services.monitoring.queries.sheets import sheet
from shared.audit.commands import seal
from shared.audit.queries import verify
from shared.clock import Clock, at_hour
from shared.documents import MissingGlyphs, Renderer
from shared.events.audit import MonitoringAuditSealed, RosterAuditSealed
from shared.glossary import IssueState
from shared.law.deadline import Deadline
from shared.law.notices import load_calendar
from shared.seal import NotSealable, Seal, SealPlatform, SealResult, SealTask, SealTaskRefused
from shared.seal import verify as verify_file
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CALENDAR, MONDAY, Tables, by, refused
from workflows.rectification_case import Act
from workflows.sealing_messages import Document, SealStart

pytestmark = pytest.mark.asyncio


class Platform(SealPlatform):
    """A platform with one seal that takes every task, each id for one digest, and answers none. `asked`: the tasks, as they came."""

    def __init__(self, seal: Seal) -> None:
        self.seal, self.asked = seal, list[SealTask]()

    async def create_task(self, task: SealTask) -> SealResult:
        if any(known.task_id == task.task_id and known.digest != task.digest for known in self.asked):
            raise SealTaskRefused(task_id=task.task_id)
        self.asked.append(task)
        return SealResult(task_id=task.task_id, digest=task.digest, state="accepted")

    async def get_task(self, task_id: str) -> SealResult:
        raise NotImplementedError

    async def list_seals(self) -> list[Seal]:
        return [self.seal]


@dataclass(frozen=True)
class Desk:
    """What seals, on the tables alone."""

    tables: Tables
    platform: Platform
    folder: Path
    signer: KeptKeySigner

    async def held(self, list_id: UUID) -> str | None:
        async with self.tables.database.reading() as conn:
            return (await supervision_list(conn, None, list_id)).held

    async def seal(self, list_id: UUID | None) -> bool:
        assert list_id is not None
        folders = {Document.LIST: self.folder, Document.NOTICE: self.folder}
        sealing = Sealing(folders, "云海市编办", Renderer(), self.platform, "http://callback")
        surroundings = Surroundings(load_calendar, lambda: None, lambda: NOW)
        start = SealStart(kind=Document.LIST, document_id=list_id, released_at=NOW)
        return await MonitoringActivities(self.tables.database, surroundings, sealing).seal_document(start)

    async def answered(self, signer: KeptKeySigner) -> None:
        """The platform seals what it was asked for last."""
        task = self.platform.asked[-1]
        cms = await signer.async_sign(bytes.fromhex(task.digest), "sha256", use_pades=True)
        result = SealResult(task_id=task.task_id, digest=task.digest, state="sealed", cms=b64encode(cms.dump()).decode(), signed_at=NOW)
        answer = KeepAnswer(task_id=task.task_id, digest=task.digest, answer=result.model_dump(mode="json"))
        await keep_answer(self.tables.database, by(), answer)

    async def released(self, town: Town) -> UUID:
        """An edition that its operator released."""
        await self.tables.see(town.registered(), town.over_quota())
        list_id = await issue_list(self.tables.database, by(), edition(town, "2026-W38", MONDAY))
        assert list_id is not None
        return await release_list(self.tables.database, by(), ReleaseList(list_id=list_id))


@pytest.fixture
def desk(tables: Tables, tmp_path: Path) -> Desk:
    return Desk(tables, Platform(demo_seal(tmp_path)), tmp_path / "lists", load_or_make(tmp_path))


def demo_seal(folder: Path) -> Seal:
    return _demo_seal(load_or_make(folder), Clock(None))


def edition(town: Town, week: str, nominal: datetime, made_at: datetime | None = None) -> IssueList:
    return IssueList(unit_id=town.unit_id, iso_week=week, nominal=nominal, made_at=made_at or nominal)


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
    async with tables.database.reading() as conn:
        last = await conn.fetchval("SELECT id FROM supervision_lists ORDER BY issued_at DESC LIMIT 1")
        said = words(await supervision_list(conn, None, last), "云溪县委编办", demo_seal=False)
    assert [line["standing"] for line in said["lines"]] == ["核实不成立"]


async def test_what_was_struck_off_and_came_back_between_two_editions_is_cleared_and_new(tables: Tables) -> None:
    town, person, week = Town(), uuid4(), timedelta(days=8)
    await tables.see(town.registered(), town.over_quota(person=person))
    await issue_list(tables.database, by(), edition(town, "2026-W38", MONDAY))
    await tables.confirm()
    await tables.see(town.released(person))
    await tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 2)
    await tables.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 3, at=MONDAY + timedelta(days=1))
    await tables.see(town.over_quota(at=MONDAY + timedelta(days=2)), now=MONDAY + timedelta(days=2))

    for number in (1, 2):
        await issue_list(tables.database, by(), edition(town, f"2026-W{38 + number}", MONDAY + number * week))

    lines = await tables.rows(
        "SELECT l.iso_week, s.kind, s.round, s.state, s.document_no, s.measure FROM supervision_lines s JOIN supervision_lists l"
        " ON l.id = s.list_id WHERE l.iso_week > '2026-W38' ORDER BY 1, line_no"
    )
    assert [tuple(line.values()) for line in lines] == [
        ("2026-W39", "new_line", 2, "to_verify", None, None),
        ("2026-W39", "cleared", 1, "closed", "编整〔2026〕1号", "限期清退"),
        ("2026-W40", "carried", 2, "to_verify", None, None),
    ]
    told = [(each["new"], each["carried"], each["cleared"]) for each in await tables.published("supervision_list_issued")]
    assert told == [(1, 0, 0), (1, 0, 1), (0, 1, 0)]


async def test_a_round_that_begins_and_ends_between_two_editions_is_told_once(tables: Tables) -> None:
    """Also where it came back since, and where the unit had no edition yet."""
    town, first, second = Town(), uuid4(), uuid4()
    await tables.see(town.registered(), town.over_quota(person=first))
    await tables.confirm()
    await tables.see(town.released(first))
    await tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 2)
    await tables.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 3)

    async with tables.database.reading() as conn:
        assert await units_to_list(conn) == [town.unit_id]
    await issue_list(tables.database, by(), edition(town, "2026-W38", MONDAY))
    tuesday, monday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=8)
    await tables.see(town.over_quota(at=tuesday, person=second), now=tuesday)
    await tables.see(town.released(second, at=tuesday))
    await tables.record(Act.DISMISS, IssueState.DISMISSED, 1, at=tuesday + timedelta(hours=1))
    await tables.see(town.over_quota(at=tuesday + timedelta(days=1)), now=tuesday + timedelta(days=1))
    for number in (0, 1):
        await issue_list(tables.database, by(), edition(town, f"2026-W{39 + number}", monday + timedelta(days=7 * number)))

    lines = await tables.rows(
        "SELECT l.iso_week, s.kind, s.round, s.state, s.document_no, s.found_on FROM supervision_lines s JOIN supervision_lists l"
        " ON l.id = s.list_id ORDER BY 1, line_no"
    )
    assert [tuple(line.values()) for line in lines] == [
        ("2026-W38", "cleared", 1, "closed", "编整〔2026〕1号", NOW.date()),
        ("2026-W39", "new_line", 3, "to_verify", None, (tuesday + timedelta(days=1)).date()),
        ("2026-W39", "cleared", 2, "dismissed", None, tuesday.date()),
        ("2026-W40", "carried", 3, "to_verify", None, (tuesday + timedelta(days=1)).date()),
    ]
    async with tables.database.reading() as conn:
        assert await units_to_list(conn) == [town.unit_id]


async def test_what_was_closed_between_the_hour_of_an_edition_and_its_run_is_cleared_on_it_and_not_again(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    next_week = MONDAY + timedelta(days=7)
    await issue_list(tables.database, by(), edition(town, "2026-W38", MONDAY))
    await tables.record(Act.DISMISS, IssueState.DISMISSED, 1, at=next_week + timedelta(minutes=40))

    caught_up = await issue_list(tables.database, by(), edition(town, "2026-W39", next_week))
    following = await issue_list(tables.database, by(), edition(town, "2026-W40", next_week + timedelta(days=7)))

    lines = await tables.rows("SELECT list_id, kind FROM supervision_lines ORDER BY kind")
    assert (lines[0]["list_id"], lines[0]["kind"]) == (caught_up, "cleared")
    assert (len(lines), following) == (2, None)


async def test_a_late_edition_tells_nothing_found_after_its_day_and_comes_not_at_all_after_a_later_one(tables: Tables) -> None:
    """A run that still tries for another unit comes by again and again, beside the runs of later weeks."""
    town = Town()
    await tables.see(town.registered(), town.over_quota())

    before = await issue_list(tables.database, by(), edition(town, "2026-W37", MONDAY - timedelta(days=7)))
    later = await issue_list(tables.database, by(), edition(town, "2026-W39", MONDAY + timedelta(days=7)))
    between = await issue_list(tables.database, by(), edition(town, "2026-W38", MONDAY))

    assert (before, between) == (None, None)
    assert later is not None


async def test_a_late_edition_tells_both_moments_and_its_figures_are_of_the_moment_it_was_made(tables: Tables) -> None:
    """Must fail when the term is counted from the moment that was planned: the list would tell what no longer was so."""
    town, late = Town(), at_hour(date(2026, 9, 23), 11)
    await tables.see(town.registered(), town.over_quota())
    term = Deadline.start(date(2026, 9, 18), 5, CALENDAR)
    await tables.confirm()
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, deadline=term, due_at=term.due_at, details={"served_on": "2026-09-18"})

    list_id = await issue_list(tables.database, by(), edition(town, "2026-W38", MONDAY, late))

    assert list_id is not None
    async with tables.database.reading() as conn:
        told = await supervision_list(conn, None, list_id)
    assert (told.issued_at, told.made_at, told.lines[0].remaining) == (MONDAY, late, term.remaining(late))
    assert term.remaining(late) != term.remaining(MONDAY)
    said, page = words(told, "云溪县委编办", demo_seal=False), sheet(told, "clerk", late)
    assert (said["planned_at"], said["made_at"], said["issued_on"]) == ("2026-09-20 09:00", "2026-09-23 11:00", "2026-09-23")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(page)).get_sheet_by_index(0).to_python()
    assert rows[1][0] == "应发 2026-09-20 09:00　生成 2026-09-23 11:00（所列情况和剩余工作日截至此时）"
    with pytest.raises(asyncpg.RestrictViolationError):
        await tables.database.pool.execute("UPDATE supervision_lists SET made_at = issued_at")


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
        said = words(await supervision_list(conn, None, list_id), "云溪县委编办", demo_seal=False)
    assert said["audit"] == [
        {"service": "监测督办", "number": 1, "head": own.head.hex()},
        {"service": "编制台账", "number": 2, "head": "b" * 64},
    ]


@pytest.mark.parametrize("simulated", [True, False])
async def test_a_list_says_of_its_seal_what_the_platform_says_of_it(desk: Desk, *, simulated: bool) -> None:
    desk.platform.seal = desk.platform.seal.model_copy(update={"simulated": simulated})

    await desk.seal(await desk.released(Town()))

    (file,) = desk.folder.iterdir()
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(file.read_bytes())).pages)
    assert ("本章为系统内嵌演示印章" in text) == simulated


async def test_a_list_whose_seal_got_another_certificate_since_it_was_prepared_is_filed_with_the_one_it_was_sealed_with(
    desk: Desk, tmp_path: Path
) -> None:
    """Its task is asked for once, and once answered."""
    list_id = await desk.released(Town())
    await desk.seal(list_id)
    renewed = load_or_make(tmp_path / "renewed")
    await desk.answered(renewed)

    with pytest.raises(NotSealable):
        await desk.seal(list_id)
    desk.platform.seal = demo_seal(tmp_path / "renewed")

    assert await desk.seal(list_id)
    (row,) = await desk.tables.rows("SELECT sealed_file FROM supervision_lists")
    content = (desk.folder / row["sealed_file"]).read_bytes()
    assert (await asyncio.to_thread(verify_file, content, [renewed.certificate_pem])).trusted


async def test_a_list_that_cannot_be_drawn_is_held_for_everybody_to_see(desk: Desk) -> None:
    """At its release the fonts had what they lack now."""
    town = Town()
    await desk.tables.see(town.registered(), town.over_quota())
    await desk.tables.record(Act.CONFIRM, IssueState.NOTICE_SIGNED, 1, details={"title": "违规超编", "demand": "清退\ue123"})
    list_id = await desk.released(town)

    for _ in range(2):
        with pytest.raises(MissingGlyphs):
            await desk.seal(list_id)

    assert await desk.held(list_id) == "list_not_drawable"


async def test_a_list_whose_prepared_file_is_gone_or_altered_is_held_until_it_is_back(desk: Desk) -> None:
    """Must fail when the filing is only tried again: nobody would be told."""
    list_id = await desk.released(Town())
    await desk.seal(list_id)
    await desk.answered(desk.signer)
    (file,) = desk.folder.iterdir()
    prepared = file.read_bytes()

    for spoil in (file.unlink, lambda: file.write_bytes(prepared + b" ")):
        spoil()
        with pytest.raises(ListDamaged):
            await desk.seal(list_id)
    held = await desk.held(list_id)
    file.write_bytes(prepared)

    assert (held, await desk.seal(list_id), await desk.held(list_id)) == ("list_damaged", True, None)


async def test_what_was_prepared_after_the_minute_of_a_restore_is_asked_for_anew(desk: Desk) -> None:
    """Must fail when a task is named by its document alone: the platform knows it with other bytes, for ever."""
    list_id = await desk.released(Town())
    await desk.seal(list_id)
    await desk.tables.database.pool.execute("DELETE FROM seal_tasks")  # as restored: what the platform was asked since is not known
    desk.platform.seal = desk.platform.seal.model_copy(update={"simulated": False})

    for _ in range(2):
        await desk.seal(list_id)

    asked = [(task.task_id, task.digest) for task in desk.platform.asked]
    assert (len(asked), asked[0] == asked[1], asked[1] == asked[2]) == (3, False, True)


async def test_who_released_and_who_received_is_under_the_seal_and_in_the_trail(tables: Tables, database: Callable[[str], str]) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    list_id = await issue_list(tables.database, by(), edition(town, "2026-W38", MONDAY))
    assert list_id is not None
    await release_list(tables.database, by(), ReleaseList(list_id=list_id))
    await tables.database.pool.execute("UPDATE supervision_lists SET sealed_at = $1", NOW)
    await acknowledge_list(tables.database, replace(by(), actor="clerk"), AcknowledgeList(list_id=list_id))
    await seal(tables.database, Clock(None), AUDITED, MonitoringAuditSealed, margin=0)

    async with tables.database.reading() as conn:
        told = await conn.fetch(f"{REGISTER} ORDER BY id")
    assert [(deed["type"], deed["actor"], deed["unit_id"]) for deed in told] == [
        ("release_list", "officer-shen", town.unit_id),
        ("acknowledge_list", "clerk", town.unit_id),
    ]
    for column in ("released_by", "acknowledged_by"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await tables.database.pool.execute(f"UPDATE supervision_lists SET {column} = 'another'")
    superuser = await asyncpg.connect(database("postgres"), server_settings={"search_path": "monitoring"})
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute("UPDATE supervision_lists SET released_by = 'another', acknowledged_by = 'another'")
    await superuser.close()
    async with tables.database.reading() as conn:
        broken = {(each.what, each.table, each.key) async for each in verify(conn, AUDITED)}
    assert broken == {("altered", "seal_register", f"{deed}/{list_id}") for deed in ("release_list", "acknowledge_list")}


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
