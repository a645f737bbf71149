"""The person concerned gets all that is held of him, is corrected on proof, and is told why what must be kept is not deleted."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pypdf
import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from deploy import keys, person
from deploy.local.place import Place, WrongPlace
from deploy.person import Paper
from services.roster.commands.changes import register_change
from services.roster.commands.claims import claim_post, give_back
from services.roster.commands.placements import place_person
from services.roster.commands.reservations import hold_reservation
from services.roster.models.audited import AUDITED
from services.roster.models.changes import ChangeUnknown, RegisterChange
from services.roster.models.refusals import ClaimRefusedByTombstone, PersonUnknown
from services.roster.queries.difference_values import place_in
from shared.audit.commands import seal
from shared.audit.models import Broken
from shared.audit.queries import verify
from shared.clock import Clock, business_day
from shared.crypto import FieldCipher, RingFile
from shared.db import Database
from shared.events.audit import RosterAuditSealed
from shared.glossary import DifferenceKind, DifferenceState, LeadingSide, Role
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.test_api import PERSON, registered
from tests.roster.test_changes import case
from workflows.roster import Evidence, GiveBack

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


async def test_each_copy_that_is_handed_out_is_on_record_also_under_the_same_key(doors: Doors, roster_db: Database) -> None:
    person_id, once = await registered(doors, await given.unit(roster_db)), doors.as_(Role.BUSINESS_OFFICER, key="asked-again")
    request_id = await asked(doors, person_id)

    copies = [(await doors.http.post(f"/person-requests/{request_id}/copy", json={}, headers=once)).json() for _ in range(2)]

    assert [len(each["reveals"]) for each in copies] == [1, 2]


async def much_kept(doors: Doors, roster_db: Database, stack: Place) -> tuple[str, UUID, UUID]:
    """Somebody of whom every kind of record is kept asks for a copy: the request, his unit and who borrows him."""
    row = await given.row(roster_db, 1)
    person_id = await registered(doors, row.unit_id)
    await place_person(roster_db, given.by(), given.placement(row, UUID(person_id), date(2026, 9, 2)))
    told = {"since": "2026-09-03", "ethnicity": "02", "civil_servant_registered": True, "reason": "本人提供户口簿"}
    assert (await doors.http.post(f"/persons/{person_id}/updates", json=told, headers=doors.office)).status_code == 204
    await doors.http.post(f"/persons/{person_id}/reveal", json={"reason": "核对档案原件"}, headers=doors.office)
    pending = {
        "title": "科长",
        "leadership_level": "township_deputy",
        "duty_status": "long_leave",
        "id_number": given.id_number(47),
        "document_no": "任免〔2026〕3号",
    }
    kept = await doors.http.post(f"/persons/{person_id}/key-changes", json=pending, headers=doors.office)
    assert kept.status_code == 201, kept.text
    borrower = await given.unit(roster_db)
    lent = {"borrower_id": str(borrower), "started_on": "2026-09-10", "until": "2026-12-31", "document_no": "借〔2026〕1号"}
    assert (await doors.http.post(f"/persons/{person_id}/secondments", json=lent, headers=doors.office)).status_code == 201
    await differing(roster_db, stack, UUID(person_id), row.unit_id)
    request_id = await asked(doors, person_id)
    return request_id, row.unit_id, borrower


async def test_a_copy_holds_everything_and_who_saw_it_and_is_on_record_itself(doors: Doors, roster_db: Database, stack: Place) -> None:
    request_id, unit_id, borrower = await much_kept(doors, roster_db, stack)

    copy = (await doors.http.post(f"/person-requests/{request_id}/copy", json={}, headers=doors.office)).json()

    known = [each["values"] for each in copy["records"] if each["recorded_until"] is None]
    assert {each["公民身份号码"] for each in known} == {PERSON["id_number"]}
    assert [each.get("民族") for each in known] == [None, "蒙古族"]
    assert known[-1]["是否公务员登记"] == "是"
    assert {each["label"]: (each["before"], each["after"]) for each in copy["changes"]} == {
        "民族": (None, "蒙古族"),
        "是否公务员登记": (None, "是"),
    }
    assert [(each["state"], each["values"]) for each in copy["pending"]] == [
        ("待申请", {"职务": "科长", "领导职务级别": "乡科级副职", "人员状态": "长期病事假", "公民身份号码": given.id_number(47)})
    ]
    post = copy["placements"][0]["values"]
    assert (post["编制类型"], post["进入形式"], post["入编时间"]) == ("事业编制", "公开招聘", "2026-09-02")
    assert [each["reason"] for each in copy["reveals"]][1:] == ["核对档案原件"]
    assert request_id in copy["reveals"][0]["reason"]
    assert [each["asked"] for each in copy["requests"]] == [ASKED["asked"]]
    assert len(copy["placements"]) == 1
    called = (await doors.http.get(f"/units/{borrower}", headers=doors.office)).json()["name"]
    assert [each["borrower"] for each in copy["secondments"]] == [called]
    assert [(each["label"], each["ours"], each["theirs"], each["state"]) for each in copy["differences"]] == [
        ("政治面貌", "群众", "中共党员", "差异待核实")
    ]
    printed = pypdf.PdfReader(io.BytesIO(Paper(stack).pdf(UUID(request_id), copy))).pages
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
            "公开招聘",
            "待申请",
        )
    )
    assert not any(each in text for each in (str(unit_id), "granted", "T0", "open", "True", "township_deputy"))
    assert ASKED["asked"] not in str(await roster_db.pool.fetch("SELECT * FROM person_requests"))


async def test_what_was_decided_of_a_request_is_on_record_and_under_the_seal(
    doors: Doors, roster_db: Database, roster_home: str, stack: Place
) -> None:
    request_id = await asked(doors, await registered(doors, await given.unit(roster_db)), kind="deletion")
    assert (await decided(doors, request_id, granted=False, ground="某条例第三条"))[0] == 204
    await seal(roster_db, Clock(None), AUDITED, RosterAuditSealed, margin=0)
    superuser = await asyncpg.connect(stack.database_url("postgres", roster_home), server_settings={"search_path": "roster"})
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute("UPDATE person_decisions SET outcome = 'granted'")
    await superuser.close()

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await roster_db.pool.execute("DELETE FROM person_decisions")
    async with roster_db.reading() as conn:
        assert [each async for each in verify(conn, AUDITED)] == [Broken(1, "altered", "person_decisions", request_id)]


async def test_no_office_hands_out_a_paper_in_the_name_of_the_invented_city(stack: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIANBAN_ISSUER", raising=False)

    with pytest.raises(WrongPlace, match="发文机关"):
        Paper(replace(stack, environment="production"))


def at(doors: Doors, work: Callable[[Any], Coroutine[Any, Any, Any]], loop: asyncio.AbstractEventLoop) -> Any:
    """What a command asks, at the doors of the test: in its loop, from the thread of the command."""

    async def post(_: str, __: str, path: str, body: object) -> Any:
        return SimpleNamespace(body=(await doors.http.post(path, json=body, headers=doors.office)).json())

    return asyncio.run_coroutine_threadsafe(work(SimpleNamespace(post=post)), loop).result()


@pytest_asyncio.fixture
async def copied(doors: Doors, stack: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Path], Awaitable[Result]]:
    """`bianban person copy` for a request."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(person, "at_doors", lambda work: at(doors, work, loop))
    for variable, value in stack.variables().items():
        monkeypatch.setenv(variable, value)

    async def copy(request_id: str, out: Path) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, person.app, ["copy", request_id, "--user", "officer", "--out", str(out)])

    return copy


