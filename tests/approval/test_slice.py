"""Approval end to end on the real parts: roster, Kafka, Temporal, seal platform."""

import asyncio
import base64
import json
import uuid
from datetime import date
from typing import Any

import httpx
import pytest
from temporalio.api.common.v1 import Payload

from services.roster.commands.freezes import freeze_unit, unfreeze_unit
from services.roster.models.requests import FreezeUnit, UnfreezeUnit
from shared import seal
from shared.auth import Who
from shared.crypto import masked_id_number
from shared.db import By
from shared.documents import sha256_hex
from shared.glossary import FreezeScope, Role
from shared.seal import Seal
from tests.approval.house import FRIDAY, ID_NUMBER, NAME, House, eventually, text_of
from tests.roster.given import BORN, guessed, id_number

pytestmark = pytest.mark.asyncio


async def certificate(home: House) -> str:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{home.seal.port}") as platform:
        return Seal.model_validate((await platform.get("/seals")).json()[0]).certificate


async def test_a_use_is_approved_reserved_sealed_and_filed_and_its_entry_consumes_the_reservation(home: House) -> None:
    reservation, person = await home.filed_use(), await home.person()

    application = await home.submit(
        type="entry_application", person_id=person, reservation_id=reservation, reason_code="open_recruitment", effective_on="2026-09-18"
    )
    await home.approve(application)
    document = await home.release(application)
    seen = await home.until_state(application, "filed")

    pdf = await home.file(document)
    verdict = await asyncio.to_thread(seal.verify, pdf, [await certificate(home)])
    ledger = (await home.get(home.clerk, "/ledger"))["items"]
    assert (verdict.intact, verdict.trusted) == (True, True)
    assert [row["document_no"] for row in ledger] == ["编核〔2026〕1号", "编入〔2026〕1号"]
    assert ledger[1]["sha256"] == sha256_hex(pdf) == seen["documents"][0]["sealed_sha256"]
    assert NAME in text_of(pdf)
    assert masked_id_number(ID_NUMBER) in text_of(pdf)
    assert guessed(masked_id_number(ID_NUMBER)) != ID_NUMBER
    unit = (await home.roster.get(f"/units/{home.school}", headers=home.headers(home.deciders[1]))).json()["establishments"][0]
    assert (unit["headcount"], unit["reserved"]) == (1, 0)
    assert await home.published("approval.document_filed.v1") == 2


