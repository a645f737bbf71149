"""管理: whom each page lets in, what a form sends and keeps, and that a one-time password is on one answer alone."""

import json
import re
from typing import Any

import pytest

from services.portal.rules.offices import ADMINISTRATION
from shared.auth import ADMINISTRATORS, PERMISSIONS
from shared.glossary import Role
from tests.portal.conftest import OURS, XSS, Door
from tests.portal.given import UNIT_ID

pytestmark = pytest.mark.asyncio
AT = "2026-11-16T01:30:00Z"
USER = {"id": UNIT_ID, "name": "li", "real_name": f"李四{XSS}", "grants": [{"role": "unit_clerk", "unit_ids": [UNIT_ID]}]}
PROXY = {"id": UNIT_ID, "user": "li", "absent": "wang", "begins_at": AT, "until": AT}
ACCOUNT = {"user": USER, "proxies": [PROXY], "has_password": True, "one_time_until": AT, "second_factor": False, "locked_until": AT}
CHAIN = {
    "application_type": "exit_application",
    "label": f"出编申请{XSS}",
    "version": 1,
    "effective_on": "2020-01-01",
    "document_no": XSS,
    "steps": [{"code": "a", "label": XSS, "role": "business_officer", "role_label": "承办科室", "budget_days": 5, "reminders": []}],
}
LETTER = {
    "id": 7,
    "consumer": "approval",
    "key": UNIT_ID,
    "topic": "roster.events",
    "type": "t",
    "title": XSS,
    "error": XSS,
    "parked_at": AT,
}
DEED = {"id": UNIT_ID, "at": AT, "actor": "li", "type": "t", "title": XSS, "unit_id": UNIT_ID, "reason": XSS, "document_no": None}
TAKEN = {
    "id": UNIT_ID,
    "list": "roster",
    "title": f"名册{XSS}",
    "format": "xlsx",
    "unmasked": True,
    "reason": XSS,
    "actor": "li",
    "asked_at": AT,
}
TAKEN |= {"state": "export_done", "state_label": "可以下载", "rows_done": 4321, "filters": {"unit": UNIT_ID, "on_roster": "on"}}
TAKEN |= {"downloads": [{"actor": "wang", "at": AT}]}


@pytest.fixture
def house(door: Door) -> Door:
    answers: dict[str, Any] = door.played.answers
    answers |= {"/users": {"items": [USER], "next": "li", "units": {UNIT_ID: XSS}}, "/colleagues": {"li": f"李四{XSS}"}}
    answers |= {"/users/search": answers["/users"], "/users/li": {"account": ACCOUNT | {"sessions": 2}, "units": {UNIT_ID: XSS}}}
    answers |= {"/chains": [CHAIN, CHAIN | {"version": 2, "effective_on": "2099-01-01"}], "/lights/matrix": {"rules": []}}
    answers["/calendar"] = {"year": 2026, "version": "国办发明电", "published": False, "known_until": None, "off": ["2026-10-01"]}
    answers["/calendar"]["work"] = ["2026-10-10"]
    answers["monitoring/parameters"] = []
    answers |= {"/upkeep/dead-letters": {"items": [LETTER], "total": 3}, "/upkeep/outbox": [{"destination": XSS, "rows": 4, "oldest": AT}]}
    answers["/upkeep/dead-letters/7"] = [
        LETTER | {"partition": 0, "offset": 9, "headers": {"ce_correlationid": "approval:1"}, "body": {"n": XSS}}
    ]
    answers["/upkeep/positions"] = {
        "ends": [{"consumer": "", "topic": "roster.events", "partition": 0, "next_offset": 12}],
        "consumed": [{"consumer": "approval", "topic": "roster.events", "partition": 0, "next_offset": 9}],
    }
    answers["/upkeep/parts"] = {
        "number": "2.3.4",
        "commit": "0123456789ab",
        "postgresql": "18.1",
        "temporal": f"1.3{XSS}",
        "builds": ["b1"],
    }
    answers |= {
        "/ready": {"status": "waiting", "waiting_for": ["temporal"]},
        "/trail": {"items": [DEED | {"case_id": "approval:1", "case_title": f"审批{XSS}"}], "next": None},
        "/names": {"units": {UNIT_ID: f"教育局{XSS}"}, "persons": {UNIT_ID: {"name": f"王＊＊{XSS}", "unit": f"教育局{XSS}"}}},
        "/names/units": [{"id": UNIT_ID, "name": "教育局"}],
    }
    answers["/audit"] = {"items": [DEED | {"change": {"user": "li", "role": "observer", "unit_ids": None}}], "next": None}
    record = {
        "id": UNIT_ID,
        "at": AT,
        "deed": "sign_in_refused",
        "label": "登录被拒",
        "user": "li",
        "actor": "",
        "address": XSS,
        "reason": "",
    }
    answers |= {"/audit/sign-ins": {"items": [record], "next": None}}
    find = {"id": 2, "unit_id": UNIT_ID, "person_id": UNIT_ID, "from_unit_id": UNIT_ID, "actor": "li", "at": AT}
    missed = find | {"id": 1, "person_id": None, "from_unit_id": None}
    answers["/person-finds"] = {"items": [find, missed], "next": None}
    answers["/exports/audit"] = {"items": [], "next": None}
    answers["roster/exports/audit"] = {"items": [TAKEN], "next": None}
    answers["/reveals"] = {"items": [{"id": 1, "person_id": UNIT_ID, "actor": "li", "reason": XSS, "at": AT}], "next": None}
    return door