async def outcomes(doors: Doors, person_id: str) -> list[str | None]:
    items = (await doors.http.get(f"/persons/{person_id}/requests", headers=doors.office)).json()["items"]
    return [each["outcome"] for each in items]


@pytest.mark.parametrize("missing", ["issuer", "folder", "fonts"])
async def test_a_copy_that_cannot_be_written_is_not_on_record_as_handed_out(
    doors: Doors,
    roster_db: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    copied: Callable[[str, Path], Awaitable[Result]],
    missing: str,
) -> None:
    person_id = await registered(doors, await given.unit(roster_db))
    request_id = await asked(doors, person_id)
    if missing == "issuer":
        monkeypatch.setenv("BIANBAN_ENVIRONMENT", "production")
        monkeypatch.delenv("BIANBAN_ISSUER")
    if missing == "fonts":
        monkeypatch.setenv("BIANBAN_FONT_DIR", str(tmp_path / "nosuch"))
    out = tmp_path / "nosuch" / "x.pdf" if missing == "folder" else tmp_path / "x.pdf"

    refused = await copied(request_id, out)

    assert isinstance(refused.exception, WrongPlace)
    assert await outcomes(doors, person_id) == [None]
    assert await roster_db.pool.fetchval("SELECT count(*) FROM person_reveals WHERE reason LIKE '%' || $1", request_id) == 0
    assert not out.exists()


