"""整改材料: files as units bring them, what is not taken, who sees them when, and what a submission may name."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import FastAPI

from services.monitoring.api import evidence, issues
from services.monitoring.api.turns import Turns
from services.monitoring.commands import retention
from services.monitoring.commands.evidence import keep_evidence_file
from services.monitoring.models.facts import Surroundings
from services.monitoring.models.refusals import EvidenceFileMislabelled, EvidenceFilesTooMany, EvidenceFormUnknown
from services.monitoring.models.requests import KeepEvidenceFile
from services.monitoring.rules.evidence import MOST_BYTES, MOST_FILES, media_type_of
from shared.auth import Tokens, Who
from shared.clock import Clock
from shared.db import By
from shared.exports.retention import EndKeeping, Keeping, sweep
from shared.exports.shelf import Shelf
from shared.glossary import IssueState, Role
from shared.http import serve, service_app
from shared.law.deadline import Deadline
from shared.law.notices import load_calendar
from shared.temporal import update_id
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CALENDAR, CIPHER, OFFICER, Tables, by
from workflows.rectification_case import Act

PDF = b"%PDF-1.7\n%%EOF\n"
SERVED = Deadline.start(NOW.date(), 15, CALENDAR)


@dataclass
class Desk:
    """The doors of issues and of their files, and the tables behind them."""

    http: httpx.AsyncClient
    tokens: Tokens
    tables: Tables
    folder: Path
    town: Town

    @property
    def clerk(self) -> Who:
        return Who("clerk-zhu", frozenset({Role.UNIT_CLERK}), (self.town.unit_id,))

    async def ask(self, who: Who, method: str, path: str = "", key: str = "", **more: Any) -> httpx.Response:
        token = self.tokens.issue(who, datetime.now(UTC))
        headers = {"authorization": f"Bearer {token}", "idempotency-key": key or f"request-{uuid4()}"}
        return await self.http.request(method, f"/issues/{(await self.tables.issue())['id']}{path}", headers=headers, **more)

    async def bring(self, name: str = "出编通知单.pdf", content: bytes = PDF, who: Who | None = None) -> httpx.Response:
        return await self.ask(who or self.clerk, "POST", "/evidence-files", files={"file": (name, content)})

    async def hand_in(self, *files: str) -> None:
        details = {"description": "已出编", "attachments": list(files)}
        await self.tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 3, details=details, deadline=SERVED)

    async def shown(self, who: Who) -> list[tuple[str, bool]]:
        return [(each["name"], each["handed_in"]) for each in (await self.ask(who, "GET")).json()["files"]]


@pytest_asyncio.fixture
async def desk(tables: Tables, tmp_path: Path) -> AsyncIterator[Desk]:
    """A served notice that waits for its unit."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    tokens = Tokens(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), private)
    town, app = Town(), _app(tables, tokens, tmp_path)
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, details={"served_on": str(NOW.date())}, deadline=SERVED)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://monitoring") as http:
        yield Desk(http, tokens, tables, tmp_path, town)


