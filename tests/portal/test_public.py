"""What is open to everybody: a sealed document judged by file, number or both; the statement on accessibility; descriptions of routes and events."""

import hashlib
import json
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends

from services.portal.rules import described
from shared.auth import PERMISSIONS, Permit, Who
from shared.events import CATALOGUE, asyncapi
from shared.guard import Rates
from shared.http import BODY_LIMIT, serve, service_app
from shared.verification import NotOurs
from tests.portal.conftest import OURS, XSS, Door

pytestmark = pytest.mark.asyncio
NUMBER = "编核〔2026〕12号"
FILE = b"%PDF-1.7 sealed"
ASKED = "/verifications"
PROVEN: dict[str, Any] = {
    "title": f"用编核准通知单{XSS}",
    "document_no": NUMBER,
    "unit": f"第一小学{XSS}",
    "signer": "编办",
    "sealed_at": "2026-09-18T01:12:00Z",
    "sha256": "ab" * 32,
    "revoked_by": None,
}


def issued(door: Door, proven: dict[str, Any] | None, *, file: bytes = FILE, number: str = NUMBER, away: str = "") -> None:
    """Approval knows one document; monitoring none. `door.played` answers by what is asked; the host `away` does not."""

    async def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(await request.aread())
        door.played.asked.append((request.method, request.url.path, asked, request.headers))
        if request.url.host == away:
            return httpx.Response(503, json={"status": 503, "code": "unavailable", "title": "x", "detail": "x"})
        known = asked.get("sha256") == hashlib.sha256(file).hexdigest() or asked.get("document_no") == number
        if proven is None or not known or request.url.host != "approval":
            return httpx.Response(404, json={"status": 404, "code": NotOurs.code, "title": "x", "detail": NotOurs.sentence})
        return httpx.Response(200, json=proven if "sha256" in asked else proven | {"unit": None, "sha256": "ab" * 8})

    door.app.state.services._http._transport = httpx.MockTransport(answer)


async def judged(door: Door, number: str = "", file: bytes | None = None) -> httpx.Response:
    files = {"file": ("通知单.pdf", file)} if file is not None else {"other": ("", b"")}
    return await door.client.post("/verify", data={"document_no": number}, files=files, headers=OURS)


async def test_everybody_may_read_and_nothing_is_asked_of_him(door: Door) -> None:
    pages = [await door.client.get(path) for path in ("/verify", f"/verify?no={XSS}", "/accessibility", "/api-docs")]

    assert {page.status_code for page in pages} == {200}
    assert all(link in pages[0].text for link in ('href="/verify"', 'href="/accessibility"', 'href="/api-docs"'))
    assert "<script>alert(1)" not in pages[1].text
    assert door.played.asked == []


async def test_a_document_is_judged_by_its_file_its_number_or_both(door: Door) -> None:
    issued(door, PROVEN)
    by_file, by_number, both = await judged(door, file=FILE), await judged(door, NUMBER), await judged(door, NUMBER, FILE)
    altered, unknown, nothing = await judged(door, NUMBER, FILE + b" "), await judged(door, file=b"%PDF other"), await judged(door)
    other = await judged(door, "编核〔2026〕13号", FILE)

    for answer in (by_file, by_number, both):
        assert (answer.status_code, "有效：确为本单位签章" in answer.text) == (200, True)
        assert "<script>alert(1)" not in answer.text
    assert "第一小学" in by_file.text
    assert "第一小学" not in by_number.text  # numbers can be guessed
    assert "不能说明您手上的文件没有被改动" in by_number.text
    assert "文件与原件不一致" in altered.text
    assert "没有找到" in unknown.text
    assert "不是所填文号的文书" in other.text
    assert (nothing.status_code, "没有可核验的内容" in nothing.text) == (422, True)


async def test_a_revoked_document_is_ours_but_holds_no_more(door: Door) -> None:
    issued(door, PROVEN | {"revoked_by": "编核〔2026〕40号"})
    answer = await judged(door, NUMBER, FILE)

    assert "已撤销" in answer.text
    assert "编核〔2026〕40号" in answer.text
    assert "有效：" not in answer.text


