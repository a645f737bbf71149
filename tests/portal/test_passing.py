"""What a service sends piece by piece: where events go on, when they end, and that nothing stays open behind them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect

from services.portal.api import passing
from shared.glossary import Role
from tests.portal.conftest import Door

pytestmark = pytest.mark.asyncio
CHANGES = "/lights/changes"
HERE: dict[str, Any] = {"items": [{"id": "s", "current": True}]}


@pytest.fixture
def live(door: Door) -> Door:
    """Three events; the session is asked about before each."""
    door.sign_in(Role.OBSERVER)
    door.played.answers["/me/sessions"] = HERE

    async def events() -> AsyncIterator[bytes]:
        for number in (1, 2, 3):
            yield f"id: {number}\nevent: light\ndata: {{}}\n\n".encode()

    door.played.streams[CHANGES] = events
    return door


def seen(door: Door) -> list[str | None]:
    return [headers.get("last-event-id") for _, path, _, headers in door.played.asked if path == CHANGES]


async def test_events_go_on_where_the_browser_was_or_its_page_and_nothing_else_is_taken_for_a_place(live: Door) -> None:
    for path, headers in (
        ("/lights/live?since=7", {}),
        ("/lights/live?since=7", {"last-event-id": "9"}),
        ("/lights/live?since=%D9%A3", {"last-event-id": ""}),
        ("/wall/changes", {"last-event-id": "9\t8"}),
        ("/wall/changes", {"last-event-id": "9" * 30}),
    ):
        answer = await live.client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert answer.text.count("event: light") == 3

    assert seen(live) == ["7", "9", None, None, None]


async def test_events_end_with_the_session_and_go_on_when_identity_is_away(live: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "GLANCE", -1.0)
    whole = (await live.client.get("/lights/live")).text
    live.played.refusals["/me/sessions"] = (503, "unavailable")
    away = (await live.client.get("/lights/live")).text
    live.played.refusals["/me/sessions"] = (401, "session_ended")
    ended = (await live.client.get("/lights/live")).text
    live.played.refusals.clear()
    live.played.answers["/me/sessions"] = {"items": [{"id": "another", "current": False}]}
    elsewhere = (await live.client.get("/wall/changes")).text

    assert [each.count("event: light") for each in (whole, away, ended, elsewhere)] == [3, 3, 0, 0]


async def test_who_is_not_signed_in_or_may_not_read_lights_hears_nothing(live: Door) -> None:
    live.sign_in(Role.SECURITY_ADMIN)
    refused = await live.client.get("/lights/live")
    live.client.cookies.clear()
    unknown = await live.client.get("/lights/live")

    assert (refused.status_code, unknown.status_code) == (403, 303)
    assert seen(live) == []


class Source(httpx.AsyncByteStream):
    """Something that stays open until it is closed."""

    closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"x"

    async def aclose(self) -> None:
        self.closed = True


async def test_what_nobody_reads_is_closed_all_the_same() -> None:
    source = Source()
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=source)))
    answer = await passing.passed_on(http.stream("GET", "http://service/file"))

    async def gone(_: Any) -> None:
        raise OSError("the browser went away")

    async def nothing() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientDisconnect):
        await answer({"type": "http", "asgi": {"spec_version": "2.4"}}, nothing, gone)

    assert source.closed
