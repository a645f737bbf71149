"""What every answer carries and what no client may do: the header set, patience with slow bodies and heads, and a rate for each caller."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware, RequestBodyLimitResponder
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.errors import DomainError

BODY_WITHIN = 120.0
"""Seconds for a whole body: 60 MB at 4 Mbit/s."""
HEAD_WITHIN = 10.0
HEAD_LIMIT = 64 * 1024
"""Bytes; what comes in one piece (of at most 256 KB) may be more."""
CALLERS = 10_000
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}


class TooSlow(HTTPException):
    """The body did not come in time."""

    def __init__(self) -> None:
        super().__init__(408, headers={"Connection": "close"})


class TooMany(DomainError):  # noqa: N818  named as the fact it states
    """More requests than one caller may send; nothing was done. `wait`: seconds until the next may come."""

    code = "too_many_requests"
    sentence = "您的请求过于频繁，本次请求未生效。请 {wait} 秒后再试。"


class Guarded:
    """ASGI middleware: the header set on every answer, and an end to bodies that drip."""

    def __init__(self, app: ASGIApp, headers: Mapping[bytes, bytes] = HEADERS) -> None:
        self._app, self._headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Headers that a route has set itself stay."""
        if scope["type"] == "http":
            receive, send = _patient(receive), _with_headers(send, self._headers)
        await self._app(scope, receive, send)


def _with_headers(send: Send, headers: Mapping[bytes, bytes]) -> Send:
    async def answered(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given = message.get("headers", [])
            present = {name.lower() for name, _ in given}
            message["headers"] = [*given, *((name, value) for name, value in headers.items() if name not in present)]
        await send(message)

    return answered


def _patient(receive: Receive) -> Receive:
    """Raises TooSlow until the body is whole; afterwards it waits for ever, as streams do that watch for their client's end."""
    ends: float | None = None
    whole = False

    async def received() -> MutableMapping[str, Any]:
        nonlocal ends, whole
        if whole:
            return await receive()
        ends = ends or asyncio.get_running_loop().time() + BODY_WITHIN
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        whole = not message.get("more_body", False)
        return message

    return received


class Limited(RequestBodyLimitMiddleware):
    """Starlette's limit of a body (a route may have another), told by our own answer: its own would be English, and without the header set."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Whoever reads beyond the limit, or finds that more is announced, raises what the application answers as 413."""
        app = _Limit(self.app, self.max_body_size) if scope["type"] == "http" else self.app
        await app(scope, receive, send)


class _Limit(RequestBodyLimitResponder):
    async def send_with_limit(self, message: MutableMapping[str, Any]) -> None:
        await self.send(message)


class Rates:
    """A bucket per caller: it holds the requests of a time (seconds; a minute) and fills evenly. 0: no limit."""

    def __init__(self, requests: int, seconds: float = 60.0) -> None:
        self._full, self._per_second = float(requests), requests / seconds
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """One request. Raises TooMany."""
        if not self._full:
            return
        now = time.monotonic()
        left, at = self._left.pop(caller, (self._full, now))
        left = min(self._full, left + (now - at) * self._per_second)
        self._left[caller] = (max(left - 1, 0.0) if left >= 1 else left, now)
        if len(self._left) > CALLERS:
            self._left.popitem(last=False)
        if left < 1:
            raise TooMany(wait=math.ceil((1 - left) / self._per_second))

    def give_back(self, caller: str) -> None:
        """The request last taken shall not count."""
        if caller in self._left:
            left, at = self._left[caller]
            self._left[caller] = (min(self._full, left + 1), at)


class Impatient(HttpToolsProtocol):
    """uvicorn's protocol, hanging up on a client whose request head does not come in time, or grows without end, as trailers may: the parser keeps it
    whole, and copies it anew with each piece.
    """

    _late: asyncio.TimerHandle
    _fruitless = 0
    """Bytes since a head was whole, a piece of a body was read, or a request was over."""

    def data_received(self, data: bytes) -> None:
        """A piece of a request."""
        self._fruitless += len(data)
        super().data_received(data)
        if self._fruitless > HEAD_LIMIT:
            self.transport.close()

    def on_body(self, body: bytes) -> None:
        """A piece of a body is read."""
        self._fruitless = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is over."""
        self._fruitless = 0
        super().on_message_complete()

    def on_message_begin(self) -> None:
        """The first bytes of a head are here."""
        super().on_message_begin()
        self._late.cancel()
        self._late = self.loop.call_later(HEAD_WITHIN, self.transport.close)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._late.cancel()
        self._fruitless = 0
        super().on_headers_complete()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Nothing came yet: that too has an end."""
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_WITHIN, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._late.cancel()
        super().connection_lost(exc)
