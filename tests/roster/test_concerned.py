"""The person concerned gets all that is held of him, is corrected on proof, and is told why what must be kept is not deleted."""

import io
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pypdf
import pytest

from deploy import keys
from deploy.local.place import Place, WrongPlace
from deploy.person import pdf
from services.roster.commands.placements import place_person
from services.roster.queries.difference_values import place_in
from shared.clock import business_day
from shared.crypto import FieldCipher, RingFile
from shared.db import Database
from shared.glossary import DifferenceKind, DifferenceState, LeadingSide, Role
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.test_api import PERSON, registered

pytestmark = pytest.mark.asyncio
ASKED = {"kind": "copy", "asked": "请给我一份关于我本人的全部信息", "proof": "持身份证到窗口，人证一致"}


async def asked(doors: Doors, person_id: str, **what: object) -> str:
    answer = await doors.http.post(f"/persons/{person_id}/requests", json=ASKED | what, headers=doors.office)
    request_id: str = answer.json()["request_id"]
    return request_id


async def decided(doors: Doors, request_id: str, **what: object) -> tuple[int, str]:
    body = {"granted": True, "answer": "已按要求办理"} | what
    answer = await doors.http.post(f"/person-requests/{request_id}/decision", json=body, headers=doors.as_(Role.OFFICE_DIRECTOR))
    return answer.status_code, answer.json()["code"] if answer.content else ""


async def differing(database: Database, stack: Place, person_id: UUID, unit_id: UUID) -> None:
    """The upper level's register says something else of the person."""
    run_id, case_id, cipher = uuid4(), uuid4(), FieldCipher(RingFile(stack.home / "secrets" / "field.keys"))
    await database.pool.execute(
        "INSERT INTO comparison_runs (id, state, file_name, file_bytes, file_hash, format, leads, actor, received_at)"
        " VALUES ($1, 'comparison_done', 'a.xlsx', 1, '0', '2025', '2026', 'tester', $2)",
        run_id,
        given.NOW,
    )
    ours, theirs = (cipher.encrypt(text, place_in(case_id, side)) for side, text in (("ours", "13"), ("theirs", "01")))
    await database.pool.execute(
        "INSERT INTO comparison_differences (id, subject, sheet, kind, field, unit_id, person_id, name, ours_sealed, theirs_sealed, leads, state,"
        " first_run, last_run, found_at, moved_at) VALUES ($1, 'x', 'roster', $2, 'political_status', $3, $4, '某', $5, $6, $7, $8, $9, $9, $10, $10)",
        *(case_id, DifferenceKind.FIELD, unit_id, person_id, ours, theirs, LeadingSide.ASK, DifferenceState.TO_VERIFY, run_id, given.NOW),
    )


async def test_a_copy_holds_everything_and_who_saw_it_and_is_on_record_itself(doors: Doors, roster_db: Database, stack: Place) -> None:
    row = await given.row(roster_db, 1)
    person_id = await registered(doors, row.unit_id)
    await place_person(roster_db, given.by(), given.placement(row, UUID(person_id), date(2026, 9, 2)))
    told = {"since": "2026-09-03", "ethnicity": "02", "reason": "本人提供户口簿"}
    assert (await doors.http.post(f"/persons/{person_id}/updates", json=told, headers=doors.office)).status_code == 204
    await doors.http.post(f"/persons/{person_id}/reveal", json={"reason": "核对档案原件"}, headers=doors.office)
    pending = {"title": "科长", "id_number": given.id_number(47), "document_no": "任免〔2026〕3号"}
    await doors.http.post(f"/persons/{person_id}/key-changes", json=pending, headers=doors.office)
    borrower = await given.unit(roster_db)
    lent = {"borrower_id": str(borrower), "started_on": "2026-09-10", "until": "2026-12-31", "document_no": "借〔2026〕1号"}
    assert (await doors.http.post(f"/persons/{person_id}/secondments", json=lent, headers=doors.office)).status_code == 201
    await differing(roster_db, stack, UUID(person_id), row.unit_id)
    request_id = await asked(doors, person_id)

    copy = (await doors.http.post(f"/person-requests/{request_id}/copy", json={}, headers=doors.office)).json()

    known = [each["values"] for each in copy["records"] if each["recorded_until"] is None]
    assert {each["公民身份号码"] for each in known} == {PERSON["id_number"]}
    assert [each.get("民族") for each in known] == [None, "蒙古族"]
    assert [(each["label"], each["before"], each["after"]) for each in copy["changes"]] == [("民族", None, "蒙古族")]
    assert [each["values"] for each in copy["pending"]] == [{"职务": "科长", "公民身份号码": given.id_number(47)}]
    assert [each["reason"] for each in copy["reveals"]][1:] == ["核对档案原件"]
    assert request_id in copy["reveals"][0]["reason"]
    assert [each["asked"] for each in copy["requests"]] == [ASKED["asked"]]
    assert len(copy["placements"]) == 1
    called = (await doors.http.get(f"/units/{borrower}", headers=doors.office)).json()["name"]
    assert [each["borrower"] for each in copy["secondments"]] == [called]
    assert [(each["label"], each["ours"], each["theirs"], each["state"]) for each in copy["differences"]] == [
        ("政治面貌", "群众", "中共党员", "差异待核实")
    ]
    printed = pypdf.PdfReader(io.BytesIO(pdf(stack, UUID(request_id), copy))).pages
    text = "".join(page.extract_text() for page in printed).replace("\n", "").replace(" ", "")
    assert all(
        each in text
        for each in (
            str(PERSON["id_number"]),
            "蒙古族",
            "核对档案原件",
            "演示数据",
            copy["placements"][0]["unit"],
            "事业编制",
            "已办理",
            "中共党员",
        )
    )
    assert not any(each in text for each in (str(row.unit_id), "granted", "T0"))
    assert ASKED["asked"] not in str(await roster_db.pool.fetch("SELECT * FROM person_requests"))


