"""督办清单: editions, one of them with its lines, and what may be done with it."""

import json
import re
from typing import Any

import pytest

from shared.glossary import Role
from tests.portal import given
from tests.portal.conftest import OURS, XSS, Door

pytestmark = pytest.mark.asyncio
LIST = given.PERSON_ID
PAGE = f"/supervision-lists/{LIST}"
HEAD: dict[str, Any] = {
    "id": LIST, "number": "望编督〔2026〕3号", "unit_id": given.UNIT_ID, "unit": f"第一小学{XSS}", "iso_week": "2026-W09",
    "issued_at": "2026-02-24T01:00:00Z", "made_at": "2026-02-27T08:00:00Z", "released_by": None, "released_at": None, "sealed_at": None, "sealed_sha256": None, "signer": None,
    "held": None, "acknowledged_by": None, "acknowledged_at": None, "standing": "awaiting_release", "standing_label": "待用印",
    "new": 1, "carried": 0, "overdue": 1, "cleared": 0,
}  # fmt: skip
LINE: dict[str, Any] = {
    "line_no": 1, "issue_id": given.PARENT_ID, "kind": "new_line", "kind_label": "新增", "rule": "M01", "level": "red", "state": "rectifying",
    "matter": f"超编 1 名{XSS}", "document_no": None, "measure": XSS, "found_on": "2026-02-20", "due_at": None, "remaining": 4,
}  # fmt: skip
EDITION = HEAD | {
    "lines": [LINE | {"kind": "overdue_line", "line_no": 2, "remaining": 0}, LINE],
    "audit_heads": [{"service": "roster", "number": 5, "head": "ab" * 32}],
    "actions": ["release"],
}
SEALED = EDITION | {
    "released_by": "sealer", "released_at": "2026-02-27T09:00:00Z", "sealed_at": "2026-02-27T09:01:00Z", "sealed_sha256": "cd" * 32,
    "signer": f"编办{XSS}", "standing": "awaiting_acknowledgement", "standing_label": "待签收", "actions": ["acknowledge"],
}  # fmt: skip


@pytest.fixture
def listed(door: Door) -> Door:
    door.played.answers |= {
        "/supervision-lists": {"items": [HEAD], "next": "more"},
        PAGE: EDITION,
        "/figures/distribution": {"items": [], "totals": []},
        "/colleagues": {"sealer": "何用印"},
    }
    return door


@pytest.mark.parametrize("path", ["/supervision-lists", PAGE])
async def test_nothing_planted_is_markup(listed: Door, path: str) -> None:
    listed.sign_in(Role.SUPERVISION_OFFICER)
    pages = [await listed.client.get(path) for listed.played.answers[PAGE] in (EDITION, SEALED)]

    for page in pages:
        assert page.status_code == 200
        assert "第一小学&lt;script&gt;" in page.text
        assert not re.findall(r"<script>alert|<img src=x", page.text)


async def test_a_week_that_there_is_not_is_refused_and_not_passed_over(listed: Door) -> None:
    listed.sign_in(Role.UNIT_CLERK)
    listed.played.refusals["/supervision-lists"] = (422, "malformed")
    listed.played.fields = [{"field": "week", "reason": "应为某年的第几周，如 2026-W49"}]
    page = await listed.client.get("/supervision-lists?week=39")
    part = await listed.client.get("/supervision-lists?week=2026-W99", headers={"hx-request": "true"})

    assert [dict(query).get("week") for _, path, query in listed.played.queries if path == "/supervision-lists"] == ["39", "2026-W99"]
    assert [(each.status_code, "周次：应为某年的第几周" in each.text, "<html" in each.text) for each in (page, part)] == [
        (422, True, True),
        (422, True, False),
    ]


@pytest.mark.parametrize(("made", "told"), [("2026-02-27T08:00:00Z", "截至 2026-02-27 16:00"), (None, "编成时的情况")])
async def test_an_edition_tells_when_it_was_due_and_when_it_was_made(listed: Door, made: str | None, told: str) -> None:
    listed.played.answers[PAGE] = EDITION | {"made_at": made}
    listed.sign_in(Role.SUPERVISION_OFFICER)
    page = (await listed.client.get(PAGE)).text

    assert ("应发" in page, "2026-02-24 09:00" in page, "生成</span>" in page, told in page) == (True, True, made is not None, True)
    assert "4 个工作日" in page


async def test_the_newest_edition_comes_first_and_what_is_asked_for_goes_to_the_service(listed: Door) -> None:
    listed.sign_in(Role.UNIT_CLERK)
    await listed.client.get("/supervision-lists")
    part = await listed.client.get("/supervision-lists?week=2026-W09&standing=acknowledged&sort=unit&q=3", headers={"hx-request": "true"})

    asked = [dict(query) for _, path, query in listed.played.queries if path == "/supervision-lists"]
    assert asked == [{"sort": "-issued"}, {"week": "2026-W09", "standing": "acknowledged", "q": "3", "sort": "unit"}]
    assert "2026 年第 9 周" in part.text
    assert "打印的是其中一页，共 1 条，后面还有。" in part.text  # on paper, where nothing turns the page
    assert "<html" not in part.text


async def test_lines_stand_under_their_kind_and_lead_to_their_issues_beside_the_units_own_editions(listed: Door) -> None:
    listed.sign_in(Role.UNIT_CLERK)
    page = (await listed.client.get(PAGE)).text

    assert page.index("超期（1）") < page.index("新增（1）")
    others = [dict(query) for _, path, query in listed.played.queries if path == "/supervision-lists"]
    assert others == [{"unit": given.UNIT_ID, "below": "false", "sort": "-issued", "limit": "6"}]
    assert page.count(f'href="/issues/{given.PARENT_ID}"') == 2
    assert f'href="/lights/{given.UNIT_ID}"' in page