async def test_names_and_numbers_of_persons_are_in_no_event_no_row_and_no_workflow_trap_33(home: House) -> None:
    person = await home.person()
    application = await home.submit(
        type="entry_application",
        person_id=person,
        reservation_id=await home.filed_use(),
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


async def test_an_exception_is_decided_under_the_freeze_and_its_post_is_claimed_and_a_later_order_pauses_the_next(home: House) -> None:
    told = {"ground": "policy_placement", "document_no": "安置〔2026〕1号", "why": "安置退役士兵"}
    order, later = uuid.uuid4(), uuid.uuid4()
    by = By("director-gu", home.clock.now(), f"freeze:{order}", document_no="编冻〔2026〕1号")
    await freeze_unit(home.roster_database, by, FreezeUnit(order_id=order, unit_id=home.town, scopes=(FreezeScope.POST_USE,)))
    await home.until_state(await home.submit(), "paused")
    first, second = [await home.submit(exception=told) for _ in range(2)]

    await home.approve(first)
    await home.release(first)
    await home.until_state(first, "filed")
    by = By("director-gu", home.clock.now(), f"freeze:{later}", document_no="编冻〔2026〕2号")
    await freeze_unit(home.roster_database, by, FreezeUnit(order_id=later, unit_id=home.town, scopes=(FreezeScope.POST_USE,)))
    paused = await home.until_state(second, "paused")

    seen = await home.get(home.sealer, f"/applications/{first}")
    kept = await home.roster_database.pool.fetchval("SELECT exception FROM claims WHERE application_id = $1", first)
    basis = {name: told[name] for name in ("ground", "document_no")} | {"orders": [str(order)]}
    assert kept == basis | {"decided_by": "director-gu"}
    assert [each["passed"] for each in seen["checks"] if each["code"] == "not_frozen"] == [True]
    assert {each["kind"] for each in seen["timeline"] if each["order_ids"] == [str(order)]} == {"step_approved", "post_claimed"}
    assert paused["blocked_by"] == [str(later)]


async def test_what_was_pending_when_the_freeze_came_goes_on_by_an_exception_without_a_new_application(home: House) -> None:
    told = {"ground": "policy_placement", "document_no": "安置〔2026〕1号", "why": "安置退役士兵"}
    application, order = await home.submit(), uuid.uuid4()
    await home.decide(application, home.deciders[0])
    by = By("director-gu", home.clock.now(), f"freeze:{order}", document_no="编冻〔2026〕1号")
    await freeze_unit(home.roster_database, by, FreezeUnit(order_id=order, unit_id=home.town, scopes=(FreezeScope.POST_USE,)))
    await home.until_state(application, "paused")
    again = {"unit_id": str(home.school), "kind": "SY", "funding": "full", "title": "语文教师", "justification": "退休补员", "revision": 1}

    bare = await home.post(home.clerk, f"/applications/{application}/resubmission", again)
    claimed = await home.post(home.clerk, f"/applications/{application}/resubmission", again | {"exception": told})
    await home.until(application, lambda seen: seen["step"] == "unit_head")
    await home.approve(application)
    await home.until_state(application, "awaiting_release")

    assert (bare.status_code, bare.json()["code"], claimed.status_code) == (409, "paused", 200)
    (kept,) = await home.roster_database.pool.fetch("SELECT revision, exception FROM claims WHERE application_id = $1", application)
    assert (kept["revision"], kept["exception"]["orders"], kept["exception"]["decided_by"]) == (2, [str(order)], "director-gu")


async def test_the_roster_says_which_kind_is_off_establishment_and_a_freeze_stops_it_so(home: House) -> None:
    outside, inside, order = await home.submit(kind="BW"), await home.submit(), uuid.uuid4()
    by = By("director-gu", home.clock.now(), f"freeze:{order}", document_no="编冻〔2026〕1号")

    await freeze_unit(home.roster_database, by, FreezeUnit(order_id=order, unit_id=home.town, scopes=(FreezeScope.POST_USE,)))
    await home.until_state(inside, "paused")
    later = await home.submit(kind="BW")

    assert [(await home.decide(each, home.deciders[0])).status_code for each in (outside, later)] == [200, 200]
    known = await home.database.pool.fetch("SELECT kind, off_establishment FROM revisions ORDER BY submitted_at")
    assert [tuple(row) for row in known] == [("BW", True), ("SY", False), ("BW", True)]


async def test_what_is_approved_for_a_day_to_come_may_be_withdrawn_until_then(home: House) -> None:
    """Must fail when it is offered to those that are still decided alone: the case takes it, and nobody is told."""
    application = await home.submit(effective_on="2026-10-20")
    await home.approve(application)
    waiting = await home.until(application, lambda seen: seen["timeline"][-1]["kind"] == "post_claimed")

    offered = (await home.get(home.clerk, f"/applications/{application}"))["actions"]
    answer = await home.post(home.clerk, f"/applications/{application}/withdrawal", {"reason": "不再需要"})

    assert (waiting["state"], waiting["actions"], offered) == ("effecting", [], ["withdraw"])
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")


async def test_who_decides_about_a_person_is_told_what_else_is_under_way_about_him(home: House) -> None:
    leaving = {"type": "exit_application", "person_id": await home.person_in_post(), "effective_on": "2026-09-18"}
    first = await home.submit(home.clerk, **leaving, reason_code="resignation")
    second = await home.submit(home.clerk, **leaving, reason_code="resignation")
    alone = await home.submit()

    told = [(await home.get(home.deciders[1], f"/applications/{each}"))["alongside"] for each in (first, second, alone)]
    await home.post(home.clerk, f"/applications/{first}/withdrawal", {"reason": "重复提交"})

    assert [[each["id"] for each in found] for found in told] == [[str(second)], [str(first)], []]
    assert told[0][0]["state"] == "in_review"
    assert (await home.get(home.deciders[1], f"/applications/{second}"))["alongside"] == []


async def test_what_is_under_way_at_a_unit_that_one_does_not_see_is_told_to_those_who_see_it_alone(home: House) -> None:
    person, other = await home.person_in_post(), await home.unit_beside()
    clerk = Who("clerk-wu", frozenset({Role.UNIT_CLERK}), (other,))
    told = {"unit_id": str(other), "from_unit": "云栖镇中心小学", "name": NAME, "id_number": ID_NUMBER}
    await home.roster.post("/person-finds", json=told, headers=home.headers(clerk))
    about = {"person_id": person, "effective_on": "2026-09-18"}
    leaving = await home.submit(home.clerk, type="exit_application", reason_code="resignation", **about)
    moving = await home.submit(clerk, type="transfer_application", unit_id=str(other), from_unit_id=str(home.school), **about)

    seen = [(await home.get(who, f"/applications/{moving}"))["alongside"] for who in (clerk, home.deciders[1])]

    assert [[each["id"] for each in found] for found in seen] == [[], [str(leaving)]]


async def test_two_approvals_of_the_last_post_leave_one_and_return_the_other_trap_5(home: House) -> None:
    applications = [await home.submit(posts=2), await home.submit(posts=2)]

    for application in applications:
        await home.approve(application)

    seen = [await home.until(each, lambda found: found["state"] in {"awaiting_release", "returned"}) for each in applications]
    assert sorted(each["state"] for each in seen) == ["awaiting_release", "returned"]
    returned = next(each for each in seen if each["state"] == "returned")
    assert returned["timeline"][-1]["reason_codes"] == ["quota_exhausted"]
    for who in home.deciders:
        unread = (await home.get(who, "/tasks?tab=to_read"))["items"]
        assert [(each["id"], each["why"]) for each in unread] == [(returned["id"], "您通过后系统核验未通过，已退回申请单位，请知悉")]
    assert (await home.get(home.clerk, "/tasks?tab=to_read"))["items"] == [], "it waits for him"
    await home.post(home.deciders[2], f"/applications/{returned['id']}/reading")
    assert (await home.get(home.deciders[2], "/tasks?tab=to_read"))["items"] == []


async def test_a_refused_decision_has_its_code_and_a_repeat_its_answer(home: House) -> None:
    application = await home.submit()

    wrong = await home.decide(application, home.deciders[2])
    first = await home.decide(application, home.deciders[0], key="decision-0001", revision=1, step="unit_head")
    repeat = await home.decide(application, home.deciders[0], key="decision-0001", revision=1, step="unit_head")
    other = await home.decide(application, home.deciders[0], key="decision-0001", revision=1, step="unit_head", opinion="另一意见")

    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_person")
    assert (first.status_code, repeat.json()) == (200, first.json())
    assert other.json()["code"] == "key_reused"


async def test_one_key_for_two_applications_holds_none_of_them_and_answers_none_with_the_others(home: House) -> None:
    first, second, third = [await home.submit() for _ in range(3)]
    head, said = home.deciders[0], {"revision": 1, "step": "unit_head"}

    both = await asyncio.gather(*(home.decide(each, head, key="decision-0002", **said) for each in (first, second)))
    late = await home.decide(third, head, key="decision-0002", **said)

    assert {(answer.status_code, answer.json().get("code")) for answer in both} <= {(200, None), (409, "key_reused")}
    assert (late.status_code, late.json()["code"]) == (409, "key_reused")
    for application, answer in zip((first, second), both, strict=True):
        seen = await home.get(head, f"/applications/{application}")
        assert seen["held"] is None
        assert (seen["step"] == "business_review") is (answer.status_code == 200)


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


async def test_a_returned_application_of_a_unit_that_was_merged_meanwhile_comes_back_and_may_be_withdrawn(home: House) -> None:
    application, other = await home.submit(), await home.unit_beside()
    await home.decide(application, home.deciders[0], verdict="return", reason_codes=["material_missing"], opinion="请补齐")
    step = {"step": "merge", "unit_id": str(home.school), "into_unit_id": str(other)}
    reform = {"title": "机构改革", "effective_on": FRIDAY.isoformat(), "document_on": FRIDAY.isoformat(), "steps": [step]}
    await home.ask_roster("/reforms", reform | {"document_no": "编〔2026〕5号"})
    again = {"unit_id": str(home.school), "kind": "SY", "funding": "full", "title": "数学教师", "justification": "已补齐", "revision": 1}

    await home.post(home.clerk, f"/applications/{application}/resubmission", again)
    seen = await home.until(application, lambda found: found["step"] == "unit_head" and found["revision"] == 2)
    await home.approve(application)
    returned = await home.until_state(application, "returned")
    withdrawn = await home.post(home.clerk, f"/applications/{application}/withdrawal", {"reason": "由承接单位另行申请"})

    assert [(check["code"], check["passed"]) for check in seen["checks"]] == [("unit_closed", False)]
    assert returned["timeline"][-1]["reason_codes"] == ["unit_closed"]
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "withdrawn")


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