async def test_no_office_hands_out_a_paper_in_the_name_of_the_invented_city(stack: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIANBAN_ISSUER", raising=False)

    with pytest.raises(WrongPlace, match="发文机关"):
        pdf(replace(stack, environment="production"), UUID(int=1), {})


async def test_a_correction_is_granted_when_it_was_made_and_refused_on_a_ground(doors: Doors, roster_db: Database) -> None:
    person_id = await registered(doors, await given.unit(roster_db))
    first = await asked(doors, person_id, kind="correction", asked="我的姓名写错了一个字", fields=["姓名"])
    assert await decided(doors, first) == (409, "not_corrected_yet")
    assert await decided(doors, first, granted=False) == (409, "ground_missing")
    correction = {"name": "测试人员新", "document_no": "户证〔2026〕1号", "reason": "户口簿"}
    assert (await doors.http.post(f"/persons/{person_id}/corrections", json=correction, headers=doors.office)).status_code == 204

    assert await decided(doors, first) == (204, "")
    assert await decided(doors, first) == (409, "person_request_decided")
    second = await asked(doors, person_id, kind="correction", asked="请改我的出生日期", fields=["birth_on"])
    assert await decided(doors, second, granted=False, ground="中组部档案认定规定：以档案最先记载为准") == (204, "")

    items = (await doors.http.get(f"/persons/{person_id}/requests", headers=doors.office)).json()["items"]
    assert [(each["outcome"], each["decided_by"]) for each in items] == [
        ("granted", "office_director-user"),
        ("refused", "office_director-user"),
    ]
    assert [each["fields"] for each in items] == [["姓名"], ["出生日期"]]
    assert items[0]["due_on"] == (business_day(datetime.fromisoformat(items[0]["received_at"])) + timedelta(days=30)).isoformat()


async def test_a_correction_of_another_field_is_not_the_one_that_was_asked_for(doors: Doors, roster_db: Database) -> None:
    person_id = await registered(doors, await given.unit(roster_db))
    request_id = await asked(doors, person_id, kind="correction", asked="请改我的出生日期", fields=["出生日期"])
    correction = {"name": "测试人员新", "document_no": "户证〔2026〕1号", "reason": "户口簿"}
    assert (await doors.http.post(f"/persons/{person_id}/corrections", json=correction, headers=doors.office)).status_code == 204

    assert await decided(doors, request_id) == (409, "not_corrected_yet")


@pytest.mark.parametrize("what", [{"kind": "correction"}, {"kind": "correction", "fields": ["生辰"]}, {"kind": "copy", "fields": ["姓名"]}])
async def test_who_asks_for_a_correction_says_of_what(doors: Doors, roster_db: Database, what: dict[str, object]) -> None:
    person_id = await registered(doors, await given.unit(roster_db))

    answer = await doors.http.post(f"/persons/{person_id}/requests", json=ASKED | what, headers=doors.office)

    assert (answer.status_code, answer.json()["code"]) == (409, "fields_missing")


async def test_what_must_be_kept_is_not_deleted_and_the_ground_is_told(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id = await registered(doors, row.unit_id)
    await place_person(roster_db, given.by(), given.placement(row, UUID(person_id), date(2026, 9, 2)))
    request_id = await asked(doors, person_id, kind="deletion", asked="请删除我的信息")

    assert await decided(doors, request_id) == (409, "deletion_forbidden")
    assert await decided(doors, request_id, granted=False, answer="编制记录依法保存，不予删除") == (204, "")

    items = (await doors.http.get(f"/persons/{person_id}/requests", headers=doors.office)).json()["items"]
    assert "第四十七条" in items[0]["ground"]
    assert (await doors.http.get(f"/persons/{person_id}", headers=doors.office)).status_code == 200


async def test_who_never_had_a_post_is_erased_and_may_be_registered_again(doors: Doors, roster_db: Database, stack: Place) -> None:
    unit_id = await given.unit(roster_db)
    person_id = await registered(doors, unit_id)
    request_id = await asked(doors, person_id, kind="deletion", asked="误登记，请删除")

    assert await decided(doors, request_id) == (204, "")

    assert (await doors.http.get(f"/persons/{person_id}", headers=doors.office)).status_code == 404
    for table in ("person_records", "person_indexes", "person_changes", "pending_changes"):
        assert await roster_db.pool.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await keys.keeper(roster_db, stack.home / "secrets", stack.home / "out").left(1) == 0
    assert await registered(doors, unit_id) != person_id


async def test_a_request_of_another_unit_is_as_if_it_were_not(doors: Doors, roster_db: Database) -> None:
    own, other = await given.unit(roster_db), await given.unit(roster_db)
    request_id = await asked(doors, await registered(doors, other))
    officer = doors.as_(Role.BUSINESS_OFFICER, units=(own,))

    foreign = await doors.http.post(f"/person-requests/{request_id}/copy", json={}, headers=officer)
    absent = await doors.http.post(f"/person-requests/{uuid4()}/copy", json={}, headers=officer)

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert await roster_db.pool.fetchval("SELECT count(*) FROM person_reveals") == 0