async def test_a_copy_with_a_character_that_no_font_draws_points_to_the_other_form(
    doors: Doors, roster_db: Database, tmp_path: Path, copied: Callable[[str, Path], Awaitable[Result]]
) -> None:
    person_id = await registered(doors, await given.unit(roster_db))
    await doors.http.post(f"/persons/{person_id}/reveal", json={"reason": "核对“𱈴”字的写法"}, headers=doors.office)
    request_id = await asked(doors, person_id)

    refused = await copied(request_id, tmp_path / "x.pdf")
    written = await copied(request_id, tmp_path / "x.json")

    assert isinstance(refused.exception, WrongPlace)
    assert "U+31234" in str(refused.exception)
    assert ".json" in str(refused.exception)
    assert not (tmp_path / "x.pdf").exists()
    assert written.exit_code == 0
    assert "𱈴" in (tmp_path / "x.json").read_text(encoding="utf-8")


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


async def test_nobody_answers_a_request_that_he_took_in_himself(doors: Doors, roster_db: Database) -> None:
    person_id = await registered(doors, await given.unit(roster_db))
    both = (Role.BUSINESS_OFFICER, Role.OFFICE_DIRECTOR)
    taken = await doors.http.post(f"/persons/{person_id}/requests", json=ASKED | {"kind": "deletion"}, headers=doors.as_(*both))
    decision, body = (
        f"/person-requests/{taken.json()['request_id']}/decision",
        {"granted": False, "answer": "依法保存", "ground": "第四十七条"},
    )
    own = await doors.http.post(decision, json=body, headers=doors.as_(*both))

    assert (own.status_code, own.json()["code"]) == (409, "own_case")
    assert (await doors.http.post(decision, json=body, headers=doors.as_(Role.OFFICE_DIRECTOR))).status_code == 204


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


