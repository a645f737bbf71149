"""附件: kept as they were brought, by whom and when; what is no such file is refused; who sees them."""

import asyncio
import os
import uuid
from collections import Counter
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.approval.commands import retention
from services.approval.models.refusals import AttachmentTooLarge, AttachmentUnfit, NotTheTimeForFiles
from services.approval.rules import attachments as rules
from shared.auth import Who
from shared.db import By
from shared.exports.retention import EndKeeping, Keeping, sweep
from shared.exports.shelf import Shelf
from shared.glossary import ApplicationState, Role
from tests.approval.house import FRIDAY, House

PDF, XSS = b"%PDF-1.7\n%%EOF", "<img src=x onerror=alert(1)>张三.pdf"


async def bring(
    home: House, application: uuid.UUID, who: Who | None = None, name: str = "批复.pdf", content: bytes = PDF
) -> httpx.Response:
    file = {"file": (name, content, "text/html")}
    return await home.approval.post(f"/applications/{application}/attachments", files=file, headers=home.headers(who or home.clerk))


async def names(home: House, application: uuid.UUID) -> list[Any]:
    return [each["name"] for each in (await home.get(home.clerk, f"/applications/{application}/attachments"))["items"]]


@pytest.mark.asyncio
async def test_a_file_is_given_back_as_it_was_brought_and_never_as_a_page(home: House) -> None:
    application = await home.submit()
    kept = (await bring(home, application, name=f"C:\\tmp\\{XSS}")).json()
    again = (await bring(home, application, name="另一个名字.pdf")).json()
    answer = await home.approval.get(f"/applications/{application}/attachments/{kept['id']}/file", headers=home.headers(home.deciders[1]))

    assert (kept["media_type"], kept["brought_by"], kept["revision"]) == ("application/pdf", "clerk-zhu", 1)
    assert (answer.content, answer.headers["content-type"]) == (PDF, "application/pdf")
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert again["id"] == kept["id"], "the same bytes are the file that is there"
    assert await names(home, application) == [XSS]


@pytest.mark.asyncio
async def test_other_kinds_of_files_too_many_and_too_late_ones_are_refused(home: House) -> None:
    application = await home.submit()
    refused = [
        await bring(home, application, name=name, content=content)
        for name, content in (("a.html", b"<html>"), ("a.pdf", b"<html>"), ("a", PDF), ("a.exe", b"MZ"))
    ]
    kept = [await bring(home, application, content=PDF + bytes([place])) for place in range(rules.MOST + 1)]
    await home.post(home.clerk, f"/applications/{application}/withdrawal", {"reason": "不再需要"})
    await home.until_state(application, "withdrawn")
    late = await bring(home, application, content=PDF + b"\0")

    assert {answer.json()["code"] for answer in refused} == {"attachment_unfit"}
    assert [answer.status_code for answer in kept] == [201] * rules.MOST + [409]
    assert kept[-1].json()["code"] == "too_many_attachments"
    assert late.json()["id"] == kept[0].json()["id"], "what is there is there"
    assert (await bring(home, application, content=PDF + b"late")).json()["code"] == "not_the_time_for_files"


@pytest.mark.asyncio
async def test_what_is_brought_to_a_returned_application_is_of_its_next_submission(home: House) -> None:
    application = await home.submit()
    await home.decide(application, home.deciders[0], verdict="return", reason_codes=["material_missing"], opinion="请补齐")
    await home.until_state(application, "returned")

    assert (await bring(home, application)).json()["revision"] == 2


@pytest.mark.asyncio
async def test_many_at_once_are_no_more_than_may_lie_there(home: House) -> None:
    application = await home.submit()
    answers = await asyncio.gather(*(bring(home, application, content=PDF + bytes([place])) for place in range(rules.MOST + 4)))

    assert Counter(answer.status_code for answer in answers) == {201: rules.MOST, 409: 4}


@pytest.mark.asyncio
async def test_whoever_laid_a_file_beside_it_neither_finds_it_to_be_decided_nor_decides_it(home: House) -> None:
    deputy = Who("deputy", frozenset({Role.UNIT_CLERK, Role.UNIT_HEAD}), (home.school,))
    application = await home.submit()
    await home.until(application, lambda seen: seen["step"] == "unit_head")
    before = (await home.get(deputy, "/tasks/counts"))["todo"]
    await bring(home, application, deputy)
    seen = await home.get(deputy, f"/applications/{application}")
    answer = await home.decide(application, deputy)

    assert (before, (await home.get(deputy, "/tasks/counts"))["todo"]) == (1, 0)
    assert ("approve" in seen["actions"], "本人有关" in seen["withheld"]) == (False, True)
    assert (answer.status_code, answer.json()["code"]) == (409, "own_case")
    assert (await home.decide(application, home.deciders[0])).status_code == 200


