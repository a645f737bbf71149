"""The 整改通知书: pinned at signing, written once, refused when its file is not the one that was written."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import asyncpg
import httpx
import pypdf
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import FastAPI

from services.monitoring.activities import MonitoringActivities, Sealing
from services.monitoring.api import issues, lists, notices
from services.monitoring.api.turns import Turns
from services.monitoring.commands.cases import record_case_entry
from services.monitoring.commands.lists import issue_list, release_list
from services.monitoring.commands.notices import keep_notice, release_notice
from services.monitoring.commands.seals import file_sealed
from services.monitoring.consumers import handlers
from services.monitoring.models.facts import Surroundings
from services.monitoring.models.refusals import CaseOver, NoticeAlreadyReleased, NoticeDamaged, NoticeNotSigned
from services.monitoring.models.requests import FileSealed, IssueList, KeepNotice, ReleaseList, ReleaseNotice
from shared.auth import OFFICE, PERMISSIONS, Tokens, Who
from shared.clock import Clock
from shared.db import By, Database, connect
from shared.documents import Renderer, keep_file, sha256_hex
from shared.errors import Conflict
from shared.events.roster import RosterEvent
from shared.glossary import IssueState, Role
from shared.http import serve, service_app
from shared.law.notices import load_calendar
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CIPHER, MONDAY
from tests.monitoring.test_lists import Platform, demo_seal
from workflows.rectification_case import Act, Entry
from workflows.roster import Evidence
from workflows.sealing_messages import Document, SealStart

pytestmark = pytest.mark.asyncio
HANDLERS = handlers(Surroundings(load_calendar, lambda: timedelta(0), lambda: NOW))
OPERATOR = Who("operator-he", frozenset({Role.SEAL_OPERATOR}))
SUPERVISOR = Who("officer-shen", frozenset({Role.SUPERVISION_OFFICER}))


@dataclass
class Desk:
    """The door of the notices, and what stands behind it."""

    http: httpx.AsyncClient
    database: Database
    tokens: Tokens
    folder: Path
    town: Town
    person: UUID = field(default_factory=uuid4)

    async def see(self, *events: RosterEvent) -> None:
        for event in events:
            async with self.database.transaction() as conn:
                await HANDLERS[type(event)](conn, event)

    async def issue_id(self) -> UUID:
        found: UUID = await self.database.pool.fetchval("SELECT id FROM issues")
        return found

    async def record(self, act: Act, state: IssueState, sequence: int, **details: Any) -> None:
        (issue,) = await self.database.pool.fetch("SELECT id, round FROM issues")
        signed = Evidence(actor="officer-shen", role=Role.SUPERVISION_OFFICER, update_id="u", document_no="文〔2026〕1号")
        entry = Entry(
            issue_id=issue["id"],
            round=issue["round"],
            sequence=sequence,
            act=act,
            at=NOW,
            state=state,
            revision=1,
            evidence=signed,
            details=details,
        )
        await record_case_entry(self.database, By("officer-shen", NOW, f"{issue['id']}:{issue['round']}:{sequence}"), entry)

    async def close(self) -> None:
        """The officer accepts, and nothing is found any more."""
        await self.see(self.town.released(self.person))
        await self.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 2)

    async def sign(self, **details: Any) -> None:
        await self.record(Act.CONFIRM, IssueState.NOTICE_SIGNED, 1, title="违规超编", demand="限期清退 1 人", **details)

    async def seal(self, pdf: bytes) -> None:
        """The seal as the platform would have left it."""
        seal_id = await release_notice(self.database, By("operator-he", NOW, str(uuid4())), ReleaseNotice(issue_id=await self.issue_id()))
        file, sha256 = keep_file(self.folder, seal_id, pdf), sha256_hex(pdf)
        filing = FileSealed(kind=Document.NOTICE, document_id=seal_id, file=file, sha256=sha256, signer="印章", sealed_at=NOW)
        await file_sealed(self.database, By("engine", NOW, str(uuid4())), filing)

    async def ask(self, who: Who = SUPERVISOR, **query: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens.issue(who, datetime.now(UTC))}"}
        return await self.http.get(f"/issues/{await self.issue_id()}/notice", params=query, headers=headers)

    async def post(self, path: str, who: Who = SUPERVISOR, **body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens.issue(who, datetime.now(UTC))}", "idempotency-key": str(uuid4())}
        return await self.http.post(path, json=body, headers=headers)

    async def edition(self) -> UUID:
        """This week's list of the unit."""
        what = IssueList(unit_id=self.town.unit_id, iso_week="2026-W38", nominal=MONDAY, made_at=MONDAY)
        made = await issue_list(self.database, By("engine", NOW, str(uuid4())), what)
        assert made is not None
        return made