async def test_what_must_be_kept_is_not_deleted_and_the_ground_is_the_officer_s_own(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id = await registered(doors, row.unit_id)
    await place_person(roster_db, given.by(), given.placement(row, UUID(person_id), date(2026, 9, 2)))
    request_id = await asked(doors, person_id, kind="deletion", asked="请删除我的信息")

    assert await decided(doors, request_id) == (409, "deletion_forbidden")
    for ground in (None, "  "):
        assert await decided(doors, request_id, granted=False, answer="编制记录依法保存，不予删除", ground=ground) == (
            409,
            "ground_missing",
        )
    assert await decided(doors, request_id, granted=False, answer="编制记录依法保存，不予删除", ground="某条例第三条") == (204, "")

    items = (await doors.http.get(f"/persons/{person_id}/requests", headers=doors.office)).json()["items"]
    assert items[0]["ground"] == "某条例第三条"
    assert (await doors.http.get(f"/persons/{person_id}", headers=doors.office)).status_code == 200


async def test_who_was_to_get_a_post_and_did_not_is_erased(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id = await registered(doors, row.unit_id)
    entry = given.entry(row, UUID(person_id), await given.reservation(roster_db, row))
    await given.claimed(roster_db, entry)
    request_id = await asked(doors, person_id, kind="deletion", asked="误登记，请删除")
    waits = await decided(doors, request_id)
    evidence = Evidence(actor="a", role="r", update_id="u")
    await give_back(
        roster_db, given.by(), GiveBack(application_id=entry.application_id, revision=1, unit_id=row.unit_id, evidence=evidence)
    )

    assert waits == (409, "deletion_waits")
    assert await decided(doors, request_id) == (204, "")


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


async def test_who_is_erased_is_no_longer_named_by_a_comparison(doors: Doors, roster_db: Database, stack: Place) -> None:
    unit_id = await given.unit(roster_db)
    person_id = await registered(doors, unit_id)
    await differing(roster_db, stack, UUID(person_id), unit_id)
    request_id = await asked(doors, person_id, kind="deletion", asked="误登记，请删除")

    assert await decided(doors, request_id) == (204, "")

    (kept,) = await roster_db.pool.fetch("SELECT name, number_sealed, ours, theirs, ours_sealed, theirs_sealed FROM comparison_differences")
    assert tuple(kept) == ("", None, None, None, None, None)
    shown = await doors.http.get("/differences", headers=doors.office)
    assert (shown.status_code, len(shown.json()["items"])) == (200, 1)


async def test_who_is_in_an_application_under_review_is_not_erased_and_who_was_erased_claims_no_post(
    doors: Doors, roster_db: Database
) -> None:
    row = await given.row(roster_db, 2)
    authorised = await given.reservation(roster_db, row)
    person_id = await registered(doors, row.unit_id)
    entry = given.entry(row, UUID(person_id), authorised)
    await hold_reservation(roster_db, given.by(), entry)
    request_id = await asked(doors, person_id, kind="deletion", asked="误登记，请删除")

    assert await decided(doors, request_id) == (409, "deletion_waits")
    await roster_db.pool.execute("DELETE FROM holds")
    assert await decided(doors, request_id) == (204, "")

    for late in (hold_reservation, claim_post):
        with pytest.raises(PersonUnknown):
            await late(roster_db, given.by(), entry)


async def test_who_has_a_change_under_review_is_not_erased_until_his_case_is_over(doors: Doors, roster_db: Database) -> None:
    """Must fail when the roster hears of the case at its claim only: the case would be decided about nobody."""
    row = await given.row(roster_db, 1)
    person_id = UUID(await registered(doors, row.unit_id))
    change_id = await register_change(
        roster_db, given.CIPHER, given.by("证明1号"), RegisterChange(person_id=person_id, since=date(2026, 6, 1), title="副校长")
    )
    asking = case(row, person_id, change_id)
    request_id = await asked(doors, str(person_id), kind="deletion", asked="误登记，请删除")

    await hold_reservation(roster_db, given.by(), asking)
    under_review = await decided(doors, request_id)
    await claim_post(roster_db, given.by(), asking)
    granted = await decided(doors, request_id)
    back = GiveBack(
        application_id=asking.application_id, revision=1, unit_id=row.unit_id, evidence=Evidence(actor="a", role="r", update_id="u")
    )
    await give_back(roster_db, given.by(), back)

    assert (under_review, granted) == ((409, "deletion_waits"),) * 2
    with pytest.raises(ClaimRefusedByTombstone):
        await hold_reservation(roster_db, given.by(), asking)
    assert await decided(doors, request_id) == (204, "")
    with pytest.raises(ChangeUnknown):
        await hold_reservation(roster_db, given.by(), asking.model_copy(update={"revision": 2}))


async def test_who_is_to_answer_finds_what_waits_and_reads_what_was_asked(doors: Doors, roster_db: Database) -> None:
    """Must fail when he who decides may not read it: the words of the person concerned are what he decides on."""
    person_id = await registered(doors, await given.unit(roster_db))
    first, late, erased = [await asked(doors, person_id, kind=kind) for kind in ("copy", "deletion", "deletion")]
    assert await decided(doors, first, granted=False, ground="第十八条") == (204, "")
    await roster_db.pool.execute("UPDATE person_requests SET due_on = '2020-01-01' WHERE id = ANY($1)", [UUID(first), UUID(late)])
    director = doors.as_(Role.OFFICE_DIRECTOR)

    async def read(path: str) -> Any:
        return (await doors.http.get(path, headers=director)).json()

    waiting, page = await read("/person-requests?open_only=true"), await read("/person-requests?limit=2")
    rest = await read(f"/person-requests?limit=2&before={page['next']}")
    one, mine = await read(f"/person-requests/{late}"), await read(f"/persons/{person_id}/requests")
    assert await decided(doors, erased) == (204, "")
    after = await read("/person-requests?open_only=true")

    assert [(each["request_id"], each["overdue"]) for each in waiting["items"]] == [(erased, False), (late, True)]
    assert {each["request_id"]: each["overdue"] for each in mine["items"]} == {first: False, late: True, erased: False}
    assert [each["request_id"] for each in (*page["items"], *rest["items"])] == [erased, late, first]
    assert (one["asked"], one["name"], one["unit"] != "", len(mine["items"])) == (ASKED["asked"], PERSON["name"], True, 3)
    assert [each["name"] for each in after["items"]] == [None]


async def test_a_request_of_another_unit_is_as_if_it_were_not(doors: Doors, roster_db: Database) -> None:
    own, other = await given.unit(roster_db), await given.unit(roster_db)
    request_id = await asked(doors, await registered(doors, other))
    officer = doors.as_(Role.BUSINESS_OFFICER, units=(own,))

    foreign = await doors.http.post(f"/person-requests/{request_id}/copy", json={}, headers=officer)
    absent = await doors.http.post(f"/person-requests/{uuid4()}/copy", json={}, headers=officer)
    read = await doors.http.get(f"/person-requests/{request_id}", headers=officer)
    listed = await doors.http.get("/person-requests", headers=officer)

    assert (foreign.status_code, absent.status_code, read.status_code) == (404, 404, 404)
    assert (listed.status_code, listed.json()["items"]) == (200, [])
    assert await roster_db.pool.fetchval("SELECT count(*) FROM person_reveals") == 0
