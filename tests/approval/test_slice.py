"""Approval end to end on the real parts: roster, Kafka, Temporal, seal platform."""

import asyncio
import base64
import io
import json
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pypdf
import pytest
import pytest_asyncio
from temporalio.api.common.v1 import Payload

from deploy.local.place import Place
from services.roster.commands.freezes import freeze_unit, unfreeze_unit
from services.roster.models.requests import FreezeUnit, UnfreezeUnit
from shared import seal
from shared.auth import Who
from shared.db import By
from shared.documents import sha256_hex
from shared.glossary import FreezeScope
from shared.seal import Seal, signed_headers
from tests.approval.house import ID_NUMBER, NAME, House, eventually, house

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def home(
    stack: Place, database: Callable[[str], str], kafka: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    async with house(stack, database, kafka, tmp_path, monkeypatch) as home:
        yield home


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).replace("\n", "").replace(" ", "")


async def certificate(home: House) -> str:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{home.seal.port}") as platform:
        return Seal.model_validate((await platform.get("/seals")).json()[0]).certificate


async def filed_use(home: House) -> str:
    """An authorised, sealed, filed use; the answer is its reservation."""
    application = await home.submit()
    await home.approve(application)
    await home.release(application)
    await home.until_state(application, "filed")
    found = await home.roster.get(f"/units/{home.school}/reservations", headers=home.headers(home.deciders[1]))
    return str(next(iter(found.json().values()))[0]["id"])


async def test_a_use_is_approved_reserved_sealed_and_filed_and_its_entry_consumes_the_reservation(home: House) -> None:
    reservation, person = await filed_use(home), await home.person()

    application = await home.submit(
        type="entry_application", person_id=person, reservation_id=reservation, reason_code="open_recruitment", effective_on="2026-09-18"
    )
    await home.approve(application)
    document = await home.release(application)
    seen = await home.until_state(application, "filed")

    pdf = (await home.approval.get(f"/documents/{document}/file", headers=home.headers(home.clerk))).content
    verdict = await asyncio.to_thread(seal.verify, pdf, [await certificate(home)])
    ledger = (await home.get(home.clerk, "/ledger"))["items"]
    assert (verdict.intact, verdict.trusted) == (True, True)
    assert [row["document_no"] for row in ledger] == ["编核〔2026〕1号", "编入〔2026〕1号"]
    assert ledger[1]["sha256"] == sha256_hex(pdf) == seen["documents"][0]["sealed_sha256"]
    assert NAME in text_of(pdf)
    assert f"{ID_NUMBER[:6]}********{ID_NUMBER[-4:]}" in text_of(pdf)
    unit = (await home.roster.get(f"/units/{home.school}", headers=home.headers(home.deciders[1]))).json()["establishments"][0]
    assert (unit["headcount"], unit["reserved"]) == (1, 0)
    assert await published(home, "approval.document_filed.v1") == 2


async def test_names_and_numbers_of_persons_are_in_no_event_no_row_and_no_workflow_trap_33(home: House) -> None:
    person = await home.person()
    application = await home.submit(
        type="entry_application",
        person_id=person,
        reservation_id=await filed_use(home),
        reason_code="open_recruitment",
        effective_on="2026-09-18",
    )
    await home.approve(application)
    await home.until_state(application, "awaiting_release")

    tables = ["applications", "revisions", "entries", "documents", "event_log", "outbox"]
    rows = [str(dict(row)) for table in tables for row in await home.database.pool.fetch(f"SELECT * FROM {table}")]
    history = await home.temporal.get_workflow_handle(f"approval:{application}").fetch_history()
    codec = home.temporal.data_converter.payload_codec
    assert codec is not None
    readable = json.dumps(
        [payload.data.decode(errors="replace") for payload in await codec.decode(_payloads(history.to_json_dict()))], ensure_ascii=False
    )
    assert application.hex in readable.replace("-", "")
    for secret in (NAME, ID_NUMBER):
        assert secret not in readable
        assert not [row for row in rows if secret in row]


def _payloads(part: Any) -> list[Payload]:
    """Every payload in a history, wherever it stands."""
    if isinstance(part, dict) and {"metadata", "data"} <= part.keys():
        metadata = {name: base64.b64decode(value) for name, value in part["metadata"].items()}
        return [Payload(metadata=metadata, data=base64.b64decode(part["data"]))]
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [payload for each in inner for payload in _payloads(each)]


async def published(home: House, kind: str) -> int:
    return int(await home.database.pool.fetchval("SELECT count(*) FROM event_log WHERE type = $1", kind))