@pytest_asyncio.fixture
async def desk(database: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Desk]:
    """An issue of a registered unit, its notice not signed yet."""
    async with connect(database("monitoring"), "monitoring") as connected:
        tokens = _tokens()
        app = _app(connected, tokens, tmp_path / "notices")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://monitoring") as http:
            made = Desk(http, connected, tokens, tmp_path / "notices", Town(kind_label="事业编制", funding_label="全额拨款"))
            await made.see(made.town.registered(), made.town.over_quota(person=made.person))
            yield made


def _tokens() -> Tokens:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Tokens(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), private)


def _app(database: Database, tokens: Tokens, folder: Path) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = service_app("monitoring", lifespan)
    app.state.database, app.state.tokens, app.state.clock = database, tokens, Clock(None)
    app.state.temporal, app.state.folder, app.state.cipher = None, folder, CIPHER
    app.state.turns, app.state.surroundings = Turns(), Surroundings(load_calendar, lambda: None, lambda: NOW)
    app.state.notices, app.state.issuer, app.state.renderer, app.state.demo_seal = folder, "云海市编办", Renderer(), False
    serve(app, (notices.router, issues.router, lists.router))
    return app


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).replace("\n", "").replace(" ", "")


async def test_a_signed_notice_says_what_was_found_demanded_and_by_when_and_names_nobody(desk: Desk) -> None:
    await desk.sign(budget_days=12)

    answer = await desk.ask()

    text = text_of(answer.content)
    said = ["编整〔2026〕1号", "临江镇", "事业编制（全额拨款）核定编制10名，实有11名", "限期清退1人", "12个工作日", "编办监督检查科"]
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert [each for each in said if each not in text] == []
    assert "本通知书以加盖电子印章的文件为准" in text
    assert unquote(answer.headers["content-disposition"]) == "inline; filename*=UTF-8''编整〔2026〕1号（未签章）.pdf"
    assert "officer-shen" not in text


async def test_a_notice_announces_the_freeze_that_the_parameters_of_its_day_propose(desk: Desk) -> None:
    """Must fail when it announces by words of its own: the order that follows would be another one."""
    await desk.database.pool.executemany(
        "INSERT INTO parameters (rule, name, version, value, effective_on, source, owner, recorded_at, recorded_by)"
        " VALUES ('M01', 'scopes', $1, $2, $3, '编办规定', '监督检查科', now(), 'officer')",
        [(1, ["off_establishment", "leadership"], NOW.date()), (2, ["post_use"], NOW.date() + timedelta(days=1))],
    )
    await desk.sign()

    text = text_of((await desk.ask()).content)

    assert "可暂停办理你单位编外用工、领导职数事项" in text


@pytest.mark.parametrize("demo", [True, False])
async def test_a_notice_says_of_its_seal_that_it_has_no_effect_where_the_office_has_no_other(desk: Desk, *, demo: bool) -> None:
    await desk.sign()
    desk.http._transport.app.state.demo_seal = demo  # type: ignore[attr-defined]

    assert ("本章为系统内嵌演示印章" in text_of((await desk.ask()).content)) == demo


async def test_the_term_is_the_pinned_one_when_the_order_sets_none(desk: Desk) -> None:
    await desk.sign(budget_days=None)

    assert "30个工作日" in text_of((await desk.ask()).content)


async def test_a_notice_says_what_was_known_when_it_was_signed(desk: Desk) -> None:
    """Must fail when the page is made from the issue as it stands at the request, or its figures are told to be of another moment than they are."""
    await desk.see(desk.town.over_quota(at=NOW + timedelta(hours=1), person=uuid4()))
    await desk.sign()
    await desk.see(desk.town.over_quota(at=NOW + timedelta(hours=2)))

    text = text_of((await desk.ask()).content)

    assert tuple(await desk.database.pool.fetchrow("SELECT size, as_of FROM issues") or ()) == (3, NOW + timedelta(hours=2))
    assert "其中超编2名。（截至2026年9月18日11:00）" in text


async def test_a_notice_is_written_once_however_many_ask_at_once(desk: Desk) -> None:
    await desk.sign()

    answers = await asyncio.gather(*(desk.ask() for _ in range(4)))
    desk.http._transport.app.state.issuer = "另一机关"  # type: ignore[attr-defined]  # the form changes; the notice does not
    later = await desk.ask()

    (kept,) = await desk.database.pool.fetch("SELECT file, sha256 FROM notices")
    assert {answer.content for answer in answers} == {later.content}
    assert sha256_hex(later.content) == kept["sha256"]
    assert [file.name for file in desk.folder.iterdir()] == [kept["file"]]


