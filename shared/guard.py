"""What every answer carries and what no client may do: the header set, patience with slow bodies and heads, and a rate for each caller."""

import asyncio
import math
import re
import socket
import time
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware, RequestBodyLimitResponder
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.errors import DomainError

BODY_WITHIN = 120.0
"""Seconds for a whole body: 60 MB at 4 Mbit/s."""
LEFT_WITHIN, SILENT_WITHIN, LEFT_LIMIT = 30.0, 2.0, 64 * 2**20
"""The rest of a body that nobody reads: seconds in which it may come, and without any piece of it; bytes that are taken."""
TAKEN_WITHIN = 120.0
"""Seconds in which a client has to take what waits for it."""
HEAD_WITHIN = 10.0
HEAD_LIMIT = 64 * 1024
"""Bytes; what comes in one piece (of at most 256 KB) may be more."""
CALLERS = 10_000
_FOREIGN = re.compile(rb"\s*multipart/.*charset(?!=\"?utf-?8\"?\s*(;|$))", re.IGNORECASE | re.DOTALL)
_ANNOUNCING = (b"content-length", b"transfer-encoding")
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


class NotInUtf8(HTTPException):
    """A form of parts that names another way of writing, which could be any that Python knows."""

    def __init__(self) -> None:
        super().__init__(400)


class TooMany(DomainError):  # noqa: N818  named as the fact it states
    """More requests than one caller may send; nothing was done. `wait`: seconds until the next may come."""

    code = "too_many_requests"
    sentence = "您的请求过于频繁，本次请求未生效。请 {wait} 秒后再试。"


class Guarded:
    """ASGI middleware: the header set on every answer, and an end to bodies that drip, or that nobody reads."""

    def __init__(self, app: ASGIApp, headers: Mapping[bytes, bytes] = HEADERS) -> None:
        self._app, self._headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Headers that a route has set itself stay."""
        if scope["type"] == "http":
            body = _Body(scope, receive)
            receive, send = body.asked, body.answering(_with_headers(send, self._headers))
        await self._app(scope, receive, send)


def _with_headers(send: Send, headers: Mapping[bytes, bytes]) -> Send:
    async def answered(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given = message.get("headers", [])
            present = {name.lower() for name, _ in given}
            message["headers"] = [*given, *((name, value) for name, value in headers.items() if name not in present)]
        await send(message)

    return answered


class _Body:
    """The body of a request on its way."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope, self._receive = scope, receive
        self._ends: float | None = None
        self._whole = self._left = False

    async def asked(self) -> MutableMapping[str, Any]:
        """What is read of it. Raises NotInUtf8 and TooSlow."""
        if not self._whole and any(name == b"content-type" and _FOREIGN.match(value) for name, value in self._scope["headers"]):
            raise NotInUtf8
        return await self._receive_in_time()

    async def _receive_in_time(self) -> MutableMapping[str, Any]:
        """Raises TooSlow until the body is whole; afterwards it waits for ever, as streams do that watch for their client's end."""
        if self._whole:
            return await self._receive()
        self._ends = self._ends or asyncio.get_running_loop().time() + BODY_WITHIN
        try:
            async with asyncio.timeout_at(self._ends):
                message = await self._receive()
        except TimeoutError:
            raise TooSlow from None
        self._whole = not message.get("more_body", False)
        return message

    def answering(self, send: Send) -> Send:
        """Whoever is answered before he has sent all reads the answer first, and then the connection is over: what he still sends is no request, and
        a connection that is closed over it is reset, which takes the answer with it.
        """

        async def answered(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._left = not self._whole and any(name in _ANNOUNCING for name, _ in self._scope["headers"])
                message["headers"] = [*message.get("headers", []), *([(b"connection", b"close")] if self._left else [])]
            last = self._left and not message.get("more_body", message["type"] != "http.response.body")
            await send({**message, "more_body": True} if last else message)
            if last:
                await self._thrown_away()
                await send({"type": "http.response.body"})

        return answered

    async def _thrown_away(self) -> None:
        with suppress(TimeoutError, TooSlow):
            async with asyncio.timeout(LEFT_WITHIN):
                thrown = 0
                while not self._whole and thrown < LEFT_LIMIT:
                    async with asyncio.timeout(SILENT_WITHIN):
                        thrown += len((await self._receive_in_time()).get("body", b""))


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
    whole, and copies it anew with each piece. And on one who does not take his answer, which is kept for him.
    """

    _late: asyncio.TimerHandle
    _untaken: asyncio.TimerHandle | None = None
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
        """Nothing came yet: that too has an end. A client who takes nothing at all is the kernel's."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * TAKEN_WITHIN))
        self._late = self.loop.call_later(HEAD_WITHIN, transport.close)

    def pause_writing(self) -> None:
        """More waits for the client than is kept for one."""
        super().pause_writing()
        self._untaken = self.loop.call_later(TAKEN_WITHIN, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken it."""
        super().resume_writing()
        if self._untaken:
            self._untaken.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._late.cancel()
        if self._untaken:
            self._untaken.cancel()
        super().connection_lost(exc)
