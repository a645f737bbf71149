"""Files and events of a service, passed on to the browser piece by piece."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi.responses import StreamingResponse

from shared.progress import EVENTS

PASSED = ("content-type", "content-disposition", "content-length")
AS_EVENTS = {"content-type": f"{EVENTS}; charset=utf-8", "x-accel-buffering": "no"}
AS_FILE = {"content-security-policy": "sandbox; default-src 'none'"}
"""What is handed out runs nothing, should a browser show it."""


async def passed_on(source: Any, headers: Mapping[str, str] | None = None) -> StreamingResponse:
    """What `page.stream` opens, with the headers that say what it is; `headers` say it better. Raises Refused, SessionEnded, Away."""
    answer = await source.__aenter__()
    told = {name: answer.headers[name] for name in PASSED if name in answer.headers}
    if "content-encoding" in answer.headers:  # it is undone on the way
        told.pop("content-length", None)

    async def pieces() -> AsyncIterator[bytes]:
        try:
            async for piece in answer.aiter_bytes():
                yield piece
        finally:
            await source.__aexit__(None, None, None)

    return StreamingResponse(pieces(), answer.status_code, headers=told | dict(headers or {}))