PAGES = ["/admin", "/admin/users/li", "/admin/users/new", "/admin/dead-letters/approval/7", *(address for address, *_ in ADMINISTRATION)]


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_drawn_for_one_of_its_roles_and_nothing_planted_is_markup(house: Door, path: str) -> None:
    house.sign_in(*ADMINISTRATORS, Role.SUPERVISION_OFFICER)
    page = await house.client.get(path)

    assert page.status_code == 200, page.text
    assert "<script>alert(1)" not in page.text
    assert "<img src=x" not in page.text


async def test_three_administrators_each_see_their_part_and_nobody_all(house: Door) -> None:
    shown = {}
    for role in ADMINISTRATORS:
        house.sign_in(role)
        page = (await house.client.get("/admin")).text
        shown[role] = {address for address, *_ in ADMINISTRATION if f'href="{address}"' in page}

    wanted = {role: {address for address, *_, opens in ADMINISTRATION if role in PERMISSIONS[opens]} for role in ADMINISTRATORS}
    assert shown == wanted
    assert all(found < {address for address, *_ in ADMINISTRATION} for found in shown.values())


async def test_each_administrator_is_offered_what_he_may_do_with_an_account_and_no_more(house: Door) -> None:
    offered = {}
    for role in ADMINISTRATORS:
        house.sign_in(role)
        page = (await house.client.get("/admin/users/li")).text
        offered[role] = {
            deed for deed in ("one-time-password", "release", "sessions/end", "roles", "proxies") if f'/admin/users/li/{deed}"' in page
        }

    assert offered == {
        Role.SYSTEM_ADMIN: {"one-time-password", "release", "sessions/end"},
        Role.SECURITY_ADMIN: {"roles", "proxies"},
        Role.AUDIT_ADMIN: set(),
    }


async def test_a_new_account_gets_a_password_that_stands_on_this_answer_alone(house: Door) -> None:
    mark = house.sign_in(Role.SYSTEM_ADMIN)
    house.played.answers["/users"] = USER
    house.played.answers["/users/li/one-time-password"] = {"name": "li", "one_time_password": "Xk7-Pq2-wZ9", "ends_at": AT}
    form = {"csrf": mark, "request_key": "key-1", "name": "li", "real_name": "李四", "reason": "新进"}
    answer = await house.client.post("/admin/users/new", data=form, headers=OURS)
    house.played.refusals["/users/li/one-time-password"] = (409, "key_reused")
    again = await house.client.post("/admin/users/new", data=form, headers=OURS)

    posts = [each for each in house.played.asked if each[0] == "POST" and each[1].startswith("/users")]
    sent = [(path, json.loads(body), headers["idempotency-key"]) for _, path, body, headers in posts]
    assert sent[:2] == [
        ("/users", {"name": "li", "real_name": "李四", "reason": "新进"}, "key-1"),
        ("/users/li/one-time-password", {}, "key-1/password"),
    ]
    assert (answer.status_code, "location" in answer.headers, answer.text.count("Xk7-Pq2-wZ9")) == (200, False, 1)
    assert answer.headers["cache-control"] == "no-store"
    assert (again.status_code, "Xk7-Pq2-wZ9" in again.text) == (409, False)
    assert "Xk7" not in str(house.played.queries)
    assert "Xk7" not in (await house.client.get("/admin/users/li")).text