async def test_a_freeze_pauses_what_is_pending_and_what_is_submitted_later_but_no_exit_trap_7(home: House) -> None:
    before, order = await home.submit(), uuid.uuid4()
    by = By("director-gu", home.clock.now(), f"freeze:{order}", document_no="编冻〔2026〕1号")
    scopes = (FreezeScope.POST_USE, FreezeScope.ENTRY)

    await freeze_unit(home.roster_database, by, FreezeUnit(order_id=order, unit_id=home.town, scopes=scopes))
    paused = await home.until_state(before, "paused")
    later = await home.submit()
    leaving = await home.submit(
        type="exit_application", person_id=await home.person(), reason_code="resignation", effective_on="2026-09-18"
    )

    assert paused["blocked_by"] == [str(order)]
    assert (await home.get(home.clerk, f"/applications/{later}"))["state"] == "paused"
    assert (await home.get(home.clerk, f"/applications/{leaving}"))["state"] == "in_review"
    refused = await home.decide(before, home.deciders[0], step="unit_head")
    assert (refused.status_code, refused.json()["code"]) == (409, "paused")

    lifting = By("director-gu", home.clock.now(), f"unfreeze:{order}", document_no="编解〔2026〕1号")
    await unfreeze_unit(home.roster_database, lifting, UnfreezeUnit(order_id=order, unit_id=home.town))
    for application in (before, later):
        await home.until_state(application, "in_review")
        assert (await home.decide(application, home.deciders[0])).status_code == 200


async def test_two_approvals_of_the_last_post_leave_one_and_return_the_other_trap_5(home: House) -> None:
    applications = [await home.submit(posts=2), await home.submit(posts=2)]

    for application in applications:
        await home.approve(application)

    seen = [await home.until(each, lambda found: found["state"] in {"awaiting_release", "returned"}) for each in applications]
    assert sorted(each["state"] for each in seen) == ["awaiting_release", "returned"]
    returned = next(each for each in seen if each["state"] == "returned")
    assert returned["timeline"][-1]["reason_codes"] == ["quota_exhausted"]


async def test_with_the_seal_away_the_case_stays_awaiting_it_and_goes_on_by_itself_trap_30(home: House) -> None:
    application = await home.submit()
    await home.approve(application)
    await home.seal.stop()

    document = await home.release(application)
    waiting = await home.get(home.clerk, f"/applications/{application}")
    assert waiting["state"] == "awaiting_seal"
    assert waiting["documents"][0]["state"] == "awaiting_seal"
    assert waiting["documents"][0]["released_by"] == "sealer-he"

    await home.seal.start()
    await home.until_state(application, "filed")
    assert (await home.get(home.clerk, f"/documents/{document}"))["signer"] is not None


async def test_a_seal_answer_told_again_or_about_other_bytes_changes_nothing_trap_30(home: House) -> None:
    application = await home.submit()
    await home.approve(application)
    document = await home.release(application)
    await home.until_state(application, "filed")
    before = (await home.approval.get(f"/documents/{document}/file", headers=home.headers(home.clerk))).content
    answer = json.loads(json.dumps(await home.database.pool.fetchval("SELECT answer FROM seal_tasks WHERE document_id = $1", document)))

    again = await tell(home, answer)
    other = await tell(home, answer | {"digest": "f" * 64})
    unknown = await tell(home, answer | {"task_id": "nobody"})
    forged = await tell(home, answer, secret="0" * 64)

    assert [each.status_code for each in (again, other, unknown, forged)] == [204, 409, 404, 403]
    assert (await home.approval.get(f"/documents/{document}/file", headers=home.headers(home.clerk))).content == before
    assert await published(home, "approval.document_filed.v1") == 1
    for file in (home.folder / "out" / "documents").glob("*.pdf"):
        file.write_bytes(file.read_bytes() + b" ")
    damaged = await home.approval.get(f"/documents/{document}/file", headers=home.headers(home.clerk))
    assert (damaged.status_code, damaged.json()["code"]) == (409, "document_damaged")


async def tell(home: House, answer: dict[str, object], secret: str | None = None) -> httpx.Response:
    body = json.dumps(answer).encode()
    headers = signed_headers(body, secret or (home.folder / "seal.hmac").read_text(), home.clock.now())
    return await home.approval.post("/seal-callbacks", content=body, headers=headers)


async def test_a_refused_decision_has_its_code_and_a_repeat_its_answer(home: House) -> None:
    application = await home.submit()

    wrong = await home.decide(application, home.deciders[2])
    first = await home.decide(application, home.deciders[0], key="decision-0001", revision=1, step="unit_head")
    repeat = await home.decide(application, home.deciders[0], key="decision-0001", revision=1, step="unit_head")
    other = await home.decide(application, home.deciders[0], key="decision-0001", revision=1, step="unit_head", opinion="另一意见")

    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_person")
    assert (first.status_code, repeat.json()) == (200, first.json())
    assert other.json()["code"] == "key_reused"


async def test_a_returned_application_counts_again_when_resubmitted_trap_20(home: House) -> None:
    application = await home.submit()
    await home.decide(
        application, home.deciders[0], verdict="return", reason_codes=["material_missing", "ground_missing"], opinion="请补齐"
    )
    again = {"unit_id": str(home.school), "kind": "SY", "funding": "full", "title": "数学教师", "justification": "已补齐", "revision": 1}

    answer = await home.post(home.clerk, f"/applications/{application}/resubmission", again)

    assert answer.status_code == 200, answer.text
    seen = await home.until(application, lambda found: found["step"] == "unit_head" and found["revision"] == 2)
    assert (seen["reviews"], seen["title"]) == (2, "数学教师")
    returned = next(entry for entry in seen["timeline"] if entry["kind"] == "sent_back")
    assert returned["reason_codes"] == ["material_missing", "ground_missing"]


