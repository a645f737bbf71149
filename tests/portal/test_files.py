"""导入, 导出, 比对: files in and out by the pages, their refusals in words, and nothing typed lost."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from shared.glossary import Role
from tests.portal.conftest import OURS, XSS, Door, pressed_by_enter
from tests.portal.given import UNIT_ID

pytestmark = pytest.mark.asyncio
ID = "01a210f8-5bc8-7567-b52b-9533203e1939"
SHEET: dict[str, Any] = {"title": "人员", "added": 3, "changed": 1, "same": 0, "wrong": 1, "left_out": 0}
IMPORT: dict[str, Any] = {
    "id": ID,
    "kind": "roster",
    "title": "人员",
    "state": "import_checked",
    "state_label": "已核对，待写入",
    "step": 7,
    "file_name": f"名册{XSS}.xlsx",
    "file_bytes": 7000,
    "actor": "zhou",
    "received_at": "2026-09-18T01:12:00Z",
    "checked_at": "2026-09-18T01:12:03Z",
    "ended_at": None,
    "keep_until": "2998-10-18T01:12:00Z",
    "rows_read": 5,
    "units_done": 0,
    "units_total": 2,
    "errors": 1,
    "warnings": 1,
    "note": XSS,
    "accept_valid": False,
    "document_no": None,
    "sheets": {"roster": SHEET},
    "written": {},
    "left": "",
    "refused": [{"name": XSS, "sentence": XSS}],
}
PROBLEM = {"sheet": "人员", "row": 5, "column": "公民身份号码", "sentence": f"校验码不符{XSS}", "warning": False}
JOB: dict[str, Any] = {
    "id": ID,
    "list": "roster",
    "title": f"在编人员名册{XSS}",
    "format": "xlsx",
    "filters": {"unit": UNIT_ID},
    "fields": [],
    "unmasked": True,
    "reason": XSS,
    "actor": "zhou",
    "asked_at": "2026-09-18T01:12:00Z",
    "state": "export_done",
    "state_label": "已完成",
    "rows_total": 5,
    "rows_done": 5,
    "read_at": "2026-09-18T01:12:01Z",
    "file_bytes": 9000,
    "sha256": "ab" * 32,
    "note": "",
    "ended_at": "2026-09-18T01:12:02Z",
    "keep_until": "2026-09-25T01:12:00Z",
}
COLUMNS = [{"name": "name", "label": "姓名", "sensitive": False}, {"name": "id_number", "label": "公民身份号码", "sensitive": True}]
LINE = {"name": "roster", "title": "在编人员名册", "filters": ["unit", "as_of", "population"], "sensitive": True, "columns": COLUMNS}
MANY_SHEETS = {"name": "provincial", "title": "实名制信息", "filters": ["unit"], "sensitive": True, "columns": []}
RUN: dict[str, Any] = {
    "id": ID,
    "state": "comparison_compared",
    "state_label": "已比对",
    "step": 4,
    "file_name": f"上级{XSS}.xlsx",
    "file_bytes": 9,
    "file_hash": "ab",
    "format": "2026",
    "leads": "1",
    "unit_id": None,
    "actor": "zhou",
    "received_at": "2026-09-18T01:12:00Z",
    "compared_at": None,
    "ended_at": None,
    "rows_read": 12,
    "sheets": [{"title": "人员", "there": 5, "here": 5, "matched": 4}],
    "outcome": {"new": 2, "again": 0, "same": 1, "silent": 0, "closed": 1},
    "unread": 1,
    "problems": [{"sheet": "人员", "row": 3, "column": "", "sentence": XSS}],
    "note": "",
}
DIFFERENCE: dict[str, Any] = {
    "id": ID,
    "sheet": "roster",
    "sheet_label": "人员",
    "kind": "field_differs",
    "kind_label": "内容不一致",
    "field": "school",
    "field_label": "毕业院校",
    "unit_id": UNIT_ID,
    "unit": f"第一小学{XSS}",
    "person_id": ID,
    "name": f"李*{XSS}",
    "id_number": "330499***********4",
    "ours": f"甲大学{XSS}",
    "theirs": "乙大学",
    "leads": "theirs",
    "leads_label": "上级系统为准",
    "decided": None,
    "state": "difference_to_verify",
    "state_label": "差异待核实",
    "explained": False,
    "remedy": "由编办核对。",
    "change_id": None,
    "first_run": ID,
    "last_run": ID,
    "found_at": "2026-09-18T01:12:00Z",
    "moved_at": "2026-09-18T01:12:00Z",
    "steps": [],
    "moves": ["difference_in_review", "difference_rectified"],
    "may_answer": True,
    "may_accept": True,
}


def answers(door: Door) -> None:
    door.played.answers |= {
        "/imports": {"items": [IMPORT], "next": ID},
        f"/imports/{ID}": IMPORT,
        f"/imports/{ID}/problems": {"items": [PROBLEM], "next": 50},
        f"/imports/{ID}/changes": {
            "items": [{"sheet": "人员", "row": 4, "about": f"甲{XSS}", "changes": [{"column": f"职务{XSS}", "before": XSS, "after": XSS}]}],
            "next": 50,
        },
        "/exports": {"items": [JOB], "next": None},
        f"/exports/{ID}": JOB,
        "/exports/lists": {"items": [LINE, MANY_SHEETS]},
        "/units": {"items": [{"id": UNIT_ID, "name": f"市{XSS}"}], "next": None},
        f"/units/{UNIT_ID}": {"id": UNIT_ID, "name": f"市{XSS}"},
        "/comparisons": {"items": [RUN], "next": None},
        f"/comparisons/{ID}": RUN,
        "/differences": {"items": [DIFFERENCE], "next": None},
        f"/differences/{ID}": DIFFERENCE,
        "/colleagues": {},
    }


def sent(door: Door, path: str) -> list[Any]:
    return [json.loads(body) for method, asked, body, _ in door.played.asked if (method, asked) == ("POST", path)]


@pytest.mark.parametrize(
    "path",
    [
        *("/imports", f"/imports/{ID}", f"/imports/{ID}/problems", f"/imports/{ID}/changes", "/exports", f"/exports/roster/{ID}"),
        *("/comparisons", f"/comparisons/{ID}", "/differences", f"/differences/{ID}"),
        *("/exports/new?service=roster&list=provincial", f"/exports/new?service=roster&list=roster&unit={UNIT_ID}&as_of=2026-01-01"),
    ],
)
async def test_every_page_of_files_is_drawn_and_nothing_planted_is_markup(door: Door, path: str) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    page = await door.client.get(path)
    part = await door.client.get(path, headers={"hx-request": "true"})

    assert (page.status_code, part.status_code) == (200, 200), page.text
    assert "<script>alert(1)" not in page.text + part.text
    assert "<img src=x" not in page.text + part.text


@pytest.mark.parametrize("name", ["imports", "comparisons"])
async def test_what_was_brought_in_can_be_taken_out_as_a_list(door: Door, name: str) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)

    assert f'href="/exports/new?service=roster&amp;list={name}"' in (await door.client.get(f"/{name}")).text


async def test_a_file_passes_through_with_what_was_chosen_beside_it(door: Door) -> None:
    csrf = door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    door.played.answers["POST /imports"] = {"import_id": ID}
    typed = {"csrf": csrf, "request_key": "key-12345678", "kind": "roster", "unit": "甲单位"}
    content = bytes(range(256)) * 400
    answer = await door.client.post("/imports", data=typed, files={"file": ("../名册.xlsx", content)}, headers=OURS)
    ((_, _, body, headers),) = [each for each in door.played.asked if each[:2] == ("POST", "/imports")]

    assert (answer.status_code, answer.headers["location"]) == (303, f"/imports/{ID}")
    assert content in body
    assert 'filename="名册.xlsx"'.encode() in body
    assert b'name="kind"\r\n\r\nroster' in body
    assert 'name="unit"\r\n\r\n甲单位'.encode() in body
    assert csrf.encode() not in body
    assert (headers["idempotency-key"], headers["authorization"]) == ("key-12345678", "Bearer token-key-0")


async def test_an_upload_that_its_sender_breaks_off_is_no_failure_of_ours(door: Door) -> None:
    csrf = door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    request = door.client.build_request(
        "POST", "/imports", data={"csrf": csrf, "kind": "roster"}, files={"file": ("a.xlsx", b"x" * 9000)}, headers=OURS
    )
    sent = iter([{"type": "http.request", "body": (await request.aread())[:5000], "more_body": True}, {"type": "http.disconnect"}])
    answered: list[Any] = []

    async def receive() -> Any:
        return next(sent)

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "method": "POST", "path": "/imports", "raw_path": b"/imports", "query_string": b""}
    headers = [(name.lower(), value) for name, value in request.headers.raw]
    await door.app(scope | {"headers": headers, "client": ("127.0.0.1", 1), "server": ("portal", 80), "scheme": "http"}, receive, send)

    assert [each["status"] for each in answered if each["type"] == "http.response.start"] == [499]


async def test_a_file_that_is_refused_is_told_in_words_beside_what_was_chosen(door: Door) -> None:
    csrf = door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    door.played.refusals |= {"POST /imports": (409, "file_unreadable"), "POST /comparisons": (409, "file_unreadable")}
    chosen = {"csrf": csrf, "kind": "seats", "political_legal": "true", "unit": UNIT_ID}
    for path in ("/imports", "/comparisons"):
        none = await door.client.post(path, data=chosen, files={"other": ("", b"")}, headers=OURS)
        refused = await door.client.post(path, data=chosen, files={"file": ("a.xlsx", b"MZ")}, headers=OURS)

        assert (none.status_code, refused.status_code) == (422, 409)
        assert "没有选择文件" in none.text
        assert "原因：&lt;script&gt;" in refused.text
        assert "文件“a.xlsx”：" in refused.text
        assert f'value="{UNIT_ID}"' in refused.text
        kept = '<option value="seats" selected>' if path == "/imports" else f'<option value="{UNIT_ID}" selected>'
        assert kept in none.text
        assert kept in refused.text


async def test_a_file_sent_after_the_session_ended_is_not_kept_but_what_was_chosen_is(door: Door) -> None:
    ended = await door.client.post("/imports", data={"csrf": "old", "kind": "seats"}, files={"file": ("a.xlsx", b"x" * 9000)}, headers=OURS)

    assert ended.status_code == 401
    assert 'name="kept.kind" value="seats"' in ended.text
    assert "请在继续后重新选择" in ended.text
    assert door.played.asked == []


async def test_a_file_of_another_session_is_not_passed_on(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    late = {"files": {"file": ("a.xlsx", b"x")}, "headers": OURS}
    forged = await door.client.post("/imports", data={"csrf": "csrf-other", "kind": "seats"}, **late)  # type: ignore[arg-type]

    assert forged.status_code == 403
    assert {path for _, path, _, _ in door.played.asked} == {"/sessions/token"}


@pytest.mark.parametrize(
    ("page", "service", "name"),
    [
        (f"/imports/{ID}/result", f"/imports/{ID}/result", "核对结果-名册.xlsx"),
        ("/imports/templates/roster", "/templates/roster", "人员模板.xlsx"),
        (f"/exports/roster/{ID}/file", f"/exports/{ID}/file", "名册-20260918.csv"),
    ],
)
async def test_a_file_that_is_handed_out_keeps_its_name_and_runs_nothing(door: Door, page: str, service: str, name: str) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    told = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "content-type": "text/csv",
        "set-cookie": "a=b",
        "server": "x",
    }
    door.played.answers[service] = httpx.Response(200, headers=told, content=b"<script>alert(1)</script>")
    answer = await door.client.get(page)

    assert (answer.status_code, answer.content) == (200, b"<script>alert(1)</script>")
    assert answer.headers["content-disposition"] == told["content-disposition"]
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")
    assert "set-cookie" not in answer.headers
    assert "server" not in answer.headers


async def test_what_cannot_be_handed_out_is_said_on_a_page(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    door.played.refusals |= {f"/imports/{ID}/result": (409, "not_your_file"), f"/exports/{ID}/file": (404, "export_unknown")}
    theirs, unknown = await door.client.get(f"/imports/{ID}/result"), await door.client.get(f"/exports/roster/{ID}/file")
    nowhere = [
        await door.client.get(path) for path in ("/imports/templates/passwd", f"/exports/seal/{ID}", "/exports/new?service=x&list=y")
    ]

    assert (theirs.status_code, unknown.status_code, [each.status_code for each in nowhere]) == (409, 404, [404, 404, 404])
    assert "不行" in theirs.text


@pytest.mark.parametrize(("path", "service"), [("/imports", "imports"), ("/comparisons", "comparisons"), ("/exports/roster", "exports")])
async def test_progress_goes_on_where_the_browser_was_and_ends_when_the_job_rests(door: Door, path: str, service: str) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    door.played.answers[f"/{service}/{ID}/progress"] = httpx.Response(200, content=b"id: 8\nevent: progress\ndata: {}\n\n")
    moved = await door.client.get(f"{path}/{ID}/progress", headers={"last-event-id": "7"})
    door.played.answers[f"/{service}/{ID}/progress"] = httpx.Response(204)
    rests = await door.client.get(f"{path}/{ID}/progress")
    heard = [headers.get("last-event-id") for _, asked, _, headers in door.played.asked if asked.endswith("/progress")]

    assert (moved.status_code, moved.headers["content-type"], rests.status_code) == (200, "text/event-stream; charset=utf-8", 204)
    assert moved.text.startswith("id: 8")
    assert heard == ["7", None]


async def test_a_file_with_errors_is_written_only_as_its_button_says(door: Door) -> None:
    csrf = door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    page = (await door.client.get(f"/imports/{ID}")).text
    typed = {"csrf": csrf, "rows": "valid", "document_no": "编委〔2026〕3号", "reason": "建账"}
    written = await door.client.post(f"/imports/{ID}/apply", data=typed, headers=OURS)
    door.played.refusals[f"POST /imports/{ID}/apply"] = (409, "import_not_checked")
    refused = await door.client.post(f"/imports/{ID}/apply", data=typed | {"rows": "all"}, headers=OURS)

    assert "只写入无误的 4 行" in page
    assert 'name="rows" value="valid"' in page
    assert (written.status_code, written.headers["location"]) == (303, f"/imports/{ID}")
    body = {"reason": "建账", "document_no": "编委〔2026〕3号"}
    assert sent(door, f"/imports/{ID}/apply") == [body | {"accept_valid": True}, body | {"accept_valid": False}]
    assert refused.status_code == 409
    assert 'value="编委〔2026〕3号"' in refused.text


@pytest.mark.parametrize(
    ("state", "rows", "said"),
    [
        ("import_checked", {"same": 4}, "4 行名册中都已有，没有要写入的内容"),
        ("import_checked", {"left_out": 4}, "文件中没有要写入的行"),
        ("import_checked", {}, "文件中没有要写入的行"),
        ("import_applied", {"same": 4}, "没有要写入的内容，名册没有变动"),
    ],
)
async def test_a_file_that_changes_nothing_says_so(door: Door, state: str, rows: dict[str, int], said: str) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    sheets = {"roster": SHEET | dict.fromkeys(("added", "changed", "wrong"), 0) | rows}
    door.played.answers[f"/imports/{ID}"] = IMPORT | {"state": state, "errors": 0, "sheets": sheets, "refused": [], "written": {}}

    page = (await door.client.get(f"/imports/{ID}")).text

    assert said in page
    assert ("已写入。" in page, "写入 " in page) == (False, False)


async def test_of_a_check_that_was_cancelled_no_half_is_shown(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    cancelled: dict[str, Any] = {
        "state": "import_cancelled",
        "state_label": "已取消",
        "checked_at": None,
        "errors": 0,
        "warnings": 0,
        "sheets": {},
    }
    door.played.answers[f"/imports/{ID}"] = IMPORT | cancelled

    page = (await door.client.get(f"/imports/{ID}")).text

    assert "核对没有完成" in page
    assert [word for word in ("h-problems", "h-changes", "下载带核对结果", "没有数据行") if word in page] == []


async def test_what_was_written_tells_when_and_by_which_document(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    written = {
        "state": "import_applied",
        "written": {"persons": 2, "already": 0},
        "ended_at": "2026-09-18T01:30:00Z",
        "document_no": f"望编〔2026〕88号{XSS}",
    }
    pages = []
    for more in ({}, {"document_no": None}):
        door.played.answers[f"/imports/{ID}"] = IMPORT | written | more
        pages.append((await door.client.get(f"/imports/{ID}")).text)

    assert "2026-09-18 09:30 写入，依据 望编〔2026〕88号&lt;script&gt;" in pages[0]
    assert "2026-09-18 09:30 写入。" in pages[1]


async def test_a_cancelled_writing_tells_how_the_rest_comes_in(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    cancelled = {
        "state": "import_cancelled",
        "state_label": "已取消",
        "written": {"units": 1, "already": 0},
        "left": "把同一文件再导入一次<b>",
    }
    door.played.answers[f"/imports/{ID}"] = IMPORT | cancelled

    page = (await door.client.get(f"/imports/{ID}")).text

    assert "把同一文件再导入一次&lt;b&gt;" in page


async def test_an_import_that_runs_is_watched_and_read_again_without_a_script(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    door.played.answers[f"/imports/{ID}"] = IMPORT | {"state": "import_applying", "state_label": "写入中", "units_done": 1}
    page, part = (
        (await door.client.get(f"/imports/{ID}")).text,
        (await door.client.get(f"/imports/{ID}", headers={"hx-request": "true"})).text,
    )
    door.played.answers[f"/imports/{ID}"] = IMPORT | {"actor": "someone"}
    rests = (await door.client.get(f"/imports/{ID}")).text

    assert f'data-watch="/imports/{ID}/progress"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "已写入 1 / 2 个单位" in part
    assert "<html" not in part
    assert "data-watch" not in rests
    assert f"/imports/{ID}/result" not in rests  # of another's file


async def test_a_list_is_asked_for_as_the_form_says_and_a_refusal_keeps_it(door: Door) -> None:
    csrf = door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    door.played.answers["POST /exports"] = JOB
    typed: dict[str, Any] = {
        "csrf": csrf,
        "service": "roster",
        "list": "roster",
        "by.unit": UNIT_ID,
        "by.as_of": "2026-01-01",
        "by.population": "",
    }
    typed |= {"format": "csv", "fields": ["name"], "unmasked": "true", "reason": "核对台账"}
    asked = await door.client.post("/exports/new", data=typed, headers=OURS)
    door.played.refusals["POST /exports"] = (409, "export_reason_missing")
    refused = await door.client.post("/exports/new", data=typed, headers=OURS)

    assert (asked.status_code, asked.headers["location"]) == (303, f"/exports/roster/{ID}")
    body = {"list": "roster", "filters": {"unit": UNIT_ID, "as_of": "2026-01-01"}, "format": "csv", "fields": ["name"]}
    assert sent(door, "/exports")[0] == body | {"unmasked": True, "reason": "核对台账"}
    assert refused.status_code == 409
    for kept in (
        f'<option value="{UNIT_ID}" selected>',
        'value="2026-01-01"',
        'value="csv" selected',
        'value="name" checked',
        "核对台账</textarea>",
    ):
        assert kept in refused.text
    assert 'name="unmasked" value="true" checked' in refused.text


async def test_only_who_may_reveal_is_offered_unmasked_values(door: Door) -> None:
    answers(door)
    shown = {}
    for role in (Role.BUSINESS_OFFICER, Role.UNIT_CLERK):
        door.sign_in(role)
        shown[role] = (await door.client.get("/exports/new?service=roster&list=roster")).text

    assert ['name="unmasked"' in text for text in shown.values()] == [True, False]
    assert "脱敏形式" in shown[Role.UNIT_CLERK]


async def test_of_an_export_that_came_to_no_file_no_rows_are_told(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER, Role.AUDIT_ADMIN)
    pages = ("/exports", f"/exports/roster/{ID}", "/admin/exports")
    told: dict[str, list[bool]] = {}
    for state in ("export_done", "export_running", "export_cancelled", "export_failed"):
        job = JOB | {"state": state, "rows_total": 6_000, "rows_done": 4_321, "downloads": [], "narrowed": ""}
        door.played.answers |= {
            "/exports": {"items": [job], "next": None},
            f"/exports/{ID}": job,
            "/exports/audit": {"items": [job], "next": None},
        }
        told[state] = ["4,321" in (await door.client.get(page)).text for page in pages]

    assert told == {"export_done": [True] * 3, "export_running": [True] * 3, "export_cancelled": [False] * 3, "export_failed": [False] * 3}


async def test_exports_of_a_service_that_is_away_are_missed_and_the_others_shown(door: Door) -> None:
    door.sign_in(Role.OBSERVER)
    answers(door)
    door.played.refusals |= {"GET /exports": (503, "unavailable"), "/exports/lists": (503, "unavailable")}
    page = await door.client.get("/exports")

    assert page.status_code == 200
    assert page.text.count("暂时取不到") == 10


async def test_a_difference_offers_what_the_service_allows_and_a_refusal_keeps_the_words(door: Door) -> None:
    answers(door)
    clerk = door.sign_in(Role.UNIT_CLERK)
    door.played.answers[f"/differences/{ID}"] = DIFFERENCE | {"moves": [], "may_accept": False}
    his = (await door.client.get(f"/differences/{ID}")).text
    door.played.refusals[f"POST /differences/{ID}/answer"] = (409, "difference_reason_missing")
    typed = {"csrf": clerk, "reason": "以毕业证书为准", "document_no": "甲函〔2026〕3号"}
    refused = await door.client.post(f"/differences/{ID}/answer", data=typed, headers=OURS)
    door.sign_in(Role.BUSINESS_OFFICER)
    door.played.answers[f"/differences/{ID}"] = DIFFERENCE
    office = (await door.client.get(f"/differences/{ID}")).text

    assert ("采用上级登记" in office, pressed_by_enter(office)) == (True, [])
    assert [f"/differences/{ID}/{deed}" in his for deed in ("answer", "move", "accept", "reveal")] == [True, False, False, False]
    assert [f"/differences/{ID}/{deed}" in office for deed in ("answer", "move", "accept", "reveal")] == [False, True, True, True]
    assert (refused.status_code, "以毕业证书为准</textarea>" in refused.text, 'value="甲函〔2026〕3号"' in refused.text) == (
        409,
        True,
        True,
    )


async def test_sensitive_values_are_shown_once_and_never_in_an_address(door: Door) -> None:
    csrf = door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    door.played.answers[f"/differences/{ID}/reveal"] = {"id_number": "330401197905171234", "ours": "01", "theirs": "02"}
    seen = await door.client.post(f"/differences/{ID}/reveal", data={"csrf": csrf, "reason": "与证书核对"}, headers=OURS)
    after = await door.client.get(f"/differences/{ID}")

    assert (seen.status_code, "330401197905171234" in seen.text, "330401197905171234" in after.text) == (200, True, False)
    assert sent(door, f"/differences/{ID}/reveal") == [{"reason": "与证书核对"}]


async def test_ones_exports_are_turned_page_by_page_over_all_services(door: Door) -> None:
    door.sign_in(Role.OBSERVER)
    answers(door)
    door.played.answers["roster/exports"] = {"items": [JOB], "next": ID}
    first = (await door.client.get("/exports")).text
    cursor = "~".join([ID] * 5)
    await door.client.get(f"/exports?after={cursor}", headers={"hx-request": "true"})

    asked = [dict(query).get("after") for _, path, query in door.played.queries if path == "/exports"]
    assert f"/exports?after={cursor}" in first
    assert asked == [None] * 5 + [ID] * 5


async def test_a_file_whose_time_is_over_is_offered_no_more(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    applied = IMPORT | {"state": "import_applied", "state_label": "已写入"}
    pages = []
    for until in (applied["keep_until"], "2020-10-18T01:12:00Z"):
        door.played.answers[f"/imports/{ID}"] = applied | {"keep_until": until}
        pages.append((await door.client.get(f"/imports/{ID}")).text)

    assert [f'href="/imports/{ID}/result"' in page for page in pages] == [True, False]
    assert ["文件保存到 2998-10-18" in page for page in pages] == [True, False]
    assert ["文件已于 2020-10-18 保存期满删除" in page for page in pages] == [False, True]
