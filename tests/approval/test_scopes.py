"""Trying to get around the row scope of approval: every route is asked with ids of another unit's application, file and notice (tests/scopes.py)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from deploy.local.place import Place
from services.approval import consumers
from services.approval.commands import applications, documents
from services.approval.models.requests import FileDocument, KeepRendered
from shared.db import By, Database
from shared.documents import keep_file, sha256_hex
from shared.events.roster import UnitRegistered
from shared.glossary import ApplicationState, EntryKind, Role
from tests.roster.doors import Doors
from tests.scopes import EVERYTHING, SHUT, Caller, leaks, let_in, opened, posted, standing, told_apart
from workflows.approval_messages import Entry, NumberDocument, Standing

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 9, 18, 1, tzinfo=UTC)
PDF = b"%PDF-1.7\n%%EOF\n"
NAME, TITLE = "范围外示例小学", "范围外示例岗位"
WORDS = {"number": 1, "type": "transfer_application", "kind": "SY", "funding": "full", "effective_on": "2026-09-18", "list": "filing"}


@dataclass(frozen=True)
class Town:
    """Two units that have nothing to do with each other, each with a filed application, another that waits, and an export."""

    doors: Doors
    tables: Database
    own: dict[str, UUID]
    foreign: dict[str, UUID]

    def caller(self, *roles: Role, ids: dict[str, UUID] | None = None) -> Caller:
        """Somebody of the own unit, or of another one."""
        unit = (ids or self.own)["unit_id"]
        return Caller(self.doors.http, lambda: self.doors.as_(*roles, units=(unit,), name=f"of-{unit}"), WORDS)


@pytest_asyncio.fixture
async def town(stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    async with opened("approval", stack, database, tmp_path, monkeypatch) as (_, doors, tables):
        own = await applying(doors, tables, tmp_path / "documents", "范围内示例小学", "示例岗位")
        yield Town(doors, tables, own, await applying(doors, tables, tmp_path / "documents", NAME, TITLE))


async def applying(doors: Doors, tables: Database, folder: Path, name: str, title: str) -> dict[str, UUID]:
    """A unit with an application, a file beside it, its filed notice, and an export of its clerk's."""
    unit_id = uuid4()
    known = {"occurred_at": NOW, "unit_id": unit_id, "version": 1, "parent_id": None, "path": (unit_id,), "name": name, "code": "S"}
    registered = UnitRegistered.model_validate(known | {"category": "SY-1", "valid_from": date(2020, 1, 1)})
    async with tables.transaction() as conn:
        await consumers.handlers()[UnitRegistered](conn, registered)
    asked = {"type": "post_use_application", "unit_id": str(unit_id), "kind": "SY", "funding": "full", "title": title}
    application_id = await posted(doors, unit_id, "/applications", "application_id", json=asked | {"justification": title})
    brought = await posted(doors, unit_id, f"/applications/{application_id}/attachments", files={"file": (f"{title}.pdf", PDF)})
    ids = {"unit_id": unit_id, "application_id": application_id, "attachment_id": brought}
    ids |= {"document_id": await filed(tables, folder, application_id)}
    ids |= {"waiting_id": await waiting(doors, tables, unit_id, asked)}
    ids |= {"export_id": await posted(doors, unit_id, "/exports", json={"list": "filing", "reason": title})}
    return ids | {name: uuid4() for name in ("person_id", "reservation_id", "change_id")}


async def waiting(doors: Doors, tables: Database, unit_id: UUID, asked: dict[str, str]) -> UUID:
    """An application that waits for the unit's head."""
    application_id = await posted(doors, unit_id, "/applications", "application_id", "colleague", json=asked | {"justification": "补员"})
    after = Standing(state=ApplicationState.IN_REVIEW, revision=1, step="unit_head", holder=Role.UNIT_HEAD)
    line = Entry(application_id=application_id, sequence=1, kind=EntryKind.RECEIVED, at=NOW, standing=after)
    await applications.record_entry(tables, by(), line)
    return application_id