async def test_the_first_file_of_a_notice_stays_and_its_row_cannot_be_changed(desk: Desk) -> None:
    await desk.sign()
    what = KeepNotice(issue_id=await desk.issue_id(), round=1, file="first.pdf", sha256="aa")

    first = await keep_notice(desk.database, By("engine", NOW, "first"), what)
    second = await keep_notice(desk.database, By("engine", NOW, "second"), what.model_copy(update={"file": "second.pdf", "sha256": "bb"}))

    assert first == second
    for change in ("UPDATE notices SET sha256 = 'cc'", "DELETE FROM notices"):
        with pytest.raises((asyncpg.RestrictViolationError, asyncpg.InsufficientPrivilegeError)):
            await desk.database.pool.execute(change)


@pytest.mark.parametrize("spoil", [lambda file: file.unlink(), lambda file: file.write_bytes(b"%PDF")], ids=["lost", "altered"])
async def test_a_lost_or_altered_file_is_refused_and_never_written_anew(desk: Desk, spoil: Callable[[Path], object]) -> None:
    await desk.sign()
    await desk.ask()
    (file,) = desk.folder.iterdir()
    spoil(file)

    answer = await desk.ask()

    assert (answer.status_code, answer.json()["code"]) == (409, "notice_damaged")
    assert "编整〔2026〕1号" in answer.json()["detail"]


async def test_an_unsigned_notice_and_one_that_cannot_be_drawn_are_refused_in_words(desk: Desk) -> None:
    unsigned = await desk.ask()
    await desk.record(Act.CONFIRM, IssueState.NOTICE_SIGNED, 1, title="违规超编", demand="清退\ue123")

    undrawable = await desk.ask()

    assert (unsigned.status_code, unsigned.json()["code"]) == (409, "notice_not_signed")
    assert (undrawable.status_code, undrawable.json()["code"]) == (409, "notice_not_drawable")
    assert "U+E123" in undrawable.json()["detail"]
    assert await desk.database.pool.fetchval("SELECT sha256 FROM notices") is None


async def test_what_cannot_be_drawn_is_neither_signed_nor_released(desk: Desk) -> None:
    """Must fail when it is taken: what was signed or listed cannot be written anew."""
    unsigned = await desk.post(f"/issues/{await desk.issue_id()}/confirmation", title="违规超编", demand="清退\ue123")
    await desk.record(Act.CONFIRM, IssueState.NOTICE_SIGNED, 1, title="违规超编", demand="清退\ue123")

    unreleased = await desk.post(f"/supervision-lists/{await desk.edition()}/release", OPERATOR)

    assert (unsigned.status_code, unsigned.json()["code"]) == (409, "notice_not_drawable")
    assert (unreleased.status_code, unreleased.json()["code"]) == (409, "list_not_drawable")
    assert [answer.json()["facts"]["characters"] for answer in (unsigned, unreleased)] == ["U+E123"] * 2
    assert await desk.database.pool.fetchval("SELECT released_at FROM supervision_lists") is None


async def test_a_released_notice_whose_file_is_altered_is_held_until_it_is_back(desk: Desk, tmp_path: Path) -> None:
    await desk.sign()
    await desk.ask()
    what = ReleaseNotice(issue_id=await desk.issue_id())
    seal_id = await release_notice(desk.database, By("operator-he", NOW, "release"), what)
    (file,) = desk.folder.iterdir()
    written = file.read_bytes()
    sealing = Sealing({Document.NOTICE: desk.folder}, "编办", Renderer(), Platform(demo_seal(tmp_path)), "http://callback")
    activities = MonitoringActivities(desk.database, Surroundings(load_calendar, lambda: None, lambda: NOW), sealing)
    start = SealStart(kind=Document.NOTICE, document_id=seal_id, released_at=NOW)

    async def held() -> dict[str, Any]:
        headers = {"authorization": f"Bearer {desk.tokens.issue(SUPERVISOR, datetime.now(UTC))}"}
        page = (await desk.http.get(f"/issues/{what.issue_id}", headers=headers)).json()
        return {"held": page["notice"]["held"], "standing": page["notice"]["standing"]}

    for spoil in (file.unlink, lambda: file.write_bytes(written + b" ")):
        spoil()
        with pytest.raises(NoticeDamaged):
            await activities.seal_document(start)
    damaged = await held()
    file.write_bytes(written)
    await activities.seal_document(start)

    assert (damaged, await held()) == ({"held": "notice_damaged", "standing": "awaiting_seal"}, {"held": None, "standing": "awaiting_seal"})