def test_a_file_is_what_its_first_bytes_say() -> None:
    assert rules.media_type_of("照片.JPG", b"\xff\xd8\xff\xe0") == "image/jpeg"
    for name, content in (("照片.jpg", b"\x89PNG\r\n\x1a\n"), ("x.svg", b"<svg>"), ("", PDF)):
        with pytest.raises(AttachmentUnfit):
            rules.media_type_of(name, content)
    assert rules.media_type_of("a.pdf", PDF.ljust(rules.LARGEST)) == "application/pdf"
    with pytest.raises(AttachmentTooLarge):
        rules.media_type_of("a.pdf", PDF.ljust(rules.LARGEST + 1))


@pytest.mark.parametrize("state", ApplicationState)
def test_files_are_brought_while_a_case_is_looked_at_rests_or_is_mended(state: ApplicationState) -> None:
    may = state in {ApplicationState.IN_REVIEW, ApplicationState.PAUSED, ApplicationState.RETURNED}

    with nullcontext() if may else pytest.raises(NotTheTimeForFiles):
        rules.ensure_may_bring(state, rules.MOST - 1)


@pytest.mark.asyncio
async def test_what_lies_on_the_disk_is_sealed_and_what_is_refused_or_there_already_leaves_nothing(home: House) -> None:
    application = await home.submit()
    first = (await bring(home, application)).json()
    for name, content in (("again.pdf", PDF), ("a.exe", b"MZ"), ("a.pdf", b"<html>")):
        await bring(home, application, name=name, content=content)
    for place in range(rules.MOST + 3):
        await bring(home, application, content=PDF + bytes([place]))
    folder = home.attachments
    rows = await home.database.pool.fetch("SELECT file FROM attachments WHERE application_id = $1", application)

    assert sorted(each.name for each in folder.iterdir()) == sorted(row["file"] for row in rows)
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}
    assert not any(PDF in each.read_bytes() for each in folder.iterdir())
    (folder / rows[0]["file"]).write_bytes((folder / rows[1]["file"]).read_bytes())
    moved = await home.approval.get(f"/applications/{application}/attachments/{first['id']}/file", headers=home.headers(home.clerk))
    assert moved.json()["code"] == "attachment_damaged"


@pytest.mark.asyncio
async def test_files_are_kept_their_time_after_the_case_and_what_goes_is_told(home: House) -> None:
    application, running = await home.submit(), await home.submit(title="另一件")
    kept, other = (await bring(home, application)).json(), (await bring(home, running)).json()
    await home.post(home.clerk, f"/applications/{application}/withdrawal", {"reason": "不再需要"})
    await home.until_state(application, "withdrawn")
    keeping = Keeping(home.database, home.clock, Shelf(home.attachments, None), 400, retention.due, retention.end_keeping, retention.live)
    stray, young = home.attachments / str(uuid.uuid4()), home.attachments / str(uuid.uuid4())
    for each in (stray, young):
        each.write_bytes(b"x")
    os.utime(stray, (0, 0))
    at = f"/applications/{application}/attachments"

    await sweep(keeping)
    before = (await home.get(home.clerk, at))["items"][0]["removed_at"]
    home.move_to(FRIDAY + timedelta(days=401))
    await asyncio.gather(sweep(keeping), sweep(keeping))
    await sweep(keeping)
    late = EndKeeping(case=running, kept_days=400, closed_before=FRIDAY + timedelta(days=401))
    nothing = await retention.end_keeping(home.database, By("engine", home.clock.now(), "late"), late)  # goes on: it was not found as due

    assert (before, nothing) == (None, [])
    [shown] = (await home.get(home.clerk, at))["items"]
    gone = await home.approval.get(f"{at}/{kept['id']}/file", headers=home.headers(home.clerk))
    still = await home.approval.get(f"/applications/{running}/attachments/{other['id']}/file", headers=home.headers(home.clerk))
    assert (shown["removed_at"] is not None, gone.status_code, gone.json()["code"]) == (True, 404, "attachment_removed")
    assert still.content == PDF
    assert {each.name for each in home.attachments.iterdir()} == {f"{other['id']}-0", young.name}
    rows = await home.database.pool.fetch("SELECT actor, reason, body FROM event_log WHERE type = 'approval.attachments_removed.v1'")
    assert [(row["actor"], kept["id"] in str(row["body"]), "400 天" in row["reason"]) for row in rows] == [("engine", True, True)]
