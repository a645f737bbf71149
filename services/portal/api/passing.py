"""Files and events of a service, passed on to the browser piece by piece; events for as long as the session goes on."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.portal.api.door import Page
from shared.progress import EVENTS

PASSED = ("content-type", "content-disposition", "content-length")
AS_EVENTS = {"content-type": f"{EVENTS}; charset=utf-8", "x-accel-buffering": "no"}
AS_FILE = {"content-security-policy": "sandbox; default-src 'none'"}
"""What is handed out runs nothing, should a browser show it."""
GLANCE = 5.0
"""Seconds. A stream of events speaks every fifteen at least; one that speaks more often is not asked about its session each time."""


class Passed(StreamingResponse):
    """Pieces of an answer that stays open behind this one until it is over, also when nobody reads a piece of it."""

    def __init__(self, opened: AsyncExitStack, pieces: AsyncIterator[bytes], status: int, headers: Mapping[str, str]) -> None:
        super().__init__(pieces, status, headers)
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and close what was opened."""
        async with self._opened:
            await super().__call__(scope, receive, send)


async def passed_on(source: Any, headers: Mapping[str, str] | None = None) -> Passed:
    """What `page.stream` opens, with the headers that say what it is; `headers` say it better. Raises Refused, SessionEnded, Away."""
    opened = AsyncExitStack()
    answer: httpx.Response = await opened.enter_async_context(source)
    told = {name: answer.headers[name] for name in PASSED if name in answer.headers}
    if "content-encoding" in answer.headers:  # it is undone on the way
        told.pop("content-length", None)
    return Passed(opened, answer.aiter_bytes(), answer.status_code, told | dict(headers or {}))


async def events_of(page: Page, service: str, path: str, **query: Any) -> Passed:
    """Server-sent events, from where the browser was (`Last-Event-ID`) or its page (`since`). They end soon after the session does."""
    opened = AsyncExitStack()
    answer: httpx.Response = await opened.enter_async_context(page.stream(service, path, **query))
    return Passed(opened, _while_signed_in(page, answer), answer.status_code, AS_EVENTS)


async def _while_signed_in(page: Page, answer: httpx.Response) -> AsyncIterator[bytes]:
    glanced = time.monotonic()
    async for piece in answer.aiter_bytes():
        if time.monotonic() - glanced > GLANCE:
            if not await page.goes_on():
                return
            glanced = time.monotonic()
        yield piece