async def test_a_refused_account_keeps_what_was_typed(house: Door) -> None:
    mark = house.sign_in(Role.SYSTEM_ADMIN)
    house.played.refusals["/users"] = (409, "name_taken")
    form = {"csrf": mark, "name": "li", "real_name": f"李{XSS}", "reason": "新进人员"}
    answer = await house.client.post("/admin/users/new", data=form, headers=OURS)

    assert answer.status_code == 409
    assert 'value="li"' in answer.text
    assert 'value="新进人员"' in answer.text
    assert "<script>alert(1)" not in answer.text


async def test_people_are_looked_for_without_their_names_in_any_address(house: Door) -> None:
    mark = house.sign_in(Role.SECURITY_ADMIN)
    answer = await house.client.post("/admin/users", data={"csrf": mark, "words": "李四", "role": "unit_clerk"}, headers=OURS)

    assert answer.status_code == 200
    assert 'name="words" value="李四"' in answer.text
    assert "?words" not in answer.text
    assert json.loads(house.played.asked[-1][2]) == {"words": "李四", "role": "unit_clerk"}
    assert "李四" not in str(house.played.queries)


async def test_a_role_is_given_over_units_that_were_looked_for_and_ticked(house: Door) -> None:
    mark = house.sign_in(Role.SECURITY_ADMIN)
    house.played.answers["/scopes"] = [{"id": UNIT_ID, "name": XSS, "code": "330499"}]
    form = {"csrf": mark, "role": "unit_head", "scope": "units", "words": "小学", "reason": "任命", "unit_ids": f"{UNIT_ID}|第一小学"}
    looked = await house.client.post("/admin/users/li/roles", data=form | {"do": "look"}, headers=OURS)
    given = await house.client.post("/admin/users/li/roles", data=form, headers=OURS)
    await house.client.post("/admin/users/li/roles", data=form | {"scope": "county"}, headers=OURS)
    house.played.refusals["/users/li/roles"] = (409, "scopes_differ")
    refused = await house.client.post("/admin/users/li/roles", data=form, headers=OURS)

    bodies = [json.loads(body) for method, path, body, _ in house.played.asked if (method, path) == ("POST", "/users/li/roles")]
    assert [each["unit_ids"] for each in bodies] == [[UNIT_ID], None, [UNIT_ID]]
    assert bodies[0] == {"role": "unit_head", "unit_ids": [UNIT_ID], "reason": "任命"}
    assert (given.status_code, given.headers["location"]) == (303, "/admin/users/li?done=role_given")
    for page in (looked, refused):
        assert f'value="{UNIT_ID}|第一小学" checked' in page.text
        assert '<option value="unit_head" selected>' in page.text
        assert 'value="任命"' in page.text
    assert refused.status_code == 409


async def test_deeds_on_an_account_are_sent_as_the_service_takes_them(house: Door) -> None:
    mark = house.sign_in(*ADMINISTRATORS)
    forms = {"release": {}, "sessions/end": {}, "roles/unit_clerk/revocation": {"reason": "调离"}}
    forms["proxies"] = {"absent": "wang", "until": "2026-12-05", "begins_on": "2026-12-01"}
    answers = [await house.client.post(f"/admin/users/li/{path}", data={"csrf": mark} | form, headers=OURS) for path, form in forms.items()]

    sent = [(method, path, json.loads(body)) for method, path, body, _ in house.played.asked if path.startswith("/users/li/")]
    assert {answer.status_code for answer in answers} == {303}
    assert sent == [
        ("POST", "/users/li/release", {}),
        ("DELETE", "/users/li/sessions", {}),
        ("POST", "/users/li/roles/unit_clerk/revocation", {"reason": "调离"}),
        ("POST", "/users/li/proxies", {"absent": "wang", "until": "2026-12-05T23:59:59+08:00", "begins_at": "2026-12-01T00:00:00+08:00"}),
    ]