def _app(tables: Tables, tokens: Tokens, folder: Path) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = service_app("monitoring", lifespan)
    app.state.database, app.state.tokens, app.state.clock = tables.database, tokens, Clock(None)
    app.state.temporal, app.state.folder, app.state.cipher, app.state.evidence = None, folder, CIPHER, Shelf(folder, CIPHER)
    app.state.turns, app.state.surroundings = Turns(), Surroundings(load_calendar, lambda: None, lambda: NOW)
    serve(app, (issues.router, evidence.router))
    return app


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, "")
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.PDF", PDF, "application/pdf"),
        ("a.jpeg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("a.ofd", archive("OFD.xml"), "application/ofd"),
        ("a.xlsx", archive("xl/workbook.xml"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_a_file_is_known_by_its_name_and_by_what_is_in_it(name: str, content: bytes, kind: str) -> None:
    assert media_type_of(name, content) == kind


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.pdf", b"MZ"), ("a.pdf", b""), ("a.png", PDF), ("a.docx", archive("xl/workbook.xml")), ("a.xlsx", b"PK\x03\x04 torn")],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(EvidenceFileMislabelled):
        media_type_of(name, content)


@pytest.mark.parametrize("name", ["a.exe", "a.html", "a.svg", "a", "a.pdf.zip", ".pdf"])
def test_other_forms_are_refused_by_their_name_alone(name: str) -> None:
    with pytest.raises(EvidenceFormUnknown):
        media_type_of(name, PDF)


@pytest.mark.asyncio
async def test_the_unit_brings_a_file_and_the_office_sees_it_once_it_is_handed_in(desk: Desk) -> None:
    brought = (await desk.bring("../附件/王某<b>.pdf")).json()
    before = [await desk.shown(who) for who in (desk.clerk, OFFICER)]
    unseen = await desk.ask(OFFICER, "GET", f"/evidence-files/{brought['id']}")
    await desk.hand_in(brought["id"])
    file = await desk.ask(OFFICER, "GET", f"/evidence-files/{brought['id']}")

    assert (brought["name"], brought["size"], brought["media_type"]) == ("王某<b>.pdf", len(PDF), "application/pdf")
    assert before == [[("王某<b>.pdf", False)], []]
    assert (unseen.status_code, unseen.json()["code"]) == (404, "evidence_file_unknown")
    assert await desk.shown(OFFICER) == [("王某<b>.pdf", True)]
    assert (file.content, file.headers["content-type"]) == (PDF, "application/pdf")
    assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''%E7%8E%8B%E6%9F%90%3Cb%3E.pdf"
    assert file.headers["x-content-type-options"] == "nosniff"


@pytest.mark.asyncio
async def test_the_office_brings_no_files_and_who_reads_no_people_sees_none(desk: Desk) -> None:
    brought = (await desk.bring()).json()

    await desk.hand_in(brought["id"])
    observer = Who("observer", frozenset({Role.OBSERVER}))

    assert (await desk.shown(observer), (await desk.ask(observer, "GET", f"/evidence-files/{brought['id']}")).status_code) == ([], 403)
    assert (await desk.bring(who=OFFICER)).status_code == 403


@pytest.mark.asyncio
async def test_what_is_not_taken_says_why_and_leaves_nothing(desk: Desk) -> None:
    answers = [
        await desk.bring("a.pdf", PDF + b"0" * MOST_BYTES),
        await desk.bring("a.pdf", PDF + b"0" * 3 * MOST_BYTES),
        await desk.bring("a.exe"),
        await desk.bring("a.png"),
        await desk.ask(desk.clerk, "POST", "/evidence-files", files={"other": ("a.pdf", PDF)}),
        await desk.ask(desk.clerk, "POST", "/evidence-files", json={}),
    ]

    assert [answer.json()["code"] for answer in answers] == [
        *(
            "evidence_file_too_large",
            "evidence_file_too_large",
            "evidence_form_unknown",
            "evidence_file_mislabelled",
            "evidence_file_missing",
            "evidence_file_missing",
        )
    ]
    assert await desk.shown(desk.clerk) == []
    assert list(desk.folder.iterdir()) == []


@pytest.mark.asyncio
async def test_a_submission_names_files_of_its_own_issue_and_round_alone(desk: Desk) -> None:
    brought = (await desk.bring()).json()
    await desk.tables.database.pool.execute("UPDATE issues SET round = 2, has_case = true, state = 'rectifying'")
    answers = [
        await desk.ask(desk.clerk, "POST", "/evidence", json={"description": "已出编", "attachments": [each]})
        for each in (brought["id"], str(uuid4()), "通知单.pdf")
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        *((404, "evidence_file_unknown"), (404, "evidence_file_unknown"), (422, "malformed"))
    ]


@pytest.mark.asyncio
async def test_nobody_accepts_evidence_of_a_round_in_which_he_handed_some_in_or_brought_a_file(desk: Desk) -> None:
    brought = (await desk.bring(who=Who("clerk-he", desk.clerk.roles, desk.clerk.units))).json()
    for sequence, act, state in ((3, Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED), (4, Act.RETURN_EVIDENCE, IssueState.RECTIFYING)):
        await desk.tables.record(act, state, sequence, details={"description": "已出编"}, deadline=SERVED)
    again = {"description": "已出编", "attachments": [brought["id"]]}
    await desk.tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 5, actor="clerk-zhu", details=again, deadline=SERVED)
    await desk.tables.database.pool.execute("UPDATE issues SET present = false")

    names = ("officer-shen", "clerk-zhu", "clerk-he")  # who handed in before, who did last, whose file it is
    asked = [await desk.ask(Who(each, OFFICER.roles), "POST", "/acceptance", json={"document_no": "验1号"}) for each in names]
    pages = {each: (await desk.ask(Who(each, OFFICER.roles), "GET")).json() for each in (*names, "officer-lu")}

    assert [(answer.status_code, answer.json()["code"]) for answer in asked] == [(409, "own_case")] * 3
    assert ["accept" in page["actions"] for page in pages.values()] == [False, False, False, True]
    assert ["accept" in page["withheld"] for page in pages.values()] == [True, True, True, False]


@pytest.mark.asyncio
async def test_a_repeated_submission_is_answered_from_the_record_whatever_has_become_of_the_issue(desk: Desk) -> None:
    """Temporal is not there to ask."""
    handed_in = {
        "description": "已出编",
        "attachments": [(await desk.bring()).json()["id"]],
        "reason": "按规定",
        "document_no": "文〔2026〕1号",
    }
    request = update_id(desk.clerk.name, "submission-1")
    await desk.tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 3, request=request, deadline=SERVED)
    await desk.tables.database.pool.execute("UPDATE issues SET round = 2, has_case = false, state = 'to_verify'")

    repeated = await desk.ask(desk.clerk, "POST", "/evidence", "submission-1", json=handed_in)
    other = await desk.ask(desk.clerk, "POST", "/evidence", "submission-1", json=handed_in | {"reason": "补充"})
    stranger = Who(desk.clerk.name, desk.clerk.roles, (uuid4(),))
    elsewhere = await desk.ask(stranger, "POST", "/evidence", "submission-1", json=handed_in)

    assert (repeated.status_code, repeated.json().get("round")) == (200, 2)
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "issue_unknown")