async def test_a_key_item_changes_by_its_case_alone_and_its_notice_says_what(home: House) -> None:
    person = await home.person_in_post()
    change = await home.register_change(
        person, {"title": "副校长", "since": "2026-09-18", "document_no": "任免〔2026〕1号", "reason": "任职"}
    )
    application = await home.submit(type="change_application", kind="", funding="", person_id=person, change_id=change, title="职务变更")

    await home.decide(application, home.deciders[0])
    registrar = home.deciders[1]
    told, waiting = await home.get(registrar, f"/applications/{application}"), await home.get(registrar, "/tasks")
    own_case = await home.decide(application, registrar)
    before = await home.see_person(person)
    approved = await home.decide(application, Who("officer-wu", frozenset({Role.BUSINESS_OFFICER})))
    document = await home.release(application)
    seen = await home.until_state(application, "filed")

    assert (own_case.json()["code"], approved.status_code) == ("own_case", 200)
    assert (told["concerned"], told["actions"], waiting["items"]) == (["officer-shen"], [], [])
    assert "请安全管理员将该角色授予与此事无关的人员" in told["withheld"]
    assert [each["label"] for each in seen["timeline"] if each["kind"] == "post_claimed"] == ["核验通过"], "nothing of it takes a post"
    assert (before["title"], (await home.see_person(person))["title"]) == (None, "副校长")
    text = text_of(await home.file(document))
    assert "人员信息变更核准单" in text
    assert "副校长" in text
    lines = await home.see_person(f"{person}/changes")
    assert [(each["field"], each["actor"], each["case_id"], each["document_no"]) for each in lines["items"]] == [
        ("title", "officer-wu", f"approval:{application}", seen["documents"][0]["document_no"])
    ]