async def test_a_proxy_is_ended_by_who_keeps_rights_and_by_who_is_stood_in_for_alone(house: Door) -> None:
    ends = {}
    for role in ADMINISTRATORS:
        house.sign_in(role)
        ends[role] = f'/admin/users/li/proxies/{UNIT_ID}/end"' in (await house.client.get("/admin/users/li")).text
    mark = house.sign_in(Role.SECURITY_ADMIN)
    done = await house.client.post(f"/admin/users/li/proxies/{UNIT_ID}/end", data={"csrf": mark, "reason": "提前返岗"}, headers=OURS)
    mark = house.sign_in(Role.UNIT_HEAD)  # zhou
    other = UNIT_ID[:-1] + "9"
    mine = PROXY | {"id": other, "user": "wang", "absent": "zhou"}
    house.played.answers["/me/proxies"] = {"items": [PROXY, mine], "names": {"wang": f"王五{XSS}"}}
    page = (await house.client.get("/me")).text
    own = await house.client.post(f"/me/proxies/{other}/end", data={"csrf": mark}, headers=OURS)
    house.played.refusals[f"/me/proxies/{other}/end"] = (404, "proxy_unknown")
    again = await house.client.post(f"/me/proxies/{other}/end", data={"csrf": mark}, headers=OURS)

    assert {role for role, offered in ends.items() if offered} == {Role.SECURITY_ADMIN}
    assert (done.headers["location"], own.headers["location"]) == ("/admin/users/li?done=proxy_ended", "/me?done=proxy_ended")
    assert [f'/me/proxies/{each}/end"' in page for each in (other, UNIT_ID)] == [True, False]
    assert "<script>alert(1)" not in page
    assert (again.status_code, "原因：" in again.text) == (404, True)
    sent = [json.loads(body) for _, path, body, _ in house.played.asked if path == f"/proxies/{UNIT_ID}/end"]
    assert sent == [{"reason": "提前返岗"}]


async def test_a_replay_is_asked_once_and_a_refusal_is_told_where_the_letter_stands(house: Door) -> None:
    mark = house.sign_in(Role.SYSTEM_ADMIN)
    done = await house.client.post("/admin/dead-letters/approval/7/replay", data={"csrf": mark}, headers=OURS)
    house.played.refusals["/upkeep/dead-letters/7/replay"] = (409, "already_asked")
    refused = await house.client.post("/admin/dead-letters/approval/7/replay", data={"csrf": mark}, headers=OURS)
    foreign = await house.client.get("/admin/dead-letters/elsewhere/7")

    assert (done.status_code, done.headers["location"]) == (303, "/admin/dead-letters?done=replay_asked")
    assert (refused.status_code, "原因：" in refused.text, foreign.status_code) == (409, True, 404)


async def test_an_audit_administrator_reads_a_letter_and_is_offered_no_replay(house: Door) -> None:
    house.sign_in(Role.AUDIT_ADMIN)
    house.played.answers["/upkeep/dead-letters/7"][0]["error"] = "Unreadable: no event id"
    page = (await house.client.get("/admin/dead-letters/approval/7")).text

    assert "/replay" not in page
    assert "无法识别为事件：没有事件编号" in page
    assert 'href="/ops?q=approval%3A1"' in page


async def test_how_the_system_stands_is_said_in_words_and_a_service_away_takes_nothing_with_it(house: Door) -> None:
    house.sign_in(Role.SYSTEM_ADMIN)
    house.played.refusals["/upkeep/outbox"] = (503, "unavailable")
    page = (await house.client.get("/admin/status")).text

    assert "5 个服务未就绪" in page
    assert "temporal" in page
    assert "取不到" in page
    assert "<strong>3</strong>" in page


