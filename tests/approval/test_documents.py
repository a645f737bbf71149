"""Notices end to end: sealed when the platform answers, never twice, revoked by another, one for each type of application."""

import json
from datetime import date
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from shared.auth import Who
from shared.documents import sha256_hex
from shared.glossary import Role
from shared.seal import signed_headers
from tests.approval.house import NAME, House, eventually, text_of

pytestmark = pytest.mark.asyncio
WHY_RELEASED = "撤销通知单已生成，由用印管理员登记用印"


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
    before = await home.file(document)
    filed = await home.approval.get(f"/documents/{document}/file", headers=home.headers(home.clerk))
    number = (await home.get(home.clerk, f"/documents/{document}"))["document_no"]
    assert unquote(filed.headers["content-disposition"]) == f"inline; filename*=UTF-8''{number}.pdf", "saved by the name that stands on it"
    answer = json.loads(json.dumps(await home.database.pool.fetchval("SELECT answer FROM seal_tasks WHERE document_id = $1", document)))

    again = await tell(home, answer)
    other = await tell(home, answer | {"digest": "f" * 64})
    unknown = await tell(home, answer | {"task_id": "nobody"})
    forged = await tell(home, answer, secret="0" * 64)

    assert [each.status_code for each in (again, other, unknown, forged)] == [204, 409, 404, 403]
    assert await home.file(document) == before
    assert await home.published("approval.document_filed.v1") == 1
    for file in (home.folder / "out" / "documents").glob("*.pdf"):
        file.write_bytes(file.read_bytes() + b" ")
    damaged = await home.approval.get(f"/documents/{document}/file", headers=home.headers(home.clerk))
    for file in (home.folder / "out" / "documents").glob("*.pdf"):
        file.unlink()
    lost = await home.approval.get(f"/documents/{document}/file", headers=home.headers(home.clerk))
    assert [(each.status_code, each.json()["code"]) for each in (damaged, lost)] == [(409, "document_damaged")] * 2


async def tell(home: House, answer: dict[str, object], secret: str | None = None) -> httpx.Response:
    body = json.dumps(answer).encode()
    headers = signed_headers(body, secret or (home.folder / "seal.hmac").read_text(), home.clock.now())
    return await home.approval.post("/seal-callbacks", content=body, headers=headers)


async def test_only_the_bytes_that_were_released_are_sealed_and_others_hold_the_case_for_everybody_to_see(home: House) -> None:
    application = await home.submit()
    await home.approve(application)
    await home.until_state(application, "awaiting_release")
    (file,) = (home.folder / "out" / "documents").glob("*.pdf")
    written = file.read_bytes()
    file.write_bytes(written + b" ")

    await home.release(application)
    held = await home.until(application, lambda seen: bool(seen["held"]))
    file.write_bytes(written)
    filed = await home.until_state(application, "filed")

    assert (held["held"], held["documents"][0]["state"], "record_again" in held["actions"]) == ("document_damaged", "awaiting_seal", False)
    assert filed["held"] is None


async def test_a_filed_document_is_revoked_by_a_linked_one_and_never_edited_trap_30(home: House) -> None:
    application = await home.submit()
    await home.approve(application)
    document = await home.release(application)
    await home.until_state(application, "filed")
    director, reason = home.deciders[2], {"reason": "核准依据有误"}
    before = await home.file(document)
    held = await _verified(home, {"sha256": sha256_hex(before)})
    altered = await home.approval.post("/verifications", json={"sha256": sha256_hex(before + b" ")})

    other = Who("other-director", frozenset({Role.OFFICE_DIRECTOR}))
    assert (await home.get(other, f"/applications/{application}"))["actions"] == ["revoke"]
    undrawable = await home.post(director, f"/documents/{document}/revocation", {"reason": "核准依据有误\ue123"})
    assert (undrawable.status_code, undrawable.json()["code"]) == (409, "reason_not_drawable")
    path, officer = f"/units/{home.school}/reservations", home.headers(home.deciders[1])

    async def authorised() -> Any:
        return (await home.roster.get(path, headers=officer)).json()["items"]

    (use,) = await authorised()
    revoking = (await home.post(director, f"/documents/{document}/revocation", reason)).json()["document_id"]
    again = await home.post(director, f"/documents/{document}/revocation", reason)
    await eventually(lambda: home.get(home.clerk, f"/documents/{revoking}"), lambda found: found["state"] == "awaiting_release")
    assert (await home.get(home.clerk, f"/documents/{document}"))["state"] == "filed"
    both = Who(director.name, frozenset({Role.OFFICE_DIRECTOR, Role.SEAL_OPERATOR}))
    waiting = await eventually(lambda: home.get(home.sealer, "/tasks"), lambda found: found["items"] != [])
    assert [(each["id"], each["state"], each["why"]) for each in waiting["items"]] == [(str(application), "filed", WHY_RELEASED)]
    assert [(await home.get(who, "/tasks/counts"))["todo"] for who in (home.sealer, both, home.clerk)] == [1, 0, 0]
    assert [(await home.get(who, f"/applications/{application}"))["actions"] for who in (home.sealer, both, other)] == [["release"], [], []]
    assert (await home.post(both, f"/documents/{revoking}/release")).json()["code"] == "own_case"
    assert (await home.post(home.sealer, f"/documents/{revoking}/release")).status_code == 200
    assert (await home.get(home.sealer, "/tasks"))["items"] == []
    assert (await home.get(home.sealer, f"/applications/{application}"))["actions"] == []
    await eventually(lambda: home.get(home.clerk, f"/documents/{revoking}"), lambda found: found["state"] == "filed")

    assert use["unspent"] == 1
    await eventually(authorised, lambda found: found == [])  # nobody enters on what was revoked

    (unread,) = (await home.get(home.clerk, "/tasks?tab=to_read"))["items"]
    assert (unread["id"], unread["why"]) == (str(application), "已决定撤销文书，请知悉")
    revoked = await home.get(home.clerk, f"/documents/{document}")
    seen = await home.get(home.clerk, f"/applications/{application}")
    said, revoked_no = text_of(await home.file(revoking)), (await home.get(home.clerk, f"/documents/{revoking}"))["document_no"]
    assert again.json()["code"] == "already_revoked"
    assert (revoked["state"], revoked["revoked_by"]) == ("revoked", revoking)
    assert "编核〔2026〕1号" in said
    assert "核准依据有误" in said
    assert await home.file(document) == before
    assert seen["state"] == "filed"
    assert (held["document_no"], held["unit"], held["revoked_by"], altered.status_code) == ("编核〔2026〕1号", seen["unit"], None, 404)
    assert (await _verified(home, {"sha256": sha256_hex(before)}))["revoked_by"] == revoked_no
    named = await _verified(home, {"document_no": "编核〔2026〕1号"})
    assert (named["unit"], named["sha256"], named["revoked_by"]) == (None, sha256_hex(before)[:16], revoked_no)
    assert [entry["sequence"] for entry in seen["timeline"]] == list(range(1, len(seen["timeline"]) + 1))


async def _verified(home: House, asked: dict[str, str]) -> dict[str, Any]:
    answer = await home.approval.post("/verifications", json=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_transfer_and_an_exit_are_filed_with_their_notices_trap_9(home: House) -> None:
    person, other = await home.person(), await home.unit_beside()
    entry = await home.submit(
        type="entry_application",
        person_id=person,
        reservation_id=await home.filed_use(),
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