async def test_the_detail_shows_checks_holder_and_a_deadline_anyone_can_recompute(home: House) -> None:
    seen = await home.get(home.clerk, f"/applications/{await home.submit()}")

    assert seen["checks"]
    assert all(check["sentence"] for check in seen["checks"])
    assert (seen["holder"], seen["step_label"]) == ("unit_head", "单位负责人审签")
    assert seen["deadline"]["due_at"].startswith("2026-09-21")
    assert [day["verdict"] for day in seen["deadline"]["days"]] == ["rest_day", "counted", "counted"]


async def test_events_of_an_application_have_no_gap(home: House) -> None:
    application = await home.submit()
    await home.approve(application)
    await home.release(application)
    await home.until_state(application, "filed")

    late = await home.decide(application, home.deciders[0], step="unit_head")
    assert (late.status_code, late.json()["code"]) == (409, "already_filed")
    rows = await home.database.pool.fetch("SELECT version, type FROM event_log WHERE aggregate_id = $1 ORDER BY version", application)
    assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
    assert await eventually(lambda: home.database.pool.fetchval("SELECT count(*) FROM outbox"), lambda found: found == 0) == 0


async def test_a_filed_document_is_revoked_by_a_linked_one_and_never_edited_trap_30(home: House) -> None:
    application = await home.submit()
    await home.approve(application)
    document = await home.release(application)
    await home.until_state(application, "filed")
    director, reason = home.deciders[2], {"reason": "核准依据有误"}
    before = (await home.approval.get(f"/documents/{document}/file", headers=home.headers(home.clerk))).content

    revoking = (await home.post(director, f"/documents/{document}/revocation", reason)).json()["document_id"]
    again = await home.post(director, f"/documents/{document}/revocation", reason)
    await eventually(lambda: home.get(home.clerk, f"/documents/{revoking}"), lambda found: found["state"] == "awaiting_release")
    assert (await home.get(home.clerk, f"/documents/{document}"))["state"] == "filed"
    assert (await home.post(home.sealer, f"/documents/{revoking}/release")).status_code == 200
    await eventually(lambda: home.get(home.clerk, f"/documents/{revoking}"), lambda found: found["state"] == "filed")

    revoked = await home.get(home.clerk, f"/documents/{document}")
    seen = await home.get(home.clerk, f"/applications/{application}")
    said = text_of((await home.approval.get(f"/documents/{revoking}/file", headers=home.headers(home.clerk))).content)
    assert again.json()["code"] == "already_revoked"
    assert (revoked["state"], revoked["revoked_by"]) == ("revoked", revoking)
    assert "编核〔2026〕1号" in said
    assert "核准依据有误" in said
    assert (await home.approval.get(f"/documents/{document}/file", headers=home.headers(home.clerk))).content == before
    assert seen["state"] == "filed"
    assert [entry["sequence"] for entry in seen["timeline"]] == list(range(1, len(seen["timeline"]) + 1))


async def test_a_transfer_and_an_exit_are_filed_with_their_notices_trap_9(home: House) -> None:
    person, other = await home.person(), await home.unit_beside()
    entry = await home.submit(
        type="entry_application",
        person_id=person,
        reservation_id=await filed_use(home),
        reason_code="open_recruitment",
        effective_on="2026-09-18",
    )
    await home.approve(entry)
    await home.until_state(entry, "awaiting_release")
    moving = {"type": "transfer_application", "unit_id": str(other), "from_unit_id": str(home.school), "person_id": person}
    clerk = Who("clerk-of-town", home.clerk.roles, (home.town,))

    home.move_to(date(2026, 9, 21))
    transfer = await home.submit(clerk, **moving, effective_on="2026-09-21", reason_code="transfer")
    heads = Who("head-of-town", home.deciders[0].roles, (home.town,))
    await home.approve(transfer, heads)
    await home.release(transfer)
    moved = await home.until_state(transfer, "filed")
    home.move_to(date(2026, 9, 22))
    leaving = await home.submit(
        clerk, type="exit_application", unit_id=str(other), person_id=person, reason_code="resignation", effective_on="2026-09-22"
    )
    await home.approve(leaving, heads)
    await home.release(leaving)
    left = await home.until_state(leaving, "filed")

    for seen, title in ((moved, "人员调动通知单"), (left, "人员出编通知单")):
        pdf = (await home.approval.get(f"/documents/{seen['documents'][0]['id']}/file", headers=home.headers(home.sealer))).content
        assert title in text_of(pdf)
        assert NAME in text_of(pdf)
    counted = [
        (await home.roster.get(f"/units/{unit}", headers=home.headers(home.deciders[1]))).json()["establishments"][0]["headcount"]
        for unit in (home.school, other)
    ]
    assert counted == [0, 0]