async def test_records_are_asked_from_the_latest_and_narrowed(house: Door) -> None:
    house.sign_in(Role.AUDIT_ADMIN)
    for path in ("/admin/sign-ins?user=li", "/admin/trail?service=approval&case=approval:1", "/admin/reveals?actor=li", "/admin/changes"):
        await house.client.get(path, headers={"hx-request": "true"})

    queries = {path: dict(query) for _, path, query in house.played.queries}
    assert queries["/audit/sign-ins"] == {"user": "li", "before": "f" * 8 + "-ffff-ffff-ffff-" + "f" * 12}
    assert queries["/trail"] == {"case": "approval:1"}
    assert queries["/reveals"] == {"actor": "li"}
    assert "before" in queries["/audit"]


async def test_accounts_and_records_lead_to_their_files_narrowed_as_they_are_and_with_nobodys_name_in_an_address(house: Door) -> None:
    mark = house.sign_in(*ADMINISTRATORS)
    found = {}
    for path, name in (
        ("/admin/users?role=observer", "users"),
        ("/admin/sign-ins?user=li", "sign_ins"),
        ("/admin/changes", "account_changes"),
    ):
        link = re.search(rf'href="/exports/new\?service=identity&amp;list={name}([^"]*)"', (await house.client.get(path)).text)
        found[name] = link and link[1]
    searched = await house.client.post("/admin/users", data={"csrf": mark, "words": "李四"}, headers=OURS)

    assert found == {"users": "&amp;role=observer", "sign_ins": "&amp;user=li", "account_changes": ""}
    assert "/exports/new" not in searched.text


async def test_the_trail_leads_to_the_file_of_the_service_that_is_shown_and_not_where_it_is_narrowed_by_words(house: Door) -> None:
    house.sign_in(Role.AUDIT_ADMIN)
    start = (await house.client.get("/admin/trail")).text
    part = await house.client.get(f"/admin/trail?service=approval&unit={UNIT_ID}&case=approval:1", headers={"hx-request": "true"})
    sought = (await house.client.get("/admin/trail?words=教育")).text

    assert 'href="/exports/new?service=roster&amp;list=trail_roster"' in start
    by = f"of_unit={UNIT_ID}&amp;case=approval%3A1"
    assert f'href="/exports/new?service=approval&amp;list=trail_approval&amp;{by}"' in part.text
    assert "/exports/new" not in sought


async def test_an_administrator_finds_what_he_may_take_and_asks_for_it_by_a_role(house: Door) -> None:
    house.sign_in(Role.AUDIT_ADMIN)
    line = {"name": "users", "title": "用户与角色", "filters": ["role"], "sensitive": False, "columns": []}
    house.played.answers |= {"/exports/lists": {"items": []}, "/exports": {"items": [], "next": None}}
    house.played.answers["identity/exports/lists"] = {"items": [line]}

    start = (await house.client.get("/exports")).text
    form = (await house.client.get("/exports/new?service=identity&list=users&role=observer")).text

    assert 'href="/exports/new?service=identity&amp;list=users"' in start
    assert "用户与权限" in start
    assert '<option value="observer" selected>协同部门</option>' in form
    assert 'value="service"' not in form


async def test_records_name_units_and_people_and_ask_for_all_of_a_page_at_once(house: Door) -> None:
    house.sign_in(Role.AUDIT_ADMIN)
    house.played.answers["/trail"]["items"] *= 2

    trail = (await house.client.get("/admin/trail")).text
    reveals = (await house.client.get("/admin/reveals")).text

    assert [query for _, path, query in house.played.queries if path == "/names"] == [[("unit", UNIT_ID)], [("person", UNIT_ID)]]
    assert "教育局" in trail
    assert "审批" in trail
    assert "王＊＊" in reveals
    assert f">{UNIT_ID}<" not in trail + reveals


async def test_who_named_whom_for_a_transfer_is_read_and_that_somebody_was_wrong(house: Door) -> None:
    house.sign_in(Role.AUDIT_ADMIN)

    page = (await house.client.get("/admin/finds?actor=li")).text

    assert [dict(query) for _, path, query in house.played.queries if path == "/person-finds"] == [{"actor": "li"}]
    assert "王＊＊&lt;script&gt;" in page
    assert "教育局&lt;script&gt;" in page
    assert (page.count(">相符<"), page.count(">不符<")) == (1, 1)
    assert f">{UNIT_ID}<" not in page


