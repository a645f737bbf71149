"""How far a job is, as server-sent events: what its row says, again whenever its `step` has risen, until it rests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Header, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

LastEventId = Annotated[int, Header(alias="Last-Event-ID")]
EVENTS = "text/event-stream"
_GLANCE, _SIGN_OF_LIFE = 0.5, 15.0


@dataclass(frozen=True)
class Progress:
    """A job at one moment; `step` rises with everything a watcher can see, and is the id of the event."""

    step: int
    shown: BaseModel
    rests: bool


Look: TypeAlias = Callable[[], Awaitable[Progress]]


async def watched(look: Look, seen: int) -> Response:
    """The answer of a route: events from the step after `seen` on, so a watcher goes on where he was.

    The stream ends when the job rests; who has seen that already gets 204 and need not come again. What `look` refuses at first is refused.
    """
    first = await look()
    if first.rests and first.step <= seen:
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(first, look, seen), media_type=EVENTS, headers=headers)


async def _events(found: Progress, look: Look, seen: int) -> AsyncIterator[str]:
    """One event per step that somebody looked at; a comment now and then keeps the line open."""
    silent = 0.0
    while True:
        if found.step > seen:
            seen, silent = found.step, 0.0
            yield f"id: {seen}\nevent: progress\ndata: {found.shown.model_dump_json()}\n\n"
        elif silent >= _SIGN_OF_LIFE:
            silent = 0.0
            yield ": still here\n\n"
        if found.rests:
            return
        await asyncio.sleep(_GLANCE)
        silent += _GLANCE
        found = await look()