async def filed(tables: Database, folder: Path, application_id: UUID) -> UUID:
    """The notice of an application, written, released and filed."""
    numbered = await documents.number_document(tables, by(), NumberDocument(application_id=application_id, on=NOW.date()))
    document_id, sha256 = numbered.document_id, sha256_hex(PDF)
    name = await asyncio.to_thread(keep_file, folder, document_id, PDF)
    await documents.keep_rendered(tables, by(), KeepRendered(document_id=document_id, file=name, sha256=sha256))
    told: dict[str, Any] = {"application_id": application_id, "at": NOW, "actor": "sealer", "role": Role.SEAL_OPERATOR}
    for sequence, kind in enumerate((EntryKind.RELEASED, EntryKind.RECORDED), 1):
        state = ApplicationState.FILED if kind is EntryKind.RECORDED else ApplicationState.EFFECTING
        after = Standing(state=state, revision=1, step=None, holder=None)
        line = Entry(sequence=sequence, kind=kind, standing=after, document_id=document_id, **told)
        await applications.record_entry(tables, by(), line)
    what = FileDocument(document_id=document_id, file=name, sha256=sha256, signer="编办", sealed_at=NOW)
    await documents.file_document(tables, by(), what)
    return document_id


def by() -> By:
    return By("system", NOW, str(uuid4()), "理由")


@pytest.mark.parametrize("roles", [EVERYTHING, (Role.UNIT_CLERK, Role.UNIT_HEAD)], ids=["every right", "of a unit"])
async def test_a_route_that_names_another_units_rows_answers_as_if_they_were_not(town: Town, roles: tuple[Role, ...]) -> None:
    caller, before = town.caller(*roles), await standing(town.tables, "approval", *town.foreign.values())

    found, of_nobody = await caller.compared(town.foreign, town.foreign)

    assert len([route for route in found if "_id}" in route]) > 15
    assert let_in(found) == {}
    assert told_apart(found, of_nobody) == {}
    assert leaks(found, NAME, TITLE) == []
    assert json.loads(found["/tasks/counts get"].text)["todo"] == 1, "the own one"
    assert await standing(town.tables, "approval", *town.foreign.values()) == before


async def test_a_body_that_names_another_unit_is_refused_and_moves_nothing_there(town: Town) -> None:
    caller, before = town.caller(*EVERYTHING), await standing(town.tables, "approval", *town.foreign.values())
    beside = town.own | {"attachment_id": town.foreign["attachment_id"]}

    found = await caller.answers(town.own, town.foreign, lambda asked: asked.takes(town.foreign))
    files = await caller.answers(beside, town.own, lambda asked: "attachment_id" in asked.names)

    assert [answer.status for answer in files.values()] == [404], "a file of another application"
    named = {route: answer for route, answer in found.items() if route.endswith(" post")}
    assert {route: named[route].status for route in ("/applications post", "/application-previews post")} == {
        "/applications post": 404,
        "/application-previews post": 404,
    }
    assert named["/applications/{application_id}/resubmission post"].status == 409, "a case stays with its units"
    assert leaks(found, NAME, TITLE) == []
    assert await standing(town.tables, "approval", *town.foreign.values()) == before


async def test_the_same_routes_answer_to_whom_they_belong(town: Town) -> None:
    """Otherwise the refusals above would say nothing."""
    mine = town.caller(*EVERYTHING, ids=town.foreign)
    await town.doors.http.post(f"/exports/{town.foreign['export_id']}/cancel", headers=dict(mine.headers()))

    found = await mine.answers(town.foreign, town.foreign, lambda asked: asked.method == "get")

    reads = {route: answer.status for route, answer in found.items() if "_id}" in route}
    assert {route: status for route, status in reads.items() if status != 200} == {"/exports/{export_id}/file get": 409}
    assert {"/applications get", "/applications/{application_id} get", "/ledger get", "/tasks get"} <= set(leaks(found, NAME, TITLE))


async def test_who_answers_for_the_unit_that_lets_a_person_go_reads_and_does_nothing(town: Town) -> None:
    await town.tables.pool.execute(
        "UPDATE applications SET from_unit_id = $2 WHERE id = $1", town.foreign["application_id"], town.own["unit_id"]
    )
    caller, before = town.caller(*EVERYTHING), await standing(town.tables, "approval", *town.foreign.values())

    found = await caller.answers(town.foreign, town.own, lambda asked: asked.method != "get" and not asked.path.startswith("/exports"))

    seen = await town.doors.http.get(f"/applications/{town.foreign['application_id']}", headers=dict(caller.headers()))
    writes = {route: answer.status for route, answer in found.items() if "_id}" in route}
    assert {route for route, status in writes.items() if status not in SHUT} == {"/applications/{application_id}/reading post"}
    assert (seen.status_code, seen.json()["actions"]) == (200, [])
    after = await standing(town.tables, "approval", *town.foreign.values())
    assert {table for table in after if after[table] != before[table]} == {"readings"}, "what he has read is his own"