async def test_only_the_hash_of_a_file_is_passed_on_without_anybodys_token(door: Door) -> None:
    issued(door, PROVEN)
    await judged(door, file=FILE)

    assert [body for _, path, body, _ in door.played.asked if path == ASKED] == [{"sha256": hashlib.sha256(FILE).hexdigest()}] * 2
    assert not any("authorization" in headers or "x-session" in headers for *_, headers in door.played.asked)


async def test_while_an_issuer_is_away_nothing_is_called_false(door: Door) -> None:
    door.played.refusals[ASKED] = (503, "unavailable")
    answer = await judged(door, NUMBER, FILE)

    assert "暂时不能核验" in answer.text
    assert "没有找到" not in answer.text


@pytest.mark.parametrize("revoked_by", [None, "编核〔2026〕40号"])
async def test_a_file_that_an_issuer_could_not_be_asked_about_is_not_proven_by_its_number(door: Door, revoked_by: str | None) -> None:
    issued(door, PROVEN | {"revoked_by": revoked_by}, away="monitoring")
    altered, original, by_number = await judged(door, NUMBER, FILE + b" "), await judged(door, NUMBER, FILE), await judged(door, NUMBER)

    assert ("暂时不能核验" in altered.text, "确为本单位签章" in altered.text) == (True, False)
    assert [("暂时不能核验" in each.text, "确为本单位签章" in each.text) for each in (original, by_number)] == [(False, True)] * 2


async def test_too_large_a_file_is_refused_in_words(door: Door) -> None:
    answer = await judged(door, file=b"x" * (BODY_LIMIT + 1))

    assert (answer.status_code, "提交的内容过大" in answer.text, "仍在草稿中" in answer.text) == (413, True, True)


@pytest.mark.parametrize("path", ["/verify", "/api-docs/roster", "/api-docs/events.json"])
async def test_who_asks_too_often_waits(door: Door, path: str) -> None:
    issued(door, PROVEN)
    door.app.state.rates = Rates(1)
    door.app.state.rates.take("127.0.0.1")
    answer = await (judged(door, NUMBER) if path == "/verify" else door.client.get(path))

    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)
    assert "请求过于频繁" in answer.text
    assert door.played.asked == []


def described_service() -> dict[str, Any]:
    router = APIRouter()

    @router.get("/units/{unit}")
    async def unit(unit: int, _: Annotated[Who, Depends(Permit("roster.maintain", "self"))], as_of: str = "") -> str:
        """What <b>it</b> is."""
        return f"{unit} {as_of}"

    app = service_app("kit", None)  # type: ignore[arg-type]  # it is described, not started
    serve(app, [router])
    return app.openapi()


async def test_routes_are_read_with_who_may_use_them_and_as_they_are(door: Door) -> None:
    door.played.answers["/openapi.json"] = described_service()
    page, whole = await door.client.get("/api-docs/roster"), await door.client.get("/api-docs/roster.json")
    nowhere = [(await door.client.get(f"/api-docs/{part}")).status_code for part in ("portal", "..%2Fx", "portal.json")]

    (line,) = described.routes(described_service(), PERMISSIONS)["units"]
    assert (line.method, line.permission, line.roles, line.rows) == ("GET", "roster.maintain", ("编办业务科",), "本人自己的")
    assert [(each.name, each.needed) for each in line.arguments] == [("unit", True), ("as_of", False)]
    assert "编办业务科" in page.text
    assert "What &lt;b&gt;it&lt;/b&gt; is." in page.text
    assert (whole.headers["content-type"], whole.json()) == ("application/json", described_service())
    assert nowhere == [404, 404, 404]


async def test_every_event_is_read_with_its_fields(door: Door) -> None:
    document = asyncapi.document(tuple(CATALOGUE.types().values()), "1")
    door.played.answers["/asyncapi.json"] = document
    page = (await door.client.get("/api-docs/events")).text

    assert len(document["components"]["messages"]) > 10
    assert [kind for kind in document["components"]["messages"] if f"<code>{kind}</code>" not in page] == []
    assert "单位已登记" in page