async def test_a_case_on_facts_that_changed_meanwhile_comes_back_to_the_applicant(home: House) -> None:
    person = await home.person_in_post()
    first, second = [
        await home.register_change(person, {"title": title, "document_no": "任免〔2026〕1号", "reason": "任职"})
        for title in ("副校长", "校长")
    ]
    cases = [
        await home.submit(
            type="change_application", kind="", funding="", person_id=person, change_id=change, title="职务变更", justification="任职"
        )
        for change in (first, second)
    ]
    officer = Who("officer-wu", frozenset({Role.BUSINESS_OFFICER}))
    for application in cases:
        await home.decide(application, home.deciders[0])
    await home.decide(cases[0], officer)
    await home.until_state(cases[0], "awaiting_release")
    await home.decide(cases[1], officer)

    returned = await home.until_state(cases[1], "returned")

    assert returned["timeline"][-1]["reason_codes"] == ["change_outdated"]
    assert (await home.see_person(person))["title"] == "副校长"


async def test_a_reason_that_is_none_or_another_procedures_is_refused_where_it_is_submitted_trap_9(home: House) -> None:
    person = await home.person_in_post()
    told = {"unit_id": str(home.school), "kind": "SY", "funding": "full", "person_id": person, "effective_on": "2026-09-18"}
    told |= {"title": "—", "justification": "—"}
    leaving, coming = told | {"type": "exit_application"}, told | {"type": "entry_application", "reservation_id": str(uuid.uuid4())}
    asked = [leaving | {"reason_code": code} for code in ("no_such_reason", "transfer", "reallocation")]
    asked += [coming | {"reason_code": code} for code in ("no_such_reason", "reallocation", "first_load", "over_quota")]

    refused = [(await home.post(home.clerk, "/applications", each)).json() for each in asked]
    from_beyond = await home.post(home.clerk, "/applications", coming | {"reason_code": "transfer"})
    application = await home.submit(home.clerk, **leaving, reason_code="resignation")
    await home.decide(application, home.deciders[0], verdict="return", reason_codes=["material_missing"], opinion="请补齐")
    mended = {name: value for name, value in leaving.items() if name != "type"} | {"revision": 1, "reason_code": "transfer"}
    again = await home.post(home.clerk, f"/applications/{application}/resubmission", mended)

    assert [each["code"] for each in refused] == ["cause_unknown", *["cause_unfit"] * 2, "cause_unknown", *["cause_unfit"] * 3]
    assert "市内调动由调入单位提交调动申请" in refused[1]["detail"]
    assert "由编办登记" in refused[5]["detail"]
    assert from_beyond.status_code == 201
    assert (again.status_code, again.json()["code"]) == (409, "cause_unfit")