async def test_a_draft_is_for_the_office_and_the_sealed_file_for_all(listed: Door) -> None:
    def files(page: str) -> set[str]:
        return set(re.findall(rf'href="{PAGE}/(\w+)"', page))

    found = {}
    for role in (Role.SUPERVISION_OFFICER, Role.UNIT_CLERK):
        listed.sign_in(role)
        for listed.played.answers[PAGE] in (EDITION, SEALED):
            found[role, listed.played.answers[PAGE]["standing"]] = files((await listed.client.get(PAGE)).text)

    assert found == {
        (Role.SUPERVISION_OFFICER, "awaiting_release"): {"xlsx"},
        (Role.SUPERVISION_OFFICER, "awaiting_acknowledgement"): {"xlsx", "pdf"},
        (Role.UNIT_CLERK, "awaiting_release"): set(),
        (Role.UNIT_CLERK, "awaiting_acknowledgement"): {"xlsx", "pdf"},
    }


async def test_the_seal_operator_releases_and_the_unit_acknowledges(listed: Door) -> None:
    mark = {"csrf": listed.sign_in(Role.SEAL_OPERATOR), "request_key": "k-12345678"}
    shown = (await listed.client.get(PAGE)).text
    released = await listed.client.post(f"{PAGE}/release", data=mark | {"reason": "核对无误。"}, headers=OURS)
    mark = {"csrf": listed.sign_in(Role.UNIT_HEAD), "request_key": "k-12345679"}
    listed.played.answers[PAGE] = SEALED
    sealed = (await listed.client.get(PAGE)).text
    acknowledged = await listed.client.post(f"{PAGE}/acknowledgement", data=mark, headers=OURS)

    assert "登记用印并送签章" in shown
    assert "何用印" in sealed
    assert (released.status_code, released.headers["location"]) == (303, f"{PAGE}?done=released")
    assert (acknowledged.status_code, acknowledged.headers["location"]) == (303, f"{PAGE}?done=acknowledged")
    sent = {
        path: (json.loads(body), headers["idempotency-key"])
        for method, path, body, headers in listed.played.asked
        if method == "POST" and PAGE in path
    }
    assert sent == {f"{PAGE}/release": ({"reason": "核对无误。"}, "k-12345678"), f"{PAGE}/acknowledgement": ({}, "k-12345679")}


async def test_a_refused_release_says_why_and_keeps_what_was_typed(listed: Door) -> None:
    csrf = listed.sign_in(Role.SEAL_OPERATOR)
    listed.played.refusals[f"{PAGE}/release"] = (409, "list_already_released")
    page = await listed.client.post(f"{PAGE}/release", data={"csrf": csrf, "reason": f"已核对{XSS}"}, headers=OURS)

    assert page.status_code == 409
    assert "原因：&lt;script&gt;" in page.text
    assert ">已核对&lt;script&gt;" in page.text


async def test_files_are_passed_on_as_files_that_run_nothing(listed: Door) -> None:
    listed.sign_in(Role.UNIT_CLERK)
    listed.played.files[f"{PAGE}/pdf"] = (b"%PDF-1.7", "application/pdf", "inline; filename*=UTF-8''1.pdf")
    answers = [await listed.client.get(f"{PAGE}/{kind}") for kind in ("xlsx", "pdf")]

    for answer in answers:
        assert (answer.status_code, answer.headers["cache-control"], answer.headers["x-content-type-options"]) == (
            200,
            "no-store",
            "nosniff",
        )
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answers[1].headers["content-disposition"] == "inline; filename*=UTF-8''1.pdf", "the name that the service gives it"


async def test_an_edition_of_another_unit_is_not_found(listed: Door) -> None:
    listed.sign_in(Role.UNIT_CLERK)
    listed.played.refusals |= {PAGE: (404, "list_unknown"), f"{PAGE}/pdf": (404, "list_unknown")}

    assert {(await listed.client.get(path)).status_code for path in (PAGE, f"{PAGE}/pdf")} == {404}


@pytest.mark.parametrize(("held", "said"), [("list_damaged", "存档文件缺失或已被改动"), ("list_not_drawable", "现有字库不能显示的字")])
async def test_a_held_edition_says_what_has_to_be_mended(listed: Door, held: str, said: str) -> None:
    listed.sign_in(Role.SUPERVISION_OFFICER)
    listed.played.answers[PAGE] = EDITION | {"held": held}

    assert said in (await listed.client.get(PAGE)).text


@pytest.mark.parametrize("path", ["/supervision-lists", "/issues", "/freeze-orders"])
async def test_a_list_of_one_unit_alone_is_asked_for_as_that_and_stays_that_on_its_further_pages(listed: Door, path: str) -> None:
    listed.sign_in(Role.SUPERVISION_OFFICER)
    listed.played.answers |= {"/issues": {"items": [], "next": "more"}, "/freeze-orders": {"items": [], "next": "more"}}
    listed.played.answers[f"/units/{given.UNIT_ID}"] = given.UNIT
    page = await listed.client.get(f"{path}?unit={given.UNIT_ID}&below=false")
    (asked,) = [dict(query) for _, sent, query in listed.played.queries if sent == path]

    assert page.status_code == 200, page.text
    assert (asked["unit"], asked["below"]) == (given.UNIT_ID, "false")
    assert re.search(r'name="below" value="false" checked', page.text)


async def test_all_editions_beside_an_edition_are_those_of_its_unit_as_the_few_shown_are(listed: Door) -> None:
    listed.sign_in(Role.SUPERVISION_OFFICER)
    page = await listed.client.get(PAGE)

    assert f'href="/supervision-lists?unit={given.UNIT_ID}&amp;below=false"' in page.text