@pytest.mark.asyncio
async def test_a_case_that_is_over_takes_no_file(desk: Desk) -> None:
    await desk.tables.database.pool.execute("UPDATE issues SET state = 'closed'")

    assert (await desk.bring()).json()["code"] == "case_over"


@pytest.mark.asyncio
async def test_an_altered_file_is_not_handed_out(desk: Desk) -> None:
    brought = (await desk.bring()).json()
    (kept,) = desk.folder.iterdir()
    kept.write_bytes(b"%PDF-1.7 other")

    assert (await desk.ask(desk.clerk, "GET", f"/evidence-files/{brought['id']}")).json()["code"] == "evidence_file_damaged"


@pytest.mark.asyncio
async def test_evidence_is_kept_its_time_after_the_case_and_what_goes_is_told(desk: Desk) -> None:
    brought = (await desk.bring()).json()
    pool = desk.tables.database.pool
    shelf, how = Shelf(desk.folder, CIPHER), (retention.due, retention.end_keeping, retention.live)
    await sweep(Keeping(desk.tables.database, Clock(None), shelf, 0, *how))
    open_still = [each.name for each in desk.folder.iterdir()]
    case = await pool.fetchval("SELECT issue_id FROM evidence_files")
    late = EndKeeping(case=case, kept_days=0, closed_before=Clock(None).now())
    nothing = await retention.end_keeping(desk.tables.database, By("engine", Clock(None).now(), "late"), late)  # taken up again meanwhile
    await pool.execute("UPDATE issues SET state = 'closed', closed_at = now() - interval '400 days'")
    await sweep(Keeping(desk.tables.database, Clock(None), shelf, 401, *how))
    in_time = [each.name for each in desk.folder.iterdir()]
    await sweep(Keeping(desk.tables.database, Clock(None), shelf, 399, *how))
    gone = await desk.ask(desk.clerk, "GET", f"/evidence-files/{brought['id']}")

    assert nothing == []
    assert open_still == in_time == [f"{brought['id']}-0"]
    assert list(desk.folder.iterdir()) == []
    assert (gone.status_code, gone.json()["code"]) == (404, "evidence_file_removed")
    [row] = await pool.fetch("SELECT actor, body FROM event_log WHERE type = 'monitoring.evidence_removed.v1'")
    assert (row["actor"], brought["id"] in str(row["body"])) == ("engine", True)


def _file(issue: UUID) -> KeepEvidenceFile:
    return KeepEvidenceFile(
        id=uuid4(), issue_id=issue, round=1, name="a.pdf", media_type="application/pdf", size=1, sha256="x", file=str(uuid4())
    )


@pytest.mark.asyncio
async def test_what_lies_on_the_disk_is_sealed_for_its_owner_alone_and_one_too_many_leaves_nothing(desk: Desk) -> None:
    answers = [await desk.bring("a.pdf", PDF + bytes([number])) for number in range(MOST_FILES + 1)]
    kept = list(desk.folder.iterdir())

    assert [answer.status_code for answer in answers] == [201] * MOST_FILES + [409]
    assert len(kept) == MOST_FILES
    assert {each.stat().st_mode & 0o777 for each in kept} == {0o600}
    assert not any(b"%PDF" in each.read_bytes() for each in kept)


@pytest.mark.asyncio
async def test_a_round_holds_no_more_files_than_it_may(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    issue: UUID = (await tables.issue())["id"]
    for number in range(MOST_FILES - 1):
        await keep_evidence_file(tables.database, by(f"file-{number}"), _file(issue))

    async with tables.database.transaction() as conn:
        await conn.execute("SELECT FROM issues WHERE id = $1 FOR UPDATE", issue)
        racing = [asyncio.ensure_future(keep_evidence_file(tables.database, by(f"last-{number}"), _file(issue))) for number in range(2)]
        _, waiting = await asyncio.wait(racing, timeout=0.5)
    results = await asyncio.gather(*racing, return_exceptions=True)

    assert len(waiting) == 2
    assert sorted(type(each) is EvidenceFilesTooMany for each in results) == [False, True]