async def test_who_took_which_list_and_why_is_one_record_of_all_services(house: Door) -> None:
    house.sign_in(Role.AUDIT_ADMIN)
    later = TAKEN | {"id": "f" + UNIT_ID[1:], "title": "亮灯清单", "asked_at": "2099-01-01T00:00:00Z", "filters": {}, "downloads": []}
    house.played.answers["monitoring/exports/audit"] = {"items": [later], "next": None}
    house.played.refusals["GET /exports/audit"] = (503, "away")
    away = (await house.client.get("/admin/exports")).text
    del house.played.refusals["GET /exports/audit"]
    page = (await house.client.get("/admin/exports")).text

    assert page.index("亮灯清单") < page.index("名册&lt;script&gt;"), "the latest first, whichever service has it"
    assert all(words in page for words in ("4,321", "未脱敏", "单位（含下级）为教育局", "没有人取", UNIT_ID, "李四"))
    assert away.count("的导出暂时取不到") == 5


async def test_the_record_of_exports_is_narrowed_to_one_who_asked_or_took_and_to_one_file(house: Door) -> None:
    house.sign_in(Role.AUDIT_ADMIN)
    page = (await house.client.get(f"/admin/exports?actor=li&file={UNIT_ID}")).text
    asked = [dict(query) for _, path, query in house.played.queries if path == "/exports/audit"]
    odd = (await house.client.get("/admin/exports?file=第3号")).text

    assert asked == [{"limit": "50", "actor": "li", "export": UNIT_ID}] * 5
    assert f'value="{UNIT_ID}"' in page
    assert "没有符合条件的导出" in odd
    assert "取不到" not in odd
    assert len([path for _, path, _ in house.played.queries if path == "/exports/audit"]) == 5


async def test_records_are_told_by_their_ids_while_the_roster_is_away(house: Door) -> None:
    house.sign_in(Role.AUDIT_ADMIN)
    house.played.refusals["/names"] = (503, "away")

    found = [await house.client.get(path) for path in ("/admin/trail", "/admin/reveals", "/admin/finds")]

    assert [each.status_code for each in found] == [200, 200, 200]
    assert all(UNIT_ID[:13] in each.text for each in found)


async def test_the_trail_is_narrowed_by_a_units_name_and_a_name_nobody_has_finds_nothing(house: Door) -> None:
    house.sign_in(Role.AUDIT_ADMIN)

    await house.client.get("/admin/trail?words=教育&unit=ignored")
    asked = [dict(query) for _, path, query in house.played.queries if path == "/trail"]
    house.played.answers["/names/units"] = []
    nothing = (await house.client.get("/admin/trail?words=没有")).text

    assert asked == [{"unit": UNIT_ID}]
    assert "没有符合条件的记录" in nothing


async def test_the_status_tells_which_versions_run_and_that_a_service_runs_another(house: Door) -> None:
    house.sign_in(Role.SYSTEM_ADMIN)
    alike = (await house.client.get("/admin/status")).text
    house.played.answers["roster/upkeep/parts"] = house.played.answers["/upkeep/parts"] | {"commit": "ba9876543210"}
    other = (await house.client.get("/admin/status")).text
    house.played.answers["/upkeep/parts"] |= {"builds": []}
    house.played.answers["roster/upkeep/parts"] |= {"builds": []}
    idle = (await house.client.get("/admin/status")).text
    house.played.refusals["/upkeep/parts"] = (503, "away")
    away = (await house.client.get("/admin/status")).text

    assert all(words in alike for words in ("2.3.4", "0123456789ab", "18.1", "b1", "部署时未登记"))
    assert ("版本不一致" in alike, "版本不一致" in other, "ba9876543210" in other) == (False, True, True)
    assert ["没有在运行的流程程序" in each for each in (alike, idle, away)] == [False, True, False]
    assert away.count("取不到") > idle.count("取不到")