@pytest.mark.parametrize("spoil", [lambda file: file.unlink(), lambda file: file.write_bytes(b"%PDF")], ids=["lost", "altered"])
async def test_a_list_is_handed_out_as_it_was_sealed_or_not_at_all(desk: Desk, spoil: Callable[[Path], object]) -> None:
    edition, pdf = await desk.edition(), b"%PDF-sealed"
    await release_list(desk.database, By("operator-he", NOW, "release"), ReleaseList(list_id=edition))
    name, sha256 = keep_file(desk.folder, edition, pdf), sha256_hex(pdf)
    filing = FileSealed(kind=Document.LIST, document_id=edition, file=name, sha256=sha256, signer="印章", sealed_at=NOW)
    await file_sealed(desk.database, By("engine", NOW, "filed"), filing)

    async def asked() -> httpx.Response:
        headers = {"authorization": f"Bearer {desk.tokens.issue(SUPERVISOR, datetime.now(UTC))}"}
        return await desk.http.get(f"/supervision-lists/{edition}/pdf", headers=headers)

    sealed = await asked()
    spoil(desk.folder / name)
    damaged = await asked()

    assert (sealed.content, sealed.headers["content-type"]) == (pdf, "application/pdf")
    assert (damaged.status_code, damaged.json()["code"]) == (409, "list_damaged")


async def test_the_notice_of_an_earlier_round_stays_readable(desk: Desk) -> None:
    person = uuid4()
    await desk.sign()
    before = (await desk.ask()).content
    await desk.close()
    await desk.see(desk.town.over_quota(person=person))

    present, earlier = await desk.ask(), await desk.ask(round=1)

    assert (present.status_code, present.json()["code"]) == (409, "notice_not_signed")
    assert earlier.content == before


async def test_the_page_of_an_issue_tells_of_the_sealed_notices_of_all_its_rounds(desk: Desk) -> None:
    await desk.sign()
    await desk.ask()
    await desk.seal(b"%PDF-sealed")
    await desk.close()
    await desk.see(desk.town.over_quota(person=uuid4()))

    headers = {"authorization": f"Bearer {desk.tokens.issue(SUPERVISOR, datetime.now(UTC))}"}
    page = (await desk.http.get(f"/issues/{await desk.issue_id()}", headers=headers)).json()

    told = [(each["round"], each["number"], each["sealed_sha256"]) for each in page["sealed_notices"]]
    assert (page["round"], page["notice"], told) == (2, None, [(1, "编整〔2026〕1号", sha256_hex(b"%PDF-sealed"))])


async def test_a_notice_is_for_readers_of_documents_and_before_its_seal_for_the_office_alone(desk: Desk) -> None:
    await desk.sign()
    readers = PERMISSIONS["documents.read"]

    codes = {role: (await desk.ask(Who("somebody", frozenset({role}), (desk.town.unit_id,)))).status_code for role in Role}
    await desk.seal(b"%PDF-sealed")
    own = await desk.ask(Who("clerk", frozenset({Role.UNIT_CLERK}), (desk.town.unit_id,)))

    assert {role for role, code in codes.items() if code == 403} == set(Role) - readers
    assert {role for role, code in codes.items() if code == 200} == OFFICE
    assert (own.status_code, own.content) == (200, b"%PDF-sealed")


async def test_a_notice_is_released_once_written_and_open_and_a_sealed_one_stays(desk: Desk) -> None:
    release = ReleaseNotice(issue_id=await desk.issue_id())

    async def refusal() -> type[Exception]:
        with pytest.raises(Conflict) as refused:
            await release_notice(desk.database, By("operator-he", NOW, str(uuid4())), release)
        return type(refused.value)

    unsigned = await refusal()
    await desk.sign()
    unwritten = await refusal()
    await desk.ask()
    await desk.seal(b"%PDF-sealed")
    again = await refusal()
    await desk.close()
    over = await refusal()

    assert (unsigned, unwritten, again, over) == (NoticeNotSigned, NoticeNotSigned, NoticeAlreadyReleased, CaseOver)
    with pytest.raises(asyncpg.RestrictViolationError):
        await desk.database.pool.execute("UPDATE notice_seals SET sealed_sha256 = 'cc'")
