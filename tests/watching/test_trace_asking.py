"""`bianban trace` with a service away: what the others know is shown, and who was not asked is said."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from deploy.local.place import Place, WrongPlace
from deploy.trace.asking import finder
from deploy.trace.command import find
from shared.found_traces import Found
from tests.servers import make_secrets

pytestmark = pytest.mark.asyncio
TRACE = "6b0e8526a58f01f2" * 2
BARE = "01a210f8-5bc8-7567-b52b-9533203e1941"
CASE = f"approval:{BARE}"
EVENT = {"recorded_at": datetime(2026, 9, 18, tzinfo=UTC).isoformat(), "title": "已受理", "version": 1, "trace_id": None}


async def asked(folder: Path, answers: Callable[[int], httpx.Response], zipkin: int = 200, what: str = CASE) -> tuple[Found, list[str]]:
    """By the port that is asked; Zipkin has nothing."""
    return await asked_by(folder, lambda request: answers(request.url.port or 0), what, zipkin)


async def asked_by(
    folder: Path, answers: Callable[[httpx.Request], httpx.Response], what: str, zipkin: int = 200
) -> tuple[Found, list[str]]:
    """By what is asked; Zipkin has nothing."""
    place = Place(folder, 0, "test")

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(zipkin, json=[]) if request.url.port == place.port("zipkin") else answers(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        return await find(finder(place, http, make_secrets(folder)), what)


def known(port: int) -> httpx.Response:
    """Approval has an event; roster is not there, monitoring has no database."""
    if port == 18102:
        raise httpx.ConnectError("")
    return httpx.Response(200, json={"events": [EVENT], "workflow": None, "traces": []}) if port == 18103 else httpx.Response(503)


async def test_what_the_others_know_is_shown_with_who_did_not_answer(tmp_path: Path) -> None:
    found, away = await asked(tmp_path, known)

    assert ([each["title"] for each in found.events], away) == (["已受理"], ["roster", "monitoring"])


async def test_a_case_that_nobody_knew_is_not_called_unknown_while_somebody_was_away(tmp_path: Path) -> None:
    with pytest.raises(WrongPlace, match="roster、approval、monitoring 没有应答"):
        await asked(tmp_path, lambda _: httpx.Response(503))


@pytest.mark.parametrize("what", [CASE, TRACE])
async def test_what_zipkin_may_know_is_not_called_unknown_while_it_is_away(tmp_path: Path, what: str) -> None:
    def nothing(_: int) -> httpx.Response:
        return httpx.Response(200, json={"events": [], "workflow": None, "traces": [], "cases": []})

    with pytest.raises(WrongPlace, match="zipkin 没有应答"):
        await asked(tmp_path, nothing, 503, what)
    with pytest.raises(WrongPlace, match="没有"):
        await asked(tmp_path, nothing, 200, what)


def numbered(*cases: str) -> Callable[[httpx.Request], httpx.Response]:
    """Approval knows these of whatever is asked for, and an event of each."""

    def answer(request: httpx.Request) -> httpx.Response:
        approval = request.url.port == 18103
        if request.url.path == "/cases":
            return httpx.Response(200, json=list(cases) if approval and request.url.params["of"] == BARE else [])
        known = approval and request.url.path.removeprefix("/cases/").removesuffix("/trace") in cases
        return httpx.Response(200, json={"events": [EVENT] if known else [], "workflow": None, "traces": []})

    return answer


async def test_a_bare_id_finds_its_case(tmp_path: Path) -> None:
    found, away = await asked_by(tmp_path, numbered(CASE), BARE)

    assert (found.asked, [each["title"] for each in found.events], away) == (CASE, ["已受理"], [])


async def test_a_bare_id_of_an_import_is_known_by_the_roster_alone(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        known = request.url.port == 18102
        if request.url.path == "/cases":
            return httpx.Response(200, json=[f"import:{BARE}"] if known else [])
        return httpx.Response(200, json={"events": [EVENT] if known else [], "workflow": None, "traces": []})

    found, away = await asked_by(tmp_path, answer, BARE)

    assert (found.asked, away) == (f"import:{BARE}", [])


async def test_a_bare_id_of_several_cases_names_them(tmp_path: Path) -> None:
    with pytest.raises(WrongPlace, match="2 个案件：rectification:1:2、rectification:1:1。请写其中之一"):
        await asked_by(tmp_path, numbered("rectification:1:2", "rectification:1:1"), BARE)


async def test_what_nobody_knows_is_told_with_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(WrongPlace, match=r"没有编号为 6b0ee31d2168691b 的案件.*approval:…"):
        await asked_by(tmp_path, numbered(), "6b0ee31d2168691b")


async def test_a_service_that_refuses_is_not_away(tmp_path: Path) -> None:
    with pytest.raises(WrongPlace, match="403"):
        await asked(tmp_path, lambda _: httpx.Response(403))