async def test_a_case_sent_back_by_its_effect_is_approved_on_another_day_and_keeps_its_number(home: House) -> None:
    person = await home.person_in_post()
    leaving: dict[str, Any] = {
        "unit_id": str(home.school),
        "kind": "SY",
        "funding": "full",
        "person_id": person,
        "reason_code": "resignation",
    }
    application = await home.submit(**leaving, type="exit_application", effective_on="2026-09-18")
    await home.roster_database.pool.execute("UPDATE exit_reasons SET valid = daterange(NULL, '2026-09-01') WHERE code = 'resignation'")
    await home.approve(application)
    returned = await home.until_state(application, "returned")
    given = [tuple(each) for each in await home.database.pool.fetch("SELECT document_no, numbered_on FROM documents")]

    await home.move_case_to(application, date(2026, 9, 21))
    again = leaving | {
        "reason_code": "dismissal",
        "effective_on": "2026-09-21",
        "title": "辞退",
        "justification": "已改正事由",
        "revision": 1,
    }
    answer = await home.post(home.clerk, f"/applications/{application}/resubmission", again)
    await home.until(application, lambda found: found["step"] == "unit_head" and found["revision"] == 2)
    await home.approve(application)
    seen = await home.until_state(application, "awaiting_release")

    assert returned["timeline"][-1]["reason_codes"] == ["reason_unknown"]
    assert answer.status_code == 200, answer.text
    assert [(each["document_no"], FRIDAY) for each in seen["documents"]] == given
    assert await home.database.pool.fetchval("SELECT numbered_on FROM documents") == date(2026, 9, 21)


async def test_a_clerk_of_one_unit_has_whom_he_names_moved_to_his_unit_and_the_other_one_reads_it(home: House) -> None:
    person, other = await home.person_in_post(), await home.unit_beside()
    clerk, head = Who("clerk-wu", frozenset({Role.UNIT_CLERK}), (other,)), Who("head-qi", frozenset({Role.UNIT_HEAD}), (other,))
    asked: dict[str, Any] = {"type": "transfer_application", "unit_id": str(other), "kind": "SY", "funding": "full"}
    asked |= {
        "from_unit_id": str(home.school),
        "person_id": person,
        "effective_on": "2026-09-18",
        "title": "调动",
        "justification": "工作需要",
    }
    told = {"unit_id": str(other), "from_unit": "云栖镇中心小学", "name": NAME, "id_number": ID_NUMBER}

    before = await home.post(clerk, "/application-previews", asked)
    found = await home.roster.post("/person-finds", json=told, headers=home.headers(clerk))
    preview = await home.post(clerk, "/application-previews", asked)
    elsewhere = await home.post(clerk, "/application-previews", asked | {"from_unit_id": str(home.town)})
    application = await home.submit(clerk, **asked)
    await home.approve(application, head)
    await home.release(application)
    await home.until_state(application, "filed")

    assert [answer.status_code for answer in (before, found, preview, elsewhere)] == [404, 200, 200, 404]
    assert found.json()["person_id"] == person
    assert NAME in text_of(preview.content)
    assert ID_NUMBER not in text_of(preview.content)
    assert all(check["passed"] for check in (await home.get(clerk, f"/applications/{application}"))["checks"])
    assert (await home.see_person(person))["placement"]["unit_id"] == str(other)
    lender = await home.get(home.clerk, f"/applications/{application}")
    assert (lender["from_unit_id"], lender["actions"]) == (str(home.school), [])
    assert (await home.file(lender["documents"][0]["id"])).startswith(b"%PDF")


async def test_nobody_names_a_person_or_a_change_of_another_unit_and_is_told_of_him_as_of_nobody(home: House) -> None:
    person, other = await home.person_in_post(), await home.unit_beside()
    change = await home.register_change(person, {"title": "副校长", "document_no": "任免〔2026〕1号", "reason": "任职"})
    stranger = Who("stranger", frozenset({Role.UNIT_CLERK}), (other,))
    asked = {"unit_id": str(other), "kind": "SY", "funding": "full", "title": "—", "justification": "—", "effective_on": "2026-09-18"}
    matters: dict[str, dict[str, str]] = {
        "entry_application": {"reason_code": "open_recruitment", "reservation_id": str(uuid.uuid4())},
        "exit_application": {"reason_code": "resignation"},
        "transfer_application": {"from_unit_id": str(home.school)},
        "change_application": {"change_id": change},
        "post_use_application": {},
    }
    nobody = {"person_id": str(uuid.uuid4()), "change_id": str(uuid.uuid4()), "from_unit_id": str(uuid.uuid4())}

    async def refusals(**unknown: str) -> list[tuple[int, str, str]]:
        bodies = [asked | {"type": kind, "person_id": person} | matter for kind, matter in matters.items()]
        bodies = [body | {name: value for name, value in unknown.items() if name in body} for body in bodies]
        answers = [await home.post(stranger, "/applications", body) for body in bodies]
        return [(answer.status_code, answer.json().get("code"), answer.json().get("detail")) for answer in answers]

    of_others, of_nobody = await refusals(), await refusals(**nobody)
    own = await home.submit(stranger, **asked)
    mended = asked | {"person_id": person, "revision": 1}
    again = await home.post(stranger, f"/applications/{own}/resubmission", mended)

    assert of_others == of_nobody
    assert [(status, code) for status, code, _ in of_others] == [
        (404, "unit_unknown" if kind == "transfer_application" else "person_unknown") for kind in matters
    ]
    assert (again.status_code, again.json()["code"]) == (404, "person_unknown")
    assert await home.database.pool.fetchval("SELECT count(*) FROM applications") == 1


async def test_a_change_is_carried_by_an_application_of_those_alone_who_see_it(home: House) -> None:
    person, other = await home.person_in_post(), await home.unit_beside()
    change = await home.register_change(person, {"title": "副校长", "document_no": "任免〔2026〕1号", "reason": "任职"})
    town = Who("clerk-of-town", frozenset({Role.UNIT_CLERK}), (home.town,))
    asked = {"type": "change_application", "title": "—", "justification": "—", "change_id": change, "posts": 1}
    facts = {"name": "余音", "id_number": id_number(32), "sex": "F", "birth_on": BORN.isoformat(), "identity": "professional"}
    own = await home.ask_roster(f"/units/{other}/persons", facts | {"post_category": "technical_post"})
    stranger = Who("stranger", frozenset({Role.UNIT_CLERK}), (other,))

    refused = await home.post(stranger, "/applications", asked | {"unit_id": str(other), "person_id": own["person_id"]})
    taken = await home.post(town, "/applications", asked | {"unit_id": str(home.school), "person_id": person})

    assert (refused.status_code, refused.json()["code"]) == (404, "change_unknown")
    assert taken.status_code == 201
